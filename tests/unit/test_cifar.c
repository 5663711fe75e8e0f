/* CIFAR-10 from folders and archives: the same pictures from both, and one clear sentence for everything that
 * can be wrong with them. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data_files.h"
#include "datasets.h"

/* ---- What is wanted of a good one ------------------------------------------------------------------------
 */

static void expect_the_six_batches(const tc_dataset *set) {
    ck_assert_str_eq(set->name, "cifar10");
    ck_assert_int_eq(set->channels, 3);
    ck_assert_int_eq(set->height, 32);
    ck_assert_int_eq(set->width, 32);
    ck_assert_int_eq(set->classes, 10);
    int64_t at = 0, train = 0;
    for (int b = 0; b < DATA_BATCHES - 1; b++) train += data_cifar_count(b);
    ck_assert_int_eq(set->train.count, train);
    ck_assert_int_eq(set->test.count, data_cifar_count(DATA_BATCHES - 1));
    for (int b = 0; b < DATA_BATCHES; b++) {
        const tc_split *split = b == DATA_BATCHES - 1 ? &set->test : &set->train;
        uint8_t *records = data_batch(b, data_cifar_count(b));
        if (b == DATA_BATCHES - 1) at = 0;
        for (int i = 0; i < data_cifar_count(b); i++, at++) {
            const uint8_t *record = records + i * DATA_RECORD;
            ck_assert_int_eq(split->labels[at], record[0]);
            int wrong = 0;
            for (int p = 0; p < 1024; p++)
                for (int c = 0; c < 3; c++)
                    wrong += split->pixels[at * 3072 + 3 * p + c] != record[1 + 1024 * c + p];
            ck_assert_int_eq(wrong, 0);
        }
        free(records);
    }
}

static tc_dataset *open_well(const char *name) {
    tc_dataset *set;
    tc_status status = tc_cifar10_open(data_path(name), &set);
    ck_assert_msg(status == TC_OK, "%s", tc_last_error());
    expect_the_six_batches(set);
    return set;
}

START_TEST(a_folder_gives_its_pictures_interleaved) {
    data_make_cifar("folder");
    tc_dataset *set = open_well("folder");
    ck_assert_str_eq(set->class_names[0], "airplane");
    ck_assert_str_eq(set->class_names[9], "truck");
    tc_dataset_free(set);
    data_remove("folder");
}
END_TEST

START_TEST(an_archive_gives_what_the_folder_gives) {
    static const char *const prefixes[] = {"cifar-10-batches-bin/", "./cifar-10-batches-bin/", "./", ""};
    for (int i = 0; i < 4; i++) {
        data_tar tar = {0};
        if (i < 2) data_tar_add(&tar, "cifar-10-batches-bin/", '5', NULL, 0);
        data_tar_cifar(&tar, prefixes[i]);
        data_tar_end(&tar);
        data_tar_write(&tar, "a.tar.gz");
        data_tar_free(&tar);
        tc_dataset_free(open_well("a.tar.gz"));
    }
}
END_TEST

START_TEST(the_order_of_members_and_foreign_members_do_not_matter) {
    static const int order[] = {5, 3, 0, 4, 2, 1};
    data_tar tar = {0};
    data_tar_add(&tar, "pax_global_header", 'g', "30 comment=nothing of interest", 30);
    for (int i = 0; i < DATA_BATCHES; i++) {
        char name[100];
        uint8_t *bytes = data_batch(order[i], data_cifar_count(order[i]));
        snprintf(name, sizeof name, "c/%s", data_batch_names[order[i]]);
        /* A name of more than 100 bytes, as pax and as GNU write it, before a member that has a part of it. */
        char longer[300], record[340];
        snprintf(longer, sizeof longer, "./%0120d/%s", i, data_batch_names[order[i]]);
        int length = snprintf(record, sizeof record, "28 mtime=1234567890.1234567\n%zu path=%s\n",
                              strlen(longer) + 10, longer);
        if (i % 2 == 0)
            data_tar_add(&tar, "PaxHeaders/x", 'x', record, (size_t)length);
        else
            data_tar_add(&tar, "././@LongLink", 'L', longer, strlen(longer) + 1);
        data_tar_add(&tar, i < 4 ? "cut" : name, i % 2 == 0 ? '0' : '\0', bytes,
                     (size_t)data_cifar_count(order[i]) * DATA_RECORD);
        data_tar_add(&tar, "c/readme.html", '0', bytes, 700);
        data_tar_add(&tar, "c/a link", '2', NULL, 0);
        free(bytes);
    }
    data_tar_write(&tar, "b.tar.gz"); /* and without blocks of zeros at the end */
    data_tar_free(&tar);
    tc_dataset_free(open_well("b.tar.gz"));
}
END_TEST

START_TEST(a_size_in_binary_is_understood) {
    data_tar tar = {0};
    data_tar_cifar(&tar, "");
    uint8_t *size = tar.bytes + 124;
    memset(size, 0, 12);
    size[0] = 0x80;
    size[10] = DATA_RECORD >> 8;
    size[11] = DATA_RECORD & 255;
    data_tar_sum(&tar, 0);
    data_tar_end(&tar);
    data_tar_write(&tar, "binary.tar.gz");
    data_tar_free(&tar);
    tc_dataset_free(open_well("binary.tar.gz"));
}
END_TEST

START_TEST(class_names_come_from_the_meta_file) {
    static const char text[] = "zero\r\none\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n\n";
    data_make_cifar("named");
    data_write("named/batches.meta.txt", text, strlen(text));
    data_tar tar = {0};
    data_tar_cifar(&tar, "x/");
    data_tar_add(&tar, "x/batches.meta.txt", '0', text, strlen(text));
    data_tar_write(&tar, "named.tar.gz");
    data_tar_free(&tar);
    static const char *const names[] = {"named", "named.tar.gz"};
    for (int i = 0; i < 2; i++) {
        tc_dataset *set = open_well(names[i]);
        ck_assert_str_eq(set->class_names[0], "zero");
        ck_assert_str_eq(set->class_names[9], "nine");
        tc_dataset_free(set);
    }
    data_remove("named");
}
END_TEST

START_TEST(mean_and_deviation_are_those_of_the_training_pictures) {
    data_make_cifar("measured");
    tc_dataset *set = open_well("measured");
    for (int c = 0; c < 3; c++) {
        double sum = 0.0, squares = 0.0, n = (double)set->train.count * 1024.0;
        for (int64_t p = 0; p < set->train.count * 1024; p++) sum += set->train.pixels[3 * p + c] / 255.0;
        for (int64_t p = 0; p < set->train.count * 1024; p++) {
            double d = set->train.pixels[3 * p + c] / 255.0 - sum / n;
            squares += d * d;
        }
        ck_assert_float_eq_tol(set->mean[c], (float)(sum / n), 1e-6f);
        ck_assert_float_eq_tol(set->deviation[c], (float)sqrt(squares / n), 1e-6f);
    }
    tc_dataset_free(set);
    data_remove("measured");
}
END_TEST

/* ---- What can be wrong with a folder ---------------------------------------------------------------------
 */

/* Opening must fail with this status and with a sentence that holds every given piece. */
static void expect_failure(const char *path, tc_status expected, const char *const pieces[], int count) {
    tc_dataset *set = (tc_dataset *)&set;
    tc_status status = tc_cifar10_open(path, &set);
    ck_assert_msg(status == expected, "status %d (%s), expected %d", status, tc_last_error(), expected);
    ck_assert_ptr_null(set);
    ck_assert_ptr_null(strchr(tc_last_error(), '\n'));
    for (int i = 0; i < count; i++)
        ck_assert_msg(strstr(tc_last_error(), pieces[i]) != NULL, "\"%s\" lacks \"%s\"", tc_last_error(),
                      pieces[i]);
}

#define EXPECT_FAILURE(name, status, ...)                                                                    \
    expect_failure(data_path(name), status, (const char *const[]){__VA_ARGS__},                              \
                   (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)))

START_TEST(nothing_at_the_path) {
    EXPECT_FAILURE("nowhere", TC_ERR_IO, "nowhere", "No such file");
}
END_TEST

START_TEST(a_file_of_the_folder_is_missing) {
    data_make_cifar("lacking");
    data_remove("lacking/data_batch_4.bin");
    EXPECT_FAILURE("lacking", TC_ERR_IO, "lacking/data_batch_4.bin", "No such file");
    data_make_folder("lacking/data_batch_4.bin");
    EXPECT_FAILURE("lacking", TC_ERR_IO, "lacking/data_batch_4.bin", "not a file");
    data_remove("lacking");
}
END_TEST

START_TEST(a_file_of_the_folder_has_a_wrong_size) {
    uint8_t *bytes = data_batch(0, 3);
    data_make_cifar("odd");
    data_write("odd/data_batch_2.bin", bytes, 2 * DATA_RECORD + 100);
    EXPECT_FAILURE("odd", TC_ERR_FORMAT, "odd/data_batch_2.bin", "record 3", "100 bytes", "3073");
    data_write("odd/data_batch_2.bin", bytes, 0);
    EXPECT_FAILURE("odd", TC_ERR_FORMAT, "odd/data_batch_2.bin", "empty", "3073");
    free(bytes);
    data_remove("odd");
}
END_TEST

START_TEST(a_label_is_beyond_the_classes) {
    uint8_t *bytes = data_batch(0, 40);
    bytes[36 * DATA_RECORD] = 10;
    data_make_cifar("ten");
    data_write("ten/test_batch.bin", bytes, 40 * DATA_RECORD);
    EXPECT_FAILURE("ten", TC_ERR_FORMAT, "ten/test_batch.bin", "record 37 of 40", "label 10", "0 to 9");
    data_tar tar = {0};
    data_tar_add(&tar, "c/data_batch_1.bin", '0', bytes, 40 * DATA_RECORD);
    data_tar_write(&tar, "ten.tar.gz");
    data_tar_free(&tar);
    EXPECT_FAILURE("ten.tar.gz", TC_ERR_FORMAT, "ten.tar.gz", "c/data_batch_1.bin", "record 37 of 40",
                   "label 10");
    free(bytes);
    data_remove("ten");
}
END_TEST

START_TEST(a_meta_file_makes_no_sense) {
    data_make_cifar("meta");
    data_write("meta/batches.meta.txt", "one\ntwo\n", 8);
    EXPECT_FAILURE("meta", TC_ERR_FORMAT, "meta/batches.meta.txt", "2 names", "10");
    data_write("meta/batches.meta.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk", 21);
    EXPECT_FAILURE("meta", TC_ERR_FORMAT, "11 names", "10");
    data_write("meta/batches.meta.txt", "a\nb\nc\0d\n", 8);
    EXPECT_FAILURE("meta", TC_ERR_FORMAT, "byte 5", "00");
    char *much = calloc(1, 5000);
    data_write("meta/batches.meta.txt", much, 5000);
    EXPECT_FAILURE("meta", TC_ERR_FORMAT, "5000 bytes");
    free(much);
    data_remove("meta");
}
END_TEST

/* ---- What can be wrong with an archive -------------------------------------------------------------------
 */

START_TEST(not_an_archive_at_all) {
    data_write("text.tar.gz", "hello, world", 12);
    EXPECT_FAILURE("text.tar.gz", TC_ERR_FORMAT, "text.tar.gz", "not a gzip file", "68 65", "1f 8b");
    data_write("empty.tar.gz", "", 0);
    EXPECT_FAILURE("empty.tar.gz", TC_ERR_FORMAT, "empty.tar.gz", "empty");
    char noise[2000];
    for (int i = 0; i < 2000; i++) noise[i] = (char)(i * i);
    data_tar not_tar = {(uint8_t *)noise, sizeof noise};
    data_tar_write(&not_tar, "noise.tar.gz");
    EXPECT_FAILURE("noise.tar.gz", TC_ERR_FORMAT, "noise.tar.gz", "not a tar archive");
    not_tar.size = 100;
    data_tar_write(&not_tar, "short.tar.gz");
    EXPECT_FAILURE("short.tar.gz", TC_ERR_FORMAT, "short.tar.gz", "100 bytes of a header");
}
END_TEST

START_TEST(a_member_is_missing) {
    data_tar tar = {0};
    uint8_t *bytes = data_batch(0, 1);
    for (int i = 0; i < DATA_BATCHES; i++)
        if (i != 2) data_tar_add(&tar, data_batch_names[i], '0', bytes, DATA_RECORD);
    data_tar_end(&tar);
    data_tar_write(&tar, "five.tar.gz");
    data_tar_free(&tar);
    free(bytes);
    EXPECT_FAILURE("five.tar.gz", TC_ERR_FORMAT, "five.tar.gz", "no data_batch_3.bin");
}
END_TEST

START_TEST(a_member_is_there_twice) {
    uint8_t *bytes = data_batch(0, 1);
    data_tar tar = {0};
    data_tar_cifar(&tar, "a/");
    data_tar_add(&tar, "b/test_batch.bin", '0', bytes, DATA_RECORD);
    data_tar_write(&tar, "twice.tar.gz");
    data_tar_free(&tar);
    free(bytes);
    EXPECT_FAILURE("twice.tar.gz", TC_ERR_FORMAT, "twice.tar.gz", "b/test_batch.bin", "twice");
}
END_TEST

START_TEST(a_member_is_not_a_file) {
    data_tar tar = {0};
    data_tar_add(&tar, "c/data_batch_1.bin", '2', NULL, 0);
    data_tar_write(&tar, "link.tar.gz");
    data_tar_free(&tar);
    EXPECT_FAILURE("link.tar.gz", TC_ERR_FORMAT, "link.tar.gz", "c/data_batch_1.bin", "not a file");
}
END_TEST

START_TEST(a_member_has_a_wrong_size) {
    uint8_t *bytes = data_batch(0, 2);
    data_tar tar = {0};
    data_tar_add(&tar, "c/data_batch_1.bin", '0', bytes, DATA_RECORD + 3072);
    data_tar_write(&tar, "size.tar.gz");
    data_tar_free(&tar);
    free(bytes);
    EXPECT_FAILURE("size.tar.gz", TC_ERR_FORMAT, "c/data_batch_1.bin", "record 2", "3072 bytes", "3073");
}
END_TEST

START_TEST(a_tar_header_is_damaged) {
    data_tar tar = {0};
    data_tar_cifar(&tar, "");
    size_t second = 512 + 7 * 512; /* one record takes seven blocks */
    tar.bytes[second + 110] ^= 1;
    data_tar_write(&tar, "sum.tar.gz");
    EXPECT_FAILURE("sum.tar.gz", TC_ERR_FORMAT, "sum.tar.gz", "checksum", "data_batch_1.bin", "found",
                   "expected");
    tar.bytes[second + 110] ^= 1;
    tar.bytes[second + 149] = 'z';
    data_tar_write(&tar, "sum.tar.gz");
    EXPECT_FAILURE("sum.tar.gz", TC_ERR_FORMAT, "not a tar archive", "data_batch_1.bin");
    data_tar_free(&tar);
}
END_TEST

START_TEST(sizes_in_headers_are_not_believed) {
    static const struct {
        const char *field; /* 12 bytes */
        const char *piece;
    } sizes[] = {{"77777777777\0", "can hold"},
                 {"-0000000001\0", "not a number"},
                 {"           \0", "not a number"},
                 {"0000000600x\0", "not a number"},
                 {"999999999999", "not a number"},
                 {"\377\377\377\377\377\377\377\377\377\377\377\377", "not a number"},
                 {"\200\377\377\377\377\377\377\377\377\377\377\377", "not a number"},
                 {"\200\0\0\0\177\377\377\377\377\377\377\377", "can hold"},
                 {"\200\0\0\0\377\377\377\377\377\377\377\377", "not a number"}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        data_tar tar = {0};
        data_tar_cifar(&tar, "");
        memcpy(tar.bytes + 124, sizes[i].field, 12);
        data_tar_sum(&tar, 0);
        data_tar_write(&tar, "claim.tar.gz");
        data_tar_free(&tar);
        EXPECT_FAILURE("claim.tar.gz", TC_ERR_FORMAT, "data_batch_1.bin", sizes[i].piece);
    }
}
END_TEST

START_TEST(the_tar_ends_within_a_member) {
    data_tar tar = {0};
    data_tar_cifar(&tar, "");
    tar.size = 512 + 1000;
    data_tar_write(&tar, "cut.tar.gz");
    data_tar_free(&tar);
    EXPECT_FAILURE("cut.tar.gz", TC_ERR_FORMAT, "truncated", "data_batch_1.bin", "1000 bytes", "3073");
}
END_TEST

/* The bytes of a good archive, in `size` bytes; free them. */
static uint8_t *good_archive(size_t *size) {
    data_tar tar = {0};
    data_tar_cifar(&tar, "");
    data_tar_end(&tar);
    data_tar_write(&tar, "good.tar.gz");
    data_tar_free(&tar);
    FILE *file = fopen(data_path("good.tar.gz"), "rb");
    uint8_t *bytes = malloc(1 << 17);
    ck_assert(file != NULL && bytes != NULL);
    *size = fread(bytes, 1, 1 << 17, file);
    ck_assert(feof(file));
    fclose(file);
    return bytes;
}

START_TEST(the_gzip_checksum_is_wrong) {
    size_t size;
    uint8_t *bytes = good_archive(&size);
    bytes[size - 8] ^= 1;
    data_write("crc.tar.gz", bytes, size);
    EXPECT_FAILURE("crc.tar.gz", TC_ERR_FORMAT, "crc.tar.gz", "damaged", "incorrect data check");
    bytes[size - 8] ^= 1;
    bytes[size - 4] ^= 1;
    data_write("crc.tar.gz", bytes, size);
    EXPECT_FAILURE("crc.tar.gz", TC_ERR_FORMAT, "crc.tar.gz", "damaged", "incorrect length check");
    free(bytes);
}
END_TEST

/* Every cut is noticed; near the ends all lengths are tried, in between every 97th. */
START_TEST(a_truncated_archive_is_always_noticed) {
    size_t size;
    uint8_t *bytes = good_archive(&size);
    for (size_t cut = 0; cut < size; cut += cut < 700 || cut + 40 > size ? 1 : 97) {
        data_write("trunc.tar.gz", bytes, cut);
        tc_dataset *set;
        tc_status status = tc_cifar10_open(data_path("trunc.tar.gz"), &set);
        ck_assert_msg(status == TC_ERR_FORMAT, "cut to %zu of %zu bytes: %d", cut, size, status);
        ck_assert_ptr_null(set);
        if (cut >= 2) ck_assert_ptr_nonnull(strstr(tc_last_error(), "truncated"));
    }
    free(bytes);
}
END_TEST

/* One flipped bit of the gzip stream is noticed, except where gzip keeps the name and the time of the file.
 */
START_TEST(a_damaged_archive_is_always_noticed) {
    size_t size;
    uint8_t *bytes = good_archive(&size);
    for (size_t at = 10; at < size; at += 131) {
        bytes[at] ^= (uint8_t)(1 << at % 8);
        data_write("flip.tar.gz", bytes, size);
        bytes[at] ^= (uint8_t)(1 << at % 8);
        tc_dataset *set;
        tc_status status = tc_cifar10_open(data_path("flip.tar.gz"), &set);
        ck_assert_msg(status == TC_ERR_FORMAT, "flipped a bit of byte %zu of %zu: %d", at, size, status);
        ck_assert_ptr_null(set);
    }
    free(bytes);
}
END_TEST

/* Headers of any content, under a right gzip checksum: no crash, and a data set only if it is a whole one. */
START_TEST(hostile_headers_do_no_harm) {
    uint32_t state = 1;
    int opened = 0;
    for (int round = 0; round < 200; round++) {
        data_tar tar = {0};
        data_tar_cifar(&tar, "");
        for (int k = 0; k < 1 + round % 3; k++) {
            state = state * 1664525u + 1013904223u;
            size_t field = 100 + (state >> 8) % 412; /* anything but the name */
            tar.bytes[field] = (uint8_t)(state >> 24);
        }
        data_tar_sum(&tar, 0);
        data_tar_write(&tar, "hostile.tar.gz");
        data_tar_free(&tar);
        tc_dataset *set;
        if (tc_cifar10_open(data_path("hostile.tar.gz"), &set) == TC_OK) {
            opened++;
            expect_the_six_batches(set);
        }
        tc_dataset_free(set);
    }
    ck_assert_int_gt(opened, 0);
    ck_assert_int_lt(opened, 200);
}
END_TEST

/* ---- Finding by name -------------------------------------------------------------------------------------
 */

static void open_named(const char *data_dir) {
    tc_dataset *set;
    tc_status status = tc_dataset_open("cifar10", &(tc_dataset_options){.data_dir = data_dir}, &set);
    ck_assert_msg(status == TC_OK, "%s", tc_last_error());
    expect_the_six_batches(set);
    tc_dataset_free(set);
}

START_TEST(a_named_set_is_looked_for_in_three_places) {
    data_make_folder("empty");
    data_make_folder("home");
    data_make_folder("home/.cache");
    data_make_folder("home/.cache/tinycnn");
    setenv("HOME", data_path("home"), 1);
    setenv("TINYCNN_DATA", data_path("variable"), 1);
    tc_dataset *set;
    ck_assert_int_eq(tc_dataset_open("cifar10", &(tc_dataset_options){.data_dir = data_path("empty")}, &set),
                     TC_ERR_IO);
    ck_assert_ptr_nonnull(strstr(tc_last_error(), data_path("empty")));
    ck_assert_ptr_nonnull(strstr(tc_last_error(), data_path("variable")));
    ck_assert_ptr_nonnull(strstr(tc_last_error(), data_path("home/.cache/tinycnn")));
    data_make_cifar("home/.cache/tinycnn/cifar-10-batches-bin");
    open_named(data_path("empty"));
    /* Where an earlier place has something, later ones are not asked. */
    data_make_folder("variable");
    data_write("variable/cifar-10-binary.tar.gz", "not gzip", 8);
    ck_assert_int_eq(tc_dataset_open("cifar10", NULL, &set), TC_ERR_FORMAT);
    ck_assert_ptr_nonnull(strstr(tc_last_error(), "variable/cifar-10-binary.tar.gz"));
    open_named(data_path("home/.cache/tinycnn"));
    open_named(data_path("home/.cache/tinycnn/cifar-10-batches-bin"));
    data_remove("empty");
    data_remove("variable");
    data_remove("home");
}
END_TEST

START_TEST(an_unknown_name_is_refused) {
    tc_dataset *set;
    ck_assert_int_eq(tc_dataset_open("cifar11", NULL, &set), TC_ERR_IO);
    ck_assert_ptr_nonnull(strstr(tc_last_error(), "cifar11"));
    ck_assert_ptr_nonnull(strstr(tc_last_error(), "shapes, cifar10"));
    ck_assert_int_eq(tc_dataset_open(NULL, NULL, &set), TC_ERR_ARGUMENT);
    ck_assert_int_eq(tc_dataset_open("", NULL, &set), TC_ERR_ARGUMENT);
}
END_TEST

/* ---- The real one ----------------------------------------------------------------------------------------
 */

START_TEST(the_real_cifar10) {
    tc_dataset *set;
    if (tc_dataset_open("cifar10", NULL, &set) != TC_OK) {
        printf("skipped the_real_cifar10: %s\n", tc_last_error());
        return;
    }
    static const float mean[3] = {0.4914f, 0.4822f, 0.4465f}, deviation[3] = {0.2470f, 0.2435f, 0.2616f};
    int64_t classes[10] = {0};
    ck_assert_int_eq(set->train.count, 50000);
    ck_assert_int_eq(set->test.count, 10000);
    for (int c = 0; c < 3; c++) {
        ck_assert_float_eq_tol(set->mean[c], mean[c], 5e-5f);
        ck_assert_float_eq_tol(set->deviation[c], deviation[c], 5e-5f);
    }
    for (int64_t i = 0; i < set->train.count; i++) classes[set->train.labels[i]]++;
    for (int c = 0; c < 10; c++) ck_assert_int_eq(classes[c], 5000);
    ck_assert_str_eq(set->class_names[0], "airplane");
    ck_assert_str_eq(set->class_names[9], "truck");
    tc_dataset_free(set);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("cifar");
    TCase *good = tcase_create("good"), *bad = tcase_create("bad"), *find = tcase_create("find");
    tcase_add_test(good, a_folder_gives_its_pictures_interleaved);
    tcase_add_test(good, an_archive_gives_what_the_folder_gives);
    tcase_add_test(good, the_order_of_members_and_foreign_members_do_not_matter);
    tcase_add_test(good, a_size_in_binary_is_understood);
    tcase_add_test(good, class_names_come_from_the_meta_file);
    tcase_add_test(good, mean_and_deviation_are_those_of_the_training_pictures);
    tcase_add_test(good, the_real_cifar10);
    tcase_add_test(bad, nothing_at_the_path);
    tcase_add_test(bad, a_file_of_the_folder_is_missing);
    tcase_add_test(bad, a_file_of_the_folder_has_a_wrong_size);
    tcase_add_test(bad, a_label_is_beyond_the_classes);
    tcase_add_test(bad, a_meta_file_makes_no_sense);
    tcase_add_test(bad, not_an_archive_at_all);
    tcase_add_test(bad, a_member_is_missing);
    tcase_add_test(bad, a_member_is_there_twice);
    tcase_add_test(bad, a_member_is_not_a_file);
    tcase_add_test(bad, a_member_has_a_wrong_size);
    tcase_add_test(bad, a_tar_header_is_damaged);
    tcase_add_test(bad, sizes_in_headers_are_not_believed);
    tcase_add_test(bad, the_tar_ends_within_a_member);
    tcase_add_test(bad, the_gzip_checksum_is_wrong);
    tcase_add_test(bad, a_truncated_archive_is_always_noticed);
    tcase_add_test(bad, a_damaged_archive_is_always_noticed);
    tcase_add_test(bad, hostile_headers_do_no_harm);
    tcase_add_test(find, a_named_set_is_looked_for_in_three_places);
    tcase_add_test(find, an_unknown_name_is_refused);
    tcase_set_timeout(good, 60);
    tcase_set_timeout(bad, 60);
    suite_add_tcase(suite, good);
    suite_add_tcase(suite, bad);
    suite_add_tcase(suite, find);
    data_make_place();
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    data_remove_place();
    return failures != 0;
}
