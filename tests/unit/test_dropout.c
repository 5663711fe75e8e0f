#include <math.h>
#include <string.h>

#include "activation.h"
#include "conformance.h"

static tc_tensor *apply(tc_tape *tape, tc_tensor **inputs, int count, void *context) {
    (void)count;
    return tc_dropout(tape, inputs[0], (float)golden_option(context, "p"));
}

static tc_tensor *negative(tc_tape *tape) {
    return tc_dropout(tape, CONFORMANCE_TENSOR(tape, 1, 4, 8), -0.1f);
}

static tc_tensor *beyond_one(tc_tape *tape) {
    return tc_dropout(tape, CONFORMANCE_TENSOR(tape, 1, 4, 8), 1.1f);
}

static tc_tensor *not_a_number(tc_tape *tape) {
    return tc_dropout(tape, CONFORMANCE_TENSOR(tape, 1, 4, 8), NAN);
}

static const conformance_refusal refusals[] = {{"negative", negative, TC_ERR_ARGUMENT, "-0.1"},
                                               {"beyond_one", beyond_one, TC_ERR_ARGUMENT, "1.1"},
                                               {"not_a_number", not_a_number, TC_ERR_ARGUMENT, "nan"},
                                               {NULL, NULL, TC_OK, NULL}};

enum { COUNT = 100003 };

/* A tensor of ones in a fresh step. */
static tc_tensor *ones(tc_tape *tape, uint64_t step) {
    tc_tape_reset(tape, step);
    tc_tensor *x = tc_tensor_new(tc_tape_arena(tape), COUNT);
    for (int i = 0; i < COUNT; i++) x->data[i] = 1;
    x->requires_grad = true;
    return x;
}

static int zeros_in(const float *values) {
    int zeros = 0;
    for (int i = 0; i < COUNT; i++) zeros += values[i] == 0;
    return zeros;
}

static const float probabilities[] = {0.05f, 0.5f, 0.9f};

/* The share of zeros within five standard deviations of p, what is left is 1 / (1 - p). */
START_TEST(drops_the_share_it_is_told) {
    float p = probabilities[_i];
    tc_tape *tape = conformance_tape(2, 3);
    tc_tensor *y = tc_dropout(tape, ones(tape, 0), p);
    ck_assert_ptr_nonnull(y);
    double deviation = sqrt((double)p * (1 - (double)p) * COUNT);
    ck_assert_double_le(fabs(zeros_in(y->data) - (double)p * COUNT), 5 * deviation);
    for (int i = 0; i < COUNT; i++)
        if (y->data[i] != 0) ck_assert_float_eq_tol(y->data[i], 1 / (1 - p), 1e-5f / (1 - p));
    tc_tape_free(tape);
}
END_TEST

/* Runs of elements: neighbours are dropped independently. */
START_TEST(neighbours_are_independent) {
    tc_tape *tape = conformance_tape(2, 3);
    tc_tensor *y = tc_dropout(tape, ones(tape, 0), 0.5f);
    for (int distance = 1; distance <= 64; distance++) {
        int both = 0;
        for (int i = 0; i + distance < COUNT; i++) both += y->data[i] == 0 && y->data[i + distance] == 0;
        ck_assert_double_le(fabs(both - 0.25 * (COUNT - distance)), 6 * sqrt(0.25 * 0.75 * COUNT));
    }
    tc_tape_free(tape);
}
END_TEST

START_TEST(the_way_back_uses_the_same_mask) {
    tc_tape *tape = conformance_tape(2, 3);
    tc_tensor *x = ones(tape, 0), *y = tc_dropout(tape, x, 0.3f),
              *target = tc_tensor_new(tc_tape_arena(tape), COUNT);
    for (int i = 0; i < COUNT; i++)
        target->data[i] = y->data[i] - 0.5f; /* the gradient of the sum is then 1 */
    ck_assert_int_eq(tc_backward(tape, tc_mse_loss(tape, y, target, TC_REDUCTION_SUM)), TC_OK);
    for (int i = 0; i < COUNT; i++) ck_assert_float_eq_tol(x->grad[i], y->data[i], 1e-6f);
    tc_tape_free(tape);
}
END_TEST

START_TEST(gradient_agrees_with_finite_differences) {
    golden_case c = {.option_count = 1, .options = {{"p", 0.4}}};
    tc_arena *arena = tc_arena_create();
    tc_tensor *x = tc_tensor_new(arena, 2, 3, 4, 5);
    golden_hash_values(1, 2, 0, 120, x->data);
    x->requires_grad = true;
    tc_status status = tc_gradcheck(apply, &x, 1, &c, &(tc_gradcheck_options){.training = true}, NULL);
    ck_assert_msg(status == TC_OK, "%s", tc_last_error());
    tc_arena_free(arena);
}
END_TEST

START_TEST(draws_depend_on_seed_step_and_order_alone) {
    tc_tape *a = conformance_tape(1, 5), *b = conformance_tape(4, 5), *c = conformance_tape(1, 6);
    tc_tensor *x = ones(a, 7), *first = tc_dropout(a, x, 0.5f), *second = tc_dropout(a, x, 0.5f);
    size_t bytes = COUNT * sizeof(float);
    ck_assert_int_ne(memcmp(first->data, second->data, bytes), 0);
    ones(b, 3);
    x = ones(b, 7);
    ck_assert_int_eq(memcmp(first->data, tc_dropout(b, x, 0.5f)->data, bytes), 0);
    ck_assert_int_eq(memcmp(second->data, tc_dropout(b, x, 0.5f)->data, bytes), 0);
    ck_assert_int_ne(memcmp(first->data, tc_dropout(b, ones(b, 8), 0.5f)->data, bytes), 0);
    ck_assert_int_ne(memcmp(first->data, tc_dropout(c, ones(c, 7), 0.5f)->data, bytes), 0);
    tc_tape_free(a);
    tc_tape_free(b);
    tc_tape_free(c);
}
END_TEST

/* Element e stays if number e mod 4 of Philox block e / 4 says so, wherever a stretch begins and ends; also
 * where the block's index outgrows 32 bits. */
START_TEST(an_element_draws_its_own_number_in_any_stretch) {
    enum { N = 300, AROUND = 8 };
    const uint32_t key[2] = {11, 12};
    const int64_t starts[] = {0, ((int64_t)1 << 34) - 140};
    const int lengths[] = {0, 1, 2, 3, 5, 127, 128, 129, N};
    float x[N + AROUND], y[N + AROUND];
    for (int i = 0; i < N + AROUND; i++) x[i] = (float)(i + 1);
    for (size_t s = 0; s < 2; s++) {
        for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
            for (int64_t first = starts[s]; first < starts[s] + 6; first++) {
                memset(y, 0, sizeof y);
                tci_activation_get()->dropout(x, y, first, lengths[l], 0.5f, key, false);
                for (int i = 0; i < N + AROUND; i++) {
                    uint64_t element = (uint64_t)(first + i), block = element / 4;
                    uint32_t numbers[4];
                    tc_philox4x32((uint32_t[]){(uint32_t)block, (uint32_t)(block >> 32), 0, 0}, key, numbers);
                    bool stays = i < lengths[l] && numbers[element % 4] >> 31;
                    ck_assert_float_eq(y[i], stays ? 2 * x[i] : 0.0f);
                }
            }
        }
    }
}
END_TEST

START_TEST(in_evaluation_the_input_itself_comes_back) {
    tc_tape *tape = conformance_tape(1, 1);
    tc_tape_eval(tape);
    tc_tensor *x = CONFORMANCE_TENSOR(tape, 1, 4, 8);
    ck_assert_ptr_eq(tc_dropout(tape, x, 0.5f), x);
    ck_assert_ptr_eq(tc_dropout(tape, x, 1.0f), x);
    tc_tape_free(tape);
}
END_TEST

/* 0 * x / 0 must not become NaN, forward or back. */
START_TEST(probability_one_gives_zeros) {
    tc_tape *tape = conformance_tape(1, 1);
    tc_tensor *x = CONFORMANCE_TENSOR(tape, 1, 4, 8), *y = tc_dropout(tape, x, 1.0f);
    x->requires_grad = true;
    y = tc_dropout(tape, x, 1.0f);
    ck_assert_int_eq(tc_backward(tape, tc_mse_loss(tape, y, x, TC_REDUCTION_SUM)), TC_OK);
    for (int i = 0; i < 32; i++) ck_assert(y->data[i] == 0 && isfinite(x->grad[i]));
    tc_tape_free(tape);
}
END_TEST

static void more(TCase *tests) {
    tcase_add_loop_test(tests, drops_the_share_it_is_told, 0, 3);
    tcase_add_test(tests, neighbours_are_independent);
    tcase_add_test(tests, the_way_back_uses_the_same_mask);
    tcase_add_test(tests, gradient_agrees_with_finite_differences);
    tcase_add_test(tests, draws_depend_on_seed_step_and_order_alone);
    tcase_add_test(tests, an_element_draws_its_own_number_in_any_stretch);
    tcase_add_test(tests, in_evaluation_the_input_itself_comes_back);
    tcase_add_test(tests, probability_one_gives_zeros);
}

int main(void) {
    return conformance_main(&(conformance_op){.name = "dropout",
                                              .apply = apply,
                                              .required = 1,
                                              .forward_tolerance = 0,
                                              .gradient_tolerance = 5e-7,
                                              .refusals = refusals},
                            more);
}
