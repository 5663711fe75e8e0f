/* The gradient check itself: what is right passes, what is wrong or proves nothing does not. */
#include <math.h>
#include <string.h>

#include "golden.h"
#include "suite.h"
#include "tinycnn.h"

static tc_tensor *input(tc_arena *arena, uint32_t seed, int64_t rows, int64_t columns) {
    tc_tensor *x = tc_tensor_new(arena, rows, columns);
    golden_hash_values(seed, 2, 0, tc_numel(x), x->data);
    x->requires_grad = true;
    return x;
}

static tc_tensor *silu(tc_tape *tape, tc_tensor **inputs, int count, void *context) {
    (void)count;
    (void)context;
    return tc_silu(tape, inputs[0]);
}

static tc_tensor *linear(tc_tape *tape, tc_tensor **inputs, int count, void *context) {
    (void)context;
    return tc_linear(tape, inputs[0], inputs[1], count > 2 ? inputs[2] : NULL, TC_ACTIVATION_NONE);
}

static tc_tensor *identity(tc_tape *tape, tc_tensor **inputs, int count, void *context) {
    (void)tape;
    (void)count;
    (void)context;
    return inputs[0];
}

static tc_tensor *relu(tc_tape *tape, tc_tensor **inputs, int count, void *context) {
    (void)count;
    (void)context;
    return tc_relu(tape, inputs[0]);
}

static tc_tensor *times_nothing(tc_tape *tape, tc_tensor **inputs, int count, void *context) {
    (void)count;
    (void)context;
    return tc_scale(tape, inputs[0], 0);
}

static tc_tensor *without_the_second(tc_tape *tape, tc_tensor **inputs, int count, void *context) {
    (void)count;
    (void)context;
    return tc_scale(tape, inputs[0], 2);
}

static tc_tensor *fails(tc_tape *tape, tc_tensor **inputs, int count, void *context) {
    (void)context;
    return tc_concat(tape, inputs, count);
}

static tc_tensor *null(tc_tape *tape, tc_tensor **inputs, int count, void *context) {
    (void)tape;
    (void)inputs;
    (void)count;
    (void)context;
    return NULL;
}

/* x + *error x^2 / 2 at one element, where the second part is hidden from the tape. */
typedef struct flaw {
    float error;
    int element;
} flaw;

static tc_tensor *flawed(tc_tape *tape, tc_tensor **inputs, int count, void *context) {
    const flaw *f = context;
    (void)count;
    tc_tensor *hidden = tc_tensor_create(tc_tape_arena(tape), inputs[0]->ndim, inputs[0]->shape);
    hidden->data[f->element] = f->error * inputs[0]->data[f->element];
    return tc_add(tape, inputs[0], hidden, TC_ACTIVATION_NONE);
}

START_TEST(a_right_gradient_passes) {
    tc_arena *arena = tc_arena_create();
    tc_tensor *inputs[] = {input(arena, 1, 4, 6), input(arena, 2, 3, 6), tc_tensor_new(arena, 3)};
    inputs[2]->requires_grad = true;
    tc_gradcheck_report report;
    ck_assert_int_eq(tc_gradcheck(silu, inputs, 1, NULL, NULL, &report), TC_OK);
    ck_assert_int_eq(report.checked, 24);
    ck_assert_double_lt(report.worst, 1e-2);
    ck_assert_int_eq(report.kinks, 0);
    ck_assert_int_eq(tc_gradcheck(linear, inputs, 3, NULL, NULL, &report), TC_OK);
    ck_assert_int_eq(report.checked, 24 + 18 + 3);
    ck_assert_int_eq(tc_gradcheck(identity, inputs, 1, NULL, NULL, NULL), TC_OK);
    tc_arena_free(arena);
}
END_TEST

START_TEST(a_wrong_element_is_found) {
    tc_arena *arena = tc_arena_create();
    tc_tensor *x = input(arena, 1, 4, 6);
    const flaw flaws[] = {{0.05f, 0},  {-0.05f, 23}, {1.0f, 7},  {-1.0f, 7},
                          {0.03f, 11}, {-2.0f, 12},  {100.0f, 1}};
    for (size_t i = 0; i < sizeof flaws / sizeof *flaws; i++) {
        flaw f = flaws[i];
        tc_gradcheck_report report;
        ck_assert_int_eq(tc_gradcheck(flawed, &x, 1, &f, NULL, &report), TC_ERR_NUMERIC);
        ck_assert_int_eq(report.input, 0);
        ck_assert_int_eq(report.element, f.element);
        ck_assert_double_gt(report.worst, 1e-2);
        ck_assert_double_gt(fabs(report.analytic - report.numeric), 0);
        ck_assert_ptr_nonnull(strstr(tc_last_error(), "gradcheck"));
    }
    flaw none = {0, 0};
    ck_assert_int_eq(tc_gradcheck(flawed, &x, 1, &none, NULL, NULL), TC_OK);
    tc_arena_free(arena);
}
END_TEST

START_TEST(a_gradient_of_zeros_is_rejected) {
    tc_arena *arena = tc_arena_create();
    tc_tensor *inputs[] = {input(arena, 1, 4, 6), input(arena, 2, 4, 6)};
    ck_assert_int_eq(tc_gradcheck(times_nothing, inputs, 1, NULL, NULL, NULL), TC_ERR_NUMERIC);
    ck_assert_ptr_nonnull(strstr(tc_last_error(), "zero"));
    ck_assert_int_eq(tc_gradcheck(without_the_second, inputs, 2, NULL, NULL, NULL), TC_ERR_NUMERIC);
    ck_assert_ptr_nonnull(strstr(tc_last_error(), "input 1"));
    inputs[1]->requires_grad = false;
    ck_assert_int_eq(tc_gradcheck(without_the_second, inputs, 2, NULL, NULL, NULL), TC_OK);
    tc_arena_free(arena);
}
END_TEST

START_TEST(nothing_to_check_is_an_error) {
    tc_arena *arena = tc_arena_create();
    tc_tensor *x = input(arena, 1, 4, 6);
    x->requires_grad = false;
    ck_assert_int_ne(tc_gradcheck(silu, &x, 1, NULL, NULL, NULL), TC_OK);
    ck_assert_int_ne(tc_gradcheck(silu, &x, 0, NULL, NULL, NULL), TC_OK);
    ck_assert_int_ne(tc_gradcheck(NULL, &x, 1, NULL, NULL, NULL), TC_OK);
    ck_assert_int_ne(tc_gradcheck(silu, NULL, 1, NULL, NULL, NULL), TC_OK);
    tc_arena_free(arena);
}
END_TEST

/* A relu at 0 is a kink: both slopes are 0 and 1, whatever backward says. */
START_TEST(kinks_are_counted_not_failed) {
    tc_arena *arena = tc_arena_create();
    tc_tensor *x = input(arena, 1, 4, 6);
    x->data[3] = 0;
    x->data[10] = 1e-3f; /* nearer than the step */
    x->data[11] = -1e-3f;
    tc_gradcheck_report report;
    ck_assert_msg(tc_gradcheck(relu, &x, 1, NULL, NULL, &report) == TC_OK, "%s", tc_last_error());
    ck_assert_int_ge(report.kinks, 1);
    ck_assert_int_le(report.kinks, 3);
    ck_assert_int_eq(report.checked, 24);
    tc_arena_free(arena);
}
END_TEST

START_TEST(so_many_elements_are_tried_evenly_spread) {
    tc_arena *arena = tc_arena_create();
    tc_tensor *x = input(arena, 1, 40, 60);
    tc_gradcheck_report report;
    ck_assert_int_eq(tc_gradcheck(silu, &x, 1, NULL, NULL, &report), TC_OK);
    ck_assert_int_eq(report.checked, 200);
    ck_assert_int_eq(tc_gradcheck(silu, &x, 1, NULL, &(tc_gradcheck_options){.max_elements = 7}, &report),
                     TC_OK);
    ck_assert_int_eq(report.checked, 7);
    tc_arena_free(arena);
}
END_TEST

START_TEST(inputs_and_their_gradients_stay) {
    tc_arena *arena = tc_arena_create();
    tc_tensor *x = input(arena, 1, 4, 6);
    float values[24], gradient[24];
    x->grad = gradient;
    golden_hash_values(5, 1, 0, 24, gradient);
    memcpy(values, x->data, sizeof values);
    ck_assert_int_eq(tc_gradcheck(silu, &x, 1, NULL, NULL, NULL), TC_OK);
    ck_assert_mem_eq(values, x->data, sizeof values);
    ck_assert_ptr_eq(x->grad, gradient);
    golden_hash_values(5, 1, 0, 24, values);
    ck_assert_mem_eq(values, gradient, sizeof values);
    tc_arena_free(arena);
}
END_TEST

START_TEST(a_failing_function_is_reported) {
    tc_arena *arena = tc_arena_create();
    tc_tensor *x = input(arena, 1, 4, 6);
    ck_assert_int_eq(tc_gradcheck(fails, &x, 1, NULL, NULL, NULL), TC_ERR_SHAPE);
    ck_assert_ptr_nonnull(strstr(tc_last_error(), "concat"));
    ck_assert_int_ne(tc_gradcheck(null, &x, 1, NULL, NULL, NULL), TC_OK);
    tc_arena_free(arena);
}
END_TEST

static void add(TCase *tests) {
    tcase_add_test(tests, a_right_gradient_passes);
    tcase_add_test(tests, a_wrong_element_is_found);
    tcase_add_test(tests, a_gradient_of_zeros_is_rejected);
    tcase_add_test(tests, nothing_to_check_is_an_error);
    tcase_add_test(tests, kinks_are_counted_not_failed);
    tcase_add_test(tests, so_many_elements_are_tried_evenly_spread);
    tcase_add_test(tests, inputs_and_their_gradients_stay);
    tcase_add_test(tests, a_failing_function_is_reported);
}

int main(void) {
    return suite_main("gradcheck", add);
}
