/* download.c - connections may break at any byte: PATH.part grows with each, and only a part that is whole and has the
 * published MD5 is renamed to PATH. (MD5 is what the makers of these data sets publish; it guards against damage, not
 * against a forger.) */
#include "download.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

const char *download_redirections(const char *url) {
    return strncasecmp(url, "https:", 6) == 0 ? "https" : "http,https";
}

#ifdef TC_HAVE_CURL
#include <curl/curl.h>
#include <nettle/md5.h>

enum { REDIRECTIONS_MAX = 5, SLOWEST = 100 /* bytes a second; fewer is silence */, PATH_LENGTH = 4096 };

static tc_status fail_io(const char *path, const char *what) {
    return tc_fail(TC_ERR_IO, "%s: %s: %s", path, what, strerror(errno));
}

/* ---- MD5 ----------------------------------------------------------------------------------------------- */

static tc_status md5_of(int file, const char *path, char hex[33]) {
    struct md5_ctx md5;
    uint8_t buffer[1 << 16], digest[MD5_DIGEST_SIZE];
    ssize_t got;
    md5_init(&md5);
    if (lseek(file, 0, SEEK_SET) != 0) return fail_io(path, "cannot be read");
    while ((got = read(file, buffer, sizeof buffer)) > 0) md5_update(&md5, (size_t)got, buffer);
    if (got < 0) return fail_io(path, "cannot be read");
    md5_digest(&md5, sizeof digest, digest);
    for (int i = 0; i < MD5_DIGEST_SIZE; i++) snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    return TC_OK;
}

static tc_status check_open(int file, const char *path, const char *what, int64_t size, const char *md5) {
    struct stat st;
    char hex[33];
    if (fstat(file, &st) != 0) return fail_io(path, "cannot be looked at");
    if (st.st_size != size)
        return tc_fail(TC_ERR_FORMAT, "%s: %lld bytes, expected %lld", what, (long long)st.st_size,
                       (long long)size);
    TC_TRY(md5_of(file, path, hex));
    return strcmp(hex, md5) == 0 ? TC_OK
                                 : tc_fail(TC_ERR_FORMAT, "%s: has the MD5 %s, expected %s", what, hex, md5);
}

tc_status download_check(const char *path, int64_t size, const char *md5) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return fail_io(path, "cannot be opened");
    tc_status status = check_open(file, path, path, size, md5);
    close(file);
    return status;
}

/* ---- One connection -------------------------------------------------------------------------------------- */

typedef struct transfer {
    const download *d;
    char part[PATH_LENGTH];
    int file;
    int64_t have;        /* bytes in the part */
    bool resumed;        /* some of them came with an earlier connection or process */
    bool full, too_long; /* why writing stopped: the disk, or the server sends more than the file has */
    bool ended;          /* by d->show */
} transfer;

static size_t take(char *bytes, size_t one, size_t count, void *context) {
    transfer *t = context;
    size_t size = one * count;
    if ((int64_t)size > t->d->size - t->have) {
        t->too_long = true;
        return 0;
    }
    for (size_t done = 0; done < size;) {
        ssize_t wrote = write(t->file, bytes + done, size - done);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) {
            t->full = true;
            return 0;
        }
        done += (size_t)wrote;
        t->have += wrote;
    }
    return size;
}

static int show(void *context, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up) {
    transfer *t = context;
    (void)total, (void)now, (void)up_total, (void)up;
    t->ended = t->d->show && t->d->show(t->d->context, t->have, t->d->size);
    return t->ended;
}

static void set_up(CURL *curl, transfer *t, char error[CURL_ERROR_SIZE]) {
    curl_easy_setopt(curl, CURLOPT_URL, t->d->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, download_redirections(t->d->url));
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, (long)REDIRECTIONS_MAX);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)(1000 * t->d->stall_seconds));
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, (long)SLOWEST);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)(t->d->stall_seconds < 1 ? 1 : t->d->stall_seconds));
    curl_easy_setopt(curl, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)t->have);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, show);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, t);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "tinycnn");
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
}

static tc_status cut_part(transfer *t) {
    t->have = 0;
    t->resumed = false;
    return ftruncate(t->file, 0) == 0 && lseek(t->file, 0, SEEK_SET) == 0 ? TC_OK
                                                                          : fail_io(t->part, "cannot be cut");
}

/* What another try cannot mend. */
static bool is_final(CURLcode code, long answer) {
    return (code == CURLE_HTTP_RETURNED_ERROR && answer < 500 && answer != 408 && answer != 429) ||
           code == CURLE_TOO_MANY_REDIRECTS || code == CURLE_UNSUPPORTED_PROTOCOL ||
           code == CURLE_URL_MALFORMAT || code == CURLE_PEER_FAILED_VERIFICATION;
}

/* Asks for what is missing. *again: another connection may bring it. */
static tc_status connect_once(transfer *t, bool *again) {
    char error[CURL_ERROR_SIZE] = "";
    CURL *curl = curl_easy_init();
    *again = false;
    if (!curl) return tc_fail(TC_ERR_MEMORY, "%s: libcurl does not start", t->d->url);
    set_up(curl, t, error);
    CURLcode code = curl_easy_perform(curl);
    long answer = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer);
    curl_easy_cleanup(curl);
    if (t->ended)
        return tc_fail(TC_ERR_STATE, "%s: stopped; what has come is kept in %s", t->d->url, t->part);
    if (t->full) return fail_io(t->part, "cannot be written");
    if (t->too_long)
        return tc_fail(TC_ERR_FORMAT, "%s: sends more than the %lld bytes that were expected", t->d->url,
                       (long long)t->d->size);
    if (code == CURLE_OK && t->have == t->d->size) return TC_OK;
    /* A server that cannot send a part, or has no such part, is asked for the whole. */
    if (t->have > 0 && (code == CURLE_RANGE_ERROR || answer == 416)) {
        *again = true;
        TC_TRY(cut_part(t));
        return tc_fail(TC_ERR_IO, "%s: cannot be resumed", t->d->url);
    }
    *again = code != CURLE_OK && !is_final(code, answer);
    if (code == CURLE_OK)
        return tc_fail(TC_ERR_FORMAT, "%s: %lld bytes, expected %lld", t->d->url, (long long)t->have,
                       (long long)t->d->size);
    const char *why = error[0] ? error : curl_easy_strerror(code);
    if (t->have == 0) return tc_fail(TC_ERR_IO, "%s: %s", t->d->url, why);
    return tc_fail(TC_ERR_IO, "%s: %s (%lld of %lld bytes are kept in %s)", t->d->url, why,
                   (long long)t->have, (long long)t->d->size, t->part);
}

/* Sleeps, but for a tenth of a second at a time, so that `show` can end it. */
static bool pause_for(transfer *t, double seconds) {
    for (; seconds > 0 && !t->ended; seconds -= 0.1) {
        nanosleep(&(struct timespec){0, seconds < 0.1 ? (long)(seconds * 1e9) : 100000000L}, NULL);
        t->ended = t->d->show && t->d->show(t->d->context, t->have, t->d->size);
    }
    return !t->ended;
}

/* As many connections as it takes and may take; one that brought something does not count. */
static tc_status fetch_rest(transfer *t) {
    double pause = t->d->pause_seconds;
    for (int left = t->d->attempts; t->have < t->d->size;) {
        int64_t before = t->have;
        bool again;
        tc_status status = connect_once(t, &again);
        if (t->have > before) left = t->d->attempts;
        if (status != TC_OK && (!again || --left <= 0)) return status;
        if (status != TC_OK && !pause_for(t, pause))
            return tc_fail(TC_ERR_STATE, "%s: stopped; what has come is kept in %s", t->d->url, t->part);
        pause = t->have > before ? t->d->pause_seconds : 2 * pause;
    }
    return TC_OK;
}

/* ---- The whole ------------------------------------------------------------------------------------------- */

static tc_status open_part(transfer *t) {
    struct stat st;
    if (snprintf(t->part, sizeof t->part, "%s.part", t->d->path) >= (int)sizeof t->part)
        return tc_fail(TC_ERR_ARGUMENT, "%s: this path is too long", t->d->path);
    t->file = open(t->part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (t->file < 0) return fail_io(t->part, "cannot be opened");
    if (flock(t->file, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return tc_fail(TC_ERR_STATE, "%s: another process fetches this file now", t->part);
    if (fstat(t->file, &st) != 0 || !S_ISREG(st.st_mode))
        return tc_fail(TC_ERR_IO, "%s: is no regular file", t->part);
    t->have = st.st_size;
    t->resumed = t->have > 0;
    if (t->have > t->d->size) TC_TRY(cut_part(t));
    return lseek(t->file, t->have, SEEK_SET) == t->have ? TC_OK : fail_io(t->part, "cannot be read");
}

static tc_status sync_folder_of(const char *path) {
    char folder[PATH_LENGTH];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path + 1) : 1, slash ? path : ".");
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return fail_io(folder, "cannot be opened");
    tc_status status =
        fsync(descriptor) == 0 || errno == EINVAL ? TC_OK : fail_io(folder, "cannot be synced");
    close(descriptor);
    return status;
}

static tc_status fetch(transfer *t) {
    TC_TRY(open_part(t));
    TC_TRY(fetch_rest(t));
    tc_status status = check_open(t->file, t->part, t->d->url, t->d->size, t->d->md5);
    if (status == TC_ERR_FORMAT && t->resumed) {
        /* The part may have been of another file. */
        TC_TRY(cut_part(t));
        TC_TRY(fetch_rest(t));
        status = check_open(t->file, t->part, t->d->url, t->d->size, t->d->md5);
    }
    if (status == TC_ERR_FORMAT) unlink(t->part);
    TC_TRY(status);
    if (fsync(t->file) != 0 && errno != EINVAL) return fail_io(t->part, "cannot be synced");
    if (rename(t->part, t->d->path) != 0) return fail_io(t->d->path, "cannot be named");
    return sync_folder_of(t->d->path);
}

tc_status download_file(const download *d) {
    transfer t = {.d = d, .file = -1};
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
        return tc_fail(TC_ERR_MEMORY, "%s: libcurl does not start", d->url);
    tc_status status = fetch(&t);
    /* A part of nothing helps nobody. */
    if (t.file >= 0 && status != TC_OK && status != TC_ERR_STATE && t.have == 0) unlink(t.part);
    if (t.file >= 0) close(t.file);
    curl_global_cleanup();
    return status;
}

const char *download_curl_version(void) {
    return curl_version_info(CURLVERSION_NOW)->version;
}
#else
tc_status download_file(const download *d) {
    return tc_fail(TC_ERR_UNSUPPORTED, "%s: this build has no libcurl, which fetches", d->url);
}

tc_status download_check(const char *path, int64_t size, const char *md5) {
    (void)size, (void)md5;
    return tc_fail(TC_ERR_UNSUPPORTED, "%s: this build has no libcurl, which fetches", path);
}

const char *download_curl_version(void) {
    return NULL;
}
#endif
