/* safetensors.h - the file format alone, as bytes; knows nothing of models.
 *
 * Eight bytes of little-endian header length, the header (JSON: each tensor's name with "dtype", "shape" and
 * "data_offsets", and "__metadata__", an object of strings), then the tensors' bytes without gaps. */
#ifndef TCI_SAFETENSORS_H
#define TCI_SAFETENSORS_H

#include <jansson.h>

#include "file.h"

#define TCI_MAX_HEADER 100000000u /* bytes; the limit of the reference implementation */

typedef enum tci_dtype { TCI_F32, TCI_I64 } tci_dtype;

typedef struct tci_stored_tensor {
    const char *name;
    tci_dtype dtype;
    int ndim;
    int64_t shape[4];
    size_t begin, end; /* within the data */
    bool used;         /* for the reader's caller */
} tci_stored_tensor;

/* ---- Reading ------------------------------------------------------------------------------------------ */

typedef struct tci_safetensors {
    json_t *header;
    json_t *metadata;           /* part of header; NULL if there is none */
    tci_stored_tensor *tensors; /* in the order of the data; names are part of header */
    size_t count;
} tci_safetensors;

/* Checks that `text` is a header that describes data_size bytes completely: no gap, no overlap, every shape
 * as large as its bytes. Sentences begin with `path`. */
tc_status tci_safetensors_parse(const char *path, const char *text, size_t size, size_t data_size,
                                tci_safetensors *file);
/* Opens a file and reads and parses its header; the reader then stands at the data. */
tc_status tci_safetensors_open(const char *path, tci_file_reader *reader, tci_safetensors *file,
                               size_t *data_size);
void tci_safetensors_free(tci_safetensors *file);

/* A string of the metadata; NULL if there is none of that name. */
const char *tci_safetensors_metadata(const tci_safetensors *file, const char *key);

/* ---- Writing ------------------------------------------------------------------------------------------ */

/* The length field and header for tensors whose begin and end are set, padded with spaces to a multiple of 8.
 * `metadata` is taken over. *bytes is the caller's to free. */
tc_status tci_safetensors_header(const char *path, json_t *metadata, const tci_stored_tensor *tensors,
                                 size_t count, char **bytes, size_t *size);

#endif
