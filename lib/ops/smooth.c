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

tc_tensor *tci_smooth(tc_tape *tape, const tci_op *op, tci_smooth_forward kernel, tci_map_activation map,
                      tc_tensor *x) {
    if (!tci_begin(tape, op->name, x)) return NULL;
    tc_tensor *y = NULL;
    if (map != TCI_MAP_NONE && x->ndim == 4 && tci_tape_defers(tape)) {
        const tci_map *deferred = tci_activation_map(tape, x->shape[1], map);
        y = deferred ? tci_deferred(tape, x, deferred) : NULL;
    } else {
        y = tci_result(tape, x->ndim, x->shape);
        if (y)
            tci_stretches(tc_tape_threads(tape), tc_numel(x), forward,
                          &(work){.x = x->data, .out = y->data, .forward = kernel});
    }
    return y ? tci_record(tape, op, y, NULL, x) : NULL;
}

void tci_smooth_back(tc_tape *tape, const tci_node *node, tci_smooth_backward kernel) {
    const tc_tensor *x = node->inputs[0];
    const float *dy = node->output->grad;
    tci_gradient g = tci_gradient_in_place(tape, node, node->inputs[0]);
    if (g.data)
        tci_stretches(tc_tape_threads(tape), tc_numel(x), backward,
                      &(work){x->data, dy, g.data, g.accumulate, .backward = kernel});
}
