/* tape.c - nodes in order of creation, and one loop back.
 *
 * Reverse-mode differentiation: with L the loss and y = f(a, b), dL/da += (df/da)^T dL/dy. When the loop
 * reaches a node, everything that used its output has been visited, so dL/dy is complete; after the node it
 * is not needed any more. */
#include "tinycnn/tape.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pool.h"
#include "tape_internal.h"
#include "tinycnn/parallel.h"

/* A leaf that had no room for its gradient and got some of the tape's, which ends with the step. */
typedef struct lent {
    tc_tensor *leaf;
    struct lent *next;
} lent;

struct tc_tape {
    int threads;
    bool training, recording, walked_back, defers;
    uint64_t seed, step;
    uint64_t random_ops; /* so far in this step */
    tc_status status;
    char error[1024];
    const char *scope;
    tc_arena *arena; /* data; apart from all that is small, so that buffers of the pool lie side by side */
    tc_arena *notes; /* nodes, and what operations save */
    tci_pool pool;
    tci_node *first, *last;
    lent *lent;
    tc_observer observe;
    void *observe_context;
    double op_began; /* while there is an observer */
};

tc_tape *tc_tape_create(const tc_tape_options *options) {
    tc_tape_options o = options ? *options : (tc_tape_options){0};
    tc_tape *tape = calloc(1, sizeof *tape);
    if (tape) tape->arena = tc_arena_create(), tape->notes = tc_arena_create();
    if (!tape || !tape->arena || !tape->notes) {
        tc_tape_free(tape);
        tc_fail(TC_ERR_MEMORY, "tape: out of memory");
        return NULL;
    }
    tape->threads = o.threads > 0 ? o.threads : tc_threads_available();
    tape->seed = o.seed;
    tape->pool.arena = tape->arena;
    tape->scope = "";
    tc_tape_train(tape);
    return tape;
}

/* Leaves that were lent a gradient have none after the step. */
static void take_back(tc_tape *tape) {
    for (lent *l = tape->lent; l; l = l->next) l->leaf->grad = NULL;
    tape->lent = NULL;
}

void tc_tape_free(tc_tape *tape) {
    if (!tape) return;
    take_back(tape);
    tc_arena_free(tape->notes);
    tc_arena_free(tape->arena);
    free(tape);
}

void tc_tape_train(tc_tape *tape) {
    tape->training = tape->recording = true;
}

void tc_tape_eval(tc_tape *tape) {
    tape->training = tape->recording = false;
}

bool tc_tape_is_training(const tc_tape *tape) {
    return tape->training;
}

bool tc_tape_record(tc_tape *tape, bool on) {
    bool was = tape->recording;
    tape->recording = on;
    return was;
}

bool tci_tape_records(const tc_tape *tape) {
    return tape->recording;
}

void tc_tape_reset(tc_tape *tape, uint64_t step) {
    take_back(tape);
    tape->first = tape->last = NULL;
    tape->walked_back = false;
    tape->step = step;
    tape->random_ops = 0;
    tape->status = TC_OK;
    tape->error[0] = 0;
    tape->scope = "";
    tape->defers = false;
    tci_pool_forget(&tape->pool);
    tc_arena_reset(tape->notes);
    tc_arena_reset(tape->arena);
}

tc_status tc_tape_status(const tc_tape *tape) {
    return tape->status;
}

const char *tc_tape_error(const tc_tape *tape) {
    return tape->error;
}

int tc_tape_threads(const tc_tape *tape) {
    return tape->threads;
}

tc_arena *tc_tape_arena(tc_tape *tape) {
    return tape->arena;
}

/* ---- Observation: an operation's time runs from tci_begin() to tci_record() ------------------------------
 */

void tc_tape_observe(tc_tape *tape, tc_observer observe, void *context) {
    tape->observe = observe;
    tape->observe_context = context;
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void observe_begin(tc_tape *tape) {
    if (tape->observe) tape->op_began = seconds();
}

static void observe_end(tc_tape *tape, const char *op, bool backward) {
    if (tape->observe)
        tape->observe(tape->observe_context, op, tape->scope, backward, seconds() - tape->op_began);
}

/* ---- Failures ----------------------------------------------------------------------------------------- */

void *tci_tape_fail(tc_tape *tape, tc_status status, const char *format, ...) {
    if (tape->status != TC_OK) return NULL;
    char text[sizeof tape->error - 128];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    tape->status = status;
    if (tape->scope[0])
        snprintf(tape->error, sizeof tape->error, "layer %.100s: %s", tape->scope, text);
    else
        snprintf(tape->error, sizeof tape->error, "%s", text);
    tc_fail(status, "%s", tape->error);
    return NULL;
}

bool tci_begin_mapped_with(tc_tape *tape, const char *op, tc_tensor *const *inputs, int count) {
    if (!tape) {
        tc_fail(TC_ERR_ARGUMENT, "%s: the tape is NULL", op);
        return false;
    }
    if (tape->status != TC_OK) return false;
    for (int i = 0; i < count; i++) {
        if (!inputs[i]) {
            tci_tape_fail(tape, TC_ERR_ARGUMENT, "%s: input %d is NULL", op, i);
            return false;
        }
    }
    observe_begin(tape);
    return true;
}

bool tci_begin_with(tc_tape *tape, const char *op, tc_tensor *const *inputs, int count) {
    if (!tci_begin_mapped_with(tape, op, inputs, count)) return false;
    for (int i = 0; i < count; i++) {
        if (!tci_settle(tape, inputs[i])) return false;
    }
    return true;
}

/* ---- Memory ------------------------------------------------------------------------------------------- */

static void *or_fail(tc_tape *tape, void *memory) {
    if (!memory) tci_tape_fail(tape, TC_ERR_MEMORY, "%s", tc_last_error());
    return memory;
}

tc_tensor *tci_result(tc_tape *tape, int ndim, const int64_t *shape) {
    tc_tensor *tensor = tci_tensor_describe(tape->notes, ndim, shape);
    if (!tensor) return tci_tape_fail(tape, TC_ERR_SHAPE, "%s", tc_last_error());
    tensor->data = tci_scratch(tape, (size_t)tc_numel(tensor));
    tensor->from_pool = true;
    tensor->passing = tape->defers;
    return tensor->data ? tensor : NULL;
}

void *tci_save(tc_tape *tape, size_t bytes) {
    return or_fail(tape, tc_arena_alloc(tape->notes, bytes));
}

float *tci_scratch(tc_tape *tape, size_t floats) {
    return or_fail(tape, tci_pool_take(&tape->pool, floats));
}

void tci_scratch_release(tc_tape *tape, float *scratch) {
    if (scratch) tci_pool_give(&tape->pool, scratch);
}

void tci_tape_release(tc_tape *tape, tc_tensor *tensor) {
    if (tape->recording || !tensor || !tensor->from_pool) return;
    tci_pool_give(&tape->pool, tensor->data);
    tensor->data = NULL;
    tensor->from_pool = false;
}

bool tci_tape_defer(tc_tape *tape, bool on) {
    bool was = tape->defers;
    tape->defers = on;
    return was;
}

bool tci_tape_defers(const tc_tape *tape) {
    return tape->defers;
}

/* ---- Inputs ------------------------------------------------------------------------------------------- */

static bool can_begin_input(tc_tape *tape, const void *data) {
    if (!tci_begin_with(tape, "input", NULL, 0)) return false;
    if (!data) tci_tape_fail(tape, TC_ERR_ARGUMENT, "input: data is NULL");
    return data != NULL;
}

tc_tensor *tc_input(tc_tape *tape, int ndim, const int64_t *shape, float *data) {
    if (!can_begin_input(tape, data)) return NULL;
    tc_tensor *tensor = tci_tensor_describe(tape->notes, ndim, shape);
    if (!tensor) return tci_tape_fail(tape, TC_ERR_SHAPE, "input: %s", tc_last_error());
    tensor->data = data;
    return tensor;
}

tc_tensor *tc_input_nchw(tc_tape *tape, int ndim, const int64_t *shape, const float *data) {
    if (!can_begin_input(tape, data)) return NULL;
    tc_tensor *tensor = tci_result(tape, ndim, shape);
    if (tensor) tc_tensor_from_nchw(tensor, data);
    return tensor;
}

/* ---- Nodes -------------------------------------------------------------------------------------------- */

const char *tci_tape_scope(tc_tape *tape, const char *scope) {
    const char *was = tape->scope;
    tape->scope = scope;
    return was;
}

void tci_tape_random_key(tc_tape *tape, uint32_t key[2]) {
    uint64_t stream = tc_rng_stream(tape->seed, tape->step, tape->random_ops++);
    key[0] = (uint32_t)stream;
    key[1] = (uint32_t)(stream >> 32);
}

tc_tensor *tci_record_with(tc_tape *tape, const tci_op *op, tc_tensor *output, void *saved,
                           tc_tensor *const *inputs, int count) {
    observe_end(tape, op->name, false);
    bool wanted = false;
    for (int i = 0; i < count; i++) wanted |= inputs[i] && inputs[i]->requires_grad;
    if (!tape->recording || !wanted) return output;
    tci_node *node = tci_save(tape, sizeof *node);
    tc_tensor **kept = node ? tci_save(tape, sizeof(tc_tensor *) * (size_t)count) : NULL;
    if (!kept) return NULL;
    memcpy(kept, inputs, sizeof(tc_tensor *) * (size_t)count);
    *node = (tci_node){.op = op,
                       .scope = tape->scope,
                       .output = output,
                       .saved = saved,
                       .input_count = count,
                       .inputs = kept,
                       .previous = tape->last};
    if (tape->last)
        tape->last->next = node;
    else
        tape->first = node;
    tape->last = node;
    output->requires_grad = true;
    output->node = node;
    return output;
}

/* ---- Backward ----------------------------------------------------------------------------------------- */

/* A leaf's gradient outlives the buffers that are passed around, so it comes straight from the arena. */
static float *lend_gradient(tc_tape *tape, tc_tensor *leaf) {
    lent *l = tci_save(tape, sizeof *l);
    float *grad = l ? tci_save(tape, sizeof(float) * (size_t)tc_numel(leaf)) : NULL;
    if (!grad) return NULL;
    *l = (lent){leaf, tape->lent};
    tape->lent = l;
    return grad;
}

tci_gradient tci_gradient_of(tc_tape *tape, tc_tensor *input) {
    if (!input || !input->requires_grad || tape->status != TC_OK) return (tci_gradient){NULL, false};
    if (input->grad) return (tci_gradient){input->grad, true};
    bool stays = input->retain_grad || !input->node;
    input->grad = stays ? lend_gradient(tape, input) : tci_scratch(tape, (size_t)tc_numel(input));
    return (tci_gradient){input->grad, false};
}

tci_gradient tci_gradient_in_place(tc_tape *tape, const tci_node *node, tc_tensor *input) {
    tc_tensor *output = node->output;
    bool stays = input->retain_grad || !input->node || output->retain_grad || !output->grad;
    if (stays || input->grad || !input->requires_grad) return tci_gradient_of(tape, input);
    input->grad = output->grad;
    output->grad = NULL;
    return (tci_gradient){input->grad, false};
}

void tci_output_done(tc_tape *tape, const tci_node *node) {
    tc_tensor *output = node->output;
    if (!output->passing || !output->from_pool || !output->data) return;
    tci_pool_give(&tape->pool, output->data);
    output->data = NULL;
}

static bool is_recorded(const tc_tape *tape, const tc_tensor *tensor) {
    const tci_node *node = tape->last;
    while (node && node->output != tensor) node = node->previous;
    return node != NULL;
}

tc_status tc_backward(tc_tape *tape, tc_tensor *loss) {
    if (!tci_begin(tape, "backward", loss)) return tape ? tape->status : TC_ERR_ARGUMENT;
    char text[TC_SHAPE_TEXT];
    if (tc_numel(loss) != 1)
        tci_tape_fail(tape, TC_ERR_SHAPE, "backward: the loss has shape %s, one element is expected",
                      tc_shape_text(loss->ndim, loss->shape, text));
    else if (tape->walked_back)
        tci_tape_fail(tape, TC_ERR_STATE, "backward: called twice without a reset between");
    else if (!is_recorded(tape, loss))
        tci_tape_fail(
            tape, TC_ERR_STATE,
            "backward: the loss was not recorded on this tape, or depends on nothing that requires a "
            "gradient");
    if (tape->status != TC_OK) return tape->status;

    tape->walked_back = true;
    tci_gradient seed = tci_gradient_of(tape, loss);
    if (seed.data) seed.data[0] = 1.0f;
    for (tci_node *node = tape->last; node && tape->status == TC_OK; node = node->previous) {
        tc_tensor *output = node->output;
        if (!output->grad) continue; /* the loss does not depend on it */
        tape->scope = node->scope;
        observe_begin(tape);
        node->op->backward(tape, node);
        observe_end(tape, node->op->name, true);
        tci_output_done(tape, node);
        if (!output->retain_grad) {
            tci_scratch_release(tape, output->grad);
            output->grad = NULL;
        }
    }
    tape->scope = "";
    return tape->status;
}

/* Of those whose data is still there. */
static bool all_finite(const tc_tensor *tensor) {
    if (!tensor->data) return true;
    int64_t count = tc_numel(tensor), i = 0;
    while (i < count && isfinite(tensor->data[i])) i++;
    if (i < count || !tensor->map) return i == count;
    const tci_map *map = tensor->map;
    count = tensor->shape[1], i = 0;
    while (i < count && isfinite(map->mean[i] + map->scale[i] + map->shift[i])) i++;
    return i == count;
}

bool tc_tape_find_nonfinite(const tc_tape *tape, const char **op, const char **where) {
    for (const tci_node *node = tape->first; node; node = node->next) {
        if (all_finite(node->output)) continue;
        *op = node->op->name;
        *where = node->scope;
        return true;
    }
    return false;
}
