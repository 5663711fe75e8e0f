/* silu.c - y = x / (1 + exp(-x)) (Elfwing, Uchibe, Doya 2017; also called swish). */
#include "activation.h"
#include "smooth.h"

static void silu_backward(tc_tape *tape, const tci_node *node) {
    tci_smooth_back(tape, node, tci_activation_get()->silu_backward);
}

static const tci_op silu_op = {"silu", silu_backward};

tc_tensor *tc_silu(tc_tape *tape, tc_tensor *x) {
    return tci_smooth(tape, &silu_op, tci_activation_get()->silu, TCI_MAP_NONE, x);
}
