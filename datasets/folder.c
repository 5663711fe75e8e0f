/* folder.c - a data set as folders of pictures: train/CLASS/PICTURE and test/CLASS/PICTURE.
 *
 * Classes are the folders in train/, in the order of their names' bytes; pictures are read and resized on all cores, each
 * straight to its place. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "internal.h"

enum { MOST_CLASSES = 256 /* a label is a byte */, PATH_LENGTH = 4096 };

static const char *const test_names[] = {"test", "val", "validation", "valid"};
enum { TEST_NAMES = sizeof test_names / sizeof test_names[0] };

/* ---- Classes ------------------------------------------------------------------------------------------- */

typedef struct classes {
    int count;
    char *names[MOST_CLASSES];
} classes;

static void free_classes(classes *c) {
    for (int i = 0; i < c->count; i++) free(c->names[i]);
    c->count = 0;
}

static int by_bytes(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int class_of(const classes *c, const char *name) {
    for (int i = 0; i < c->count; i++)
        if (strcmp(c->names[i], name) == 0) return i;
    return -1;
}

static bool is_folder(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static tc_status add_class(const char *folder, const char *name, classes *c) {
    char path[PATH_LENGTH];
    snprintf(path, sizeof path, "%.3700s/%.255s", folder, name);
    if (name[0] == '.' || !is_folder(path)) return TC_OK;
    if (c->count == MOST_CLASSES)
        return tc_fail(TC_ERR_UNSUPPORTED, "%s: more than %d folders, expected at most %d classes", folder,
                       MOST_CLASSES, MOST_CLASSES);
    c->names[c->count] = malloc(strlen(name) + 1);
    if (!c->names[c->count]) return tc_fail(TC_ERR_MEMORY, "%s: out of memory", folder);
    strcpy(c->names[c->count++], name);
    return TC_OK;
}

/* The folders within `folder`, sorted. */
static tc_status list_classes(const char *folder, classes *c) {
    DIR *dir = opendir(folder);
    if (!dir) return tc_fail(TC_ERR_IO, "%s: %s", folder, strerror(errno));
    tc_status status = TC_OK;
    for (struct dirent *entry; status == TC_OK && (entry = readdir(dir));)
        status = add_class(folder, entry->d_name, c);
    closedir(dir);
    qsort(c->names, (size_t)c->count, sizeof c->names[0], by_bytes);
    return status;
}

/* ---- Pictures ------------------------------------------------------------------------------------------ */

typedef struct job {
    const tc_dataset *dataset;
    const tc_picture_list *list;
    uint8_t *pixels, *failed; /* (count) */
} job;

static tc_status read_picture(const job *j, int64_t i) {
    const tc_dataset *d = j->dataset;
    size_t bytes = (size_t)d->channels * (size_t)d->height * (size_t)d->width;
    return tc_picture_load(j->list->paths[i], d->height, d->width, d->channels,
                           j->pixels + (size_t)i * bytes);
}

static void read_chunk(void *context, int64_t i, int worker) {
    job *j = context;
    (void)worker;
    j->failed[i] = read_picture(j, i) != TC_OK;
}

/* What went wrong with the first of the pictures that failed: sentences stay with the thread that made them, so it is
 * tried once more here. */
static tc_status first_failure(const job *j) {
    for (int64_t i = 0; i < j->list->count; i++)
        if (j->failed[i]) TC_TRY(read_picture(j, i));
    return TC_OK;
}

static tc_status read_pictures(const tc_picture_list *list, const uint8_t *labels, int threads, tc_dataset *d,
                               tc_split *split) {
    TC_TRY(tci_split_alloc(d, list->count, split));
    memcpy(split->labels, labels, (size_t)list->count);
    job j = {.dataset = d, .list = list, .pixels = split->pixels, .failed = calloc((size_t)list->count, 1)};
    if (!j.failed) return tc_fail(TC_ERR_MEMORY, "%s: out of memory", d->name);
    tc_parallel_for(threads > 0 ? threads : tc_threads_available(), list->count, read_chunk, &j);
    tc_status status = first_failure(&j);
    free(j.failed);
    return status;
}

/* Adds the pictures of a class to the list, with their labels. */
static tc_status list_class(const char *folder, const char *name, int label, tc_picture_list *list,
                            uint8_t **labels) {
    char path[PATH_LENGTH];
    int64_t before = list->count;
    snprintf(path, sizeof path, "%.3700s/%.255s", folder, name);
    TC_TRY(tc_picture_list_folder(list, path));
    uint8_t *larger = realloc(*labels, (size_t)list->count);
    if (!larger) return tc_fail(TC_ERR_MEMORY, "%s: out of memory", folder);
    *labels = larger;
    memset(larger + before, label, (size_t)(list->count - before));
    return TC_OK;
}

static tc_status read_split(const char *folder, const classes *all, int threads, tc_dataset *d,
                            tc_split *split) {
    classes here = {0};
    tc_picture_list list = {0};
    uint8_t *labels = NULL;
    tc_status status = list_classes(folder, &here);
    for (int i = 0; status == TC_OK && i < here.count; i++) {
        int label = class_of(all, here.names[i]);
        status = label >= 0
                     ? list_class(folder, here.names[i], label, &list, &labels)
                     : tc_fail(TC_ERR_FORMAT, "%s/%s: no such class in training", folder, here.names[i]);
    }
    if (status == TC_OK && list.count == 0)
        status =
            tc_fail(TC_ERR_FORMAT, "%s: holds no folders, expected one of pictures for each class", folder);
    if (status == TC_OK) status = read_pictures(&list, labels, threads, d, split);
    free(labels);
    tc_picture_list_free(&list);
    free_classes(&here);
    return status;
}

/* ---- The data set -------------------------------------------------------------------------------------- */

static tc_status find_test(const char *path, char folder[PATH_LENGTH]) {
    for (int i = 0; i < TEST_NAMES; i++) {
        snprintf(folder, PATH_LENGTH, "%.3600s/%s", path, test_names[i]);
        if (is_folder(folder)) return TC_OK;
    }
    return tc_fail(TC_ERR_IO, "%s: has train/, but neither test/ nor val/ beside it", path);
}

static tc_status check_options(const char *path, const tc_dataset_options *o) {
    if ((o->channels == 1 || o->channels == 3) && o->height > 0 && o->width > 0 && o->height <= 4096 &&
        o->width <= 4096)
        return TC_OK;
    return tc_fail(
        TC_ERR_ARGUMENT,
        "%s: pictures of (%d, %d, %d) wanted, expected 1 or 3 channels and 1 to 4096 pixels on a side", path,
        o->channels, o->height, o->width);
}

static tc_status open_with_classes(const char *path, const char *train, const classes *all,
                                   const tc_dataset_options *o, tc_dataset **dataset) {
    char test[PATH_LENGTH];
    tc_dataset *d;
    if (all->count < 2)
        return tc_fail(TC_ERR_FORMAT,
                       "%s: holds %d folders, expected one of pictures for each of 2 classes or more", train,
                       all->count);
    TC_TRY(find_test(path, test));
    TC_TRY(tci_dataset_create(path, o->channels, o->height, o->width, all->count,
                              (const char *const *)all->names, &d));
    tc_status status = read_split(train, all, o->threads, d, &d->train);
    if (status == TC_OK) status = read_split(test, all, o->threads, d, &d->test);
    if (status != TC_OK) {
        tc_dataset_free(d);
        return status;
    }
    tci_dataset_measure(d, o->threads);
    *dataset = d;
    return TC_OK;
}

tc_status tc_folder_open(const char *path, const tc_dataset_options *options, tc_dataset **dataset) {
    tc_dataset_options o = options ? *options : (tc_dataset_options){0};
    char train[PATH_LENGTH];
    classes all = {0};
    *dataset = NULL;
    if (!o.channels) o.channels = TC_FOLDER_CHANNELS;
    if (!o.height) o.height = TC_FOLDER_SIDE;
    if (!o.width) o.width = TC_FOLDER_SIDE;
    TC_TRY(check_options(path, &o));
    snprintf(train, sizeof train, "%.3600s/train", path);
    tc_status status = list_classes(train, &all);
    if (status == TC_OK) status = open_with_classes(path, train, &all, &o, dataset);
    free_classes(&all);
    return status;
}
