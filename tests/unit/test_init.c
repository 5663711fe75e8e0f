/* How parameters begin: PyTorch's default, He's rule, Dirac's delta. */
#include <math.h>
#include <string.h>

#include "golden.h"
#include "suite.h"
#include "tinycnn.h"

typedef struct moments {
    double mean, deviation, least, most;
} moments;

static moments moments_of(const tc_tensor *tensor) {
    int64_t count = tc_numel(tensor);
    double sum = 0, squares = 0;
    moments m = {.least = INFINITY, .most = -INFINITY};
    for (int64_t i = 0; i < count; i++) {
        sum += (double)tensor->data[i];
        squares += (double)tensor->data[i] * (double)tensor->data[i];
        m.least = fmin(m.least, (double)tensor->data[i]);
        m.most = fmax(m.most, (double)tensor->data[i]);
    }
    m.mean = sum / (double)count;
    m.deviation = sqrt(squares / (double)count - m.mean * m.mean);
    return m;
}

static tc_model *model_of(tc_module *root, uint64_t seed) {
    tc_model *model;
    ck_assert_int_eq(tc_model_create(root, seed, &model), TC_OK);
    return model;
}

static void expect_uniform(const tc_tensor *tensor, double bound) {
    moments m = moments_of(tensor);
    double error = 5 * bound / sqrt((double)tc_numel(tensor));
    ck_assert_double_lt(m.most, bound * 1.0000001);
    ck_assert_double_gt(m.most, bound * 0.98);
    ck_assert_double_gt(m.least, -bound * 1.0000001);
    ck_assert_double_lt(m.least, -bound * 0.98);
    ck_assert_double_lt(fabs(m.mean), error);
    ck_assert_double_lt(fabs(m.deviation - bound / sqrt(3)), error);
}

START_TEST(pytorch_draws_uniformly_by_fan_in) {
    tc_model *model =
        model_of(tc_sequential(tc_nn_conv2d(32, 500, TC_HW(3, 2), .groups = 4), tc_nn_linear(100, 700)), 3);
    expect_uniform(tc_model_find(model, "0.weight")->tensor, 1 / sqrt(8 * 3 * 2));
    expect_uniform(tc_model_find(model, "0.bias")->tensor, 1 / sqrt(8 * 3 * 2));
    expect_uniform(tc_model_find(model, "1.weight")->tensor, 0.1);
    expect_uniform(tc_model_find(model, "1.bias")->tensor, 0.1);
    tc_model_free(model);
}
END_TEST

START_TEST(he_draws_normally_by_fan_in) {
    tc_model *model = model_of(tc_sequential(tc_nn_conv2d(16, 200, 3), tc_nn_linear(128, 300)), 3);
    tc_model_init(model, TC_INIT_HE, 4);
    const double deviations[] = {sqrt(2.0 / 144), sqrt(2.0 / 128)};
    const char *weights[] = {"0.weight", "1.weight"}, *biases[] = {"0.bias", "1.bias"};
    for (int i = 0; i < 2; i++) {
        moments m = moments_of(tc_model_find(model, weights[i])->tensor);
        ck_assert_double_lt(fabs(m.mean), 0.03 * deviations[i]);
        ck_assert_double_lt(fabs(m.deviation / deviations[i] - 1), 0.03);
        ck_assert_double_gt(m.most, 3 * deviations[i]); /* a normal distribution has tails */
        ck_assert_double_eq(moments_of(tc_model_find(model, biases[i])->tensor).most, 0);
        ck_assert_double_eq(moments_of(tc_model_find(model, biases[i])->tensor).least, 0);
    }
    tc_model_free(model);
}
END_TEST

START_TEST(batchnorm_begins_as_identity) {
    tc_model *model = model_of(tc_nn_batchnorm2d(5), 3);
    for (int init = 0; init < 2; init++) {
        for (int i = 0; i < 5; i++) {
            ck_assert_float_eq(tc_model_find(model, "weight")->tensor->data[i], 1);
            ck_assert_float_eq(tc_model_find(model, "bias")->tensor->data[i], 0);
            ck_assert_float_eq(tc_model_find(model, "running_mean")->tensor->data[i], 0);
            ck_assert_float_eq(tc_model_find(model, "running_var")->tensor->data[i], 1);
        }
        tc_model_init(model, TC_INIT_HE, 4);
    }
    tc_model_free(model);
}
END_TEST

/* A convolution and a linear layer of the same fan-in get the same numbers in PyTorch's order. */
START_TEST(memory_layout_does_not_matter) {
    tc_model *conv = model_of(tc_nn_conv2d(6, 4, TC_HW(3, 2)), 11),
             *linear = model_of(tc_nn_linear(36, 4), 11);
    for (int init = 0; init < 2; init++) {
        float rows[4 * 36];
        tc_tensor_to_nchw(tc_model_find(conv, "weight")->tensor, rows);
        ck_assert_mem_eq(rows, tc_model_find(linear, "weight")->tensor->data, sizeof rows);
        ck_assert_mem_ne(rows, tc_model_find(conv, "weight")->tensor->data, sizeof rows);
        tc_model_init(conv, TC_INIT_HE, 12);
        tc_model_init(linear, TC_INIT_HE, 12);
    }
    tc_model_free(conv);
    tc_model_free(linear);
}
END_TEST

START_TEST(a_seed_gives_a_net_and_parameters_differ) {
    tc_model *a = model_of(tc_sequential(tc_nn_linear(9, 9), tc_nn_linear(9, 9)), 1);
    tc_model *b = model_of(tc_sequential(tc_nn_linear(9, 9), tc_nn_linear(9, 9)), 1);
    tc_model *c = model_of(tc_sequential(tc_nn_linear(9, 9), tc_nn_linear(9, 9)), 2);
    float *first = tc_model_find(a, "0.weight")->tensor->data;
    ck_assert_mem_eq(first, tc_model_find(b, "0.weight")->tensor->data, 81 * sizeof(float));
    ck_assert_mem_ne(first, tc_model_find(c, "0.weight")->tensor->data, 81 * sizeof(float));
    ck_assert_mem_ne(first, tc_model_find(a, "1.weight")->tensor->data, 81 * sizeof(float));
    tc_model_init(c, TC_INIT_PYTORCH, 1);
    ck_assert_mem_eq(first, tc_model_find(c, "0.weight")->tensor->data, 81 * sizeof(float));
    tc_model_free(a);
    tc_model_free(b);
    tc_model_free(c);
}
END_TEST

/* The first C filters are those of torch.nn.init.dirac_, all else begins as by PyTorch's default. */
START_TEST(dirac_as_in_pytorch) {
    golden_file *file = golden_read("dirac");
    ck_assert_int_eq(file->count, 4);
    for (int i = 0; i < file->count; i++) {
        const golden_tensor *wanted = golden_array(&file->cases[i], "weight");
        int o = (int)wanted->shape[0], c = (int)wanted->shape[1];
        tc_hw kernel = TC_HW((int)wanted->shape[2], (int)wanted->shape[3]);
        tc_model *model = model_of(tc_nn_conv2d(c, o, kernel), 5),
                 *plain = model_of(tc_nn_conv2d(c, o, kernel), 6);
        tc_model_init(model, TC_INIT_DIRAC, 6);
        const tc_tensor *weight = tc_model_find(model, "weight")->tensor;
        int64_t all = tc_numel(weight), handed_on = all / o * c;
        float found[512], drawn[512];
        ck_assert_int_le(all, 512);
        tc_tensor_to_nchw(weight, found);
        tc_tensor_to_nchw(tc_model_find(plain, "weight")->tensor, drawn);
        ck_assert_mem_eq(found, wanted->values, sizeof(float) * (size_t)handed_on);
        ck_assert_mem_eq(found + handed_on, drawn + handed_on, sizeof(float) * (size_t)(all - handed_on));
        ck_assert_mem_eq(tc_model_find(model, "bias")->tensor->data,
                         tc_model_find(plain, "bias")->tensor->data, sizeof(float) * (size_t)o);
        tc_model_free(model);
        tc_model_free(plain);
    }
    golden_free(file);
}
END_TEST

/* A convolution that has more inputs than outputs, or groups, and other layers. */
START_TEST(where_dirac_has_no_place_pytorch_stands) {
    tc_model *models[2];
    for (int i = 0; i < 2; i++) {
        models[i] = model_of(tc_sequential(tc_nn_conv2d(4, 3, 3), tc_nn_conv2d(4, 8, 3, .groups = 2),
                                           tc_nn_conv2d(4, 4, 3, .groups = 4), tc_nn_batchnorm2d(4),
                                           tc_nn_linear(3, 5)),
                             1);
        tc_model_init(models[i], i == 0 ? TC_INIT_PYTORCH : TC_INIT_DIRAC, 9);
    }
    for (int i = 0; i < tc_model_parameter_count(models[0]); i++) {
        const tc_tensor *a = tc_model_parameter(models[0], i)->tensor;
        ck_assert_mem_eq(a->data, tc_model_parameter(models[1], i)->tensor->data,
                         sizeof(float) * (size_t)tc_numel(a));
    }
    for (int i = 0; i < 2; i++) tc_model_free(models[i]);
}
END_TEST

static void add(TCase *tests) {
    tcase_add_test(tests, pytorch_draws_uniformly_by_fan_in);
    tcase_add_test(tests, he_draws_normally_by_fan_in);
    tcase_add_test(tests, batchnorm_begins_as_identity);
    tcase_add_test(tests, memory_layout_does_not_matter);
    tcase_add_test(tests, a_seed_gives_a_net_and_parameters_differ);
    tcase_add_test(tests, dirac_as_in_pytorch);
    tcase_add_test(tests, where_dirac_has_no_place_pytorch_stands);
}

int main(void) {
    return suite_main("init", add);
}
