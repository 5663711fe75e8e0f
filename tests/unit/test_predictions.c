/* Confusion, scores, reliability and the worst mistakes, on six answers that can be counted by hand; robustness plans. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models.h"
#include "predictions.h"
#include "robustness.h"
#include "suite.h"

/*  number  label  decided  probability     a = 0, b = 1, c = 2
 *    0       a       a        0.9
 *    1       a       b        0.6
 *    2       b       b        0.8
 *    3       b       b        0.55
 *    4       b       a        0.95
 *    5       c       b        0.7                                     c is never decided for */
static float probabilities[] = {0.9f, 0.05f, 0.05f, 0.3f,  0.6f,  0.1f, 0.1f, 0.8f, 0.1f,
                                0.4f, 0.55f, 0.05f, 0.95f, 0.05f, 0.0f, 0.2f, 0.7f, 0.1f};
static int32_t decided[] = {0, 1, 1, 1, 0, 1}, labels[] = {0, 0, 1, 1, 1, 2};
static const predictions six = {
    .count = 6, .classes = 3, .probabilities = probabilities, .decided = decided, .labels = labels};

START_TEST(confusion_by_hand) {
    int64_t confusion[9] = {0};
    predictions_confusion(&six, confusion);
    ck_assert_mem_eq(confusion, ((int64_t[]){1, 1, 0, 1, 2, 0, 0, 1, 0}), sizeof confusion);
}
END_TEST

START_TEST(scores_by_hand) {
    class_score s[3];
    predictions_scores(&six, s);
    /* a: 1 of its 2 pictures found, 1 of 2 decisions right. b: 2 of 3 found, 2 of 4 right; F1 = 4 / 7. */
    ck_assert_double_eq(s[0].recall, 0.5);
    ck_assert_double_eq(s[0].precision, 0.5);
    ck_assert_double_eq(s[0].f1, 0.5);
    ck_assert_double_eq_tol(s[1].recall, 2 / 3.0, 1e-12);
    ck_assert_double_eq(s[1].precision, 0.5);
    ck_assert_double_eq_tol(s[1].f1, 4 / 7.0, 1e-12);
    ck_assert_double_eq(s[2].recall, 0);
    ck_assert(isnan(s[2].precision));
    ck_assert_double_eq(s[2].f1, 0);
}
END_TEST

START_TEST(reliability_by_hand) {
    reliability_bin bins[2];
    /* All lie in the upper half: mean 4.5 / 6 = 0.75, right 3 of 6. */
    double error = predictions_reliability(&six, 2, bins);
    ck_assert_int_eq(bins[0].count, 0);
    ck_assert(isnan(bins[0].accuracy));
    ck_assert_int_eq(bins[1].count, 6);
    ck_assert_double_eq_tol(error, 0.25, 1e-6);
    /* Tenths: 0.5-0.6: one, right (0.45 off); 0.6-0.7: one, wrong (0.6; 0.6f is a little above 0.6); 0.7-0.8: one,
     * wrong (0.7; 0.7f is a little below, so it is in the bin before: two wrong, mean 0.65); 0.8-0.9: 0.8 right (0.2;
     * 0.9f is a little below 0.9: right as well, mean 0.85); 0.9-1: 0.95, wrong. */
    reliability_bin ten[10];
    error = predictions_reliability(&six, 10, ten);
    ck_assert_int_eq(ten[6].count, 2);
    ck_assert_int_eq(ten[8].count, 2);
    ck_assert_double_eq_tol(error, (0.45 + 2 * 0.65 + 2 * 0.15 + 0.95) / 6, 1e-6);
}
END_TEST

START_TEST(the_surest_mistakes_come_first) {
    int64_t worst[4];
    ck_assert_int_eq(predictions_worst(&six, 4, worst), 3);
    ck_assert_mem_eq(worst, ((int64_t[]){4, 5, 1}), 3 * sizeof *worst);
    ck_assert_int_eq(predictions_worst(&six, 2, worst), 2);
    ck_assert_mem_eq(worst, ((int64_t[]){4, 5}), 2 * sizeof *worst);
}
END_TEST

/* A net that decides by the brightness of the first pixel, over more than one batch. */
START_TEST(a_net_is_asked_picture_by_picture) {
    enum { COUNT = 300 };
    tc_model *model;
    ck_assert_int_eq(tc_model_create(tc_sequential(tc_nn_flatten(), tc_nn_linear(4, 2)), 1, &model), TC_OK);
    tc_tensor *weight = tc_model_parameter(model, 0)->tensor, *bias = tc_model_parameter(model, 1)->tensor;
    memset(weight->data, 0, 8 * sizeof(float));
    weight->data[4] = 10; /* class 1: 10 (v - 0.5) / 0.25, class 0: 0 */
    bias->data[0] = bias->data[1] = 0;
    described about = {
        .net = {.channels = 1, .height = 2, .width = 2, .classes = 2}, .mean = {0.5f}, .deviation = {0.25f}};
    uint8_t pixels[COUNT * 4] = {0}, labels_of[COUNT];
    for (int i = 0; i < COUNT; i++) {
        pixels[i * 4] = i % 3 == 0 ? 204 : 51; /* 0.8: logit 12; 0.2: logit -12 */
        labels_of[i] = i % 2;
    }
    predictions p;
    ck_assert_int_eq(predictions_make(model, &about, pixels, labels_of, COUNT, 1, &p), TC_OK);
    for (int i = 0; i < COUNT; i++) ck_assert_int_eq(p.decided[i], i % 3 == 0);
    /* Of 6 in a row: 0 says 1, 3 says 1, labels 0 1 0 1 0 1: right are 2, 3, 4. */
    ck_assert_double_eq(p.accuracy, 0.5);
    ck_assert_double_eq_tol(p.loss, 0.5 * 12 + log1p(exp(-12)), 1e-4);
    ck_assert_double_eq_tol((double)p.probabilities[1], 1 / (1 + exp(-12)), 1e-6);
    predictions_free(&p);
    ck_assert_int_eq(predictions_make(model, &about, pixels, labels_of, 0, 1, &p), TC_ERR_ARGUMENT);
    tc_model_free(model);
}
END_TEST

START_TEST(plans_begin_at_zero_and_fit_the_picture) {
    for (int k = 0; k < TC_CORRUPTIONS; k++) {
        robustness r = robustness_plan((tc_corruption)k, 32, 32);
        ck_assert_int_ge(r.count, 4);
        ck_assert(r.severity[0] == 0);
        for (int i = 1; i < r.count; i++) ck_assert(r.severity[i] > r.severity[i - 1]);
    }
    robustness r = robustness_plan(TC_CORRUPT_SHIFT, 32, 4);
    ck_assert_int_eq(r.count, 4);
}
END_TEST

static void add(TCase *tests) {
    tcase_add_test(tests, confusion_by_hand);
    tcase_add_test(tests, scores_by_hand);
    tcase_add_test(tests, reliability_by_hand);
    tcase_add_test(tests, the_surest_mistakes_come_first);
    tcase_add_test(tests, a_net_is_asked_picture_by_picture);
    tcase_add_test(tests, plans_begin_at_zero_and_fit_the_picture);
}

int main(void) {
    return suite_main("predictions", add);
}
