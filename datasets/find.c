/* find.c - from a data set's name or path to the reader of its files. */
#define _XOPEN_SOURCE 700 /* realpath() */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "internal.h"

enum { PATH_LENGTH = 4096, MOST_PLACES = 3, MOST_FORMS = 4 };

/* Ten thousand pictures are made in a few hundredths of a second and are enough for the lesson net to pass
 * 95%. */
enum { SHAPES_TRAIN = 10000, SHAPES_TEST = 2000, SHAPES_SEED = 1 };

typedef enum family { CIFAR10, CIFAR100, CIFAR100_COARSE, MNIST, FASHION } family;

/* A named set: what is looked for in each place, and what of it is to be opened. */
typedef struct form {
    const char *sign; /* within the place: a file or folder that shows that the set is here */
    const char *path; /* within the place: what the reader is given */
} form;

static const struct named {
    const char *name;
    family family;
    const char *wanted; /* for people */
    form forms[MOST_FORMS];
} named_sets[] = {
    {"cifar10",
     CIFAR10,
     "neither cifar-10-batches-bin/ nor cifar-10-binary.tar.gz",
     {{"cifar-10-batches-bin", "cifar-10-batches-bin"},
      {"cifar-10-binary.tar.gz", "cifar-10-binary.tar.gz"},
      {"data_batch_1.bin", "."}}},
    {"cifar100",
     CIFAR100,
     "neither cifar-100-binary/ nor cifar-100-binary.tar.gz",
     {{"cifar-100-binary", "cifar-100-binary"}, {"cifar-100-binary.tar.gz", "cifar-100-binary.tar.gz"}}},
    {"cifar100-coarse",
     CIFAR100_COARSE,
     "neither cifar-100-binary/ nor cifar-100-binary.tar.gz",
     {{"cifar-100-binary", "cifar-100-binary"}, {"cifar-100-binary.tar.gz", "cifar-100-binary.tar.gz"}}},
    {"mnist",
     MNIST,
     "no mnist/train-images-idx3-ubyte, nor with .gz behind it,",
     {{"mnist/train-images-idx3-ubyte", "mnist"}, {"mnist/train-images-idx3-ubyte.gz", "mnist"}}},
    {"fashion-mnist",
     FASHION,
     "no fashion-mnist/train-images-idx3-ubyte, nor with .gz behind it,",
     {{"fashion-mnist/train-images-idx3-ubyte", "fashion-mnist"},
      {"fashion-mnist/train-images-idx3-ubyte.gz", "fashion-mnist"}}},
};
enum { NAMED = sizeof named_sets / sizeof named_sets[0] };

const char *tc_dataset_known(int index) {
    return index == 0 ? "shapes" : index <= NAMED ? named_sets[index - 1].name : NULL;
}

static tc_status open_family(family of, const char *path, tc_dataset **dataset) {
    switch (of) {
    case CIFAR10:
        return tc_cifar10_open(path, dataset);
    case CIFAR100:
    case CIFAR100_COARSE:
        return tc_cifar100_open(path, of == CIFAR100_COARSE, dataset);
    default:
        return tc_mnist_open(path, of == FASHION, dataset);
    }
}

static bool exists(const char *path) {
    struct stat st;
    return stat(path, &st) == 0;
}

static bool exists_in(const char *place, const char *name) {
    char path[PATH_LENGTH + 64];
    snprintf(path, sizeof path, "%.4095s/%s", place, name);
    return exists(path);
}

/* ---- By name ------------------------------------------------------------------------------------------ */

/* The folders where named sets may lie, in the order of search; returns their number. */
static int list_places(const char *data_dir, char places[MOST_PLACES][PATH_LENGTH]) {
    int count = 0;
    const char *variable = getenv("TINYCNN_DATA"), *home = getenv("HOME");
    if (data_dir != NULL && data_dir[0] != '\0') snprintf(places[count++], PATH_LENGTH, "%s", data_dir);
    if (variable != NULL && variable[0] != '\0') snprintf(places[count++], PATH_LENGTH, "%s", variable);
    if (home != NULL && home[0] != '\0')
        snprintf(places[count++], PATH_LENGTH, "%.4000s/.cache/tinycnn", home);
    return count;
}

tc_status tc_dataset_place(const char *data_dir, char *path, size_t size) {
    char places[MOST_PLACES][PATH_LENGTH];
    if (list_places(data_dir, places) == 0)
        return tc_fail(TC_ERR_IO, "no data folder given, TINYCNN_DATA and HOME not set");
    return snprintf(path, size, "%s", places[0]) < (int)size
               ? TC_OK
               : tc_fail(TC_ERR_ARGUMENT, "%.100s...: this path is too long", places[0]);
}

static tc_status open_named(const struct named *set, const char *data_dir, tc_dataset **dataset) {
    char places[MOST_PLACES][PATH_LENGTH], path[PATH_LENGTH + 64], list[768] = "";
    int count = list_places(data_dir, places);
    for (int i = 0; i < count; i++) {
        for (const form *f = set->forms; f < set->forms + MOST_FORMS && f->sign; f++) {
            if (!exists_in(places[i], f->sign)) continue;
            snprintf(path, sizeof path, strcmp(f->path, ".") == 0 ? "%.4095s" : "%.4095s/%s", places[i],
                     f->path);
            return open_family(set->family, path, dataset);
        }
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%.240s", i > 0 ? ", " : "", places[i]);
    }
    return tc_fail(TC_ERR_IO, "%s: %s found in %s; tinycnn fetch %s downloads it", set->name, set->wanted,
                   count > 0 ? list : "any folder: no data folder given, TINYCNN_DATA and HOME not set",
                   set->family == CIFAR100_COARSE ? "cifar100" : set->name);
}

/* ---- By path ------------------------------------------------------------------------------------------ */

static bool is_zip(const char *path) {
    char head[4] = "";
    struct stat st;
    FILE *file = stat(path, &st) == 0 && S_ISREG(st.st_mode) ? fopen(path, "rb") : NULL;
    if (file == NULL) return false;
    size_t got = fread(head, 1, sizeof head, file);
    fclose(file);
    return got == sizeof head && memcmp(head, "PK\3\4", sizeof head) == 0;
}

/* Whether `part`, in whatever letters, stands in the first `length` bytes of the text. */
static bool holds(const char *text, size_t length, const char *part) {
    size_t size = strlen(part);
    for (size_t i = 0; i + size <= length; i++)
        if (strncasecmp(text + i, part, size) == 0) return true;
    return false;
}

/* Nothing in the files tells Fashion-MNIST from MNIST: the last folder of the path that is called after one of them does,
 * as that of .../FashionMNIST/raw; where none says "mnist", "fashion" anywhere will do. */
static bool is_fashion(const char *path) {
    char *whole = realpath(path, NULL);
    const char *text = whole ? whole : path;
    bool found = holds(text, strlen(text), "fashion");
    for (size_t end = strlen(text), begin; end > 0; end = begin > 0 ? begin - 1 : 0) {
        for (begin = end; begin > 0 && text[begin - 1] != '/';) begin--;
        if (!holds(text + begin, end - begin, "mnist")) continue;
        found = holds(text + begin, end - begin, "fashion");
        break;
    }
    free(whole);
    return found;
}

/* What lies there, told by the names of files. */
static tc_status open_path(const char *path, const tc_dataset_options *o, tc_dataset **dataset) {
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    if (exists_in(path, "train-images-idx3-ubyte") || exists_in(path, "train-images-idx3-ubyte.gz"))
        return tc_mnist_open(path, is_fashion(path), dataset);
    if (exists_in(path, "x_train.npy") || exists_in(path, "train_images.npy") || is_zip(path) ||
        (strlen(name) > 4 && strcmp(name + strlen(name) - 4, ".npz") == 0))
        return tc_arrays_open(path, o->threads, dataset);
    if (exists_in(path, "train")) return tc_folder_open(path, o, dataset);
    if (exists_in(path, "train.bin") || strstr(name, "cifar-100") != NULL)
        return tc_cifar100_open(path, false, dataset);
    struct stat st;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode) && !exists_in(path, "data_batch_1.bin"))
        return tc_fail(
            TC_ERR_FORMAT,
            "%s: is no data set's folder: holds neither train/ (pictures), x_train.npy (NumPy), "
            "train-images-idx3-ubyte (MNIST), train.bin (CIFAR-100) nor data_batch_1.bin (CIFAR-10)",
            path);
    return tc_cifar10_open(path, dataset);
}

tc_status tc_dataset_open(const char *name_or_path, const tc_dataset_options *options, tc_dataset **dataset) {
    const tc_dataset_options o = options ? *options : (tc_dataset_options){0};
    char known[256] = "";
    *dataset = NULL;
    for (int i = 0; tc_dataset_known(i) != NULL; i++) {
        size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", i > 0 ? ", " : "", tc_dataset_known(i));
    }
    if (name_or_path == NULL || name_or_path[0] == '\0')
        return tc_fail(TC_ERR_ARGUMENT, "data set: no name given, expected %s or a path", known);
    if (strcmp(name_or_path, "shapes") == 0)
        return tc_shapes_open(SHAPES_TRAIN, SHAPES_TEST, SHAPES_SEED, o.threads, dataset);
    for (int i = 0; i < NAMED; i++)
        if (strcmp(name_or_path, named_sets[i].name) == 0)
            return open_named(&named_sets[i], o.data_dir, dataset);
    if (exists(name_or_path)) return open_path(name_or_path, &o, dataset);
    return tc_fail(TC_ERR_IO, "data set %s: %s; expected %s or the path of a folder, a .tar.gz or an .npz",
                   name_or_path, strerror(errno), known);
}
