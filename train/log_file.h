/* log_file.h - a file that grows by whole entries as training goes. */
#ifndef TRAIN_LOG_FILE_H
#define TRAIN_LOG_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "tinycnn.h"

#define LOG_PATH_MAX 4400

typedef struct log_file {
    char path[LOG_PATH_MAX]; /* "": there is no such log */
    int descriptor;
} log_file;

/* Opens the file, which is made if it is not there, cut back to its first `keep` bytes. */
tc_status log_file_open(const char *path, int64_t keep, log_file *file);
static inline bool log_file_is_open(const log_file *file) {
    return file->path[0] != '\0';
}
/* Appends an entry and sees it to the disk. If that fails, what was written of the entry is taken back. */
tc_status log_file_append(log_file *file, const void *bytes, size_t size);
void log_file_close(log_file *file);

#endif
