/* gelu.c - y = x P(X <= x) for a standard normal X, exactly or by the tanh formula (Hendrycks and Gimpel
 * 2016). */
#include "activation.h"
#include "smooth.h"

static void gelu_backward(tc_tape *tape, const tci_node *node) {
    tci_smooth_back(tape, node, tci_activation_get()->gelu_backward);
}

static void gelu_tanh_backward(tc_tape *tape, const tci_node *node) {
    tci_smooth_back(tape, node, tci_activation_get()->gelu_tanh_backward);
}

static const tci_op gelu_op = {"gelu", gelu_backward};
static const tci_op gelu_tanh_op = {"gelu", gelu_tanh_backward};

tc_tensor *tc_gelu(tc_tape *tape, tc_tensor *x, tc_gelu_form form) {
    if (form == TC_GELU_TANH)
        return tci_smooth(tape, &gelu_tanh_op, tci_activation_get()->gelu_tanh, TCI_MAP_NONE, x);
    return tci_smooth(tape, &gelu_op, tci_activation_get()->gelu, TCI_MAP_GELU, x);
}
