/* avgpool2d.c - y = the mean of a window. Plain, adaptive and global average pooling differ only in where
 * windows begin and end and in the number they divide by, which is kept as one span a row and a column of the
 * output. */
#include "arith.h"
#include "pool_shape.h"
#include "pooling.h"
#include "tinycnn/parallel.h"

typedef struct work {
    const tci_avgpool *p;
    const float *in;
    float *out;
    bool accumulate;
} work;

static void forward_row(void *context, int64_t row, int worker) {
    const work *w = context;
    (void)worker;
    tci_pooling_get()->avg_row(w->p, w->in, w->out, row);
}

static void backward_picture(void *context, int64_t n, int worker) {
    const work *w = context;
    (void)worker;
    tci_pooling_get()->avg_backward(w->p, w->in, w->out, n, w->accumulate);
}

static void avgpool2d_backward(tc_tape *tape, const tci_node *node) {
    const tci_avgpool *p = node->saved;
    tci_gradient g = tci_gradient_of(tape, node->inputs[0]);
    if (g.data)
        tc_parallel_for(tc_tape_threads(tape), p->n, backward_picture,
                        &(work){p, node->output->grad, g.data, g.accumulate});
}

static const tci_op avgpool2d_op = {"avgpool2d", avgpool2d_backward};

/* Windows of plain pooling. The divisor counts padding (as far as the right padding reaches) unless told not
 * to. */
static void plain_spans(const tci_pool_axis *a, bool exclude_pad, tci_span *spans) {
    for (int64_t i = 0; i < a->out; i++) {
        int64_t begin = i * a->stride - a->padding;
        int64_t end = tci_min(begin + a->kernel, a->in + a->padding);
        spans[i] = (tci_span){tci_max(begin, 0), tci_min(end, a->in), end - begin};
        if (exclude_pad) spans[i].size = spans[i].end - spans[i].begin;
    }
}

static void adaptive_spans(int64_t in, int64_t out, tci_span *spans) {
    for (int64_t i = 0; i < out; i++) {
        int64_t begin = i * in / out, end = tci_ceil_div((i + 1) * in, out);
        spans[i] = (tci_span){begin, end, end - begin};
    }
}

/* Memory for the description of windows (oh rows, ow columns) and the result. */
static tc_tensor *prepare(tc_tape *tape, const tc_tensor *x, int64_t oh, int64_t ow, tci_avgpool **p,
                          tci_span **rows, tci_span **columns) {
    const int64_t *s = x->shape;
    tc_tensor *y = tci_result(tape, 4, (const int64_t[]){s[0], s[1], oh, ow});
    *p = y ? tci_save(tape, sizeof **p) : NULL;
    *rows = *p ? tci_save(tape, sizeof **rows * (size_t)oh) : NULL;
    *columns = *rows ? tci_save(tape, sizeof **columns * (size_t)ow) : NULL;
    if (!*columns) return NULL;
    **p = (tci_avgpool){s[0], s[1], s[2], s[3], oh, ow, *rows, *columns};
    return y;
}

static tc_tensor *pool(tc_tape *tape, tc_tensor *x, tc_tensor *y, tci_avgpool *p) {
    tc_parallel_for(tc_tape_threads(tape), p->n * p->oh, forward_row, &(work){p, x->data, y->data, false});
    return tci_record(tape, &avgpool2d_op, y, p, x);
}

tc_tensor *tc_avgpool2d(tc_tape *tape, tc_tensor *x, const tc_pool2d_options *options) {
    tci_pool_axis h, w;
    tc_pool2d_options o = options ? *options : (tc_pool2d_options){0};
    if (!tci_begin(tape, "avgpool2d", x) || !tci_pool_axes(tape, "avgpool2d", x, &o, &h, &w)) return NULL;
    if (h.dilation != 1 || w.dilation != 1)
        return tci_tape_fail(tape, TC_ERR_ARGUMENT, "avgpool2d: dilation is for max pooling only");
    tci_avgpool *p;
    tci_span *rows, *columns;
    tc_tensor *y = prepare(tape, x, h.out, w.out, &p, &rows, &columns);
    if (!y) return NULL;
    plain_spans(&h, o.count_exclude_pad, rows);
    plain_spans(&w, o.count_exclude_pad, columns);
    return pool(tape, x, y, p);
}

static tc_tensor *adaptive(tc_tape *tape, const char *op, tc_tensor *x, tc_hw output_size) {
    if (!tci_begin(tape, op, x) || !tci_is_4d(tape, op, x)) return NULL;
    int64_t oh = tc_hw_height(output_size), ow = tc_hw_width(output_size);
    if (oh < 1 || ow < 1)
        return tci_tape_fail(tape, TC_ERR_ARGUMENT, "%s: output size %lld x %lld is not positive", op,
                             (long long)oh, (long long)ow);
    tci_avgpool *p;
    tci_span *rows, *columns;
    tc_tensor *y = prepare(tape, x, oh, ow, &p, &rows, &columns);
    if (!y) return NULL;
    adaptive_spans(x->shape[2], oh, rows);
    adaptive_spans(x->shape[3], ow, columns);
    return pool(tape, x, y, p);
}

tc_tensor *tc_adaptive_avgpool2d(tc_tape *tape, tc_tensor *x, tc_hw output_size) {
    return adaptive(tape, "adaptive_avgpool2d", x, output_size);
}

tc_tensor *tc_global_avgpool2d(tc_tape *tape, tc_tensor *x) {
    return adaptive(tape, "global_avgpool2d", x, 1);
}
