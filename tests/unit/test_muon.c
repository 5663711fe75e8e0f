/* test_muon.c - Muon, against plain PyTorch (golden/make_recipe_golden.py), and how it behaves. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "golden.h"
#include "suite.h"
#include "tinycnn.h"

enum { STEPS = 3 };

/* Matrices with more rows than columns, with several blocks of rows, and small ones; and what is no matrix. */
static tc_model *net(void) {
    tc_model *model;
    tc_module *root = tc_sequential(tc_nn_conv2d(3, 24, 2), tc_nn_batchnorm2d(24),
                                    tc_nn_conv2d(24, 150, 3, .no_bias = true),
                                    tc_nn_conv2d(25, 10, TC_HW(1, 2)), tc_nn_linear(10, 7));
    ck_assert_msg(tc_model_create(root, 1, &model) == TC_OK, "%s", tc_last_error());
    return model;
}

/* Hashed numbers in PyTorch's order. */
static void set(const tc_tensor *tensor, float *values, uint32_t seed, float scale) {
    float *rows = malloc(sizeof(float) * (size_t)tc_numel(tensor));
    golden_hash_values(seed, scale, 0, tc_numel(tensor), rows);
    tc_layout_from_nchw(tensor->ndim, tensor->shape, rows, values);
    free(rows);
}

static void set_weights(tc_model *model) {
    for (int i = 0; i < tc_model_parameter_count(model); i++) {
        tc_tensor *tensor = tc_model_parameter(model, i)->tensor;
        set(tensor, tensor->data, 40 + (uint32_t)i, 2);
    }
}

static void set_gradients(tc_model *model, int step) {
    for (int i = 0; i < tc_model_parameter_count(model); i++) {
        tc_tensor *tensor = tc_model_parameter(model, i)->tensor;
        set(tensor, tensor->grad, 100 * ((uint32_t)step + 1) + (uint32_t)i, 0.25f);
    }
}

static void train(tc_model *model, tc_optimizer *optimizer, int first) {
    for (int step = first; step < STEPS; step++) {
        set_gradients(model, step);
        tc_optimizer_step(optimizer);
    }
}

static tc_optimizer *muon(tc_model *model, const tc_muon_options *options) {
    tc_optimizer *optimizer;
    ck_assert_msg(tc_muon_create(model, options, &optimizer) == TC_OK, "%s", tc_last_error());
    ck_assert_str_eq(tc_optimizer_name(optimizer), "muon");
    return optimizer;
}

static const tc_muon_options recipe = {.lr = 0.25f,
                                       .momentum = 0.6f,
                                       .sgd_momentum = 0.85f,
                                       .weight_decay = 0.001953125f,
                                       .nesterov = true,
                                       .rescale = true,
                                       .steps = 3};

static bool match_4d(const tc_parameter *parameter, void *unused) {
    (void)unused;
    return parameter->tensor->ndim == 4;
}

/* ---- PyTorch ------------------------------------------------------------------------------------------ */

/* Newton and Schulz multiply what rounding leaves of the smallest singular values, by up to 3.4 a step. */
static void expect_close(const golden_case *golden, const char *prefix, const tc_tensor *tensor,
                         const char *name, double bound) {
    char whole[GOLDEN_NAME];
    snprintf(whole, sizeof whole, "%s.%s", prefix, name);
    const golden_tensor *wanted = golden_array(golden, whole);
    ck_assert_msg(wanted, "no %s", whole);
    float *rows = malloc(sizeof(float) * (size_t)tc_numel(tensor));
    int64_t where = 0;
    tc_tensor_to_nchw(tensor, rows);
    double off = golden_difference(wanted, rows, &where);
    ck_assert_msg(off < bound, "%s: %s: element %lld is off by %g", golden->name, whole, (long long)where,
                  off);
    if (getenv("TC_VERBOSE")) printf("%s %s: %.1e\n", golden->name, whole, off);
    free(rows);
}

START_TEST(steps_as_in_pytorch) {
    golden_file *file = golden_read("muon");
    ck_assert_int_eq(file->count, 4);
    for (int i = 0; i < file->count; i++) {
        const golden_case *golden = &file->cases[i];
        const tc_muon_options options = {.lr = (float)golden_option(golden, "lr"),
                                         .momentum = (float)golden_option(golden, "momentum"),
                                         .sgd_momentum = (float)golden_option(golden, "sgd_momentum"),
                                         .weight_decay = (float)golden_option(golden, "weight_decay"),
                                         .nesterov = golden_option(golden, "nesterov") != 0,
                                         .rescale = golden_option(golden, "rescale") != 0,
                                         .steps = (int)golden_option(golden, "steps")};
        tc_model *model = net();
        set_weights(model);
        tc_optimizer *optimizer = muon(model, strcmp(golden->name, "defaults") == 0 ? NULL : &options);
        if (strcmp(golden->name, "rates_apart") == 0) {
            tc_group_options vectors = {.lr_scale = 0.125f}, matrices = {.lr_scale = 0.5f, .weight_decay = 3};
            ck_assert_int_eq(tc_optimizer_group(optimizer, tc_match_1d, NULL, &vectors), TC_OK);
            ck_assert_int_eq(tc_optimizer_group(optimizer, match_4d, NULL, &matrices), TC_OK);
        }
        train(model, optimizer, 0);
        for (int p = 0; p < tc_model_parameter_count(model); p++) {
            const tc_parameter *parameter = tc_model_parameter(model, p);
            bool matrix = parameter->tensor->ndim == 4;
            expect_close(golden, "after", parameter->tensor, parameter->name, matrix ? 2e-6 : 3e-7);
            const tc_parameter *state = tc_optimizer_state(optimizer, p);
            ck_assert_str_eq(strchr(state->name, '.') + 1, parameter->name);
            if (matrix) expect_close(golden, "momentum", state->tensor, parameter->name, 3e-7);
        }
        tc_optimizer_free(optimizer);
        tc_model_free(model);
    }
    golden_free(file);
}
END_TEST

/* ---- Behaviour ---------------------------------------------------------------------------------------- */

static bool same_parameters(tc_model *a, tc_model *b) {
    for (int i = 0; i < tc_model_parameter_count(a); i++) {
        const tc_tensor *x = tc_model_parameter(a, i)->tensor, *y = tc_model_parameter(b, i)->tensor;
        if (memcmp(x->data, y->data, sizeof(float) * (size_t)tc_numel(x)) != 0) return false;
    }
    return true;
}

START_TEST(same_bits_at_any_number_of_threads) {
    const int threads[] = {1, 2, 4};
    tc_model *models[3];
    for (int t = 0; t < 3; t++) {
        models[t] = net();
        set_weights(models[t]);
        tc_optimizer *optimizer = muon(models[t], &recipe);
        tc_optimizer_set_threads(optimizer, threads[t]);
        train(models[t], optimizer, 0);
        tc_optimizer_free(optimizer);
        ck_assert(same_parameters(models[0], models[t]));
    }
    for (int t = 0; t < 3; t++) tc_model_free(models[t]);
}
END_TEST

START_TEST(a_zero_gradient_leaves_weights_and_no_nan) {
    tc_model *model = net(), *before = net();
    set_weights(model);
    set_weights(before);
    tc_muon_options options = {.lr = 0.5f, .momentum = 0.9f, .nesterov = true};
    tc_optimizer *optimizer = muon(model, &options);
    for (int i = 0; i < 2; i++) tc_optimizer_step(optimizer);
    ck_assert(same_parameters(model, before));
    tc_optimizer_free(optimizer);
    /* A weight of zeros can't be brought to a norm. */
    options.rescale = true;
    optimizer = muon(model, &options);
    tc_tensor *weight = tc_model_find(model, "0.weight")->tensor;
    memset(weight->data, 0, sizeof(float) * (size_t)tc_numel(weight));
    tc_optimizer_step(optimizer);
    for (int64_t i = 0; i < tc_numel(weight); i++) ck_assert(weight->data[i] == 0);
    const tc_tensor *scaled = tc_model_find(model, "2.weight")->tensor;
    double squares = 0;
    for (int64_t i = 0; i < tc_numel(scaled); i++)
        squares += (double)scaled->data[i] * (double)scaled->data[i];
    ck_assert_double_eq_tol(squares, 150, 1e-3);
    tc_optimizer_free(optimizer);
    tc_model_free(model);
    tc_model_free(before);
}
END_TEST

/* Gradients of size 1e-3 and 1e3 make the same step. */
START_TEST(the_size_of_a_gradient_does_not_matter_to_matrices) {
    tc_model *models[2];
    for (int i = 0; i < 2; i++) {
        models[i] = net();
        set_weights(models[i]);
        tc_optimizer *optimizer = muon(models[i], &(tc_muon_options){.lr = 1});
        tc_tensor *weight = tc_model_find(models[i], "2.weight")->tensor;
        set(weight, weight->grad, 5, i == 0 ? 1e-3f : 1e3f);
        tc_optimizer_step(optimizer);
        tc_optimizer_free(optimizer);
    }
    const tc_tensor *a = tc_model_find(models[0], "2.weight")->tensor;
    const tc_tensor *b = tc_model_find(models[1], "2.weight")->tensor;
    for (int64_t i = 0; i < tc_numel(a); i++) ck_assert_float_eq_tol(a->data[i], b->data[i], 1e-4f);
    for (int i = 0; i < 2; i++) tc_model_free(models[i]);
}
END_TEST

START_TEST(frozen_matrices_stay) {
    tc_model *model = net(), *before = net();
    set_weights(model);
    set_weights(before);
    tc_optimizer *optimizer = muon(model, &recipe);
    tc_group_options freeze = {.lr_scale = TC_FREEZE};
    ck_assert_int_eq(tc_optimizer_group(optimizer, match_4d, NULL, &freeze), TC_OK);
    for (int i = 0; i < tc_model_parameter_count(model); i++)
        tc_model_parameter(model, i)->tensor->requires_grad = tc_model_parameter(model, i)->tensor->ndim == 4;
    train(model, optimizer, 0);
    ck_assert(same_parameters(model, before));
    tc_optimizer_free(optimizer);
    optimizer = muon(model, &recipe);
    tc_model_find(model, "2.weight")->tensor->requires_grad = false;
    train(model, optimizer, 0);
    const char *const names[] = {"0.weight", "2.weight", "3.weight"};
    for (int i = 0; i < 3; i++) {
        const tc_tensor *now = tc_model_find(model, names[i])->tensor;
        const tc_tensor *then = tc_model_find(before, names[i])->tensor;
        bool same = memcmp(now->data, then->data, sizeof(float) * (size_t)tc_numel(now)) == 0;
        ck_assert_msg(same == (i == 1), "%s", names[i]);
    }
    tc_optimizer_free(optimizer);
    tc_model_free(model);
    tc_model_free(before);
}
END_TEST

START_TEST(a_run_that_is_resumed_goes_on_with_the_same_bits) {
    const char *path = "test_muon.safetensors";
    tc_model *whole = net(), *half = net();
    set_weights(whole);
    tc_optimizer *a = muon(whole, &recipe), *b = muon(half, &recipe);
    set_gradients(whole, 0);
    tc_optimizer_step(a);
    ck_assert_int_eq(tc_checkpoint_save(path, whole, a, NULL, 0), TC_OK);
    train(whole, a, 1);
    ck_assert_msg(tc_checkpoint_load(path, half, b) == TC_OK, "%s", tc_last_error());
    remove(path);
    train(half, b, 1);
    ck_assert_int_eq(tc_optimizer_steps(b), STEPS);
    ck_assert(same_parameters(whole, half));
    tc_optimizer_free(a);
    tc_optimizer_free(b);
    tc_model_free(whole);
    tc_model_free(half);
}
END_TEST

START_TEST(impossible_options_are_refused) {
    tc_model *model = net();
    const tc_muon_options bad[] = {{.lr = -1},
                                   {.lr = NAN},
                                   {.momentum = -0.5f},
                                   {.momentum = NAN},
                                   {.sgd_momentum = -0.5f},
                                   {.weight_decay = -0.5f},
                                   {.steps = -1}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        tc_optimizer *optimizer = (tc_optimizer *)model;
        ck_assert_int_eq(tc_muon_create(model, &bad[i], &optimizer), TC_ERR_ARGUMENT);
        ck_assert_ptr_null(optimizer);
        ck_assert_ptr_nonnull(strstr(tc_last_error(), "muon: "));
    }
    tc_optimizer *optimizer = muon(model, &(tc_muon_options){.weight_decay = TC_NO_DECAY});
    ck_assert_float_eq(tc_optimizer_lr(optimizer), 0.02f);
    tc_optimizer_free(optimizer);
    tc_model_free(model);
}
END_TEST

/* Without any matrix it is SGD. */
START_TEST(a_net_without_matrices) {
    tc_model *models[2];
    tc_optimizer *optimizers[2];
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(tc_model_create(tc_nn_linear(30, 20), 1, &models[i]), TC_OK);
        set_weights(models[i]);
    }
    optimizers[0] = muon(models[0], &recipe);
    tc_sgd_options sgd = {.lr = recipe.lr,
                          .momentum = recipe.sgd_momentum,
                          .weight_decay = recipe.weight_decay,
                          .nesterov = true};
    ck_assert_int_eq(tc_sgd_create(models[1], &sgd, &optimizers[1]), TC_OK);
    for (int i = 0; i < 2; i++) train(models[i], optimizers[i], 0);
    ck_assert(same_parameters(models[0], models[1]));
    for (int i = 0; i < 2; i++) {
        tc_optimizer_free(optimizers[i]);
        tc_model_free(models[i]);
    }
}
END_TEST

static void add(TCase *tests) {
    tcase_add_test(tests, steps_as_in_pytorch);
    tcase_add_test(tests, same_bits_at_any_number_of_threads);
    tcase_add_test(tests, a_zero_gradient_leaves_weights_and_no_nan);
    tcase_add_test(tests, the_size_of_a_gradient_does_not_matter_to_matrices);
    tcase_add_test(tests, frozen_matrices_stay);
    tcase_add_test(tests, a_run_that_is_resumed_goes_on_with_the_same_bits);
    tcase_add_test(tests, impossible_options_are_refused);
    tcase_add_test(tests, a_net_without_matrices);
}

int main(void) {
    return suite_main("muon", add);
}
