#include "conformance.h"

static tc_tensor *apply(tc_tape *tape, tc_tensor **inputs, int count, void *context) {
    (void)count;
    (void)context;
    return tc_global_avgpool2d(tape, inputs[0]);
}

static tc_tensor *matrix(tc_tape *tape) {
    return tc_global_avgpool2d(tape, CONFORMANCE_TENSOR(tape, 1, 4, 8));
}

static const conformance_refusal refusals[] = {{"matrix", matrix, TC_ERR_SHAPE, "(4, 8)"},
                                               {NULL, NULL, TC_OK, NULL}};

/* A running sum of a quarter of a million numbers would be off by 2.6e-3. */
START_TEST(a_large_plane_keeps_its_digits) {
    enum { channels = 300 };
    tc_tape *tape = tc_tape_create(NULL);
    tc_tensor *x = tc_tensor_create(tc_tape_arena(tape), 4, (int64_t[]){1, channels, 512, 512});
    ck_assert_ptr_nonnull(x);
    for (int64_t i = 0; i < tc_numel(x); i++) x->data[i] = 0.7f * (float)(1 + i % channels);
    const tc_tensor *y = tc_global_avgpool2d(tape, x);
    ck_assert_ptr_nonnull(y);
    for (int c = 0; c < channels; c++) ck_assert_float_eq_tol(y->data[c] / (float)(1 + c), 0.7f, 1e-5f);
    tc_tape_free(tape);
}
END_TEST

static void add(TCase *tests) {
    tcase_add_test(tests, a_large_plane_keeps_its_digits);
}

int main(void) {
    return conformance_main(&(conformance_op){.name = "global_avgpool2d",
                                              .apply = apply,
                                              .required = 1,
                                              .forward_tolerance = 1e-6,
                                              .gradient_tolerance = 1e-6,
                                              .refusals = refusals},
                            add);
}
