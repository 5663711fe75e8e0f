/* deferred.c - results whose element-wise work is left to the operation that reads them, see
 * tape_internal.h. */
#include "arith.h"
#include "normalization.h"
#include "pool.h"
#include "tape_internal.h"
#include "tinycnn/parallel.h"

tc_tensor *tci_deferred(tc_tape *tape, tc_tensor *x, const tci_map *map) {
    tc_tensor *y = tci_save(tape, sizeof *y);
    if (!y) return NULL;
    *y = (tc_tensor){.ndim = 4, .data = x->data, .map = map, .from_pool = x->from_pool, .passing = true};
    for (int i = 0; i < 4; i++) y->shape[i] = x->shape[i];
    if (y->from_pool) tci_pool_share(y->data);
    return y;
}

const tci_map *tci_activation_map(tc_tape *tape, int64_t channels, tci_map_activation activation) {
    tci_map *map = tci_save(tape, sizeof *map);
    float *zeros = map ? tci_save(tape, sizeof(float) * 2 * (size_t)channels) : NULL;
    if (!zeros) return NULL;
    float *ones = zeros + channels;
    for (int64_t k = 0; k < channels; k++) zeros[k] = 0.0f, ones[k] = 1.0f;
    *map = (tci_map){zeros, ones, zeros, activation};
    return map;
}

enum { ROWS = 256 };

typedef struct work {
    const tci_map *map;
    const float *x;
    float *y;
    int64_t rows, c;
} work;

static void map_rows(void *context, int64_t chunk, int worker) {
    const work *w = context;
    (void)worker;
    int64_t first = chunk * ROWS, at = first * w->c;
    tci_normalization_get()->apply(w->map, w->x + at, tci_min(ROWS, w->rows - first), w->c, w->y + at);
}

void tci_map_apply(tc_tape *tape, const tci_map *map, const float *x, const int64_t *shape, float *y) {
    work w = {map, x, y, shape[0] * shape[2] * shape[3], shape[1]};
    tc_parallel_for(tc_tape_threads(tape), tci_ceil_div(w.rows, ROWS), map_rows, &w);
}

bool tci_settle(tc_tape *tape, tc_tensor *tensor) {
    if (!tensor->map) return true;
    float *data = tci_scratch(tape, (size_t)tc_numel(tensor));
    if (!data) return false;
    tci_map_apply(tape, tensor->map, tensor->data, tensor->shape, data);
    if (tensor->from_pool) tci_scratch_release(tape, tensor->data);
    tensor->data = data;
    tensor->from_pool = true;
    tensor->map = NULL;
    return true;
}
