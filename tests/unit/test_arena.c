/* The arena: alignment, reuse after a reset, requests that can't be met. */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "suite.h"
#include "tinycnn.h"

static const size_t sizes[] = {1, 63, 64, 65, 1000, 4096, 100000, 3, 1 << 20, 17, 5000000, 64};
enum { SIZES = sizeof sizes / sizeof *sizes };

static bool holds_only(const unsigned char *bytes, size_t size, unsigned char value) {
    for (size_t k = 0; k < size; k++)
        if (bytes[k] != value) return false;
    return true;
}

START_TEST(blocks_are_aligned_and_apart) {
    tc_arena *arena = tc_arena_create();
    unsigned char *blocks[SIZES];
    for (int i = 0; i < SIZES; i++) {
        blocks[i] = tc_arena_alloc(arena, sizes[i]);
        ck_assert_ptr_nonnull(blocks[i]);
        ck_assert_uint_eq((uintptr_t)blocks[i] % 64, 0);
        memset(blocks[i], i + 1, sizes[i]);
    }
    for (int i = 0; i < SIZES; i++) ck_assert(holds_only(blocks[i], sizes[i], (unsigned char)(i + 1)));
    tc_arena_free(arena);
}
END_TEST

START_TEST(a_reset_finds_the_same_places_and_takes_no_more) {
    tc_arena *arena = tc_arena_create();
    void *first[SIZES];
    for (int i = 0; i < SIZES; i++) first[i] = tc_arena_alloc(arena, sizes[i]);
    size_t held = tc_arena_bytes(arena);
    for (int round = 0; round < 100; round++) {
        tc_arena_reset(arena);
        for (int i = 0; i < SIZES; i++) ck_assert_ptr_eq(tc_arena_alloc(arena, sizes[i]), first[i]);
    }
    ck_assert_uint_eq(tc_arena_bytes(arena), held);
    tc_arena_free(arena);
}
END_TEST

/* What was asked for is held, and growth wastes less than the same again. */
START_TEST(holds_what_was_asked_for) {
    tc_arena *arena = tc_arena_create();
    ck_assert_uint_eq(tc_arena_bytes(arena), 0);
    size_t asked = 0;
    for (int i = 0; i < 2000; i++) {
        ck_assert_ptr_nonnull(tc_arena_alloc(arena, 10000));
        asked += 10000;
    }
    ck_assert_uint_ge(tc_arena_bytes(arena), asked);
    ck_assert_uint_le(tc_arena_bytes(arena), 2 * asked);
    tc_arena_free(arena);
}
END_TEST

START_TEST(zero_bytes_are_a_valid_request) {
    tc_arena *arena = tc_arena_create();
    void *nothing = tc_arena_alloc(arena, 0);
    ck_assert_ptr_nonnull(nothing);
    ck_assert_ptr_ne(nothing, tc_arena_alloc(arena, 1));
    tc_arena_free(arena);
}
END_TEST

START_TEST(an_impossible_request_is_refused_and_the_arena_goes_on) {
    const size_t impossible[] = {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 63, SIZE_MAX - 64, SIZE_MAX / 2};
    tc_arena *arena = tc_arena_create();
    unsigned char *before = tc_arena_alloc(arena, 100);
    memset(before, 9, 100);
    for (int i = 0; i < 5; i++) {
        ck_assert_ptr_null(tc_arena_alloc(arena, impossible[i]));
        ck_assert_ptr_nonnull(strstr(tc_last_error(), "memory"));
        char digits[32];
        snprintf(digits, sizeof digits, "%zu", impossible[i]);
        ck_assert_ptr_nonnull(strstr(tc_last_error(), digits));
    }
    unsigned char *after = tc_arena_alloc(arena, 100);
    ck_assert_ptr_nonnull(after);
    memset(after, 8, 100);
    ck_assert(holds_only(before, 100, 9));
    tc_arena_free(arena);
}
END_TEST

START_TEST(null_may_be_freed) {
    tc_arena_free(NULL);
}
END_TEST

static void add(TCase *tests) {
    tcase_add_test(tests, blocks_are_aligned_and_apart);
    tcase_add_test(tests, a_reset_finds_the_same_places_and_takes_no_more);
    tcase_add_test(tests, holds_what_was_asked_for);
    tcase_add_test(tests, zero_bytes_are_a_valid_request);
    tcase_add_test(tests, an_impossible_request_is_refused_and_the_arena_goes_on);
    tcase_add_test(tests, null_may_be_freed);
}

int main(void) {
    return suite_main("arena", add);
}
