/* linear.c - y = x W^T + b, then relu if asked for.
 *   dx = dy W,  dW = dy^T x,  db = sum of dy over the batch */
#include "common.h"
#include "gemm.h"
#include "normalization.h"
#include "parts.h"
#include "tinycnn/parallel.h"

typedef struct epilogue_work {
    float *y;
    const float *bias;
    int64_t features;
    bool relu;
} epilogue_work;

static void epilogue_row(void *context, int64_t row, int worker) {
    const epilogue_work *w = context;
    (void)worker;
    tci_normalization_get()->add_bias(w->y + row * w->features, 1, w->features, w->bias, w->relu);
}

static void linear_backward(tc_tape *tape, const tci_node *node) {
    tc_tensor *x = node->inputs[0], *weight = node->inputs[1], *bias = node->inputs[2];
    const tc_activation *activation = node->saved;
    int threads = tc_tape_threads(tape);
    int64_t n = x->shape[0], in = x->shape[1], out = weight->shape[0];
    const float *dy = tci_gradient_before(tape, node, *activation);
    if (!dy) return;
    tci_gradient db = tci_gradient_of(tape, bias);
    if (db.data) {
        float *scratch = tci_scratch(tape, (size_t)tci_column_sums_scratch(n, out));
        if (!scratch) return;
        tci_column_sums(dy, n, out, db.data, db.accumulate, scratch, threads);
        tci_scratch_release(tape, scratch);
    }
    tci_gradient dw = tci_gradient_of(tape, weight);
    if (dw.data)
        tci_gemm_parallel(true, false, out, in, n, dy, x->data, dw.accumulate ? 1.0f : 0.0f, dw.data,
                          threads);
    tci_gradient dx = tci_gradient_of(tape, x);
    if (dx.data)
        tci_gemm_parallel(false, false, n, in, out, dy, weight->data, dx.accumulate ? 1.0f : 0.0f, dx.data,
                          threads);
}

static const tci_op linear_op = {"linear", linear_backward};

static bool fits(tc_tape *tape, const tc_tensor *x, const tc_tensor *weight, const tc_tensor *bias) {
    char a[TC_SHAPE_TEXT], b[TC_SHAPE_TEXT];
    if (x->ndim != 2 || weight->ndim != 2 || x->shape[1] != weight->shape[1])
        tci_tape_fail(tape, TC_ERR_SHAPE,
                      "linear: input %s and weight %s do not fit; (N, I) and (O, I) are expected",
                      TCI_SHAPE(x, a), TCI_SHAPE(weight, b));
    else if (bias && (bias->ndim != 1 || bias->shape[0] != weight->shape[0]))
        tci_tape_fail(tape, TC_ERR_SHAPE, "linear: bias has shape %s, weight %s expects (%lld)",
                      TCI_SHAPE(bias, a), TCI_SHAPE(weight, b), (long long)weight->shape[0]);
    else if (x->shape[0] > INT32_MAX || x->shape[1] > INT32_MAX || weight->shape[0] > INT32_MAX)
        tci_tape_fail(tape, TC_ERR_SHAPE, "linear: an extent of %s or %s is too large for BLAS",
                      TCI_SHAPE(x, a), TCI_SHAPE(weight, b));
    return tc_tape_status(tape) == TC_OK;
}

tc_tensor *tc_linear(tc_tape *tape, tc_tensor *x, tc_tensor *weight, tc_tensor *bias,
                     tc_activation activation) {
    if (!tci_begin(tape, "linear", x, weight) || !fits(tape, x, weight, bias)) return NULL;
    int64_t n = x->shape[0], in = x->shape[1], out = weight->shape[0];
    if (!tci_at_most_relu(tape, "linear", activation)) return NULL;
    tc_tensor *y = tci_result(tape, 2, (const int64_t[]){n, out});
    tc_activation *saved = y ? tci_save(tape, sizeof *saved) : NULL;
    if (!saved) return NULL;
    *saved = activation;
    int threads = tc_tape_threads(tape);
    tci_gemm_parallel(false, true, n, out, in, x->data, weight->data, 0.0f, y->data, threads);
    if (bias || activation == TC_ACTIVATION_RELU)
        tc_parallel_for(
            threads, n, epilogue_row,
            &(epilogue_work){y->data, bias ? bias->data : NULL, out, activation == TC_ACTIVATION_RELU});
    return tci_record(tape, &linear_op, y, saved, x, weight, bias);
}
