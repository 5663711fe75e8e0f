/* relu.c - y = max(0, x); dx = dy where y > 0. Backward reads the output, so the input need not be kept. */
#include "activation.h"
#include "common.h"

typedef struct work {
    const float *in, *dy;
    float *out;
    bool accumulate;
} work;

static void forward(void *context, int64_t first, int64_t count) {
    const work *w = context;
    tci_activation_get()->relu(w->in + first, w->out + first, count);
}

static void backward(void *context, int64_t first, int64_t count) {
    const work *w = context;
    tci_activation_get()->relu_backward(w->in + first, w->dy + first, w->out + first, count, w->accumulate);
}

static void relu_backward(tc_tape *tape, const tci_node *node) {
    tci_gradient g = tci_gradient_of(tape, node->inputs[0]);
    const tc_tensor *y = node->output;
    if (g.data)
        tci_stretches(tc_tape_threads(tape), tc_numel(y), backward,
                      &(work){y->data, y->grad, g.data, g.accumulate});
}

static const tci_op relu_op = {"relu", relu_backward};

tc_tensor *tc_relu(tc_tape *tape, tc_tensor *x) {
    if (!tci_begin(tape, "relu", x)) return NULL;
    tc_tensor *y = tci_result(tape, x->ndim, x->shape);
    if (!y) return NULL;
    tci_stretches(tc_tape_threads(tape), tc_numel(x), forward, &(work){.in = x->data, .out = y->data});
    return tci_record(tape, &relu_op, y, NULL, x);
}
