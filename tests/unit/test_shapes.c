/* shapes: a picture depends on (seed, split, index) alone, the classes are balanced, and neither colour nor
 * brightness gives a class away. That a linear classifier fails on it and the lesson net does not is shown by
 * training them, not here. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "datasets.h"

enum { PICTURE = 32 * 32 * 3 };

static tc_dataset *shapes(int64_t train, int64_t test, uint64_t seed, int threads) {
    tc_dataset *set;
    tc_status status = tc_shapes_open(train, test, seed, threads, &set);
    ck_assert_msg(status == TC_OK, "%s", tc_last_error());
    return set;
}

static bool same_pictures(const tc_split *a, const tc_split *b, int64_t count) {
    return memcmp(a->pixels, b->pixels, (size_t)count * PICTURE) == 0 &&
           memcmp(a->labels, b->labels, (size_t)count) == 0;
}

START_TEST(the_set_is_described) {
    tc_dataset *set = shapes(101, 33, 1, 1);
    ck_assert_str_eq(set->name, "shapes");
    ck_assert_int_eq(set->train.count, 101);
    ck_assert_int_eq(set->test.count, 33);
    ck_assert(set->channels == 3 && set->height == 32 && set->width == 32 && set->classes == 10);
    for (int a = 0; a < 10; a++)
        for (int b = 0; b < a; b++) ck_assert_str_ne(set->class_names[a], set->class_names[b]);
    tc_dataset_free(set);
}
END_TEST

START_TEST(the_name_opens_the_standard_set) {
    tc_dataset *set;
    ck_assert_int_eq(tc_dataset_open("shapes", NULL, &set), TC_OK);
    ck_assert_int_eq(set->train.count, 10000);
    ck_assert_int_eq(set->test.count, 2000);
    tc_dataset_free(set);
}
END_TEST

START_TEST(threads_change_nothing) {
    tc_dataset *one = shapes(700, 130, 5, 1);
    for (int threads = 2; threads <= 4; threads += 2) {
        tc_dataset *more = shapes(700, 130, 5, threads);
        ck_assert(same_pictures(&one->train, &more->train, 700));
        ck_assert(same_pictures(&one->test, &more->test, 130));
        ck_assert(memcmp(one->mean, more->mean, sizeof one->mean) == 0);
        ck_assert(memcmp(one->deviation, more->deviation, sizeof one->deviation) == 0);
        tc_dataset_free(more);
    }
    tc_dataset_free(one);
}
END_TEST

START_TEST(a_picture_depends_on_seed_split_and_index_alone) {
    tc_dataset *small = shapes(70, 70, 5, 1), *large = shapes(300, 90, 5, 2), *other = shapes(70, 70, 6, 1);
    ck_assert(same_pictures(&small->train, &large->train, 70));
    ck_assert(same_pictures(&small->test, &large->test, 70));
    for (int64_t i = 0; i < 70; i++) {
        const uint8_t *picture = small->train.pixels + i * PICTURE;
        ck_assert(memcmp(picture, other->train.pixels + i * PICTURE, PICTURE) != 0);
        for (int64_t k = 0; k < 70; k++)
            if (memcmp(picture, small->test.pixels + k * PICTURE, PICTURE) == 0 ||
                (k != i && memcmp(picture, small->train.pixels + k * PICTURE, PICTURE) == 0))
                ck_abort_msg("picture %d is there again at %d", (int)i, (int)k);
    }
    tc_dataset_free(small);
    tc_dataset_free(large);
    tc_dataset_free(other);
}
END_TEST

START_TEST(classes_are_balanced) {
    tc_dataset *set = shapes(1000, 500, 3, 2);
    int train[10] = {0}, test[10] = {0};
    for (int64_t i = 0; i < 1000; i++) train[set->train.labels[i]]++;
    for (int64_t i = 0; i < 500; i++) test[set->test.labels[i]]++;
    for (int c = 0; c < 10; c++) {
        ck_assert_int_eq(train[c], 100);
        ck_assert_int_eq(test[c], 50);
    }
    tc_dataset_free(set);
}
END_TEST

/* The mean colour of a class differs from that of all pictures by no more than chance allows: its standard
 * error over 1000 pictures is about 55 / sqrt(1000) = 1.7 levels. */
START_TEST(colour_does_not_give_the_class_away) {
    tc_dataset *set = shapes(10000, 0, 4, 2);
    double sums[10][3] = {{0}};
    for (int64_t i = 0; i < 10000; i++)
        for (int v = 0; v < PICTURE; v++)
            sums[set->train.labels[i]][v % 3] += set->train.pixels[i * PICTURE + v];
    for (int k = 0; k < 10; k++)
        for (int c = 0; c < 3; c++)
            ck_assert_double_eq_tol(sums[k][c] / (1000.0 * 1024.0), 255.0 * (double)set->mean[c], 8.0);
    tc_dataset_free(set);
}
END_TEST

START_TEST(mean_and_deviation_are_those_of_the_training_pictures) {
    tc_dataset *set = shapes(501, 10, 2, 2);
    for (int c = 0; c < 3; c++) {
        double sum = 0.0, squares = 0.0, n = 501.0 * 1024.0;
        for (int64_t p = 0; p < 501 * 1024; p++) sum += set->train.pixels[3 * p + c] / 255.0;
        for (int64_t p = 0; p < 501 * 1024; p++) {
            double d = set->train.pixels[3 * p + c] / 255.0 - sum / n;
            squares += d * d;
        }
        ck_assert_float_eq_tol(set->mean[c], (float)(sum / n), 1e-6f);
        ck_assert_float_eq_tol(set->deviation[c], (float)sqrt(squares / n), 1e-6f);
    }
    tc_dataset_free(set);
}
END_TEST

START_TEST(impossible_numbers_are_refused) {
    tc_dataset *set;
    ck_assert_int_eq(tc_shapes_open(0, 10, 1, 1, &set), TC_ERR_ARGUMENT);
    ck_assert_ptr_null(set);
    ck_assert_ptr_nonnull(strstr(tc_last_error(), "0 training"));
    ck_assert_int_eq(tc_shapes_open(10, -1, 1, 1, &set), TC_ERR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(tc_last_error(), "-1 test"));
    ck_assert_int_eq(tc_shapes_open(INT64_MAX, 1, 1, 1, &set), TC_ERR_MEMORY);
    ck_assert_ptr_null(set);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("shapes");
    TCase *tests = tcase_create("shapes");
    tcase_add_test(tests, the_set_is_described);
    tcase_add_test(tests, the_name_opens_the_standard_set);
    tcase_add_test(tests, threads_change_nothing);
    tcase_add_test(tests, a_picture_depends_on_seed_split_and_index_alone);
    tcase_add_test(tests, classes_are_balanced);
    tcase_add_test(tests, colour_does_not_give_the_class_away);
    tcase_add_test(tests, mean_and_deviation_are_those_of_the_training_pictures);
    tcase_add_test(tests, impossible_numbers_are_refused);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
