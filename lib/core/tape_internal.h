/* tape_internal.h - what operations need from the tape.
 *
 * An operation is written like this (see ops/relu.c for a whole one):
 *
 *     static const tci_op relu_op = {"relu", relu_backward};
 *
 *     tc_tensor *tc_relu(tc_tape *tape, tc_tensor *x) {
 *         if (!tci_begin(tape, "relu", x)) return NULL;           // sticky error, NULL input
 *         tc_tensor *y = tci_result(tape, x->ndim, x->shape);     // memory, not yet filled
 *         if (!y) return NULL;
 *         ... compute y->data ...
 *         return tci_record(tape, &relu_op, y, NULL, x);          // a node, if gradients are wanted
 *     }
 *
 * and its backward asks for the place of each input's gradient:
 *
 *     static void relu_backward(tc_tape *tape, const tci_node *node) {
 *         tci_gradient g = tci_gradient_of(tape, node->inputs[0]);
 *         if (g.data) ... write to g.data, or add if g.accumulate ...
 *     }
 */
#ifndef TCI_TAPE_INTERNAL_H
#define TCI_TAPE_INTERNAL_H

#include "map.h"
#include "tinycnn/tape.h"

typedef struct tci_node tci_node;

typedef struct tci_op {
    const char *name;
    void (*backward)(tc_tape *tape, const tci_node *node);
} tci_op;

struct tci_node {
    const tci_op *op;
    const char *scope; /* path of the module that ran, or "" */
    tc_tensor *output;
    void *saved; /* what backward needs beside inputs and output; in the tape's memory */
    int input_count;
    tc_tensor **inputs; /* entries may be NULL (a bias that is not there) */
    tci_node *previous, *next;
};

/* A tensor without data. */
tc_tensor *tci_tensor_describe(tc_arena *arena, int ndim, const int64_t *shape);

/* False if the tape has failed already, or if an input is NULL (which then is a failure of its own). */
bool tci_begin_with(tc_tape *tape, const char *op, tc_tensor *const *inputs, int count);
#define tci_begin(tape, op, ...)                                                                             \
    tci_begin_with((tape), (op), (tc_tensor *const[]){__VA_ARGS__},                                          \
                   (int)(sizeof((tc_tensor *const[]){__VA_ARGS__}) / sizeof(tc_tensor *)))

/* The same for operations that read tensors through their maps (see below): for all others, maps of the inputs
 * are applied first. */
bool tci_begin_mapped_with(tc_tape *tape, const char *op, tc_tensor *const *inputs, int count);
#define tci_begin_mapped(tape, op, ...)                                                                      \
    tci_begin_mapped_with((tape), (op), (tc_tensor *const[]){__VA_ARGS__},                                   \
                          (int)(sizeof((tc_tensor *const[]){__VA_ARGS__}) / sizeof(tc_tensor *)))

/* Keeps the first failure, prefixed by the path of the running module. Returns NULL, for `return
 * tci_tape_fail(...)`. */
void *tci_tape_fail(tc_tape *tape, tc_status status, const char *format, ...) TC_PRINTF(3, 4);

/* A result whose data is not filled yet; NULL with the failure kept. */
tc_tensor *tci_result(tc_tape *tape, int ndim, const int64_t *shape);

/* Appends a node if the tape records and an input wants a gradient. Returns output. */
tc_tensor *tci_record_with(tc_tape *tape, const tci_op *op, tc_tensor *output, void *saved,
                           tc_tensor *const *inputs, int count);
#define tci_record(tape, op, output, saved, ...)                                                             \
    tci_record_with((tape), (op), (output), (saved), (tc_tensor *const[]){__VA_ARGS__},                      \
                    (int)(sizeof((tc_tensor *const[]){__VA_ARGS__}) / sizeof(tc_tensor *)))

/* False if what only backward needs can be left out. */
bool tci_tape_records(const tc_tape *tape);

/* Memory for a node's `saved`, until reset. */
void *tci_save(tc_tape *tape, size_t bytes);

/* Where an input's gradient goes. data is NULL if the input wants none or memory is short. If `accumulate`,
 * data holds what other uses have contributed and must be added to; otherwise it holds nothing and every
 * element must be written. */
typedef struct tci_gradient {
    float *data;
    bool accumulate;
} tci_gradient;
tci_gradient tci_gradient_of(tc_tape *tape, tc_tensor *input);
/* The same for an operation whose element i of dx needs no other element of dy than i: data may be the
 * output's own gradient, which then is the input's. To be asked for last. */
tci_gradient tci_gradient_in_place(tc_tape *tape, const tci_node *node, tc_tensor *input);

/* Backward does not need the output's data (any more): within a model its memory is used again. */
void tci_output_done(tc_tape *tape, const tci_node *node);

/* Memory that is given back before the step ends. */
float *tci_scratch(tc_tape *tape, size_t floats);
void tci_scratch_release(tc_tape *tape, float *scratch);

/* ---- Maps: element-wise work that is left to the next operation (kernels/map.h) ------------------------
 *
 * While a tape defers, which it does within tc_model_forward(), batch norm and activations compute nothing:
 * their result has the data of their input and a map. Operations that begin with tci_begin_mapped() read
 * through it, for all others it is applied first. */

/* Returns what it was. */
bool tci_tape_defer(tc_tape *tape, bool on);
bool tci_tape_defers(const tc_tape *tape);
/* The result `map` of x (N, C, H, W), which has no map itself. The map's arrays are in the tape's memory. */
tc_tensor *tci_deferred(tc_tape *tape, tc_tensor *x, const tci_map *map);
/* The map that only applies an activation. NULL if memory is short. */
const tci_map *tci_activation_map(tc_tape *tape, int64_t channels, tci_map_activation activation);
/* y = map(x), (N, C, H, W). */
void tci_map_apply(tc_tape *tape, const tci_map *map, const float *x, const int64_t *shape, float *y);
/* Gives the tensor data of its own if it has a map; false, with the failure kept, if memory is short. */
bool tci_settle(tc_tape *tape, tc_tensor *tensor);

/* ---- Weights of a frozen model, which lie ready for the kernels of inference ---------------------------- */

typedef struct tci_kept {
    tc_arena *arena;       /* to take the memory from */
    const void *algorithm; /* that this was made by, for convolutions of one shape but for the batch */
    float *data;
    size_t floats;
} tci_kept;

/* Gives the data of an intermediate result back; does nothing while the tape records. */
void tci_tape_release(tc_tape *tape, tc_tensor *tensor);

/* Sets the path of the running module, returns the one before. `scope` must live until reset. */
const char *tci_tape_scope(tc_tape *tape, const char *scope);

/* A fresh pair of words for a random operation: depends on (seed, step) and on how many came before it. */
void tci_tape_random_key(tc_tape *tape, uint32_t key[2]);

#endif
