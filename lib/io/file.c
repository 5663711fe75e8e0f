/* file.c - whoever looks at a name sees the old file or the new one, whole: the bytes go to a temporary file
 * in the same folder, are synced, and only then take the name (rename is atomic within a file system); at
 * last the folder is synced, so that the new name survives a power cut. */
#define _XOPEN_SOURCE 700 /* realpath() */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tinycnn/checkpoint.h"

#define NAME_ATTEMPTS 1000

/* "PATH: what: the system's reason" */
static tc_status io_fail(const char *path, const char *what, int reason) {
    return tc_fail(TC_ERR_IO, "%s: %s: %s", path, what, strerror(reason));
}

/* ---- Writing ------------------------------------------------------------------------------------------ */

/* Opens "PATH.tmp-PID-N" with the first N that is free. On failure errno tells why. */
static int open_temporary(const char *path, char *name, size_t size) {
    for (int attempt = 0; attempt < NAME_ATTEMPTS; attempt++) {
        snprintf(name, size, "%s.tmp-%ld-%d", path, (long)getpid(), attempt);
        int descriptor = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (descriptor >= 0 || errno != EEXIST) return descriptor;
    }
    return -1;
}

static void free_names(tci_file_writer *writer) {
    free(writer->target);
    free(writer->temporary);
    writer->target = writer->temporary = NULL;
}

/* A link stays one: what it leads to is replaced. */
static tc_status find_target(tci_file_writer *writer) {
    struct stat st;
    const char *path = writer->path;
    if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode)) {
        writer->target = realpath(path, NULL);
        return writer->target ? TC_OK : io_fail(path, "the link leads nowhere", errno);
    }
    writer->target = malloc(strlen(path) + 1);
    if (!writer->target) return tc_fail(TC_ERR_MEMORY, "%s: no memory for a file name", path);
    strcpy(writer->target, path);
    return TC_OK;
}

tc_status tci_file_writer_open(tci_file_writer *writer, const char *path) {
    *writer = (tci_file_writer){.path = path, .descriptor = -1};
    struct stat there;
    /* A rename would put a plain file in the place of a device or fail on a folder. */
    if (stat(path, &there) == 0 && !S_ISREG(there.st_mode))
        return tc_fail(TC_ERR_IO, "%s: cannot be replaced: it is not a regular file", path);
    TC_TRY(find_target(writer));
    size_t size = strlen(writer->target) + 48;
    writer->temporary = malloc(size);
    if (writer->temporary) writer->descriptor = open_temporary(writer->target, writer->temporary, size);
    if (writer->descriptor >= 0) return TC_OK;
    int reason = errno;
    tc_status status = writer->temporary
                           ? io_fail(writer->target, "cannot write a temporary file beside it", reason)
                           : tc_fail(TC_ERR_MEMORY, "%s: no memory for a file name", path);
    free_names(writer);
    return status;
}

tc_status tci_file_writer_write(tci_file_writer *writer, const void *bytes, size_t size) {
    const char *next = bytes;
    while (size > 0) {
        ssize_t written = write(writer->descriptor, next, size);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return io_fail(writer->path, "cannot be written", errno);
        next += written;
        size -= (size_t)written;
    }
    return TC_OK;
}

/* File systems that cannot sync what they are asked to say EINVAL; there is nothing better to do then. */
static int sync_descriptor(int descriptor) {
    return fsync(descriptor) == 0 || errno == EINVAL || errno == ENOTSUP ? 0 : -1;
}

static tc_status sync_folder(const char *path) {
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 0;
    char *folder = malloc(length + 2);
    if (!folder) return tc_fail(TC_ERR_MEMORY, "%s: no memory for a folder name", path);
    if (length > 0) {
        memcpy(folder, path, length);
        folder[length] = '\0';
    } else {
        strcpy(folder, slash ? "/" : ".");
    }
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int failed = descriptor < 0 || sync_descriptor(descriptor) != 0, reason = errno;
    if (descriptor >= 0) close(descriptor);
    free(folder);
    return failed ? io_fail(path, "its folder cannot be synced", reason) : TC_OK;
}

tc_status tci_file_writer_commit(tci_file_writer *writer) {
    tc_status status = TC_OK;
    if (sync_descriptor(writer->descriptor) != 0) status = io_fail(writer->path, "cannot be synced", errno);
    /* Linux has closed the descriptor whatever close() says. */
    if (close(writer->descriptor) != 0 && errno != EINTR && status == TC_OK)
        status = io_fail(writer->path, "cannot be closed", errno);
    writer->descriptor = -1;
    if (status == TC_OK && rename(writer->temporary, writer->target) != 0)
        status = io_fail(writer->path, "the temporary file cannot take this name", errno);
    if (status == TC_OK) {
        status = sync_folder(writer->target);
        free_names(writer);
    } else {
        tci_file_writer_abort(writer);
    }
    return status;
}

void tci_file_writer_abort(tci_file_writer *writer) {
    if (writer->descriptor >= 0) close(writer->descriptor);
    if (writer->temporary) unlink(writer->temporary);
    free_names(writer);
    writer->descriptor = -1;
}

tc_status tc_write_file(const char *path, const void *bytes, size_t size) {
    tci_file_writer writer;
    TC_TRY(tci_file_writer_open(&writer, path));
    tc_status status = tci_file_writer_write(&writer, bytes, size);
    if (status == TC_OK) return tci_file_writer_commit(&writer);
    tci_file_writer_abort(&writer);
    return status;
}

/* ---- Reading ------------------------------------------------------------------------------------------ */

tc_status tci_file_reader_open(tci_file_reader *reader, const char *path) {
    *reader = (tci_file_reader){.path = path, .descriptor = open(path, O_RDONLY | O_CLOEXEC)};
    if (reader->descriptor < 0) return io_fail(path, "cannot be opened", errno);
    struct stat there;
    tc_status status = TC_OK;
    if (fstat(reader->descriptor, &there) != 0) {
        status = io_fail(path, "cannot be looked at", errno);
    } else if (!S_ISREG(there.st_mode)) {
        status = tc_fail(TC_ERR_IO, "%s: is not a regular file", path);
    } else if ((uintmax_t)there.st_size > SIZE_MAX) {
        status = tc_fail(TC_ERR_MEMORY, "%s: is larger than the memory of this machine", path);
    }
    if (status == TC_OK) {
        reader->size = (size_t)there.st_size;
    } else {
        tci_file_reader_close(reader);
    }
    return status;
}

tc_status tci_file_reader_read(tci_file_reader *reader, void *bytes, size_t size) {
    char *next = bytes;
    while (size > 0) {
        ssize_t got = read(reader->descriptor, next, size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return io_fail(reader->path, "cannot be read", errno);
        if (got == 0) return tc_fail(TC_ERR_FORMAT, "%s: ends %zu bytes too early", reader->path, size);
        next += got;
        size -= (size_t)got;
    }
    return TC_OK;
}

void tci_file_reader_close(tci_file_reader *reader) {
    if (reader->descriptor >= 0) close(reader->descriptor);
    reader->descriptor = -1;
}
