/* download.h - one file from a web server to its place (libcurl), whole and checked before it gets its name. */
#ifndef TRAIN_DOWNLOAD_H
#define TRAIN_DOWNLOAD_H

#include "tinycnn.h"

typedef struct download {
    const char *url; /* http:// or https:// */
    const char *path;
    const char *md5;      /* of the whole file, 32 hex digits */
    int64_t size;         /* bytes; more are never written */
    int attempts;         /* connections that may come to nothing, one after the other */
    double stall_seconds; /* how long a server may say nothing before the connection is given up */
    double pause_seconds; /* before the second connection, twice that before the third, ... */
    /* Called now and then; true ends the download. May be NULL. */
    bool (*show)(void *context, int64_t done, int64_t size);
    void *context;
} download;

/* What has come so far lies in PATH.part and is kept when the download ends early; the next call asks for the rest only.
 * An answer that is not this file (a login page, another length, a range that was not asked for) is refused and leaves the
 * part as it was. A part that turns out to be of another file is fetched anew once. At the end size and MD5 are compared,
 * the file is synced and renamed.
 * TC_ERR_IO, TC_ERR_FORMAT with URL or path, what was found and what was expected; TC_ERR_STATE where `show` ended it, or
 * another process fetches the same file; TC_ERR_UNSUPPORTED where the build has no libcurl. */
tc_status download_file(const download *d);

/* Whether the file is there and has this size and MD5: TC_OK. TC_ERR_IO: it cannot be read or is not there
 * (errno ENOENT); TC_ERR_FORMAT: it is another file. */
tc_status download_check(const char *path, int64_t size, const char *md5);

/* The schemes that a redirection from this address may lead to, as libcurl lists them: nobody who asked for https, in
 * whatever letters, is led to http. */
const char *download_redirections(const char *url);

/* The version of libcurl, or NULL. */
const char *download_curl_version(void);

#endif
