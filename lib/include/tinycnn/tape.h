/* tape.h - automatic differentiation.
 *
 * A tape owns one step: operations (ops.h) compute at once, put their results into the tape's memory and
 * append a node that knows how to go back. tc_backward() walks the nodes in reverse. tc_tape_reset() forgets
 * the step and keeps the memory, so from the second step on nothing is allocated.
 *
 * Errors are sticky: the first failure of an operation is kept on the tape, later operations do nothing and
 * return NULL, and tc_backward() or tc_tape_status() reports it. A forward pass therefore needs one check, at
 * its end.
 *
 * A tape serves one thread at a time; the operations themselves use `threads` cores. */
#ifndef TINYCNN_TAPE_H
#define TINYCNN_TAPE_H

#include "tinycnn/rng.h"
#include "tinycnn/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tc_tape tc_tape;

typedef struct tc_tape_options {
    int threads;   /* 0: all cores that this process may use */
    uint64_t seed; /* of dropout and other random operations */
} tc_tape_options;

/* NULL options: the defaults. Returns NULL when memory is short. A new tape is in training mode and records.
 */
tc_tape *tc_tape_create(const tc_tape_options *options);
void tc_tape_free(tc_tape *tape);

/* Training mode: batch norm uses and updates batch statistics, dropout drops, nodes are recorded. Evaluation
 * mode: none of these. */
void tc_tape_train(tc_tape *tape);
void tc_tape_eval(tc_tape *tape);
bool tc_tape_is_training(const tc_tape *tape);

/* Recording alone, as torch.no_grad() / torch.enable_grad(); returns what it was. To get gradients in
 * evaluation mode (say, of a class score with respect to the picture): tc_tape_eval(t); tc_tape_record(t,
 * true). */
bool tc_tape_record(tc_tape *tape, bool on);

/* Forgets the step: nodes, tensors and a sticky error. Random operations of the next step depend on (seed,
 * step) and on their order within the step, so a resumed training draws what it would have drawn. */
void tc_tape_reset(tc_tape *tape, uint64_t step);

tc_status tc_tape_status(const tc_tape *tape);
/* The sentence of the sticky error, "" if there is none. Kept until reset. */
const char *tc_tape_error(const tc_tape *tape);
int tc_tape_threads(const tc_tape *tape);
/* The memory of the current step: tensors made here live until the next reset. */
tc_arena *tc_tape_arena(tc_tape *tape);

/* Wraps memory that the caller owns, without copying: `data` is in channels-last order for 4 dimensions and
 * must stay until the next reset. */
tc_tensor *tc_input(tc_tape *tape, int ndim, const int64_t *shape, float *data);
/* Copies from row-major (N, C, H, W) order. */
tc_tensor *tc_input_nchw(tc_tape *tape, int ndim, const int64_t *shape, const float *data);

/* Fills grad of every leaf that `loss` (one element) depends on; adds to what a leaf's grad holds already. A
 * leaf whose grad is NULL is lent one of the tape's, which is gone, and NULL again, when the tape is reset or
 * freed: until then the leaf must live.
 * Gradients of intermediate results are given back as soon as they have been used, unless retain_grad is set
 * on them. Returns the sticky error of the forward pass if there was one. A tape can go back once for each
 * step. */
tc_status tc_backward(tc_tape *tape, tc_tensor *loss);

/* Calls `observe` after every operation with its name, the path of the layer ("" outside of modules), whether
 * it went back, and the seconds that it took: where the time of a step goes. NULL ends it. */
typedef void (*tc_observer)(void *context, const char *op, const char *where, bool backward, double seconds);
void tc_tape_observe(tc_tape *tape, tc_observer observe, void *context);

/* The first recorded result of this step that holds a NaN or an infinity: `op` is the operation's name,
 * `where` the path of the layer ("" outside of modules). False if all are finite. After tc_backward() the
 * results within a model are gone and not looked at. */
bool tc_tape_find_nonfinite(const tc_tape *tape, const char **op, const char **where);

/* Gradient check. `function` maps inputs to a tensor of any shape on the given tape; its result is reduced to
 * a number by fixed pseudo-random weights and the gradient with respect to every input that has requires_grad
 * is compared with central differences. */
typedef tc_tensor *(*tc_function)(tc_tape *tape, tc_tensor **inputs, int count, void *context);

typedef struct tc_gradcheck_options {
    double step;      /* 0: 1e-2 */
    double tolerance; /* 0: 1e-2; difference relative to the largest gradient of the same input */
    int max_elements; /* 0: 200; so many elements of an input are tried, evenly spread */
    bool training;    /* run the function in training mode (batch norm, dropout) */
    int threads;      /* 0: 1 */
} tc_gradcheck_options;

typedef struct tc_gradcheck_report {
    double worst; /* largest relative difference seen */
    int input;    /* where: index of the input and of its element, in memory order */
    int64_t element;
    double analytic, numeric;
    int checked; /* elements compared */
    /* Of these, elements that sit on a kink (relu at 0, a tie in max-pool), where the slopes to the left and
     * to the right differ and differences can't judge; if all do, the check fails. */
    int kinks;
} tc_gradcheck_report;

/* TC_ERR_NUMERIC with a sentence when a gradient differs, and also when an input's whole gradient is zero: a
 * test that compares zeros with zeros proves nothing. `options` and `report` may be NULL. */
tc_status tc_gradcheck(tc_function function, tc_tensor **inputs, int count, void *context,
                       const tc_gradcheck_options *options, tc_gradcheck_report *report);

#ifdef __cplusplus
}
#endif
#endif
