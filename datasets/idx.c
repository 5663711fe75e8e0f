/* idx.c - MNIST (LeCun, Cortes, Burges 1998) and what is published in the same form, as Fashion-MNIST (Xiao, Rasul,
 * Vollgraf 2017): IDX files, plain or behind gzip.
 *
 * An IDX file is two zero bytes, the type of its numbers (08: unsigned bytes), the number of dimensions, each dimension
 * as four bytes with the highest first, and the numbers. Pictures are (count, height, width), labels (count). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "internal.h"

enum { PATH_LENGTH = 4096 + 64, CLASSES = 10, MOST_SIDE = 4096, MOST_DIMENSIONS = 3 };

typedef struct family {
    const char *name;
    const char *class_names[CLASSES];
} family;

static const family digits = {"mnist", {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}};
static const family fashion = {"fashion-mnist",
                               {"t-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt",
                                "sneaker", "bag", "ankle boot"}};

/* An opened file, its header read. */
typedef struct idx {
    char path[PATH_LENGTH];
    gzFile file;
    uint64_t most; /* bytes it can hold: deflate shrinks at most 1032 to 1 */
    int dimensions;
    uint32_t size[MOST_DIMENSIONS];
} idx;

/* ---- Files -------------------------------------------------------------------------------------------- */

/* Finds "<folder>/<name>" or the same with ".gz". */
static tc_status find_file(const char *folder, const char *name, idx *f, int *descriptor) {
    static const char *const endings[] = {"", ".gz"};
    for (int i = 0; i < 2; i++) {
        if (snprintf(f->path, PATH_LENGTH, "%s/%s%s", folder, name, endings[i]) >= PATH_LENGTH)
            return tc_fail(TC_ERR_ARGUMENT, "%s: this path is too long", folder);
        *descriptor = open(f->path, O_RDONLY | O_CLOEXEC);
        if (*descriptor >= 0) return TC_OK;
        if (errno != ENOENT) return tc_fail(TC_ERR_IO, "%s: cannot be opened: %s", f->path, strerror(errno));
    }
    return tc_fail(TC_ERR_IO, "%s/%s: not found, nor with .gz behind it", folder, name);
}

static tc_status open_stream(idx *f, int descriptor) {
    struct stat st;
    tc_status status = TC_OK;
    if (fstat(descriptor, &st) != 0)
        status = tc_fail(TC_ERR_IO, "%s: cannot be examined: %s", f->path, strerror(errno));
    else if (!S_ISREG(st.st_mode))
        status = tc_fail(TC_ERR_IO, "%s: is not a file", f->path);
    else if ((f->file = gzdopen(descriptor, "rb")) == NULL)
        status = tc_fail(TC_ERR_MEMORY, "%s: out of memory for reading it", f->path);
    if (status != TC_OK) {
        close(descriptor);
        return status;
    }
    gzbuffer(f->file, 1 << 17);
    f->most = (uint64_t)st.st_size * 1032;
    return TC_OK;
}

/* Exactly `bytes` bytes. */
static tc_status read_bytes(idx *f, void *buffer, uint64_t bytes) {
    for (uint64_t got = 0; got < bytes;) {
        uint64_t want = bytes - got;
        int n = gzread(f->file, (char *)buffer + got, want < 1 << 30 ? (unsigned)want : 1u << 30);
        if (n > 0) {
            got += (uint64_t)n;
            continue;
        }
        int code;
        const char *text = gzerror(f->file, &code);
        if (code == Z_ERRNO) return tc_fail(TC_ERR_IO, "%s: cannot be read: %s", f->path, strerror(errno));
        if (code == Z_OK || code == Z_BUF_ERROR)
            return tc_fail(TC_ERR_FORMAT, "%s: is truncated: ends %llu bytes early", f->path,
                           (unsigned long long)want);
        return tc_fail(TC_ERR_FORMAT, "%s: is damaged: %s", f->path, text);
    }
    return TC_OK;
}

/* The end has to be here; gzip's own checksum is looked at on the way. */
static tc_status read_end(idx *f) {
    char byte;
    int n = gzread(f->file, &byte, 1), code = Z_OK;
    const char *text = gzerror(f->file, &code);
    if (n == 1) return tc_fail(TC_ERR_FORMAT, "%s: goes on behind its last record", f->path);
    if (n == 0 && code == Z_OK) return TC_OK;
    if (code == Z_BUF_ERROR)
        return tc_fail(TC_ERR_FORMAT, "%s: is truncated: the gzip data ends early", f->path);
    return tc_fail(TC_ERR_FORMAT, "%s: is damaged: %s", f->path, text);
}

static tc_status read_header(idx *f, int dimensions) {
    unsigned char magic[4], four[4];
    uint64_t numbers = 1;
    TC_TRY(read_bytes(f, magic, 4));
    if (magic[0] != 0 || magic[1] != 0 || magic[2] != 8 || magic[3] != dimensions)
        return tc_fail(TC_ERR_FORMAT, "%s: begins with %02x %02x %02x %02x, expected 00 00 08 %02x (IDX)",
                       f->path, magic[0], magic[1], magic[2], magic[3], dimensions);
    f->dimensions = dimensions;
    for (int i = 0; i < dimensions; i++) {
        TC_TRY(read_bytes(f, four, 4));
        f->size[i] = (uint32_t)four[0] << 24 | (uint32_t)four[1] << 16 | (uint32_t)four[2] << 8 | four[3];
        if (i > 0 && (f->size[i] < 1 || f->size[i] > MOST_SIDE))
            return tc_fail(TC_ERR_FORMAT, "%s: pictures with a side of %u, expected 1 to %d", f->path,
                           f->size[i], MOST_SIDE);
        numbers *= f->size[i];
    }
    if (f->size[0] == 0) return tc_fail(TC_ERR_FORMAT, "%s: holds no record", f->path);
    if (numbers > f->most)
        return tc_fail(TC_ERR_FORMAT, "%s: is truncated: speaks of %u records, more than it can hold",
                       f->path, f->size[0]);
    return TC_OK;
}

/* On failure there is nothing to close. */
static tc_status idx_open(const char *folder, const char *name, int dimensions, idx *f) {
    int descriptor = -1;
    f->file = NULL;
    TC_TRY(find_file(folder, name, f, &descriptor));
    TC_TRY(open_stream(f, descriptor));
    tc_status status = read_header(f, dimensions);
    if (status != TC_OK) gzclose_r(f->file);
    return status;
}

/* ---- The data set ------------------------------------------------------------------------------------- */

static tc_status read_split(idx *pictures, idx *labels, const tc_dataset *dataset, tc_split *split) {
    const uint32_t *size = pictures->size;
    if ((int)size[1] != dataset->height || (int)size[2] != dataset->width)
        return tc_fail(TC_ERR_FORMAT, "%s: pictures of %u x %u, expected %d x %d as in training",
                       pictures->path, size[1], size[2], dataset->height, dataset->width);
    if (labels->size[0] != size[0])
        return tc_fail(TC_ERR_FORMAT, "%s: %u labels, expected %u, one for each picture", labels->path,
                       labels->size[0], size[0]);
    TC_TRY(tci_split_alloc(dataset, size[0], split));
    TC_TRY(read_bytes(pictures, split->pixels, (uint64_t)size[0] * size[1] * size[2]));
    TC_TRY(read_end(pictures));
    TC_TRY(read_bytes(labels, split->labels, size[0]));
    TC_TRY(read_end(labels));
    for (uint32_t i = 0; i < size[0]; i++)
        if (split->labels[i] >= CLASSES)
            return tc_fail(TC_ERR_FORMAT, "%s: record %u of %u has label %d, expected 0 to %d", labels->path,
                           i + 1, size[0], split->labels[i], CLASSES - 1);
    return TC_OK;
}

/* `prefix`: "train" or "t10k". The first split makes the data set. */
static tc_status add_split(const char *folder, const char *prefix, const family *of, bool test,
                           tc_dataset **dataset) {
    char name[64];
    idx pictures, labels;
    snprintf(name, sizeof name, "%s-images-idx3-ubyte", prefix);
    TC_TRY(idx_open(folder, name, 3, &pictures));
    snprintf(name, sizeof name, "%s-labels-idx1-ubyte", prefix);
    tc_status status = idx_open(folder, name, 1, &labels);
    if (status == TC_OK) {
        if (*dataset == NULL)
            status = tci_dataset_create(of->name, 1, (int)pictures.size[1], (int)pictures.size[2], CLASSES,
                                        of->class_names, dataset);
        if (status == TC_OK)
            status = read_split(&pictures, &labels, *dataset, test ? &(*dataset)->test : &(*dataset)->train);
        gzclose_r(labels.file);
    }
    gzclose_r(pictures.file);
    return status;
}

tc_status tc_mnist_open(const char *folder, bool is_fashion, tc_dataset **dataset) {
    const family *of = is_fashion ? &fashion : &digits;
    *dataset = NULL;
    tc_status status = add_split(folder, "train", of, false, dataset);
    if (status == TC_OK) status = add_split(folder, "t10k", of, true, dataset);
    if (status != TC_OK) {
        tc_dataset_free(*dataset);
        *dataset = NULL;
        return status;
    }
    tci_dataset_measure(*dataset, 0);
    return TC_OK;
}
