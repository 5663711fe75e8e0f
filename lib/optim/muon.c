/* muon.c - Muon for matrices, which is momentum whose step has all singular values near 1:
 *   v = momentum v + g;  M = g + momentum v with Nesterov, else v;  w -= lr orthogonal(M)
 * and stochastic gradient descent for all other parameters.
 *
 * A weight (O, C, KH, KW) lies as (O, KH, KW, C): the matrix of O rows is there, and the order of its columns means
 * nothing to orthogonal(). With more rows than columns the transpose is worked on, for X X^T is then smaller.
 * Matrices are taken one after the other, each by all threads. */
#include <math.h>

#include "arith.h"
#include "optimizer.h"
#include "optimizer_internal.h"
#include "orthogonal.h"
#include "tinycnn/parallel.h"

enum { ELEMENTS = 16384, ROWS = 16 };

static bool is_matrix(const tci_slot *slot) {
    return slot->parameter->tensor->ndim == 4;
}

/* ---- Others ------------------------------------------------------------------------------------------- */

static void update(const tc_optimizer *optimizer, const tci_slot *slot, int64_t first, int64_t count) {
    const tc_tensor *weight = slot->parameter->tensor;
    if (is_matrix(slot)) return;
    tci_sgd_numbers numbers = {.lr = (float)(optimizer->lr * slot->lr_scale),
                               .weight_decay = (float)slot->weight_decay,
                               .momentum = (float)optimizer->u.muon.sgd_momentum,
                               .gradient_weight = 1.0f,
                               .nesterov = optimizer->u.muon.nesterov};
    tci_optimizer_get()->sgd(weight->data + first, slot->state[0]->data + first, weight->grad + first, count,
                             &numbers);
}

/* ---- Matrices ----------------------------------------------------------------------------------------- */

typedef struct matrix {
    float *w, *v;
    const float *g;
    int64_t count;
    float momentum, lr, scale; /* scale: of w before the step */
    bool nesterov;
    float *step; /* M, and then orthogonal(M) */
} matrix;

static void direction(void *context, int64_t chunk, int worker) {
    const matrix *m = context;
    int64_t first = chunk * ELEMENTS;
    (void)worker;
    tci_optimizer_get()->direction(m->v + first, m->g + first, m->step + first,
                                   tci_min(ELEMENTS, m->count - first), m->momentum, m->nesterov);
}

static void move(void *context, int64_t chunk, int worker) {
    const matrix *m = context;
    int64_t first = chunk * ELEMENTS;
    (void)worker;
    tci_optimizer_get()->move(m->w + first, m->step + first, tci_min(ELEMENTS, m->count - first), m->scale,
                              m->lr);
}

typedef struct transposition {
    const float *from; /* (rows, columns) */
    float *to;         /* (columns, rows) */
    int64_t rows, columns;
} transposition;

static void transpose_rows(void *context, int64_t chunk, int worker) {
    const transposition *t = context;
    (void)worker;
    for (int64_t r = chunk * ROWS; r < tci_min((chunk + 1) * ROWS, t->rows); r++)
        for (int64_t c = 0; c < t->columns; c++) t->to[c * t->rows + r] = t->from[r * t->columns + c];
}

static void transpose(const float *from, int64_t rows, int64_t columns, float *to, int threads) {
    tc_parallel_for(threads, tci_ceil_div(rows, ROWS), transpose_rows,
                    &(transposition){from, to, rows, columns});
}

/* M, its transpose if that is wanted, and what orthogonal() works in. */
static int64_t room_for(int64_t rows, int64_t columns) {
    if (rows <= columns) return rows * columns + tci_orthogonal_scratch(rows, columns);
    return 2 * rows * columns + tci_orthogonal_scratch(columns, rows);
}

/* orthogonal(M); M itself is lost. Returns where it lies. */
static float *orthogonal(const tc_optimizer *optimizer, float *step, int64_t rows, int64_t columns) {
    int steps = optimizer->u.muon.steps, threads = optimizer->threads;
    float *rest = step + rows * columns;
    if (rows <= columns) return tci_orthogonal(step, rows, columns, steps, rest, threads);
    transpose(step, rows, columns, rest, threads);
    const float *turned = tci_orthogonal(rest, columns, rows, steps, rest + rows * columns, threads);
    transpose(turned, columns, rows, step, threads);
    return step;
}

static void update_matrix(const tc_optimizer *optimizer, const tci_slot *slot) {
    const tc_tensor *weight = slot->parameter->tensor;
    int64_t count = tc_numel(weight), rows = weight->shape[0], columns = count / rows;
    matrix m = {.w = weight->data,
                .v = slot->state[0]->data,
                .g = weight->grad,
                .count = count,
                .momentum = (float)optimizer->u.muon.momentum,
                .lr = (float)(optimizer->lr * slot->lr_scale),
                .scale = 1.0f,
                .nesterov = optimizer->u.muon.nesterov,
                .step = optimizer->u.muon.room};
    double norm =
        optimizer->u.muon.rescale ? sqrt(tci_optimizer_get()->sum_of_squares(weight->data, count)) : 0.0;
    if (norm > 0.0) m.scale = (float)(sqrt((double)rows) / norm);
    tc_parallel_for(optimizer->threads, tci_ceil_div(count, ELEMENTS), direction, &m);
    m.step = orthogonal(optimizer, m.step, rows, columns);
    tc_parallel_for(optimizer->threads, tci_ceil_div(count, ELEMENTS), move, &m);
}

static void update_matrices(const tc_optimizer *optimizer) {
    for (int i = 0; i < optimizer->slot_count; i++) {
        const tci_slot *slot = &optimizer->slots[i];
        if (is_matrix(slot) && tci_is_trained(slot)) update_matrix(optimizer, slot);
    }
}

/* ---- Making one --------------------------------------------------------------------------------------- */

static const tci_optimizer_kind kind = {
    .name = "muon", .state_names = {"momentum"}, .update = update, .finish = update_matrices};

static tc_status make_room(tc_optimizer *optimizer) {
    int64_t floats = 0;
    for (int i = 0; i < optimizer->slot_count; i++) {
        const tc_tensor *weight = optimizer->slots[i].parameter->tensor;
        if (!is_matrix(&optimizer->slots[i])) continue;
        floats = tci_max(floats, room_for(weight->shape[0], tc_numel(weight) / weight->shape[0]));
    }
    optimizer->u.muon.room = tc_arena_alloc(optimizer->arena, (size_t)floats * sizeof(float));
    return optimizer->u.muon.room ? TC_OK : TC_ERR_MEMORY;
}

tc_status tc_muon_create(tc_model *model, const tc_muon_options *options, tc_optimizer **optimizer) {
    tc_muon_options o = options ? *options : (tc_muon_options){0};
    *optimizer = NULL;
    if (o.lr == 0) o.lr = 0.02f;
    if (o.steps == 0) o.steps = 5;
    if (o.weight_decay == TC_NO_DECAY) o.weight_decay = 0;
    /* Written so that NaN fails. */
    if (!(o.lr >= 0) || !(o.momentum >= 0) || !(o.sgd_momentum >= 0) || !(o.weight_decay >= 0) || o.steps < 0)
        return tc_fail(TC_ERR_ARGUMENT,
                       "muon: lr %g, momentum %g, sgd_momentum %g, weight_decay %g, steps %d: expected are "
                       "numbers of at least 0",
                       (double)o.lr, (double)o.momentum, (double)o.sgd_momentum, (double)o.weight_decay,
                       o.steps);
    tc_optimizer *made;
    TC_TRY(tci_optimizer_new(model, &kind, 1, o.lr, o.weight_decay, &made));
    made->u.muon.momentum = o.momentum;
    made->u.muon.sgd_momentum = o.sgd_momentum;
    made->u.muon.nesterov = o.nesterov;
    made->u.muon.rescale = o.rescale;
    made->u.muon.steps = o.steps;
    tc_status status = make_room(made);
    if (status == TC_OK)
        *optimizer = made;
    else
        tc_optimizer_free(made);
    return status;
}
