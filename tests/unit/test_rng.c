/* The random numbers: Philox4x32-10 against the known answers that come with Random123, and the
 * distributions. */
#include <math.h>
#include <string.h>

#include "suite.h"
#include "tinycnn.h"

static const struct {
    uint32_t counter[4], key[2], out[4];
} known[] = {
    {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
     {0xffffffff, 0xffffffff},
     {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
     {0xa4093822, 0x299f31d0},
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
};

START_TEST(philox_gives_the_known_answers) {
    uint32_t out[4];
    tc_philox4x32(known[_i].counter, known[_i].key, out);
    ck_assert_mem_eq(out, known[_i].out, sizeof out);
}
END_TEST

START_TEST(philox_may_write_over_its_counter) {
    uint32_t block[4];
    memcpy(block, known[2].counter, sizeof block);
    tc_philox4x32(block, known[2].key, block);
    ck_assert_mem_eq(block, known[2].out, sizeof block);
}
END_TEST

START_TEST(a_copy_goes_the_same_way) {
    tc_rng a = tc_rng_create(1, 2);
    for (int i = 0; i < 6; i++) tc_rng_u32(&a);
    ck_assert_uint_eq(a.position, 6);
    tc_rng b = a;
    for (int i = 0; i < 100; i++) ck_assert_uint_eq(tc_rng_u32(&a), tc_rng_u32(&b));
}
END_TEST

START_TEST(seed_and_stream_matter) {
    const uint64_t pairs[][2] = {{1, 2}, {2, 1}, {1, 3}, {1, 2ull << 32}, {1ull << 32, 2}, {1, 0}, {0, 1}};
    enum { PAIRS = sizeof pairs / sizeof *pairs };
    uint32_t first[PAIRS];
    for (int i = 0; i < PAIRS; i++) {
        tc_rng rng = tc_rng_create(pairs[i][0], pairs[i][1]);
        first[i] = tc_rng_u32(&rng);
        for (int k = 0; k < i; k++) ck_assert_uint_ne(first[i], first[k]);
    }
}
END_TEST

START_TEST(every_number_of_a_stream_name_matters) {
    uint64_t names[64];
    int count = 0;
    for (uint64_t a = 0; a < 4; a++)
        for (uint64_t b = 0; b < 4; b++)
            for (uint64_t c = 0; c < 4; c++) names[count++] = tc_rng_stream(a, b, c);
    for (int i = 0; i < count; i++)
        for (int k = 0; k < i; k++) ck_assert(names[i] != names[k]);
}
END_TEST

/* Chi-squared with 63 degrees of freedom: mean 63, deviation 11.2. */
START_TEST(uniform_is_even) {
    enum { DRAWS = 640000 };
    int counts[64] = {0};
    double sum = 0, chi = 0;
    tc_rng rng = tc_rng_create(7, 0);
    for (int i = 0; i < DRAWS; i++) {
        float u = tc_rng_uniform(&rng);
        if (!(u >= 0 && u < 1)) ck_abort_msg("%g is not in [0, 1)", (double)u);
        counts[(int)(u * 64)]++;
        sum += (double)u;
    }
    for (int i = 0; i < 64; i++) chi += pow(counts[i] - DRAWS / 64.0, 2) / (DRAWS / 64.0);
    ck_assert_double_le(chi, 63 + 5 * 11.2);
    ck_assert_double_ge(chi, 63 - 5 * 11.2);
    ck_assert_double_eq_tol(sum / DRAWS, 0.5, 5 * 0.2887 / sqrt(DRAWS));
}
END_TEST

/* 3 * 2^30 is where taking the rest of a division would give the lower third twice as often as the upper
 * ones. */
START_TEST(below_is_unbiased_for_a_large_bound) {
    enum { DRAWS = 90000 };
    const uint32_t third = 1u << 30;
    int counts[3] = {0};
    tc_rng rng = tc_rng_create(8, 0);
    for (int i = 0; i < DRAWS; i++) {
        uint32_t value = tc_rng_below(&rng, 3 * third);
        ck_assert_uint_lt(value, 3 * third);
        counts[value / third]++;
    }
    for (int i = 0; i < 3; i++) ck_assert_double_le(fabs(counts[i] - DRAWS / 3.0), 5 * sqrt(DRAWS * 2 / 9.0));
}
END_TEST

START_TEST(below_is_even_for_small_bounds) {
    enum { DRAWS = 100000 };
    for (uint32_t bound = 1; bound <= 10; bound++) {
        int counts[10] = {0};
        tc_rng rng = tc_rng_create(9, bound);
        for (int i = 0; i < DRAWS; i++) {
            uint32_t value = tc_rng_below(&rng, bound);
            if (value >= bound) ck_abort_msg("%u is not below %u", value, bound);
            counts[value]++;
        }
        double p = 1.0 / bound;
        for (uint32_t i = 0; i < bound; i++)
            ck_assert_double_le(fabs(counts[i] - DRAWS * p), 5 * sqrt(DRAWS * p * (1 - p)));
    }
}
END_TEST

START_TEST(normal_has_the_moments_of_the_normal) {
    enum { DRAWS = 400000 };
    double m1 = 0, m2 = 0, m3 = 0, m4 = 0;
    int beyond_two = 0;
    tc_rng rng = tc_rng_create(10, 0);
    for (int i = 0; i < DRAWS; i++) {
        double x = (double)tc_rng_normal(&rng);
        if (!isfinite(x)) ck_abort_msg("not finite");
        m1 += x, m2 += x * x, m3 += x * x * x, m4 += x * x * x * x;
        beyond_two += fabs(x) > 2;
    }
    double unit = 5 / sqrt(DRAWS); /* five deviations of the mean */
    ck_assert_double_le(fabs(m1 / DRAWS), unit);
    ck_assert_double_le(fabs(m2 / DRAWS - 1), unit * sqrt(2));
    ck_assert_double_le(fabs(m3 / DRAWS), unit * sqrt(15));
    ck_assert_double_le(fabs(m4 / DRAWS - 3), unit * sqrt(96));
    ck_assert_double_le(fabs((double)beyond_two / DRAWS - 0.0455), unit * 0.21);
}
END_TEST

START_TEST(permutation_holds_every_number_once) {
    uint32_t out[1000];
    for (uint32_t n = 0; n <= 1000; n = n < 10 ? n + 1 : n * 10) {
        bool seen[1000] = {false};
        tc_rng rng = tc_rng_create(11, n);
        tc_rng_permutation(&rng, out, n);
        for (uint32_t i = 0; i < n; i++) {
            ck_assert_uint_lt(out[i], n);
            ck_assert(!seen[out[i]]);
            seen[out[i]] = true;
        }
    }
}
END_TEST

/* All 24 orders of four come up equally often. */
START_TEST(permutation_is_even) {
    enum { DRAWS = 48000 };
    int counts[256] = {0}, orders = 0;
    tc_rng rng = tc_rng_create(12, 0);
    for (int i = 0; i < DRAWS; i++) {
        uint32_t out[4];
        tc_rng_permutation(&rng, out, 4);
        counts[out[0] | out[1] << 2 | out[2] << 4 | out[3] << 6]++;
    }
    for (int i = 0; i < 256; i++) {
        if (!counts[i]) continue;
        orders++;
        ck_assert_double_le(fabs(counts[i] - DRAWS / 24.0), 5 * sqrt(DRAWS / 24.0));
    }
    ck_assert_int_eq(orders, 24);
}
END_TEST

static void add(TCase *tests) {
    tcase_add_loop_test(tests, philox_gives_the_known_answers, 0, 3);
    tcase_add_test(tests, philox_may_write_over_its_counter);
    tcase_add_test(tests, a_copy_goes_the_same_way);
    tcase_add_test(tests, seed_and_stream_matter);
    tcase_add_test(tests, every_number_of_a_stream_name_matters);
    tcase_add_test(tests, uniform_is_even);
    tcase_add_test(tests, below_is_unbiased_for_a_large_bound);
    tcase_add_test(tests, below_is_even_for_small_bounds);
    tcase_add_test(tests, normal_has_the_moments_of_the_normal);
    tcase_add_test(tests, permutation_holds_every_number_once);
    tcase_add_test(tests, permutation_is_even);
}

int main(void) {
    return suite_main("rng", add);
}
