/* log_file.c - an entry is one write(): a reader, or the next start, sees it whole or not at all, unless the machine
 * stops in between. */
#include "log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static tc_status fail_io(const char *path) {
    return tc_fail(TC_ERR_IO, "%s: %s", path, strerror(errno));
}

tc_status log_file_open(const char *path, int64_t keep, log_file *file) {
    *file = (log_file){.descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (keep ? 0 : O_TRUNC), 0666)};
    if (file->descriptor < 0) return fail_io(path);
    if (keep && (ftruncate(file->descriptor, keep) || lseek(file->descriptor, keep, SEEK_SET) < 0)) {
        tc_status status = fail_io(path);
        close(file->descriptor);
        return status;
    }
    snprintf(file->path, sizeof file->path, "%s", path);
    return TC_OK;
}

static bool write_all(int descriptor, const char *bytes, size_t size) {
    while (size > 0) {
        ssize_t written = write(descriptor, bytes, size);
        if (written < 0 && errno != EINTR) return false;
        if (written > 0) {
            bytes += written;
            size -= (size_t)written;
        }
    }
    return true;
}

tc_status log_file_append(log_file *file, const void *bytes, size_t size) {
    /* Some files (a pipe, /dev/stdout) have no place to go back to and cannot be synced. */
    off_t begin = lseek(file->descriptor, 0, SEEK_CUR);
    if (write_all(file->descriptor, bytes, size) &&
        (fsync(file->descriptor) == 0 || errno == EINVAL || errno == EROFS))
        return TC_OK;
    tc_status status = fail_io(file->path);
    if (begin >= 0 && ftruncate(file->descriptor, begin) == 0) lseek(file->descriptor, begin, SEEK_SET);
    return status;
}

void log_file_close(log_file *file) {
    if (log_file_is_open(file)) close(file->descriptor);
    *file = (log_file){.descriptor = -1};
}
