#include "conformance.h"

static tc_tensor *apply(tc_tape *tape, tc_tensor **inputs, int count, void *context) {
    (void)count;
    return tc_linear(tape, inputs[0], inputs[1], conformance_input(context, inputs, "bias"),
                     golden_option(context, "relu") != 0 ? TC_ACTIVATION_RELU : TC_ACTIVATION_NONE);
}

static tc_tensor *picture(tc_tape *tape) {
    return tc_linear(tape, CONFORMANCE_TENSOR(tape, 1, 2, 3, 2, 2), CONFORMANCE_TENSOR(tape, 2, 4, 12), NULL,
                     TC_ACTIVATION_NONE);
}

static tc_tensor *weight_of_one_dimension(tc_tape *tape) {
    return tc_linear(tape, CONFORMANCE_TENSOR(tape, 1, 2, 12), CONFORMANCE_TENSOR(tape, 2, 12), NULL,
                     TC_ACTIVATION_NONE);
}

static tc_tensor *other_features(tc_tape *tape) {
    return tc_linear(tape, CONFORMANCE_TENSOR(tape, 1, 2, 12), CONFORMANCE_TENSOR(tape, 2, 4, 13), NULL,
                     TC_ACTIVATION_NONE);
}

static tc_tensor *bias_of_another_size(tc_tape *tape) {
    return tc_linear(tape, CONFORMANCE_TENSOR(tape, 1, 2, 12), CONFORMANCE_TENSOR(tape, 2, 4, 12),
                     CONFORMANCE_TENSOR(tape, 3, 12), TC_ACTIVATION_NONE);
}

static tc_tensor *gelu_in_the_same_pass(tc_tape *tape) {
    return tc_linear(tape, CONFORMANCE_TENSOR(tape, 1, 2, 12), CONFORMANCE_TENSOR(tape, 2, 4, 12), NULL,
                     TC_ACTIVATION_GELU);
}

static const conformance_refusal refusals[] = {
    {"picture", picture, TC_ERR_SHAPE, "(2, 3, 2, 2)"},
    {"weight_of_one_dimension", weight_of_one_dimension, TC_ERR_SHAPE, "(12)"},
    {"other_features", other_features, TC_ERR_SHAPE, "13"},
    {"bias_of_another_size", bias_of_another_size, TC_ERR_SHAPE, "(12)"},
    {"gelu_in_the_same_pass", gelu_in_the_same_pass, TC_ERR_ARGUMENT, "relu"},
    {NULL, NULL, TC_OK, NULL}};

int main(void) {
    return conformance_main(&(conformance_op){.name = "linear",
                                              .apply = apply,
                                              .required = 2,
                                              .forward_tolerance = 2e-6,
                                              .gradient_tolerance = 4e-6,
                                              .refusals = refusals},
                            NULL);
}
