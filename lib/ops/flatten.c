/* flatten.c - (N, C, H, W) to (N, C H W). The result is in C, H, W order, so this is where channels-last
 * pictures are turned round: weights of a linear layer then mean the same as in PyTorch. */
#include "common.h"
#include "tinycnn/parallel.h"

typedef struct work {
    int64_t c, pixels;
    const float *in;
    float *out;
    bool accumulate;
} work;

static void to_planes(void *context, int64_t n, int worker) {
    const work *w = context;
    (void)worker;
    const float *in = w->in + n * w->c * w->pixels;
    float *out = w->out + n * w->c * w->pixels;
    for (int64_t c = 0; c < w->c; c++)
        for (int64_t p = 0; p < w->pixels; p++) out[c * w->pixels + p] = in[p * w->c + c];
}

static void from_planes(void *context, int64_t n, int worker) {
    const work *w = context;
    (void)worker;
    const float *in = w->in + n * w->c * w->pixels;
    float *out = w->out + n * w->c * w->pixels;
    for (int64_t p = 0; p < w->pixels; p++) {
        for (int64_t c = 0; c < w->c; c++) {
            float value = in[c * w->pixels + p];
            out[p * w->c + c] = w->accumulate ? out[p * w->c + c] + value : value;
        }
    }
}

static void flatten_backward(tc_tape *tape, const tci_node *node) {
    const int64_t *s = node->inputs[0]->shape;
    tci_gradient g = tci_gradient_of(tape, node->inputs[0]);
    if (g.data)
        tc_parallel_for(tc_tape_threads(tape), s[0], from_planes,
                        &(work){s[1], s[2] * s[3], node->output->grad, g.data, g.accumulate});
}

static const tci_op flatten_op = {"flatten", flatten_backward};

tc_tensor *tc_flatten(tc_tape *tape, tc_tensor *x) {
    if (!tci_begin(tape, "flatten", x)) return NULL;
    if (x->ndim == 2) return x;
    if (!tci_is_4d(tape, "flatten", x)) return NULL;
    const int64_t *s = x->shape;
    tc_tensor *y = tci_result(tape, 2, (const int64_t[]){s[0], s[1] * s[2] * s[3]});
    if (!y) return NULL;
    tc_parallel_for(tc_tape_threads(tape), s[0], to_planes,
                    &(work){s[1], s[2] * s[3], x->data, y->data, false});
    return tci_record(tape, &flatten_op, y, NULL, x);
}
