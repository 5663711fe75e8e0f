/* conv_pixels.c - small pictures: the rows of the matrix product are the pictures of the batch.
 *
 * For one output pixel and one tap of the kernel, all pictures together are a product of matrices that lie
 * in memory as they are, a picture apart from row to row: Y[pixel] += X[pixel + tap] W[tap]^T, and the same
 * backwards. Nothing is copied, and taps that lie outside of the picture, half of them in a picture of 2 x 2
 * under a kernel of 3 x 3, are not multiplied at all.
 * A 1 x 1 kernel has no need to tell the pixels apart: there, all of them are pictures of one pixel. */
#include <string.h>

#include "arith.h"
#include "conv.h"
#include "gemm.h"
#include "normalization.h"
#include "phase.h"
#include "tinycnn/parallel.h"

/* A chunk is a product of at most MOST_ROWS pictures and, where there are few chunks, at least LEAST_COLUMNS
 * channels. */
enum { MOST_ROWS = 256, LEAST_COLUMNS = 64, ENOUGH_CHUNKS = 16 };

static tci_conv flattened(const tci_conv *d) {
    tci_conv flat = *d;
    bool plain = d->kh == 1 && d->kw == 1 && d->stride_h == 1 && d->stride_w == 1 && d->pad_h == 0 &&
                 d->pad_w == 0 && d->oh == d->h && d->ow == d->w;
    if (plain) flat.n = d->n * d->h * d->w, flat.h = flat.w = flat.oh = flat.ow = 1;
    return flat;
}

/* Channels of a chunk, when there are `chunks` of all `channels` of a group. */
static int64_t slice_of(int64_t channels, int64_t chunks) {
    int64_t slices = tci_min(tci_ceil_div(ENOUGH_CHUNKS, chunks), tci_ceil_div(channels, LEAST_COLUMNS));
    return tci_round_up(tci_ceil_div(channels, slices), 16);
}

static tci_conv_scratch no_scratch(const tci_conv *d) {
    (void)d;
    return (tci_conv_scratch){0};
}

/* ---- Forward and backward data ------------------------------------------------------------------------ */

typedef struct gather_work {
    const tci_phase *phase;
    const tci_conv_pass *pass;
    int64_t rows, row_slices, columns, column_slices;
} gather_work;

/* y (rows, columns): pictures from n on, output channels from o on in group g, pixel (i, j). */
static void gather_pixel(const gather_work *w, int64_t n, int64_t rows, int64_t g, int64_t o, int64_t columns,
                         int64_t i, int64_t j) {
    const tci_phase *p = w->phase;
    const tci_conv *d = &p->conv;
    const tci_conv_pass *pass = w->pass;
    int64_t cg = d->c / d->groups, picture = d->h * d->w * d->c, channel = g * (d->o / d->groups) + o;
    tci_axis down = tci_rows(d), across = tci_columns(d);
    tci_run r = tci_run_from(&down, i, i + 1), s = tci_run_from(&across, j, j + 1);
    /* The taps of a row of the kernel are one product where they lie side by side in x and in W. */
    bool joined = d->groups == 1 && d->dilation_w == 1 && p->tap_column == cg && p->tap_in == 1;
    int64_t steps = joined ? s.taps : 1;
    const float *x = pass->a + n * picture + (r.in * d->w + s.in) * d->c + g * cg;
    const float *weight = pass->b + p->tap_first + r.low * p->tap_row + s.low * p->tap_column +
                          g * p->tap_group + o * p->tap_out;
    float *y = pass->out + p->out_first + n * p->out_picture + i * p->out_row + j * p->out_pixel + channel;
    bool empty = r.taps * s.taps == 0;
    for (int64_t k = 0; empty && !pass->accumulate && k < rows; k++)
        memset(y + k * p->out_picture, 0, sizeof(float) * (size_t)columns);
    float beta = pass->accumulate ? 1.0f : 0.0f;
    for (int64_t a = 0; a < r.taps; a++)
        for (int64_t b = 0; b < s.taps; b += steps, beta = 1.0f)
            tci_gemm(false, p->tap_in == 1, rows, columns, steps * cg,
                     x + (a * d->dilation_h * d->w + b * d->dilation_w) * d->c, picture,
                     weight + a * p->tap_row + b * p->tap_column, p->tap_in == 1 ? p->tap_out : p->tap_in,
                     beta, y, p->out_picture);
    for (int64_t k = 0; (pass->bias || pass->relu) && k < rows; k++)
        tci_normalization_get()->add_bias(y + k * p->out_picture, 1, columns,
                                          pass->bias ? pass->bias + channel : NULL, pass->relu);
}

static void gather_chunk(void *context, int64_t chunk, int worker) {
    const gather_work *w = context;
    const tci_conv *d = &w->phase->conv;
    (void)worker;
    int64_t n = chunk % w->row_slices * w->rows;
    chunk /= w->row_slices;
    int64_t o = chunk % w->column_slices * w->columns;
    chunk /= w->column_slices;
    int64_t g = chunk % d->groups, pixel = chunk / d->groups;
    gather_pixel(w, n, tci_min(w->rows, d->n - n), g, o, tci_min(w->columns, d->o / d->groups - o),
                 pixel / d->ow, pixel % d->ow);
}

static void gather(const tci_phase *phase, const tci_conv_pass *pass) {
    const tci_conv *d = &phase->conv;
    int64_t pixels = d->oh * d->ow, row_slices = tci_ceil_div(d->n, MOST_ROWS);
    if (pixels == 0) return;
    int64_t columns = slice_of(d->o / d->groups, pixels * row_slices * d->groups);
    gather_work w = {.phase = phase,
                     .pass = pass,
                     .rows = tci_ceil_div(d->n, row_slices),
                     .row_slices = row_slices,
                     .columns = columns,
                     .column_slices = tci_ceil_div(d->o / d->groups, columns)};
    tc_parallel_for(pass->threads, pixels * d->groups * w.column_slices * row_slices, gather_chunk, &w);
}

static void forward(const tci_conv *d, const tci_conv_pass *pass) {
    tci_conv flat = flattened(d);
    tci_phase phase = tci_forward_phase(&flat);
    gather(&phase, pass);
}

static void backward_data(const tci_conv *d, const tci_conv_pass *pass) {
    tci_conv flat = flattened(d);
    for (int64_t i = 0; i < tci_data_phases(&flat); i++) {
        tci_phase phase = tci_data_phase(&flat, i);
        gather(&phase, pass);
    }
}

/* ---- Backward weight ---------------------------------------------------------------------------------- */

typedef struct weight_work {
    const tci_conv *d;
    const tci_conv_pass *pass;
    int64_t columns, slices;
} weight_work;

/* dW of tap (a, b), output channels from o on in group g: summed over the pixels that see it. */
static void weight_tap(const weight_work *w, int64_t a, int64_t b, int64_t g, int64_t o, int64_t columns) {
    const tci_conv *d = w->d;
    const tci_conv_pass *pass = w->pass;
    int64_t cg = d->c / d->groups, channel = g * (d->o / d->groups) + o, k = d->kh * d->kw * cg;
    float *dw = pass->out + channel * k + (a * d->kw + b) * cg;
    bool first = true;
    for (int64_t i = 0; i < d->oh; i++) {
        int64_t h = i * d->stride_h - d->pad_h + a * d->dilation_h;
        if (h < 0 || h >= d->h) continue;
        for (int64_t j = 0; j < d->ow; j++) {
            int64_t v = j * d->stride_w - d->pad_w + b * d->dilation_w;
            if (v < 0 || v >= d->w) continue;
            tci_gemm(true, false, columns, cg, d->n, pass->b + (i * d->ow + j) * d->o + channel,
                     d->oh * d->ow * d->o, pass->a + (h * d->w + v) * d->c + g * cg, d->h * d->w * d->c,
                     first && !pass->accumulate ? 0.0f : 1.0f, dw, k);
            first = false;
        }
    }
    for (int64_t c = 0; first && !pass->accumulate && c < columns; c++)
        memset(dw + c * k, 0, sizeof(float) * (size_t)cg);
}

static void weight_chunk(void *context, int64_t chunk, int worker) {
    const weight_work *w = context;
    const tci_conv *d = w->d;
    (void)worker;
    int64_t tap = chunk / w->slices / d->groups, g = chunk / w->slices % d->groups;
    int64_t o = chunk % w->slices * w->columns;
    weight_tap(w, tap / d->kw, tap % d->kw, g, o, tci_min(w->columns, d->o / d->groups - o));
}

static void backward_weight(const tci_conv *d, const tci_conv_pass *pass) {
    tci_conv flat = flattened(d);
    int64_t og = d->o / d->groups, chunks = d->kh * d->kw * d->groups, columns = slice_of(og, chunks);
    weight_work w = {&flat, pass, columns, tci_ceil_div(og, columns)};
    tc_parallel_for(pass->threads, chunks * w.slices, weight_chunk, &w);
}

const tci_conv_algorithm tci_conv_pixels = {
    .name = "pixels",
    .forward_scratch = no_scratch,
    .data_scratch = no_scratch,
    .weight_scratch = no_scratch,
    .forward = forward,
    .backward_data = backward_data,
    .backward_weight = backward_weight,
};
