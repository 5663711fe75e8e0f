/* conv_depthwise.c - groups = C = O: every channel on its own. There is no matrix product in it; the loops
 * (depthwise.h) run over channels, with the weights turned from (C, KH, KW) to taps (KH, KW, C). Output
 * pixels that see the same taps, all of them but for the picture's border, are computed together. */
#include <string.h>

#include "arith.h"
#include "conv.h"
#include "depthwise.h"
#include "parts.h"
#include "phase.h"
#include "tinycnn/parallel.h"

/* Enough pieces that cores have work even with one picture. */
enum { LEAST_PIECES = 16 };

static int64_t pieces_of_a_picture(const tci_conv *d) {
    return tci_max(1, tci_min(d->oh, LEAST_PIECES / d->n));
}

/* ---- Forward and backward data ------------------------------------------------------------------------ */

/* A pass is one phase forward, several backwards (phase.h). */
typedef struct gather_work {
    const tci_conv *d;
    const tci_conv_pass *pass;
    bool backward;
} gather_work;

static void gather_row(const tci_phase *phase, const tci_conv_pass *pass, int64_t n, int64_t i) {
    const tci_conv *d = &phase->conv;
    tci_axis rows = tci_rows(d), columns = tci_columns(d);
    tci_run r = tci_run_from(&rows, i, i + 1);
    const float *x = pass->a + (n * d->h + r.in) * d->w * d->c, *taps = pass->scratch;
    float *y = pass->out + phase->out_first + n * phase->out_picture + i * phase->out_row;
    for (int64_t j = 0; j < d->ow;) {
        tci_run s = tci_run_from(&columns, j, d->ow);
        int64_t first = phase->tap_first + r.low * phase->tap_row + s.low * phase->tap_column;
        tci_depthwise_get()->row(&(tci_depthwise_row){.pixels = s.count,
                                                      .channels = d->c,
                                                      .rows = r.taps,
                                                      .columns = s.taps,
                                                      .x = x + s.in * d->c,
                                                      .x_row = d->dilation_h * d->w * d->c,
                                                      .x_column = d->dilation_w * d->c,
                                                      .x_pixel = d->stride_w * d->c,
                                                      .taps = taps + first * d->c,
                                                      .taps_row = phase->tap_row * d->c,
                                                      .taps_column = phase->tap_column * d->c,
                                                      .y = y + j * phase->out_pixel,
                                                      .y_pixel = phase->out_pixel,
                                                      .bias = pass->bias,
                                                      .relu = pass->relu,
                                                      .accumulate = pass->accumulate});
        j += s.count;
    }
}

static void gather_piece(void *context, int64_t chunk, int worker) {
    const gather_work *w = context;
    int64_t pieces = pieces_of_a_picture(w->d), n = chunk / pieces, piece = chunk % pieces;
    (void)worker;
    for (int64_t p = 0; p < (w->backward ? tci_data_phases(w->d) : 1); p++) {
        tci_phase phase = w->backward ? tci_data_phase(w->d, p) : tci_forward_phase(w->d);
        int64_t end = tci_part_begin(phase.conv.oh, pieces, piece + 1);
        for (int64_t i = tci_part_begin(phase.conv.oh, pieces, piece); i < end; i++)
            gather_row(&phase, w->pass, n, i);
    }
}

static int64_t weights_of(const tci_conv *d) {
    return d->c * d->kh * d->kw;
}

static void gather(const tci_conv *d, const tci_conv_pass *pass, bool backward) {
    int64_t count = d->kh * d->kw;
    for (int64_t t = 0; t < count; t++)
        for (int64_t c = 0; c < d->c; c++) pass->scratch[t * d->c + c] = pass->b[c * count + t];
    tc_parallel_for(pass->threads, d->n * pieces_of_a_picture(d), gather_piece,
                    &(gather_work){d, pass, backward});
}

static void forward(const tci_conv *d, const tci_conv_pass *pass) {
    gather(d, pass, false);
}

static void backward_data(const tci_conv *d, const tci_conv_pass *pass) {
    gather(d, pass, true);
}

static tci_conv_scratch taps_scratch(const tci_conv *d) {
    return (tci_conv_scratch){.shared = (size_t)weights_of(d)};
}

/* ---- Backward weight ---------------------------------------------------------------------------------- */

typedef struct weight_work {
    const tci_conv *d;
    const tci_conv_pass *pass;
    float *sums; /* (parts, KH, KW, C) */
    int64_t parts;
} weight_work;

/* What the pixels r x s of picture n add to the taps that they see. */
static void weight_rectangle(const weight_work *w, int64_t n, const tci_run *r, const tci_run *s,
                             float *dtaps) {
    const tci_conv *d = w->d;
    int64_t count = r->taps * s->taps, pieces = tci_ceil_div(count, TCI_DEPTHWISE_TAPS), line = d->w * d->c;
    tci_depthwise_taps some = {.rows = r->count,
                               .pixels = s->count,
                               .channels = d->c,
                               .x = w->pass->a + ((n * d->h + r->in) * d->w + s->in) * d->c,
                               .dy = w->pass->b + ((n * d->oh + r->first) * d->ow + s->first) * d->c,
                               .x_row = d->stride_h * line,
                               .x_pixel = d->stride_w * d->c,
                               .dy_row = d->ow * d->c,
                               .dtaps = dtaps};
    for (int64_t p = 0; p < pieces; p++) {
        int64_t begin = count * p / pieces;
        some.taps = count * (p + 1) / pieces - begin;
        for (int64_t t = 0; t < some.taps; t++) {
            int64_t a = (begin + t) / s->taps, b = (begin + t) % s->taps;
            some.x_tap[t] = a * d->dilation_h * line + b * d->dilation_w * d->c;
            some.dtaps_tap[t] = ((r->low + a) * d->kw + s->low + b) * d->c;
        }
        tci_depthwise_get()->taps(&some);
    }
}

static void weight_piece(const weight_work *w, int64_t n, int64_t begin, int64_t end, float *dtaps) {
    tci_axis rows = tci_rows(w->d), columns = tci_columns(w->d);
    for (int64_t i = begin; i < end;) {
        tci_run r = tci_run_from(&rows, i, end);
        for (int64_t j = 0; j < w->d->ow;) {
            tci_run s = tci_run_from(&columns, j, w->d->ow);
            weight_rectangle(w, n, &r, &s, dtaps);
            j += s.count;
        }
        i += r.count;
    }
}

static void weight_part(void *context, int64_t part, int worker) {
    const weight_work *w = context;
    const tci_conv *d = w->d;
    int64_t pieces = pieces_of_a_picture(d), end = tci_part_begin(d->n * pieces, w->parts, part + 1);
    float *dtaps = w->sums + part * weights_of(d);
    (void)worker;
    memset(dtaps, 0, sizeof(float) * (size_t)weights_of(d));
    for (int64_t k = tci_part_begin(d->n * pieces, w->parts, part); k < end; k++)
        weight_piece(w, k / pieces, tci_part_begin(d->oh, pieces, k % pieces),
                     tci_part_begin(d->oh, pieces, k % pieces + 1), dtaps);
}

static int64_t weight_parts(const tci_conv *d) {
    return tci_parts(d->n * pieces_of_a_picture(d), weights_of(d));
}

static void backward_weight(const tci_conv *d, const tci_conv_pass *pass) {
    int64_t count = d->kh * d->kw, parts = weight_parts(d);
    float *total = pass->scratch; /* (KH, KW, C) */
    weight_work w = {d, pass, total + weights_of(d), parts};
    tc_parallel_for(pass->threads, parts, weight_part, &w);
    tci_parts_sum(w.sums, parts, weights_of(d), total, false, pass->threads);
    for (int64_t c = 0; c < d->c; c++) {
        for (int64_t t = 0; t < count; t++) {
            float *dw = pass->out + c * count + t;
            *dw = pass->accumulate ? *dw + total[t * d->c + c] : total[t * d->c + c];
        }
    }
}

static tci_conv_scratch weight_scratch(const tci_conv *d) {
    return (tci_conv_scratch){.shared = (size_t)((1 + weight_parts(d)) * weights_of(d))};
}

const tci_conv_algorithm tci_conv_depthwise = {
    .name = "depthwise",
    .forward_scratch = taps_scratch,
    .data_scratch = taps_scratch,
    .weight_scratch = weight_scratch,
    .forward = forward,
    .backward_data = backward_data,
    .backward_weight = backward_weight,
};
