/* conv2d.c - y[n, o, i, j] = b[o] + sum over c, a, b of w[o, c, a, b] x[n, c, i s - p + a d, j s - p + b d],
 * then relu, then 2 x 2 max pooling if asked for. The passes themselves are in kernels/conv_*.c; here shapes
 * are checked, the algorithm is asked for, and what it can't do in the same pass is done apart. */
#include "arith.h"
#include "common.h"
#include "conv.h"
#include "parts.h"
#include "pooling.h"
#include "tinycnn/parallel.h"
#include "turned.h"

typedef struct saved {
    tci_conv conv;
    tc_activation activation;
    uint8_t *winners; /* (N, OH / 2, OW / 2, O) with pooling, else NULL */
} saved;

/* ---- Shapes ------------------------------------------------------------------------------------------- */

typedef struct axis {
    int64_t in, kernel, stride, padding, dilation, out;
    const char *name;
} axis;

/* By tc_window_out(); "same" pads so that out = in. */
static bool axis_fits(tc_tape *tape, axis *a, bool same) {
    int64_t reach = a->dilation * (a->kernel - 1) + 1;
    if (same) {
        if (a->stride != 1)
            return tci_tape_fail(tape, TC_ERR_ARGUMENT,
                                 "conv2d: padding 'same' needs stride 1, stride is %lld",
                                 (long long)a->stride);
        a->padding = (reach - 1) / 2;
        a->out = a->in;
        return true;
    }
    a->out = tc_window_out(&(tc_window){a->kernel, a->stride, a->padding, a->dilation, false, false}, a->in);
    if (a->out < 1)
        return tci_tape_fail(
            tape, TC_ERR_SHAPE,
            "conv2d: %s: %lld + 2 x padding %lld is less than dilation %lld x (kernel %lld - 1) + 1 = "
            "%lld",
            a->name, (long long)a->in, (long long)a->padding, (long long)a->dilation, (long long)a->kernel,
            (long long)reach);
    return true;
}

/* A larger extent than tc_hw promises could overflow the size of the padded picture. */
enum { LARGEST_EXTENT = 32767 };

static bool options_fit(tc_tape *tape, const tc_conv2d_options *o) {
    bool fit =
        o->stride >= 0 && o->dilation >= 0 && o->groups >= 0 && (o->padding >= 0 || o->padding == TC_SAME);
    fit = fit && tc_hw_height(o->stride) <= LARGEST_EXTENT && tc_hw_height(o->dilation) <= LARGEST_EXTENT &&
          tc_hw_height(o->padding) <= LARGEST_EXTENT;
    /* TC_HW(0, 2) names a stride of 0, which a plain 0 does not. */
    fit = fit && (o->stride == 0 || (tc_hw_height(o->stride) > 0 && tc_hw_width(o->stride) > 0));
    fit = fit && (o->dilation == 0 || (tc_hw_height(o->dilation) > 0 && tc_hw_width(o->dilation) > 0));
    if (!fit)
        tci_tape_fail(
            tape, TC_ERR_ARGUMENT,
            "conv2d: stride, dilation and groups must be positive, padding not negative, none of the "
            "extents above %d",
            LARGEST_EXTENT);
    return fit;
}

static bool tensors_fit(tc_tape *tape, const tc_tensor *x, const tc_tensor *weight, const tc_tensor *bias,
                        int64_t groups) {
    char text[TC_SHAPE_TEXT];
    if (!tci_is_4d(tape, "conv2d", x)) return false;
    if (weight->ndim != 4)
        tci_tape_fail(tape, TC_ERR_SHAPE, "conv2d: weight has shape %s, (O, I, KH, KW) is expected",
                      TCI_SHAPE(weight, text));
    else if (x->shape[1] != weight->shape[1] * groups)
        tci_tape_fail(tape, TC_ERR_SHAPE,
                      "conv2d: input has %lld channels, weight expects %lld (%lld groups of %lld)",
                      (long long)x->shape[1], (long long)(weight->shape[1] * groups), (long long)groups,
                      (long long)weight->shape[1]);
    else if (weight->shape[0] % groups != 0)
        tci_tape_fail(tape, TC_ERR_SHAPE, "conv2d: %lld output channels can't be divided into %lld groups",
                      (long long)weight->shape[0], (long long)groups);
    else if (bias && (bias->ndim != 1 || bias->shape[0] != weight->shape[0]))
        tci_tape_fail(tape, TC_ERR_SHAPE, "conv2d: bias has shape %s, (%lld) is expected",
                      TCI_SHAPE(bias, text), (long long)weight->shape[0]);
    return tc_tape_status(tape) == TC_OK;
}

/* False with the failure on the tape. */
static bool describe(tc_tape *tape, const tc_tensor *x, const tc_tensor *weight, const tc_tensor *bias,
                     const tc_conv2d_options *o, tci_conv *conv) {
    if (!options_fit(tape, o)) return false;
    int64_t groups = o->groups ? o->groups : 1;
    if (!tensors_fit(tape, x, weight, bias, groups)) return false;
    tc_hw stride = o->stride ? o->stride : 1, dilation = o->dilation ? o->dilation : 1;
    bool same = o->padding == TC_SAME;
    tc_hw padding = same ? 0 : o->padding;
    axis h = {
        x->shape[2], weight->shape[2], tc_hw_height(stride), tc_hw_height(padding), tc_hw_height(dilation),
        0,           "height"};
    axis w = {x->shape[3], weight->shape[3], tc_hw_width(stride), tc_hw_width(padding), tc_hw_width(dilation),
              0,           "width"};
    if (!axis_fits(tape, &h, same) || !axis_fits(tape, &w, same)) return false;
    *conv = (tci_conv){.n = x->shape[0],
                       .c = x->shape[1],
                       .h = h.in,
                       .w = w.in,
                       .o = weight->shape[0],
                       .oh = h.out,
                       .ow = w.out,
                       .kh = h.kernel,
                       .kw = w.kernel,
                       .stride_h = h.stride,
                       .stride_w = w.stride,
                       .pad_h = h.padding,
                       .pad_w = w.padding,
                       .dilation_h = h.dilation,
                       .dilation_w = w.dilation,
                       .groups = groups};
    return true;
}

/* ---- Passes ------------------------------------------------------------------------------------------- */

typedef void (*pass_function)(const tci_conv *conv, const tci_conv_pass *pass);

/* Gives the pass its scratch memory and runs it. */
static void run(tc_tape *tape, const tci_conv *conv, pass_function function, tci_conv_scratch need,
                tci_conv_pass pass) {
    size_t floats;
    pass.threads = tc_tape_threads(tape);
    if (!tci_mul_size((size_t)pass.threads, need.per_worker, &floats) ||
        !tci_add_size(floats, need.shared, &floats))
        floats = SIZE_MAX;
    pass.scratch = floats ? tci_scratch(tape, floats) : NULL;
    if (floats && !pass.scratch) return;
    function(conv, &pass);
    tci_scratch_release(tape, pass.scratch);
}

/* 2 x 2 max pooling of picture rows, and back. */
typedef struct pool_work {
    const tci_conv *conv;
    const float *in;
    float *out;
    uint8_t *winners;
} pool_work;

static void pool_row(void *context, int64_t row, int worker) {
    const pool_work *w = context;
    const tci_conv *d = w->conv;
    (void)worker;
    int64_t high = d->oh / 2, wide = d->ow / 2, line = d->ow * d->o;
    const float *top = w->in + (row / high * d->oh + row % high * 2) * line;
    tci_pooling_get()->max_pair(top, top + line, wide, d->o, w->out + row * wide * d->o,
                                w->winners + row * wide * d->o);
}

static void unpool_row(void *context, int64_t row, int worker) {
    const pool_work *w = context;
    const tci_conv *d = w->conv;
    (void)worker;
    int64_t high = d->oh / 2, wide = d->ow / 2, i = row % d->oh, line = d->ow * d->o;
    int64_t pooled = (row / d->oh * high + tci_min(i / 2, high - 1)) * wide * d->o;
    tci_pooling_get()->max_pair_backward(w->in + pooled, w->winners + pooled, (int)(i % 2),
                                         i / 2 < high ? wide : 0, d->ow, d->o, d->o, w->out + row * line);
}

/* True if the algorithm pools in its own passes; where it can't turn dy's convolution round, it does not. */
static bool pools(const tci_conv_algorithm *algorithm, const tci_conv *conv) {
    return algorithm->fused && tci_can_turn(conv);
}

static int64_t outputs(const tci_conv *conv) {
    return conv->n * conv->oh * conv->ow * conv->o;
}

/* The gradient of all of the convolution's outputs from that of the pooled ones. NULL if memory is short. */
static float *unpooled(tc_tape *tape, const saved *s, const float *dy) {
    float *whole = tci_scratch(tape, (size_t)outputs(&s->conv));
    if (whole)
        tc_parallel_for(tc_tape_threads(tape), s->conv.n * s->conv.oh, unpool_row,
                        &(pool_work){&s->conv, dy, whole, s->winners});
    return whole;
}

static void bias_backward(tc_tape *tape, const float *dy, int64_t pixels, int64_t channels, tci_gradient db) {
    float *scratch = tci_scratch(tape, (size_t)tci_column_sums_scratch(pixels, channels));
    if (!scratch) return;
    tci_column_sums(dy, pixels, channels, db.data, db.accumulate, scratch, tc_tape_threads(tape));
    tci_scratch_release(tape, scratch);
}

static void conv2d_backward(tc_tape *tape, const tci_node *node) {
    const saved *s = node->saved;
    const tci_conv *conv = &s->conv;
    const tci_conv_algorithm *algorithm = tci_conv_choose(conv);
    tc_tensor *x = node->inputs[0], *weight = node->inputs[1], *bias = node->inputs[2], *y = node->output;
    const float *dy = tci_gradient_before(tape, node, s->activation);
    if (!dy) return;
    tci_output_done(tape, node);
    tci_gradient db = tci_gradient_of(tape, bias);
    if (db.data) bias_backward(tape, dy, tc_numel(y) / conv->o, conv->o, db);
    if (!weight->requires_grad && !x->requires_grad) return;
    uint8_t *winners = pools(algorithm, conv) ? s->winners : NULL;
    float *whole = s->winners && !winners ? unpooled(tape, s, dy) : NULL;
    if (s->winners && !winners && !whole) return;
    if (whole) dy = whole;
    tci_gradient dw = tci_gradient_of(tape, weight);
    if (dw.data)
        run(tape, conv, algorithm->backward_weight, algorithm->weight_scratch(conv),
            (tci_conv_pass){.a = x->data,
                            .b = dy,
                            .out = dw.data,
                            .accumulate = dw.accumulate,
                            .map = x->map,
                            .winners = winners});
    tci_gradient dx = tci_gradient_of(tape, x);
    if (dx.data)
        run(tape, conv, algorithm->backward_data, algorithm->data_scratch(conv),
            (tci_conv_pass){
                .a = dy, .b = weight->data, .out = dx.data, .accumulate = dx.accumulate, .winners = winners});
    tci_scratch_release(tape, whole);
}

static const tci_op conv2d_op = {"conv2d", conv2d_backward};

/* Room for the result, pooled or not, and for which pixels won. NULL with the failure kept. */
static tc_tensor *result(tc_tape *tape, const tci_conv *conv, bool pool, uint8_t **winners) {
    if (!pool) return tci_result(tape, 4, (const int64_t[]){conv->n, conv->o, conv->oh, conv->ow});
    if (conv->oh < 2 || conv->ow < 2)
        return tci_tape_fail(tape, TC_ERR_SHAPE, "conv2d: %lld x %lld outputs can't be pooled 2 x 2",
                             (long long)conv->oh, (long long)conv->ow);
    tc_tensor *y = tci_result(tape, 4, (const int64_t[]){conv->n, conv->o, conv->oh / 2, conv->ow / 2});
    if (y) *winners = tci_save(tape, (size_t)tc_numel(y));
    return *winners ? y : NULL;
}

/* The weights of a frozen model in the form that the algorithm wants; NULL where they are not, or another
 * algorithm came first. */
static const float *kept_weights(tc_tape *tape, const tci_conv *conv, const tci_conv_algorithm *algorithm,
                                 const tc_tensor *weight) {
    tci_kept *kept = weight->kept;
    if (!kept || !algorithm->keep || tc_tape_is_training(tape)) return NULL;
    size_t floats = algorithm->kept_size(conv);
    if (!kept->data) {
        kept->data = tc_arena_alloc(kept->arena, floats * sizeof(float));
        if (!kept->data) return NULL;
        kept->algorithm = algorithm;
        kept->floats = floats;
        algorithm->keep(conv, weight->data, tc_tape_threads(tape), kept->data);
    }
    return kept->algorithm == algorithm && kept->floats == floats ? kept->data : NULL;
}

tc_tensor *tc_conv2d(tc_tape *tape, tc_tensor *x, tc_tensor *weight, tc_tensor *bias,
                     const tc_conv2d_options *options) {
    if (!tci_begin_mapped(tape, "conv2d", x, weight)) return NULL;
    tc_conv2d_options o = options ? *options : (tc_conv2d_options){0};
    tci_conv conv;
    if (!tci_at_most_relu(tape, "conv2d", o.activation) || !describe(tape, x, weight, bias, &o, &conv))
        return NULL;
    const tci_conv_algorithm *algorithm = tci_conv_choose(&conv);
    if (!algorithm->fused && !tci_settle(tape, x)) return NULL;
    saved *s = tci_save(tape, sizeof *s);
    if (!s) return NULL;
    *s = (saved){conv, o.activation, NULL};
    tc_tensor *y = result(tape, &conv, o.pool, &s->winners);
    if (!y) return NULL;
    bool pooled_apart = o.pool && !pools(algorithm, &conv), gathers = o.moments && algorithm->fused;
    float *whole = pooled_apart ? tci_scratch(tape, (size_t)outputs(&conv)) : NULL;
    tci_moments *moments =
        gathers && !pooled_apart ? tci_moments_create(tape, algorithm->moment_parts(&conv), conv.o) : NULL;
    if (tc_tape_status(tape) != TC_OK) return NULL;
    run(tape, &conv, algorithm->forward, algorithm->forward_scratch(&conv),
        (tci_conv_pass){.a = x->data,
                        .b = weight->data,
                        .bias = bias ? bias->data : NULL,
                        .out = whole ? whole : y->data,
                        .relu = o.activation == TC_ACTIVATION_RELU,
                        .map = x->map,
                        .winners = whole ? NULL : s->winners,
                        .moments = moments,
                        .kept = kept_weights(tape, &conv, algorithm, weight)});
    if (tc_tape_status(tape) != TC_OK) return NULL;
    if (whole)
        tc_parallel_for(tc_tape_threads(tape), conv.n * (conv.oh / 2), pool_row,
                        &(pool_work){&conv, whole, y->data, s->winners});
    tci_scratch_release(tape, whole);
    y->moments = moments;
    return tci_record(tape, &conv2d_op, y, s, x, weight, bias);
}
