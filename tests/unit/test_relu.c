#include "conformance.h"

static tc_tensor *apply(tc_tape *tape, tc_tensor **inputs, int count, void *context) {
    (void)count;
    (void)context;
    return tc_relu(tape, inputs[0]);
}

int main(void) {
    return conformance_main(&(conformance_op){.name = "relu",
                                              .apply = apply,
                                              .required = 1,
                                              .forward_tolerance = 0,
                                              .gradient_tolerance = 5e-7,
                                              .kinks = true},
                            NULL);
}
