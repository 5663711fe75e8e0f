/* onnx.h - an ONNX model while it is put together: nodes, constants, inputs and outputs, then a file.
 *
 * A failure (memory is short, a constant's name is taken) is kept; what is added after it is lost, tci_onnx_finish()
 * reports it. */
#ifndef TINYCNN_ONNX_H
#define TINYCNN_ONNX_H

#include <stdbool.h>
#include <stdint.h>

#include "tinycnn/arena.h"
#include "tinycnn/status.h"

/* The operator set that models are written for: 2020's, which every runtime of today reads. */
enum { ONNX_OPSET = 13, ONNX_IR_VERSION = 7 };

typedef struct onnx_model onnx_model;

/* For at most `nodes` nodes and `constants` constants. All of it is the arena's. NULL: no memory. */
onnx_model *tci_onnx_create(tc_arena *arena, int nodes, int constants);

typedef struct onnx_node onnx_node;
/* An operator with inputs by name (NULL behind the last) and one output. The strings are copied. */
onnx_node *tci_onnx_add(onnx_model *model, const char *op, const char *name, const char *const *inputs,
                        const char *output);
void tci_onnx_int(onnx_node *node, const char *name, int64_t value);
void tci_onnx_float(onnx_node *node, const char *name, float value);
void tci_onnx_ints(onnx_node *node, const char *name, int count, const int64_t *values);

/* A constant of floats in row-major order (copied); ndim 0: a number. A name for the second time is a failure. */
void tci_onnx_constant(onnx_model *model, const char *name, int ndim, const int64_t *shape,
                       const float *values);
/* A number that any node may read: its name, the same for the same bits. */
const char *tci_onnx_number(onnx_model *model, float value);
void tci_onnx_constant_ints(onnx_model *model, const char *name, int count, const int64_t *values);

/* The model's input or output of floats, (N, shape[1], ...) with any N. */
void tci_onnx_input(onnx_model *model, const char *name, int ndim, const int64_t *shape);
void tci_onnx_output(onnx_model *model, const char *name, int ndim, const int64_t *shape);

/* Up to 8 notes that go with the model. */
void tci_onnx_metadata(onnx_model *model, const char *key, const char *value);

/* The file's bytes, the arena's. */
tc_status tci_onnx_finish(onnx_model *model, const char *graph_name, const void **bytes, size_t *size);

#endif
