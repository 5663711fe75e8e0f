/* npy.h - an array of NumPy's: a header that says what it holds, then the values.
 *
 *     tci_npy array;
 *     TC_TRY(tci_npy_open(&array, path, read_bytes, source, size));
 *     TC_TRY(tci_npy_read(&array, buffer, bytes));   // again and again
 *
 * NumPy Enhancement Proposal 1 and numpy.lib.format describe versions 1.0 to 3.0. */
#ifndef TINYCNN_DATASETS_NPY_H
#define TINYCNN_DATASETS_NPY_H

#include "tinycnn.h"

enum { NPY_DIMS = 8 };

typedef struct tci_npy {
    const char *name;                                     /* for messages; the caller's */
    int64_t (*read)(void *from, void *to, uint64_t size); /* bytes that came, at the end 0, -1 on failure */
    void *from;
    char kind;       /* 'u', 'i', 'b' (bool), 'f', ... */
    int item;        /* bytes of a value */
    bool big_endian; /* where that matters */
    int ndim;
    int64_t shape[NPY_DIMS];
} tci_npy;

/* `size`: bytes that there are in all; it has to be what the header promises. */
tc_status tci_npy_open(tci_npy *array, const char *name, int64_t (*read)(void *from, void *to, uint64_t size),
                       void *from, uint64_t size);
tc_status tci_npy_read(tci_npy *array, void *to, size_t size);

#endif
