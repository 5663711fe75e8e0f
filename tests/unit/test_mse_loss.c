#include "conformance.h"

static tc_tensor *apply(tc_tape *tape, tc_tensor **inputs, int count, void *context) {
    (void)count;
    return tc_mse_loss(tape, inputs[0], inputs[1],
                       golden_option(context, "sum") != 0 ? TC_REDUCTION_SUM : TC_REDUCTION_MEAN);
}

static tc_tensor *another_shape(tc_tape *tape) {
    return tc_mse_loss(tape, CONFORMANCE_TENSOR(tape, 1, 4, 6), CONFORMANCE_TENSOR(tape, 2, 6, 4),
                       TC_REDUCTION_MEAN);
}

static tc_tensor *other_dimensions(tc_tape *tape) {
    return tc_mse_loss(tape, CONFORMANCE_TENSOR(tape, 1, 4, 1, 2, 3), CONFORMANCE_TENSOR(tape, 2, 4, 6),
                       TC_REDUCTION_SUM);
}

static const conformance_refusal refusals[] = {
    {"another_shape", another_shape, TC_ERR_SHAPE, "(6, 4)"},
    {"other_dimensions", other_dimensions, TC_ERR_SHAPE, "(4, 1, 2, 3)"},
    {NULL, NULL, TC_OK, NULL}};

int main(void) {
    return conformance_main(&(conformance_op){.name = "mse_loss",
                                              .apply = apply,
                                              .required = 2,
                                              .forward_tolerance = 1e-6,
                                              .gradient_tolerance = 1e-6,
                                              .refusals = refusals},
                            NULL);
}
