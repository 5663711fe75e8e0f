/* Mixed pictures: shares from Beta, rectangles, and what happens to the two pictures of a pair. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* ---- Drawing ---------------------------------------------------------------------------------------------
 */

/* Mean 1/2, variance 1 / (4 (2 a + 1)), and for a = 1 uniform in each tenth. */
START_TEST(shares_are_distributed_as_beta) {
    enum { DRAWS = 20000 };
    static const double alphas[] = {0.05, 0.2, 1.0, 3.0};
    for (int k = 0; k < 4; k++) {
        double alpha = alphas[k], sum = 0, squares = 0, fourth = 0;
        int tenths[10] = {0};
        tc_rng rng = tc_rng_create(5, (uint64_t)k);
        for (int i = 0; i < DRAWS; i++) {
            double share = tci_beta(&rng, alpha), d = share - 0.5;
            ck_assert(share >= 0.0 && share <= 1.0);
            sum += d;
            squares += d * d;
            fourth += d * d * d * d;
            tenths[share < 1.0 ? (int)(share * 10) : 9]++;
        }
        double variance = 1.0 / (4.0 * (2.0 * alpha + 1.0)), mean_square = squares / DRAWS;
        double error = sqrt((fourth / DRAWS - mean_square * mean_square) / DRAWS);
        ck_assert_double_le(fabs(sum / DRAWS), 5.0 * sqrt(variance / DRAWS));
        ck_assert_double_le(fabs(mean_square - variance), 5.0 * error);
        for (int t = 0; alpha == 1.0 && t < 10; t++) ck_assert_int_le(abs(tenths[t] - DRAWS / 10), 220);
    }
}
END_TEST

START_TEST(extreme_parameters_give_shares_too) {
    static const double alphas[] = {1e-30, 1e-3, 1e5, 1e30};
    for (int k = 0; k < 4; k++) {
        tc_rng rng = tc_rng_create(1, (uint64_t)k);
        for (int i = 0; i < 1000; i++) {
            double share = tci_beta(&rng, alphas[k]);
            ck_assert(share >= 0.0 && share <= 1.0);
            if (alphas[k] > 1.0) ck_assert_double_le(fabs(share - 0.5), 0.01);
        }
    }
}
END_TEST

static void rectangle(double share, int row, int column, int top, int left, int bottom, int right) {
    tci_mix mix = tci_mix_cut(share, row, column, 10, 20);
    ck_assert(mix.cut);
    ck_assert_int_eq(mix.top, top);
    ck_assert_int_eq(mix.left, left);
    ck_assert_int_eq(mix.bottom, bottom);
    ck_assert_int_eq(mix.right, right);
    ck_assert_float_eq_tol(mix.share, (float)((bottom - top) * (right - left)) / 200.0f, 1e-7f);
}

START_TEST(rectangles_are_cut_at_the_edges_and_share_is_what_is_left) {
    rectangle(0.25, 5, 10, 3, 5, 8, 15);
    rectangle(0.25, 0, 0, 0, 0, 3, 5);
    rectangle(0.25, 9, 19, 7, 14, 10, 20);
    rectangle(1.0, 5, 10, 0, 0, 10, 20);
    rectangle(0.0, 5, 10, 5, 10, 5, 10);
    rectangle(0.009, 9, 19, 9, 19, 9, 20); /* lower than a row: nothing */
}
END_TEST

static tci_mix drawn(float mixup, float cutmix, uint64_t seed, int64_t epoch, int64_t batch) {
    tc_loader_options options = {.mixup = mixup, .cutmix = cutmix, .seed = seed};
    return tci_mix_draw(&options, epoch, batch, 32, 24);
}

START_TEST(a_draw_depends_on_seed_epoch_and_batch) {
    tci_mix mix = drawn(1, 0, 1, 2, 3);
    ck_assert(!mix.cut && mix.top == 0 && mix.bottom == 0 && mix.left == 0 && mix.right == 0);
    ck_assert(mix.share == drawn(1, 0, 1, 2, 3).share);
    ck_assert(mix.share != drawn(1, 0, 2, 2, 3).share);
    ck_assert(mix.share != drawn(1, 0, 1, 3, 3).share);
    ck_assert(mix.share != drawn(1, 0, 1, 2, 4).share);
}
END_TEST

START_TEST(with_both_each_is_as_probable) {
    enum { DRAWS = 4000 };
    int cut = 0, rows[32] = {0};
    double share = 0;
    for (int64_t i = 0; i < DRAWS; i++) {
        tci_mix mix = drawn(0.2f, 1, 1, 0, i);
        cut += mix.cut;
        if (!mix.cut) share += mix.share;
        if (mix.cut) ck_assert(mix.top >= 0 && mix.left >= 0 && mix.bottom <= 32 && mix.right <= 24);
        for (int row = mix.top; row < mix.bottom; row++) rows[row]++;
        ck_assert(drawn(0, 1, 1, 0, i).cut && !drawn(1, 0, 1, 0, i).cut);
    }
    ck_assert_int_le(abs(cut - DRAWS / 2), 160); /* 5 standard deviations */
    ck_assert_double_le(fabs(share / (DRAWS - cut) - 0.5), 0.05);
    for (int row = 0; row < 32; row++) ck_assert_int_gt(rows[row], cut / 5); /* nowhere is left out */
}
END_TEST

/* ---- Mixing ----------------------------------------------------------------------------------------------
 */

enum { HEIGHT = 5, WIDTH = 6 };

/* Five and four pictures of 1 to 4 channels: each value against the two that it was made of. */
static void check_mixed(const tci_mix *mix, bool rectangle_only) {
    for (int channels = 1; channels <= 4; channels++)
        for (int count = 1; count <= 5; count++) {
            int picture = HEIGHT * WIDTH * channels, values = count * picture;
            float *x = malloc((size_t)values * sizeof *x), *before = malloc((size_t)values * sizeof *x);
            for (int i = 0; i < values; i++) x[i] = before[i] = (float)(i * 37 % 101);
            tci_mix_apply(mix, x, count, HEIGHT, WIDTH, channels);
            for (int i = 0; i < values; i++) {
                int n = i / picture, p = i % picture, row = p / channels / WIDTH,
                    column = p / channels % WIDTH;
                float own = before[i], other = before[(count - 1 - n) * picture + p];
                bool inside =
                    row >= mix->top && row < mix->bottom && column >= mix->left && column < mix->right;
                float share = rectangle_only ? (inside ? 1.0f : 0.0f) : mix->share;
                float expected = (1.0f - share) * own + share * other;
                ck_assert(fabsf(x[i] - expected) <= (rectangle_only ? 0.0f : 1e-4f));
            }
            free(x);
            free(before);
        }
}

START_TEST(mixup_blends_a_picture_with_its_partner) {
    check_mixed(&(tci_mix){.share = 0.3f}, false);
    check_mixed(&(tci_mix){.share = 1.0f}, false);
    check_mixed(&(tci_mix){.share = 0.0f}, false);
}
END_TEST

START_TEST(cutmix_exchanges_a_rectangle) {
    check_mixed(&(tci_mix){.cut = true, .share = 0.2f, .top = 1, .left = 2, .bottom = 3, .right = 5}, true);
    check_mixed(&(tci_mix){.cut = true, .share = 1.0f, .bottom = HEIGHT, .right = WIDTH}, true);
    check_mixed(&(tci_mix){.cut = true, .top = 4, .left = 4, .bottom = 4, .right = 4}, true);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("mixing");
    TCase *tests = tcase_create("mixing");
    tcase_add_test(tests, shares_are_distributed_as_beta);
    tcase_add_test(tests, extreme_parameters_give_shares_too);
    tcase_add_test(tests, rectangles_are_cut_at_the_edges_and_share_is_what_is_left);
    tcase_add_test(tests, a_draw_depends_on_seed_epoch_and_batch);
    tcase_add_test(tests, with_both_each_is_as_probable);
    tcase_add_test(tests, mixup_blends_a_picture_with_its_partner);
    tcase_add_test(tests, cutmix_exchanges_a_rectangle);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
