#include "conformance.h"

static tc_tensor *apply(tc_tape *tape, tc_tensor **inputs, int count, void *context) {
    (void)count;
    (void)context;
    return tc_log_softmax(tape, inputs[0]);
}

static tc_tensor *vector(tc_tape *tape) {
    return tc_log_softmax(tape, CONFORMANCE_TENSOR(tape, 1, 5));
}

static tc_tensor *picture(tc_tape *tape) {
    return tc_log_softmax(tape, CONFORMANCE_TENSOR(tape, 1, 2, 3, 4, 4));
}

static const conformance_refusal refusals[] = {{"vector", vector, TC_ERR_SHAPE, "(5)"},
                                               {"picture", picture, TC_ERR_SHAPE, "(2, 3, 4, 4)"},
                                               {NULL, NULL, TC_OK, NULL}};

int main(void) {
    return conformance_main(&(conformance_op){.name = "log_softmax",
                                              .apply = apply,
                                              .required = 1,
                                              .forward_tolerance = 1e-6,
                                              .gradient_tolerance = 1e-6,
                                              .refusals = refusals},
                            NULL);
}
