#include "conformance.h"

static tc_tensor *apply(tc_tape *tape, tc_tensor **inputs, int count, void *context) {
    (void)count;
    return tc_gelu(tape, inputs[0], golden_option(context, "form") != 0 ? TC_GELU_TANH : TC_GELU_EXACT);
}

int main(void) {
    return conformance_main(&(conformance_op){.name = "gelu",
                                              .apply = apply,
                                              .required = 1,
                                              .forward_tolerance = 5e-7,
                                              .gradient_tolerance = 1e-6},
                            NULL);
}
