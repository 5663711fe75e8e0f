/* average.c - average = decay average + (1 - decay) value, for all parameters and buffers.
 *
 * Written as torch.lerp does, a + (1 - decay) (x - a) or x - decay (x - a): an average of equal values is that value,
 * and decays of 0 and 1 are exact. */
#include <string.h>

#include "optimizer.h"
#include "optimizer_internal.h"
#include "tinycnn/parallel.h"

/* ---- Beginning ---------------------------------------------------------------------------------------- */

static tc_parameter *value_of(tc_model *model, int i) {
    int parameters = tc_model_parameter_count(model);
    return i < parameters ? tc_model_parameter(model, i) : tc_model_buffer(model, i - parameters);
}

/* The list of states grows by one average for each value; those of before stay where they are. */
static tc_status fill(tc_optimizer *optimizer, tci_averages *averages, tc_parameter *states) {
    for (int i = 0; i < averages->count; i++) {
        const tc_parameter *from = value_of(optimizer->model, i);
        tc_parameter *state = &states[optimizer->state_count + i];
        *state = (tc_parameter){
            .name = tci_state_name(optimizer->arena, "average", from->name),
            .tensor = tc_tensor_create(optimizer->arena, from->tensor->ndim, from->tensor->shape)};
        if (!state->name || !state->tensor) return TC_ERR_MEMORY;
        memcpy(state->tensor->data, from->tensor->data, (size_t)tc_numel(from->tensor) * sizeof(float));
        averages->values[i] = from->tensor;
        averages->averages[i] = state->tensor;
    }
    return tci_cut_into_pieces(optimizer->arena, averages->values, averages->count, &averages->pieces,
                               &averages->piece_count);
}

tc_status tc_optimizer_average(tc_optimizer *optimizer) {
    if (optimizer->averages.count > 0)
        return tc_fail(TC_ERR_STATE, "%s: an average has been begun already", optimizer->kind->name);
    tc_arena *arena = optimizer->arena;
    int count = tc_model_parameter_count(optimizer->model) + tc_model_buffer_count(optimizer->model);
    size_t pointers = (size_t)count * sizeof(tc_tensor *);
    tci_averages averages = {.count = count,
                             .values = tc_arena_alloc(arena, pointers),
                             .averages = tc_arena_alloc(arena, pointers)};
    tc_parameter *states =
        tc_arena_alloc(arena, (size_t)(optimizer->state_count + count) * sizeof(tc_parameter));
    if (!averages.values || !averages.averages || !states) return TC_ERR_MEMORY;
    if (optimizer->state_count > 0)
        memcpy(states, optimizer->states, (size_t)optimizer->state_count * sizeof(tc_parameter));
    TC_TRY(fill(optimizer, &averages, states));
    optimizer->averages = averages;
    optimizer->states = states;
    optimizer->state_count += count;
    return TC_OK;
}

/* ---- Use ---------------------------------------------------------------------------------------------- */

typedef struct work {
    const tci_averages *averages;
    double decay;
} work;

/* The values of a piece and, at *average, their averages. */
static float *piece_of(const work *w, int64_t chunk, float **average, int64_t *count) {
    const tci_piece *piece = &w->averages->pieces[chunk];
    *average = w->averages->averages[piece->slot]->data + piece->first;
    *count = piece->count;
    return w->averages->values[piece->slot]->data + piece->first;
}

static void update_piece(void *context, int64_t chunk, int worker) {
    const work *w = context;
    float *average;
    int64_t count;
    const float *value = piece_of(w, chunk, &average, &count);
    (void)worker;
    tci_optimizer_get()->blend(average, value, count, (float)w->decay, (float)(1 - w->decay));
}

static void apply_piece(void *context, int64_t chunk, int worker) {
    float *average;
    int64_t count;
    float *value = piece_of(context, chunk, &average, &count);
    (void)worker;
    memcpy(value, average, (size_t)count * sizeof(float));
}

static void swap_piece(void *context, int64_t chunk, int worker) {
    float *average;
    int64_t count;
    float *value = piece_of(context, chunk, &average, &count);
    (void)worker;
    tci_optimizer_get()->exchange(value, average, count);
}

static void for_each_piece(tc_optimizer *optimizer, void (*body)(void *context, int64_t chunk, int worker),
                           double decay) {
    work w = {&optimizer->averages, decay};
    tc_parallel_for(optimizer->threads, w.averages->piece_count, body, &w);
}

void tc_optimizer_average_update(tc_optimizer *optimizer, double decay) {
    for_each_piece(optimizer, update_piece, decay);
}

void tc_optimizer_average_apply(tc_optimizer *optimizer) {
    tc_model_thaw(optimizer->model);
    for_each_piece(optimizer, apply_piece, 0);
}

void tc_optimizer_average_swap(tc_optimizer *optimizer) {
    tc_model_thaw(optimizer->model);
    for_each_piece(optimizer, swap_piece, 0);
}
