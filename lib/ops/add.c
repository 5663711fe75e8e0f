/* add.c - y = a + b, or relu(a + b); both inputs receive the output's gradient. */
#include "activation.h"
#include "common.h"

typedef struct work {
    const float *a, *b;
    float *out;
    bool relu, accumulate;
} work;

static void forward(void *context, int64_t first, int64_t count) {
    const work *w = context;
    tci_activation_get()->add(w->a + first, w->b + first, w->out + first, count, w->relu);
}

static void pass_on(void *context, int64_t first, int64_t count) {
    const work *w = context;
    tci_activation_get()->scale(w->a + first, w->out + first, count, 1.0f, w->accumulate);
}

static void add_backward(tc_tape *tape, const tci_node *node) {
    const tc_activation *activation = node->saved;
    const float *dy = tci_gradient_before(tape, node, *activation);
    if (!dy) return;
    for (int i = 0; i < 2; i++) {
        tci_gradient g = tci_gradient_of(tape, node->inputs[i]);
        if (g.data)
            tci_stretches(tc_tape_threads(tape), tc_numel(node->output), pass_on,
                          &(work){.a = dy, .out = g.data, .accumulate = g.accumulate});
    }
}

static const tci_op add_op = {"add", add_backward};

tc_tensor *tc_add(tc_tape *tape, tc_tensor *a, tc_tensor *b, tc_activation activation) {
    if (!tci_begin(tape, "add", a, b)) return NULL;
    for (int i = 0; i < TC_MAX_DIMS; i++) {
        char left[TC_SHAPE_TEXT], right[TC_SHAPE_TEXT];
        if (a->ndim != b->ndim || a->shape[i] != b->shape[i])
            return tci_tape_fail(tape, TC_ERR_SHAPE, "add: shapes %s and %s differ", TCI_SHAPE(a, left),
                                 TCI_SHAPE(b, right));
    }
    tc_tensor *y = tci_result(tape, a->ndim, a->shape);
    tc_activation *saved = y ? tci_save(tape, sizeof *saved) : NULL;
    if (!saved) return NULL;
    *saved = activation;
    tci_stretches(tc_tape_threads(tape), tc_numel(a), forward,
                  &(work){a->data, b->data, y->data, activation == TC_ACTIVATION_RELU, false});
    return tci_record(tape, &add_op, y, saved, a, b);
}
