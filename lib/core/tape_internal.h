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

/* Memory that is given back before the step ends. */
float *tci_scratch(tc_tape *tape, size_t floats);
void tci_scratch_release(tc_tape *tape, float *scratch);

/* Gives the data of an intermediate result back; does nothing while the tape records. */
void tci_tape_release(tc_tape *tape, tc_tensor *tensor);

/* Sets the path of the running module, returns the one before. `scope` must live until reset. */
const char *tci_tape_scope(tc_tape *tape, const char *scope);

/* A fresh pair of words for a random operation: depends on (seed, step) and on how many came before it. */
void tci_tape_random_key(tc_tape *tape, uint32_t key[2]);

#endif
