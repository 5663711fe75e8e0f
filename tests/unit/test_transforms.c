/* Transforms against pictures worked out by hand, and against what must hold for any draw. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "datasets.h"

static void apply(const tc_transform *t, float *picture, int height, int width, int channels, uint64_t seed) {
    float *scratch = malloc((size_t)(height * width * channels) * sizeof *scratch);
    tc_sample sample = {.seed = seed, .rng = tc_rng_create(seed, 0)};
    t->apply(t, picture, scratch, height, width, channels, &sample);
    free(scratch);
}

/* ---- Normalise -------------------------------------------------------------------------------------------
 */

START_TEST(normalize_works_channel_by_channel) {
    static const float mean[] = {0.5f, 0.25f, 0.0f, 1.0f}, deviation[] = {0.5f, 0.25f, 2.0f, 0.125f};
    for (int channels = 1; channels <= 4; channels++) {
        enum { PIXELS = 35 };
        float picture[PIXELS * 4], expected[PIXELS * 4];
        for (int i = 0; i < PIXELS * channels; i++) {
            picture[i] = (float)(i % 17) / 16.0f;
            expected[i] = (picture[i] - mean[i % channels]) / deviation[i % channels];
        }
        tc_transform t = tc_normalize(mean, deviation, channels);
        apply(&t, picture, 5, 7, channels, 1);
        ck_assert_mem_eq(picture, expected, (size_t)(PIXELS * channels) * sizeof *picture);
    }
}
END_TEST

/* ---- Crop ------------------------------------------------------------------------------------------------
 */

/* All crops of the 3 x 3 picture 1..9 with padding 2, cut out of these 7 x 7 pictures (numpy.pad's modes
 * "constant" and "reflect"). */
static const float zeros[7][7] = {{0, 0, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 0, 0, 0}, {0, 0, 1, 2, 3, 0, 0},
                                  {0, 0, 4, 5, 6, 0, 0}, {0, 0, 7, 8, 9, 0, 0}, {0, 0, 0, 0, 0, 0, 0},
                                  {0, 0, 0, 0, 0, 0, 0}};
static const float mirrored[7][7] = {{9, 8, 7, 8, 9, 8, 7}, {6, 5, 4, 5, 6, 5, 4}, {3, 2, 1, 2, 3, 2, 1},
                                     {6, 5, 4, 5, 6, 5, 4}, {9, 8, 7, 8, 9, 8, 7}, {6, 5, 4, 5, 6, 5, 4},
                                     {3, 2, 1, 2, 3, 2, 1}};

/* The place a * 5 + b where `picture` lies in `padded`, counting from `from`; 25 if there is none. */
static int place_in(const float padded[7][7], const float *picture, /* (3, 3, 2) */ int from) {
    for (int place = from; place < 25; place++) {
        int wrong = 0;
        for (int i = 0; i < 3; i++)
            for (int j = 0; j < 3; j++) {
                float value = padded[place / 5 + i][place % 5 + j];
                wrong += picture[(i * 3 + j) * 2] != value || picture[(i * 3 + j) * 2 + 1] != -value;
            }
        if (wrong == 0) return place;
    }
    return 25;
}

static void crops_lie_in(const float padded[7][7], bool reflect) {
    tc_transform t = tc_random_crop(2, reflect);
    int seen[26] = {0};
    for (uint64_t seed = 0; seed < 500; seed++) {
        float picture[18];
        for (int i = 0; i < 9; i++) {
            picture[2 * i] = (float)(i + 1);
            picture[2 * i + 1] = (float)-(i + 1);
        }
        apply(&t, picture, 3, 3, 2, seed);
        int place = place_in(padded, picture, 0);
        ck_assert_int_lt(place, 25);
        for (; place < 25; place = place_in(padded, picture, place + 1)) seen[place]++;
    }
    for (int place = 0; place < 25; place++) ck_assert_int_gt(seen[place], 0); /* missed by chance: 4e-8 */
}

START_TEST(crops_are_cut_from_zero_padding) {
    crops_lie_in(zeros, false);
}
END_TEST

START_TEST(crops_are_cut_from_reflected_padding) {
    crops_lie_in(mirrored, true);
}
END_TEST

START_TEST(crops_are_uniform) {
    enum { ROUNDS = 9000 };
    tc_transform t = tc_random_crop(1, false);
    int seen[9] = {0};
    for (uint64_t seed = 0; seed < ROUNDS; seed++) {
        float picture[9] = {0, 0, 0, 0, 1, 0, 0, 0, 0};
        apply(&t, picture, 3, 3, 1, seed);
        for (int i = 0; i < 9; i++) seen[i] += picture[i] == 1.0f;
    }
    for (int i = 0; i < 9; i++) ck_assert_int_lt(abs(seen[i] - ROUNDS / 9), 150); /* 5 standard deviations */
}
END_TEST

START_TEST(no_padding_changes_nothing) {
    float picture[6] = {1, 2, 3, 4, 5, 6}, kept[6];
    memcpy(kept, picture, sizeof kept);
    tc_transform t = tc_random_crop(0, true);
    apply(&t, picture, 2, 3, 1, 9);
    ck_assert_mem_eq(picture, kept, sizeof kept);
}
END_TEST

/* As numpy's reflection goes on to and fro, whatever the padding, a row of 2 stays made of its 2 values. */
START_TEST(padding_wider_than_the_picture_is_harmless) {
    for (uint64_t seed = 0; seed < 200; seed++) {
        float picture[2] = {1, 2}, single[1] = {7}, gone[2] = {1, 2};
        tc_transform reflect = tc_random_crop(5, true), zero = tc_random_crop(INT32_MAX, false);
        apply(&reflect, picture, 1, 2, 1, seed);
        ck_assert(picture[0] + picture[1] == 3.0f && picture[0] * picture[1] == 2.0f);
        apply(&reflect, single, 1, 1, 1, seed);
        ck_assert(single[0] == 7.0f);
        apply(&zero, gone, 1, 2, 1, seed);
        ck_assert(gone[0] == 0.0f && gone[1] == 0.0f);
    }
}
END_TEST

/* ---- Flip ------------------------------------------------------------------------------------------------
 */

START_TEST(flips_mirror_rows_and_keep_channels_together) {
    float odd[] = {1, 10, 2, 20, 3, 30, 4, 40, 5, 50, 6, 60};
    static const float odd_mirrored[] = {3, 30, 2, 20, 1, 10, 6, 60, 5, 50, 4, 40};
    float even[] = {1, 2, 3, 4};
    static const float even_mirrored[] = {4, 3, 2, 1};
    tc_transform t = tc_random_horizontal_flip(1.0f);
    apply(&t, odd, 2, 3, 2, 1);
    apply(&t, even, 1, 4, 1, 1);
    ck_assert_mem_eq(odd, odd_mirrored, sizeof odd);
    ck_assert_mem_eq(even, even_mirrored, sizeof even);
}
END_TEST

START_TEST(flips_are_as_probable_as_asked) {
    static const struct {
        float p;
        int least, most;
    } cases[] = {{0.0f, 0, 0}, {0.25f, 430, 570}, {0.5f, 900, 1100}, {1.0f, 2000, 2000}};
    for (int k = 0; k < 4; k++) {
        int flipped = 0;
        tc_transform t = tc_random_horizontal_flip(cases[k].p);
        for (uint64_t seed = 0; seed < 2000; seed++) {
            float picture[2] = {1, 2};
            apply(&t, picture, 1, 2, 1, seed);
            flipped += picture[0] == 2.0f;
        }
        ck_assert_int_ge(flipped, cases[k].least);
        ck_assert_int_le(flipped, cases[k].most);
    }
}
END_TEST

/* Whether picture `index` is flipped in `epoch`; `drawn`: numbers that transforms before this one have used. */
static bool alternately_flipped(uint64_t seed, int64_t epoch, int64_t index, int drawn) {
    float picture[2] = {1, 2}, scratch[2];
    tc_transform t = tc_alternating_flip();
    tc_sample sample = {seed, epoch, index, tc_rng_create(seed, tc_rng_stream(1, (uint64_t)epoch, 2))};
    for (int i = 0; i < drawn; i++) tc_rng_u32(&sample.rng);
    uint64_t before = sample.rng.position;
    t.apply(&t, picture, scratch, 1, 2, 1, &sample);
    ck_assert_uint_eq(sample.rng.position, before); /* transforms after it draw what they drew without it */
    ck_assert(picture[0] + picture[1] == 3.0f);
    return picture[0] == 2.0f;
}

START_TEST(alternating_flips_show_the_other_side_every_epoch) {
    int first = 0, as_neighbour = 0, as_other_seed = 0;
    for (int64_t index = 0; index < 4000; index++) {
        bool flipped = alternately_flipped(7, 0, index, 0);
        for (int64_t epoch = 1; epoch < 6; epoch++)
            ck_assert(alternately_flipped(7, epoch, index, (int)epoch) == (flipped != (epoch % 2 == 1)));
        first += flipped;
        as_neighbour += flipped == alternately_flipped(7, 0, index + 1, 0);
        as_other_seed += flipped == alternately_flipped(8, 0, index, 0);
    }
    /* 5 standard deviations */
    ck_assert_int_lt(abs(first - 2000), 160);
    ck_assert_int_lt(abs(as_neighbour - 2000), 160);
    ck_assert_int_lt(abs(as_other_seed - 2000), 160);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("transforms");
    TCase *tests = tcase_create("transforms");
    tcase_add_test(tests, normalize_works_channel_by_channel);
    tcase_add_test(tests, crops_are_cut_from_zero_padding);
    tcase_add_test(tests, crops_are_cut_from_reflected_padding);
    tcase_add_test(tests, crops_are_uniform);
    tcase_add_test(tests, no_padding_changes_nothing);
    tcase_add_test(tests, padding_wider_than_the_picture_is_harmless);
    tcase_add_test(tests, flips_mirror_rows_and_keep_channels_together);
    tcase_add_test(tests, flips_are_as_probable_as_asked);
    tcase_add_test(tests, alternating_flips_show_the_other_side_every_epoch);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
