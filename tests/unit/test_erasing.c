/* Cutout and random erasing: what is erased is one rectangle of the right size, and nothing else changes. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

enum { HEIGHT = 20, WIDTH = 16, CHANNELS = 4 };

typedef struct rectangle {
    int top, left, bottom, right; /* all 0 where nothing is erased */
} rectangle;

/* Applies t to a picture of ones, and fails unless the zeros fill one rectangle. */
static rectangle erased(const tc_transform *t, int height, int width, int channels, uint64_t stream) {
    float picture[HEIGHT * WIDTH * CHANNELS], scratch[HEIGHT * WIDTH * CHANNELS];
    tc_sample sample = {.rng = tc_rng_create(2, stream)};
    rectangle r = {0, 0, 0, 0};
    int zeros = 0, wrong = 0;
    for (int i = 0; i < height * width * channels; i++) picture[i] = 1.0f;
    t->apply(t, picture, scratch, height, width, channels, &sample);
    for (int i = 0; i < height; i++)
        for (int j = 0; j < width; j++)
            for (int c = 0; c < channels; c++) {
                float value = picture[(i * width + j) * channels + c];
                wrong += value != 0.0f && value != 1.0f;
                if (value == 1.0f) continue;
                if (zeros++ == 0) r = (rectangle){i, j, i + 1, j + 1};
                wrong += j < r.left;
                if (i + 1 > r.bottom) r.bottom = i + 1;
                if (j + 1 > r.right) r.right = j + 1;
            }
    ck_assert_int_eq(wrong, 0);
    ck_assert_int_eq(zeros, (r.bottom - r.top) * (r.right - r.left) * channels);
    return r;
}

/* ---- Cutout ----------------------------------------------------------------------------------------------
 */

/* Around each pixel as often: rows and columns of a square of 5 reach from 2 before it to 2 after it. */
START_TEST(cutout_erases_a_square_around_any_pixel) {
    enum { SIZE = 5, DRAWS = 6000 };
    tc_transform t = tc_cutout(SIZE);
    int inside = 0, corners = 0, covered[HEIGHT][WIDTH] = {{0}};
    for (uint64_t n = 0; n < DRAWS; n++) {
        rectangle r = erased(&t, HEIGHT, WIDTH, 1 + (int)(n % CHANNELS), n);
        int tall = r.bottom - r.top, wide = r.right - r.left;
        ck_assert(tall == SIZE || (tall >= 3 && tall < SIZE && (r.top == 0 || r.bottom == HEIGHT)));
        ck_assert(wide == SIZE || (wide >= 3 && wide < SIZE && (r.left == 0 || r.right == WIDTH)));
        inside += tall == SIZE && wide == SIZE;
        corners += r.top == 0 && r.left == 0 && tall == 3 && wide == 3;
        for (int i = r.top; i < r.bottom; i++)
            for (int j = r.left; j < r.right; j++) covered[i][j]++;
    }
    /* 16 of 20 rows and 12 of 16 columns lie two away from the edge; one pixel of 320 is that corner. */
    ck_assert_int_lt(abs(inside - DRAWS * 16 * 12 / 320), 190); /* 5 standard deviations */
    ck_assert_int_lt(abs(corners - DRAWS / 320), 22);
    /* A pixel in the middle lies in 25 of 320 squares, one in a corner in 9. */
    ck_assert_int_lt(abs(covered[9][7] - DRAWS * 25 / 320), 105);
    ck_assert_int_lt(abs(covered[HEIGHT - 1][WIDTH - 1] - DRAWS * 9 / 320), 65);
}
END_TEST

START_TEST(cutout_of_any_size_stays_inside) {
    static const int sizes[] = {0, 1, 2, 100, INT32_MAX};
    for (int k = 0; k < 5; k++) {
        tc_transform t = tc_cutout(sizes[k]);
        for (uint64_t n = 0; n < 50; n++) {
            rectangle r = erased(&t, HEIGHT, WIDTH, 3, n), single = erased(&t, 1, 1, 1, n);
            int area = (r.bottom - r.top) * (r.right - r.left);
            if (sizes[k] < 2) ck_assert_int_eq(area, sizes[k]);
            if (sizes[k] == 2) ck_assert(area == 4 || r.top == 0 || r.left == 0);
            if (sizes[k] >= 100) ck_assert_int_eq(area, HEIGHT * WIDTH);
            ck_assert_int_eq(single.bottom, sizes[k] > 0);
        }
    }
}
END_TEST

/* ---- Random erasing --------------------------------------------------------------------------------------
 */

/* int(round(sqrt(area * share * aspect))) and int(round(sqrt(area * share / aspect))), as Python answers. */
START_TEST(rectangles_have_the_size_of_torchvision) {
    static const struct {
        int height, width;
        double share, aspect;
        int tall, wide;
        bool fits;
    } cases[] = {
        {32, 32, 0.1, 1.0, 10, 10, true},   {32, 32, 0.1, 3.3, 18, 6, true},
        {32, 32, 0.33, 0.3, 10, 34, false}, {32, 32, 0.02, 0.3, 2, 8, true},
        {5, 5, 0.25, 1.0, 2, 2, true},      {7, 7, 0.25, 1.0, 4, 4, true},
        {20, 10, 0.32, 1.0, 8, 8, true},    {4, 100, 0.33, 3.3, 21, 6, false},
        {1, 1, 0.33, 1.0, 1, 1, false},     {10, 10, 0.32, 3.125, 10, 3, false},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        int tall, wide;
        bool fits =
            tci_erasing_size(cases[k].height, cases[k].width, cases[k].share, cases[k].aspect, &tall, &wide);
        ck_assert_int_eq(tall, cases[k].tall);
        ck_assert_int_eq(wide, cases[k].wide);
        ck_assert(fits == cases[k].fits);
    }
}
END_TEST

START_TEST(erasing_is_as_probable_as_asked_and_keeps_to_its_ranges) {
    enum { DRAWS = 4000 };
    static const float ps[] = {0.0f, 0.25f, 1.0f};
    for (int k = 0; k < 3; k++) {
        tc_transform t = tc_random_erasing(ps[k]);
        int erasures = 0, taller = 0, rows[HEIGHT] = {0}, columns[WIDTH] = {0}, least = HEIGHT * WIDTH,
            most = 0;
        for (uint64_t n = 0; n < DRAWS; n++) {
            rectangle r = erased(&t, HEIGHT, WIDTH, 1 + (int)(n % CHANNELS), n);
            int tall = r.bottom - r.top, wide = r.right - r.left, area = tall * wide;
            if (area == 0) continue;
            erasures++;
            taller += tall > wide;
            least = area < least ? area : least;
            most = area > most ? area : most;
            /* Rounding moves a side by a half at most. */
            ck_assert((tall - 0.5) / (wide + 0.5) <= 3.3 && (tall + 0.5) / (wide - 0.5) >= 0.3);
            ck_assert((tall + 0.5) * (wide + 0.5) >= 0.02 * HEIGHT * WIDTH);
            ck_assert((tall - 0.5) * (wide - 0.5) <= 0.33 * HEIGHT * WIDTH);
            rows[r.top]++;
            columns[r.left]++;
        }
        ck_assert_int_le(abs(erasures - (int)(ps[k] * DRAWS)), ps[k] == 0.25f ? 137 : 0);
        if (k == 0) continue;
        ck_assert(least < 0.03 * HEIGHT * WIDTH && most > 0.3 * HEIGHT * WIDTH);
        ck_assert(taller > 0.35 * erasures && taller < 0.65 * erasures);
        for (int i = 0; i < HEIGHT / 2; i++) ck_assert_int_gt(rows[i], 0);
        for (int j = 0; j < WIDTH / 2; j++) ck_assert_int_gt(columns[j], 0);
    }
}
END_TEST

START_TEST(impossible_parameters_are_refused) {
    tc_transform square = tc_cutout(-1), often = tc_random_erasing(1.5f), good = tc_random_erasing(1.0f);
    ck_assert_int_eq(tci_transform_check(&square, 3), TC_ERR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(tc_last_error(), "cutout: size is -1"));
    ck_assert_int_eq(tci_transform_check(&often, 3), TC_ERR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(tc_last_error(), "random_erasing: p is 1.5"));
    ck_assert_int_eq(tci_transform_check(&good, 3), TC_OK);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("erasing");
    TCase *tests = tcase_create("erasing");
    tcase_add_test(tests, cutout_erases_a_square_around_any_pixel);
    tcase_add_test(tests, cutout_of_any_size_stays_inside);
    tcase_add_test(tests, rectangles_have_the_size_of_torchvision);
    tcase_add_test(tests, erasing_is_as_probable_as_asked_and_keeps_to_its_ranges);
    tcase_add_test(tests, impossible_parameters_are_refused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
