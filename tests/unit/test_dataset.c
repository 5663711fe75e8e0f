/* What all data sets have in common: mean and deviation, for any number of channels and any size; and a part
 * of the training pictures that is held out. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

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
                /* Where nothing varies: 1. */
                ck_assert_float_eq_tol(set->deviation[c], n == 1 ? 1 : (float)sqrt(squares / n), 1e-6f);
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

/* ---- Holding out -----------------------------------------------------------------------------------------
 */

enum { HELD_CLASSES = 10, HELD_SIDE = 2, HELD_PICTURE = HELD_SIDE * HELD_SIDE * 3 };

/* A set whose picture i holds its number in the first two bytes and is of class i % 10. */
static tc_dataset *numbered(int64_t count) {
    tc_dataset *set = measured(3, HELD_SIDE, HELD_SIDE, count, 1);
    for (int64_t i = 0; i < count; i++) {
        set->train.pixels[i * HELD_PICTURE] = (uint8_t)(i >> 8);
        set->train.pixels[i * HELD_PICTURE + 1] = (uint8_t)i;
        set->train.labels[i] = (uint8_t)(i % HELD_CLASSES);
    }
    return set;
}

static int64_t number_of(const tc_split *split, int64_t i) {
    return split->pixels[i * HELD_PICTURE] << 8 | split->pixels[i * HELD_PICTURE + 1];
}

/* Numbers must ascend, labels and last bytes belong to them; each number is marked as seen. */
static void check_split(const tc_split *split, const tc_dataset *whole, uint8_t *seen) {
    for (int64_t i = 0; i < split->count; i++) {
        int64_t number = number_of(split, i);
        ck_assert(i == 0 || number > number_of(split, i - 1));
        ck_assert_int_eq(split->labels[i], number % HELD_CLASSES);
        ck_assert_mem_eq(split->pixels + i * HELD_PICTURE, whole->train.pixels + number * HELD_PICTURE,
                         HELD_PICTURE);
        seen[number]++;
    }
}

START_TEST(what_is_held_out_and_what_stays_are_the_whole) {
    static const int64_t cases[][2] = {{10000, 1000}, {2, 1}, {300, 299}, {300, 1}, {5000, 2500}};
    for (int k = 0; k < 5; k++) {
        int64_t total = cases[k][0], count = cases[k][1];
        uint8_t seen[10000] = {0};
        tc_dataset *set = numbered(total), *whole = numbered(total);
        ck_assert_msg(tc_dataset_hold_out(set, count) == TC_OK, "%s", tc_last_error());
        ck_assert_int_eq(set->validation.count, count);
        ck_assert_int_eq(set->train.count, total - count);
        check_split(&set->train, whole, seen);
        check_split(&set->validation, whole, seen);
        for (int64_t i = 0; i < total; i++) ck_assert_int_eq(seen[i], 1);
        ck_assert(set->mean[0] == whole->mean[0] && set->deviation[2] == whole->deviation[2]);
        tc_dataset_free(set);
        tc_dataset_free(whole);
    }
}
END_TEST

/* A thousand of ten thousand pictures: about a tenth of each class and of each stretch. */
START_TEST(what_is_held_out_is_spread_evenly) {
    tc_dataset *set = numbered(10000);
    int classes[HELD_CLASSES] = {0}, stretches[10] = {0};
    ck_assert_int_eq(tc_dataset_hold_out(set, 1000), TC_OK);
    for (int64_t i = 0; i < 1000; i++) {
        classes[set->validation.labels[i]]++;
        stretches[number_of(&set->validation, i) / 1000]++;
    }
    for (int k = 0; k < 10; k++) {
        ck_assert_int_le(abs(classes[k] - 100), 45); /* 5 standard deviations */
        ck_assert_int_le(abs(stretches[k] - 100), 45);
    }
    tc_dataset_free(set);
}
END_TEST

/* The choice is part of every result that was found with it: it must not change between versions. */
START_TEST(the_same_pictures_are_held_out_every_time) {
    tc_dataset *set = numbered(10000), *again = numbered(10000), *other = numbered(10001);
    ck_assert_int_eq(tc_dataset_hold_out(set, 5), TC_OK);
    for (int64_t i = 0; i < 10000; i++)
        again->train.labels[i] = 0; /* of the numbers alone, not of what is there */
    ck_assert_int_eq(tc_dataset_hold_out(again, 5), TC_OK);
    ck_assert_int_eq(tc_dataset_hold_out(other, 5), TC_OK);
    ck_assert_mem_eq(set->validation.pixels, again->validation.pixels, 5 * HELD_PICTURE);
    static const int64_t expected[5] = {912, 4742, 5080, 7625, 7878};
    int same = 0;
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(number_of(&set->validation, i), expected[i]);
        same += number_of(&set->validation, i) == number_of(&other->validation, i);
    }
    ck_assert_int_lt(same, 5);
    tc_dataset_free(set);
    tc_dataset_free(again);
    tc_dataset_free(other);
}
END_TEST

START_TEST(impossible_numbers_and_a_second_time_are_refused) {
    tc_dataset *set = numbered(20);
    static const int64_t wrong[] = {0, -1, 20, 21, INT64_MAX};
    for (int k = 0; k < 5; k++) {
        ck_assert_int_eq(tc_dataset_hold_out(set, wrong[k]), TC_ERR_ARGUMENT);
        ck_assert(set->train.count == 20 && set->validation.count == 0);
    }
    ck_assert_ptr_nonnull(strstr(tc_last_error(), "of 20 training pictures"));
    ck_assert_int_eq(tc_dataset_hold_out(set, 7), TC_OK);
    ck_assert_int_eq(tc_dataset_hold_out(set, 3), TC_ERR_STATE);
    ck_assert_ptr_nonnull(strstr(tc_last_error(), "7 pictures are held out"));
    ck_assert(set->train.count == 13 && set->validation.count == 7);
    tc_dataset_free(set);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("dataset");
    TCase *tests = tcase_create("dataset");
    tcase_add_test(tests, mean_and_deviation_are_those_of_each_channel);
    tcase_add_test(tests, sums_do_not_overflow);
    tcase_add_test(tests, threads_change_nothing);
    tcase_add_test(tests, what_is_held_out_and_what_stays_are_the_whole);
    tcase_add_test(tests, what_is_held_out_is_spread_evenly);
    tcase_add_test(tests, the_same_pictures_are_held_out_every_time);
    tcase_add_test(tests, impossible_numbers_and_a_second_time_are_refused);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
