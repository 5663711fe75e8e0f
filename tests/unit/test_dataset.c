/* What all data sets have in common: mean and deviation, for any number of channels and any size. */
#include <check.h>
#include <math.h>

#include "internal.h"

static const char *const names[2] = {"left", "right"};

/* `count` pictures of height x width x channels, measured on `threads` threads. */
static tc_dataset *measured(int channels, int height, int width, int64_t count, int threads) {
    tc_dataset *set;
    ck_assert_int_eq(tci_dataset_create("test", channels, height, width, 2, names, &set), TC_OK);
    ck_assert_int_eq(tci_split_alloc(set, count, &set->train), TC_OK);
    uint32_t state = 5;
    for (int64_t i = 0; i < count * height * width * channels; i++) {
        state = state * 1664525u + 1013904223u;
        set->train.pixels[i] = (uint8_t)((state >> 24) / (uint32_t)(1 + i % channels));
    }
    tci_dataset_measure(set, threads);
    return set;
}

START_TEST(mean_and_deviation_are_those_of_each_channel) {
    static const int sizes[][3] = {{1, 1, 1}, {5, 7, 3}, {28, 28, 11}}; /* height, width, count */
    for (int channels = 1; channels <= 4; channels++)
        for (int k = 0; k < 3; k++) {
            tc_dataset *set = measured(channels, sizes[k][0], sizes[k][1], sizes[k][2], 2);
            int n = sizes[k][0] * sizes[k][1] * sizes[k][2];
            for (int c = 0; c < channels; c++) {
                double sum = 0.0, squares = 0.0;
                for (int p = 0; p < n; p++) sum += set->train.pixels[p * channels + c] / 255.0;
                for (int p = 0; p < n; p++)
                    squares += pow(set->train.pixels[p * channels + c] / 255.0 - sum / n, 2.0);
                ck_assert_float_eq_tol(set->mean[c], (float)(sum / n), 1e-6f);
                ck_assert_float_eq_tol(set->deviation[c], (float)sqrt(squares / n), 1e-6f);
            }
            tc_dataset_free(set);
        }
}
END_TEST

/* More than 65,536 rows of 48 values in each of 64 parts, six of seven white: their squares overflow 32 bits.
 */
START_TEST(sums_do_not_overflow) {
    tc_dataset *set;
    ck_assert_int_eq(tci_dataset_create("test", 1, 1000, 1000, 2, names, &set), TC_OK);
    ck_assert_int_eq(tci_split_alloc(set, 252, &set->train), TC_OK);
    for (int64_t i = 0; i < 252000000; i++) set->train.pixels[i] = i % 7 == 0 ? 0 : 255;
    tci_dataset_measure(set, 1);
    ck_assert_float_eq_tol(set->mean[0], 6.0f / 7.0f, 1e-6f);
    ck_assert_float_eq_tol(set->deviation[0], sqrtf(6.0f) / 7.0f, 1e-6f);
    tc_dataset_free(set);
}
END_TEST

START_TEST(threads_change_nothing) {
    tc_dataset *one = measured(3, 32, 32, 300, 1);
    for (int threads = 2; threads <= 4; threads++) {
        tc_dataset *more = measured(3, 32, 32, 300, threads);
        for (int c = 0; c < 3; c++) {
            ck_assert(one->mean[c] == more->mean[c]);
            ck_assert(one->deviation[c] == more->deviation[c]);
        }
        tc_dataset_free(more);
    }
    tc_dataset_free(one);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("dataset");
    TCase *tests = tcase_create("dataset");
    tcase_add_test(tests, mean_and_deviation_are_those_of_each_channel);
    tcase_add_test(tests, sums_do_not_overflow);
    tcase_add_test(tests, threads_change_nothing);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
