/* onnx_names.c - values and nodes apart: a value may be called as a node is. */
#include "onnx_names.h"

#ifdef TC_HAVE_ONNX
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

tc_status tci_onnx_names_create(const tc_graph *graph, tc_arena *arena, onnx_names *n) {
    *n = (onnx_names){.graph = graph, .arena = arena, .values = json_object(), .nodes = json_object()};
    size_t size = (size_t)graph->count * sizeof *n->layers;
    n->layers = tc_arena_alloc(arena, size);
    if (!n->layers || !n->values || !n->nodes) return tc_fail(TC_ERR_MEMORY, "export: out of memory");
    memset(n->layers, 0, size);
    return TC_OK;
}

void tci_onnx_names_free(onnx_names *n) {
    json_decref(n->values);
    json_decref(n->nodes);
    *n = (onnx_names){0};
}

static const char *text_of(onnx_names *n, const char *format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *text = length < 0 ? NULL : tc_arena_alloc(n->arena, (size_t)length + 1);
    if (!text) {
        n->status = tc_fail(TC_ERR_MEMORY, "export: out of memory");
        return "";
    }
    vsnprintf(text, (size_t)length + 1, format, arguments);
    return text;
}

static const char *text(onnx_names *n, const char *format, ...) TC_PRINTF(2, 3);
static const char *text(onnx_names *n, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const char *made = text_of(n, format, arguments);
    va_end(arguments);
    return made;
}

/* `wanted` where nothing in `taken` is called so, otherwise with node i's index behind it. */
static const char *own_name(onnx_names *n, json_t *taken, int i, const char *wanted) {
    while (n->status == TC_OK && json_object_get(taken, wanted)) wanted = text(n, "%s:%d", wanted, i);
    if (n->status == TC_OK && json_object_set_new(taken, wanted, json_true()) != 0)
        n->status = tc_fail(TC_ERR_FORMAT, "export: layer %s: its name is not UTF-8, or out of memory",
                            n->graph->nodes[i].path);
    return wanted;
}

const char *tci_onnx_reserve_value(onnx_names *n, const char *name) {
    return own_name(n, n->values, 0, name);
}

const char *tci_onnx_reserve_node(onnx_names *n, const char *name) {
    return own_name(n, n->nodes, 0, name);
}

const char *tci_onnx_value(onnx_names *n, int i, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const char *wanted = text_of(n, format, arguments);
    va_end(arguments);
    return own_name(n, n->values, i, wanted);
}

const char *tci_onnx_node(onnx_names *n, int i, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const char *wanted = text_of(n, format, arguments);
    va_end(arguments);
    return own_name(n, n->nodes, i, wanted);
}

static const char *weight_name(onnx_names *n, int i, const char *part) {
    const char *path = n->graph->nodes[i].path;
    return tci_onnx_value(n, i, "%s%s%s", path, path[0] ? "." : "", part);
}

/* Convolutions and linear layers first: weights that a batch norm has not got are made up by the writer, and a made-up one
 * must not take the name of one that is there. */
static void name_weights(onnx_names *n) {
    for (int norms = 0; norms < 2; norms++)
        for (int i = 0; i < n->graph->count; i++) {
            const tc_graph_node *node = &n->graph->nodes[i];
            onnx_layer_names *l = &n->layers[i];
            if ((node->op == TC_GRAPH_BATCHNORM2D) != norms) continue;
            if (norms || node->weight) l->weight = weight_name(n, i, "weight");
            if (norms || node->bias) l->bias = weight_name(n, i, "bias");
            if (!norms) continue;
            l->running_mean = weight_name(n, i, "running_mean");
            l->running_var = weight_name(n, i, "running_var");
        }
}

void tci_onnx_name_layers(onnx_names *n) {
    int last = n->graph->count - 1;
    name_weights(n);
    for (int i = 0; i <= last; i++) n->layers[i].node = tci_onnx_node(n, i, "%s", n->graph->nodes[i].path);
    for (int i = 0; i < last; i++) n->layers[i].value = tci_onnx_value(n, i, "/%s", n->layers[i].node);
    n->layers[last].value = "logits";
}
#endif
