/* dropout.c - y = x mask / (1 - p), each mask element 0 with probability p (Srivastava et al. 2014). The mask
 * is not kept: its random numbers are a function of a key and the element's index, and backward draws them
 * again. */
#include "activation.h"
#include "common.h"

typedef struct mask {
    float p;
    uint32_t key[2];
} mask;

typedef struct work {
    const float *in;
    float *out;
    const mask *m;
    bool accumulate;
} work;

static void stretch(void *context, int64_t first, int64_t count) {
    const work *w = context;
    tci_activation_get()->dropout(w->in + first, w->out + first, first, count, w->m->p, w->m->key,
                                  w->accumulate);
}

static void dropout_backward(tc_tape *tape, const tci_node *node) {
    tci_gradient g = tci_gradient_of(tape, node->inputs[0]);
    if (g.data)
        tci_stretches(tc_tape_threads(tape), tc_numel(node->output), stretch,
                      &(work){node->output->grad, g.data, node->saved, g.accumulate});
}

static const tci_op dropout_op = {"dropout", dropout_backward};

tc_tensor *tc_dropout(tc_tape *tape, tc_tensor *x, float p) {
    if (!tci_begin(tape, "dropout", x)) return NULL;
    if (!(p >= 0.0f && p <= 1.0f))
        return tci_tape_fail(tape, TC_ERR_ARGUMENT, "dropout: probability %g is not within 0 .. 1",
                             (double)p);
    if (!tc_tape_is_training(tape) || p == 0.0f) return x;
    tc_tensor *y = tci_result(tape, x->ndim, x->shape);
    mask *m = y ? tci_save(tape, sizeof *m) : NULL;
    if (!m) return NULL;
    m->p = p;
    tci_tape_random_key(tape, m->key);
    tci_stretches(tc_tape_threads(tape), tc_numel(x), stretch, &(work){x->data, y->data, m, false});
    return tci_record(tape, &dropout_op, y, m, x);
}
