/* smooth.h - activations y = f(x) without parameters: relu, gelu, silu. Backward looks at x. */
#ifndef TCI_SMOOTH_H
#define TCI_SMOOTH_H

#include "common.h"

typedef void (*tci_smooth_forward)(const float *x, float *y, int64_t n);
typedef void (*tci_smooth_backward)(const float *x, const float *dy, float *dx, int64_t n, bool accumulate);

/* The whole operation; `op` is the one whose backward calls tci_smooth_back() with the kernel for dx. Unless
 * `map` is TCI_MAP_NONE, the operation is left to the next one where the tape defers. */
tc_tensor *tci_smooth(tc_tape *tape, const tci_op *op, tci_smooth_forward kernel, tci_map_activation map,
                      tc_tensor *x);
void tci_smooth_back(tc_tape *tape, const tci_node *node, tci_smooth_backward kernel);

#endif
