#include <string.h>

#include "conformance.h"

static tc_tensor *apply(tc_tape *tape, tc_tensor **inputs, int count, void *context) {
    const golden_case *c = context;
    (void)count;
    return tc_conv2d(tape, inputs[0], inputs[1], conformance_input(c, inputs, "bias"),
                     &(tc_conv2d_options){.stride = conformance_hw(c, "stride"),
                                          .padding = conformance_hw(c, "padding"),
                                          .dilation = conformance_hw(c, "dilation"),
                                          .groups = (int)golden_option(c, "groups"),
                                          .activation = golden_option(c, "relu") != 0 ? TC_ACTIVATION_RELU
                                                                                      : TC_ACTIVATION_NONE});
}

static tc_tensor *call(tc_tape *tape, const int64_t x[4], const int64_t weight[4], int64_t bias,
                       tc_conv2d_options options) {
    return tc_conv2d(tape, conformance_tensor(tape, 1, 4, x), conformance_tensor(tape, 2, 4, weight),
                     bias ? CONFORMANCE_TENSOR(tape, 3, bias) : NULL, &options);
}

#define SHAPE(...)   ((const int64_t[]){__VA_ARGS__})
#define OPTIONS(...) ((tc_conv2d_options){__VA_ARGS__})

static tc_tensor *picture_of_three_dimensions(tc_tape *tape) {
    return tc_conv2d(tape, CONFORMANCE_TENSOR(tape, 1, 3, 8, 8), CONFORMANCE_TENSOR(tape, 2, 4, 3, 3, 3),
                     NULL, NULL);
}

static tc_tensor *weight_of_two_dimensions(tc_tape *tape) {
    return tc_conv2d(tape, CONFORMANCE_TENSOR(tape, 1, 1, 3, 8, 8), CONFORMANCE_TENSOR(tape, 2, 4, 27), NULL,
                     NULL);
}

static tc_tensor *other_channels(tc_tape *tape) {
    return call(tape, SHAPE(1, 3, 8, 8), SHAPE(4, 16, 3, 3), 0, OPTIONS(0));
}

static tc_tensor *other_channels_of_a_group(tc_tape *tape) {
    return call(tape, SHAPE(1, 4, 8, 8), SHAPE(4, 4, 3, 3), 0, OPTIONS(.groups = 2));
}

static tc_tensor *groups_that_do_not_divide_the_input(tc_tape *tape) {
    return call(tape, SHAPE(1, 5, 8, 8), SHAPE(4, 2, 3, 3), 0, OPTIONS(.groups = 2));
}

static tc_tensor *groups_that_do_not_divide_the_output(tc_tape *tape) {
    return call(tape, SHAPE(1, 4, 8, 8), SHAPE(5, 2, 3, 3), 0, OPTIONS(.groups = 2));
}

static tc_tensor *negative_groups(tc_tape *tape) {
    return call(tape, SHAPE(1, 4, 8, 8), SHAPE(4, 4, 3, 3), 0, OPTIONS(.groups = -1));
}

static tc_tensor *bias_of_another_size(tc_tape *tape) {
    return call(tape, SHAPE(1, 3, 8, 8), SHAPE(4, 3, 3, 3), 5, OPTIONS(0));
}

static tc_tensor *kernel_beyond_the_picture(tc_tape *tape) {
    return call(tape, SHAPE(1, 3, 4, 8), SHAPE(4, 3, 5, 3), 0, OPTIONS(0));
}

static tc_tensor *dilated_kernel_beyond_the_picture(tc_tape *tape) {
    return call(tape, SHAPE(1, 3, 6, 6), SHAPE(4, 3, 3, 3), 0, OPTIONS(.dilation = 3));
}

static tc_tensor *same_with_a_stride(tc_tape *tape) {
    return call(tape, SHAPE(1, 3, 8, 8), SHAPE(4, 3, 3, 3), 0, OPTIONS(.stride = 2, .padding = TC_SAME));
}

static tc_tensor *negative_stride(tc_tape *tape) {
    return call(tape, SHAPE(1, 3, 8, 8), SHAPE(4, 3, 3, 3), 0, OPTIONS(.stride = -2));
}

static tc_tensor *negative_padding(tc_tape *tape) {
    return call(tape, SHAPE(1, 3, 8, 8), SHAPE(4, 3, 3, 3), 0, OPTIONS(.padding = -3));
}

static tc_tensor *stride_of_zero_rows(tc_tape *tape) {
    return call(tape, SHAPE(1, 3, 8, 8), SHAPE(4, 3, 3, 3), 0, OPTIONS(.stride = TC_HW(0, 2)));
}

static tc_tensor *padding_beyond_its_range(tc_tape *tape) {
    return call(tape, SHAPE(1, 3, 8, 8), SHAPE(4, 3, 3, 3), 0, OPTIONS(.stride = 30000, .padding = 32768));
}

static const conformance_refusal refusals[] = {
    {"picture_of_three_dimensions", picture_of_three_dimensions, TC_ERR_SHAPE, "(3, 8, 8)"},
    {"weight_of_two_dimensions", weight_of_two_dimensions, TC_ERR_SHAPE, "(4, 27)"},
    {"other_channels", other_channels, TC_ERR_SHAPE, "16"},
    {"other_channels_of_a_group", other_channels_of_a_group, TC_ERR_SHAPE, "4"},
    {"groups_that_do_not_divide_the_input", groups_that_do_not_divide_the_input, TC_ERR_SHAPE, "groups"},
    {"groups_that_do_not_divide_the_output", groups_that_do_not_divide_the_output, TC_ERR_SHAPE, "groups"},
    {"negative_groups", negative_groups, TC_ERR_ARGUMENT, "groups"},
    {"bias_of_another_size", bias_of_another_size, TC_ERR_SHAPE, "(5)"},
    {"kernel_beyond_the_picture", kernel_beyond_the_picture, TC_ERR_SHAPE, "5"},
    {"dilated_kernel_beyond_the_picture", dilated_kernel_beyond_the_picture, TC_ERR_SHAPE, "6"},
    {"same_with_a_stride", same_with_a_stride, TC_ERR_ARGUMENT, "stride"},
    {"negative_stride", negative_stride, TC_ERR_ARGUMENT, "stride"},
    {"negative_padding", negative_padding, TC_ERR_ARGUMENT, "padding"},
    {"padding_beyond_its_range", padding_beyond_its_range, TC_ERR_ARGUMENT, "32767"},
    {"stride_of_zero_rows", stride_of_zero_rows, TC_ERR_ARGUMENT, "stride"},
    {NULL, NULL, TC_OK, NULL}};

/* NULL options are all defaults. */
START_TEST(null_options_are_the_defaults) {
    tc_tape *tape = conformance_tape(1, 1);
    tc_tensor *x = CONFORMANCE_TENSOR(tape, 1, 1, 3, 6, 6), *weight = CONFORMANCE_TENSOR(tape, 2, 4, 3, 3, 3);
    tc_tensor *a = tc_conv2d(tape, x, weight, NULL, NULL);
    tc_tensor *b =
        tc_conv2d(tape, x, weight, NULL, &(tc_conv2d_options){.stride = 1, .dilation = 1, .groups = 1});
    ck_assert_ptr_nonnull(a);
    ck_assert_ptr_nonnull(b);
    ck_assert_int_eq(memcmp(a->data, b->data, (size_t)tc_numel(a) * sizeof(float)), 0);
    tc_tape_free(tape);
}
END_TEST

static void more(TCase *tests) {
    tcase_add_test(tests, null_options_are_the_defaults);
}

int main(void) {
    return conformance_main(&(conformance_op){.name = "conv2d",
                                              .apply = apply,
                                              .required = 2,
                                              .forward_tolerance = 5e-6,
                                              .gradient_tolerance = 5e-6,
                                              .refusals = refusals},
                            more);
}
