/* Runs as they lie on the disk: whole, half written, locked, not there. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run_log.h"
#include "suite.h"

static char folder[] = "/tmp/tc_run_XXXXXX";

static void put(const char *name, const char *text) {
    char path[64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static void drop(const char *name) {
    char path[64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    unlink(path);
}

START_TEST(lines_are_read_and_a_half_one_is_counted) {
    run_log log;
    char text[96];
    put("config.json", "{\"model\": \"lesson\", \"epochs\": 3, \"lr\": 0.05, \"out\": null}");
    put("metrics.jsonl",
        "{\"epoch\": 1, \"step\": 10, \"train_loss\": 1.5, \"test_acc\": 0.25, \"lr\": 0.1}\n"
        "{\"epoch\": 2, \"step\": 20, \"train_loss\": null, \"test_acc\": 0.5}\n"
        "{\"epoch\": 3, \"step\": 30, \"tra");
    ck_assert_msg(run_log_open(folder, &log) == TC_OK, "%s", tc_last_error());
    ck_assert_int_eq(log.count, 2);
    ck_assert_int_eq(log.skipped, 1);
    ck_assert_int_eq(log.epochs[1].step, 20);
    ck_assert_double_eq(log.epochs[0].train_loss, 1.5);
    ck_assert(isnan(log.epochs[1].train_loss) && isnan(log.epochs[0].val_loss));
    ck_assert_str_eq(log.name, folder + 5);
    ck_assert_str_eq(run_log_setting(&log, "model", text, sizeof text), "lesson");
    ck_assert_str_eq(run_log_setting(&log, "lr", text, sizeof text), "0.05");
    ck_assert_str_eq(run_log_setting(&log, "out", text, sizeof text), "");
    ck_assert_str_eq(run_log_setting(&log, "nothing", text, sizeof text), "");
    ck_assert_str_eq(run_log_standing(&log, text), "stopped before anything was saved");
    run_log_free(&log);
}
END_TEST

START_TEST(a_run_without_epochs_is_a_run) {
    run_log log;
    put("config.json", "{}");
    drop("metrics.jsonl");
    ck_assert_int_eq(run_log_open(folder, &log), TC_OK);
    ck_assert_int_eq(log.count, 0);
    run_log_free(&log);
}
END_TEST

START_TEST(a_lock_says_that_it_is_running) {
    run_log log;
    run_dir run;
    int lock, second;
    char text[96];
    put("config.json", "{}");
    put("metrics.jsonl", "{\"epoch\": 1}\n");
    ck_assert_int_eq(run_dir_name(folder, &run), TC_OK);
    ck_assert(!run_dir_is_locked(&run));
    ck_assert_int_eq(run_dir_lock(&run, &lock), TC_OK);
    ck_assert_int_eq(run_dir_lock(&run, &second), TC_ERR_STATE);
    ck_assert_ptr_nonnull(strstr(tc_last_error(), "another process trains this run"));
    ck_assert_int_eq(run_log_open(folder, &log), TC_OK);
    ck_assert_str_eq(run_log_standing(&log, text), "running, 1 epoch done");
    run_log_free(&log);
    run_dir_unlock(lock);
    ck_assert(!run_dir_is_locked(&run));
}
END_TEST

START_TEST(what_is_no_run_is_named) {
    run_log log;
    drop("config.json");
    ck_assert_int_eq(run_log_open(folder, &log), TC_ERR_FORMAT);
    ck_assert_ptr_nonnull(strstr(tc_last_error(), "holds no run: there is no config.json"));
    run_log_free(&log);
    put("config.json", "[1]");
    ck_assert_int_eq(run_log_open(folder, &log), TC_ERR_FORMAT);
    run_log_free(&log);
    put("config.json", "{");
    ck_assert_int_eq(run_log_open(folder, &log), TC_ERR_FORMAT);
    run_log_free(&log);
    ck_assert_int_eq(run_log_open("/nowhere", &log), TC_ERR_IO);
    run_log_free(&log);
    ck_assert_int_eq(run_log_open("/dev/null", &log), TC_ERR_FORMAT);
    run_log_free(&log);
}
END_TEST

static void add(TCase *tests) {
    tcase_add_test(tests, lines_are_read_and_a_half_one_is_counted);
    tcase_add_test(tests, a_run_without_epochs_is_a_run);
    tcase_add_test(tests, a_lock_says_that_it_is_running);
    tcase_add_test(tests, what_is_no_run_is_named);
}

int main(void) {
    if (!mkdtemp(folder)) return 1;
    int code = suite_main("run_log", add);
    drop("config.json");
    drop("metrics.jsonl");
    rmdir(folder);
    return code;
}
