/* data_files.h - small CIFAR-10 folders and archives in a temporary place. */
#ifndef TC_TEST_DATA_FILES_H
#define TC_TEST_DATA_FILES_H

#include <stddef.h>
#include <stdint.h>

enum { DATA_RECORD = 3073, DATA_BATCHES = 6 };

/* data_batch_1.bin .. data_batch_5.bin, test_batch.bin */
extern const char *const data_batch_names[DATA_BATCHES];

/* A temporary folder for the whole program, removed by data_remove_place(). */
void data_make_place(void);
void data_remove_place(void);
/* "PLACE/name"; the text is static, eight calls long. */
const char *data_path(const char *name);

void data_write(const char *name, const void *bytes, size_t size);
void data_make_folder(const char *name);
void data_remove(const char *name);

/* The bytes of batch `batch`: `count` records with label (record + batch) % 10 and pseudo-random pixels. */
uint8_t *data_batch(int batch, int count);
/* A folder of six batches with 1 + batch % 3 records each. */
void data_make_cifar(const char *folder);
int data_cifar_count(int batch);

/* A tar archive in memory. */
typedef struct data_tar {
    uint8_t *bytes;
    size_t size;
} data_tar;

/* Appends a member and returns the offset of its header. */
size_t data_tar_add(data_tar *tar, const char *name, char type, const void *bytes, size_t size);
/* Writes the sum of the header at `offset` anew, after a test has changed a field. */
void data_tar_sum(data_tar *tar, size_t offset);
/* The same six batches as data_make_cifar(), named prefix + name. */
void data_tar_cifar(data_tar *tar, const char *prefix);
void data_tar_end(data_tar *tar); /* two blocks of zeros */
void data_tar_free(data_tar *tar);
/* Writes the archive through gzip. */
void data_tar_write(const data_tar *tar, const char *name);

#endif
