/* Copies that were planted are found, and nothing else is. */
#include <stdlib.h>
#include <string.h>

#include "duplicates.h"
#include "suite.h"

enum { TRAIN = 400, TEST = 100 };

static tc_dataset *data;
static size_t bytes;

static void setup(void) {
    ck_assert_int_eq(tc_shapes_open(TRAIN, TEST, 5, 1, &data), TC_OK);
    bytes = (size_t)(data->height * data->width * data->channels);
}

static void teardown(void) {
    tc_dataset_free(data);
}

static uint8_t *train(int i) {
    return data->train.pixels + (size_t)i * bytes;
}

static uint8_t *test(int i) {
    return data->test.pixels + (size_t)i * bytes;
}

static void find(bool near, duplicate_list *list) {
    ck_assert_msg(duplicates_find(data, near, 2, list) == TC_OK, "%s", tc_last_error());
}

START_TEST(nothing_is_found_where_nothing_is) {
    duplicate_list list;
    find(true, &list);
    ck_assert_int_eq(list.count, 0);
    duplicates_free(&list);
}
END_TEST

START_TEST(exact_copies) {
    duplicate_list list;
    memcpy(train(7), train(3), bytes);
    memcpy(train(90), train(3), bytes);
    memcpy(test(11), train(200), bytes);
    find(false, &list);
    ck_assert_int_eq(list.count, 3);
    ck_assert(list.pairs[0].a == 3 && list.pairs[0].b == 7 && list.pairs[0].exact);
    ck_assert(list.pairs[1].a == 3 && list.pairs[1].b == 90);
    ck_assert(list.pairs[2].a == 200 && list.pairs[2].b == TRAIN + 11 && list.pairs[2].likeness == 1);
    ck_assert_int_eq(duplicate_label(data, TRAIN + 11), data->test.labels[11]);
    ck_assert_ptr_eq(duplicate_picture(data, TRAIN + 11), test(11));
    duplicates_free(&list);
    /* And none of them is a near one as well. */
    find(true, &list);
    ck_assert_int_eq(list.count, 3);
    duplicates_free(&list);
}
END_TEST

START_TEST(near_copies) {
    duplicate_list list;
    memcpy(train(20), train(10), bytes);
    train(20)[100] ^= 1;                                                              /* one bit */
    for (size_t i = 0; i < bytes; i++) test(5)[i] = (uint8_t)(train(30)[i] / 2 + 40); /* paler and brighter */
    ck_assert_int_eq(
        tc_corrupt(TC_CORRUPT_SHIFT, 1, 1, 0, train(40), data->height, data->width, data->channels, test(6)),
        TC_OK);
    find(true, &list);
    ck_assert_int_eq(list.count, 3);
    for (int i = 0; i < 3; i++) ck_assert(!list.pairs[i].exact && list.pairs[i].likeness > 0.9);
    bool paler = false, moved = false, bit = false;
    for (int i = 0; i < 3; i++) {
        ck_assert(i == 0 || list.pairs[i].likeness <= list.pairs[i - 1].likeness);
        bit = bit || (list.pairs[i].a == 10 && list.pairs[i].b == 20);
        paler = paler || (list.pairs[i].a == 30 && list.pairs[i].b == TRAIN + 5);
        moved = moved || (list.pairs[i].a == 40 && list.pairs[i].b == TRAIN + 6);
    }
    ck_assert(paler && moved && bit);
    duplicates_free(&list);
    find(false, &list);
    ck_assert_int_eq(list.count, 0);
    duplicates_free(&list);
}
END_TEST

START_TEST(pictures_without_contrast_are_compared_exactly_only) {
    duplicate_list list;
    memset(train(1), 100, bytes);
    memset(train(2), 101, bytes);
    memset(train(3), 100, bytes);
    find(true, &list);
    ck_assert_int_eq(list.count, 1);
    ck_assert(list.pairs[0].a == 1 && list.pairs[0].b == 3 && list.pairs[0].exact);
    duplicates_free(&list);
}
END_TEST

START_TEST(the_same_on_any_number_of_threads) {
    duplicate_list one, two;
    memcpy(train(20), train(10), bytes);
    train(20)[100] ^= 1;
    ck_assert_int_eq(duplicates_find(data, true, 1, &one), TC_OK);
    ck_assert_int_eq(duplicates_find(data, true, 3, &two), TC_OK);
    ck_assert_int_eq(one.count, two.count);
    ck_assert(one.pairs[0].likeness == two.pairs[0].likeness);
    duplicates_free(&one), duplicates_free(&two);
}
END_TEST

static void add(TCase *tests) {
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, nothing_is_found_where_nothing_is);
    tcase_add_test(tests, exact_copies);
    tcase_add_test(tests, near_copies);
    tcase_add_test(tests, pictures_without_contrast_are_compared_exactly_only);
    tcase_add_test(tests, the_same_on_any_number_of_threads);
}

int main(void) {
    return suite_main("duplicates", add);
}
