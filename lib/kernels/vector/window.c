/* window.c - windows in and out of matrices.
 *
 * With channels-last pictures one row of a window is one run of memory, KW * C floats (as long as dilation
 * and groups leave it in one piece), so im2col copies runs instead of elements. */
#include "window.h"

#include <string.h>

static void copy(float *restrict to, const float *restrict from, int64_t n) {
    for (int64_t i = 0; i < n; i++) to[i] = from[i];
}

static void add_to(float *restrict to, const float *restrict from, int64_t n) {
    for (int64_t i = 0; i < n; i++) to[i] += from[i];
}

/* Kernel columns [*low, *high) of a window that begins at input column w lie inside the picture. */
static void inside(const tci_conv *d, int64_t w, int64_t *low, int64_t *high) {
    int64_t step = d->dilation_w;
    *low = w >= 0 ? 0 : (-w + step - 1) / step;
    *high = w >= d->w ? 0 : (d->w - w + step - 1) / step;
    if (*high > d->kw) *high = d->kw;
    if (*low > *high) *low = *high;
}

static void im2col(const tci_conv *d, const float *x, int64_t group, int64_t first, int64_t rows,
                   float *columns) {
    int64_t cg = d->c / d->groups, line = d->kw * cg;
    bool one_run = d->groups == 1 && d->dilation_w == 1;
    for (int64_t row = first; row < first + rows; row++) {
        const float *picture = x + row / d->oh * d->h * d->w * d->c + group * cg;
        int64_t top = row % d->oh * d->stride_h - d->pad_h;
        for (int64_t j = 0; j < d->ow; j++) {
            int64_t left = j * d->stride_w - d->pad_w, low, high;
            inside(d, left, &low, &high);
            for (int64_t a = 0; a < d->kh; a++, columns += line) {
                int64_t h = top + a * d->dilation_h;
                if (h < 0 || h >= d->h || low == high) {
                    memset(columns, 0, sizeof(float) * (size_t)line);
                    continue;
                }
                const float *from = picture + h * d->w * d->c;
                if (low > 0) memset(columns, 0, sizeof(float) * (size_t)(low * cg));
                if (one_run) {
                    copy(columns + low * cg, from + (left + low) * cg, (high - low) * cg);
                } else {
                    for (int64_t b = low; b < high; b++)
                        copy(columns + b * cg, from + (left + b * d->dilation_w) * d->c, cg);
                }
                if (high < d->kw)
                    memset(columns + high * cg, 0, sizeof(float) * (size_t)((d->kw - high) * cg));
            }
        }
    }
}

static void col2im(const tci_conv *d, const float *columns, int64_t group, int64_t first, int64_t rows,
                   float *dx) {
    int64_t cg = d->c / d->groups, line = d->kw * cg;
    for (int64_t row = first; row < first + rows; row++) {
        float *picture = dx + row / d->oh * d->h * d->w * d->c + group * cg;
        int64_t top = row % d->oh * d->stride_h - d->pad_h;
        for (int64_t j = 0; j < d->ow; j++) {
            int64_t left = j * d->stride_w - d->pad_w, low, high;
            inside(d, left, &low, &high);
            for (int64_t a = 0; a < d->kh; a++, columns += line) {
                int64_t h = top + a * d->dilation_h;
                if (h < 0 || h >= d->h) continue;
                float *to = picture + h * d->w * d->c;
                for (int64_t b = low; b < high; b++)
                    add_to(to + (left + b * d->dilation_w) * d->c, columns + b * cg, cg);
            }
        }
    }
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
    .im2col = im2col,
    .col2im = col2im,
    .epilogue = epilogue,
    .sum_parts = sum_parts,
};
