/* conv2d.c - y[n, o, i, j] = b[o] + sum over c, a, b of w[o, c, a, b] x[n, c, i s - p + a d, j s - p + b d],
 * then relu if asked for. The passes themselves are in kernels/conv_*.c; here shapes are checked and the
 * algorithm is asked for. */
#include "arith.h"
#include "common.h"
#include "conv.h"
#include "parts.h"

typedef struct saved {
    tci_conv conv;
    tc_activation activation;
} saved;

/* ---- Shapes ------------------------------------------------------------------------------------------- */

typedef struct axis {
    int64_t in, kernel, stride, padding, dilation, out;
    const char *name;
} axis;

/* out = floor((in + 2 padding - dilation (kernel - 1) - 1) / stride) + 1; "same" pads so that out = in. */
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
    int64_t room = a->in + 2 * a->padding - reach;
    if (room < 0)
        return tci_tape_fail(
            tape, TC_ERR_SHAPE,
            "conv2d: %s: %lld + 2 x padding %lld is less than dilation %lld x (kernel %lld - 1) + 1 = "
            "%lld",
            a->name, (long long)a->in, (long long)a->padding, (long long)a->dilation, (long long)a->kernel,
            (long long)reach);
    a->out = room / a->stride + 1;
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

static void bias_backward(tc_tape *tape, const tci_conv *conv, const float *dy, tci_gradient db) {
    int64_t pixels = conv->n * conv->oh * conv->ow;
    float *scratch = tci_scratch(tape, (size_t)tci_column_sums_scratch(pixels, conv->o));
    if (!scratch) return;
    tci_column_sums(dy, pixels, conv->o, db.data, db.accumulate, scratch, tc_tape_threads(tape));
    tci_scratch_release(tape, scratch);
}

static void conv2d_backward(tc_tape *tape, const tci_node *node) {
    const saved *s = node->saved;
    const tci_conv *conv = &s->conv;
    const tci_conv_algorithm *algorithm = tci_conv_choose(conv);
    tc_tensor *x = node->inputs[0], *weight = node->inputs[1], *bias = node->inputs[2];
    const float *dy = tci_gradient_before(tape, node, s->activation);
    if (!dy) return;
    tci_gradient db = tci_gradient_of(tape, bias);
    if (db.data) bias_backward(tape, conv, dy, db);
    tci_gradient dw = tci_gradient_of(tape, weight);
    if (dw.data)
        run(tape, conv, algorithm->backward_weight, algorithm->weight_scratch(conv),
            (tci_conv_pass){.a = x->data, .b = dy, .out = dw.data, .accumulate = dw.accumulate});
    tci_gradient dx = tci_gradient_of(tape, x);
    if (dx.data)
        run(tape, conv, algorithm->backward_data, algorithm->data_scratch(conv),
            (tci_conv_pass){.a = dy, .b = weight->data, .out = dx.data, .accumulate = dx.accumulate});
}

static const tci_op conv2d_op = {"conv2d", conv2d_backward};

tc_tensor *tc_conv2d(tc_tape *tape, tc_tensor *x, tc_tensor *weight, tc_tensor *bias,
                     const tc_conv2d_options *options) {
    if (!tci_begin(tape, "conv2d", x, weight)) return NULL;
    tc_conv2d_options o = options ? *options : (tc_conv2d_options){0};
    tci_conv conv;
    if (!describe(tape, x, weight, bias, &o, &conv)) return NULL;
    tc_tensor *y = tci_result(tape, 4, (const int64_t[]){conv.n, conv.o, conv.oh, conv.ow});
    saved *s = y ? tci_save(tape, sizeof *s) : NULL;
    if (!s) return NULL;
    *s = (saved){conv, o.activation};
    const tci_conv_algorithm *algorithm = tci_conv_choose(&conv);
    run(tape, &conv, algorithm->forward, algorithm->forward_scratch(&conv),
        (tci_conv_pass){.a = x->data,
                        .b = weight->data,
                        .bias = bias ? bias->data : NULL,
                        .out = y->data,
                        .relu = o.activation == TC_ACTIVATION_RELU});
    if (tc_tape_status(tape) != TC_OK) return NULL;
    return tci_record(tape, &conv2d_op, y, s, x, weight, bias);
}
