/* common.c - see common.h. */
#include "common.h"

#include "activation.h"
#include "arith.h"
#include "tinycnn/parallel.h"

enum { STRETCH = 16384 };

typedef struct stretches {
    int64_t n;
    void (*body)(void *context, int64_t first, int64_t count);
    void *context;
} stretches;

static void one_stretch(void *context, int64_t chunk, int worker) {
    const stretches *s = context;
    (void)worker;
    int64_t first = chunk * STRETCH;
    s->body(s->context, first, tci_min(STRETCH, s->n - first));
}

void tci_stretches(int threads, int64_t n, void (*body)(void *context, int64_t first, int64_t count),
                   void *context) {
    stretches s = {n, body, context};
    tc_parallel_for(threads, tci_ceil_div(n, STRETCH), one_stretch, &s);
}

typedef struct mask {
    const float *y, *dy;
    float *masked;
} mask;

static void mask_stretch(void *context, int64_t first, int64_t count) {
    const mask *m = context;
    tci_activation_get()->relu_backward(m->y + first, m->dy + first, m->masked + first, count, false);
}

const float *tci_gradient_before(tc_tape *tape, const tci_node *node, tc_activation activation) {
    tc_tensor *y = node->output;
    if (activation == TC_ACTIVATION_NONE) return y->grad;
    float *masked = y->grad;
    if (y->retain_grad) masked = tci_save(tape, sizeof(float) * (size_t)tc_numel(y));
    if (!masked) return NULL;
    tci_stretches(tc_tape_threads(tape), tc_numel(y), mask_stretch, &(mask){y->data, y->grad, masked});
    return masked;
}

bool tci_is_4d(tc_tape *tape, const char *op, const tc_tensor *x) {
    char text[TC_SHAPE_TEXT];
    if (x->ndim != 4)
        tci_tape_fail(tape, TC_ERR_SHAPE, "%s: input has shape %s, (N, C, H, W) is expected", op,
                      TCI_SHAPE(x, text));
    return x->ndim == 4;
}
