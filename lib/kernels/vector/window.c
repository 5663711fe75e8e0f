/* window.c - see window.h. */
#include "window.h"

#include <string.h>

static void add_to(float *restrict to, const float *restrict from, int64_t n) {
    for (int64_t i = 0; i < n; i++) to[i] += from[i];
}

static void epilogue(float *y, int64_t rows, int64_t o, const float *restrict bias, bool relu) {
    for (int64_t r = 0; r < rows; r++) {
        float *restrict out = y + r * o;
        if (bias) {
            for (int64_t k = 0; k < o; k++) out[k] += bias[k];
        }
        if (relu) {
            for (int64_t k = 0; k < o; k++) out[k] = out[k] < 0.0f ? 0.0f : out[k];
        }
    }
}

static void sum_parts(const float *parts, int64_t count, int64_t stride, int64_t n, float *restrict total,
                      bool accumulate) {
    if (!accumulate) memset(total, 0, sizeof(float) * (size_t)n);
    for (int64_t p = 0; p < count; p++) add_to(total, parts + p * stride, n);
}

const tci_window TCI_TABLE(tci_window) = {
    .epilogue = epilogue,
    .sum_parts = sum_parts,
};
