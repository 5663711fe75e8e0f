#include "conformance.h"

static tc_tensor *apply(tc_tape *tape, tc_tensor **inputs, int count, void *context) {
    (void)count;
    return tc_adaptive_avgpool2d(tape, inputs[0], conformance_hw(context, "output"));
}

static tc_tensor *matrix(tc_tape *tape) {
    return tc_adaptive_avgpool2d(tape, CONFORMANCE_TENSOR(tape, 1, 4, 8), 2);
}

static tc_tensor *output_of_nothing(tc_tape *tape) {
    return tc_adaptive_avgpool2d(tape, CONFORMANCE_TENSOR(tape, 1, 1, 3, 8, 8), TC_HW(2, 0));
}

static tc_tensor *negative_output(tc_tape *tape) {
    return tc_adaptive_avgpool2d(tape, CONFORMANCE_TENSOR(tape, 1, 1, 3, 8, 8), -2);
}

static const conformance_refusal refusals[] = {
    {"matrix", matrix, TC_ERR_SHAPE, "(4, 8)"},
    {"output_of_nothing", output_of_nothing, TC_ERR_ARGUMENT, "output"},
    {"negative_output", negative_output, TC_ERR_ARGUMENT, "output"},
    {NULL, NULL, TC_OK, NULL}};

int main(void) {
    return conformance_main(&(conformance_op){.name = "adaptive_avgpool2d",
                                              .apply = apply,
                                              .required = 1,
                                              .forward_tolerance = 1e-6,
                                              .gradient_tolerance = 1e-6,
                                              .refusals = refusals},
                            NULL);
}
