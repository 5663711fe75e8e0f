/* mse_loss.c - the mean or the sum of (x - z)^2; dx = 2 (x - z) / count, dz = -dx. */
#include "activation.h"
#include "common.h"

typedef struct work {
    const float *x, *z;
    float *out, factor;
    bool accumulate;
} work;

static void stretch(void *context, int64_t first, int64_t count) {
    const work *w = context;
    tci_activation_get()->scaled_difference(w->x + first, w->z + first, w->out + first, count, w->factor,
                                            w->accumulate);
}

static void mse_loss_backward(tc_tape *tape, const tci_node *node) {
    const float *factor = node->saved;
    for (int i = 0; i < 2; i++) {
        tci_gradient g = tci_gradient_of(tape, node->inputs[i]);
        if (g.data)
            tci_stretches(tc_tape_threads(tape), tc_numel(node->inputs[i]), stretch,
                          &(work){node->inputs[i]->data, node->inputs[1 - i]->data, g.data,
                                  2.0f * *factor * node->output->grad[0], g.accumulate});
    }
}

static const tci_op mse_loss_op = {"mse_loss", mse_loss_backward};

tc_tensor *tc_mse_loss(tc_tape *tape, tc_tensor *x, tc_tensor *target, tc_reduction reduction) {
    if (!tci_begin(tape, "mse_loss", x, target)) return NULL;
    for (int i = 0; i < TC_MAX_DIMS; i++) {
        char left[TC_SHAPE_TEXT], right[TC_SHAPE_TEXT];
        if (x->ndim != target->ndim || x->shape[i] != target->shape[i])
            return tci_tape_fail(tape, TC_ERR_SHAPE, "mse_loss: shapes %s and %s differ", TCI_SHAPE(x, left),
                                 TCI_SHAPE(target, right));
    }
    tc_tensor *loss = tci_result(tape, 0, NULL);
    float *factor = loss ? tci_save(tape, sizeof *factor) : NULL;
    if (!factor) return NULL;
    *factor = reduction == TC_REDUCTION_SUM ? 1.0f : 1.0f / (float)tc_numel(x);
    double sum = tci_activation_get()->squared_distance(x->data, target->data, tc_numel(x));
    loss->data[0] = (float)(sum * (double)*factor);
    return tci_record(tape, &mse_loss_op, loss, factor, x, target);
}
