/* The formula of sizes, beside numbers worked out by hand and beside what PyTorch 1.13 answers; and receptive fields
 * beside the pixels that really have a say. */
#include <string.h>

#include "suite.h"
#include "tinycnn.h"

/* in, window, out. The last column is the size of torch.nn.functional.max_pool2d's result where there is a ceil_mode,
 * of conv2d's where there is none. */
static const struct {
    int64_t in;
    tc_window window;
    int64_t out;
    const char *text;
} cases[] = {
    {32, {3, 1, 1, 1, false, false}, 32, "floor((32 + 2*1 - 1*(3-1) - 1) / 1) + 1 = 32"},
    {32, {2, 2, 0, 1, false, false}, 16, "floor((32 + 2*0 - 1*(2-1) - 1) / 2) + 1 = 16"},
    {33, {2, 2, 0, 1, false, false}, 16, "floor((33 + 2*0 - 1*(2-1) - 1) / 2) + 1 = 16"},
    {32, {3, 1, 0, 2, false, false}, 28, "floor((32 + 2*0 - 2*(3-1) - 1) / 1) + 1 = 28"},
    {32, {5, 3, 2, 1, false, false}, 11, "floor((32 + 2*2 - 1*(5-1) - 1) / 3) + 1 = 11"},
    {33, {2, 2, 0, 1, true, false}, 17, "ceil((33 + 2*0 - 1*(2-1) - 1) / 2) + 1 = 17"},
    {7, {3, 2, 1, 1, true, false}, 4, "ceil((7 + 2*1 - 1*(3-1) - 1) / 2) + 1 = 4"},
    /* A fourth window would begin at 6 - 1 = 5, behind the picture of 5. */
    {5, {2, 3, 1, 1, true, false}, 2, "ceil((5 + 2*1 - 1*(2-1) - 1) / 3) + 1 - 1 = 2"},
    {32, {4, 1, 0, 1, false, true}, 32, "padded to keep 32"},
    {3, {5, 1, 0, 1, false, false}, 0, "3 + 2*0 - 1*(5-1) - 1 = -2, which is below 0"},
    {4, {4, 1, 0, 1, false, false}, 1, "floor((4 + 2*0 - 1*(4-1) - 1) / 1) + 1 = 1"},
};
enum { CASES = sizeof cases / sizeof cases[0] };

START_TEST(the_formula) {
    char text[TC_WINDOW_TEXT];
    ck_assert_int_eq(tc_window_out(&cases[_i].window, cases[_i].in), cases[_i].out);
    ck_assert_str_eq(tc_window_text(&cases[_i].window, cases[_i].in, text), cases[_i].text);
}
END_TEST

START_TEST(the_operations_keep_to_it) {
    const tc_window *w = &cases[_i].window;
    tc_tape *tape = tc_tape_create(NULL);
    tc_tensor *x = tc_tensor_new(tc_tape_arena(tape), 1, 1, cases[_i].in, cases[_i].in);
    tc_tensor *y;
    if (w->ceil_mode) {
        y = tc_maxpool2d(tape, x,
                         &(tc_pool2d_options){.kernel_size = (tc_hw)w->kernel,
                                              .stride = (tc_hw)w->stride,
                                              .padding = (tc_hw)w->padding,
                                              .ceil_mode = true});
    } else {
        tc_tensor *weight = tc_tensor_new(tc_tape_arena(tape), 1, 1, w->kernel, w->kernel);
        y = tc_conv2d(tape, x, weight, NULL,
                      &(tc_conv2d_options){.stride = (tc_hw)w->stride,
                                           .padding = w->same ? TC_SAME : (tc_hw)w->padding,
                                           .dilation = (tc_hw)w->dilation});
    }
    ck_assert_int_eq(y ? y->shape[2] : 0, cases[_i].out);
    tc_tape_free(tape);
}
END_TEST

/* ---- Receptive fields ---------------------------------------------------------------------------------- */

static tc_module *net(int which) {
    switch (which) {
    case 0:
        return tc_sequential(tc_nn_conv2d(1, 2, 3), tc_nn_conv2d(2, 1, 3));
    case 1:
        return tc_sequential(tc_nn_conv2d(1, 2, 3), tc_nn_avgpool2d(2), tc_nn_conv2d(2, 1, 3));
    case 2:
        return tc_sequential(tc_nn_conv2d(1, 2, 5, .stride = 2), tc_nn_conv2d(2, 1, 3, .dilation = 2));
    case 3:
        return tc_sequential(tc_nn_conv2d(1, 2, TC_HW(3, 1), .stride = TC_HW(2, 1)),
                             tc_nn_avgpool2d(3, .stride = 1));
    case 4:
        return tc_sequential(tc_nn_conv2d(1, 2, 3),
                             tc_residual(tc_nn_conv2d(2, 2, 3, .padding = 1), tc_nn_conv2d(2, 2, 1)));
    default:
        return tc_sequential(tc_nn_conv2d(1, 2, 3, .padding = 1), tc_nn_avgpool2d(4),
                             tc_nn_adaptive_avgpool2d(3));
    }
}

/* With weights above 0 a pixel has a say in an output exactly if it has a gradient. */
START_TEST(the_receptive_field_is_what_has_a_gradient) {
    enum { SIDE = 32, ROWS = 8 };
    tc_model *model;
    ck_assert_int_eq(tc_model_create(net(_i), 1, &model), TC_OK);
    for (int i = 0; i < tc_model_parameter_count(model); i++) {
        tc_tensor *p = tc_model_parameter(model, i)->tensor;
        for (int64_t k = 0; k < tc_numel(p); k++) p->data[k] = 0.5f;
    }
    tc_layer_summary rows[ROWS];
    int count;
    ck_assert_int_eq(tc_model_summary(model, (int64_t[]){1, 1, SIDE, SIDE}, rows, ROWS, &count), TC_OK);

    tc_tape *tape = tc_tape_create(NULL);
    tc_tensor *x = tc_tensor_new(tc_tape_arena(tape), 1, 1, SIDE, SIDE);
    x->requires_grad = true;
    tc_tensor *y = tc_model_forward(model, tape, x);
    /* A target that differs in one element, in the middle of a plane: only it sends a gradient back. */
    tc_tensor *target = tc_tensor_create(tc_tape_arena(tape), 4, y->shape);
    memcpy(target->data, y->data, (size_t)tc_numel(y) * sizeof(float));
    *tc_at(target, 0, 0, y->shape[2] / 2, y->shape[3] / 2) += 1;
    ck_assert_int_eq(tc_backward(tape, tc_mse_loss(tape, y, target, TC_REDUCTION_SUM)), TC_OK);
    int top = SIDE, bottom = -1, left = SIDE, right = -1;
    for (int h = 0; h < SIDE; h++)
        for (int w = 0; w < SIDE; w++) {
            if (x->grad[h * SIDE + w] == 0) continue;
            top = h < top ? h : top, bottom = h > bottom ? h : bottom;
            left = w < left ? w : left, right = w > right ? w : right;
        }
    ck_assert_int_eq(rows[count - 1].receptive_field_h, bottom - top + 1);
    ck_assert_int_eq(rows[count - 1].receptive_field_w, right - left + 1);
    tc_tape_free(tape), tc_model_free(model);
}
END_TEST

START_TEST(rows_up_to_the_layer_that_fails) {
    enum { ROWS = 8 };
    tc_model *model;
    tc_layer_summary rows[ROWS];
    int count;
    ck_assert_int_eq(
        tc_model_create(tc_sequential(tc_nn_conv2d(1, 2, 3), tc_nn_maxpool2d(2), tc_nn_conv2d(2, 2, 5)), 1,
                        &model),
        TC_OK);
    ck_assert_int_eq(tc_model_summary(model, (int64_t[]){1, 1, 9, 9}, rows, ROWS, &count), TC_ERR_SHAPE);
    ck_assert_int_eq(count, 2);
    ck_assert_int_eq(rows[1].output_shape[2], 3);
    ck_assert_int_eq(rows[1].input_shape[2], 7);
    ck_assert_int_eq(rows[1].jump_h, 2);
    ck_assert(rows[1].slides && rows[1].window[0].kernel == 2 && rows[1].window[1].stride == 2);
    ck_assert_ptr_nonnull(strstr(tc_last_error(), "layer 2: conv2d"));
    tc_model_free(model);
}
END_TEST

static void add(TCase *tests) {
    tcase_add_loop_test(tests, the_formula, 0, CASES);
    tcase_add_loop_test(tests, the_operations_keep_to_it, 0, CASES);
    tcase_add_loop_test(tests, the_receptive_field_is_what_has_a_gradient, 0, 6);
    tcase_add_test(tests, rows_up_to_the_layer_that_fails);
}

int main(void) {
    return suite_main("window", add);
}
