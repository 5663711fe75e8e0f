#include "conformance.h"

static tc_tensor *apply(tc_tape *tape, tc_tensor **inputs, int count, void *context) {
    (void)count;
    (void)context;
    return tc_global_avgpool2d(tape, inputs[0]);
}

static tc_tensor *matrix(tc_tape *tape) {
    return tc_global_avgpool2d(tape, CONFORMANCE_TENSOR(tape, 1, 4, 8));
}

static const conformance_refusal refusals[] = {{"matrix", matrix, TC_ERR_SHAPE, "(4, 8)"},
                                               {NULL, NULL, TC_OK, NULL}};

int main(void) {
    return conformance_main(&(conformance_op){.name = "global_avgpool2d",
                                              .apply = apply,
                                              .required = 1,
                                              .forward_tolerance = 1e-6,
                                              .gradient_tolerance = 1e-6,
                                              .refusals = refusals},
                            NULL);
}
