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

tc_tensor *tci_mapped(tc_tape *tape, tc_tensor *x, const tci_map *map) {
    if (tci_tape_defers(tape)) return tci_deferred(tape, x, map);
    tc_tensor *y = tci_result(tape, x->ndim, x->shape);
    if (y) tci_map_apply(tape, map, x->data, x->shape, y->data);
    return y;
}

tci_map_activation tci_map_activation_of(tc_activation activation) {
    return activation == TC_ACTIVATION_RELU   ? TCI_MAP_RELU
           : activation == TC_ACTIVATION_GELU ? TCI_MAP_GELU
                                              : TCI_MAP_NONE;
}

bool tci_at_most_relu(tc_tape *tape, const char *op, tc_activation activation) {
    if (activation == TC_ACTIVATION_NONE || activation == TC_ACTIVATION_RELU) return true;
    return tci_tape_fail(tape, TC_ERR_ARGUMENT, "%s: no other activation than relu can be part of it", op);
}

tci_moments *tci_moments_create(tc_tape *tape, int64_t parts, int64_t c) {
    tci_moments *m = tci_save(tape, sizeof *m);
    int64_t *count = m ? tci_save(tape, sizeof *count * (size_t)parts) : NULL;
    float *sums = count ? tci_save(tape, sizeof *sums * 3 * (size_t)(parts * c)) : NULL;
    if (!sums) return NULL;
    *m = (tci_moments){parts, c, count, sums, sums + parts * c, sums + 2 * parts * c};
    return m;
}

bool tci_is_4d(tc_tape *tape, const char *op, const tc_tensor *x) {
    char text[TC_SHAPE_TEXT];
    if (x->ndim != 4)
        tci_tape_fail(tape, TC_ERR_SHAPE, "%s: input has shape %s, (N, C, H, W) is expected", op,
                      TCI_SHAPE(x, text));
    return x->ndim == 4;
}
