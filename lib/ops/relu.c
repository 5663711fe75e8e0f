/* relu.c - y = max(0, x); dx = dy where x > 0. */
#include "activation.h"
#include "smooth.h"

static void relu_backward(tc_tape *tape, const tci_node *node) {
    tci_smooth_back(tape, node, tci_activation_get()->relu_backward);
}

static const tci_op relu_op = {"relu", relu_backward};

tc_tensor *tc_relu(tc_tape *tape, tc_tensor *x) {
    return tci_smooth(tape, &relu_op, tci_activation_get()->relu, TCI_MAP_RELU, x);
}
