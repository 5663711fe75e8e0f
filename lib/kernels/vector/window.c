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

/* What the three depthwise passes have in common: for each tap (a, b) of the window of output pixel (row, j)
 * that lies inside the picture, the offset of its input pixel. */
#define FOR_EACH_TAP(d, row, j, tap, pixel)                                                                  \
    for (int64_t a = 0; a < (d)->kh; a++)                                                                    \
        for (int64_t b = 0, tap, pixel; b < (d)->kw; b++)                                                    \
            if (tap = (a * (d)->kw + b) * (d)->o, pixel = input_pixel(d, row, j, a, b), pixel >= 0)

static int64_t input_pixel(const tci_conv *d, int64_t row, int64_t j, int64_t a, int64_t b) {
    int64_t h = row % d->oh * d->stride_h - d->pad_h + a * d->dilation_h;
    int64_t w = j * d->stride_w - d->pad_w + b * d->dilation_w;
    if (h < 0 || h >= d->h || w < 0 || w >= d->w) return -1;
    return ((row / d->oh * d->h + h) * d->w + w) * d->c;
}

/* y[o] += x[o / multiplier] tap[o] */
static void multiply_add(float *restrict y, const float *restrict x, const float *restrict tap, int64_t c,
                         int64_t multiplier) {
    if (multiplier == 1) {
        for (int64_t k = 0; k < c; k++) y[k] += x[k] * tap[k];
    } else {
        for (int64_t k = 0; k < c * multiplier; k++) y[k] += x[k / multiplier] * tap[k];
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

static void depthwise_row(const tci_conv *d, const float *x, const float *taps, const float *bias, bool relu,
                          float *y, int64_t row) {
    int64_t multiplier = d->o / d->c;
    for (int64_t j = 0; j < d->ow; j++) {
        float *out = y + (row * d->ow + j) * d->o;
        memset(out, 0, sizeof(float) * (size_t)d->o);
        FOR_EACH_TAP(d, row, j, tap, pixel) multiply_add(out, x + pixel, taps + tap, d->c, multiplier);
        epilogue(out, 1, d->o, bias, relu);
    }
}

static void depthwise_data(const tci_conv *d, const float *dy, const float *taps, float *dx, int64_t n) {
    int64_t multiplier = d->o / d->c;
    for (int64_t row = n * d->oh; row < (n + 1) * d->oh; row++) {
        for (int64_t j = 0; j < d->ow; j++) {
            const float *restrict g = dy + (row * d->ow + j) * d->o;
            FOR_EACH_TAP(d, row, j, tap, pixel) {
                float *restrict in = dx + pixel;
                const float *restrict t = taps + tap;
                if (multiplier == 1) {
                    for (int64_t k = 0; k < d->c; k++) in[k] += g[k] * t[k];
                } else {
                    for (int64_t k = 0; k < d->o; k++) in[k / multiplier] += g[k] * t[k];
                }
            }
        }
    }
}

static void depthwise_weight_row(const tci_conv *d, const float *x, const float *dy, float *dtaps,
                                 int64_t row) {
    int64_t multiplier = d->o / d->c;
    for (int64_t j = 0; j < d->ow; j++) {
        const float *g = dy + (row * d->ow + j) * d->o;
        FOR_EACH_TAP(d, row, j, tap, pixel) multiply_add(dtaps + tap, x + pixel, g, d->c, multiplier);
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
    .depthwise_row = depthwise_row,
    .depthwise_data = depthwise_data,
    .depthwise_weight_row = depthwise_weight_row,
    .epilogue = epilogue,
    .sum_parts = sum_parts,
};
