#include "conformance.h"

static tc_tensor *apply(tc_tape *tape, tc_tensor **inputs, int count, void *context) {
    (void)count;
    return tc_avgpool2d(
        tape, inputs[0],
        &(tc_pool2d_options){.kernel_size = conformance_hw(context, "kernel"),
                             .stride = conformance_hw(context, "stride"),
                             .padding = conformance_hw(context, "padding"),
                             .ceil_mode = golden_option(context, "ceil_mode") != 0,
                             .count_exclude_pad = golden_option(context, "exclude_pad") != 0});
}

static tc_tensor *call(tc_tape *tape, int64_t height, int64_t width, tc_pool2d_options options) {
    return tc_avgpool2d(tape, CONFORMANCE_TENSOR(tape, 1, 1, 3, height, width), &options);
}

#define OPTIONS(...) ((tc_pool2d_options){__VA_ARGS__})

static tc_tensor *matrix(tc_tape *tape) {
    return tc_avgpool2d(tape, CONFORMANCE_TENSOR(tape, 1, 4, 8), &OPTIONS(.kernel_size = 2));
}

static tc_tensor *no_kernel(tc_tape *tape) {
    return call(tape, 8, 8, OPTIONS(0));
}

static tc_tensor *no_options(tc_tape *tape) {
    return tc_avgpool2d(tape, CONFORMANCE_TENSOR(tape, 1, 1, 3, 8, 8), NULL);
}

static tc_tensor *kernel_beyond_the_picture(tc_tape *tape) {
    return call(tape, 4, 8, OPTIONS(.kernel_size = 5));
}

static tc_tensor *padding_beyond_half_of_the_kernel(tc_tape *tape) {
    return call(tape, 8, 8, OPTIONS(.kernel_size = 3, .padding = 2));
}

static tc_tensor *dilated(tc_tape *tape) {
    return call(tape, 8, 8, OPTIONS(.kernel_size = 3, .dilation = 2));
}

static const conformance_refusal refusals[] = {
    {"matrix", matrix, TC_ERR_SHAPE, "(4, 8)"},
    {"no_kernel", no_kernel, TC_ERR_ARGUMENT, "kernel"},
    {"no_options", no_options, TC_ERR_ARGUMENT, "kernel"},
    {"kernel_beyond_the_picture", kernel_beyond_the_picture, TC_ERR_SHAPE, "5"},
    {"padding_beyond_half_of_the_kernel", padding_beyond_half_of_the_kernel, TC_ERR_ARGUMENT, "padding"},
    {"dilated", dilated, TC_ERR_ARGUMENT, "dilation"},
    {NULL, NULL, TC_OK, NULL}};

int main(void) {
    return conformance_main(&(conformance_op){.name = "avgpool2d",
                                              .apply = apply,
                                              .required = 1,
                                              .forward_tolerance = 1e-6,
                                              .gradient_tolerance = 1e-6,
                                              .refusals = refusals},
                            NULL);
}
