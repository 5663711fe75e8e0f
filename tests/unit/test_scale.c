#include "conformance.h"

static tc_tensor *apply(tc_tape *tape, tc_tensor **inputs, int count, void *context) {
    (void)count;
    return tc_scale(tape, inputs[0], (float)golden_option(context, "factor"));
}

int main(void) {
    return conformance_main(&(conformance_op){.name = "scale",
                                              .apply = apply,
                                              .required = 1,
                                              .forward_tolerance = 0,
                                              .gradient_tolerance = 5e-7},
                            NULL);
}
