/* Event files: the checksum, the framing, the fields, and how a file is brought in step with the log. */
#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "events.h"
#include "suite.h"
#include "tensorboard.h"

static char folder[32];
static events found;

static void make_folder(void) {
    strcpy(folder, "/tmp/tc_events_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

/* Names of the folder's files, of which there are `count`, in `path` the one of them that comes first. */
static int files(char path[320]) {
    int count = 0;
    DIR *entries = opendir(folder);
    path[0] = '\0';
    for (struct dirent *entry; (entry = readdir(entries));) {
        if (entry->d_name[0] == '.') continue;
        char one[320];
        snprintf(one, sizeof one, "%s/%s", folder, entry->d_name);
        if (count++ == 0 || strcmp(one, path) < 0) strcpy(path, one);
    }
    closedir(entries);
    return count;
}

static void remove_folder(void) {
    char path[320];
    while (files(path)) unlink(path);
    rmdir(folder);
}

static metrics epoch(int number) {
    metrics m = {.epoch = number,
                 .step = 100 * number,
                 .train_loss = 2.5 / number,
                 .train_acc = 0.1 * number,
                 .val_loss = NAN,
                 .val_acc = NAN,
                 .test_loss = 3.0 / number,
                 .test_acc = 0.09 * number,
                 .tta_acc = INFINITY,
                 .lr = 0.05,
                 .seconds = 10 * number,
                 .img_per_s = 12345.678,
                 .wait_share = 0,
                 .start_seconds = 0.5};
    return m;
}

static metrics_list list_of(metrics epochs[8], int count) {
    for (int i = 0; i < count; i++) epochs[i] = epoch(i + 1);
    return (metrics_list){.count = count, .epochs = epochs};
}

/* Opens with `known` epochs in the log, and appends those behind them up to `last`. */
static void write_epochs(int known, int last) {
    metrics epochs[8];
    metrics_list list = list_of(epochs, known);
    log_file file;
    ck_assert_msg(tensorboard_open(folder, &list, &file) == TC_OK, "%s", tc_last_error());
    for (int i = known + 1; i <= last; i++) {
        metrics m = epoch(i);
        ck_assert_msg(tensorboard_append(&file, &m) == TC_OK, "%s", tc_last_error());
    }
    log_file_close(&file);
}

/* One file, whose scalars are those of epochs 1 .. last, each once and in their order. */
static void expect_epochs(int last) {
    enum { EACH = 6 };
    char path[320];
    ck_assert_int_eq(files(path), 1);
    events_read(path, &found);
    ck_assert_str_eq(found.fault, "");
    ck_assert_int_eq(found.records, last + 1);
    ck_assert_int_eq(found.count, EACH * last);
    for (int i = 0; i < found.count; i++) {
        ck_assert_int_eq(found.scalars[i].step, 100 * (i / EACH + 1));
        if (strcmp(found.scalars[i].tag, "loss/test") == 0)
            ck_assert(found.scalars[i].value == (float)(3.0 / (i / EACH + 1)));
    }
}

static float value_of(int64_t step, const char *tag) {
    float value = NAN;
    for (int i = 0; i < found.count; i++)
        if (found.scalars[i].step == step && strcmp(found.scalars[i].tag, tag) == 0)
            value = found.scalars[i].value;
    return value;
}

/* RFC 3720, appendix B.4 (the checksums stand there byte by byte, lowest first), and the masked one of the length 24, with
 * which TensorFlow's own files begin: 18 00 00 00 00 00 00 00 a3 7f 4b 22. */
START_TEST(checksums_are_those_of_the_standard) {
    unsigned char bytes[32] = {0};
    static const unsigned char read10[48] = {0x01, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,    0, 0, 0, 0,    /**/
                                             0x14, 0,    0, 0, 0, 0, 4, 0, 0, 0, 0, 0x14, 0, 0, 0, 0x18, /**/
                                             0x28, 0,    0, 0, 0, 0, 0, 0, 2, 0, 0, 0,    0, 0, 0, 0};
    ck_assert_uint_eq(tensorboard_crc32c(read10, sizeof read10), 0xd9963a56);
    ck_assert_uint_eq(events_crc32c(read10, sizeof read10), 0xd9963a56);
    static const uint32_t expected[] = {0x8a9136aa, 0x62a8ab43, 0x46dd794e, 0x113fdb5c};
    for (int test = 0; test < 4; test++) {
        for (int i = 0; i < 32; i++)
            bytes[i] = (unsigned char)(test == 0 ? 0 : test == 1 ? 255 : test == 2 ? i : 31 - i);
        ck_assert_uint_eq(tensorboard_crc32c(bytes, 32), expected[test]);
        ck_assert_uint_eq(events_crc32c(bytes, 32), expected[test]);
    }
    ck_assert_uint_eq(tensorboard_crc32c("123456789", 9), 0xe3069283);
    ck_assert_uint_eq(tensorboard_crc32c("", 0), 0);
    uint32_t crc = tensorboard_crc32c((unsigned char[8]){24}, 8);
    ck_assert_uint_eq((crc >> 15 | crc << 17) + 0xa282ead8, 0x224b7fa3);
}
END_TEST

START_TEST(every_scalar_is_read_back) {
    make_folder();
    write_epochs(0, 3);
    expect_epochs(3);
    char path[320];
    files(path);
    ck_assert_ptr_nonnull(strstr(path, "/events.out.tfevents."));
    ck_assert_str_eq(found.version, "brain.Event:2");
    ck_assert_str_eq(found.writer, "tinycnn");
    ck_assert(value_of(200, "loss/train") == 1.25f);
    ck_assert(value_of(200, "accuracy/train") == 0.2f);
    ck_assert(value_of(300, "accuracy/test") == (float)(0.09 * 3));
    ck_assert(value_of(300, "lr") == 0.05f);
    ck_assert(value_of(100, "img_per_s") == 12345.678f);
    ck_assert_msg(isnan(value_of(100, "loss/validation")), "what was not measured is there");
    ck_assert_msg(isnan(value_of(100, "accuracy/test_augmented")), "infinity is there");
    remove_folder();
}
END_TEST

START_TEST(a_resumed_run_neither_loses_nor_doubles) {
    make_folder();
    write_epochs(0, 4);
    double first = 0;
    expect_epochs(4);
    first = found.scalars[0].wall_time;
    write_epochs(3, 5); /* the position of a checkpoint made after the third */
    expect_epochs(5);
    ck_assert_msg(found.scalars[0].wall_time == first, "an epoch that stayed was written again");
    write_epochs(5, 5);
    expect_epochs(5);
    write_epochs(0, 2);
    expect_epochs(2);
    remove_folder();
}
END_TEST

/* At every length to which a crash may have cut it, and with every byte damaged, the next start mends it. */
START_TEST(a_torn_or_damaged_file_is_mended) {
    make_folder();
    write_epochs(0, 2);
    char path[320];
    static unsigned char bytes[4096];
    files(path);
    FILE *file = fopen(path, "rb");
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    size_t first = 16 + bytes[0];
    for (size_t i = first; i < size; i++) {
        ck_assert_int_eq(truncate(path, (off_t)i), 0);
        write_epochs(2, 2);
        expect_epochs(2);
        file = fopen(path, "rb+");
        fseek(file, (long)i, SEEK_SET);
        fputc(bytes[i] ^ 0x40, file);
        fclose(file);
        write_epochs(2, 2);
        expect_epochs(2);
    }
    remove_folder();
}
END_TEST

START_TEST(epochs_without_a_log_are_added) {
    make_folder();
    write_epochs(3, 4);
    expect_epochs(4);
    /* The clock of the training: the first was 20 seconds before the third. */
    double apart = found.scalars[2 * 6].wall_time - found.scalars[0].wall_time;
    ck_assert_msg(fabs(apart - 20) < 1, "%g s", apart);
    /* The second of three is missing: what is behind it is written anew. */
    remove_folder();
    make_folder();
    metrics gap[2] = {epoch(1), epoch(3)};
    log_file log;
    ck_assert_int_eq(tensorboard_open(folder, &(metrics_list){.count = 2, .epochs = gap}, &log), TC_OK);
    log_file_close(&log);
    write_epochs(3, 3);
    expect_epochs(3);
    remove_folder();
}
END_TEST

START_TEST(files_of_others_are_left_alone) {
    make_folder();
    char path[320];
    snprintf(path, sizeof path, "%s/events.out.tfevents.1.other", folder);
    FILE *file = fopen(path, "wb");
    fputs("of another program", file);
    fclose(file);
    write_epochs(0, 1);
    write_epochs(1, 2);
    ck_assert_int_eq(files(path), 2);
    char text[64] = "";
    snprintf(path, sizeof path, "%s/events.out.tfevents.1.other", folder);
    file = fopen(path, "rb");
    ck_assert_ptr_nonnull(fgets(text, sizeof text, file));
    fclose(file);
    ck_assert_str_eq(text, "of another program");
    unlink(path);
    expect_epochs(2);
    remove_folder();
}
END_TEST

START_TEST(what_cannot_be_written_is_said) {
    log_file file;
    ck_assert_int_eq(tensorboard_open("/nowhere", &(metrics_list){0}, &file), TC_ERR_IO);
    ck_assert_str_eq(tc_last_error(), "/nowhere: No such file or directory");
    if (access("/dev/full", W_OK) != 0) return;
    metrics m = epoch(1);
    ck_assert_int_eq(log_file_open("/dev/full", 0, &file), TC_OK);
    ck_assert_int_eq(tensorboard_append(&file, &m), TC_ERR_IO);
    ck_assert_str_eq(tc_last_error(), "/dev/full: No space left on device");
    log_file_close(&file);
}
END_TEST

/* A limit on the size of files stands for a disk that fills up in the middle of a record. */
START_TEST(half_a_record_is_taken_back) {
    make_folder();
    write_epochs(0, 2);
    char path[320];
    struct stat info;
    files(path);
    ck_assert_int_eq(stat(path, &info), 0);
    metrics epochs[8], third = epoch(3);
    metrics_list list = list_of(epochs, 2);
    log_file file;
    ck_assert_int_eq(tensorboard_open(folder, &list, &file), TC_OK);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    struct rlimit tight = {.rlim_cur = (rlim_t)info.st_size + 50, .rlim_max = limit.rlim_max};
    /* Check, too, writes to a file: nothing is asserted in between. */
    int limited = setrlimit(RLIMIT_FSIZE, &tight);
    tc_status status = tensorboard_append(&file, &third);
    setrlimit(RLIMIT_FSIZE, &limit);
    ck_assert_int_eq(limited, 0);
    ck_assert_int_eq(status, TC_ERR_IO);
    ck_assert_ptr_nonnull(strstr(tc_last_error(), ": File too large"));
    expect_epochs(2);
    ck_assert_int_eq(tensorboard_append(&file, &third), TC_OK);
    expect_epochs(3);
    log_file_close(&file);
    remove_folder();
}
END_TEST

static void add(TCase *tests) {
    tcase_add_test(tests, checksums_are_those_of_the_standard);
    tcase_add_test(tests, every_scalar_is_read_back);
    tcase_add_test(tests, a_resumed_run_neither_loses_nor_doubles);
    tcase_add_test(tests, a_torn_or_damaged_file_is_mended);
    tcase_add_test(tests, epochs_without_a_log_are_added);
    tcase_add_test(tests, files_of_others_are_left_alone);
    tcase_add_test(tests, what_cannot_be_written_is_said);
    tcase_add_test(tests, half_a_record_is_taken_back);
}

int main(void) {
    return suite_main("tensorboard", add);
}
