#include <math.h>
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

static tc_tensor *pooling_of_one_row(tc_tape *tape) {
    return call(tape, SHAPE(1, 3, 3, 8), SHAPE(4, 3, 3, 3), 0, OPTIONS(.pool = true));
}

static tc_tensor *pooling_of_one_pixel(tc_tape *tape) {
    return call(tape, SHAPE(2, 3, 3, 3), SHAPE(4, 3, 3, 3), 0, OPTIONS(.pool = true));
}

static tc_tensor *gelu_in_the_same_pass(tc_tape *tape) {
    return call(tape, SHAPE(1, 3, 8, 8), SHAPE(4, 3, 3, 3), 0, OPTIONS(.activation = TC_ACTIVATION_GELU));
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
    {"pooling_of_one_row", pooling_of_one_row, TC_ERR_SHAPE, "1 x 6 outputs"},
    {"pooling_of_one_pixel", pooling_of_one_pixel, TC_ERR_SHAPE, "1 x 1 outputs"},
    {"gelu_in_the_same_pass", gelu_in_the_same_pass, TC_ERR_ARGUMENT, "relu"},
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

/* ---- Pooling and moments ------------------------------------------------------------------------------ */

/* By Winograd, direct; with a stride, with more padding than the kernel reaches, in groups: pooled apart. */
static const struct {
    int64_t x[4], weight[4];
    tc_conv2d_options options;
} pooled[] = {
    {{2, 16, 17, 16}, {18, 16, 3, 3}, {.padding = 1}},
    {{2, 16, 17, 16}, {18, 16, 3, 3}, {.padding = 1, .activation = TC_ACTIVATION_RELU}},
    {{2, 3, 9, 8}, {5, 3, 3, 3}, {.padding = 1, .activation = TC_ACTIVATION_RELU}},
    {{2, 3, 9, 8}, {5, 3, 3, 3}, {.padding = 1, .stride = 2, .activation = TC_ACTIVATION_RELU}},
    {{2, 3, 5, 5}, {4, 3, 2, 2}, {.padding = 3}},
    {{2, 6, 8, 7}, {9, 2, 3, 3}, {.padding = 1, .groups = 3, .activation = TC_ACTIVATION_RELU}},
};
enum { POOLED = sizeof pooled / sizeof *pooled };

typedef struct pooled_run {
    tc_tensor *leaves[3], *y; /* x, weight, bias */
} pooled_run;

/* One of the cases with the same numbers in it, pooled in the pass or by an operation of its own. */
static pooled_run run_pooled(tc_tape *tape, int i, bool in_pass) {
    pooled_run r = {.leaves = {conformance_tensor(tape, 1, 4, pooled[i].x),
                               conformance_tensor(tape, 2, 4, pooled[i].weight),
                               CONFORMANCE_TENSOR(tape, 3, pooled[i].weight[0])}};
    for (int k = 0; k < 3; k++) r.leaves[k]->requires_grad = true;
    tc_conv2d_options options = pooled[i].options;
    options.pool = in_pass;
    r.y = tc_conv2d(tape, r.leaves[0], r.leaves[1], r.leaves[2], &options);
    if (!in_pass) r.y = tc_maxpool2d(tape, r.y, &(tc_pool2d_options){.kernel_size = 2});
    ck_assert_msg(r.y, "%s", tc_tape_error(tape));
    tc_tensor *target = conformance_tensor(tape, 4, 4, r.y->shape);
    ck_assert_int_eq(tc_backward(tape, tc_mse_loss(tape, r.y, target, TC_REDUCTION_SUM)), TC_OK);
    return r;
}

START_TEST(pooling_in_the_pass_is_max_pooling_after_it) {
    tc_tape *tape = conformance_tape(2, 1), *other = conformance_tape(2, 1);
    pooled_run got = run_pooled(tape, _i, true), expected = run_pooled(other, _i, false);
    ck_assert_mem_eq(got.y->shape, expected.y->shape, sizeof got.y->shape);
    ck_assert_mem_eq(got.y->data, expected.y->data, (size_t)tc_numel(got.y) * sizeof(float));
    for (int k = 0; k < 3; k++) {
        const float *g = got.leaves[k]->grad, *e = expected.leaves[k]->grad;
        float largest = 0.0f;
        for (int64_t j = 0; j < tc_numel(got.leaves[k]); j++) largest = fmaxf(largest, fabsf(e[j]));
        ck_assert(largest > 0.0f);
        for (int64_t j = 0; j < tc_numel(got.leaves[k]); j++)
            ck_assert_float_eq_tol(g[j], e[j], 2e-6f * largest);
    }
    tc_tape_free(tape);
    tc_tape_free(other);
}
END_TEST

START_TEST(gathered_moments_serve_batch_norm) {
    for (int pool = 0; pool < 2; pool++) {
        tc_tape *tape = conformance_tape(2, 1);
        tc_tensor *x = conformance_tensor(tape, 1, 4, pooled[_i].x),
                  *weight = conformance_tensor(tape, 2, 4, pooled[_i].weight);
        tc_conv2d_options options = pooled[_i].options;
        options.pool = pool;
        tc_tensor *plain = tc_conv2d(tape, x, weight, NULL, &options);
        options.moments = true;
        tc_tensor *y = tc_conv2d(tape, x, weight, NULL, &options);
        ck_assert_msg(y, "%s", tc_tape_error(tape));
        ck_assert_ptr_null(plain->moments);
        ck_assert_mem_eq(y->data, plain->data, (size_t)tc_numel(y) * sizeof(float));
        tc_tensor *got = tc_batchnorm2d(tape, y, NULL, NULL, NULL, NULL, NULL),
                  *expected = tc_batchnorm2d(tape, plain, NULL, NULL, NULL, NULL, NULL);
        for (int64_t i = 0; i < tc_numel(got); i++)
            ck_assert_float_eq_tol(got->data[i], expected->data[i], 5e-6f);
        tc_tape_free(tape);
    }
}
END_TEST

/* The first three cases are those whose algorithm gathers. */
START_TEST(moments_are_gathered_where_they_can_be) {
    tc_tape *tape = conformance_tape(2, 1);
    tc_conv2d_options options = pooled[_i].options;
    options.pool = options.moments = true;
    const tc_tensor *y = call(tape, pooled[_i].x, pooled[_i].weight, 0, options);
    ck_assert_msg(y, "%s", tc_tape_error(tape));
    ck_assert((y->moments != NULL) == (_i < 3));
    tc_tape_free(tape);
}
END_TEST

static void more(TCase *tests) {
    tcase_add_loop_test(tests, pooling_in_the_pass_is_max_pooling_after_it, 0, POOLED);
    tcase_add_loop_test(tests, gathered_moments_serve_batch_norm, 0, POOLED);
    tcase_add_loop_test(tests, moments_are_gathered_where_they_can_be, 0, POOLED);
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
