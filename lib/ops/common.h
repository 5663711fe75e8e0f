/* common.h - what several operations share. */
#ifndef TCI_OPS_COMMON_H
#define TCI_OPS_COMMON_H

#include "moments.h"
#include "tape_internal.h"
#include "tinycnn/ops.h"

/* Calls body(context, first, count) for stretches of 0 .. n-1, in parallel; their borders depend on n alone.
 */
void tci_stretches(int threads, int64_t n, void (*body)(void *context, int64_t first, int64_t count),
                   void *context);

/* The gradient of a node's output with respect to its value before the activation that the operation applied.
 * Overwrites the output's gradient, unless somebody wants to keep that. NULL if memory is short. */
const float *tci_gradient_before(tc_tape *tape, const tci_node *node, tc_activation activation);

/* map(x) for x (N, C, H, W): deferred if the tape defers, else computed. NULL if memory is short. */
tc_tensor *tci_mapped(tc_tape *tape, tc_tensor *x, const tci_map *map);
tci_map_activation tci_map_activation_of(tc_activation activation);

/* False, with a failure on the tape, if the activation is neither none nor relu. */
bool tci_at_most_relu(tc_tape *tape, const char *op, tc_activation activation);

/* Room for moments, until reset. NULL if memory is short. */
tci_moments *tci_moments_create(tc_tape *tape, int64_t parts, int64_t c);

/* One of a tape's shapes, for messages. */
#define TCI_SHAPE(tensor, text) tc_shape_text((tensor)->ndim, (tensor)->shape, (text))

/* False, with a failure on the tape, unless x has 4 dimensions. */
bool tci_is_4d(tc_tape *tape, const char *op, const tc_tensor *x);

#endif
