/* NumPy's arrays as data sets: what numpy.savez wrote (tests/golden/make_arrays.py), and the same by hand. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data_files.h"
#include "datasets.h"
#include "suite.h"

enum { TRAIN = 5, TEST = 3, HEIGHT = 4, WIDTH = 6, CHANNELS = 3, PICTURE = HEIGHT * WIDTH * CHANNELS };

static void expect_good(const tc_dataset *d, int channels) {
    int picture = HEIGHT * WIDTH * channels;
    ck_assert_int_eq(d->channels, channels);
    ck_assert_int_eq(d->height, HEIGHT);
    ck_assert_int_eq(d->width, WIDTH);
    ck_assert_int_eq(d->classes, 3);
    ck_assert_str_eq(d->class_names[2], "2");
    ck_assert_int_eq(d->train.count, TRAIN);
    ck_assert_int_eq(d->test.count, TEST);
    for (int i = 0; i < TRAIN * picture; i++) ck_assert_int_eq(d->train.pixels[i], (uint8_t)(1 + 7 * i));
    for (int i = 0; i < TEST * picture; i++) ck_assert_int_eq(d->test.pixels[i], (uint8_t)(100 + 7 * i));
    for (int i = 0; i < TRAIN; i++) ck_assert_int_eq(d->train.labels[i], (2 + i) % 3);
    for (int i = 0; i < TEST; i++) ck_assert_int_eq(d->test.labels[i], i % 3);
    ck_assert(d->deviation[0] > 0);
}

static const char *golden(const char *name) {
    static char path[4096];
    snprintf(path, sizeof path, "%s/arrays/%s.npz", TC_GOLDEN_DIR, name);
    return path;
}

static bool has_zip(const char *path) {
    tc_dataset *d;
    if (tc_zip_version()) return true;
    ck_assert_int_eq(tc_arrays_open(path, 1, &d), TC_ERR_UNSUPPORTED);
    return false;
}

START_TEST(what_numpy_wrote_is_read) {
    static const char *const names[] = {"stored", "deflated", "planes"};
    tc_dataset *d;
    if (!has_zip(golden(names[_i]))) return;
    ck_assert_msg(tc_dataset_open(golden(names[_i]), NULL, &d) == TC_OK, "%s", tc_last_error());
    expect_good(d, CHANNELS);
    tc_dataset_free(d);
}
END_TEST

static void expect_refused(const char *path, const char *what) {
    tc_dataset *d;
    ck_assert_int_ne(tc_arrays_open(path, 1, &d), TC_OK);
    ck_assert_msg(strstr(tc_last_error(), what) != NULL, "\"%s\" is not in: %s", what, tc_last_error());
    ck_assert_ptr_null(d);
}

START_TEST(other_forms_are_refused_by_name) {
    if (!has_zip(golden("fortran"))) return;
    expect_refused(golden("fortran"), "fortran.npz: x_train.npy: in Fortran's order, expected C's");
    expect_refused(golden("floats"), "floats.npz: x_train.npy: values of type f4, expected uint8 (u1)");
    expect_refused(golden("nowhere"), "nowhere.npz");
}
END_TEST

/* ---- By hand ------------------------------------------------------------------------------------------- */

static void write_npy(const char *name, const char *descr, const char *shape, const void *values,
                      size_t size) {
    uint8_t file[4096] = "\x93NUMPY\1";
    int length =
        snprintf((char *)file + 10, 200, "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }%*s\n",
                 descr, shape, 20, "");
    file[8] = (uint8_t)length;
    memcpy(file + 10 + length, values, size);
    data_write(name, file, 10 + (size_t)length + size);
}

static void write_pictures(const char *name, const char *shape, int count, int first) {
    uint8_t values[TRAIN * PICTURE];
    for (int i = 0; i < count * HEIGHT * WIDTH; i++) values[i] = (uint8_t)(first + 7 * i);
    write_npy(name, "|u1", shape, values, (size_t)(count * HEIGHT * WIDTH));
}

static const uint8_t train_labels[TRAIN] = {2, 0, 1, 2, 0}, test_labels[TEST] = {0, 1, 2};

static void write_all(void) {
    write_pictures("a/x_train.npy", "5, 4, 6", TRAIN, 1);
    write_pictures("a/x_test.npy", "3, 4, 6", TEST, 100);
    write_npy("a/y_train.npy", "|u1", "5,", train_labels, TRAIN);
    write_npy("a/y_test.npy", "|u1", "3,", test_labels, TEST);
}

static void setup(void) {
    data_make_place();
    data_make_folder("a");
    write_all();
}

static void teardown(void) {
    data_remove("a");
    data_remove_place();
}

START_TEST(a_folder_of_arrays_is_read) {
    tc_dataset *d;
    ck_assert_msg(tc_dataset_open(data_path("a"), NULL, &d) == TC_OK, "%s", tc_last_error());
    expect_good(d, 1);
    tc_dataset_free(d);
}
END_TEST

START_TEST(what_is_wrong_is_said) {
    const char *a = data_path("a");
    char folder[4096];
    snprintf(folder, sizeof folder, "%s", a);
    const int32_t negative[TRAIN] = {0, 1, -3, 0, 0};
    write_npy("a/y_train.npy", "<i4", "5,", negative, sizeof negative);
    expect_refused(folder, "y_train.npy: label 3 of 5 is -3, expected 0 to 255");
    write_npy("a/y_train.npy", "<f4", "5,", negative, sizeof negative);
    expect_refused(folder, "y_train.npy: f4 of shape (5), expected whole numbers of shape (N)");
    write_npy("a/y_train.npy", "<U1", "5,", negative, sizeof negative);
    expect_refused(folder, "y_train.npy: values of type U1, expected numbers");
    write_npy("a/y_train.npy", "|u1", "4,", train_labels, 4);
    expect_refused(folder, "x_train.npy: 5 pictures, but 4 labels");
    write_npy("a/y_train.npy", "|u1", "5,", train_labels, 4);
    expect_refused(folder, "y_train.npy: 4 bytes of values, which is not what its shape and type need");
    write_npy("a/y_train.npy", "|u1", "9223372036854775807, 9223372036854775807", train_labels, 5);
    expect_refused(folder, "which is not what its shape and type need");
    write_npy("a/y_train.npy", "|u1", "99999999999999999999,", train_labels, 5);
    expect_refused(folder, "which is not what its shape and type need");
    write_all();
    write_npy("a/y_test.npy", "|u1", "3,", (const uint8_t[]){0, 1, 3}, TEST);
    expect_refused(folder, "labels up to 2 in training and 3 in test");
    write_all();
    write_pictures("a/x_test.npy", "3, 6, 4", TEST, 100);
    expect_refused(folder, "x_test.npy: pictures of (1, 6, 4), expected (1, 4, 6) as in training");
    write_pictures("a/x_test.npy", "72,", TEST, 100);
    expect_refused(folder, "x_test.npy: u1 of shape (72), expected (N, H, W)");
    data_write("a/x_test.npy", "PK", 2);
    expect_refused(folder, "x_test.npy: ends too early");
    data_write("a/x_test.npy", "0123456789012345", 16);
    expect_refused(folder, "x_test.npy: does not begin as NumPy's arrays do");
    data_remove("a/x_test.npy");
    expect_refused(folder, "has neither x_test.npy nor test_images.npy");
}
END_TEST

/* ---- Damage -------------------------------------------------------------------------------------------- */

static uint8_t *read_all(const char *path, size_t *size) {
    static uint8_t bytes[1 << 14];
    FILE *f = fopen(path, "rb");
    ck_assert_ptr_nonnull(f);
    *size = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    return bytes;
}

/* A zip has checksums: what is read in spite of damage is what was written. */
START_TEST(a_damaged_npz_never_gives_other_pictures) {
    static const char *const names[] = {"stored", "deflated"};
    size_t size;
    tc_dataset *d;
    if (!has_zip(golden(names[_i]))) return;
    uint8_t *bytes = read_all(golden(names[_i]), &size);
    for (size_t length = 0; length < size; length++) {
        data_write("damaged.npz", bytes, length);
        ck_assert_int_ne(tc_arrays_open(data_path("damaged.npz"), 1, &d), TC_OK);
    }
    for (size_t i = 0; i < size; i++) {
        bytes[i] ^= 0xff;
        data_write("damaged.npz", bytes, size);
        bytes[i] ^= 0xff;
        if (tc_arrays_open(data_path("damaged.npz"), 1, &d) != TC_OK) continue;
        expect_good(d, CHANNELS);
        tc_dataset_free(d);
    }
    data_remove("damaged.npz");
}
END_TEST

static void add(TCase *tests) {
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, what_numpy_wrote_is_read, 0, 3);
    tcase_add_test(tests, other_forms_are_refused_by_name);
    tcase_add_test(tests, a_folder_of_arrays_is_read);
    tcase_add_test(tests, what_is_wrong_is_said);
    tcase_add_loop_test(tests, a_damaged_npz_never_gives_other_pictures, 0, 2);
}

int main(void) {
    return suite_main("arrays", add);
}
