#include "conformance.h"

static tc_tensor *apply(tc_tape *tape, tc_tensor **inputs, int count, void *context) {
    (void)context;
    return tc_concat(tape, inputs, count);
}

static tc_tensor *call(tc_tape *tape, const int64_t a[4], const int64_t b[4]) {
    return tc_concat(
        tape, (tc_tensor *const[]){conformance_tensor(tape, 1, 4, a), conformance_tensor(tape, 2, 4, b)}, 2);
}

#define SHAPE(...) ((const int64_t[]){__VA_ARGS__})

static tc_tensor *another_height(tc_tape *tape) {
    return call(tape, SHAPE(2, 3, 4, 5), SHAPE(2, 3, 3, 5));
}

static tc_tensor *another_width(tc_tape *tape) {
    return call(tape, SHAPE(2, 3, 4, 5), SHAPE(2, 3, 4, 6));
}

static tc_tensor *another_batch(tc_tape *tape) {
    return call(tape, SHAPE(2, 3, 4, 5), SHAPE(1, 3, 4, 5));
}

static tc_tensor *a_matrix(tc_tape *tape) {
    return tc_concat(tape, (tc_tensor *const[]){CONFORMANCE_TENSOR(tape, 1, 4, 5)}, 1);
}

static tc_tensor *nothing(tc_tape *tape) {
    return tc_concat(tape, (tc_tensor *const[]){CONFORMANCE_TENSOR(tape, 1, 2, 3, 4, 5)}, 0);
}

static const conformance_refusal refusals[] = {
    {"another_height", another_height, TC_ERR_SHAPE, "(2, 3, 3, 5)"},
    {"another_width", another_width, TC_ERR_SHAPE, "(2, 3, 4, 6)"},
    {"another_batch", another_batch, TC_ERR_SHAPE, "(1, 3, 4, 5)"},
    {"a_matrix", a_matrix, TC_ERR_SHAPE, "(4, 5)"},
    {"nothing", nothing, TC_ERR_ARGUMENT, "no inputs"},
    {NULL, NULL, TC_OK, NULL}};

/* The same tensor on both places gets the sum of both gradients. */
START_TEST(a_tensor_beside_itself) {
    tc_tape *tape = conformance_tape(1, 1);
    tc_tensor *x = CONFORMANCE_TENSOR(tape, 1, 2, 3, 2, 2), *target = CONFORMANCE_TENSOR(tape, 2, 2, 6, 2, 2);
    x->requires_grad = true;
    tc_tensor *y = tc_concat(tape, (tc_tensor *const[]){x, x}, 2);
    ck_assert_int_eq(tc_backward(tape, tc_mse_loss(tape, y, target, TC_REDUCTION_SUM)), TC_OK);
    for (int64_t n = 0; n < 2; n++)
        for (int64_t p = 0; p < 4; p++)
            for (int64_t c = 0; c < 3; c++) {
                float v = x->data[(n * 4 + p) * 3 + c], *t = target->data + (n * 4 + p) * 6;
                ck_assert_float_eq_tol(x->grad[(n * 4 + p) * 3 + c], 2 * (v - t[c]) + 2 * (v - t[c + 3]),
                                       1e-6f);
            }
    tc_tape_free(tape);
}
END_TEST

static void more(TCase *tests) {
    tcase_add_test(tests, a_tensor_beside_itself);
}

int main(void) {
    return conformance_main(&(conformance_op){.name = "concat",
                                              .apply = apply,
                                              .required = 2,
                                              .forward_tolerance = 0,
                                              .gradient_tolerance = 5e-7,
                                              .refusals = refusals},
                            more);
}
