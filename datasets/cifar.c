/* cifar.c - CIFAR-10 and CIFAR-100 (Krizhevsky: "Learning Multiple Layers of Features from Tiny Images", 2009).
 *
 * A batch file is a row of records: the label (CIFAR-100: that of the superclass, then that of the class), then 32 x 32
 * bytes each of red, green and blue. Here a picture is (H, W, C): out[3 p + c] = in[1024 c + p].
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
    MOST_LABELS = 2, /* of a record */
    RECORDS_A_READ = 16,
    MOST_CLASSES = 100,
    MOST_BATCHES = 6,
    META_BYTES = 4096,
    PATH_LENGTH = 4096 + 64
};

/* One of the data sets in this form. */
typedef struct kind {
    const char *name, *published; /* "cifar10", "CIFAR-10" */
    int labels, label;            /* bytes of labels in a record, and which of them is wanted */
    int classes;
    int batches; /* the last one is the test split */
    const char *batch_names[MOST_BATCHES];
    const char *meta_name; /* the file of the classes' names, a line each */
    const char *class_names[MOST_CLASSES];
} kind;

/* clang-format off */
static const kind cifar10 = {
    "cifar10", "CIFAR-10", 1, 0, 10, 6,
    {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin",
     "test_batch.bin"},
    "batches.meta.txt",
    {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}};

static const kind cifar100 = {
    "cifar100", "CIFAR-100", 2, 1, 100, 2, {"train.bin", "test.bin"}, "fine_label_names.txt",
    {"apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle", "bowl", "boy",
     "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle", "chair", "chimpanzee", "clock",
     "cloud", "cockroach", "couch", "crab", "crocodile", "cup", "dinosaur", "dolphin", "elephant", "flatfish",
     "forest", "fox", "girl", "hamster", "house", "kangaroo", "keyboard", "lamp", "lawn_mower", "leopard", "lion",
     "lizard", "lobster", "man", "maple_tree", "motorcycle", "mountain", "mouse", "mushroom", "oak_tree", "orange",
     "orchid", "otter", "palm_tree", "pear", "pickup_truck", "pine_tree", "plain", "plate", "poppy", "porcupine",
     "possum", "rabbit", "raccoon", "ray", "road", "rocket", "rose", "sea", "seal", "shark", "shrew", "skunk",
     "skyscraper", "snail", "snake", "spider", "squirrel", "streetcar", "sunflower", "sweet_pepper", "table", "tank",
     "telephone", "television", "tiger", "tractor", "train", "trout", "tulip", "turtle", "wardrobe", "whale",
     "willow_tree", "wolf", "woman", "worm"}};

static const kind cifar100_coarse = {
    "cifar100-coarse", "CIFAR-100", 2, 0, 20, 2, {"train.bin", "test.bin"}, "coarse_label_names.txt",
    {"aquatic_mammals", "fish", "flowers", "food_containers", "fruit_and_vegetables", "household_electrical_devices",
     "household_furniture", "insects", "large_carnivores", "large_man-made_outdoor_things",
     "large_natural_outdoor_scenes", "large_omnivores_and_herbivores", "medium_mammals", "non-insect_invertebrates",
     "people", "reptiles", "small_mammals", "trees", "vehicles_1", "vehicles_2"}};
/* clang-format on */

/* The names of the classes, and the text of a file that they point into. */
typedef struct classes {
    char text[META_BYTES + 1];
    const char *names[MOST_CLASSES];
} classes;

static void official_classes(const kind *k, classes *names) {
    memcpy(names->names, k->class_names, sizeof names->names);
}

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

static tc_status count_records(const kind *k, const char *where, uint64_t bytes, int64_t *count) {
    unsigned record = (unsigned)(k->labels + PICTURE);
    if (bytes == 0)
        return tc_fail(TC_ERR_FORMAT, "%s: is empty, expected records of %u bytes", where, record);
    *count = (int64_t)(bytes / record);
    if (bytes % record == 0) return TC_OK;
    return tc_fail(TC_ERR_FORMAT, "%s: record %lld has %d bytes, expected %u (%llu bytes in all)", where,
                   (long long)*count + 1, (int)(bytes % record), record, (unsigned long long)bytes);
}

static void interleave(const uint8_t *planes, /* (3, PLANE) */
                       uint8_t *picture) {    /* (PLANE, 3) */
    for (int p = 0; p < PLANE; p++)
        for (int c = 0; c < 3; c++) picture[3 * p + c] = planes[PLANE * c + p];
}

static tc_status read_records(const kind *k, const source *from, int64_t count,
                              uint8_t *pixels,   /* (count, SIDE, SIDE, 3) */
                              uint8_t *labels) { /* (count) */
    uint8_t buffer[RECORDS_A_READ * (MOST_LABELS + PICTURE)];
    size_t bytes = (size_t)k->labels + PICTURE;
    for (int64_t first = 0; first < count; first += RECORDS_A_READ) {
        int n = count - first < RECORDS_A_READ ? (int)(count - first) : RECORDS_A_READ;
        TC_TRY(read_exactly(from, buffer, (size_t)n * bytes));
        for (int i = 0; i < n; i++) {
            const uint8_t *record = buffer + (size_t)i * bytes;
            uint8_t label = record[k->label];
            if (label >= k->classes)
                return tc_fail(TC_ERR_FORMAT, "%s: record %lld of %lld has label %d, expected 0 to %d",
                               from->where, (long long)(first + i) + 1, (long long)count, label,
                               k->classes - 1);
            labels[first + i] = label;
            interleave(record + k->labels, pixels + (first + i) * PICTURE);
        }
    }
    return TC_OK;
}

/* Cuts the lines of out->text, which holds `bytes` bytes, into the names of the classes. */
static tc_status parse_classes(const kind *k, const char *where, size_t bytes, classes *out) {
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
        if (count < k->classes) out->names[count] = out->text + i;
        count++;
    }
    if (count == k->classes) return TC_OK;
    return tc_fail(TC_ERR_FORMAT, "%s: %d names of classes, expected %d", where, count, k->classes);
}

static tc_status read_classes(const kind *k, const source *from, uint64_t bytes, classes *out) {
    if (bytes > META_BYTES)
        return tc_fail(TC_ERR_FORMAT, "%s: %llu bytes, expected %d names of classes in at most %d",
                       from->where, (unsigned long long)bytes, k->classes, META_BYTES);
    TC_TRY(read_exactly(from, out->text, (size_t)bytes));
    return parse_classes(k, from->where, (size_t)bytes, out);
}

/* A data set with room for the given numbers of pictures. */
static tc_status create(const kind *k, const classes *names, const int64_t counts[MOST_BATCHES],
                        tc_dataset **dataset) {
    TC_TRY(tci_dataset_create(k->name, 3, SIDE, SIDE, k->classes, names->names, dataset));
    int64_t train = 0;
    for (int i = 0; i < k->batches - 1; i++) train += counts[i];
    TC_TRY(tci_split_alloc(*dataset, train, &(*dataset)->train));
    return tci_split_alloc(*dataset, counts[k->batches - 1], &(*dataset)->test);
}

/* ---- From a folder ------------------------------------------------------------------------------------ */

/* Opens a file of the folder. A missing one is an error unless it may be missing; then from->file is NULL. */
static tc_status open_file(const kind *k, const char *folder, const char *name, bool may_be_missing,
                           char path[PATH_LENGTH], source *from, uint64_t *bytes) {
    if (snprintf(path, PATH_LENGTH, "%s/%s", folder, name) >= PATH_LENGTH)
        return tc_fail(TC_ERR_ARGUMENT, "%s: this path is too long", folder);
    *from = (source){.file = fopen(path, "rb"), .where = path};
    struct stat st;
    if (from->file == NULL && errno == ENOENT && may_be_missing) return TC_OK;
    if (from->file == NULL)
        return tc_fail(TC_ERR_IO, "%s: cannot be opened: %s (expected in a folder of %s)", path,
                       strerror(errno), k->published);
    if (fstat(fileno(from->file), &st) == 0 && S_ISREG(st.st_mode)) {
        *bytes = (uint64_t)st.st_size;
        return TC_OK;
    }
    fclose(from->file);
    return tc_fail(TC_ERR_IO, "%s: is not a file", path);
}

static tc_status measure_folder(const kind *k, const char *folder, int64_t counts[MOST_BATCHES]) {
    for (int i = 0; i < k->batches; i++) {
        char path[PATH_LENGTH];
        source from = {0};
        uint64_t bytes = 0;
        TC_TRY(open_file(k, folder, k->batch_names[i], false, path, &from, &bytes));
        fclose(from.file);
        TC_TRY(count_records(k, path, bytes, &counts[i]));
    }
    return TC_OK;
}

static tc_status read_folder_classes(const kind *k, const char *folder, classes *names) {
    char path[PATH_LENGTH];
    source from = {0};
    uint64_t bytes = 0;
    TC_TRY(open_file(k, folder, k->meta_name, true, path, &from, &bytes));
    if (from.file == NULL) return TC_OK;
    tc_status status = read_classes(k, &from, bytes, names);
    fclose(from.file);
    return status;
}

static tc_status open_folder(const kind *k, const char *folder, tc_dataset **dataset) {
    int64_t counts[MOST_BATCHES], done = 0;
    classes names;
    official_classes(k, &names);
    TC_TRY(measure_folder(k, folder, counts));
    TC_TRY(read_folder_classes(k, folder, &names));
    TC_TRY(create(k, &names, counts, dataset));
    for (int i = 0; i < k->batches; i++) {
        char path[PATH_LENGTH];
        source from = {0};
        uint64_t bytes = 0;
        tc_split *split = i == k->batches - 1 ? &(*dataset)->test : &(*dataset)->train;
        if (i == k->batches - 1) done = 0;
        TC_TRY(open_file(k, folder, k->batch_names[i], false, path, &from, &bytes));
        tc_status status =
            read_records(k, &from, counts[i], split->pixels + done * PICTURE, split->labels + done);
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

static tc_status read_member(const kind *k, tci_targz *archive, const source *from, batch *b) {
    if (!archive->regular) return tc_fail(TC_ERR_FORMAT, "%s: is not a file", from->where);
    if (b->count != 0) return tc_fail(TC_ERR_FORMAT, "%s: this batch is there twice", from->where);
    int64_t count = 0;
    TC_TRY(count_records(k, from->where, archive->size, &count));
    b->pixels = malloc((size_t)count * PICTURE);
    b->labels = malloc((size_t)count);
    if (b->pixels == NULL || b->labels == NULL)
        return tc_fail(TC_ERR_MEMORY, "%s: out of memory for %lld pictures", from->where, (long long)count);
    b->count = count;
    return read_records(k, from, count, b->pixels, b->labels);
}

/* Reads all batches of the archive, whatever folder they are in there. */
static tc_status read_members(const kind *k, tci_targz *archive, batch batches[MOST_BATCHES],
                              classes *names) {
    bool more;
    TC_TRY(tci_targz_next(archive, &more));
    while (more) {
        char where[PATH_LENGTH];
        snprintf(where, sizeof where, "%s: %s", archive->path, archive->name);
        source from = {.archive = archive, .where = where};
        const char *slash = strrchr(archive->name, '/'), *name = slash != NULL ? slash + 1 : archive->name;
        for (int i = 0; i < k->batches; i++)
            if (strcmp(name, k->batch_names[i]) == 0) TC_TRY(read_member(k, archive, &from, &batches[i]));
        if (archive->regular && strcmp(name, k->meta_name) == 0)
            TC_TRY(read_classes(k, &from, archive->size, names));
        TC_TRY(tci_targz_next(archive, &more));
    }
    for (int i = 0; i < k->batches; i++)
        if (batches[i].count == 0)
            return tc_fail(TC_ERR_FORMAT, "%s: no %s in this archive", archive->path, k->batch_names[i]);
    return TC_OK;
}

static void free_batch(batch *b) {
    free(b->pixels);
    free(b->labels);
    *b = (batch){0};
}

static tc_status assemble(const kind *k, batch batches[MOST_BATCHES], const classes *names,
                          tc_dataset **dataset) {
    int64_t counts[MOST_BATCHES], done = 0;
    for (int i = 0; i < k->batches; i++) counts[i] = batches[i].count;
    TC_TRY(create(k, names, counts, dataset));
    for (int i = 0; i < k->batches; i++) {
        tc_split *split = i == k->batches - 1 ? &(*dataset)->test : &(*dataset)->train;
        if (i == k->batches - 1) done = 0;
        memcpy(split->pixels + done * PICTURE, batches[i].pixels, (size_t)counts[i] * PICTURE);
        memcpy(split->labels + done, batches[i].labels, (size_t)counts[i]);
        done += counts[i];
        free_batch(&batches[i]);
    }
    return TC_OK;
}

static tc_status open_archive(const kind *k, const char *path, tc_dataset **dataset) {
    tci_targz archive;
    batch batches[MOST_BATCHES] = {{0}};
    classes names;
    official_classes(k, &names);
    TC_TRY(tci_targz_open(&archive, path));
    tc_status status = read_members(k, &archive, batches, &names);
    tci_targz_close(&archive);
    if (status == TC_OK) status = assemble(k, batches, &names, dataset);
    for (int i = 0; i < k->batches; i++) free_batch(&batches[i]);
    return status;
}

static tc_status open_kind(const kind *k, const char *path, tc_dataset **dataset) {
    struct stat st;
    *dataset = NULL;
    if (stat(path, &st) != 0)
        return tc_fail(TC_ERR_IO, "%s: %s; expected a folder of %s .bin files or their .tar.gz", path,
                       strerror(errno), k->published);
    tc_status status = S_ISDIR(st.st_mode) ? open_folder(k, path, dataset) : open_archive(k, path, dataset);
    if (status != TC_OK) {
        tc_dataset_free(*dataset);
        *dataset = NULL;
        return status;
    }
    tci_dataset_measure(*dataset, 0);
    return TC_OK;
}

tc_status tc_cifar10_open(const char *path, tc_dataset **dataset) {
    return open_kind(&cifar10, path, dataset);
}

tc_status tc_cifar100_open(const char *path, bool coarse, tc_dataset **dataset) {
    return open_kind(coarse ? &cifar100_coarse : &cifar100, path, dataset);
}
