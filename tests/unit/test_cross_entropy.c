#include <math.h>
#include <string.h>

#include "conformance.h"

/* Labels come as a tensor of floats; the operation wants integers that stay until the way back. */
static int32_t *integers(tc_tape *tape, const tc_tensor *from) {
    if (!from) return NULL;
    int32_t *labels = tc_arena_alloc(tc_tape_arena(tape), (size_t)tc_numel(from) * sizeof *labels);
    for (int64_t i = 0; i < tc_numel(from); i++) labels[i] = (int32_t)from->data[i];
    return labels;
}

static tc_tensor *apply(tc_tape *tape, tc_tensor **inputs, int count, void *context) {
    const tc_tensor *shares = conformance_input(context, inputs, "mixed_shares");
    (void)count;
    return tc_cross_entropy(
        tape, inputs[0], integers(tape, inputs[1]),
        &(tc_cross_entropy_options){
            .label_smoothing = (float)golden_option(context, "smoothing"),
            .reduction = golden_option(context, "sum") != 0 ? TC_REDUCTION_SUM : TC_REDUCTION_MEAN,
            .mixed_labels = integers(tape, conformance_input(context, inputs, "mixed_labels")),
            .mixed_shares = shares ? shares->data : NULL});
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

static const float good_shares[4] = {0, 0.5f, 1, 0.25f};

static tc_tensor *mixed(tc_tape *tape, const int32_t *labels, const float *shares) {
    return tc_cross_entropy(tape, CONFORMANCE_TENSOR(tape, 1, 4, 10), good_labels,
                            &(tc_cross_entropy_options){.mixed_labels = labels, .mixed_shares = shares});
}

static tc_tensor *mixed_labels_alone(tc_tape *tape) {
    return mixed(tape, good_labels, NULL);
}

static tc_tensor *mixed_shares_alone(tc_tape *tape) {
    return mixed(tape, NULL, good_shares);
}

static tc_tensor *mixed_label_beyond_the_classes(tc_tape *tape) {
    static const int32_t labels[4] = {9, 1, 2, 10};
    return mixed(tape, labels, good_shares);
}

static tc_tensor *negative_mixed_label(tc_tape *tape) {
    static const int32_t labels[4] = {-1, 1, 2, 3};
    return mixed(tape, labels, good_shares);
}

static tc_tensor *share_beyond_one(tc_tape *tape) {
    static const float shares[4] = {0, 1, 1.25f, 0};
    return mixed(tape, good_labels, shares);
}

static tc_tensor *negative_share(tc_tape *tape) {
    static const float shares[4] = {0, 1, 0, -0.5f};
    return mixed(tape, good_labels, shares);
}

static tc_tensor *no_number_as_share(tc_tape *tape) {
    static const float shares[4] = {0, NAN, 0, 0};
    return mixed(tape, good_labels, shares);
}

static const conformance_refusal refusals[] = {
    {"vector", vector, TC_ERR_SHAPE, "(4)"},
    {"picture", picture, TC_ERR_SHAPE, "(4, 5, 1, 1)"},
    {"label_beyond_the_classes", label_beyond_the_classes, TC_ERR_ARGUMENT, "10"},
    {"negative_label", negative_label, TC_ERR_ARGUMENT, "-7"},
    {"smoothing_beyond_one", smoothing_beyond_one, TC_ERR_ARGUMENT, "1.5"},
    {"negative_smoothing", negative_smoothing, TC_ERR_ARGUMENT, "-0.1"},
    {"mixed_labels_alone", mixed_labels_alone, TC_ERR_ARGUMENT, "go together"},
    {"mixed_shares_alone", mixed_shares_alone, TC_ERR_ARGUMENT, "go together"},
    {"mixed_label_beyond_the_classes", mixed_label_beyond_the_classes, TC_ERR_ARGUMENT,
     "mixed label 10 of row 3 is not within 0 .. 9"},
    {"negative_mixed_label", negative_mixed_label, TC_ERR_ARGUMENT, "mixed label -1 of row 0"},
    {"share_beyond_one", share_beyond_one, TC_ERR_ARGUMENT, "mixed share 1.25 of row 2 is not within 0 .. 1"},
    {"negative_share", negative_share, TC_ERR_ARGUMENT, "mixed share -0.5 of row 3"},
    {"no_number_as_share", no_number_as_share, TC_ERR_ARGUMENT, "mixed share nan of row 1"},
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

/* A share of 0 is no mixture, bit for bit, whatever the logit of the other class; a share of 1 is the other
 * label. */
START_TEST(whole_shares_are_plain_labels) {
    static const int32_t other[4] = {3, 3, 9, 0};
    static const float none[4] = {0}, all[4] = {1, 1, 1, 1};
    tc_tape *tape = conformance_tape(1, 1);
    tc_tensor *x = CONFORMANCE_TENSOR(tape, 1, 4, 10), *y = CONFORMANCE_TENSOR(tape, 2, 4, 10);
    x->data[3] = -INFINITY; /* row 0, the other class */
    y->data[0] = -INFINITY; /* row 0, the label */
    tc_tensor *plain = tc_cross_entropy(tape, x, good_labels, NULL),
              *same =
                  tc_cross_entropy(tape, x, good_labels,
                                   &(tc_cross_entropy_options){.mixed_labels = other, .mixed_shares = none});
    ck_assert(plain && same && isfinite(plain->data[0]) && plain->data[0] == same->data[0]);
    plain = tc_cross_entropy(tape, y, other, NULL);
    same = tc_cross_entropy(tape, y, good_labels,
                            &(tc_cross_entropy_options){.mixed_labels = other, .mixed_shares = all});
    ck_assert(plain && same && isfinite(plain->data[0]) && plain->data[0] == same->data[0]);
    tc_tape_free(tape);
}
END_TEST

static void more(TCase *tests) {
    tcase_add_test(tests, whole_shares_are_plain_labels);
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
