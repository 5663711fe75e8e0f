/* add.c - y = a + b, or relu(a + b); both inputs receive the output's gradient. */
#include "activation.h"
#include "arith.h"
#include "common.h"
#include "tinycnn/parallel.h"

enum { ROWS_FLOATS = 16384 };

typedef struct work {
    const tc_tensor *a, *b;
    float *out;
    bool relu;
    int64_t rows, c, each; /* y as (rows, c), `each` rows in a chunk */
} work;

static void forward(void *context, int64_t chunk, int worker) {
    const work *w = context;
    (void)worker;
    int64_t first = chunk * w->each, at = first * w->c;
    tci_activation_get()->add(w->a->data + at, w->a->map, w->b->data + at, w->b->map, w->out + at,
                              tci_min(w->each, w->rows - first), w->c, w->relu);
}

typedef struct copy {
    const float *dy;
    float *out;
    bool accumulate;
} copy;

static void pass_on(void *context, int64_t first, int64_t count) {
    const copy *w = context;
    tci_activation_get()->scale(w->dy + first, w->out + first, count, 1.0f, w->accumulate);
}

static void add_backward(tc_tape *tape, const tci_node *node) {
    const tc_activation *activation = node->saved;
    const float *dy = tci_gradient_before(tape, node, *activation);
    if (!dy) return;
    tci_output_done(tape, node);
    bool in_place = dy == node->output->grad;
    for (int i = 1; i >= 0; i--) {
        tc_tensor *input = node->inputs[i];
        tci_gradient g =
            i == 0 && in_place ? tci_gradient_in_place(tape, node, input) : tci_gradient_of(tape, input);
        if (g.data && g.data != dy)
            tci_stretches(tc_tape_threads(tape), tc_numel(node->output), pass_on,
                          &(copy){dy, g.data, g.accumulate});
    }
}

static const tci_op add_op = {"add", add_backward};

tc_tensor *tc_add(tc_tape *tape, tc_tensor *a, tc_tensor *b, tc_activation activation) {
    if (!tci_begin_mapped(tape, "add", a, b)) return NULL;
    for (int i = 0; i < TC_MAX_DIMS; i++) {
        char left[TC_SHAPE_TEXT], right[TC_SHAPE_TEXT];
        if (a->ndim != b->ndim || a->shape[i] != b->shape[i])
            return tci_tape_fail(tape, TC_ERR_SHAPE, "add: shapes %s and %s differ", TCI_SHAPE(a, left),
                                 TCI_SHAPE(b, right));
    }
    if (!tci_at_most_relu(tape, "add", activation)) return NULL;
    tc_tensor *y = tci_result(tape, a->ndim, a->shape);
    tc_activation *saved = y ? tci_save(tape, sizeof *saved) : NULL;
    if (!saved) return NULL;
    *saved = activation;
    work w = {a, b, y->data, activation == TC_ACTIVATION_RELU,
              .c = a->shape[a->ndim == 4 ? 1 : tci_max(0, a->ndim - 1)]};
    w.rows = tc_numel(a) / w.c;
    w.each = tci_max(1, ROWS_FLOATS / w.c);
    tc_parallel_for(tc_tape_threads(tape), tci_ceil_div(w.rows, w.each), forward, &w);
    return tci_record(tape, &add_op, y, saved, a, b);
}
