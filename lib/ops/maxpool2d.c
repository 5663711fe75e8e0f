/* maxpool2d.c - y = the largest element of a window; its gradient goes to that element, whose number in the
 * window is kept. */
#include "pool_shape.h"
#include "pooling.h"
#include "tinycnn/parallel.h"

typedef struct saved {
    tci_maxpool p;
    uint16_t *winners; /* (N, OH, OW, C); NULL without recording */
} saved;

typedef struct work {
    const saved *s;
    const tc_tensor *x;
    const float *dy;
    float *out;
    bool accumulate;
} work;

static void forward_row(void *context, int64_t row, int worker) {
    const work *w = context;
    (void)worker;
    tci_pooling_get()->max_row(&w->s->p, w->x->data, w->x->map, w->out, w->s->winners, row);
}

static void backward_picture(void *context, int64_t n, int worker) {
    const work *w = context;
    (void)worker;
    tci_pooling_get()->max_backward(&w->s->p, w->s->winners, w->dy, w->out, n, w->accumulate);
}

static void maxpool2d_backward(tc_tape *tape, const tci_node *node) {
    const saved *s = node->saved;
    tci_output_done(tape, node);
    tci_gradient g = tci_gradient_of(tape, node->inputs[0]);
    if (g.data)
        tc_parallel_for(tc_tape_threads(tape), s->p.n, backward_picture,
                        &(work){s, NULL, node->output->grad, g.data, g.accumulate});
}

static const tci_op maxpool2d_op = {"maxpool2d", maxpool2d_backward};

/* Numbers of elements in a window are kept in 16 bits. */
enum { LARGEST_WINDOW = 65536 };

tc_tensor *tc_maxpool2d(tc_tape *tape, tc_tensor *x, const tc_pool2d_options *options) {
    tci_pool_axis h, w;
    tc_pool2d_options o = options ? *options : (tc_pool2d_options){0};
    if (!tci_begin_mapped(tape, "maxpool2d", x) || !tci_pool_axes(tape, "maxpool2d", x, &o, &h, &w))
        return NULL;
    if (h.kernel * w.kernel > LARGEST_WINDOW)
        return tci_tape_fail(tape, TC_ERR_ARGUMENT,
                             "maxpool2d: a window of %lld x %lld has more than %d elements",
                             (long long)h.kernel, (long long)w.kernel, LARGEST_WINDOW);
    tc_tensor *y = tci_result(tape, 4, (const int64_t[]){x->shape[0], x->shape[1], h.out, w.out});
    saved *s = y ? tci_save(tape, sizeof *s) : NULL;
    if (!s) return NULL;
    *s = (saved){{x->shape[0], x->shape[1], h.in, w.in, h.out, w.out, h.kernel, w.kernel, h.stride, w.stride,
                  h.padding, w.padding, h.dilation, w.dilation},
                 NULL};
    bool records = tci_tape_records(tape);
    if (records) s->winners = tci_save(tape, sizeof *s->winners * (size_t)tc_numel(y));
    if (records && !s->winners) return NULL;
    tc_parallel_for(tc_tape_threads(tape), s->p.n * s->p.oh, forward_row,
                    &(work){.s = s, .x = x, .out = y->data});
    return tci_record(tape, &maxpool2d_op, y, s, x);
}
