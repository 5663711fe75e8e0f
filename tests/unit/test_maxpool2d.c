#include <math.h>

#include "conformance.h"

static tc_tensor *apply(tc_tape *tape, tc_tensor **inputs, int count, void *context) {
    (void)count;
    return tc_maxpool2d(tape, inputs[0],
                        &(tc_pool2d_options){.kernel_size = conformance_hw(context, "kernel"),
                                             .stride = conformance_hw(context, "stride"),
                                             .padding = conformance_hw(context, "padding"),
                                             .dilation = conformance_hw(context, "dilation"),
                                             .ceil_mode = golden_option(context, "ceil_mode") != 0});
}

static tc_tensor *call(tc_tape *tape, int64_t height, int64_t width, tc_pool2d_options options) {
    return tc_maxpool2d(tape, CONFORMANCE_TENSOR(tape, 1, 1, 3, height, width), &options);
}

#define OPTIONS(...) ((tc_pool2d_options){__VA_ARGS__})

static tc_tensor *matrix(tc_tape *tape) {
    return tc_maxpool2d(tape, CONFORMANCE_TENSOR(tape, 1, 4, 8), &OPTIONS(.kernel_size = 2));
}

static tc_tensor *no_kernel(tc_tape *tape) {
    return call(tape, 8, 8, OPTIONS(0));
}

static tc_tensor *no_options(tc_tape *tape) {
    return tc_maxpool2d(tape, CONFORMANCE_TENSOR(tape, 1, 1, 3, 8, 8), NULL);
}

static tc_tensor *kernel_beyond_the_picture(tc_tape *tape) {
    return call(tape, 4, 8, OPTIONS(.kernel_size = 5));
}

static tc_tensor *padding_beyond_half_of_the_kernel(tc_tape *tape) {
    return call(tape, 8, 8, OPTIONS(.kernel_size = 3, .padding = 2));
}

static tc_tensor *negative_padding(tc_tape *tape) {
    return call(tape, 8, 8, OPTIONS(.kernel_size = 3, .padding = -1));
}

static tc_tensor *negative_stride(tc_tape *tape) {
    return call(tape, 8, 8, OPTIONS(.kernel_size = 3, .stride = -1));
}

static const conformance_refusal refusals[] = {
    {"matrix", matrix, TC_ERR_SHAPE, "(4, 8)"},
    {"no_kernel", no_kernel, TC_ERR_ARGUMENT, "kernel"},
    {"no_options", no_options, TC_ERR_ARGUMENT, "kernel"},
    {"kernel_beyond_the_picture", kernel_beyond_the_picture, TC_ERR_SHAPE, "5"},
    {"padding_beyond_half_of_the_kernel", padding_beyond_half_of_the_kernel, TC_ERR_ARGUMENT, "padding"},
    {"negative_padding", negative_padding, TC_ERR_ARGUMENT, "padding"},
    {"negative_stride", negative_stride, TC_ERR_ARGUMENT, "stride"},
    {NULL, NULL, TC_OK, NULL}};

/* Three rows, a kernel of two with dilation four, padding one: the only window sees rows -1 and 3. PyTorch
 * reads behind the picture there. */
START_TEST(window_of_padding_alone_is_minus_infinity) {
    tc_tape *tape = conformance_tape(1, 1);
    tc_tensor *x = CONFORMANCE_TENSOR(tape, 1, 1, 2, 3, 3);
    x->requires_grad = true;
    tc_tensor *y = tc_maxpool2d(
        tape, x, &(tc_pool2d_options){.kernel_size = 2, .stride = 1, .padding = 1, .dilation = 4});
    ck_assert_msg(y != NULL, "%s", tc_tape_error(tape));
    ck_assert_int_eq(tc_numel(y), 2);
    ck_assert(isinf(y->data[0]) && y->data[0] < 0);
    tc_tensor *target = CONFORMANCE_TENSOR(tape, 2, 1, 2, 1, 1);
    ck_assert_int_eq(tc_backward(tape, tc_mse_loss(tape, y, target, TC_REDUCTION_SUM)), TC_OK);
    for (int i = 0; i < 18; i++) ck_assert(x->grad[i] == 0);
    tc_tape_free(tape);
}
END_TEST

/* The picture of lesson 2. */
START_TEST(picture_of_the_lesson) {
    static float picture[16] = {1, 3, 2, 4, 5, 6, 7, 8, 9, 2, 1, 3, 4, 5, 6, 7};
    static const float expected[4] = {6, 8, 9, 7};
    tc_tape *tape = conformance_tape(1, 1);
    tc_tensor *y = tc_maxpool2d(tape, tc_input(tape, 4, (const int64_t[]){1, 1, 4, 4}, picture),
                                &(tc_pool2d_options){.kernel_size = 2});
    ck_assert_ptr_nonnull(y);
    for (int i = 0; i < 4; i++) ck_assert(y->data[i] == expected[i]);
    tc_tape_free(tape);
}
END_TEST

static void more(TCase *tests) {
    tcase_add_test(tests, window_of_padding_alone_is_minus_infinity);
    tcase_add_test(tests, picture_of_the_lesson);
}

int main(void) {
    return conformance_main(&(conformance_op){.name = "maxpool2d",
                                              .apply = apply,
                                              .required = 1,
                                              .forward_tolerance = 0,
                                              .gradient_tolerance = 5e-7,
                                              .kinks = true,
                                              .refusals = refusals},
                            more);
}
