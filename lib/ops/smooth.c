/* smooth.c - see smooth.h. */
#include "smooth.h"

typedef struct work {
    const float *x, *dy;
    float *out;
    bool accumulate;
    tci_smooth_forward forward;
    tci_smooth_backward backward;
} work;

static void forward(void *context, int64_t first, int64_t count) {
    const work *w = context;
    w->forward(w->x + first, w->out + first, count);
}

static void backward(void *context, int64_t first, int64_t count) {
    const work *w = context;
    w->backward(w->x + first, w->dy + first, w->out + first, count, w->accumulate);
}

tc_tensor *tci_smooth(tc_tape *tape, const tci_op *op, tci_smooth_forward kernel, tc_tensor *x) {
    if (!tci_begin(tape, op->name, x)) return NULL;
    tc_tensor *y = tci_result(tape, x->ndim, x->shape);
    if (!y) return NULL;
    tci_stretches(tc_tape_threads(tape), tc_numel(x), forward,
                  &(work){.x = x->data, .out = y->data, .forward = kernel});
    return tci_record(tape, op, y, NULL, x);
}

void tci_smooth_back(tc_tape *tape, const tci_node *node, tci_smooth_backward kernel) {
    const tc_tensor *x = node->inputs[0];
    tci_gradient g = tci_gradient_of(tape, node->inputs[0]);
    if (g.data)
        tci_stretches(tc_tape_threads(tape), tc_numel(x), backward,
                      &(work){x->data, node->output->grad, g.data, g.accumulate, .backward = kernel});
}
