/* arrays.c - a data set as NumPy's arrays: pictures and labels of training and test, as files of a folder or within an .npz
 * (a zip archive, read by libzip, which checks the checksums).
 *
 * Names are those of Keras (x_train, y_train, x_test, y_test) or of MedMNIST (train_images, train_labels, test_images,
 * test_labels). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#ifdef TC_HAVE_ZIP
#include <zip.h>
#endif

#include "internal.h"
#include "npy.h"

enum { PATH_LENGTH = 4096, MOST_CLASSES = 256 /* a label is a byte */, LABELS_A_READ = 4096 };

/* [test][labels][spelling] */
static const char *const array_names[2][2][2] = {{{"x_train", "train_images"}, {"y_train", "train_labels"}},
                                                 {{"x_test", "test_images"}, {"y_test", "test_labels"}}};

/* ---- Where the arrays lie ------------------------------------------------------------------------------ */

typedef struct store {
    const char *path;
    void *zip; /* NULL: a folder */
} store;

/* One open array. */
typedef struct stream {
    char name[PATH_LENGTH];
    FILE *file;
    void *member;
    tci_npy npy;
} stream;

static int64_t read_plain(void *from, void *to, uint64_t size) {
    stream *s = from;
    size_t got = fread(to, 1, (size_t)size, s->file);
    return got == 0 && ferror(s->file) ? -1 : (int64_t)got;
}

static tc_status open_plain(const store *at, const char *const names[2], stream *s) {
    struct stat st;
    for (int i = 0; i < 2 && !s->file; i++) {
        snprintf(s->name, sizeof s->name, "%.4000s/%s.npy", at->path, names[i]);
        s->file = fopen(s->name, "rb");
        if (!s->file && errno != ENOENT) return tc_fail(TC_ERR_IO, "%s: %s", s->name, strerror(errno));
    }
    if (!s->file)
        return tc_fail(TC_ERR_IO, "%s: has neither %s.npy nor %s.npy", at->path, names[0], names[1]);
    if (fstat(fileno(s->file), &st) != 0 || !S_ISREG(st.st_mode))
        return tc_fail(TC_ERR_IO, "%s: is no regular file", s->name);
    return tci_npy_open(&s->npy, s->name, read_plain, s, (uint64_t)st.st_size);
}

#ifdef TC_HAVE_ZIP
static int64_t read_zip(void *from, void *to, uint64_t size) {
    stream *s = from;
    return zip_fread(s->member, to, size);
}

static tc_status open_zip(store *at) {
    int code;
    zip_error_t error;
    at->zip = zip_open(at->path, ZIP_RDONLY, &code);
    if (at->zip) return TC_OK;
    zip_error_init_with_code(&error, code);
    tc_status status =
        tc_fail(TC_ERR_FORMAT, "%s: cannot be read as .npz: %s", at->path, zip_error_strerror(&error));
    zip_error_fini(&error);
    return status;
}

static void close_zip(store *at) {
    if (at->zip) zip_discard(at->zip);
}

/* Deflate shrinks at most 1032 to 1. */
static bool is_possible(const zip_stat_t *st) {
    return (st->valid & ZIP_STAT_SIZE) && (st->valid & ZIP_STAT_COMP_SIZE) &&
           st->size / 1032 <= st->comp_size;
}

static tc_status open_member(const store *at, const char *const names[2], stream *s) {
    char member[64];
    zip_int64_t index = -1;
    zip_stat_t st;
    for (int i = 0; i < 2 && index < 0; i++) {
        snprintf(member, sizeof member, "%s.npy", names[i]);
        index = zip_name_locate(at->zip, member, 0);
    }
    if (index < 0)
        return tc_fail(TC_ERR_FORMAT, "%s: has neither %s nor %s in it", at->path, names[0], names[1]);
    snprintf(s->name, sizeof s->name, "%.3900s: %s", at->path, member);
    if (zip_stat_index(at->zip, (zip_uint64_t)index, 0, &st) != 0 || !is_possible(&st))
        return tc_fail(TC_ERR_FORMAT, "%s: sizes that cannot be", s->name);
    s->member = zip_fopen_index(at->zip, (zip_uint64_t)index, 0);
    if (!s->member) return tc_fail(TC_ERR_FORMAT, "%s: %s", s->name, zip_strerror(at->zip));
    return tci_npy_open(&s->npy, s->name, read_zip, s, st.size);
}

static void close_member(stream *s) {
    if (s->member) zip_fclose(s->member);
}

const char *tc_zip_version(void) {
    return zip_libzip_version();
}
#else
static tc_status open_zip(store *at) {
    return tc_fail(TC_ERR_UNSUPPORTED, "%s: this build has no libzip, which reads .npz", at->path);
}

static void close_zip(store *at) {
    (void)at;
}

static tc_status open_member(const store *at, const char *const names[2], stream *s) {
    (void)names, (void)s;
    return open_zip(&(store){.path = at->path});
}

static void close_member(stream *s) {
    (void)s;
}

const char *tc_zip_version(void) {
    return NULL;
}
#endif

/* Also after a failure, s is to be closed. */
static tc_status open_array(const store *at, bool is_test, bool is_labels, stream *s) {
    const char *const *names = array_names[is_test][is_labels];
    *s = (stream){0};
    return at->zip ? open_member(at, names, s) : open_plain(at, names, s);
}

static void close_array(stream *s) {
    close_member(s);
    if (s->file) fclose(s->file);
}

/* Nothing may follow; a zip member's checksum is looked at only here. */
static tc_status expect_end(stream *s) {
    char more;
    int64_t got = s->npy.read(s->npy.from, &more, 1);
    if (got < 0) return tc_fail(TC_ERR_FORMAT, "%s: its checksum is wrong", s->name);
    return got == 0 ? TC_OK : tc_fail(TC_ERR_FORMAT, "%s: goes on behind its last value", s->name);
}

/* "f4 of shape (100, 10)" */
static const char *kind_of(const tci_npy *a, char text[128]) {
    int used = snprintf(text, 128, "%c%d of shape (", a->kind, a->item);
    for (int i = 0; i < a->ndim && used < 100; i++)
        used += snprintf(text + used, 128 - (size_t)used, "%s%lld", i ? ", " : "", (long long)a->shape[i]);
    snprintf(text + used, 128 - (size_t)used, ")");
    return text;
}

/* ---- Labels -------------------------------------------------------------------------------------------- */

static int64_t label_at(const tci_npy *a, const uint8_t *bytes) {
    uint64_t value = 0;
    for (int i = 0; i < a->item; i++) value = value << 8 | bytes[a->big_endian ? i : a->item - 1 - i];
    int unused = 64 - 8 * a->item;
    return a->kind == 'i'      ? (int64_t)(value << unused) >> unused
           : value > INT64_MAX ? INT64_MAX
                               : (int64_t)value;
}

/* Returns the labels (count), to be freed, and the largest. */
static tc_status read_labels(const store *at, bool is_test, int64_t *count, uint8_t **labels, int *largest) {
    stream s;
    char kind[128];
    uint8_t bytes[8 * LABELS_A_READ];
    *labels = NULL;
    tc_status status = open_array(at, is_test, true, &s);
    const tci_npy *a = &s.npy;
    if (status == TC_OK && (!strchr("uib", a->kind) || a->item > 8 || a->ndim < 1 || a->ndim > 2 ||
                            (a->ndim == 2 && a->shape[1] != 1) || a->shape[0] < 1))
        status = tc_fail(TC_ERR_FORMAT, "%s: %s, expected whole numbers of shape (N), at least one", s.name,
                         kind_of(a, kind));
    if (status == TC_OK) {
        *count = a->shape[0];
        *labels = malloc((size_t)*count);
        if (!*labels)
            status = tc_fail(TC_ERR_MEMORY, "%s: no memory for %lld labels", s.name, (long long)*count);
    }
    *largest = 0;
    for (int64_t first = 0; status == TC_OK && first < *count; first += LABELS_A_READ) {
        int64_t some = *count - first < LABELS_A_READ ? *count - first : LABELS_A_READ;
        status = tci_npy_read(&s.npy, bytes, (size_t)some * (size_t)a->item);
        for (int64_t i = 0; status == TC_OK && i < some; i++) {
            int64_t label = label_at(a, bytes + i * a->item);
            if (label < 0 || label >= MOST_CLASSES)
                status = tc_fail(TC_ERR_FORMAT, "%s: label %lld of %lld is %lld, expected 0 to %d", s.name,
                                 (long long)(first + i + 1), (long long)*count, (long long)label,
                                 MOST_CLASSES - 1);
            else
                (*labels)[first + i] = (uint8_t)label;
            if (label > *largest) *largest = (int)(label < MOST_CLASSES ? label : 0);
        }
    }
    if (status == TC_OK) status = expect_end(&s);
    close_array(&s);
    return status;
}

/* ---- Pictures ------------------------------------------------------------------------------------------ */

typedef struct picture_shape {
    int64_t count;
    int channels, height, width;
    bool planes_first; /* (N, C, H, W), as PyTorch has it */
} picture_shape;

static tc_status shape_of(const stream *s, picture_shape *p) {
    const tci_npy *a = &s->npy;
    const int64_t *n = a->shape;
    char kind[128];
    if (a->kind != 'u' || a->item != 1)
        return tc_fail(TC_ERR_FORMAT, "%s: values of type %c%d, expected uint8 (u1)", s->name, a->kind,
                       a->item);
    bool last = a->ndim == 4 && n[3] >= 1 && n[3] <= 4,
         first = a->ndim == 4 && !last && n[1] >= 1 && n[1] <= 4;
    if (a->ndim != 3 && !last && !first)
        return tc_fail(TC_ERR_FORMAT,
                       "%s: %s, expected (N, H, W), (N, H, W, C) or (N, C, H, W) with 1 to 4 channels",
                       s->name, kind_of(a, kind));
    int64_t height = n[first ? 2 : 1], width = n[first ? 3 : 2];
    if (n[0] < 1 || height < 1 || width < 1 || height > 4096 || width > 4096)
        return tc_fail(TC_ERR_FORMAT,
                       "%s: %lld pictures of %lld x %lld, expected 1 or more, of 1 to 4096 pixels a side",
                       s->name, (long long)n[0], (long long)height, (long long)width);
    *p = (picture_shape){n[0], a->ndim == 3 ? 1 : (int)n[first ? 1 : 3], (int)height, (int)width, first};
    return TC_OK;
}

static tc_status read_planes(stream *s, const picture_shape *p, tc_split *split) {
    size_t pixels = (size_t)p->height * (size_t)p->width, channels = (size_t)p->channels;
    uint8_t *planes = malloc(pixels * channels);
    tc_status status = planes ? TC_OK : tc_fail(TC_ERR_MEMORY, "%s: out of memory", s->name);
    for (int64_t i = 0; status == TC_OK && i < p->count; i++) {
        uint8_t *to = split->pixels + (size_t)i * pixels * channels;
        status = tci_npy_read(&s->npy, planes, pixels * channels);
        for (size_t c = 0; status == TC_OK && c < channels; c++)
            for (size_t k = 0; k < pixels; k++) to[k * channels + c] = planes[c * pixels + k];
    }
    free(planes);
    return status;
}

static tc_status read_pictures(stream *s, const picture_shape *p, tc_split *split) {
    size_t bytes = (size_t)p->height * (size_t)p->width * (size_t)p->channels * (size_t)p->count;
    TC_TRY(p->planes_first ? read_planes(s, p, split) : tci_npy_read(&s->npy, split->pixels, bytes));
    return expect_end(s);
}

/* ---- The data set -------------------------------------------------------------------------------------- */

typedef struct labels {
    int64_t count;
    uint8_t *values;
    int largest;
} labels;

static tc_status create(const char *path, const picture_shape *p, int classes, tc_dataset **d) {
    char texts[MOST_CLASSES][12];
    const char *names[MOST_CLASSES];
    for (int k = 0; k < classes; k++) {
        snprintf(texts[k], sizeof texts[k], "%d", k);
        names[k] = texts[k];
    }
    return tci_dataset_create(path, p->channels, p->height, p->width, classes, names, d);
}

static bool is_same_size(const picture_shape *p, const tc_dataset *d) {
    return p->channels == d->channels && p->height == d->height && p->width == d->width;
}

/* The first split makes the data set. */
static tc_status read_split(const store *at, bool is_test, const labels *l, int classes, tc_dataset **d) {
    stream s;
    picture_shape p = {0};
    tc_status status = open_array(at, is_test, false, &s);
    if (status == TC_OK) status = shape_of(&s, &p);
    if (status == TC_OK && p.count != l->count)
        status = tc_fail(TC_ERR_FORMAT, "%s: %lld pictures, but %lld labels", s.name, (long long)p.count,
                         (long long)l->count);
    if (status == TC_OK && !*d) status = create(at->path, &p, classes, d);
    if (status == TC_OK && !is_same_size(&p, *d))
        status = tc_fail(TC_ERR_FORMAT, "%s: pictures of (%d, %d, %d), expected (%d, %d, %d) as in training",
                         s.name, p.channels, p.height, p.width, (*d)->channels, (*d)->height, (*d)->width);
    tc_split *split = status == TC_OK ? is_test ? &(*d)->test : &(*d)->train : NULL;
    if (split) status = tci_split_alloc(*d, p.count, split);
    if (split && status == TC_OK) {
        memcpy(split->labels, l->values, (size_t)l->count);
        status = read_pictures(&s, &p, split);
    }
    close_array(&s);
    return status;
}

static tc_status read_all(const store *at, tc_dataset **d) {
    labels l[2] = {{0}, {0}};
    tc_status status = TC_OK;
    for (int i = 0; status == TC_OK && i < 2; i++)
        status = read_labels(at, i == 1, &l[i].count, &l[i].values, &l[i].largest);
    if (status == TC_OK && (l[0].largest < 1 || l[1].largest > l[0].largest))
        status = tc_fail(TC_ERR_FORMAT,
                         "%s: labels up to %d in training and %d in test, expected two classes or more, all "
                         "of them in training",
                         at->path, l[0].largest, l[1].largest);
    for (int i = 0; status == TC_OK && i < 2; i++)
        status = read_split(at, i == 1, &l[i], l[0].largest + 1, d);
    free(l[0].values);
    free(l[1].values);
    return status;
}

tc_status tc_arrays_open(const char *path, int threads, tc_dataset **dataset) {
    struct stat st;
    store at = {.path = path};
    tc_dataset *d = NULL;
    *dataset = NULL;
    if (stat(path, &st) != 0) return tc_fail(TC_ERR_IO, "%s: %s", path, strerror(errno));
    if (!S_ISDIR(st.st_mode)) TC_TRY(open_zip(&at));
    tc_status status = read_all(&at, &d);
    close_zip(&at);
    if (status != TC_OK) {
        tc_dataset_free(d);
        return status;
    }
    tci_dataset_measure(d, threads);
    *dataset = d;
    return TC_OK;
}
