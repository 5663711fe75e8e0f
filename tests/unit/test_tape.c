/* The tape: what is recorded, how gradients add up, errors that stick, what a reset forgets. */
#include <math.h>
#include <string.h>

#include "conformance.h"
#include "suite.h"

static tc_tensor *leaf(tc_tape *tape, uint32_t seed) {
    tc_tensor *x = CONFORMANCE_TENSOR(tape, seed, 2, 3);
    x->requires_grad = true;
    return x;
}

/* sum of (x - target)^2: its gradient is 2 (x - target). */
static tc_tensor *loss_of(tc_tape *tape, tc_tensor *x, tc_tensor *target) {
    return tc_mse_loss(tape, x, target, TC_REDUCTION_SUM);
}

START_TEST(a_new_tape_trains_and_records) {
    tc_tape *tape = tc_tape_create(NULL);
    ck_assert(tc_tape_is_training(tape));
    ck_assert(tc_tape_record(tape, true));
    ck_assert_int_eq(tc_tape_threads(tape), tc_threads_available());
    ck_assert_int_eq(tc_tape_status(tape), TC_OK);
    ck_assert_str_eq(tc_tape_error(tape), "");
    tc_tape_free(tape);
    tape = tc_tape_create(&(tc_tape_options){.threads = 3});
    ck_assert_int_eq(tc_tape_threads(tape), 3);
    tc_tape_free(tape);
    tc_tape_free(NULL);
}
END_TEST

START_TEST(modes_and_recording) {
    tc_tape *tape = conformance_tape(1, 1);
    tc_tape_eval(tape);
    ck_assert(!tc_tape_is_training(tape));
    ck_assert(!tc_tape_record(tape, true));
    ck_assert(!tc_tape_is_training(tape));
    ck_assert(tc_tape_record(tape, false));
    tc_tape_train(tape);
    ck_assert(tc_tape_is_training(tape));
    ck_assert(tc_tape_record(tape, true));
    tc_tape_eval(tape);
    tc_tape_reset(tape, 5);
    ck_assert_msg(!tc_tape_is_training(tape), "a reset keeps the mode");
    tc_tape_free(tape);
}
END_TEST

START_TEST(nothing_is_recorded_when_told_not_to) {
    tc_tape *tape = conformance_tape(1, 1);
    tc_tensor *x = leaf(tape, 1), *target = CONFORMANCE_TENSOR(tape, 2, 2, 3);
    tc_tape_record(tape, false);
    tc_tensor *hidden = tc_scale(tape, x, 3);
    ck_assert(!hidden->requires_grad);
    tc_tape_record(tape, true);
    tc_tensor *seen = tc_scale(tape, x, 2);
    ck_assert(seen->requires_grad);
    tc_tensor *sum = tc_add(tape, seen, hidden, TC_ACTIVATION_NONE);
    ck_assert_int_eq(tc_backward(tape, loss_of(tape, sum, target)), TC_OK);
    for (int i = 0; i < 6; i++)
        ck_assert_float_eq_tol(x->grad[i], 2 * 2 * (5 * x->data[i] - target->data[i]), 1e-5f);
    tc_tape_free(tape);
}
END_TEST

START_TEST(gradients_add_to_a_leaf_over_steps) {
    tc_arena *arena = tc_arena_create();
    tc_tensor *x = tc_tensor_new(arena, 2, 3);
    golden_hash_values(1, 2, 0, 6, x->data);
    x->requires_grad = true;
    x->grad = tc_arena_alloc(arena, sizeof(float) * 6);
    for (int i = 0; i < 6; i++) x->grad[i] = 100;
    tc_tape *tape = conformance_tape(1, 1);
    for (uint64_t step = 0; step < 3; step++) {
        tc_tape_reset(tape, step);
        tc_tensor *target = CONFORMANCE_TENSOR(tape, 2, 2, 3);
        ck_assert_int_eq(tc_backward(tape, loss_of(tape, x, target)), TC_OK);
        for (int i = 0; i < 6; i++)
            ck_assert_float_eq_tol(x->grad[i], 100 + (float)(step + 1) * 2 * (x->data[i] - target->data[i]),
                                   1e-4f);
    }
    tc_tape_free(tape);
    tc_arena_free(arena);
}
END_TEST

/* Every use of x adds its part: x, 2x, relu(x), x + x. */
START_TEST(gradients_add_up_over_all_uses) {
    tc_tape *tape = conformance_tape(1, 1);
    tc_tensor *x = leaf(tape, 1), *target = CONFORMANCE_TENSOR(tape, 2, 2, 3);
    tc_tensor *sum = tc_add(tape, x, tc_scale(tape, x, 2), TC_ACTIVATION_NONE);
    sum = tc_add(tape, sum, tc_relu(tape, x), TC_ACTIVATION_NONE);
    sum = tc_add(tape, sum, tc_add(tape, x, x, TC_ACTIVATION_NONE), TC_ACTIVATION_NONE);
    ck_assert_int_eq(tc_backward(tape, loss_of(tape, sum, target)), TC_OK);
    for (int i = 0; i < 6; i++) {
        float slope = x->data[i] > 0 ? 6 : 5;
        ck_assert_float_eq_tol(x->grad[i], slope * 2 * (slope * x->data[i] - target->data[i]), 1e-4f);
    }
    tc_tape_free(tape);
}
END_TEST

/* 2^20 paths through twenty doublings. */
START_TEST(a_ladder_of_fan_outs) {
    tc_tape *tape = conformance_tape(1, 1);
    tc_tensor *x = CONFORMANCE_TENSOR(tape, 1, 1), *y = x;
    x->requires_grad = true;
    for (int i = 0; i < 20; i++) y = tc_add(tape, y, y, TC_ACTIVATION_NONE);
    ck_assert_int_eq(tc_backward(tape, y), TC_OK);
    ck_assert(x->grad[0] == 1048576.0f);
    tc_tape_free(tape);
}
END_TEST

START_TEST(branches_that_the_loss_does_not_see_get_nothing) {
    tc_tape *tape = conformance_tape(1, 1);
    tc_tensor *x = leaf(tape, 1), *other = leaf(tape, 3), *target = CONFORMANCE_TENSOR(tape, 2, 2, 3);
    tc_tensor *used = tc_scale(tape, x, 2);
    tc_tensor *unused = tc_add(tape, tc_scale(tape, x, 7), other, TC_ACTIVATION_NONE);
    ck_assert_ptr_nonnull(unused);
    ck_assert_int_eq(tc_backward(tape, loss_of(tape, used, target)), TC_OK);
    for (int i = 0; i < 6; i++)
        ck_assert_float_eq_tol(x->grad[i], 4 * (2 * x->data[i] - target->data[i]), 1e-5f);
    for (int i = 0; other->grad && i < 6; i++) ck_assert(other->grad[i] == 0);
    tc_tape_free(tape);
}
END_TEST

START_TEST(results_keep_their_gradient_when_asked) {
    tc_tape *tape = conformance_tape(1, 1);
    tc_tensor *x = leaf(tape, 1), *target = CONFORMANCE_TENSOR(tape, 2, 2, 3);
    tc_tensor *kept = tc_relu(tape, x), *given_back = tc_scale(tape, kept, 2);
    kept->retain_grad = true;
    tc_tensor *fused = tc_add(tape, given_back, given_back, TC_ACTIVATION_RELU);
    fused->retain_grad = true;
    ck_assert_int_eq(tc_backward(tape, loss_of(tape, fused, target)), TC_OK);
    ck_assert_ptr_null(given_back->grad);
    ck_assert_ptr_nonnull(kept->grad);
    ck_assert_ptr_nonnull(fused->grad);
    for (int i = 0; i < 6; i++) {
        float g = 2 * (fused->data[i] - target->data[i]), on = x->data[i] > 0 ? 1 : 0;
        ck_assert_float_eq_tol(fused->grad[i], g, 1e-5f); /* before the relu of its own operation is undone */
        ck_assert_float_eq_tol(kept->grad[i], 4 * g * on, 1e-4f);
        ck_assert_float_eq_tol(x->grad[i], 4 * g * on, 1e-4f);
    }
    tc_tape_free(tape);
}
END_TEST

START_TEST(the_first_failure_sticks) {
    tc_tape *tape = conformance_tape(1, 1);
    tc_tensor *x = leaf(tape, 1), *other = CONFORMANCE_TENSOR(tape, 2, 3, 2);
    ck_assert_ptr_null(tc_add(tape, x, other, TC_ACTIVATION_NONE));
    char first[1024];
    snprintf(first, sizeof first, "%s", tc_tape_error(tape));
    ck_assert_ptr_nonnull(strstr(first, "add"));
    ck_assert_ptr_null(tc_maxpool2d(tape, x, NULL));
    ck_assert_ptr_null(tc_relu(tape, NULL));
    ck_assert_ptr_null(tc_relu(tape, x));
    ck_assert_ptr_null(tc_input(tape, 2, x->shape, x->data));
    ck_assert_int_eq(tc_tape_status(tape), TC_ERR_SHAPE);
    ck_assert_str_eq(tc_tape_error(tape), first);
    ck_assert_int_eq(tc_backward(tape, NULL), TC_ERR_SHAPE);
    ck_assert_str_eq(tc_tape_error(tape), first);
    tc_tape_reset(tape, 1);
    ck_assert_int_eq(tc_tape_status(tape), TC_OK);
    ck_assert_str_eq(tc_tape_error(tape), "");
    ck_assert_ptr_nonnull(tc_relu(tape, leaf(tape, 1)));
    tc_tape_free(tape);
}
END_TEST

START_TEST(a_null_tape_is_answered) {
    tc_arena *arena = tc_arena_create();
    tc_tensor *x = tc_tensor_new(arena, 2, 3);
    ck_assert_ptr_null(tc_relu(NULL, x));
    ck_assert_int_ne(tc_backward(NULL, x), TC_OK);
    tc_arena_free(arena);
}
END_TEST

START_TEST(backward_wants_one_recorded_element) {
    tc_tape *tape = conformance_tape(1, 1);
    tc_tensor *x = leaf(tape, 1);
    ck_assert_int_eq(tc_backward(tape, tc_relu(tape, x)), TC_ERR_SHAPE);
    ck_assert_ptr_nonnull(strstr(tc_tape_error(tape), "(2, 3)"));

    tc_tape_reset(tape, 1);
    ck_assert_int_eq(tc_backward(tape, NULL), TC_ERR_ARGUMENT);

    tc_tape_reset(tape, 2);
    tc_tensor *constant = loss_of(tape, CONFORMANCE_TENSOR(tape, 1, 2, 3), CONFORMANCE_TENSOR(tape, 2, 2, 3));
    ck_assert_int_ne(tc_backward(tape, constant), TC_OK);

    tc_tape_reset(tape, 3);
    tc_tensor *loss = loss_of(tape, leaf(tape, 1), CONFORMANCE_TENSOR(tape, 2, 2, 3));
    ck_assert_int_eq(tc_backward(tape, loss), TC_OK);
    ck_assert_int_eq(tc_backward(tape, loss), TC_ERR_STATE);
    tc_tape_free(tape);
}
END_TEST

START_TEST(inputs_wrap_or_copy) {
    tc_tape *tape = conformance_tape(1, 1);
    float memory[24], rows[24];
    golden_hash_values(1, 2, 0, 24, memory);
    const int64_t shape[4] = {1, 2, 3, 4};
    tc_tensor *wrapped = tc_input(tape, 4, shape, memory);
    ck_assert_ptr_eq(wrapped->data, memory);
    ck_assert(!wrapped->requires_grad);
    tc_tensor *copied = tc_input_nchw(tape, 4, shape, memory);
    ck_assert_ptr_ne(copied->data, memory);
    tc_tensor_to_nchw(copied, rows);
    ck_assert_mem_eq(rows, memory, sizeof rows);
    ck_assert_ptr_null(tc_input(tape, 4, (const int64_t[]){1, 2, 0, 4}, memory));
    ck_assert_ptr_nonnull(strstr(tc_tape_error(tape), "input"));
    tc_tape_reset(tape, 1);
    ck_assert_ptr_null(tc_input(tape, 4, shape, NULL));
    tc_tape_reset(tape, 2);
    ck_assert_ptr_null(tc_input_nchw(tape, 4, shape, NULL));
    tc_tape_reset(tape, 3);
    ck_assert_ptr_null(tc_input(tape, 9, shape, memory));
    tc_tape_free(tape);
}
END_TEST

START_TEST(the_first_result_that_is_not_finite_is_found) {
    tc_tape *tape = conformance_tape(1, 1);
    const char *op = NULL, *where = NULL;
    tc_tensor *x = leaf(tape, 1);
    tc_tensor *y = tc_scale(tape, x, 2);
    ck_assert(!tc_tape_find_nonfinite(tape, &op, &where));
    y = tc_scale(tape, y, 3e38f);
    y = tc_scale(tape, y, 3e38f); /* infinite */
    y = tc_relu(tape, y);
    ck_assert(tc_tape_find_nonfinite(tape, &op, &where));
    ck_assert_str_eq(op, "scale");
    ck_assert_str_eq(where, "");
    tc_tape_reset(tape, 1);
    ck_assert(!tc_tape_find_nonfinite(tape, &op, &where));
    x = leaf(tape, 1);
    x->data[5] = NAN;
    tc_relu(tape, x);
    ck_assert(tc_tape_find_nonfinite(tape, &op, &where));
    ck_assert_str_eq(op, "relu");
    tc_tape_free(tape);
}
END_TEST

START_TEST(the_layer_that_is_not_finite_is_named) {
    tc_model *model;
    tc_module *net =
        tc_sequential(tc_named("first", tc_nn_linear(3, 4)), tc_named("second", tc_nn_linear(4, 2)));
    ck_assert_int_eq(tc_model_create(net, 1, &model), TC_OK);
    tc_model_find(model, "second.weight")->tensor->data[3] = INFINITY;
    tc_tape *tape = conformance_tape(1, 1);
    ck_assert_ptr_nonnull(tc_model_forward(model, tape, CONFORMANCE_TENSOR(tape, 1, 2, 3)));
    const char *op = NULL, *where = NULL;
    ck_assert(tc_tape_find_nonfinite(tape, &op, &where));
    ck_assert_str_eq(op, "linear");
    ck_assert_str_eq(where, "second");
    tc_tape_free(tape);
    tc_model_free(model);
}
END_TEST

/* A gradient that was lent to a leaf of the caller's ends with the step. */
START_TEST(a_reset_takes_lent_gradients_back) {
    tc_arena *arena = tc_arena_create();
    tc_tensor *x = tc_tensor_new(arena, 2, 3);
    x->requires_grad = true;
    tc_tape *tape = conformance_tape(1, 1);
    for (int step = 0; step < 3; step++) {
        ck_assert_int_eq(tc_backward(tape, loss_of(tape, x, CONFORMANCE_TENSOR(tape, 2, 2, 3))), TC_OK);
        ck_assert_ptr_nonnull(x->grad);
        tc_tensor *target = CONFORMANCE_TENSOR(tape, 2, 2, 3);
        for (int i = 0; i < 6; i++) ck_assert_float_eq_tol(x->grad[i], -2 * target->data[i], 1e-5f);
        tc_tape_reset(tape, (uint64_t)step);
        ck_assert_ptr_null(x->grad);
    }
    tc_tape_free(tape);
    tc_arena_free(arena);
}
END_TEST

START_TEST(a_freed_tape_takes_lent_gradients_back) {
    tc_arena *arena = tc_arena_create();
    tc_tensor *x = tc_tensor_new(arena, 2, 3), *target = tc_tensor_new(arena, 2, 3);
    x->requires_grad = true;
    for (int i = 0; i < 2; i++) {
        tc_tape *tape = conformance_tape(1, 1);
        ck_assert_int_eq(tc_backward(tape, loss_of(tape, x, target)), TC_OK);
        ck_assert_ptr_nonnull(x->grad);
        tc_tape_free(tape);
        ck_assert_ptr_null(x->grad);
    }
    tc_arena_free(arena);
}
END_TEST

START_TEST(gradients_in_evaluation_mode) {
    tc_tape *tape = conformance_tape(1, 1);
    tc_tape_eval(tape);
    tc_tape_record(tape, true);
    tc_tensor *x = leaf(tape, 1), *target = CONFORMANCE_TENSOR(tape, 2, 2, 3);
    ck_assert_int_eq(tc_backward(tape, loss_of(tape, tc_dropout(tape, x, 0.5f), target)), TC_OK);
    for (int i = 0; i < 6; i++) ck_assert_float_eq_tol(x->grad[i], 2 * (x->data[i] - target->data[i]), 1e-5f);
    tc_tape_free(tape);
}
END_TEST

static void add(TCase *tests) {
    tcase_add_test(tests, a_new_tape_trains_and_records);
    tcase_add_test(tests, modes_and_recording);
    tcase_add_test(tests, nothing_is_recorded_when_told_not_to);
    tcase_add_test(tests, gradients_add_to_a_leaf_over_steps);
    tcase_add_test(tests, gradients_add_up_over_all_uses);
    tcase_add_test(tests, a_ladder_of_fan_outs);
    tcase_add_test(tests, branches_that_the_loss_does_not_see_get_nothing);
    tcase_add_test(tests, results_keep_their_gradient_when_asked);
    tcase_add_test(tests, the_first_failure_sticks);
    tcase_add_test(tests, a_null_tape_is_answered);
    tcase_add_test(tests, backward_wants_one_recorded_element);
    tcase_add_test(tests, inputs_wrap_or_copy);
    tcase_add_test(tests, the_first_result_that_is_not_finite_is_found);
    tcase_add_test(tests, the_layer_that_is_not_finite_is_named);
    tcase_add_test(tests, a_reset_takes_lent_gradients_back);
    tcase_add_test(tests, a_freed_tape_takes_lent_gradients_back);
    tcase_add_test(tests, gradients_in_evaluation_mode);
}

int main(void) {
    return suite_main("tape", add);
}
