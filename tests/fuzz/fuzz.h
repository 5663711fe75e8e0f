/* fuzz.h - what the fuzz targets share. A target is one file that hands bytes to a reader in the place of a file; with
 * libFuzzer's main it looks for bytes that do harm (run.sh), with replay.c's it tries those of corpus/ and all their
 * neighbours. Whatever the bytes are: a status, a sentence, no crash, no leak, little memory. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Writes FOLDER/name, the folder being the process's own; returns the path, valid until the next call. */
const char *fuzz_file(const char *name, const uint8_t *bytes, size_t size);
const char *fuzz_folder(void);

/* Ends the program unless `right`; for what must hold whatever the bytes are. */
void fuzz_expect(int right, const char *what);

#endif
