/* model.c - a net with its parameters.
 *
 * All parameters lie in one block and all gradients in another, in the order of the net and each on a 64-byte
 * boundary: zeroing the gradients is one memset, and an optimiser walks through memory in one direction. */
#include "model.h"

#include <stdlib.h>
#include <string.h>

#include "arith.h"
#include "tape_internal.h"

/* ---- Names -------------------------------------------------------------------------------------------- */

/* "prefix.name"; either may be empty. In the model's memory. */
static const char *join(tc_model *model, const char *prefix, const char *name) {
    size_t prefix_size = strlen(prefix), name_size = strlen(name);
    char *path = tc_arena_alloc(model->arena, prefix_size + name_size + 2);
    if (!path) return NULL;
    memcpy(path, prefix, prefix_size);
    if (prefix_size > 0 && name_size > 0) path[prefix_size++] = '.';
    memcpy(path + prefix_size, name, name_size + 1);
    return path;
}

static bool is_taken(const tc_model *model, const char *path) {
    for (int i = 0; i < model->parameter_count; i++) {
        if (strcmp(model->parameters[i].visible.name, path) == 0) return true;
    }
    for (int i = 0; i < model->buffer_count; i++) {
        if (strcmp(model->buffers[i].visible.name, path) == 0) return true;
    }
    for (int i = 0; i < model->counter_count; i++) {
        if (strcmp(model->counters[i].name, path) == 0) return true;
    }
    return false;
}

/* The full path of something that `self` declares. */
static tc_status new_path(tc_model *model, const tc_module *self, const char *name, const char **path) {
    *path = join(model, self->path, name);
    if (!*path) return TC_ERR_MEMORY;
    if (is_taken(model, *path))
        return tc_fail(TC_ERR_ARGUMENT, "model: two parameters are called '%s'", *path);
    return TC_OK;
}

/* ---- Declaring: modules say what they need, nothing has memory yet ------------------------------------ */

/* Makes room for one item more; grows at 0 and at powers of two. */
static bool grow(void **items, int count, size_t size) {
    if ((count & (count - 1)) != 0) return true;
    void *larger = realloc(*items, (count == 0 ? 1 : 2 * (size_t)count) * size);
    if (!larger) {
        tc_fail(TC_ERR_MEMORY, "model: no memory for a list of %d parameters", count);
        return false;
    }
    *items = larger;
    return true;
}

tc_status tci_declare(tc_model *model, const tc_module *self, const tci_declaration *declaration) {
    const char *path;
    TC_TRY(new_path(model, self, declaration->name, &path));
    void *items = declaration->buffer ? model->buffers : model->parameters;
    int *count = declaration->buffer ? &model->buffer_count : &model->parameter_count;
    if (!grow(&items, *count, sizeof(tci_entry))) return TC_ERR_MEMORY;
    *(declaration->buffer ? &model->buffers : &model->parameters) = items;
    tci_entry *entry = (tci_entry *)items + (*count)++;
    *entry = (tci_entry){
        .visible = {.name = path, .layer = self->type->name}, .declared = *declaration, .owner = self};
    return TC_OK;
}

tc_status tci_declare_counter(tc_model *model, const tc_module *self, const char *name, int64_t **slot) {
    const char *path;
    TC_TRY(new_path(model, self, name, &path));
    void *items = model->counters;
    if (!grow(&items, model->counter_count, sizeof(tci_counter))) return TC_ERR_MEMORY;
    model->counters = items;
    model->counters[model->counter_count++] = (tci_counter){.name = path, .slot = slot};
    return TC_OK;
}

static tc_status declare(tc_model *model, tc_module *module, const char *parent) {
    module->path = join(model, parent, module->name ? module->name : "");
    if (!module->path) return TC_ERR_MEMORY;
    if (module->type->declare) TC_TRY(module->type->declare(module, model));
    for (int i = 0; i < module->child_count; i++) TC_TRY(declare(model, module->children[i], module->path));
    return TC_OK;
}

/* ---- Laying out: one block for each kind -------------------------------------------------------------- */

/* Bytes of a tensor in its block, a multiple of 64; false on overflow. */
static bool padded_bytes(const tci_declaration *declared, size_t *bytes) {
    *bytes = sizeof(float);
    for (int i = 0; i < declared->ndim; i++) {
        if (!tci_mul_size(*bytes, (size_t)declared->shape[i], bytes)) return false;
    }
    if (!tci_add_size(*bytes, 63, bytes)) return false;
    *bytes &= ~(size_t)63;
    return true;
}

static tc_status block_bytes(const tci_entry *entries, int count, size_t *bytes) {
    *bytes = 0;
    for (int i = 0; i < count; i++) {
        size_t own;
        if (!padded_bytes(&entries[i].declared, &own) || !tci_add_size(*bytes, own, bytes))
            return tc_fail(TC_ERR_SHAPE, "model: the size of '%s' overflows", entries[i].visible.name);
    }
    return TC_OK;
}

/* A zeroed block. NULL if memory is short. */
static float *new_block(tc_model *model, size_t bytes) {
    float *block = tc_arena_alloc(model->arena, bytes);
    if (block) memset(block, 0, bytes);
    return block;
}

/* Gives every entry its tensor within `data` and, for parameters, `grad` (else NULL). */
static tc_status place(tc_model *model, tci_entry *entries, int count, float *data, float *grad) {
    size_t offset = 0; /* in floats */
    for (int i = 0; i < count; i++) {
        const tci_declaration *declared = &entries[i].declared;
        tc_tensor *tensor = tc_arena_alloc(model->arena, sizeof *tensor);
        if (!tensor) return TC_ERR_MEMORY;
        *tensor = (tc_tensor){.ndim = declared->ndim,
                              .shape = {1, 1, 1, 1},
                              .data = data + offset,
                              .grad = grad ? grad + offset : NULL,
                              .requires_grad = !declared->buffer};
        for (int d = 0; d < declared->ndim; d++) tensor->shape[d] = declared->shape[d];
        entries[i].visible.tensor = *declared->slot = tensor;
        size_t bytes;
        padded_bytes(declared, &bytes);
        offset += bytes / sizeof(float);
    }
    return TC_OK;
}

static tc_status lay_out(tc_model *model) {
    size_t buffer_bytes;
    TC_TRY(block_bytes(model->parameters, model->parameter_count, &model->gradient_bytes));
    TC_TRY(block_bytes(model->buffers, model->buffer_count, &buffer_bytes));
    float *values = new_block(model, model->gradient_bytes), *buffers = new_block(model, buffer_bytes);
    model->gradients = new_block(model, model->gradient_bytes);
    if (!values || !buffers || !model->gradients) return TC_ERR_MEMORY;
    TC_TRY(place(model, model->parameters, model->parameter_count, values, model->gradients));
    TC_TRY(place(model, model->buffers, model->buffer_count, buffers, NULL));
    for (int i = 0; i < model->counter_count; i++) *model->counters[i].slot = &model->counters[i].value;
    return TC_OK;
}

/* ---- Birth and death ---------------------------------------------------------------------------------- */

tc_status tc_model_create(tc_module *root, uint64_t seed, tc_model **model) {
    *model = NULL;
    if (!root) {
        /* The constructor that gave NULL has said why. */
        if (tc_last_error()[0] == '\0') tc_fail(TC_ERR_ARGUMENT, "model: there is no net");
        return TC_ERR_ARGUMENT;
    }
    if (root->owned) return tc_fail(TC_ERR_ARGUMENT, "model: the net is part of another one already");
    root->owned = true;
    tc_model *made = calloc(1, sizeof *made);
    if (!made) {
        tc_module_free(root);
        return tc_fail(TC_ERR_MEMORY, "model: no memory");
    }
    made->root = root;
    made->arena = tc_arena_create();
    tc_status status = made->arena ? declare(made, root, "") : tc_fail(TC_ERR_MEMORY, "model: no memory");
    if (status == TC_OK) status = lay_out(made);
    if (status != TC_OK) {
        tc_model_free(made);
        return status;
    }
    tc_model_init(made, TC_INIT_PYTORCH, seed);
    *model = made;
    return TC_OK;
}

void tc_model_free(tc_model *model) {
    if (!model) return;
    tc_module_free(model->root);
    tc_arena_free(model->frozen);
    tc_arena_free(model->arena);
    free(model->parameters);
    free(model->buffers);
    free(model->counters);
    free(model);
}

/* ---- Use ---------------------------------------------------------------------------------------------- */

tc_tensor *tc_model_forward(tc_model *model, tc_tape *tape, tc_tensor *x) {
    if (!tci_begin(tape, "model", x)) return NULL;
    tci_run run = {.tape = tape};
    if (tc_tape_is_training(tape)) tc_model_thaw(model); /* its parameters are about to change */
    bool deferred = tci_tape_defer(tape, true);
    tc_tensor *y = tci_module_forward(model->root, &run, x);
    tci_tape_defer(tape, deferred);
    if (!y || !tci_settle(tape, y)) return NULL;
    y->passing = false; /* whoever called may look at it as long as the step lasts */
    return y;
}

tc_tensor *tc_model_forward_observed(tc_model *model, tc_tape *tape, tc_tensor *x, tc_layer_observer observe,
                                     void *context) {
    if (!tci_begin(tape, "model", x)) return NULL;
    tci_run run = {.tape = tape, .apart = true, .seen = observe, .seen_context = context};
    if (tc_tape_is_training(tape)) tc_model_thaw(model);
    return tci_module_forward(model->root, &run, x);
}

tc_status tc_model_freeze(tc_model *model) {
    tc_model_thaw(model);
    model->frozen = tc_arena_create();
    for (int i = 0; model->frozen && i < model->parameter_count; i++) {
        tci_kept *kept = tc_arena_alloc(model->frozen, sizeof *kept);
        if (!kept) {
            tc_model_thaw(model);
            break;
        }
        *kept = (tci_kept){.arena = model->frozen};
        model->parameters[i].visible.tensor->kept = kept;
    }
    return model->frozen ? TC_OK : TC_ERR_MEMORY;
}

void tc_model_thaw(tc_model *model) {
    if (!model->frozen) return;
    for (int i = 0; i < model->parameter_count; i++) model->parameters[i].visible.tensor->kept = NULL;
    tc_arena_free(model->frozen);
    model->frozen = NULL;
}

void tc_model_zero_grad(tc_model *model) {
    memset(model->gradients, 0, model->gradient_bytes);
}

int tc_model_parameter_count(const tc_model *model) {
    return model->parameter_count;
}

tc_parameter *tc_model_parameter(tc_model *model, int index) {
    return &model->parameters[index].visible;
}

int tc_model_buffer_count(const tc_model *model) {
    return model->buffer_count;
}

tc_parameter *tc_model_buffer(tc_model *model, int index) {
    return &model->buffers[index].visible;
}

int tc_model_counter_count(const tc_model *model) {
    return model->counter_count;
}

int64_t *tc_model_counter(tc_model *model, int index, const char **name) {
    if (name) *name = model->counters[index].name;
    return &model->counters[index].value;
}

tc_parameter *tc_model_find(tc_model *model, const char *name) {
    for (int i = 0; i < model->parameter_count; i++) {
        if (strcmp(model->parameters[i].visible.name, name) == 0) return &model->parameters[i].visible;
    }
    for (int i = 0; i < model->buffer_count; i++) {
        if (strcmp(model->buffers[i].visible.name, name) == 0) return &model->buffers[i].visible;
    }
    return NULL;
}

int64_t tc_model_parameter_elements(const tc_model *model) {
    int64_t elements = 0;
    for (int i = 0; i < model->parameter_count; i++)
        elements += tc_numel(model->parameters[i].visible.tensor);
    return elements;
}
