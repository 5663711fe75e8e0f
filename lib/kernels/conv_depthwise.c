/* conv_depthwise.c - groups = C: output channel o sees input channel o / multiplier alone. There is no matrix
 * product in it; the loops run over channels, with the weights turned from (O, KH, KW) to taps (KH, KW, O).
 */
#include <string.h>

#include "conv.h"
#include "parts.h"
#include "tinycnn/parallel.h"
#include "window.h"

typedef struct work {
    const tci_conv *d;
    const tci_conv_pass *pass;
    const float *taps; /* (KH, KW, O) */
    float *sums;       /* (parts, KH, KW, O) */
    int64_t parts;
} work;

static int64_t weights_of(const tci_conv *d) {
    return d->o * d->kh * d->kw;
}

static void to_taps(const tci_conv *d, const float *weight, float *taps) {
    int64_t count = d->kh * d->kw;
    for (int64_t o = 0; o < d->o; o++)
        for (int64_t t = 0; t < count; t++) taps[t * d->o + o] = weight[o * count + t];
}

static void forward_row(void *context, int64_t row, int worker) {
    const work *w = context;
    (void)worker;
    tci_window_get()->depthwise_row(w->d, w->pass->a, w->taps, w->pass->bias, w->pass->relu, w->pass->out,
                                    row);
}

static void forward(const tci_conv *d, const tci_conv_pass *pass) {
    to_taps(d, pass->b, pass->scratch);
    tc_parallel_for(pass->threads, d->n * d->oh, forward_row, &(work){d, pass, pass->scratch, NULL, 0});
}

static void data_picture(void *context, int64_t n, int worker) {
    const work *w = context;
    (void)worker;
    int64_t picture = w->d->h * w->d->w * w->d->c;
    if (!w->pass->accumulate) memset(w->pass->out + n * picture, 0, sizeof(float) * (size_t)picture);
    tci_window_get()->depthwise_data(w->d, w->pass->a, w->taps, w->pass->out, n);
}

static void backward_data(const tci_conv *d, const tci_conv_pass *pass) {
    to_taps(d, pass->b, pass->scratch);
    tc_parallel_for(pass->threads, d->n, data_picture, &(work){d, pass, pass->scratch, NULL, 0});
}

static void weight_part(void *context, int64_t part, int worker) {
    const work *w = context;
    const tci_conv *d = w->d;
    (void)worker;
    float *dtaps = w->sums + part * weights_of(d);
    memset(dtaps, 0, sizeof(float) * (size_t)weights_of(d));
    int64_t end = tci_part_begin(d->n * d->oh, w->parts, part + 1);
    for (int64_t row = tci_part_begin(d->n * d->oh, w->parts, part); row < end; row++)
        tci_window_get()->depthwise_weight_row(d, w->pass->a, w->pass->b, dtaps, row);
}

static void backward_weight(const tci_conv *d, const tci_conv_pass *pass) {
    int64_t count = d->kh * d->kw, parts = tci_parts(d->n * d->oh, weights_of(d));
    float *total = pass->scratch; /* (KH, KW, O) */
    work w = {d, pass, NULL, total + weights_of(d), parts};
    tc_parallel_for(pass->threads, parts, weight_part, &w);
    tci_parts_sum(w.sums, parts, weights_of(d), total, false, pass->threads);
    for (int64_t o = 0; o < d->o; o++) {
        for (int64_t t = 0; t < count; t++) {
            float *dw = pass->out + o * count + t;
            *dw = pass->accumulate ? *dw + total[t * d->o + o] : total[t * d->o + o];
        }
    }
}

static tci_conv_scratch taps_scratch(const tci_conv *d) {
    return (tci_conv_scratch){.shared = (size_t)weights_of(d)};
}

static tci_conv_scratch weight_scratch(const tci_conv *d) {
    return (tci_conv_scratch){.shared =
                                  (size_t)((1 + tci_parts(d->n * d->oh, weights_of(d))) * weights_of(d))};
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
