/* cifar.c - CIFAR-10 (Krizhevsky: "Learning Multiple Layers of Features from Tiny Images", 2009).
 *
 * A batch file is a row of records of 3073 bytes: the label, then 32 x 32 bytes each of red, green and blue.
 * Here a picture is (H, W, C): out[3 p + c] = in[1024 c + p].
 *
 * A folder tells the sizes of its files beforehand, so the pictures are read straight to their final place.
 * An archive tells a member's size only when its turn comes, and may hold members in any order: each is kept
 * in a block of its own, then moved to its place and given back, so the peak is the pictures and one batch.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "internal.h"
#include "targz.h"

enum {
    SIDE = 32,
    PLANE = SIDE * SIDE,
    PICTURE = 3 * PLANE,
    RECORD = 1 + PICTURE,
    RECORDS_A_READ = 16,
    CLASSES = 10,
    BATCHES = 6, /* the last one is the test split */
    TEST = 5,
    META_BYTES = 1024,
    PATH_LENGTH = 4096 + 64
};

static const char *const batch_names[BATCHES] = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                                 "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"};
static const char meta_name[] = "batches.meta.txt";

typedef struct classes {
    char text[META_BYTES + 1];
    const char *names[CLASSES];
} classes;

static const classes official = {
    .names = {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}};

/* ---- Records ------------------------------------------------------------------------------------------ */

/* Where bytes come from: exactly one of the two is set. */
typedef struct source {
    FILE *file;
    tci_targz *archive;
    const char *where; /* for messages: the file, or the archive and its member */
} source;

static tc_status read_exactly(const source *from, void *buffer, size_t bytes) {
    if (from->archive != NULL) return tci_targz_read(from->archive, buffer, bytes);
    if (fread(buffer, 1, bytes, from->file) == bytes) return TC_OK;
    if (ferror(from->file)) return tc_fail(TC_ERR_IO, "%s: cannot be read: %s", from->where, strerror(errno));
    return tc_fail(TC_ERR_FORMAT, "%s: became shorter while it was read", from->where);
}

static tc_status count_records(const char *where, uint64_t bytes, int64_t *count) {
    if (bytes == 0)
        return tc_fail(TC_ERR_FORMAT, "%s: is empty, expected records of %d bytes", where, RECORD);
    *count = (int64_t)(bytes / RECORD);
    if (bytes % RECORD == 0) return TC_OK;
    return tc_fail(TC_ERR_FORMAT, "%s: record %lld has %d bytes, expected %d (%llu bytes in all)", where,
                   (long long)*count + 1, (int)(bytes % RECORD), RECORD, (unsigned long long)bytes);
}

static void interleave(const uint8_t *planes, /* (3, PLANE) */
                       uint8_t *picture) {    /* (PLANE, 3) */
    for (int p = 0; p < PLANE; p++)
        for (int c = 0; c < 3; c++) picture[3 * p + c] = planes[PLANE * c + p];
}

static tc_status read_records(const source *from, int64_t count, uint8_t *pixels, /* (count, SIDE, SIDE, 3) */
                              uint8_t *labels) {                                  /* (count) */
    uint8_t buffer[RECORDS_A_READ * RECORD];
    for (int64_t first = 0; first < count; first += RECORDS_A_READ) {
        int n = count - first < RECORDS_A_READ ? (int)(count - first) : RECORDS_A_READ;
        TC_TRY(read_exactly(from, buffer, (size_t)n * RECORD));
        for (int i = 0; i < n; i++) {
            const uint8_t *record = buffer + i * RECORD;
            if (record[0] >= CLASSES)
                return tc_fail(TC_ERR_FORMAT, "%s: record %lld of %lld has label %d, expected 0 to %d",
                               from->where, (long long)(first + i) + 1, (long long)count, record[0],
                               CLASSES - 1);
            labels[first + i] = record[0];
            interleave(record + 1, pixels + (first + i) * PICTURE);
        }
    }
    return TC_OK;
}

/* Cuts the lines of out->text, which holds `bytes` bytes, into the names of the classes. */
static tc_status parse_classes(const char *where, size_t bytes, classes *out) {
    int count = 0;
    for (size_t i = 0; i < bytes; i++) {
        unsigned char byte = (unsigned char)out->text[i];
        if (byte == '\r' || byte == '\n')
            out->text[i] = '\0';
        else if (byte < ' ' || byte == 0x7f)
            return tc_fail(TC_ERR_FORMAT, "%s: byte %zu is %02x, expected lines of text", where, i, byte);
    }
    out->text[bytes] = '\0';
    for (size_t i = 0; i < bytes; i += strlen(out->text + i) + 1) {
        if (out->text[i] == '\0') continue;
        if (count < CLASSES) out->names[count] = out->text + i;
        count++;
    }
    if (count == CLASSES) return TC_OK;
    return tc_fail(TC_ERR_FORMAT, "%s: %d names of classes, expected %d", where, count, CLASSES);
}

static tc_status read_classes(const source *from, uint64_t bytes, classes *out) {
    if (bytes > META_BYTES)
        return tc_fail(TC_ERR_FORMAT, "%s: %llu bytes, expected %d names of classes in at most %d",
                       from->where, (unsigned long long)bytes, CLASSES, META_BYTES);
    TC_TRY(read_exactly(from, out->text, (size_t)bytes));
    return parse_classes(from->where, (size_t)bytes, out);
}

/* A data set with room for the given numbers of pictures. */
static tc_status create(const classes *names, const int64_t counts[BATCHES], tc_dataset **dataset) {
    TC_TRY(tci_dataset_create("cifar10", 3, SIDE, SIDE, CLASSES, names->names, dataset));
    int64_t train = 0;
    for (int i = 0; i < TEST; i++) train += counts[i];
    TC_TRY(tci_split_alloc(*dataset, train, &(*dataset)->train));
    return tci_split_alloc(*dataset, counts[TEST], &(*dataset)->test);
}

/* ---- From a folder ------------------------------------------------------------------------------------ */

/* Opens a file of the folder. A missing one is an error unless it may be missing; then from->file is NULL. */
static tc_status open_file(const char *folder, const char *name, bool may_be_missing, char path[PATH_LENGTH],
                           source *from, uint64_t *bytes) {
    if (snprintf(path, PATH_LENGTH, "%s/%s", folder, name) >= PATH_LENGTH)
        return tc_fail(TC_ERR_ARGUMENT, "%s: this path is too long", folder);
    *from = (source){.file = fopen(path, "rb"), .where = path};
    struct stat st;
    if (from->file == NULL && errno == ENOENT && may_be_missing) return TC_OK;
    if (from->file == NULL)
        return tc_fail(TC_ERR_IO, "%s: cannot be opened: %s (expected in a folder of CIFAR-10)", path,
                       strerror(errno));
    if (fstat(fileno(from->file), &st) == 0 && S_ISREG(st.st_mode)) {
        *bytes = (uint64_t)st.st_size;
        return TC_OK;
    }
    fclose(from->file);
    return tc_fail(TC_ERR_IO, "%s: is not a file", path);
}

static tc_status measure_folder(const char *folder, int64_t counts[BATCHES]) {
    for (int i = 0; i < BATCHES; i++) {
        char path[PATH_LENGTH];
        source from;
        uint64_t bytes;
        TC_TRY(open_file(folder, batch_names[i], false, path, &from, &bytes));
        fclose(from.file);
        TC_TRY(count_records(path, bytes, &counts[i]));
    }
    return TC_OK;
}

static tc_status read_folder_classes(const char *folder, classes *names) {
    char path[PATH_LENGTH];
    source from;
    uint64_t bytes;
    TC_TRY(open_file(folder, meta_name, true, path, &from, &bytes));
    if (from.file == NULL) return TC_OK;
    tc_status status = read_classes(&from, bytes, names);
    fclose(from.file);
    return status;
}

static tc_status open_folder(const char *folder, tc_dataset **dataset) {
    int64_t counts[BATCHES], done = 0;
    classes names = official;
    TC_TRY(measure_folder(folder, counts));
    TC_TRY(read_folder_classes(folder, &names));
    TC_TRY(create(&names, counts, dataset));
    for (int i = 0; i < BATCHES; i++) {
        char path[PATH_LENGTH];
        source from;
        uint64_t bytes;
        tc_split *split = i == TEST ? &(*dataset)->test : &(*dataset)->train;
        if (i == TEST) done = 0;
        TC_TRY(open_file(folder, batch_names[i], false, path, &from, &bytes));
        tc_status status =
            read_records(&from, counts[i], split->pixels + done * PICTURE, split->labels + done);
        fclose(from.file);
        TC_TRY(status);
        done += counts[i];
    }
    return TC_OK;
}

/* ---- From an archive ---------------------------------------------------------------------------------- */

typedef struct batch {
    int64_t count;   /* 0: not met yet */
    uint8_t *pixels; /* (count, SIDE, SIDE, 3) */
    uint8_t *labels; /* (count) */
} batch;

static tc_status read_member(tci_targz *archive, const source *from, batch *b) {
    if (!archive->regular) return tc_fail(TC_ERR_FORMAT, "%s: is not a file", from->where);
    if (b->count != 0) return tc_fail(TC_ERR_FORMAT, "%s: this batch is there twice", from->where);
    int64_t count = 0;
    TC_TRY(count_records(from->where, archive->size, &count));
    b->pixels = malloc((size_t)count * PICTURE);
    b->labels = malloc((size_t)count);
    if (b->pixels == NULL || b->labels == NULL)
        return tc_fail(TC_ERR_MEMORY, "%s: out of memory for %lld pictures", from->where, (long long)count);
    b->count = count;
    return read_records(from, count, b->pixels, b->labels);
}

/* Reads all batches of the archive, whatever folder they are in there. */
static tc_status read_members(tci_targz *archive, batch batches[BATCHES], classes *names) {
    bool more;
    TC_TRY(tci_targz_next(archive, &more));
    while (more) {
        char where[PATH_LENGTH];
        snprintf(where, sizeof where, "%s: %s", archive->path, archive->name);
        source from = {.archive = archive, .where = where};
        const char *slash = strrchr(archive->name, '/'), *name = slash != NULL ? slash + 1 : archive->name;
        for (int i = 0; i < BATCHES; i++)
            if (strcmp(name, batch_names[i]) == 0) TC_TRY(read_member(archive, &from, &batches[i]));
        if (archive->regular && strcmp(name, meta_name) == 0)
            TC_TRY(read_classes(&from, archive->size, names));
        TC_TRY(tci_targz_next(archive, &more));
    }
    for (int i = 0; i < BATCHES; i++)
        if (batches[i].count == 0)
            return tc_fail(TC_ERR_FORMAT, "%s: no %s in this archive", archive->path, batch_names[i]);
    return TC_OK;
}

static void free_batch(batch *b) {
    free(b->pixels);
    free(b->labels);
    *b = (batch){0};
}

static tc_status assemble(batch batches[BATCHES], const classes *names, tc_dataset **dataset) {
    int64_t counts[BATCHES], done = 0;
    for (int i = 0; i < BATCHES; i++) counts[i] = batches[i].count;
    TC_TRY(create(names, counts, dataset));
    for (int i = 0; i < BATCHES; i++) {
        tc_split *split = i == TEST ? &(*dataset)->test : &(*dataset)->train;
        if (i == TEST) done = 0;
        memcpy(split->pixels + done * PICTURE, batches[i].pixels, (size_t)counts[i] * PICTURE);
        memcpy(split->labels + done, batches[i].labels, (size_t)counts[i]);
        done += counts[i];
        free_batch(&batches[i]);
    }
    return TC_OK;
}

static tc_status open_archive(const char *path, tc_dataset **dataset) {
    tci_targz archive;
    batch batches[BATCHES] = {{0}};
    classes names = official;
    TC_TRY(tci_targz_open(&archive, path));
    tc_status status = read_members(&archive, batches, &names);
    tci_targz_close(&archive);
    if (status == TC_OK) status = assemble(batches, &names, dataset);
    for (int i = 0; i < BATCHES; i++) free_batch(&batches[i]);
    return status;
}

tc_status tc_cifar10_open(const char *path, tc_dataset **dataset) {
    struct stat st;
    *dataset = NULL;
    if (stat(path, &st) != 0)
        return tc_fail(TC_ERR_IO, "%s: %s; expected a folder of CIFAR-10 .bin files or their .tar.gz", path,
                       strerror(errno));
    tc_status status = S_ISDIR(st.st_mode) ? open_folder(path, dataset) : open_archive(path, dataset);
    if (status != TC_OK) {
        tc_dataset_free(*dataset);
        *dataset = NULL;
        return status;
    }
    tci_dataset_measure(*dataset, 0);
    return TC_OK;
}
