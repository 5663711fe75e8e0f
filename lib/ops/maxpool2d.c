/* maxpool2d.c - y = the largest element of a window; its gradient goes to that element. Which one it was is
 * not kept: backward looks for the first element that equals the output. */
#include "pool_shape.h"
#include "pooling.h"
#include "tinycnn/parallel.h"

typedef struct work {
    const tci_maxpool *p;
    const float *x, *dy;
    float *y, *dx;
    bool accumulate;
} work;

static void forward_row(void *context, int64_t row, int worker) {
    const work *w = context;
    (void)worker;
    tci_pooling_get()->max_row(w->p, w->x, w->y, row);
}

static void backward_picture(void *context, int64_t n, int worker) {
    const work *w = context;
    (void)worker;
    tci_pooling_get()->max_backward(w->p, w->x, w->y, w->dy, w->dx, n, w->accumulate);
}

static void maxpool2d_backward(tc_tape *tape, const tci_node *node) {
    const tci_maxpool *p = node->saved;
    tc_tensor *x = node->inputs[0], *y = node->output;
    tci_gradient g = tci_gradient_of(tape, x);
    if (g.data)
        tc_parallel_for(tc_tape_threads(tape), p->n, backward_picture,
                        &(work){p, x->data, y->grad, y->data, g.data, g.accumulate});
}

static const tci_op maxpool2d_op = {"maxpool2d", maxpool2d_backward};

tc_tensor *tc_maxpool2d(tc_tape *tape, tc_tensor *x, const tc_pool2d_options *options) {
    tci_pool_axis h, w;
    tc_pool2d_options o = options ? *options : (tc_pool2d_options){0};
    if (!tci_begin(tape, "maxpool2d", x) || !tci_pool_axes(tape, "maxpool2d", x, &o, &h, &w)) return NULL;
    tc_tensor *y = tci_result(tape, 4, (const int64_t[]){x->shape[0], x->shape[1], h.out, w.out});
    tci_maxpool *p = y ? tci_save(tape, sizeof *p) : NULL;
    if (!p) return NULL;
    *p = (tci_maxpool){x->shape[0], x->shape[1], h.in,     w.in,      h.out,     w.out,      h.kernel,
                       w.kernel,    h.stride,    w.stride, h.padding, w.padding, h.dilation, w.dilation};
    tc_parallel_for(tc_tape_threads(tape), p->n * p->oh, forward_row,
                    &(work){.p = p, .x = x->data, .y = y->data});
    return tci_record(tape, &maxpool2d_op, y, p, x);
}
