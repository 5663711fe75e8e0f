/* test_average.c - averages of weights, against PyTorch (golden/make_recipe_golden.py), and how they behave. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "golden.h"
#include "suite.h"
#include "tinycnn.h"

/* Parameters and buffers of all sorts, one of several pieces. */
static tc_model *net(void) {
    tc_model *model;
    tc_module *root = tc_sequential(tc_nn_conv2d(3, 6, 3), tc_nn_batchnorm2d(6), tc_nn_linear(170, 300));
    ck_assert_msg(tc_model_create(root, 1, &model) == TC_OK, "%s", tc_last_error());
    return model;
}

static int count(tc_model *model) {
    return tc_model_parameter_count(model) + tc_model_buffer_count(model);
}

static tc_parameter *value(tc_model *model, int i) {
    int parameters = tc_model_parameter_count(model);
    return i < parameters ? tc_model_parameter(model, i) : tc_model_buffer(model, i - parameters);
}

static void set_values(tc_model *model, int step) {
    for (int i = 0; i < count(model); i++) {
        tc_tensor *tensor = value(model, i)->tensor;
        float *rows = malloc(sizeof(float) * (size_t)tc_numel(tensor));
        golden_hash_values(10 * (uint32_t)step + (uint32_t)i, 2, 0, tc_numel(tensor), rows);
        tc_tensor_from_nchw(tensor, rows);
        free(rows);
    }
}

static tc_optimizer *optimizer_of(tc_model *model, bool averages) {
    tc_optimizer *optimizer;
    ck_assert_int_eq(tc_sgd_create(model, &(tc_sgd_options){.lr = 0.1f, .momentum = 0.9f}, &optimizer),
                     TC_OK);
    if (averages) ck_assert_msg(tc_optimizer_average(optimizer) == TC_OK, "%s", tc_last_error());
    return optimizer;
}

/* The average of value i: averages come last among the states. */
static tc_parameter *average(tc_optimizer *optimizer, tc_model *model, int i) {
    return tc_optimizer_state(optimizer, tc_optimizer_state_count(optimizer) - count(model) + i);
}

static bool same_tensor(const tc_tensor *a, const tc_tensor *b) {
    return memcmp(a->data, b->data, sizeof(float) * (size_t)tc_numel(a)) == 0;
}

static bool same_values(tc_model *a, tc_model *b) {
    bool same = true;
    for (int i = 0; i < count(a); i++) same = same && same_tensor(value(a, i)->tensor, value(b, i)->tensor);
    return same;
}

/* ---- PyTorch ------------------------------------------------------------------------------------------ */

static void expect(const golden_file *file, const char *prefix, const char *name, const tc_tensor *tensor) {
    char whole[GOLDEN_NAME];
    snprintf(whole, sizeof whole, "%s.%s", prefix, name);
    const golden_tensor *wanted = golden_array(&file->cases[0], whole);
    ck_assert_msg(wanted, "no %s", whole);
    float *rows = malloc(sizeof(float) * (size_t)tc_numel(tensor));
    int64_t where = 0;
    tc_tensor_to_nchw(tensor, rows);
    double off = golden_difference(wanted, rows, &where);
    ck_assert_msg(off < 3e-7, "%s: element %lld is off by %g", whole, (long long)where, off);
    free(rows);
}

static void expect_all(const golden_file *file, const char *values, const char *averages, tc_model *model,
                       tc_optimizer *optimizer) {
    for (int i = 0; i < count(model); i++) {
        const char *name = value(model, i)->name;
        if (values) expect(file, values, name, value(model, i)->tensor);
        if (averages) expect(file, averages, name, average(optimizer, model, i)->tensor);
    }
}

START_TEST(updates_as_in_pytorch) {
    golden_file *file = golden_read("average");
    tc_model *model = net();
    set_values(model, 0);
    tc_optimizer *optimizer = optimizer_of(model, true);
    set_values(model, 1);
    tc_optimizer_average_update(optimizer, 0.75);
    set_values(model, 2);
    tc_optimizer_average_update(optimizer, 0.25);
    expect_all(file, NULL, "updated", model, optimizer);
    tc_optimizer_average_swap(optimizer);
    expect_all(file, "swapped", "swapped.average", model, optimizer);
    tc_optimizer_average_update(optimizer, (double)0.9f);
    tc_optimizer_average_apply(optimizer);
    expect_all(file, "applied", "applied", model, optimizer);
    tc_optimizer_free(optimizer);
    tc_model_free(model);
    golden_free(file);
}
END_TEST

/* ---- Behaviour ---------------------------------------------------------------------------------------- */

START_TEST(the_ends_are_exact) {
    tc_model *model = net(), *first = net();
    set_values(model, 0);
    set_values(first, 0);
    tc_optimizer *optimizer = optimizer_of(model, true);
    const double decays[] = {0.3, 0.7, 0.999};
    for (int i = 0; i < 3; i++) tc_optimizer_average_update(optimizer, decays[i]);
    for (int i = 0; i < count(model); i++) /* of equal values */
        ck_assert(same_tensor(average(optimizer, model, i)->tensor, value(first, i)->tensor));
    set_values(model, 1);
    tc_optimizer_average_update(optimizer, 1);
    for (int i = 0; i < count(model); i++)
        ck_assert(same_tensor(average(optimizer, model, i)->tensor, value(first, i)->tensor));
    tc_optimizer_average_update(optimizer, 0);
    for (int i = 0; i < count(model); i++)
        ck_assert(same_tensor(average(optimizer, model, i)->tensor, value(model, i)->tensor));
    tc_optimizer_free(optimizer);
    tc_model_free(model);
    tc_model_free(first);
}
END_TEST

START_TEST(swapping_twice_changes_nothing) {
    tc_model *model = net(), *second = net();
    set_values(model, 0);
    set_values(second, 2);
    tc_optimizer *optimizer = optimizer_of(model, true);
    set_values(model, 2);
    tc_optimizer_average_swap(optimizer);
    ck_assert(!same_values(model, second));
    tc_optimizer_average_swap(optimizer);
    ck_assert(same_values(model, second));
    tc_optimizer_free(optimizer);
    tc_model_free(model);
    tc_model_free(second);
}
END_TEST

START_TEST(averages_are_states) {
    tc_model *model = net();
    tc_optimizer *optimizer = optimizer_of(model, false);
    tc_optimizer_average_update(optimizer, 0.5); /* nothing to do yet */
    tc_optimizer_average_apply(optimizer);
    tc_optimizer_average_swap(optimizer);
    const float *momentum = tc_optimizer_state(optimizer, 0)->tensor->data;
    ck_assert_int_eq(tc_optimizer_state_count(optimizer), 6);
    ck_assert_int_eq(tc_optimizer_average(optimizer), TC_OK);
    ck_assert_int_eq(tc_optimizer_state_count(optimizer), 6 + 8);
    ck_assert_ptr_eq(tc_optimizer_state(optimizer, 0)->tensor->data, momentum);
    ck_assert_str_eq(tc_optimizer_state(optimizer, 5)->name, "momentum.2.bias");
    ck_assert_str_eq(tc_optimizer_state(optimizer, 6)->name, "average.0.weight");
    ck_assert_str_eq(tc_optimizer_state(optimizer, 13)->name, "average.1.running_var");
    ck_assert_ptr_null(tc_optimizer_state(optimizer, 13)->layer);
    ck_assert_int_eq(tc_optimizer_average(optimizer), TC_ERR_STATE);
    ck_assert_ptr_nonnull(strstr(tc_last_error(), "begun already"));
    ck_assert_int_eq(tc_optimizer_state_count(optimizer), 6 + 8);
    tc_optimizer_free(optimizer);
    /* Of an optimiser that has no other state. */
    ck_assert_int_eq(tc_sgd_create(model, NULL, &optimizer), TC_OK);
    ck_assert_int_eq(tc_optimizer_average(optimizer), TC_OK);
    ck_assert_int_eq(tc_optimizer_state_count(optimizer), 8);
    tc_optimizer_free(optimizer);
    tc_model_free(model);
}
END_TEST

/* A piece of training: gradients of noise, an average at each step, and at every third the average itself. */
static void train(tc_model *model, tc_optimizer *optimizer, int first, int end) {
    for (int step = first; step < end; step++) {
        tc_rng rng = tc_rng_create(3, (uint64_t)step);
        for (int i = 0; i < count(model); i++) {
            tc_tensor *tensor = value(model, i)->tensor;
            for (int64_t e = 0; e < tc_numel(tensor); e++)
                *(tensor->grad ? &tensor->grad[e] : &tensor->data[e]) = tc_rng_normal(&rng);
        }
        tc_optimizer_step(optimizer);
        tc_optimizer_average_update(optimizer, 0.8);
        if (step % 3 == 2) tc_optimizer_average_apply(optimizer);
        if (step % 4 == 3) tc_optimizer_average_swap(optimizer);
    }
}

START_TEST(same_bits_at_any_number_of_threads) {
    const int threads[] = {1, 2, 4};
    tc_model *models[3];
    tc_optimizer *optimizers[3];
    for (int t = 0; t < 3; t++) {
        models[t] = net();
        optimizers[t] = optimizer_of(models[t], true);
        tc_optimizer_set_threads(optimizers[t], threads[t]);
        train(models[t], optimizers[t], 0, 5);
        ck_assert(same_values(models[0], models[t]));
        for (int i = 0; i < count(models[t]); i++)
            ck_assert(same_tensor(average(optimizers[0], models[0], i)->tensor,
                                  average(optimizers[t], models[t], i)->tensor));
    }
    for (int t = 0; t < 3; t++) {
        tc_optimizer_free(optimizers[t]);
        tc_model_free(models[t]);
    }
}
END_TEST

static const char path[] = "test_average.safetensors";

START_TEST(a_run_that_is_resumed_goes_on_with_the_same_bits) {
    tc_model *whole = net(), *half = net();
    tc_optimizer *a = optimizer_of(whole, true), *b = optimizer_of(half, true);
    train(whole, a, 0, 4);
    ck_assert_int_eq(tc_checkpoint_save(path, whole, a, NULL, 0), TC_OK);
    train(whole, a, 4, 9);
    ck_assert_msg(tc_checkpoint_load(path, half, b) == TC_OK, "%s", tc_last_error());
    remove(path);
    train(half, b, 4, 9);
    ck_assert(same_values(whole, half));
    tc_optimizer_free(a);
    tc_optimizer_free(b);
    tc_model_free(whole);
    tc_model_free(half);
}
END_TEST

START_TEST(a_checkpoint_with_averages_wants_them_and_one_without_has_none) {
    tc_model *model = net(), *other = net(), *untouched = net();
    set_values(model, 1);
    tc_optimizer *with = optimizer_of(model, true), *without = optimizer_of(other, false);
    ck_assert_int_eq(tc_checkpoint_save(path, model, with, NULL, 0), TC_OK);
    ck_assert_int_eq(tc_checkpoint_load(path, other, without), TC_ERR_SHAPE);
    ck_assert_msg(strstr(tc_last_error(), "unexpected: optimizer.average.0.weight"), "%s", tc_last_error());
    ck_assert(same_values(other, untouched));
    ck_assert_int_eq(tc_checkpoint_load(path, other, NULL), TC_OK); /* the weights alone */
    ck_assert(same_values(other, model));
    set_values(other, 2);
    set_values(untouched, 1);
    ck_assert_int_eq(tc_checkpoint_save(path, other, without, NULL, 0), TC_OK);
    ck_assert_int_eq(tc_checkpoint_load(path, model, with), TC_ERR_SHAPE);
    ck_assert_msg(strstr(tc_last_error(), "missing: optimizer.average.0.weight"), "%s", tc_last_error());
    ck_assert(same_values(model, untouched));
    remove(path);
    tc_optimizer_free(with);
    tc_optimizer_free(without);
    tc_model_free(model);
    tc_model_free(other);
    tc_model_free(untouched);
}
END_TEST

/* The answer of a frozen model, first element. */
static float answer(tc_model *model) {
    tc_tape *tape = tc_tape_create(NULL);
    tc_tape_eval(tape);
    tc_tensor *x = tc_tensor_new(tc_tape_arena(tape), 2, 16, 9, 9);
    golden_hash_values(4, 2, 0, tc_numel(x), x->data);
    tc_tensor *y = tc_model_forward(model, tape, x);
    ck_assert_msg(y, "%s", tc_tape_error(tape));
    float first = y->data[0];
    tc_tape_free(tape);
    return first;
}

START_TEST(applying_and_swapping_thaw_the_model) {
    tc_model *model;
    ck_assert_int_eq(tc_model_create(tc_nn_conv2d(16, 24, 3, .padding = 1), 1, &model), TC_OK);
    tc_optimizer *optimizer = optimizer_of(model, true);
    float begun = answer(model);
    tc_model_init(model, TC_INIT_PYTORCH, 2);
    float later = answer(model);
    ck_assert(begun != later);
    ck_assert_int_eq(tc_model_freeze(model), TC_OK);
    ck_assert(answer(model) == later);
    tc_optimizer_average_swap(optimizer);
    ck_assert(answer(model) == begun);
    ck_assert_int_eq(tc_model_freeze(model), TC_OK);
    ck_assert(answer(model) == begun);
    tc_optimizer_average_apply(optimizer);
    ck_assert(answer(model) == later);
    tc_optimizer_free(optimizer);
    tc_model_free(model);
}
END_TEST

static void add(TCase *tests) {
    tcase_add_test(tests, updates_as_in_pytorch);
    tcase_add_test(tests, the_ends_are_exact);
    tcase_add_test(tests, swapping_twice_changes_nothing);
    tcase_add_test(tests, averages_are_states);
    tcase_add_test(tests, same_bits_at_any_number_of_threads);
    tcase_add_test(tests, a_run_that_is_resumed_goes_on_with_the_same_bits);
    tcase_add_test(tests, a_checkpoint_with_averages_wants_them_and_one_without_has_none);
    tcase_add_test(tests, applying_and_swapping_thaw_the_model);
}

int main(void) {
    return suite_main("average", add);
}
