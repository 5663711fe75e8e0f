/* file.h - reading and safely writing whole files. */
#ifndef TCI_FILE_H
#define TCI_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tinycnn/status.h"

/* A file being written beside its final name. Zero it, open it, write, and close it in either way. */
typedef struct tci_file_writer {
    const char *path; /* the final name; the caller's */
    char *target;     /* the same, or where it leads if it is a link */
    char *temporary;
    int descriptor;
} tci_file_writer;

tc_status tci_file_writer_open(tci_file_writer *writer, const char *path);
tc_status tci_file_writer_write(tci_file_writer *writer, const void *bytes, size_t size);
/* Syncs, takes the final name, syncs the folder. The writer is closed in any case; on failure the temporary
 * file is gone and what had the final name before is untouched, unless it was the folder that could not be synced. */
tc_status tci_file_writer_commit(tci_file_writer *writer);
/* Closes and removes the temporary file. */
void tci_file_writer_abort(tci_file_writer *writer);

/* A file opened for reading, its size known. */
typedef struct tci_file_reader {
    const char *path; /* the caller's */
    int descriptor;
    size_t size;
} tci_file_reader;

/* Regular files only. */
tc_status tci_file_reader_open(tci_file_reader *reader, const char *path);
/* The next `size` bytes; fewer are an error. */
tc_status tci_file_reader_read(tci_file_reader *reader, void *bytes, size_t size);
void tci_file_reader_close(tci_file_reader *reader);

#endif
