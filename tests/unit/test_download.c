/* Downloads from a web server that misbehaves in every way that it can (support/http_server.h). */
#define _DEFAULT_SOURCE /* syscall() */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "commands.h"
#include "data_files.h"
#include "download.h"
#include "http_server.h"
#include "report.h"
#include "suite.h"

/* Of http_content(0 .. HTTP_CONTENT - 1), by md5sum. */
static const char md5[] = "d4daff469aac4cf8a8f2c0e812ced852";

static int port;

static void setup(void) {
    /* Tests ask this machine, not a proxy. */
    setenv("no_proxy", "127.0.0.1", 1);
    data_make_place();
    port = http_server_start();
}

static void teardown(void) {
    http_server_stop();
    data_remove("file");
    data_remove("file.part");
    data_remove_place();
}

static tc_status fetch(const char *what, bool (*show)(void *, int64_t, int64_t)) {
    char url[128], path[4096];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/%s", port, what);
    snprintf(path, sizeof path, "%s", data_path("file"));
    return download_file(&(download){.url = url,
                                     .path = path,
                                     .md5 = md5,
                                     .size = HTTP_CONTENT,
                                     .attempts = 3,
                                     .stall_seconds = 1,
                                     .pause_seconds = 0.01,
                                     .show = show});
}

static bool is_there(const char *name) {
    return access(data_path(name), F_OK) == 0;
}

static void expect_whole(void) {
    ck_assert_msg(download_check(data_path("file"), HTTP_CONTENT, md5) == TC_OK, "%s", tc_last_error());
    ck_assert(!is_there("file.part"));
}

static void write_part(int size, int change) {
    uint8_t *bytes = malloc((size_t)size);
    for (int i = 0; i < size; i++) bytes[i] = (uint8_t)(http_content(i) + change);
    data_write("file.part", bytes, (size_t)size);
    free(bytes);
}

START_TEST(good_servers_of_all_kinds) {
    static const char *const what[] = {"good", "plain", "slow", "moved", "cut", "busy", "chunked", "unsaid"};
    if (!download_curl_version()) {
        ck_assert_int_eq(fetch("good", NULL), TC_ERR_UNSUPPORTED);
        return;
    }
    ck_assert_msg(fetch(what[_i], NULL) == TC_OK, "%s", tc_last_error());
    expect_whole();
}
END_TEST

START_TEST(a_stalling_server_is_asked_again) {
    if (!download_curl_version()) return;
    write_part(HTTP_CONTENT - 1500, 0);
    ck_assert_msg(fetch("stall", NULL) == TC_OK, "%s", tc_last_error());
    expect_whole();
    ck_assert_int_eq(http_server_requests(), 2);
}
END_TEST

START_TEST(what_is_there_is_not_fetched_again) {
    if (!download_curl_version()) return;
    write_part(70000, 0);
    ck_assert_msg(fetch("good", NULL) == TC_OK, "%s", tc_last_error());
    expect_whole();
    ck_assert_int_eq(http_server_requests(), 1);
    data_remove("file");
    write_part(HTTP_CONTENT, 0);
    ck_assert_int_eq(fetch("good", NULL), TC_OK);
    ck_assert_int_eq(http_server_requests(), 0);
    expect_whole();
}
END_TEST

START_TEST(a_server_without_parts_sends_the_whole) {
    static const char *const what[] = {"plain", "refusing", "chunked"};
    if (!download_curl_version()) return;
    write_part(70000, 0);
    ck_assert_msg(fetch(what[_i], NULL) == TC_OK, "%s", tc_last_error());
    expect_whole();
    /* Who refuses is asked once more; any other answer to the first request is made use of. */
    ck_assert_int_eq(http_server_requests(), strcmp(what[_i], "refusing") == 0 ? 2 : 1);
}
END_TEST

START_TEST(a_part_that_is_of_no_use_is_dropped) {
    if (!download_curl_version()) return;
    /* It is of another file: shorter, as long, longer. */
    for (int size = 50000; size <= HTTP_CONTENT + 50000; size += 50000) {
        data_remove("file");
        write_part(size, 1);
        ck_assert_msg(fetch("good", NULL) == TC_OK, "%s", tc_last_error());
        expect_whole();
    }
}
END_TEST

static void expect_failure(const char *what, tc_status status, const char *sentence, bool is_part_kept) {
    ck_assert_int_eq(fetch(what, NULL), status);
    ck_assert_msg(strstr(tc_last_error(), sentence) != NULL, "\"%s\" is not in: %s", sentence,
                  tc_last_error());
    ck_assert_msg(!is_there("file"), "%s: has got its name", what);
    ck_assert_msg(is_there("file.part") == is_part_kept, "%s: the part", what);
    data_remove("file.part");
}

START_TEST(bad_servers_give_one_clear_sentence) {
    if (!download_curl_version()) return;
    expect_failure("wrong", TC_ERR_FORMAT, "/wrong: has the MD5 ", false);
    expect_failure("nowhere", TC_ERR_IO, "/nowhere: The requested URL returned error: 404", false);
    expect_failure("loop", TC_ERR_IO, "Maximum (5) redirects followed", false);
    expect_failure("file", TC_ERR_IO, "Protocol \"file\"", false);
    expect_failure("noise", TC_ERR_IO, "/noise: ", false);
    expect_failure("short", TC_ERR_FORMAT, "/short: 1000 bytes, expected 100000", false);
    expect_failure("long", TC_ERR_FORMAT, "/long: 101000 bytes, expected 100000", false);
    expect_failure("portal-chunked", TC_ERR_FORMAT, "/portal-chunked: 90000 bytes, expected 100000", false);
    expect_failure("endless", TC_ERR_FORMAT, "/endless: sends more than the 100000 bytes", false);
    char url[] = "ftp://127.0.0.1/x";
    download d = {
        .url = url, .path = data_path("file"), .md5 = md5, .size = 1, .attempts = 1, .stall_seconds = 1};
    ck_assert_int_eq(download_file(&d), TC_ERR_IO);
    ck_assert_ptr_nonnull(strstr(tc_last_error(), "Protocol \"ftp\""));
    ck_assert(!is_there("file.part"));
}
END_TEST

START_TEST(a_server_that_always_breaks_off_at_one_byte_is_given_up) {
    if (!download_curl_version()) return;
    expect_failure("breaks", TC_ERR_IO, "(40000 of 100000 bytes are kept in ", true);
    /* The first brought something, two did not. */
    ck_assert_int_eq(http_server_requests(), 3);
}
END_TEST

START_TEST(an_answer_that_ends_early_is_asked_for_again) {
    if (!download_curl_version()) return;
    expect_failure("portal-closed", TC_ERR_IO,
                   "/portal-closed: the answer ended early (90000 of 100000 bytes are kept in ", true);
    ck_assert_int_eq(http_server_requests(), 3);
}
END_TEST

static void expect_part(const char *what, int size) {
    uint8_t *bytes = malloc(HTTP_CONTENT);
    FILE *file = fopen(data_path("file.part"), "rb");
    ck_assert_msg(file != NULL, "%s: the part is gone", what);
    int got = (int)fread(bytes, 1, HTTP_CONTENT, file);
    fclose(file);
    ck_assert_msg(got == size, "%s: the part has %d bytes, expected %d", what, got, size);
    for (int i = 0; i < size; i++) ck_assert_msg(bytes[i] == http_content(i), "%s: byte %d", what, i);
    free(bytes);
}

START_TEST(an_answer_of_another_kind_leaves_the_part_as_it_was) {
    static const struct {
        const char *what;
        tc_status status;
        const char *sentence;
    } answers[] = {
        {"portal", TC_ERR_FORMAT, "/portal: 2000 bytes, expected 100000"},
        {"portal-chunked", TC_ERR_FORMAT, "/portal-chunked: 90000 bytes, expected 100000"},
        {"portal-closed", TC_ERR_IO, "ended early (70000 of 100000 bytes are kept in "},
        {"endless", TC_ERR_FORMAT, "/endless: sends more than the 100000 bytes that were expected"},
        {"never", TC_ERR_IO, "(70000 of 100000 bytes are kept in "},
        {"breaks", TC_ERR_IO, "(70000 of 100000 bytes are kept in "},
        {"unmoved", TC_ERR_IO, "/unmoved: answers 301, expected 200 or 206"},
        {"packed", TC_ERR_FORMAT, "/packed: 80000 bytes, expected 100000"},
        {"other", TC_ERR_FORMAT, "/other: 100005 bytes, expected 100000"},
        {"elsewhere", TC_ERR_FORMAT, "/elsewhere: sends what begins at byte 5, expected 70000"},
        {"nameless", TC_ERR_FORMAT, "/nameless: sends a part and does not say which"},
    };
    if (!download_curl_version()) return;
    write_part(70000, 0);
    ck_assert_msg(fetch(answers[_i].what, NULL) == answers[_i].status, "%s", tc_last_error());
    ck_assert_msg(strstr(tc_last_error(), answers[_i].sentence) != NULL, "\"%s\" is not in: %s",
                  answers[_i].sentence, tc_last_error());
    expect_part(answers[_i].what, 70000);
    /* The next network lets it through. */
    http_server_requests();
    ck_assert_msg(fetch("good", NULL) == TC_OK, "%s", tc_last_error());
    ck_assert_int_eq(http_server_requests(), 1);
    expect_whole();
}
END_TEST

START_TEST(a_page_in_the_part_is_fetched_anew) {
    if (!download_curl_version()) return;
    ck_assert_int_eq(fetch("portal-closed", NULL), TC_ERR_IO);
    ck_assert_msg(fetch("good", NULL) == TC_OK, "%s", tc_last_error());
    expect_whole();
}
END_TEST

START_TEST(https_is_never_left) {
    ck_assert_str_eq(download_redirections("https://example.org/x"), "https");
    ck_assert_str_eq(download_redirections("HTTPS://example.org/x"), "https");
    ck_assert_str_eq(download_redirections("http://example.org/https:"), "http,https");
}
END_TEST

START_TEST(a_server_that_is_gone_leaves_what_came) {
    if (!download_curl_version()) return;
    write_part(30000, 0);
    http_server_stop();
    ck_assert_int_eq(fetch("good", NULL), TC_ERR_IO);
    ck_assert_ptr_nonnull(strstr(tc_last_error(), "(30000 of 100000 bytes are kept in "));
    port = http_server_start();
    ck_assert_msg(fetch("good", NULL) == TC_OK, "%s", tc_last_error());
    expect_whole();
}
END_TEST

static bool end_in_the_middle(void *unused, int64_t done, int64_t size) {
    (void)unused;
    return done > size / 3;
}

START_TEST(the_caller_can_end_it_and_go_on_later) {
    struct stat st;
    if (!download_curl_version()) return;
    ck_assert_int_eq(fetch("slow", end_in_the_middle), TC_ERR_STATE);
    ck_assert_ptr_nonnull(strstr(tc_last_error(), "stopped; what has come is kept in "));
    ck_assert_int_eq(stat(data_path("file.part"), &st), 0);
    ck_assert(st.st_size > HTTP_CONTENT / 3 && st.st_size < HTTP_CONTENT);
    ck_assert_int_eq(fetch("good", NULL), TC_OK);
    expect_whole();
}
END_TEST

START_TEST(two_do_not_write_one_file) {
    if (!download_curl_version()) return;
    write_part(10, 0);
    int other = open(data_path("file.part"), O_RDWR);
    ck_assert_int_eq(flock(other, LOCK_EX), 0);
    ck_assert_int_eq(fetch("good", NULL), TC_ERR_STATE);
    ck_assert_ptr_nonnull(strstr(tc_last_error(), "another process fetches this file now"));
    close(other);
    ck_assert_int_eq(fetch("good", NULL), TC_OK);
    expect_whole();
}
END_TEST

/* Stands before the system's: what another process does after a file is opened and before it is locked. */
static void (*before_flock)(void);

int flock(int file, int how) {
    if (before_flock) before_flock();
    return (int)syscall(SYS_flock, file, how);
}

static void take_part_away(void) {
    ck_assert_int_eq(rename(data_path("file.part"), data_path("taken")), 0);
}

static void take_part_away_once(void) {
    before_flock = NULL;
    take_part_away();
}

static void remove_part_once(void) {
    before_flock = NULL;
    data_remove("file.part");
}

START_TEST(a_part_that_another_took_away_is_not_written) {
    struct stat st;
    if (!download_curl_version()) return;
    write_part(70000, 0);
    before_flock = take_part_away_once;
    ck_assert_msg(fetch("good", NULL) == TC_OK, "%s", tc_last_error());
    expect_whole();
    ck_assert_int_eq(stat(data_path("taken"), &st), 0);
    ck_assert_int_eq(st.st_size, 70000);
    data_remove("file");
    write_part(70000, 0);
    before_flock = remove_part_once;
    ck_assert_msg(fetch("good", NULL) == TC_OK, "%s", tc_last_error());
    expect_whole();
    data_remove("file");
    before_flock = take_part_away;
    ck_assert_int_eq(fetch("good", NULL), TC_ERR_STATE);
    ck_assert_ptr_nonnull(strstr(tc_last_error(), "file.part: another process takes this file away"));
    before_flock = NULL;
    data_remove("taken");
}
END_TEST

START_TEST(the_folder_that_cannot_be_made_is_named) {
    char folder[4096], sentence[4096];
    snprintf(folder, sizeof folder, "%s/a/b", data_path("locked"));
    snprintf(sentence, sizeof sentence, "%s/a: cannot be made: Permission denied", data_path("locked"));
    data_make_folder("locked");
    /* For root nothing is locked; so as nobody, who may look into the place. */
    bool is_root = geteuid() == 0;
    ck_assert_int_eq(chmod(data_path("."), 0711), 0);
    ck_assert_int_eq(chmod(data_path("locked"), 0555), 0);
    ck_assert_int_eq(is_root ? seteuid(65534) : 0, 0);
    int code = command_fetch.run(4, (char *[]){"fetch", "mnist", "--data-dir", folder, NULL});
    ck_assert_int_eq(is_root ? seteuid(0) : 0, 0);
    ck_assert_int_eq(code, EXIT_FAILED);
    ck_assert_str_eq(tc_last_error(), sentence);
    data_remove("locked");
}
END_TEST

START_TEST(no_folder_no_file) {
    if (!download_curl_version()) return;
    download d = {.url = "http://127.0.0.1/x", .path = "nowhere/file", .md5 = md5, .size = 1, .attempts = 1};
    ck_assert_int_eq(download_file(&d), TC_ERR_IO);
    ck_assert_ptr_nonnull(strstr(tc_last_error(), "nowhere/file.part: cannot be opened: No such file"));
}
END_TEST

static void add(TCase *tests) {
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, good_servers_of_all_kinds, 0, 8);
    tcase_add_test(tests, a_stalling_server_is_asked_again);
    tcase_add_test(tests, what_is_there_is_not_fetched_again);
    tcase_add_loop_test(tests, a_server_without_parts_sends_the_whole, 0, 3);
    tcase_add_test(tests, a_part_that_is_of_no_use_is_dropped);
    tcase_add_test(tests, bad_servers_give_one_clear_sentence);
    tcase_add_test(tests, a_server_that_is_gone_leaves_what_came);
    tcase_add_test(tests, the_caller_can_end_it_and_go_on_later);
    tcase_add_test(tests, two_do_not_write_one_file);
    tcase_add_test(tests, a_server_that_always_breaks_off_at_one_byte_is_given_up);
    tcase_add_test(tests, an_answer_that_ends_early_is_asked_for_again);
    tcase_add_loop_test(tests, an_answer_of_another_kind_leaves_the_part_as_it_was, 0, 11);
    tcase_add_test(tests, a_page_in_the_part_is_fetched_anew);
    tcase_add_test(tests, https_is_never_left);
    tcase_add_test(tests, a_part_that_another_took_away_is_not_written);
    tcase_add_test(tests, the_folder_that_cannot_be_made_is_named);
    tcase_add_test(tests, no_folder_no_file);
}

int main(void) {
    return suite_main("download", add);
}
