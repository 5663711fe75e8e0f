/* optimizer.c - parameters, groups, state, and the loop over them.
 *
 * Parameters are cut into pieces of fixed size and the pieces are shared out among threads. No element
 * depends on another, so the result has the same bits on any number of threads. */
#include "optimizer_internal.h"

#include <string.h>

#include "arith.h"
#include "tinycnn/parallel.h"

#define PIECE_ELEMENTS 16384 /* some 100 KB of weight, gradient and state: more than a thread start costs */

/* ---- Making one --------------------------------------------------------------------------------------- */

const char *tci_state_name(tc_arena *arena, const char *prefix, const char *name) {
    size_t prefix_size = strlen(prefix), name_size = strlen(name) + 1;
    char *text = tc_arena_alloc(arena, prefix_size + 1 + name_size);
    if (!text) return NULL;
    memcpy(text, prefix, prefix_size);
    text[prefix_size] = '.';
    memcpy(text + prefix_size + 1, name, name_size);
    return text;
}

static tc_status add_state(tc_optimizer *optimizer, int kind_state, tci_slot *slot) {
    const tc_tensor *like = slot->parameter->tensor;
    tc_parameter *state = &optimizer->states[optimizer->state_count];
    state->layer = NULL;
    state->name =
        tci_state_name(optimizer->arena, optimizer->kind->state_names[kind_state], slot->parameter->name);
    state->tensor = tc_tensor_create(optimizer->arena, like->ndim, like->shape);
    if (!state->name || !state->tensor) return TC_ERR_MEMORY;
    slot->state[kind_state] = state->tensor;
    optimizer->state_count++;
    return TC_OK;
}

tc_status tci_cut_into_pieces(tc_arena *arena, tc_tensor *const *tensors, int count, tci_piece **pieces,
                              int64_t *piece_count) {
    int64_t all = 0;
    for (int i = 0; i < count; i++) all += tci_ceil_div(tc_numel(tensors[i]), PIECE_ELEMENTS);
    tci_piece *piece = *pieces = tc_arena_alloc(arena, (size_t)all * sizeof(tci_piece));
    if (!piece) return TC_ERR_MEMORY;
    for (int i = 0; i < count; i++) {
        int64_t elements = tc_numel(tensors[i]);
        for (int64_t first = 0; first < elements; first += PIECE_ELEMENTS)
            *piece++ =
                (tci_piece){.slot = i, .first = first, .count = tci_min(PIECE_ELEMENTS, elements - first)};
    }
    *piece_count = all;
    return TC_OK;
}

static tc_status fill(tc_optimizer *optimizer, int states) {
    tc_model *model = optimizer->model;
    size_t count = (size_t)tc_model_parameter_count(model);
    tc_tensor **tensors = tc_arena_alloc(optimizer->arena, count * sizeof *tensors);
    optimizer->slots = tc_arena_alloc(optimizer->arena, count * sizeof(tci_slot));
    optimizer->states = tc_arena_alloc(optimizer->arena, count * (size_t)states * sizeof(tc_parameter));
    if (!tensors || !optimizer->slots || !optimizer->states) return TC_ERR_MEMORY;
    for (int i = 0; i < (int)count; i++) {
        tensors[i] = tc_model_parameter(model, i)->tensor;
        optimizer->slots[i] = (tci_slot){.parameter = tc_model_parameter(model, i),
                                         .lr_scale = 1,
                                         .weight_decay = optimizer->weight_decay};
    }
    optimizer->slot_count = (int)count;
    for (int state = 0; state < states; state++) {
        for (int i = 0; i < (int)count; i++) TC_TRY(add_state(optimizer, state, &optimizer->slots[i]));
    }
    return tci_cut_into_pieces(optimizer->arena, tensors, (int)count, &optimizer->pieces,
                               &optimizer->piece_count);
}

tc_status tci_optimizer_new(tc_model *model, const tci_optimizer_kind *kind, int states, float lr,
                            double weight_decay, tc_optimizer **optimizer) {
    *optimizer = NULL;
    tc_arena *arena = tc_arena_create();
    tc_optimizer *made = arena ? tc_arena_alloc(arena, sizeof *made) : NULL;
    if (!made) {
        tc_arena_free(arena);
        return tc_fail(TC_ERR_MEMORY, "%s: no memory", kind->name);
    }
    *made = (tc_optimizer){.kind = kind,
                           .model = model,
                           .arena = arena,
                           .threads = tc_threads_available(),
                           .lr = lr,
                           .weight_decay = weight_decay};
    tc_status status = fill(made, states);
    if (status != TC_OK) {
        tc_arena_free(arena);
        return status;
    }
    *optimizer = made;
    return TC_OK;
}

void tc_optimizer_free(tc_optimizer *optimizer) {
    if (optimizer) tc_arena_free(optimizer->arena); /* which holds the optimizer itself */
}

/* ---- Groups ------------------------------------------------------------------------------------------- */

tc_status tc_optimizer_group(tc_optimizer *optimizer,
                             bool (*match)(const tc_parameter *parameter, void *context), void *context,
                             const tc_group_options *options) {
    float scale = options->lr_scale, decay = options->weight_decay;
    /* Written so that NaN fails. */
    if (!(scale >= 0 || scale == TC_FREEZE) || !(decay >= 0 || decay == TC_NO_DECAY)) {
        return tc_fail(
            TC_ERR_ARGUMENT,
            "%s: a group with lr_scale %g and weight_decay %g, expected are numbers of at least 0, "
            "TC_FREEZE or TC_NO_DECAY",
            optimizer->kind->name, (double)scale, (double)decay);
    }
    int matches = 0;
    for (int i = 0; i < optimizer->slot_count; i++) {
        tci_slot *slot = &optimizer->slots[i];
        if (!match(slot->parameter, context)) continue;
        matches++;
        slot->lr_scale = scale == 0 ? 1 : scale;
        slot->weight_decay = decay == 0 ? optimizer->weight_decay : decay == TC_NO_DECAY ? 0 : decay;
    }
    if (matches == 0)
        return tc_fail(TC_ERR_ARGUMENT, "%s: no parameter belongs to the group", optimizer->kind->name);
    return TC_OK;
}

bool tc_match_1d(const tc_parameter *parameter, void *unused) {
    (void)unused;
    return parameter->tensor->ndim == 1;
}

/* ---- The step ----------------------------------------------------------------------------------------- */

static void update_piece(void *context, int64_t chunk, int worker) {
    (void)worker;
    const tc_optimizer *optimizer = context;
    const tci_piece *piece = &optimizer->pieces[chunk];
    const tci_slot *slot = &optimizer->slots[piece->slot];
    if (tci_is_trained(slot)) optimizer->kind->update(optimizer, slot, piece->first, piece->count);
}

void tc_optimizer_step(tc_optimizer *optimizer) {
    optimizer->steps++;
    tc_parallel_for(optimizer->threads, optimizer->piece_count, update_piece, optimizer);
    if (optimizer->kind->finish) optimizer->kind->finish(optimizer);
}

/* ---- Settings and state ------------------------------------------------------------------------------- */

void tc_optimizer_set_lr(tc_optimizer *optimizer, float lr) {
    optimizer->lr = lr;
}

float tc_optimizer_lr(const tc_optimizer *optimizer) {
    return optimizer->lr;
}

void tc_optimizer_set_threads(tc_optimizer *optimizer, int threads) {
    optimizer->threads = threads > 0 ? threads : tc_threads_available();
}

int tc_optimizer_state_count(const tc_optimizer *optimizer) {
    return optimizer->state_count;
}

tc_parameter *tc_optimizer_state(tc_optimizer *optimizer, int index) {
    return &optimizer->states[index];
}

int64_t tc_optimizer_steps(const tc_optimizer *optimizer) {
    return optimizer->steps;
}

void tc_optimizer_set_steps(tc_optimizer *optimizer, int64_t steps) {
    optimizer->steps = steps;
}

const char *tc_optimizer_name(const tc_optimizer *optimizer) {
    return optimizer->kind->name;
}
