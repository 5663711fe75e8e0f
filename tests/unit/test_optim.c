/* SGD, Adam, AdamW, groups and clipping, against torch.optim (golden/make_optim_golden.py). */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "suite.h"
#include "tinycnn.h"

#define STEPS 6

static json_t *golden(void) {
    json_error_t error;
    json_t *root = json_load_file(TC_GOLDEN_DIR "/optim.json", 0, &error);
    ck_assert_msg(root, "optim.json: %s", error.text);
    return root;
}

/* A linear layer of 3 inputs and 2 outputs with the weights of the golden file. */
static tc_model *layer(const json_t *root) {
    tc_model *model;
    ck_assert_int_eq(tc_model_create(tc_nn_linear(3, 2), 1, &model), TC_OK);
    for (int i = 0; i < tc_model_parameter_count(model); i++) {
        tc_parameter *parameter = tc_model_parameter(model, i);
        const json_t *values = json_object_get(json_object_get(root, "start"), parameter->name);
        ck_assert_int_eq((int64_t)json_array_size(values), tc_numel(parameter->tensor));
        for (size_t e = 0; e < json_array_size(values); e++)
            parameter->tensor->data[e] = (float)json_number_value(json_array_get(values, e));
    }
    return model;
}

static void set_gradients(tc_model *model, const json_t *root, size_t step) {
    const json_t *gradients = json_array_get(json_object_get(root, "gradients"), step);
    for (int i = 0; i < tc_model_parameter_count(model); i++) {
        tc_parameter *parameter = tc_model_parameter(model, i);
        const json_t *values = json_object_get(gradients, parameter->name);
        for (size_t e = 0; e < json_array_size(values); e++)
            parameter->tensor->grad[e] = (float)json_number_value(json_array_get(values, e));
    }
}

/* Weights are of size 1 and float has 24 bits; six steps may differ in the last of them. */
static void expect_close(const float *found, const json_t *wanted, const char *what) {
    ck_assert_uint_gt(json_array_size(wanted), 0);
    for (size_t e = 0; e < json_array_size(wanted); e++) {
        double value = json_number_value(json_array_get(wanted, e));
        ck_assert_msg(fabs(found[e] - value) <= 1e-6 * (1 + fabs(value)), "%s[%zu] is %.9g, PyTorch has %.9g",
                      what, e, (double)found[e], value);
    }
}

static void expect_weights(tc_model *model, const json_t *wanted) {
    for (int i = 0; i < tc_model_parameter_count(model); i++) {
        tc_parameter *parameter = tc_model_parameter(model, i);
        expect_close(parameter->tensor->data, json_object_get(wanted, parameter->name), parameter->name);
    }
}

static float number(const json_t *options, const char *key) {
    return (float)json_number_value(json_object_get(options, key));
}

static tc_optimizer *create(tc_model *model, const char *name, const json_t *options) {
    tc_optimizer *optimizer = NULL;
    const json_t *betas = json_object_get(options, "betas");
    tc_sgd_options sgd = {.lr = number(options, "lr"),
                          .momentum = number(options, "momentum"),
                          .dampening = number(options, "dampening"),
                          .weight_decay = number(options, "weight_decay"),
                          .nesterov = json_is_true(json_object_get(options, "nesterov"))};
    tc_adam_options adam = {.lr = number(options, "lr"),
                            .beta1 = (float)json_number_value(json_array_get(betas, 0)),
                            .beta2 = (float)json_number_value(json_array_get(betas, 1)),
                            .eps = number(options, "eps"),
                            .weight_decay = number(options, "weight_decay")};
    /* A written 0 is no decay; PyTorch's default stands where nothing is written. */
    if (json_object_get(options, "weight_decay") && adam.weight_decay == 0) adam.weight_decay = TC_NO_DECAY;
    tc_status status = strcmp(name, "sgd") == 0    ? tc_sgd_create(model, &sgd, &optimizer)
                       : strcmp(name, "adam") == 0 ? tc_adam_create(model, &adam, &optimizer)
                                                   : tc_adamw_create(model, &adam, &optimizer);
    ck_assert_int_eq(status, TC_OK);
    ck_assert_str_eq(tc_optimizer_name(optimizer), name);
    return optimizer;
}

START_TEST(every_option_as_in_pytorch) {
    json_t *root = golden(), *entry;
    size_t index, sgd = 0;
    json_array_foreach(json_object_get(root, "cases"), index, entry) {
        const char *name = json_string_value(json_object_get(entry, "optimizer"));
        tc_model *model = layer(root);
        tc_optimizer *optimizer = create(model, name, json_object_get(entry, "options"));
        for (size_t step = 0; step < STEPS; step++) {
            set_gradients(model, root, step);
            tc_optimizer_step(optimizer);
            expect_weights(model, json_array_get(json_object_get(entry, "history"), step));
        }
        ck_assert_int_eq(tc_optimizer_steps(optimizer), STEPS);
        sgd += strcmp(name, "sgd") == 0;
        tc_optimizer_free(optimizer);
        tc_model_free(model);
    }
    ck_assert_uint_eq(sgd, 10);
    ck_assert_uint_eq(json_array_size(json_object_get(root, "cases")), 16);
    json_decref(root);
}
END_TEST

START_TEST(groups_as_in_pytorch) {
    json_t *root = golden(), *groups = json_object_get(root, "groups");
    tc_model *model = layer(root);
    tc_optimizer *optimizer;
    ck_assert_int_eq(tc_sgd_create(model,
                                   &(tc_sgd_options){.lr = 1, .momentum = 0.875f, .weight_decay = 0.125f},
                                   &optimizer),
                     TC_OK);
    tc_group_options half = {.lr_scale = 0.5f, .weight_decay = TC_NO_DECAY};
    ck_assert_int_eq(tc_optimizer_group(optimizer, tc_match_1d, NULL, &half), TC_OK);
    for (size_t step = 0; step < STEPS; step++) {
        set_gradients(model, root, step);
        tc_optimizer_set_lr(optimizer,
                            (float)json_number_value(json_array_get(json_object_get(groups, "rates"), step)));
        tc_optimizer_step(optimizer);
        expect_weights(model, json_array_get(json_object_get(groups, "history"), step));
    }
    tc_optimizer_free(optimizer);
    tc_model_free(model);
    json_decref(root);
}
END_TEST

START_TEST(a_later_group_wins_and_can_restore_the_defaults) {
    json_t *root = golden();
    tc_model *plain = layer(root), *grouped = layer(root);
    tc_sgd_options options = {.lr = 0.25f, .weight_decay = 0.125f};
    tc_optimizer *a, *b;
    ck_assert_int_eq(tc_sgd_create(plain, &options, &a), TC_OK);
    ck_assert_int_eq(tc_sgd_create(grouped, &options, &b), TC_OK);
    tc_group_options odd = {.lr_scale = 3, .weight_decay = 0.5f}, zero = {0};
    ck_assert_int_eq(tc_optimizer_group(b, tc_match_1d, NULL, &odd), TC_OK);
    ck_assert_int_eq(tc_optimizer_group(b, tc_match_1d, NULL, &zero), TC_OK);
    set_gradients(plain, root, 0);
    set_gradients(grouped, root, 0);
    tc_optimizer_step(a);
    tc_optimizer_step(b);
    for (int i = 0; i < 2; i++) {
        tc_tensor *x = tc_model_parameter(plain, i)->tensor, *y = tc_model_parameter(grouped, i)->tensor;
        ck_assert_mem_eq(x->data, y->data, (size_t)tc_numel(x) * sizeof(float));
    }
    tc_optimizer_free(a);
    tc_optimizer_free(b);
    tc_model_free(plain);
    tc_model_free(grouped);
    json_decref(root);
}
END_TEST

START_TEST(frozen_parameters_stay) {
    json_t *root = golden();
    tc_model *model = layer(root);
    tc_optimizer *optimizer;
    ck_assert_int_eq(tc_adam_create(model, NULL, &optimizer), TC_OK);
    tc_group_options freeze = {.lr_scale = TC_FREEZE};
    ck_assert_int_eq(tc_optimizer_group(optimizer, tc_match_1d, NULL, &freeze), TC_OK);
    tc_tensor *weight = tc_model_find(model, "weight")->tensor, *bias = tc_model_find(model, "bias")->tensor;
    float first_weight = weight->data[0], first_bias = bias->data[0];
    set_gradients(model, root, 0);
    tc_optimizer_step(optimizer);
    ck_assert(weight->data[0] != first_weight);
    ck_assert(bias->data[0] == first_bias);
    tc_optimizer_free(optimizer);
    tc_model_free(model);
    json_decref(root);
}
END_TEST

START_TEST(clipping_as_in_pytorch) {
    json_t *root = golden(), *entry;
    size_t index;
    json_array_foreach(json_object_get(root, "clip"), index, entry) {
        tc_model *model = layer(root);
        set_gradients(model, root, 0);
        double norm = tc_clip_grad_norm(model, json_number_value(json_object_get(entry, "max_norm")));
        double wanted = json_number_value(json_object_get(entry, "norm"));
        ck_assert_msg(fabs(norm - wanted) < 1e-6 * wanted, "norm %.9g, PyTorch has %.9g", norm, wanted);
        for (int i = 0; i < 2; i++) {
            tc_parameter *parameter = tc_model_parameter(model, i);
            expect_close(parameter->tensor->grad,
                         json_object_get(json_object_get(entry, "clipped"), parameter->name),
                         parameter->name);
        }
        tc_model_free(model);
    }
    ck_assert_uint_eq(index, 2);
    json_decref(root);
}
END_TEST

/* PyTorch divides by norm + 1e-6, which shows with gradients as small as that. */
START_TEST(clipping_of_tiny_gradients_as_in_pytorch) {
    tc_model *model;
    ck_assert_int_eq(tc_model_create(tc_nn_linear(1, 1, .no_bias = true), 1, &model), TC_OK);
    tc_tensor *weight = tc_model_find(model, "weight")->tensor;
    weight->grad[0] = -3e-6f;
    ck_assert_double_eq_tol(tc_clip_grad_norm(model, 1e-6), 3e-6, 1e-12);
    ck_assert_float_eq_tol(weight->grad[0], -0.75e-6f, 1e-12f);
    tc_model_free(model);
}
END_TEST

START_TEST(gradients_that_are_not_finite_are_not_scaled) {
    json_t *root = golden();
    tc_model *model = layer(root);
    tc_tensor *weight = tc_model_find(model, "weight")->tensor, *bias = tc_model_find(model, "bias")->tensor;
    const float bad[] = {INFINITY, -INFINITY, NAN};
    for (int i = 0; i < 3; i++) {
        set_gradients(model, root, 0);
        weight->grad[2] = bad[i];
        float before = bias->grad[0];
        double norm = tc_clip_grad_norm(model, 0.5);
        ck_assert(i < 2 ? isinf(norm) : isnan(norm));
        ck_assert(bias->grad[0] == before);
    }
    tc_model_free(model);
    json_decref(root);
}
END_TEST

/* A net whose parameters fill several pieces, some of them in part. */
static tc_model *large_model(void) {
    tc_model *model;
    tc_module *net = tc_sequential(tc_nn_conv2d(3, 5, 3), tc_nn_linear(301, 173), tc_nn_linear(7, 3));
    ck_assert_int_eq(tc_model_create(net, 3, &model), TC_OK);
    tc_rng rng = tc_rng_create(9, 0);
    for (int i = 0; i < tc_model_parameter_count(model); i++) {
        tc_tensor *tensor = tc_model_parameter(model, i)->tensor;
        for (int64_t e = 0; e < tc_numel(tensor); e++) tensor->grad[e] = tc_rng_normal(&rng);
    }
    return model;
}

START_TEST(same_bits_at_any_number_of_threads) {
    const int threads[] = {1, 2, 4};
    tc_model *models[3];
    for (int t = 0; t < 3; t++) {
        models[t] = large_model();
        tc_optimizer *optimizer;
        ck_assert_int_eq(tc_adamw_create(models[t], NULL, &optimizer), TC_OK);
        tc_optimizer_set_threads(optimizer, threads[t]);
        for (int step = 0; step < 3; step++) {
            tc_clip_grad_norm(models[t], 1 - 0.1 * step);
            tc_optimizer_step(optimizer);
        }
        tc_optimizer_free(optimizer);
    }
    tc_model *untouched = large_model();
    for (int i = 0; i < tc_model_parameter_count(models[0]); i++) {
        tc_tensor *first = tc_model_parameter(models[0], i)->tensor;
        size_t bytes = (size_t)tc_numel(first) * sizeof(float);
        for (int t = 1; t < 3; t++)
            ck_assert_mem_eq(first->data, tc_model_parameter(models[t], i)->tensor->data, bytes);
        /* Every element has moved. */
        for (int64_t e = 0; e < tc_numel(first); e++)
            ck_assert(first->data[e] != tc_model_parameter(untouched, i)->tensor->data[e]);
    }
    for (int t = 0; t < 3; t++) tc_model_free(models[t]);
    tc_model_free(untouched);
}
END_TEST

START_TEST(state_is_named_after_the_parameters) {
    tc_model *model = large_model();
    tc_optimizer *sgd, *momentum, *adam;
    ck_assert_int_eq(tc_sgd_create(model, NULL, &sgd), TC_OK);
    ck_assert_int_eq(tc_sgd_create(model, &(tc_sgd_options){.momentum = 0.9f}, &momentum), TC_OK);
    ck_assert_int_eq(tc_adam_create(model, NULL, &adam), TC_OK);
    ck_assert_int_eq(tc_optimizer_state_count(sgd), 0);
    ck_assert_int_eq(tc_optimizer_state_count(momentum), 6);
    ck_assert_int_eq(tc_optimizer_state_count(adam), 12);
    ck_assert_str_eq(tc_optimizer_state(momentum, 0)->name, "momentum.0.weight");
    ck_assert_str_eq(tc_optimizer_state(adam, 5)->name, "exp_avg.2.bias");
    ck_assert_str_eq(tc_optimizer_state(adam, 6)->name, "exp_avg_sq.0.weight");
    ck_assert_int_eq(tc_numel(tc_optimizer_state(adam, 6)->tensor), 3 * 5 * 3 * 3);
    ck_assert_float_eq(tc_optimizer_lr(sgd), 0.001f);
    tc_optimizer_free(sgd);
    tc_optimizer_free(momentum);
    tc_optimizer_free(adam);
    tc_model_free(model);
}
END_TEST

static bool match_nothing(const tc_parameter *parameter, void *context) {
    (void)parameter, (void)context;
    return false;
}

START_TEST(impossible_options_are_refused) {
    json_t *root = golden();
    tc_model *model = layer(root);
    tc_optimizer *optimizer;
    const tc_sgd_options sgd[] = {
        {.lr = -1},          {.lr = NAN},
        {.momentum = -0.5f}, {.weight_decay = -0.5f},
        {.nesterov = true},  {.nesterov = true, .momentum = 0.9f, .dampening = 0.1f}};
    for (size_t i = 0; i < sizeof sgd / sizeof *sgd; i++) {
        ck_assert_int_eq(tc_sgd_create(model, &sgd[i], &optimizer), TC_ERR_ARGUMENT);
        ck_assert_ptr_null(optimizer);
        ck_assert_ptr_nonnull(strstr(tc_last_error(), "sgd: "));
    }
    const tc_adam_options adam[] = {{.lr = -1}, {.beta1 = 1}, {.beta2 = 1.5f}, {.beta1 = -0.1f}, {.eps = -1}};
    for (size_t i = 0; i < sizeof adam / sizeof *adam; i++) {
        ck_assert_int_eq(tc_adam_create(model, &adam[i], &optimizer), TC_ERR_ARGUMENT);
        ck_assert_int_eq(tc_adamw_create(model, &adam[i], &optimizer), TC_ERR_ARGUMENT);
        ck_assert_ptr_nonnull(strstr(tc_last_error(), "adamw: "));
    }
    ck_assert_int_eq(tc_sgd_create(model, NULL, &optimizer), TC_OK);
    tc_group_options odd = {.lr_scale = -2}, zero = {0};
    ck_assert_int_eq(tc_optimizer_group(optimizer, tc_match_1d, NULL, &odd), TC_ERR_ARGUMENT);
    ck_assert_int_eq(tc_optimizer_group(optimizer, match_nothing, NULL, &zero), TC_ERR_ARGUMENT);
    tc_optimizer_free(optimizer);
    tc_model_free(model);
    json_decref(root);
}
END_TEST

static void add(TCase *tests) {
    tcase_add_test(tests, every_option_as_in_pytorch);
    tcase_add_test(tests, groups_as_in_pytorch);
    tcase_add_test(tests, a_later_group_wins_and_can_restore_the_defaults);
    tcase_add_test(tests, frozen_parameters_stay);
    tcase_add_test(tests, clipping_as_in_pytorch);
    tcase_add_test(tests, clipping_of_tiny_gradients_as_in_pytorch);
    tcase_add_test(tests, gradients_that_are_not_finite_are_not_scaled);
    tcase_add_test(tests, same_bits_at_any_number_of_threads);
    tcase_add_test(tests, state_is_named_after_the_parameters);
    tcase_add_test(tests, impossible_options_are_refused);
}

int main(void) {
    return suite_main("optim", add);
}
