/* summary.c - a table of what a net does with one picture.
 *
 * The net really runs, in evaluation mode on a tape of its own, and every module that ran leaves a row: the
 * shapes are those that the operations made, not a second calculation of them.
 *
 * The receptive field grows by r += (k - 1) j, then j *= s, with k the extent of a layer's window, s its
 * stride and j the distance of neighbouring elements in input pixels. Multiply-adds are those of convolution
 * and linear layers, as papers count them. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "arith.h"
#include "model.h"

typedef struct collector {
    const tc_model *model;
    int64_t picture[2]; /* height, width */
    tc_layer_summary *rows;
    int capacity, count;
} collector;

static void see_through(tci_field *field, const tc_module *module, const tc_tensor *x) {
    if (module->type->global) *field = (tci_field){.size = {0, 0}};
    if (!module->type->window || field->size[0] == 0) return;
    tci_reach reach = module->type->window(module, x);
    for (int i = 0; i < 2; i++) {
        field->size[i] += reach.axis[i].dilation * (reach.axis[i].kernel - 1) * field->jump[i];
        field->jump[i] *= reach.axis[i].stride;
    }
}

/* Trainable elements that the module itself declared. */
static int64_t own_parameters(const tc_model *model, const tc_module *module) {
    int64_t elements = 0;
    for (int i = 0; i < model->parameter_count; i++) {
        const tci_entry *entry = &model->parameters[i];
        if (entry->owner == module) elements += tc_numel(entry->visible.tensor);
    }
    return elements;
}

static int64_t kept_bytes(const tc_module *module, const tc_tensor *x, const tc_tensor *y) {
    bool fused = module->fused && !module->type->halves, deferred = module->type->deferred && y->ndim == 4;
    if (fused || module->pooled || deferred) return 0;
    if (module->type->kept_bytes) return module->type->kept_bytes(module, x, y);
    return tc_numel(y) * (int64_t)sizeof(float);
}

static void observe(tci_run *run, const tc_module *module, const tc_tensor *x, const tc_tensor *y) {
    if (module->type->container) return;
    collector *to = run->context;
    if (!module->fused || module->type->halves) see_through(&run->field, module, x);
    if (to->count++ >= to->capacity) return;
    tc_layer_summary *row = &to->rows[to->count - 1];
    *row = (tc_layer_summary){.path = module->path,
                              .type = module->type->name,
                              .ndim = y->ndim,
                              .parameters = own_parameters(to->model, module),
                              .multiply_adds =
                                  module->type->multiply_adds ? module->type->multiply_adds(module, y) : 0,
                              .activation_bytes = kept_bytes(module, x, y),
                              /* No element sees more than the picture. */
                              .receptive_field_h = tci_min(run->field.size[0], to->picture[0]),
                              .receptive_field_w = tci_min(run->field.size[1], to->picture[1])};
    memcpy(row->output_shape, y->shape, sizeof row->output_shape);
    memcpy(row->input_shape, x->shape, sizeof row->input_shape);
    row->jump_h = run->field.jump[0], row->jump_w = run->field.jump[1];
    if (!module->type->window) return;
    tci_reach reach = module->type->window(module, x);
    memcpy(row->window, reach.axis, sizeof row->window);
    row->slides = !reach.divides;
    row->divides = reach.divides;
}

tc_status tc_model_summary(tc_model *model, const int64_t shape[4], tc_layer_summary *rows, int capacity,
                           int *count) {
    *count = 0;
    if (shape[0] != 1)
        return tc_fail(TC_ERR_ARGUMENT, "summary: the shape has %" PRId64 " pictures, expected is one",
                       shape[0]);
    tc_tape *tape = tc_tape_create(NULL);
    if (!tape) return TC_ERR_MEMORY;
    tc_tape_eval(tape);
    collector to = {.model = model, .picture = {shape[2], shape[3]}, .rows = rows, .capacity = capacity};
    tci_run run = {
        .tape = tape, .field = {.size = {1, 1}, .jump = {1, 1}}, .observe = observe, .context = &to};
    tc_tensor *x = tc_tensor_create(tc_tape_arena(tape), 4, shape);
    tc_status status = x ? TC_OK : TC_ERR_SHAPE;
    if (x && !tci_module_forward(model->root, &run, x))
        status = tc_fail(tc_tape_status(tape), "%s", tc_tape_error(tape));
    tc_tape_free(tape);
    *count = to.count;
    return status;
}

/* ---- The table ---------------------------------------------------------------------------------------- */

/* "32 x 16 x 16": one picture's shape, without the batch. */
static const char *shape_text(const tc_layer_summary *row, char text[TC_SHAPE_TEXT]) {
    size_t used = 0;
    text[0] = '\0';
    for (int i = 1; i < row->ndim && used < TC_SHAPE_TEXT; i++) {
        int written = snprintf(text + used, TC_SHAPE_TEXT - used, "%s%" PRId64, i > 1 ? " x " : "",
                               row->output_shape[i]);
        used += (size_t)written;
    }
    return text;
}

static void write_row(const tc_layer_summary *row, int path_width, FILE *stream) {
    char shape[TC_SHAPE_TEXT], field[48] = "";
    if (row->receptive_field_h > 0) {
        snprintf(field, sizeof field, "%" PRId64 " x %" PRId64, row->receptive_field_h,
                 row->receptive_field_w);
    }
    fprintf(stream, "%-*s  %-18s  %-16s  %12" PRId64 "  %14" PRId64 "  %11.1f  %s\n", path_width, row->path,
            row->type, shape_text(row, shape), row->parameters, row->multiply_adds,
            (double)row->activation_bytes / 1e3, field);
}

static void write_table(const tc_layer_summary *rows, int count, FILE *stream) {
    int64_t parameters = 0, multiply_adds = 0, bytes = 0;
    int path_width = (int)strlen("layer");
    for (int i = 0; i < count; i++) path_width = (int)tci_max(path_width, (int64_t)strlen(rows[i].path));
    fprintf(stream, "%-*s  %-18s  %-16s  %12s  %14s  %11s  %s\n", path_width, "layer", "type", "output",
            "parameters", "multiply-adds", "kept KB", "sees");
    for (int i = 0; i < count; i++) {
        write_row(&rows[i], path_width, stream);
        parameters += rows[i].parameters;
        multiply_adds += rows[i].multiply_adds;
        bytes += rows[i].activation_bytes;
    }
    fprintf(stream,
            "%d layers, %" PRId64 " parameters, %.2f million multiply-adds and %.3f MB of activations a "
            "picture in training\n",
            count, parameters, (double)multiply_adds / 1e6, (double)bytes / 1e6);
}

tc_status tc_model_summary_write(tc_model *model, const int64_t shape[4], FILE *stream) {
    int count;
    TC_TRY(tc_model_summary(model, shape, NULL, 0, &count));
    tc_layer_summary *rows = calloc((size_t)count, sizeof *rows);
    if (!rows) return tc_fail(TC_ERR_MEMORY, "summary: no memory for %d rows", count);
    tc_status status = tc_model_summary(model, shape, rows, count, &count);
    if (status == TC_OK) write_table(rows, count, stream);
    free(rows);
    if (status == TC_OK && (fflush(stream) != 0 || ferror(stream)))
        return tc_fail(TC_ERR_IO, "summary: the table could not be written");
    return status;
}
