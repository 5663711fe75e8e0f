/* download.c - connections may break at any byte: PATH.part grows with each, and only a part that is whole and has the
 * published MD5 is renamed to PATH. (MD5 is what the makers of these data sets publish; it guards against damage, not
 * against a forger.)
 *
 * Between a broken connection and the next there may be a network that answers every address with a page of its own. So no
 * answer shortens the part: one that begins at byte 0 is laid over it, its first bytes skipped, and one whose announced
 * length is not the file's is refused. Where none is announced, the bytes behind the part stay only if they make it
 * whole. */
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

enum { REDIRECTIONS_MAX = 5, OPENINGS_MAX = 5, PATH_LENGTH = 4096 };
enum { SLOWEST = 100 /* bytes a second; fewer is silence */ };

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
    int64_t have;    /* bytes in the part */
    bool resumed;    /* some of them came with an earlier connection or process */
    bool from_start; /* the server has no ranges: it is asked for the whole */
    bool ended;      /* by d->show */
    /* Of this connection: */
    CURL *curl;
    int64_t at;        /* where its next byte belongs */
    bool judged;       /* the answer's head was looked at */
    bool announced;    /* the answer says how long the whole is */
    tc_status verdict; /* why nothing more is taken */
} transfer;

/* "bytes 70000-99999/100000"; a total of "*" is -1. */
static bool read_range(const char *text, int64_t *first, int64_t *total) {
    const char *slash = strchr(text, '/');
    if (strncasecmp(text, "bytes ", 6) != 0 || !slash) return false;
    *first = strtoll(text + 6, NULL, 10);
    *total = slash[1] == '*' ? -1 : strtoll(slash + 1, NULL, 10);
    return true;
}

/* Whether the part may grow by this answer, before any byte of it is written. */
static tc_status judge(transfer *t) {
    long answer = 0;
    curl_off_t length = -1;
    struct curl_header *range;
    int64_t total;
    t->judged = true;
    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &answer);
    if (answer == 206) {
        if (curl_easy_header(t->curl, "Content-Range", 0, CURLH_HEADER, -1, &range) != CURLHE_OK ||
            !read_range(range->value, &t->at, &total))
            return tc_fail(TC_ERR_FORMAT, "%s: sends a part and does not say which", t->d->url);
        if (t->at != t->have)
            return tc_fail(TC_ERR_FORMAT, "%s: sends what begins at byte %lld, expected %lld", t->d->url,
                           (long long)t->at, (long long)t->have);
    } else if (answer == 200) {
        curl_easy_getinfo(t->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
        total = length;
    } else {
        return tc_fail(TC_ERR_IO, "%s: answers %ld, expected 200 or 206", t->d->url, answer);
    }
    t->announced = total >= 0;
    return total < 0 || total == t->d->size ? TC_OK
                                            : tc_fail(TC_ERR_FORMAT, "%s: %lld bytes, expected %lld",
                                                      t->d->url, (long long)total, (long long)t->d->size);
}

static size_t take(char *bytes, size_t one, size_t count, void *context) {
    transfer *t = context;
    int64_t size = (int64_t)(one * count);
    if (!t->judged) t->verdict = judge(t);
    if (t->verdict == TC_OK && size > t->d->size - t->at)
        t->verdict = tc_fail(TC_ERR_FORMAT, "%s: sends more than the %lld bytes that were expected",
                             t->d->url, (long long)t->d->size);
    if (t->verdict != TC_OK) return 0;
    for (int64_t done = t->have - t->at; done < size;) {
        ssize_t wrote = pwrite(t->file, bytes + done, (size_t)(size - done), t->have);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) {
            t->verdict = fail_io(t->part, "cannot be written");
            return 0;
        }
        done += wrote;
        t->have += wrote;
    }
    t->at += size;
    return (size_t)size;
}

static int show(void *context, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up) {
    transfer *t = context;
    (void)total, (void)now, (void)up_total, (void)up;
    t->ended = t->d->show && t->d->show(t->d->context, t->have, t->d->size);
    return t->ended;
}

static void set_up(CURL *curl, transfer *t, char error[CURL_ERROR_SIZE]) {
    char range[32];
    snprintf(range, sizeof range, "%lld-", (long long)t->have);
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
    /* Not CURLOPT_RESUME_FROM, which has an opinion of its own on answers without a range. */
    if (t->have > 0 && !t->from_start) curl_easy_setopt(curl, CURLOPT_RANGE, range);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, show);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, t);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "tinycnn");
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
}

static tc_status cut_part(transfer *t, int64_t size) {
    t->have = size;
    return ftruncate(t->file, size) == 0 ? TC_OK : fail_io(t->part, "cannot be cut");
}

/* What another try cannot mend. */
static bool is_final(CURLcode code, long answer) {
    return (code == CURLE_HTTP_RETURNED_ERROR && answer < 500 && answer != 408 && answer != 429) ||
           code == CURLE_TOO_MANY_REDIRECTS || code == CURLE_UNSUPPORTED_PROTOCOL ||
           code == CURLE_URL_MALFORMAT || code == CURLE_PEER_FAILED_VERIFICATION;
}

/* Whether the answer itself says that this was its end, as opposed to a connection that was closed. */
static bool is_chunked(CURL *curl) {
    struct curl_header *header;
    return curl_easy_header(curl, "Transfer-Encoding", 0, CURLH_HEADER, -1, &header) == CURLHE_OK;
}

/* One request and what came of it; t->verdict has what speaks against the answer. */
static CURLcode ask(transfer *t, long *answer, char error[CURL_ERROR_SIZE]) {
    set_up(t->curl, t, error);
    t->resumed = t->resumed || t->have > 0;
    t->at = 0;
    t->judged = t->announced = false;
    t->verdict = TC_OK;
    CURLcode code = curl_easy_perform(t->curl);
    if (code == CURLE_OK && !t->judged) t->verdict = judge(t);
    if (code == CURLE_OK && t->verdict == TC_OK && !t->announced && t->at < t->d->size && is_chunked(t->curl))
        t->verdict = tc_fail(TC_ERR_FORMAT, "%s: %lld bytes, expected %lld", t->d->url, (long long)t->at,
                             (long long)t->d->size);
    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, answer);
    return code;
}

/* Asks for what is missing. *again: another connection may bring it. */
static tc_status connect_once(transfer *t, bool *again) {
    char error[CURL_ERROR_SIZE] = "";
    int64_t before = t->have;
    long answer = 0;
    *again = false;
    t->curl = curl_easy_init();
    if (!t->curl) return tc_fail(TC_ERR_MEMORY, "%s: libcurl does not start", t->d->url);
    CURLcode code = ask(t, &answer, error);
    curl_easy_cleanup(t->curl);
    bool is_whole = t->verdict == TC_OK && t->have == t->d->size;
    /* Nothing was there before: then what a closed connection brought is worth keeping. */
    if (!is_whole && !t->announced && t->have > before && (before > 0 || t->verdict == TC_ERR_FORMAT))
        TC_TRY(cut_part(t, before));
    if (t->ended)
        return tc_fail(TC_ERR_STATE, "%s: stopped; what has come is kept in %s", t->d->url, t->part);
    if (is_whole || t->verdict != TC_OK) return t->verdict;
    if (answer == 416 && before > 0 && !t->from_start) {
        *again = t->from_start = true;
        return tc_fail(TC_ERR_IO, "%s: cannot be resumed", t->d->url);
    }
    *again = !is_final(code, answer);
    const char *why = code == CURLE_OK ? "the answer ended early"
                      : error[0]       ? error
                                       : curl_easy_strerror(code);
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

/* As many connections as it takes and may take; one that brought more than all before it begins the count anew. */
static tc_status fetch_rest(transfer *t) {
    double pause = t->d->pause_seconds;
    int64_t most = t->have;
    for (int left = t->d->attempts; t->have < t->d->size;) {
        bool again;
        tc_status status = connect_once(t, &again);
        if (t->have > most) {
            most = t->have;
            left = t->d->attempts;
            pause = t->d->pause_seconds;
        }
        if (status != TC_OK && (!again || --left <= 0)) return status;
        if (status != TC_OK && !pause_for(t, pause))
            return tc_fail(TC_ERR_STATE, "%s: stopped; what has come is kept in %s", t->d->url, t->part);
        pause *= 2;
    }
    return TC_OK;
}

/* ---- The whole ------------------------------------------------------------------------------------------- */

/* Opens and locks the file that is called PATH.part. *again: it was another when the lock was got, for whoever had the
 * lock before has renamed or removed it. */
static tc_status lock_part(transfer *t, bool *again) {
    struct stat st, named;
    *again = false;
    t->file = open(t->part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (t->file < 0) return fail_io(t->part, "cannot be opened");
    if (flock(t->file, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return tc_fail(TC_ERR_STATE, "%s: another process fetches this file now", t->part);
    if (fstat(t->file, &st) != 0 || !S_ISREG(st.st_mode))
        return tc_fail(TC_ERR_IO, "%s: is no regular file", t->part);
    *again = lstat(t->part, &named) != 0 || st.st_dev != named.st_dev || st.st_ino != named.st_ino;
    if (*again) return tc_fail(TC_ERR_STATE, "%s: another process takes this file away", t->part);
    t->have = st.st_size;
    return TC_OK;
}

static tc_status open_part(transfer *t) {
    bool again = true;
    tc_status status = TC_OK;
    if (snprintf(t->part, sizeof t->part, "%s.part", t->d->path) >= (int)sizeof t->part)
        return tc_fail(TC_ERR_ARGUMENT, "%s: this path is too long", t->d->path);
    for (int i = 0; again && i < OPENINGS_MAX; i++) {
        status = lock_part(t, &again);
        if (status == TC_OK || t->file < 0) continue;
        close(t->file);
        t->file = -1;
    }
    TC_TRY(status);
    if (t->have > t->d->size) TC_TRY(cut_part(t, 0));
    t->resumed = t->have > 0;
    return TC_OK;
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
    /* Whoever had the lock before may have just brought it. */
    if (t->have == 0 && access(t->d->path, F_OK) == 0 &&
        download_check(t->d->path, t->d->size, t->d->md5) == TC_OK) {
        unlink(t->part);
        return TC_OK;
    }
    TC_TRY(fetch_rest(t));
    tc_status status = check_open(t->file, t->part, t->d->url, t->d->size, t->d->md5);
    if (status == TC_ERR_FORMAT && t->resumed) {
        /* The part may have been of another file. */
        TC_TRY(cut_part(t, 0));
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
