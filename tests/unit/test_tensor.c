/* Shapes, and the doors between channels-last memory and N, C, H, W order. */
#include <stdint.h>
#include <string.h>

#include "suite.h"
#include "tinycnn.h"

START_TEST(a_new_tensor_is_zero) {
    tc_arena *arena = tc_arena_create();
    memset(tc_arena_alloc(arena, 4096), 0xff, 4096);
    tc_arena_reset(arena);
    tc_tensor *x = tc_tensor_new(arena, 2, 3, 4, 5);
    ck_assert_ptr_nonnull(x);
    ck_assert_int_eq(x->ndim, 4);
    ck_assert_int_eq(tc_numel(x), 120);
    ck_assert(!x->requires_grad && !x->retain_grad);
    ck_assert_ptr_null(x->grad);
    for (int i = 0; i < 120; i++) ck_assert(x->data[i] == 0);
    tc_arena_free(arena);
}
END_TEST

START_TEST(unused_extents_are_one) {
    tc_arena *arena = tc_arena_create();
    tc_tensor *scalar = tc_tensor_create(arena, 0, NULL), *matrix = tc_tensor_new(arena, 4, 7);
    ck_assert_int_eq(tc_numel(scalar), 1);
    for (int i = 0; i < TC_MAX_DIMS; i++) ck_assert_int_eq(scalar->shape[i], 1);
    ck_assert_int_eq(matrix->ndim, 2);
    ck_assert_int_eq(matrix->shape[2], 1);
    ck_assert_int_eq(matrix->shape[3], 1);
    ck_assert_int_eq(tc_numel(matrix), 28);
    tc_arena_free(arena);
}
END_TEST

static const struct {
    int ndim;
    int64_t shape[4];
} impossible[] = {
    {-1, {1, 1, 1, 1}},
    {5, {1, 1, 1, 1}},
    {1, {0, 1, 1, 1}},
    {2, {3, -2, 1, 1}},
    {4, {2, 3, 0, 5}},
    {2, {INT64_MAX, 2, 1, 1}},
    {1, {INT64_MAX, 1, 1, 1}},
    {1, {INT64_MAX / 4 + 2, 1, 1, 1}},
    {4, {65536, 65536, 65536, 65536}},   /* 2^64 elements: nothing is left of the product */
    {3, {2097152, 2097152, 1048576, 1}}, /* 2^62 elements: nothing is left of the bytes */
    {4, {4294967296, 4294967296, 1, 1}},
};

START_TEST(impossible_shapes_are_refused) {
    tc_arena *arena = tc_arena_create();
    int64_t shape[5] = {1, 1, 1, 1, 1};
    memcpy(shape, impossible[_i].shape, sizeof impossible[_i].shape);
    tc_fail(TC_OK, "nothing yet");
    ck_assert_ptr_null(tc_tensor_create(arena, impossible[_i].ndim, shape));
    ck_assert_str_ne(tc_last_error(), "nothing yet");
    ck_assert_uint_gt(strlen(tc_last_error()), 10);
    tc_arena_free(arena);
}
END_TEST

/* A shape that is possible but larger than the machine. */
START_TEST(a_shape_beyond_memory_is_refused) {
    tc_arena *arena = tc_arena_create();
    ck_assert_ptr_null(tc_tensor_new(arena, 1 << 20, 1 << 20, 1 << 18));
    ck_assert_uint_gt(strlen(tc_last_error()), 10);
    ck_assert_ptr_nonnull(tc_tensor_new(arena, 2, 2));
    tc_arena_free(arena);
}
END_TEST

/* Element (n, c, h, w) lies at ((n H + h) W + w) C + c. */
START_TEST(four_dimensions_lie_channels_last) {
    enum { N = 2, C = 3, H = 4, W = 5 };
    float source[N * C * H * W], back[N * C * H * W];
    for (int i = 0; i < N * C * H * W; i++) source[i] = (float)i;
    tc_arena *arena = tc_arena_create();
    tc_tensor *x = tc_tensor_new(arena, N, C, H, W);
    tc_tensor_from_nchw(x, source);
    for (int n = 0; n < N; n++)
        for (int c = 0; c < C; c++)
            for (int h = 0; h < H; h++)
                for (int w = 0; w < W; w++) {
                    float expected = source[((n * C + c) * H + h) * W + w];
                    ck_assert(x->data[((n * H + h) * W + w) * C + c] == expected);
                    ck_assert(*tc_at(x, n, c, h, w) == expected);
                }
    tc_tensor_to_nchw(x, back);
    ck_assert_mem_eq(back, source, sizeof source);
    float layout[N * C * H * W];
    tc_layout_from_nchw(4, x->shape, source, layout);
    ck_assert_mem_eq(layout, x->data, sizeof layout);
    tc_layout_to_nchw(4, x->shape, layout, back);
    ck_assert_mem_eq(back, source, sizeof source);
    tc_arena_free(arena);
}
END_TEST

START_TEST(fewer_dimensions_lie_row_by_row) {
    float source[24], back[24];
    for (int i = 0; i < 24; i++) source[i] = (float)i;
    tc_arena *arena = tc_arena_create();
    tc_tensor *shapes[] = {tc_tensor_new(arena, 24), tc_tensor_new(arena, 4, 6),
                           tc_tensor_new(arena, 2, 3, 4)};
    for (int i = 0; i < 3; i++) {
        tc_tensor_from_nchw(shapes[i], source);
        ck_assert_mem_eq(shapes[i]->data, source, sizeof source);
        tc_tensor_to_nchw(shapes[i], back);
        ck_assert_mem_eq(back, source, sizeof source);
    }
    tc_arena_free(arena);
}
END_TEST

START_TEST(shapes_as_text) {
    char text[TC_SHAPE_TEXT];
    ck_assert_str_eq(tc_shape_text(4, (const int64_t[]){128, 3, 32, 32}, text), "(128, 3, 32, 32)");
    ck_assert_ptr_eq(tc_shape_text(1, (const int64_t[]){7}, text), text);
    ck_assert_str_eq(text, "(7)");
    ck_assert_str_eq(tc_shape_text(0, NULL, text), "()");
    tc_shape_text(4, (const int64_t[]){INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN}, text);
    ck_assert_uint_lt(strlen(text), TC_SHAPE_TEXT);
    ck_assert_ptr_nonnull(strchr(text, ')'));
}
END_TEST

START_TEST(extents_of_two_axes_in_one_number) {
    ck_assert_int_eq(tc_hw_height(3), 3);
    ck_assert_int_eq(tc_hw_width(3), 3);
    ck_assert_int_eq(tc_hw_height(TC_HW(2, 5)), 2);
    ck_assert_int_eq(tc_hw_width(TC_HW(2, 5)), 5);
    ck_assert_int_eq(tc_hw_height(TC_HW(0, 32767)), 0);
    ck_assert_int_eq(tc_hw_width(TC_HW(0, 32767)), 32767);
    ck_assert_int_eq(tc_hw_height(TC_HW(32767, 0)), 32767);
    ck_assert_int_eq(tc_hw_width(TC_HW(32767, 0)), 0);
}
END_TEST

static void add(TCase *tests) {
    tcase_add_test(tests, a_new_tensor_is_zero);
    tcase_add_test(tests, unused_extents_are_one);
    tcase_add_loop_test(tests, impossible_shapes_are_refused, 0, sizeof impossible / sizeof *impossible);
    tcase_add_test(tests, a_shape_beyond_memory_is_refused);
    tcase_add_test(tests, four_dimensions_lie_channels_last);
    tcase_add_test(tests, fewer_dimensions_lie_row_by_row);
    tcase_add_test(tests, shapes_as_text);
    tcase_add_test(tests, extents_of_two_axes_in_one_number);
}

int main(void) {
    return suite_main("tensor", add);
}
