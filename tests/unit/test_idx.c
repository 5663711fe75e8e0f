/* MNIST's files, plain and behind gzip, and all that can be wrong with them; CIFAR-100's records. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "data_files.h"
#include "datasets.h"
#include "suite.h"

enum { TRAIN = 5, TEST = 3, HEIGHT = 4, WIDTH = 6, PIXELS = HEIGHT * WIDTH };

typedef struct bytes {
    uint8_t data[512];
    size_t size;
} bytes;

static void put_number(bytes *b, uint32_t n) {
    for (int shift = 24; shift >= 0; shift -= 8) b->data[b->size++] = (uint8_t)(n >> shift);
}

static bytes pictures_of(uint32_t count, uint32_t height, uint32_t width, uint8_t begin) {
    bytes b = {.size = 0};
    put_number(&b, 0x00000803);
    put_number(&b, count);
    put_number(&b, height);
    put_number(&b, width);
    for (uint32_t i = 0; i < count * height * width; i++) b.data[b.size++] = (uint8_t)(begin + i * 7);
    return b;
}

static bytes labels_of(uint32_t count, uint8_t begin) {
    bytes b = {.size = 0};
    put_number(&b, 0x00000801);
    put_number(&b, count);
    for (uint32_t i = 0; i < count; i++) b.data[b.size++] = (uint8_t)((begin + i) % 10);
    return b;
}

static void write_plain(const char *name, const bytes *b) {
    data_write(name, b->data, b->size);
}

static void write_gz(const char *name, const bytes *b) {
    gzFile f = gzopen(data_path(name), "wb9");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(gzwrite(f, b->data, (unsigned)b->size), (int)b->size);
    gzclose(f);
}

static const char *const names[] = {"m/train-images-idx3-ubyte", "m/train-labels-idx1-ubyte",
                                    "m/t10k-images-idx3-ubyte", "m/t10k-labels-idx1-ubyte"};

static void make(bytes files[4]) {
    files[0] = pictures_of(TRAIN, HEIGHT, WIDTH, 1);
    files[1] = labels_of(TRAIN, 8);
    files[2] = pictures_of(TEST, HEIGHT, WIDTH, 100);
    files[3] = labels_of(TEST, 2);
}

static void write_all(void) {
    bytes files[4];
    make(files);
    for (int i = 0; i < 4; i++) write_plain(names[i], &files[i]);
}

static void setup(void) {
    data_make_place();
    data_make_folder("m");
    write_all();
}

static void teardown(void) {
    data_remove("m");
    data_remove_place();
}

static void expect_good(tc_dataset *d) {
    ck_assert_int_eq(d->channels, 1);
    ck_assert_int_eq(d->height, HEIGHT);
    ck_assert_int_eq(d->width, WIDTH);
    ck_assert_int_eq(d->classes, 10);
    ck_assert_int_eq(d->train.count, TRAIN);
    ck_assert_int_eq(d->test.count, TEST);
    for (int i = 0; i < TRAIN * PIXELS; i++) ck_assert_int_eq(d->train.pixels[i], (uint8_t)(1 + i * 7));
    for (int i = 0; i < TEST * PIXELS; i++) ck_assert_int_eq(d->test.pixels[i], (uint8_t)(100 + i * 7));
    for (int i = 0; i < TRAIN; i++) ck_assert_int_eq(d->train.labels[i], (8 + i) % 10);
}

START_TEST(plain_and_gzip_give_the_same) {
    tc_dataset *d;
    ck_assert_msg(tc_mnist_open(data_path("m"), false, &d) == TC_OK, "%s", tc_last_error());
    expect_good(d);
    ck_assert_str_eq(d->name, "mnist");
    ck_assert_str_eq(d->class_names[9], "9");
    tc_dataset_free(d);
    bytes files[4];
    make(files);
    for (int i = 0; i < 4; i++) {
        char name[64];
        data_remove(names[i]);
        snprintf(name, sizeof name, "%s.gz", names[i]);
        write_gz(name, &files[i]);
    }
    ck_assert_msg(tc_dataset_open(data_path("m"), NULL, &d) == TC_OK, "%s", tc_last_error());
    expect_good(d);
    tc_dataset_free(d);
    /* By path, the last folder that is called after one of the two says which it is. */
    static const char *const places[][3] = {{"FashionMNIST", "raw", "fashion-mnist"},
                                            {"fashion-team", "MNIST", "mnist"},
                                            {"fashion", "idx", "fashion-mnist"}};
    for (int i = 0; i < 3; i++) {
        char from[4096], to[4096];
        snprintf(from, sizeof from, "%s", data_path("m"));
        data_make_folder(places[i][0]);
        snprintf(to, sizeof to, "%s/%s", data_path(places[i][0]), places[i][1]);
        ck_assert_int_eq(rename(from, to), 0);
        ck_assert_msg(tc_dataset_open(to, NULL, &d) == TC_OK, "%s", tc_last_error());
        ck_assert_str_eq(d->name, places[i][2]);
        tc_dataset_free(d);
        ck_assert_int_eq(rename(to, from), 0);
        data_remove(places[i][0]);
    }
    ck_assert_int_eq(tc_mnist_open(data_path("m"), true, &d), TC_OK);
    ck_assert_str_eq(d->name, "fashion-mnist");
    ck_assert_str_eq(d->class_names[9], "ankle boot");
    tc_dataset_free(d);
}
END_TEST

static void expect_failure(tc_status status, const char *what) {
    tc_dataset *d;
    ck_assert_int_eq(tc_mnist_open(data_path("m"), false, &d), status);
    ck_assert_msg(strstr(tc_last_error(), what) != NULL, "\"%s\" is not in: %s", what, tc_last_error());
    ck_assert_ptr_null(d);
}

START_TEST(what_is_wrong_is_said) {
    bytes b = labels_of(TRAIN, 8);
    b.data[b.size - 1] = 11;
    write_plain(names[1], &b);
    expect_failure(TC_ERR_FORMAT, "train-labels-idx1-ubyte: record 5 of 5 has label 11, expected 0 to 9");
    b = labels_of(TRAIN - 1, 8);
    write_plain(names[1], &b);
    expect_failure(TC_ERR_FORMAT, "4 labels, expected 5, one for each picture");
    b = labels_of(TRAIN, 8);
    b.data[b.size++] = 0;
    write_plain(names[1], &b);
    expect_failure(TC_ERR_FORMAT, "goes on behind its last record");
    b.data[2] = 9;
    write_plain(names[1], &b);
    expect_failure(TC_ERR_FORMAT, "begins with 00 00 09 01, expected 00 00 08 01");
    write_all();
    b = pictures_of(TEST, WIDTH, HEIGHT, 0);
    write_plain(names[2], &b);
    expect_failure(TC_ERR_FORMAT, "pictures of 6 x 4, expected 4 x 6 as in training");
    b = pictures_of(0, WIDTH, HEIGHT, 0);
    write_plain(names[2], &b);
    expect_failure(TC_ERR_FORMAT, "holds no record");
    b = pictures_of(1, WIDTH, 0, 0);
    write_plain(names[2], &b);
    expect_failure(TC_ERR_FORMAT, "a side of 0");
    b = pictures_of(1, 1, 1, 0);
    b.data[4] = 0x7f; /* two thousand million records in a file of 17 bytes */
    write_plain(names[2], &b);
    expect_failure(TC_ERR_FORMAT, "more than it can hold");
    data_remove(names[2]);
    expect_failure(TC_ERR_IO, "t10k-images-idx3-ubyte: not found, nor with .gz behind it");
}
END_TEST

/* Cut at every length, and each byte changed: refused with a sentence or, where it is a pixel, read. */
START_TEST(damage_is_answered) {
    bytes files[4];
    tc_dataset *d;
    make(files);
    for (int f = 0; f < 4; f++) {
        for (size_t length = 0; length < files[f].size; length++) {
            data_write(names[f], files[f].data, length);
            ck_assert_int_ne(tc_mnist_open(data_path("m"), false, &d), TC_OK);
            ck_assert_ptr_nonnull(strstr(tc_last_error(), names[f] + 2));
        }
        for (size_t i = 0; i < files[f].size; i++) {
            files[f].data[i] ^= 0x55;
            write_plain(names[f], &files[f]);
            if (tc_mnist_open(data_path("m"), false, &d) == TC_OK) tc_dataset_free(d);
            files[f].data[i] ^= 0x55;
        }
        write_plain(names[f], &files[f]);
    }
    ck_assert_int_eq(tc_mnist_open(data_path("m"), false, &d), TC_OK);
    tc_dataset_free(d);
}
END_TEST

/* gzip's own checksum tells every change that matters; bits that fill a byte up may be anything. */
START_TEST(a_damaged_gzip_is_told) {
    bytes files[4];
    uint8_t packed[1024];
    size_t refused = 0;
    tc_dataset *d;
    make(files);
    data_remove(names[0]);
    write_gz("m/train-images-idx3-ubyte.gz", &files[0]);
    FILE *f = fopen(data_path("m/train-images-idx3-ubyte.gz"), "rb");
    size_t size = fread(packed, 1, sizeof packed, f);
    fclose(f);
    for (size_t length = 0; length < size; length++) {
        data_write("m/train-images-idx3-ubyte.gz", packed, length);
        ck_assert_int_ne(tc_mnist_open(data_path("m"), false, &d), TC_OK);
    }
    for (size_t i = 10; i < size; i++) {
        packed[i] ^= 0x10;
        data_write("m/train-images-idx3-ubyte.gz", packed, size);
        if (tc_mnist_open(data_path("m"), false, &d) == TC_OK) {
            expect_good(d);
            tc_dataset_free(d);
        } else {
            refused++;
        }
        packed[i] ^= 0x10;
    }
    ck_assert_uint_gt(refused, size - 20);
}
END_TEST

/* ---- CIFAR-100 ------------------------------------------------------------------------------------------ */

static void write_cifar100(const char *name, int count) {
    uint8_t *records = malloc((size_t)count * 3074);
    for (int i = 0; i < count; i++) {
        records[i * 3074] = (uint8_t)(i % 20);
        records[i * 3074 + 1] = (uint8_t)(99 - i % 100);
        for (int p = 0; p < 3072; p++) records[i * 3074 + 2 + p] = (uint8_t)(i + p / 1024 * 50);
    }
    data_write(name, records, (size_t)count * 3074);
    free(records);
}

START_TEST(cifar100_has_two_labels) {
    tc_dataset *d;
    data_make_folder("c");
    write_cifar100("c/train.bin", 30);
    write_cifar100("c/test.bin", 4);
    ck_assert_msg(tc_dataset_open(data_path("c"), NULL, &d) == TC_OK, "%s", tc_last_error());
    ck_assert_str_eq(d->name, "cifar100");
    ck_assert_int_eq(d->classes, 100);
    ck_assert_str_eq(d->class_names[0], "apple");
    ck_assert_str_eq(d->class_names[99], "worm");
    ck_assert_int_eq(d->train.count, 30);
    ck_assert_int_eq(d->train.labels[29], 70);
    ck_assert_mem_eq(d->train.pixels + 29 * 3072, ((uint8_t[]){29, 79, 129}), 3);
    tc_dataset_free(d);
    ck_assert_int_eq(tc_cifar100_open(data_path("c"), true, &d), TC_OK);
    ck_assert_int_eq(d->classes, 20);
    ck_assert_str_eq(d->class_names[19], "vehicles_2");
    ck_assert_int_eq(d->train.labels[29], 9);
    tc_dataset_free(d);
    data_write("c/test.bin", "\0", 1);
    ck_assert_int_eq(tc_cifar100_open(data_path("c"), true, &d), TC_ERR_FORMAT);
    ck_assert_ptr_nonnull(strstr(tc_last_error(), "record 1 has 1 bytes, expected 3074"));
    data_remove("c/test.bin");
    ck_assert_int_eq(tc_cifar100_open(data_path("c"), true, &d), TC_ERR_IO);
    ck_assert_ptr_nonnull(strstr(tc_last_error(), "expected in a folder of CIFAR-100"));
    data_remove("c");
}
END_TEST

static void add(TCase *tests) {
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, plain_and_gzip_give_the_same);
    tcase_add_test(tests, what_is_wrong_is_said);
    tcase_add_test(tests, damage_is_answered);
    tcase_add_test(tests, a_damaged_gzip_is_told);
    tcase_add_test(tests, cifar100_has_two_labels);
}

int main(void) {
    return suite_main("idx", add);
}
