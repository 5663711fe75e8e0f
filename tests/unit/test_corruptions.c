/* Corruptions on pictures small enough to work out by hand. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "datasets.h"
#include "suite.h"

static void corrupt(tc_corruption kind, double severity, int direction, const uint8_t *picture, int height,
                    int width, int channels, uint8_t *out) {
    ck_assert_msg(tc_corrupt(kind, severity, direction, 7, picture, height, width, channels, out) == TC_OK,
                  "%s", tc_last_error());
}

START_TEST(severity_zero_changes_nothing) {
    uint8_t picture[5 * 6 * 3], out[sizeof picture];
    for (int i = 0; i < (int)sizeof picture; i++) picture[i] = (uint8_t)(i * 53);
    for (int direction = 0; direction < 8; direction++) {
        corrupt((tc_corruption)_i, 0, direction, picture, 5, 6, 3, out);
        ck_assert_mem_eq(out, picture, sizeof picture);
    }
    ck_assert_ptr_nonnull(tc_corruption_name((tc_corruption)_i));
    ck_assert_ptr_nonnull(tc_corruption_unit((tc_corruption)_i));
}
END_TEST

/* 1 2 3    shifted by one to the east, its edge reflected, begins with the pixel beside the edge:  2 1 2
 * 4 5 6                                                                                            5 4 5
 * 7 8 9                                                                                            8 7 8 */
START_TEST(a_shift_moves_the_picture) {
    static const uint8_t picture[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    static const struct {
        int direction;
        uint8_t expected[9];
    } cases[] = {
        {0, {2, 1, 2, 5, 4, 5, 8, 7, 8}}, /* east */
        {2, {4, 5, 6, 7, 8, 9, 4, 5, 6}}, /* north: upwards */
        {4, {2, 3, 2, 5, 6, 5, 8, 9, 8}}, /* west */
        {5, {5, 4, 5, 2, 1, 2, 5, 4, 5}}, /* south-west: see below */
        {6, {4, 5, 6, 1, 2, 3, 4, 5, 6}}, /* south */
    };
    uint8_t out[9], twice[9];
    for (int i = 0; i < 5; i++) {
        if (cases[i].direction == 5) {
            /* Aslant is one way after the other. */
            corrupt(TC_CORRUPT_SHIFT, 1, 6, picture, 3, 3, 1, out);
            corrupt(TC_CORRUPT_SHIFT, 1, 4, out, 3, 3, 1, twice);
            corrupt(TC_CORRUPT_SHIFT, 1, 5, picture, 3, 3, 1, out);
            ck_assert_mem_eq(out, twice, 9);
            continue;
        }
        corrupt(TC_CORRUPT_SHIFT, 1, cases[i].direction, picture, 3, 3, 1, out);
        ck_assert_mem_eq(out, cases[i].expected, 9);
    }
    corrupt(TC_CORRUPT_SHIFT, 2, 0, picture, 3, 3, 1, out);
    ck_assert_mem_eq(out, ((uint8_t[]){3, 2, 1, 6, 5, 4, 9, 8, 7}), 9);
}
END_TEST

START_TEST(a_quarter_turn_turns) {
    static const uint8_t picture[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    uint8_t out[9];
    corrupt(TC_CORRUPT_ROTATION, 90, 0, picture, 3, 3, 1, out); /* counter-clockwise */
    ck_assert_mem_eq(out, ((uint8_t[]){3, 6, 9, 2, 5, 8, 1, 4, 7}), 9);
    corrupt(TC_CORRUPT_ROTATION, 90, 1, picture, 3, 3, 1, out);
    ck_assert_mem_eq(out, ((uint8_t[]){7, 4, 1, 8, 5, 2, 9, 6, 3}), 9);
    /* An even picture stays even: no dark corners. */
    uint8_t even[8 * 8], turned[8 * 8];
    memset(even, 200, sizeof even);
    corrupt(TC_CORRUPT_ROTATION, 30, 0, even, 8, 8, 1, turned);
    ck_assert_mem_eq(turned, even, sizeof even);
}
END_TEST

START_TEST(brightness_and_contrast_are_sums) {
    static const uint8_t picture[] = {0, 100, 200, 100};
    uint8_t out[4];
    corrupt(TC_CORRUPT_BRIGHTNESS, 0.2, 0, picture, 2, 2, 1, out); /* + 51 */
    ck_assert_mem_eq(out, ((uint8_t[]){51, 151, 251, 151}), 4);
    corrupt(TC_CORRUPT_BRIGHTNESS, 0.4, 1, picture, 2, 2, 1, out); /* - 102, clipped */
    ck_assert_mem_eq(out, ((uint8_t[]){0, 0, 98, 0}), 4);
    corrupt(TC_CORRUPT_CONTRAST, 0.5, 0, picture, 2, 2, 1, out); /* half way to the mean, 100 */
    ck_assert_mem_eq(out, ((uint8_t[]){50, 100, 150, 100}), 4);
    corrupt(TC_CORRUPT_CONTRAST, 1, 0, picture, 2, 2, 1, out);
    ck_assert_mem_eq(out, ((uint8_t[]){100, 100, 100, 100}), 4);
}
END_TEST

/* A dot of 200 in the middle spreads as the product of two Gaussians; with s = 1: weights e^(-d^2 / 2), d = -4 .. 4, whose
 * sum is 2.5066: the middle keeps 200 / 2.5066^2 = 31.83, its neighbour 31.83 e^-0.5 = 19.31, aslant 31.83 e^-1 = 11.71. */
START_TEST(blur_is_a_gaussian) {
    uint8_t picture[11 * 11] = {0}, out[11 * 11];
    picture[5 * 11 + 5] = 200;
    corrupt(TC_CORRUPT_BLUR, 1, 0, picture, 11, 11, 1, out);
    ck_assert_int_eq(out[5 * 11 + 5], 32);
    ck_assert_int_eq(out[5 * 11 + 6], 19);
    ck_assert_int_eq(out[4 * 11 + 5], 19);
    ck_assert_int_eq(out[4 * 11 + 4], 12);
    ck_assert_int_eq(out[0], 0);
}
END_TEST

START_TEST(noise_has_its_deviation) {
    enum { SIDE = 64 };
    static uint8_t picture[SIDE * SIDE * 3], out[sizeof picture], again[sizeof picture];
    memset(picture, 128, sizeof picture);
    corrupt(TC_CORRUPT_NOISE, 0.1, 0, picture, SIDE, SIDE, 3, out);
    double sum = 0, square = 0, count = sizeof picture;
    for (size_t i = 0; i < sizeof picture; i++)
        sum += out[i] - 128.0, square += (out[i] - 128.0) * (out[i] - 128.0);
    /* 25.5, and 1/12 for rounding; four standard errors either way. */
    ck_assert_double_le(fabs(sum / count), 4 * 25.5 / sqrt(count));
    ck_assert_double_le(fabs(sqrt(square / count) - 25.5), 4 * 25.5 / sqrt(2 * count) + 0.01);
    corrupt(TC_CORRUPT_NOISE, 0.1, 0, picture, SIDE, SIDE, 3, again);
    ck_assert_mem_eq(out, again, sizeof out);
    ck_assert_int_eq(tc_corrupt(TC_CORRUPT_NOISE, 0.1, 0, 8, picture, SIDE, SIDE, 3, again), TC_OK);
    ck_assert_mem_ne(out, again, sizeof out);
}
END_TEST

START_TEST(a_split_is_its_pictures_on_any_threads) {
    tc_dataset *d;
    ck_assert_int_eq(tc_shapes_open(20, 150, 3, 1, &d), TC_OK);
    size_t bytes = (size_t)(d->height * d->width * d->channels);
    uint8_t *one = malloc(150 * bytes), *two = malloc(150 * bytes), *single = malloc(bytes);
    for (int kind = 0; kind < TC_CORRUPTIONS; kind++) {
        double severity = kind == TC_CORRUPT_SHIFT ? 3 : kind == TC_CORRUPT_ROTATION ? 20 : 0.4;
        ck_assert_int_eq(tc_corrupt_split(d, &d->test, (tc_corruption)kind, severity, 3, 1, one), TC_OK);
        ck_assert_int_eq(tc_corrupt_split(d, &d->test, (tc_corruption)kind, severity, 3, 2, two), TC_OK);
        ck_assert_mem_eq(one, two, 150 * bytes);
        ck_assert_int_eq(tc_corrupt((tc_corruption)kind, severity, 3, 149, d->test.pixels + 149 * bytes,
                                    d->height, d->width, d->channels, single),
                         TC_OK);
        ck_assert_mem_eq(one + 149 * bytes, single, bytes);
    }
    free(one), free(two), free(single);
    tc_dataset_free(d);
}
END_TEST

START_TEST(what_makes_no_sense_is_refused) {
    uint8_t picture[16] = {0}, out[16];
    ck_assert_int_eq(tc_corrupt(TC_CORRUPT_SHIFT, 1.5, 0, 0, picture, 4, 4, 1, out), TC_ERR_ARGUMENT);
    ck_assert_int_eq(tc_corrupt(TC_CORRUPT_SHIFT, 4, 0, 0, picture, 4, 4, 1, out), TC_ERR_ARGUMENT);
    ck_assert_int_eq(tc_corrupt(TC_CORRUPT_BLUR, -1, 0, 0, picture, 4, 4, 1, out), TC_ERR_ARGUMENT);
    ck_assert_int_eq(tc_corrupt(TC_CORRUPT_NOISE, NAN, 0, 0, picture, 4, 4, 1, out), TC_ERR_ARGUMENT);
    ck_assert_int_eq(tc_corrupt(TC_CORRUPT_NOISE, 1, 8, 0, picture, 4, 4, 1, out), TC_ERR_ARGUMENT);
    ck_assert_int_eq(tc_corrupt(TC_CORRUPTIONS, 1, 0, 0, picture, 4, 4, 1, out), TC_ERR_ARGUMENT);
    /* However strong, no more than grey. */
    corrupt(TC_CORRUPT_CONTRAST, 3, 0, picture, 4, 4, 1, out);
    corrupt(TC_CORRUPT_BLUR, 1000, 0, picture, 4, 4, 1, out);
}
END_TEST

static void add(TCase *tests) {
    tcase_add_loop_test(tests, severity_zero_changes_nothing, 0, TC_CORRUPTIONS);
    tcase_add_test(tests, a_shift_moves_the_picture);
    tcase_add_test(tests, a_quarter_turn_turns);
    tcase_add_test(tests, brightness_and_contrast_are_sums);
    tcase_add_test(tests, blur_is_a_gaussian);
    tcase_add_test(tests, noise_has_its_deviation);
    tcase_add_test(tests, a_split_is_its_pictures_on_any_threads);
    tcase_add_test(tests, what_makes_no_sense_is_refused);
}

int main(void) {
    return suite_main("corruptions", add);
}
