/* contents.c - the list of everything that a checkpoint holds; saving and loading go through the same one. */
#include "contents.h"

#include <stdlib.h>
#include <string.h>

static tc_status add(tci_contents *contents, const char *prefix, const char *name, tc_tensor *tensor,
                     int64_t *counter) {
    if (prefix[0] == '\0' && strncmp(name, TCI_OPTIMIZER_PREFIX, strlen(TCI_OPTIMIZER_PREFIX)) == 0)
        return tc_fail(TC_ERR_ARGUMENT,
                       "checkpoint: the model's '%s' cannot be told from the state of an optimiser", name);
    size_t prefix_size = strlen(prefix), name_size = strlen(name) + 1;
    char *full = malloc(prefix_size + name_size);
    if (!full) return tc_fail(TC_ERR_MEMORY, "checkpoint: no memory for the name '%s'", name);
    memcpy(full, prefix, prefix_size);
    memcpy(full + prefix_size, name, name_size);
    contents->items[contents->count++] = (tci_item){.name = full, .tensor = tensor, .counter = counter};
    return TC_OK;
}

static tc_status add_all(tc_model *model, tc_optimizer *optimizer, tci_contents *contents) {
    for (int i = 0; i < tc_model_counter_count(model); i++) {
        const char *name;
        int64_t *counter = tc_model_counter(model, i, &name);
        TC_TRY(add(contents, "", name, NULL, counter));
    }
    for (int i = 0; i < tc_model_parameter_count(model); i++) {
        tc_parameter *parameter = tc_model_parameter(model, i);
        TC_TRY(add(contents, "", parameter->name, parameter->tensor, NULL));
    }
    for (int i = 0; i < tc_model_buffer_count(model); i++) {
        tc_parameter *buffer = tc_model_buffer(model, i);
        TC_TRY(add(contents, "", buffer->name, buffer->tensor, NULL));
    }
    for (int i = 0; optimizer && i < tc_optimizer_state_count(optimizer); i++) {
        tc_parameter *state = tc_optimizer_state(optimizer, i);
        TC_TRY(add(contents, TCI_OPTIMIZER_PREFIX, state->name, state->tensor, NULL));
    }
    return TC_OK;
}

tc_status tci_contents_collect(tc_model *model, tc_optimizer *optimizer, tci_contents *contents) {
    int count = tc_model_counter_count(model) + tc_model_parameter_count(model) +
                tc_model_buffer_count(model) + (optimizer ? tc_optimizer_state_count(optimizer) : 0);
    *contents = (tci_contents){.items = calloc((size_t)count + 1, sizeof(tci_item))};
    if (!contents->items)
        return tc_fail(TC_ERR_MEMORY, "checkpoint: no memory for a list of %d tensors", count);
    tc_status status = add_all(model, optimizer, contents);
    if (status != TC_OK) tci_contents_free(contents);
    return status;
}

void tci_contents_free(tci_contents *contents) {
    for (size_t i = 0; i < contents->count; i++) free(contents->items[i].name);
    free(contents->items);
    *contents = (tci_contents){0};
}

tci_stored_tensor tci_item_stored(const tci_item *item, size_t begin) {
    tci_stored_tensor stored = {.name = item->name, .begin = begin};
    if (item->counter) {
        stored.dtype = TCI_I64;
        stored.end = begin + sizeof(int64_t);
        return stored;
    }
    stored.dtype = TCI_F32;
    stored.ndim = item->tensor->ndim;
    for (int i = 0; i < stored.ndim; i++) stored.shape[i] = item->tensor->shape[i];
    stored.end = begin + (size_t)tc_numel(item->tensor) * sizeof(float);
    return stored;
}

void tci_walk(tc_tensor *tensor, void (*visit)(void *context, float *element), void *context) {
    if (tensor->ndim != 4) {
        for (int64_t i = 0, count = tc_numel(tensor); i < count; i++) visit(context, &tensor->data[i]);
        return;
    }
    for (int64_t n = 0; n < tensor->shape[0]; n++)
        for (int64_t c = 0; c < tensor->shape[1]; c++)
            for (int64_t h = 0; h < tensor->shape[2]; h++)
                for (int64_t w = 0; w < tensor->shape[3]; w++) visit(context, tc_at(tensor, n, c, h, w));
}
