/* optimizer_internal.h - what all optimisers share. An optimiser is a kind: a name, the names of what it
 * keeps for each parameter, and a function that updates a piece of one parameter. What needs a parameter as a whole
 * comes after the pieces. */
#ifndef TCI_OPTIMIZER_INTERNAL_H
#define TCI_OPTIMIZER_INTERNAL_H

#include "tinycnn/optim.h"

#define TCI_STATES 2 /* most tensors that a kind keeps for a parameter */

/* One parameter as its group wants it treated. */
typedef struct tci_slot {
    const tc_parameter *parameter;
    tc_tensor *state[TCI_STATES]; /* shape of the parameter */
    double lr_scale;              /* TC_FREEZE: leave alone */
    double weight_decay;          /* never negative */
} tci_slot;

static inline bool tci_is_trained(const tci_slot *slot) {
    return slot->lr_scale != TC_FREEZE && slot->parameter->tensor->requires_grad;
}

typedef struct tci_optimizer_kind {
    const char *name;                    /* "sgd" */
    const char *state_names[TCI_STATES]; /* "momentum" */
    /* Updates elements first .. first + count - 1. */
    void (*update)(const tc_optimizer *optimizer, const tci_slot *slot, int64_t first, int64_t count);
    void (*finish)(const tc_optimizer *optimizer); /* NULL: the pieces are all */
} tci_optimizer_kind;

/* Some elements of a parameter, updated by one thread. */
typedef struct tci_piece {
    int slot;
    int64_t first, count;
} tci_piece;

/* Averages of parameters and buffers; count is 0 until they are asked for. */
typedef struct tci_averages {
    tc_tensor **values, **averages;
    int count;
    tci_piece *pieces;
    int64_t piece_count;
} tci_averages;

struct tc_optimizer {
    const tci_optimizer_kind *kind;
    tc_model *model;
    tc_arena *arena; /* all lists and the state */
    tci_slot *slots;
    int slot_count;
    tc_parameter *states; /* by kind of state, then in the order of parameters; then averages */
    int state_count;
    tci_piece *pieces;
    int64_t piece_count;
    tci_averages averages;
    int threads;
    float lr;
    int64_t steps; /* done; during an update: the number of that step, from 1 */
    double weight_decay;
    union {
        struct {
            double momentum, dampening;
            bool nesterov;
        } sgd;
        struct {
            double beta1, beta2, eps;
            bool decoupled; /* AdamW */
        } adam;
        struct {
            double momentum, sgd_momentum;
            bool nesterov, rescale;
            int steps;
            float *room; /* for the largest matrix */
        } muon;
    } u;
};

/* An optimiser for all parameters of `model`, with the first `states` of the kind's state tensors, zeroed. */
tc_status tci_optimizer_new(tc_model *model, const tci_optimizer_kind *kind, int states, float lr,
                            double weight_decay, tc_optimizer **optimizer);

/* "prefix.name"; NULL if memory is short. */
const char *tci_state_name(tc_arena *arena, const char *prefix, const char *name);
/* Pieces of fixed size; their `slot` is the tensor's place. */
tc_status tci_cut_into_pieces(tc_arena *arena, tc_tensor *const *tensors, int count, tci_piece **pieces,
                              int64_t *piece_count);

#endif
