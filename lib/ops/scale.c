/* scale.c - y = factor x. */
#include "activation.h"
#include "common.h"

typedef struct work {
    const float *in;
    float *out, factor;
    bool accumulate;
} work;

static void stretch(void *context, int64_t first, int64_t count) {
    const work *w = context;
    tci_activation_get()->scale(w->in + first, w->out + first, count, w->factor, w->accumulate);
}

static void scale_backward(tc_tape *tape, const tci_node *node) {
    const float *factor = node->saved;
    tci_gradient g = tci_gradient_of(tape, node->inputs[0]);
    if (g.data)
        tci_stretches(tc_tape_threads(tape), tc_numel(node->output), stretch,
                      &(work){node->output->grad, g.data, *factor, g.accumulate});
}

static const tci_op scale_op = {"scale", scale_backward};

tc_tensor *tc_scale(tc_tape *tape, tc_tensor *x, float factor) {
    if (!tci_begin(tape, "scale", x)) return NULL;
    tc_tensor *y = tci_result(tape, x->ndim, x->shape);
    float *saved = y ? tci_save(tape, sizeof *saved) : NULL;
    if (!saved) return NULL;
    *saved = factor;
    tci_stretches(tc_tape_threads(tape), tc_numel(x), stretch, &(work){x->data, y->data, factor, false});
    return tci_record(tape, &scale_op, y, saved, x);
}
