/* conformance.h - what every operation has to show.
 *
 * The test of an operation is a small file: how to call it from a golden case, how near it must come to
 * PyTorch, and which calls it must refuse. conformance_main() then shows, for every case of
 * tests/golden/op_cases.py, that
 *
 *   - the result, the gradients of all inputs and the running statistics are PyTorch's,
 *   - the gradients agree with finite differences (tc_gradcheck, which rejects a gradient of zeros),
 *   - gradients add up where an input is used twice, where a result is used twice, and onto what a leaf
 * holds,
 *   - inputs stay as they were, bit by bit,
 *   - an input that wants no gradient gets none and takes none away from the others,
 *   - 1, 2 and 4 threads give the same bits, and so does the same call without recording,
 *   - a NULL input or a call from the table of refusals leaves a status and a sentence on the tape, which a
 *     reset clears.
 *
 * Every tape's memory is filled with NaN beforehand, so that nothing can rely on zeros it didn't write. */
#ifndef TC_TEST_CONFORMANCE_H
#define TC_TEST_CONFORMANCE_H

#include <check.h>

#include "golden.h"
#include "tinycnn.h"

#define CONFORMANCE_INPUTS 8

/* A call that can't be answered. */
typedef struct conformance_refusal {
    const char *name;
    tc_tensor *(*call)(tc_tape *tape);
    tc_status status;
    const char *sentence; /* part of tc_tape_error() */
} conformance_refusal;

typedef struct conformance_op {
    const char *name; /* of the golden file, and the beginning of every sentence about a failure */
    /* Calls the operation; the context is the golden_case, inputs are in its order. An input that a case
     * doesn't have, or that is missing on purpose, is NULL. */
    tc_function apply;
    int required; /* that many first inputs may not be NULL */
    /* Largest differences that are allowed, in units of the largest value of the tensor. */
    double forward_tolerance;
    double gradient_tolerance;
    bool kinks; /* its slope jumps somewhere: finite differences may meet such a place */
    const conformance_refusal *refusals; /* ends with a NULL name */
} conformance_op;

/* Runs everything above, and the tests that `more` adds (NULL: none). Returns main()'s exit code. */
int conformance_main(const conformance_op *op, void (*more)(TCase *tests));

/* The input of that name, NULL if the case doesn't have it. */
tc_tensor *conformance_input(const golden_case *golden, tc_tensor **inputs, const char *name);
/* Options "<key>_h" and "<key>_w" of a case as a tc_hw. */
tc_hw conformance_hw(const golden_case *golden, const char *key);

/* A tape whose memory is full of NaN. */
tc_tape *conformance_tape(int threads, uint64_t seed);
/* A tensor in the tape's memory, with hashed values in +-1. */
tc_tensor *conformance_tensor(tc_tape *tape, uint32_t seed, int ndim, const int64_t *shape);
#define CONFORMANCE_TENSOR(tape, seed, ...)                                                                  \
    conformance_tensor((tape), (seed), (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)),            \
                       (const int64_t[]){__VA_ARGS__})

#endif
