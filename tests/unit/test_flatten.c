#include "conformance.h"

static tc_tensor *apply(tc_tape *tape, tc_tensor **inputs, int count, void *context) {
    (void)count;
    (void)context;
    return tc_flatten(tape, inputs[0]);
}

static tc_tensor *vector(tc_tape *tape) {
    return tc_flatten(tape, CONFORMANCE_TENSOR(tape, 1, 5));
}

static const conformance_refusal refusals[] = {{"vector", vector, TC_ERR_SHAPE, "(5)"},
                                               {NULL, NULL, TC_OK, NULL}};

START_TEST(a_matrix_is_returned_as_it_is) {
    tc_tape *tape = conformance_tape(1, 1);
    tc_tensor *x = CONFORMANCE_TENSOR(tape, 1, 3, 4);
    ck_assert_ptr_eq(tc_flatten(tape, x), x);
    tc_tape_free(tape);
}
END_TEST

static void more(TCase *tests) {
    tcase_add_test(tests, a_matrix_is_returned_as_it_is);
}

int main(void) {
    return conformance_main(&(conformance_op){.name = "flatten",
                                              .apply = apply,
                                              .required = 1,
                                              .forward_tolerance = 0,
                                              .gradient_tolerance = 5e-7,
                                              .refusals = refusals},
                            more);
}
