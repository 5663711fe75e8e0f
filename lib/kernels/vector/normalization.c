/* normalization.c - sums over rows, kept in one accumulator a column so that the loops run along memory. */
#include "normalization.h"

#include <string.h>

static void column_sums(const float *x, int64_t rows, int64_t c, float *restrict sum) {
    memset(sum, 0, sizeof(float) * (size_t)c);
    for (int64_t r = 0; r < rows; r++) {
        const float *restrict row = x + r * c;
        for (int64_t k = 0; k < c; k++) sum[k] += row[k];
    }
}

/* Two passes over a block that is still in cache: no cancellation as in E[x^2] - E[x]^2. */
static void moments(const float *x, int64_t rows, int64_t c, float *restrict mean, float *restrict rest,
                    float *restrict m2) {
    column_sums(x, rows, c, mean);
    for (int64_t k = 0; k < c; k++) mean[k] /= (float)rows;
    memset(rest, 0, sizeof(float) * (size_t)c);
    memset(m2, 0, sizeof(float) * (size_t)c);
    for (int64_t r = 0; r < rows; r++) {
        const float *restrict row = x + r * c;
        for (int64_t k = 0; k < c; k++) {
            float d = row[k] - mean[k];
            rest[k] += d;
            m2[k] += d * d;
        }
    }
}

static void affine(const float *x, int64_t rows, int64_t c, const float *restrict mean,
                   const float *restrict scale, const float *restrict shift, bool relu, float *y) {
    for (int64_t r = 0; r < rows; r++) {
        const float *restrict in = x + r * c;
        float *restrict out = y + r * c;
        if (relu) {
            for (int64_t k = 0; k < c; k++) {
                float value = (in[k] - mean[k]) * scale[k] + shift[k];
                out[k] = value < 0.0f ? 0.0f : value;
            }
        } else {
            for (int64_t k = 0; k < c; k++) out[k] = (in[k] - mean[k]) * scale[k] + shift[k];
        }
    }
}

static void gradient_sums(const float *x, const float *y, const float *dy, int64_t rows, int64_t c,
                          const float *restrict mean, float *restrict sum_g, float *restrict sum_gx) {
    memset(sum_g, 0, sizeof(float) * (size_t)c);
    memset(sum_gx, 0, sizeof(float) * (size_t)c);
    for (int64_t r = 0; r < rows; r++) {
        const float *restrict in = x + r * c, *restrict grad = dy + r * c;
        if (y) {
            const float *restrict out = y + r * c;
            for (int64_t k = 0; k < c; k++) {
                float g = out[k] <= 0.0f ? 0.0f : grad[k];
                sum_g[k] += g;
                sum_gx[k] += g * (in[k] - mean[k]);
            }
        } else {
            for (int64_t k = 0; k < c; k++) {
                sum_g[k] += grad[k];
                sum_gx[k] += grad[k] * (in[k] - mean[k]);
            }
        }
    }
}

static void gradient(const float *x, const float *y, const float *dy, int64_t rows, int64_t c,
                     const float *restrict mean, const float *restrict a, const float *restrict b,
                     const float *restrict d, float *dx, bool accumulate) {
    for (int64_t r = 0; r < rows; r++) {
        const float *restrict in = x + r * c, *restrict grad = dy + r * c;
        const float *restrict out = y ? y + r * c : NULL;
        float *restrict result = dx + r * c;
        for (int64_t k = 0; k < c; k++) {
            float g = out && out[k] <= 0.0f ? 0.0f : grad[k];
            float value = g * a[k] + ((in[k] - mean[k]) * b[k] + d[k]);
            result[k] = accumulate ? result[k] + value : value;
        }
    }
}

const tci_normalization TCI_TABLE(tci_normalization) = {
    .column_sums = column_sums,
    .moments = moments,
    .affine = affine,
    .gradient_sums = gradient_sums,
    .gradient = gradient,
};
