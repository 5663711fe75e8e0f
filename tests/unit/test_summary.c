/* The table of a net: shapes, parameters, multiply-adds, memory, receptive fields. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models.h"
#include "suite.h"

#define ROWS 128

static tc_model *model_of(tc_module *root) {
    tc_model *model;
    ck_assert_msg(tc_model_create(root, 7, &model) == TC_OK, "%s", tc_last_error());
    return model;
}

static int summary_of(tc_model *model, int channels, int height, int width, tc_layer_summary *rows) {
    int count;
    ck_assert_msg(tc_model_summary(model, (int64_t[]){1, channels, height, width}, rows, ROWS, &count) ==
                      TC_OK,
                  "%s", tc_last_error());
    ck_assert_int_le(count, ROWS);
    return count;
}

static const struct {
    const char *type;
    int ndim;
    int64_t shape[4], parameters, multiply_adds, bytes, field;
} lesson[] = {
    {"conv2d", 4, {1, 32, 32, 32}, 896, 32 * 32 * 32 * 27, 0, 3},
    {"relu", 4, {1, 32, 32, 32}, 0, 0, 0, 3},
    {"maxpool2d", 4, {1, 32, 16, 16}, 0, 0, 5 * 32 * 16 * 16, 4},
    {"conv2d", 4, {1, 64, 16, 16}, 18496, 64 * 16 * 16 * 288, 0, 8},
    {"relu", 4, {1, 64, 16, 16}, 0, 0, 0, 8},
    {"maxpool2d", 4, {1, 64, 8, 8}, 0, 0, 5 * 64 * 8 * 8, 10},
    {"flatten", 2, {1, 4096, 1, 1}, 0, 0, 16384, 0},
    {"linear", 2, {1, 128, 1, 1}, 524416, 524288, 512, 0},
    {"relu", 2, {1, 128, 1, 1}, 0, 0, 0, 0},
    {"linear", 2, {1, 10, 1, 1}, 1290, 1280, 40, 0},
};

START_TEST(the_lesson_net_row_by_row) {
    tc_model *model = model_of(tc_model_build(tc_model_entry_find("lesson"), tc_net_of(3, 32, 32, 10)));
    tc_layer_summary rows[ROWS];
    ck_assert_int_eq(summary_of(model, 3, 32, 32, rows), 10);
    for (int i = 0; i < 10; i++) {
        char path[8];
        snprintf(path, sizeof path, "%d", i);
        ck_assert_str_eq(rows[i].path, path);
        ck_assert_str_eq(rows[i].type, lesson[i].type);
        ck_assert_int_eq(rows[i].ndim, lesson[i].ndim);
        ck_assert_mem_eq(rows[i].output_shape, lesson[i].shape, sizeof lesson[i].shape);
        ck_assert_int_eq(rows[i].parameters, lesson[i].parameters);
        ck_assert_int_eq(rows[i].multiply_adds, lesson[i].multiply_adds);
        ck_assert_int_eq(rows[i].activation_bytes, lesson[i].bytes);
        ck_assert_int_eq(rows[i].receptive_field_h, lesson[i].field);
        ck_assert_int_eq(rows[i].receptive_field_w, lesson[i].field);
    }
    tc_model_free(model);
}
END_TEST

/* What a row keeps, by the layers before and after it. */
static tc_module *keeping(void) {
    tc_pool2d_options window = {.kernel_size = 3, .stride = 2, .padding = 1};
    return tc_sequential(tc_nn_conv2d(3, 8, 3, .padding = 1), tc_nn_batchnorm2d(8), tc_nn_gelu(TC_GELU_EXACT),
                         tc_nn_maxpool2d(2), tc_nn_conv2d(8, 4, 3, .padding = 1), tc_nn_gelu(TC_GELU_EXACT),
                         tc_nn_maxpool2d_from(window), tc_nn_gelu(TC_GELU_TANH), tc_nn_relu(),
                         tc_residual_identity(tc_nn_batchnorm2d(4)), tc_nn_flatten(),
                         tc_nn_gelu(TC_GELU_EXACT));
}

START_TEST(kept_bytes_are_those_that_no_other_layer_keeps) {
    static const struct {
        const char *type;
        int64_t bytes;
    } expected[] = {
        {"conv2d", 4 * 8 * 16 * 16},
        {"batchnorm2d", 0},
        {"gelu", 0},
        {"maxpool2d", (4 + 2) * 8 * 8 * 8},
        {"conv2d", 4 * 4 * 8 * 8},
        {"gelu", 0},
        {"maxpool2d", (4 + 2) * 4 * 4 * 4},
        {"gelu", 4 * 4 * 4 * 4},
        {"relu", 0},
        {"batchnorm2d", 0},
        {"residual", 4 * 4 * 4 * 4},
        {"flatten", 4 * 64},
        {"gelu", 4 * 64},
    };
    enum { COUNT = sizeof expected / sizeof *expected };
    tc_model *model = model_of(keeping());
    tc_layer_summary rows[ROWS];
    ck_assert_int_eq(summary_of(model, 3, 16, 16, rows), COUNT);
    for (int i = 0; i < COUNT; i++) {
        ck_assert_str_eq(rows[i].type, expected[i].type);
        ck_assert_int_eq(rows[i].activation_bytes, expected[i].bytes);
    }
    tc_model_free(model);
}
END_TEST

/* The rows and columns of input on which the middle element of the result depends, measured: its gradient. */
static void measure_field(tc_model *model, int height, int width, int64_t *rows, int64_t *columns) {
    tc_tape *tape = tc_tape_create(NULL);
    tc_tape_eval(tape);
    tc_tape_record(tape, true);
    tc_tensor *x = tc_tensor_new(tc_tape_arena(tape), 1, 1, height, width);
    tc_rng rng = tc_rng_create(3, 1);
    for (int64_t i = 0; i < tc_numel(x); i++) x->data[i] = tc_rng_uniform(&rng);
    x->requires_grad = true;
    tc_tensor *y = tc_model_forward(model, tape, x);
    ck_assert_msg(y, "%s", tc_tape_error(tape));
    tc_tensor *target = tc_tensor_new(tc_tape_arena(tape), 1, y->shape[1], y->shape[2], y->shape[3]);
    memcpy(target->data, y->data, (size_t)tc_numel(y) * sizeof(float));
    *tc_at(target, 0, 0, y->shape[2] / 2, y->shape[3] / 2) += 1000;
    ck_assert_int_eq(tc_backward(tape, tc_mse_loss(tape, y, target, TC_REDUCTION_SUM)), TC_OK);
    int64_t top = height, bottom = -1, left = width, right = -1;
    for (int64_t h = 0; h < height; h++) {
        for (int64_t w = 0; w < width; w++) {
            if (x->grad[h * width + w] == 0) continue;
            top = h < top ? h : top, bottom = h > bottom ? h : bottom;
            left = w < left ? w : left, right = w > right ? w : right;
        }
    }
    *rows = bottom - top + 1;
    *columns = right - left + 1;
    tc_tape_free(tape);
}

static tc_module *dilated(void) {
    return tc_sequential(tc_nn_conv2d(1, 2, TC_HW(3, 5), .dilation = TC_HW(2, 3)), tc_nn_relu(),
                         tc_nn_conv2d(2, 1, TC_HW(2, 3), .stride = TC_HW(2, 1)),
                         tc_nn_avgpool2d(3, .stride = 2), tc_nn_conv2d(1, 1, 2));
}
static tc_module *branched(void) {
    tc_module *body = tc_sequential(tc_nn_conv2d(1, 1, 3, .padding = 1), tc_nn_conv2d(1, 1, 3, .padding = 1));
    tc_module *wide = tc_residual(tc_nn_conv2d(1, 1, 1), tc_nn_conv2d(1, 1, 5, .padding = 2));
    return tc_sequential(tc_residual_identity(body), tc_nn_avgpool2d(2), wide, tc_nn_conv2d(1, 1, 3));
}
static tc_module *divided(void) {
    return tc_sequential(tc_nn_conv2d(1, 1, 3, .padding = 1), tc_nn_adaptive_avgpool2d(TC_HW(5, 4)));
}
static tc_module *wholly(void) {
    return tc_sequential(tc_nn_conv2d(1, 1, 3), tc_nn_global_avgpool2d());
}
static tc_module *(*const fields[])(void) = {dilated, branched, divided, wholly};

START_TEST(receptive_fields_are_where_gradients_flow) {
    tc_model *model = model_of(fields[_i]());
    tc_model_init(model, TC_INIT_HE, 2);
    for (int i = 0; i < tc_model_parameter_count(model);
         i++) { /* positive: nothing cancels or dies in relu */
        tc_tensor *tensor = tc_model_parameter(model, i)->tensor;
        for (int64_t e = 0; e < tc_numel(tensor); e++) tensor->data[e] = 0.1f + 0.01f * (float)e;
    }
    tc_layer_summary rows[ROWS];
    int count = summary_of(model, 1, 40, 48, rows);
    int64_t height, width;
    measure_field(model, 40, 48, &height, &width);
    ck_assert_int_eq(rows[count - 1].receptive_field_h, height);
    ck_assert_int_eq(rows[count - 1].receptive_field_w, width);
    tc_model_free(model);
}
END_TEST

START_TEST(resnet20_has_the_figures_of_the_paper) {
    tc_model *model = model_of(tc_model_build(tc_model_entry_find("resnet20"), tc_net_of(3, 32, 32, 10)));
    tc_layer_summary rows[ROWS];
    int count = summary_of(model, 3, 32, 32, rows);
    int64_t multiply_adds = 0, parameters = 0, residuals = 0;
    for (int i = 0; i < count; i++) {
        multiply_adds += rows[i].multiply_adds;
        parameters += rows[i].parameters;
        residuals += strcmp(rows[i].type, "residual") == 0;
    }
    ck_assert_int_eq(parameters, tc_model_parameter_elements(model));
    /* 40.55 million with the paper's shortcuts without parameters, and two 1x1 convolutions here. */
    ck_assert_int_eq(multiply_adds, 40551040 + 2 * 131072);
    ck_assert_int_eq(residuals, 9);
    ck_assert_str_eq(rows[count - 1].path, "fc");
    tc_model_free(model);
}
END_TEST

START_TEST(a_small_array_gets_the_first_rows) {
    tc_model *model = model_of(tc_model_build(tc_model_entry_find("lesson"), tc_net_of(3, 32, 32, 10)));
    tc_layer_summary rows[3];
    memset(rows, 0x7f, sizeof rows);
    int count;
    ck_assert_int_eq(tc_model_summary(model, (int64_t[]){1, 3, 32, 32}, rows, 2, &count), TC_OK);
    ck_assert_int_eq(count, 10);
    ck_assert_str_eq(rows[1].type, "relu");
    ck_assert_int_eq(rows[2].ndim, 0x7f7f7f7f);
    tc_model_free(model);
}
END_TEST

START_TEST(a_summary_changes_nothing) {
    tc_model *model = model_of(tc_model_build(tc_model_entry_find("vgg"), tc_net_of(3, 32, 32, 10)));
    tc_layer_summary rows[ROWS];
    summary_of(model, 3, 32, 32, rows);
    ck_assert_int_eq(*tc_model_counter(model, 0, NULL), 0);
    ck_assert_float_eq(tc_model_find(model, "1.running_var")->tensor->data[0], 1);
    tc_model_free(model);
}
END_TEST

START_TEST(shapes_that_do_not_fit_are_reported) {
    tc_model *model = model_of(tc_model_build(tc_model_entry_find("lesson"), tc_net_of(3, 32, 32, 10)));
    tc_layer_summary rows[ROWS];
    int count;
    ck_assert_int_eq(tc_model_summary(model, (int64_t[]){1, 4, 32, 32}, rows, ROWS, &count), TC_ERR_SHAPE);
    ck_assert_msg(strstr(tc_last_error(), "conv2d"), "%s", tc_last_error());
    ck_assert_int_eq(tc_model_summary(model, (int64_t[]){1, 3, 28, 28}, rows, ROWS, &count), TC_ERR_SHAPE);
    ck_assert_msg(strstr(tc_last_error(), "7"), "%s", tc_last_error());
    ck_assert_int_eq(tc_model_summary(model, (int64_t[]){2, 3, 32, 32}, rows, ROWS, &count), TC_ERR_ARGUMENT);
    ck_assert_int_eq(tc_model_summary(model, (int64_t[]){1, 3, 0, 32}, rows, ROWS, &count), TC_ERR_SHAPE);
    ck_assert_int_eq(count, 0);
    tc_model_free(model);
}
END_TEST

START_TEST(the_table_has_all_rows_and_totals) {
    tc_model *model = model_of(tc_model_build(tc_model_entry_find("lesson"), tc_net_of(3, 32, 32, 10)));
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    ck_assert_int_eq(tc_model_summary_write(model, (int64_t[]){1, 3, 32, 32}, stream), TC_OK);
    fclose(stream);
    int lines = 0;
    for (size_t i = 0; i < size; i++) lines += text[i] == '\n';
    ck_assert_int_eq(lines, 12);
    ck_assert_msg(strstr(text, "64 x 16 x 16"), "%s", text);
    ck_assert_msg(strstr(text, "545098 parameters"), "%s", text);
    ck_assert_msg(strstr(text, "6.13 million multiply-adds"), "%s", text);
    free(text);
    stream = fopen("/dev/full", "w");
    if (stream) {
        ck_assert_int_eq(tc_model_summary_write(model, (int64_t[]){1, 3, 32, 32}, stream), TC_ERR_IO);
        fclose(stream);
    }
    tc_model_free(model);
}
END_TEST

static void add(TCase *tests) {
    tcase_add_test(tests, the_lesson_net_row_by_row);
    tcase_add_test(tests, kept_bytes_are_those_that_no_other_layer_keeps);
    tcase_add_loop_test(tests, receptive_fields_are_where_gradients_flow, 0, sizeof fields / sizeof *fields);
    tcase_add_test(tests, resnet20_has_the_figures_of_the_paper);
    tcase_add_test(tests, a_small_array_gets_the_first_rows);
    tcase_add_test(tests, a_summary_changes_nothing);
    tcase_add_test(tests, shapes_that_do_not_fit_are_reported);
    tcase_add_test(tests, the_table_has_all_rows_and_totals);
}

int main(void) {
    return suite_main("summary", add);
}
