/* Light and colour, against torchvision.transforms.functional.adjust_*; and what a color_jitter draws. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "golden.h"
#include "internal.h"
#include "pictures.h"

enum { BRIGHTNESS, CONTRAST, SATURATION, HUE, KINDS };

static const char *const kinds[KINDS] = {"brightness", "contrast", "saturation", "hue"};

static void adjust(int kind, float *picture, int64_t pixels, int channels, float factor) {
    if (kind == BRIGHTNESS) tci_adjust_brightness(picture, pixels, channels, factor);
    if (kind == CONTRAST) tci_adjust_contrast(picture, pixels, channels, factor);
    if (kind == SATURATION) tci_adjust_saturation(picture, pixels, factor);
    if (kind == HUE) tci_adjust_hue(picture, pixels, factor);
}

START_TEST(adjustments_are_those_of_torchvision) {
    golden_file *file = golden_read("picture_color");
    int checked[KINDS] = {0};
    for (int i = 0; i < file->count; i++)
        for (int kind = 0; kind < KINDS; kind++)
            for (int k = 0; k < 5; k++) {
                const golden_case *golden = &file->cases[i];
                const golden_tensor *x = golden_input(golden, "x");
                char name[32];
                snprintf(name, sizeof name, "%s%d", kinds[kind], k);
                if (golden_array(golden, name) == NULL) continue;
                float *picture = picture_of(x);
                adjust(kind, picture, x->shape[2] * x->shape[3], (int)x->shape[1],
                       (float)golden_option(golden, name));
                check_picture(golden, name, picture, 1e-6);
                checked[kind]++;
                free(picture);
            }
    ck_assert(checked[BRIGHTNESS] == 16 && checked[CONTRAST] == 16);
    ck_assert(checked[SATURATION] == 12 && checked[HUE] == 15);
    golden_free(file);
}
END_TEST

/* Where torchvision has nothing to compare with: the mean of four channels is that of all values. */
START_TEST(contrast_of_four_channels_moves_to_the_mean_of_all) {
    float picture[8] = {0.1f, 0.2f, 0.3f, 0.4f, 0.5f, 0.6f, 0.7f, 0.8f};
    tci_adjust_contrast(picture, 2, 4, 0.5f);
    for (int i = 0; i < 8; i++) ck_assert_float_eq_tol(picture[i], 0.05f * (float)(i + 1) + 0.225f, 1e-6f);
}
END_TEST

/* ---- Drawing ---------------------------------------------------------------------------------------------
 */

typedef struct range {
    float least, most;
    double sum;
} range;

static void add(range *r, float value) {
    r->least = value < r->least ? value : r->least;
    r->most = value > r->most ? value : r->most;
    r->sum += (double)value;
}

/* 4000 uniform draws: they stay inside, come within 1% of the ends, and their mean is that of the ends. */
static void check_range(const range *r, float low, float high) {
    float margin = 0.01f * (high - low);
    ck_assert(r->least >= low && r->least <= low + margin);
    ck_assert(r->most <= high && r->most >= high - margin);
    ck_assert_double_le(fabs(r->sum / 4000 - (double)(low + high) / 2), 5.0 * (double)(high - low) / 219.0);
}

START_TEST(factors_lie_in_their_ranges_and_every_order_comes) {
    tc_transform t = tc_color_jitter(0.4f, 1.5f, 0.25f, 0.125f);
    range brightness = {9, -9, 0}, contrast = {9, -9, 0}, saturation = {9, -9, 0}, hue = {9, -9, 0};
    int orders[256] = {0}, seen = 0;
    for (uint64_t i = 0; i < 4000; i++) {
        tc_rng rng = tc_rng_create(3, i);
        tci_jitter drawn = tci_jitter_draw(&t, &rng);
        add(&brightness, drawn.brightness);
        add(&contrast, drawn.contrast);
        add(&saturation, drawn.saturation);
        add(&hue, drawn.hue);
        orders[drawn.order[0] << 6 | drawn.order[1] << 4 | drawn.order[2] << 2 | drawn.order[3]]++;
    }
    check_range(&brightness, 0.6f, 1.4f);
    check_range(&contrast, 0.0f, 2.5f);
    check_range(&saturation, 0.75f, 1.25f);
    check_range(&hue, -0.125f, 0.125f);
    for (int i = 0; i < 256; i++) {
        seen += orders[i] > 0;
        if (orders[i] > 0) ck_assert_int_lt(abs(orders[i] - 4000 / 24), 65); /* 5 standard deviations */
    }
    ck_assert_int_eq(seen, 24);
}
END_TEST

START_TEST(jitter_applies_what_it_draws_in_the_order_it_draws) {
    enum { PIXELS = 35 };
    static const float reaches[][4] = {
        {0.5f, 0.5f, 0.5f, 0.25f}, {0.5f, 0, 0, 0}, {0, 0.5f, 0, 0}, {0, 0, 0.5f, 0}, {0, 0, 0, 0.25f}};
    for (int k = 0; k < 5; k++)
        for (int channels = 1; channels <= 4; channels++)
            for (uint64_t i = 0; i < 40; i++) {
                float picture[PIXELS * 4], expected[PIXELS * 4], scratch[PIXELS * 4];
                tc_transform t = tc_color_jitter(reaches[k][0], reaches[k][1], reaches[k][2], reaches[k][3]);
                tc_sample sample = {.rng = tc_rng_create(4, i)};
                tc_rng rng = sample.rng;
                golden_hash_values((uint32_t)i, 1.0f, 0.5f, PIXELS * 4, picture);
                memcpy(expected, picture, sizeof expected);
                t.apply(&t, picture, scratch, 5, 7, channels, &sample);
                tci_jitter drawn = tci_jitter_draw(&t, &rng);
                float factors[] = {drawn.brightness, drawn.contrast, drawn.saturation, drawn.hue};
                for (int n = 0; n < 4; n++) {
                    int kind = (int)drawn.order[n];
                    if (reaches[k][kind] > 0 && (kind < SATURATION || channels == 3))
                        adjust(kind, expected, PIXELS, channels, factors[kind]);
                }
                ck_assert_mem_eq(picture, expected, sizeof expected);
            }
}
END_TEST

static void refused(const char *message, tc_transform t) {
    ck_assert_int_eq(tci_transform_check(&t, 3), TC_ERR_ARGUMENT);
    ck_assert_msg(strstr(tc_last_error(), message) != NULL, "%s", tc_last_error());
}

START_TEST(impossible_reaches_are_refused) {
    tc_transform good = tc_color_jitter(0.4f, 2.0f, 0.0f, 0.5f);
    refused("brightness is -1", tc_color_jitter(-1.0f, 0, 0, 0));
    refused("contrast is inf", tc_color_jitter(0, INFINITY, 0, 0));
    refused("saturation is nan", tc_color_jitter(0, 0, NAN, 0));
    refused("hue is 0.6, expected 0 to 0.5", tc_color_jitter(0, 0, 0, 0.6f));
    ck_assert_int_eq(tci_transform_check(&good, 3), TC_OK);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("color");
    TCase *tests = tcase_create("color");
    tcase_add_test(tests, adjustments_are_those_of_torchvision);
    tcase_add_test(tests, contrast_of_four_channels_moves_to_the_mean_of_all);
    tcase_add_test(tests, factors_lie_in_their_ranges_and_every_order_comes);
    tcase_add_test(tests, jitter_applies_what_it_draws_in_the_order_it_draws);
    tcase_add_test(tests, impossible_reaches_are_refused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
