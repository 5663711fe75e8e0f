/* log_softmax.c - y = x - log sum exp x, a row. With s = exp y: dx = dy - s sum dy. */
#include "common.h"
#include "softmax.h"
#include "tinycnn/parallel.h"

typedef struct work {
    const float *in, *dy;
    float *out;
    int64_t c;
    bool accumulate;
} work;

static void forward_row(void *context, int64_t row, int worker) {
    const work *w = context;
    (void)worker;
    tci_log_softmax_row(w->in + row * w->c, w->c, w->out + row * w->c);
}

static void backward_row(void *context, int64_t row, int worker) {
    const work *w = context;
    (void)worker;
    tci_log_softmax_row_backward(w->in + row * w->c, w->dy + row * w->c, w->c, w->out + row * w->c,
                                 w->accumulate);
}

static void log_softmax_backward(tc_tape *tape, const tci_node *node) {
    const tc_tensor *y = node->output;
    tci_gradient g = tci_gradient_of(tape, node->inputs[0]);
    if (g.data)
        tc_parallel_for(tc_tape_threads(tape), y->shape[0], backward_row,
                        &(work){y->data, y->grad, g.data, y->shape[1], g.accumulate});
}

static const tci_op log_softmax_op = {"log_softmax", log_softmax_backward};

tc_tensor *tc_log_softmax(tc_tape *tape, tc_tensor *x) {
    char text[TC_SHAPE_TEXT];
    if (!tci_begin(tape, "log_softmax", x)) return NULL;
    if (x->ndim != 2)
        return tci_tape_fail(tape, TC_ERR_SHAPE, "log_softmax: input has shape %s, (N, C) is expected",
                             TCI_SHAPE(x, text));
    tc_tensor *y = tci_result(tape, 2, x->shape);
    if (!y) return NULL;
    tc_parallel_for(tc_tape_threads(tape), x->shape[0], forward_row,
                    &(work){.in = x->data, .out = y->data, .c = x->shape[1]});
    return tci_record(tape, &log_softmax_op, y, NULL, x);
}
