#include <string.h>

#include "conformance.h"

/* The labels come as a tensor of floats; the operation wants integers that stay until the way back. */
static tc_tensor *apply(tc_tape *tape, tc_tensor **inputs, int count, void *context) {
    int32_t *labels = NULL;
    (void)count;
    if (inputs[1]) {
        labels = tc_arena_alloc(tc_tape_arena(tape), (size_t)tc_numel(inputs[1]) * sizeof *labels);
        for (int64_t i = 0; i < tc_numel(inputs[1]); i++) labels[i] = (int32_t)inputs[1]->data[i];
    }
    return tc_cross_entropy(
        tape, inputs[0], labels,
        &(tc_cross_entropy_options){.label_smoothing = (float)golden_option(context, "smoothing"),
                                    .reduction = golden_option(context, "sum") != 0 ? TC_REDUCTION_SUM
                                                                                    : TC_REDUCTION_MEAN});
}

static const int32_t good_labels[4] = {0, 1, 2, 3};

static tc_tensor *vector(tc_tape *tape) {
    return tc_cross_entropy(tape, CONFORMANCE_TENSOR(tape, 1, 4), good_labels, NULL);
}

static tc_tensor *picture(tc_tape *tape) {
    return tc_cross_entropy(tape, CONFORMANCE_TENSOR(tape, 1, 4, 5, 1, 1), good_labels, NULL);
}

static tc_tensor *label_beyond_the_classes(tc_tape *tape) {
    static const int32_t labels[4] = {0, 1, 10, 3};
    return tc_cross_entropy(tape, CONFORMANCE_TENSOR(tape, 1, 4, 10), labels, NULL);
}

static tc_tensor *negative_label(tc_tape *tape) {
    static const int32_t labels[4] = {0, -7, 1, 3};
    return tc_cross_entropy(tape, CONFORMANCE_TENSOR(tape, 1, 4, 10), labels, NULL);
}

static tc_tensor *smoothing_beyond_one(tc_tape *tape) {
    return tc_cross_entropy(tape, CONFORMANCE_TENSOR(tape, 1, 4, 10), good_labels,
                            &(tc_cross_entropy_options){.label_smoothing = 1.5f});
}

static tc_tensor *negative_smoothing(tc_tape *tape) {
    return tc_cross_entropy(tape, CONFORMANCE_TENSOR(tape, 1, 4, 10), good_labels,
                            &(tc_cross_entropy_options){.label_smoothing = -0.1f});
}

static const conformance_refusal refusals[] = {
    {"vector", vector, TC_ERR_SHAPE, "(4)"},
    {"picture", picture, TC_ERR_SHAPE, "(4, 5, 1, 1)"},
    {"label_beyond_the_classes", label_beyond_the_classes, TC_ERR_ARGUMENT, "10"},
    {"negative_label", negative_label, TC_ERR_ARGUMENT, "-7"},
    {"smoothing_beyond_one", smoothing_beyond_one, TC_ERR_ARGUMENT, "1.5"},
    {"negative_smoothing", negative_smoothing, TC_ERR_ARGUMENT, "-0.1"},
    {NULL, NULL, TC_OK, NULL}};

START_TEST(null_options_are_the_defaults) {
    tc_tape *tape = conformance_tape(1, 1);
    tc_tensor *x = CONFORMANCE_TENSOR(tape, 1, 4, 10);
    tc_tensor *a = tc_cross_entropy(tape, x, good_labels, NULL);
    tc_tensor *b =
        tc_cross_entropy(tape, x, good_labels, &(tc_cross_entropy_options){.reduction = TC_REDUCTION_MEAN});
    ck_assert_ptr_nonnull(a);
    ck_assert_ptr_nonnull(b);
    ck_assert_int_eq(memcmp(a->data, b->data, sizeof(float)), 0);
    tc_tape_free(tape);
}
END_TEST

static void more(TCase *tests) {
    tcase_add_test(tests, null_options_are_the_defaults);
}

int main(void) {
    return conformance_main(&(conformance_op){.name = "cross_entropy",
                                              .apply = apply,
                                              .required = 2,
                                              .forward_tolerance = 1e-6,
                                              .gradient_tolerance = 1e-6,
                                              .refusals = refusals},
                            more);
}
