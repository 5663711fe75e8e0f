/* leaky_relu.c - y = x where x > 0, slope x elsewhere (Maas, Hannun, Ng 2013). */
#include "activation.h"
#include "common.h"

typedef struct work {
    const float *x, *dy;
    float *out;
    float slope;
    bool accumulate;
} work;

static void forward(void *context, int64_t first, int64_t count) {
    const work *w = context;
    tci_activation_get()->leaky_relu(w->x + first, w->out + first, count, w->slope);
}

static void backward(void *context, int64_t first, int64_t count) {
    const work *w = context;
    tci_activation_get()->leaky_relu_backward(w->x + first, w->dy + first, w->out + first, count, w->slope,
                                              w->accumulate);
}

static void leaky_relu_backward(tc_tape *tape, const tci_node *node) {
    const tc_tensor *x = node->inputs[0];
    const float *slope = node->saved;
    tci_gradient g = tci_gradient_of(tape, node->inputs[0]);
    if (g.data)
        tci_stretches(tc_tape_threads(tape), tc_numel(x), backward,
                      &(work){x->data, node->output->grad, g.data, *slope, g.accumulate});
}

static const tci_op leaky_relu_op = {"leaky_relu", leaky_relu_backward};

tc_tensor *tc_leaky_relu(tc_tape *tape, tc_tensor *x, float negative_slope) {
    if (!tci_begin(tape, "leaky_relu", x)) return NULL;
    tc_tensor *y = tci_result(tape, x->ndim, x->shape);
    float *slope = y ? tci_save(tape, sizeof *slope) : NULL;
    if (!slope) return NULL;
    *slope = negative_slope;
    tci_stretches(tc_tape_threads(tape), tc_numel(x), forward,
                  &(work){.x = x->data, .out = y->data, .slope = negative_slope});
    return tci_record(tape, &leaky_relu_op, y, slope, x);
}
