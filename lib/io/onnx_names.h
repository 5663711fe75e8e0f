/* onnx_names.h - what the parts of an ONNX model are called.
 *
 * A layer's node is called by its path and the value that it computes by "/" and the path; weights have PyTorch's names.
 * Of these only weights are sure to have names of their own: what another is called already gets ":" and the layer's index
 * behind it. Names live in the arena, at full length. */
#ifndef TINYCNN_ONNX_NAMES_H
#define TINYCNN_ONNX_NAMES_H

#include <jansson.h>

#include "tinycnn/graph.h"

typedef struct onnx_layer_names {
    const char *node, *value;
    const char *weight, *bias, *running_mean, *running_var; /* NULL: the layer has none */
} onnx_layer_names;

typedef struct onnx_names {
    const tc_graph *graph;
    tc_arena *arena;
    onnx_layer_names *layers; /* of each node of the graph, after tci_onnx_name_layers() */
    json_t *values, *nodes;   /* what is taken, as keys */
    tc_status status;         /* the first failure: memory is short, or a layer's name is not UTF-8 */
} onnx_names;

/* Free with tci_onnx_names_free(), also after a failure. */
tc_status tci_onnx_names_create(const tc_graph *graph, tc_arena *arena, onnx_names *names);
void tci_onnx_names_free(onnx_names *names);

/* A name of the model's own, which no layer gets: to be taken before those of layers. Returns it. */
const char *tci_onnx_reserve_value(onnx_names *names, const char *name);
const char *tci_onnx_reserve_node(onnx_names *names, const char *name);

/* Names weights and layers; the last layer's value is "logits", which is reserved. */
void tci_onnx_name_layers(onnx_names *names);

/* A further name for layer i. */
const char *tci_onnx_value(onnx_names *names, int i, const char *format, ...) TC_PRINTF(3, 4);
const char *tci_onnx_node(onnx_names *names, int i, const char *format, ...) TC_PRINTF(3, 4);

#endif
