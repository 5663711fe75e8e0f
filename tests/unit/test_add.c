#include "conformance.h"

static tc_tensor *apply(tc_tape *tape, tc_tensor **inputs, int count, void *context) {
    (void)count;
    return tc_add(tape, inputs[0], inputs[1],
                  golden_option(context, "relu") != 0 ? TC_ACTIVATION_RELU : TC_ACTIVATION_NONE);
}

static tc_tensor *other_channels(tc_tape *tape) {
    return tc_add(tape, CONFORMANCE_TENSOR(tape, 1, 2, 3, 4, 4), CONFORMANCE_TENSOR(tape, 2, 2, 1, 4, 4),
                  TC_ACTIVATION_NONE);
}

static tc_tensor *same_size_in_another_shape(tc_tape *tape) {
    return tc_add(tape, CONFORMANCE_TENSOR(tape, 1, 4, 6), CONFORMANCE_TENSOR(tape, 2, 6, 4),
                  TC_ACTIVATION_NONE);
}

static tc_tensor *other_dimensions(tc_tape *tape) {
    return tc_add(tape, CONFORMANCE_TENSOR(tape, 1, 4, 6), CONFORMANCE_TENSOR(tape, 2, 4, 6, 1, 1),
                  TC_ACTIVATION_NONE);
}

static tc_tensor *gelu_in_the_same_pass(tc_tape *tape) {
    return tc_add(tape, CONFORMANCE_TENSOR(tape, 1, 4, 6), CONFORMANCE_TENSOR(tape, 2, 4, 6),
                  TC_ACTIVATION_GELU);
}

static const conformance_refusal refusals[] = {
    {"other_channels", other_channels, TC_ERR_SHAPE, "(2, 1, 4, 4)"},
    {"same_size_in_another_shape", same_size_in_another_shape, TC_ERR_SHAPE, "(6, 4)"},
    {"other_dimensions", other_dimensions, TC_ERR_SHAPE, "(4, 6, 1, 1)"},
    {"gelu_in_the_same_pass", gelu_in_the_same_pass, TC_ERR_ARGUMENT, "relu"},
    {NULL, NULL, TC_OK, NULL}};

int main(void) {
    return conformance_main(&(conformance_op){.name = "add",
                                              .apply = apply,
                                              .required = 2,
                                              .forward_tolerance = 0,
                                              .gradient_tolerance = 5e-7,
                                              .refusals = refusals},
                            NULL);
}
