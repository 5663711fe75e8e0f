#include "conformance.h"

static tc_tensor *apply(tc_tape *tape, tc_tensor **inputs, int count, void *context) {
    const golden_case *c = context;
    (void)count;
    return tc_batchnorm2d(
        tape, inputs[0], conformance_input(c, inputs, "weight"), conformance_input(c, inputs, "bias"),
        conformance_input(c, inputs, "running_mean"), conformance_input(c, inputs, "running_var"),
        &(tc_batchnorm2d_options){.momentum = (float)golden_option(c, "momentum"),
                                  .eps = (float)golden_option(c, "eps"),
                                  .activation = golden_option(c, "relu") != 0 ? TC_ACTIVATION_RELU
                                                                              : TC_ACTIVATION_NONE});
}

/* 0: that tensor is missing. */
static tc_tensor *call(tc_tape *tape, int64_t weight, int64_t bias, int64_t mean, int64_t var) {
    return tc_batchnorm2d(
        tape, CONFORMANCE_TENSOR(tape, 1, 2, 3, 4, 4), weight ? CONFORMANCE_TENSOR(tape, 2, weight) : NULL,
        bias ? CONFORMANCE_TENSOR(tape, 3, bias) : NULL, mean ? CONFORMANCE_TENSOR(tape, 4, mean) : NULL,
        var ? CONFORMANCE_TENSOR(tape, 5, var) : NULL, NULL);
}

static tc_tensor *matrix(tc_tape *tape) {
    return tc_batchnorm2d(tape, CONFORMANCE_TENSOR(tape, 1, 4, 8), NULL, NULL, NULL, NULL, NULL);
}

static tc_tensor *weight_of_another_size(tc_tape *tape) {
    return call(tape, 4, 3, 3, 3);
}

static tc_tensor *bias_of_another_size(tc_tape *tape) {
    return call(tape, 3, 4, 3, 3);
}

static tc_tensor *running_mean_of_another_size(tc_tape *tape) {
    return call(tape, 3, 3, 2, 3);
}

static tc_tensor *running_var_of_another_size(tc_tape *tape) {
    return call(tape, 3, 3, 3, 2);
}

static tc_tensor *mean_without_variance(tc_tape *tape) {
    return call(tape, 3, 3, 3, 0);
}

static tc_tensor *one_value_in_training(tc_tape *tape) {
    return tc_batchnorm2d(tape, CONFORMANCE_TENSOR(tape, 1, 1, 4, 1, 1), NULL, NULL, NULL, NULL, NULL);
}

static const conformance_refusal refusals[] = {
    {"matrix", matrix, TC_ERR_SHAPE, "(4, 8)"},
    {"weight_of_another_size", weight_of_another_size, TC_ERR_SHAPE, "(4)"},
    {"bias_of_another_size", bias_of_another_size, TC_ERR_SHAPE, "(4)"},
    {"running_mean_of_another_size", running_mean_of_another_size, TC_ERR_SHAPE, "(2)"},
    {"running_var_of_another_size", running_var_of_another_size, TC_ERR_SHAPE, "(2)"},
    {"mean_without_variance", mean_without_variance, TC_ERR_ARGUMENT, "running"},
    {"one_value_in_training", one_value_in_training, TC_ERR_SHAPE, "one value a channel"},
    {NULL, NULL, TC_OK, NULL}};

int main(void) {
    return conformance_main(&(conformance_op){.name = "batchnorm2d",
                                              .apply = apply,
                                              .required = 1,
                                              .forward_tolerance = 2e-6,
                                              .gradient_tolerance = 5e-6,
                                              .refusals = refusals},
                            NULL);
}
