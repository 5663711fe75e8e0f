/* datasets.h - from bytes on disk to batches of pictures.
 *
 * A data set is a training and a test split of pictures of one size, 8 bits a channel, held in memory. A
 * loader walks a split in batches; with shuffling and transforms it gives the same batches for the same
 * (seed, epoch), whoever asks and wherever it starts. */
#ifndef TINYCNN_DATASETS_H
#define TINYCNN_DATASETS_H

#include "tinycnn.h"

/* ---- Data sets ---------------------------------------------------------------------------------------- */

typedef struct tc_split {
    int64_t count;
    uint8_t *pixels; /* (count, height, width, channels) */
    uint8_t *labels; /* count */
} tc_split;

typedef struct tc_dataset {
    const char *name;
    int channels, height, width, classes;
    const char **class_names; /* classes */
    tc_split train, test;
    float mean[4], deviation[4]; /* of a channel over the training pictures, on the scale 0 .. 1 */
    tc_arena *arena;             /* owns everything above */
} tc_dataset;

/* `name_or_path`: "shapes" (generated), "cifar10", or a path to a folder of .bin files or to a .tar.gz of
 * them. A named set is looked for in data_dir (may be NULL), then $TINYCNN_DATA, then ~/.cache/tinycnn, as a
 * folder or as the official archive; if it is nowhere, the error lists the places. Errors name file, record,
 * what was found and what was expected. On failure nothing is left behind. `threads`: 0 is all cores. */
tc_status tc_dataset_open(const char *name_or_path, const char *data_dir, int threads, tc_dataset **dataset);
void tc_dataset_free(tc_dataset *dataset);

/* CIFAR-10 (Krizhevsky 2009): records of a label byte and 3072 bytes, planes R, G, B of 32 x 32. From a
 * folder with data_batch_1..5.bin and test_batch.bin, or straight from the .tar.gz that holds them; nothing
 * is unpacked to disk. */
tc_status tc_cifar10_open(const char *path, tc_dataset **dataset);

/* Ten classes of coloured, textured, shifted, noisy 32 x 32 pictures of geometric shapes, made from a seed:
 * picture i of a split depends on (seed, split, i) alone. */
tc_status tc_shapes_open(int64_t train_count, int64_t test_count, uint64_t seed, int threads,
                         tc_dataset **dataset);

/* ---- Transforms: one picture, (H, W, C) floats, in place ---------------------------------------------- */

typedef struct tc_transform tc_transform;
struct tc_transform {
    const char *name;
    /* `picture` and `scratch` hold height * width * channels floats each; the result is left in picture. */
    void (*apply)(const tc_transform *self, float *picture, float *scratch, int height, int width,
                  int channels, tc_rng *rng);
    union {
        struct {
            float mean[4], deviation[4];
        } normalize;
        struct {
            int padding;
            bool reflect;
        } crop;
        struct {
            float p;
        } flip;
    } u;
};

/* Pictures reach the first transform with values 0 .. 1. */
tc_transform tc_normalize(const float *mean, const float *deviation, int channels);
/* torchvision.transforms.RandomCrop(size, padding): pads by zeros or by reflection (without repeating the
 * edge), cuts the original size at a random place. */
tc_transform tc_random_crop(int padding, bool reflect);
tc_transform tc_random_horizontal_flip(float p);

/* ---- Loader ------------------------------------------------------------------------------------------- */

typedef struct tc_loader tc_loader;

typedef struct tc_loader_options {
    int batch_size;
    bool shuffle;
    bool drop_last; /* leave out a last batch that is not full */
    uint64_t seed;
    const tc_transform *transforms; /* copied */
    int transform_count;
} tc_loader_options;

typedef struct tc_batch {
    int64_t count;   /* pictures */
    float *x;        /* (count, C, H, W) in channels-last memory: ready for tc_input() */
    int32_t *labels; /* count */
    int64_t index;   /* of this batch within its epoch */
} tc_batch;

/* A background thread prepares batches ahead while the caller computes. The data set must outlive the loader.
 */
tc_status tc_loader_create(const tc_dataset *dataset, const tc_split *split, const tc_loader_options *options,
                           tc_loader **loader);
void tc_loader_free(tc_loader *loader);
int64_t tc_loader_batches(const tc_loader *loader); /* in an epoch */

/* Begins an epoch, at batch `first` (0, or where a stopped run goes on). Order and augmentation depend on
 * (seed, epoch, index of the picture in the split) alone. May be called at any time; what was prepared is
 * dropped. */
tc_status tc_loader_start(tc_loader *loader, int64_t epoch, int64_t first);
/* The next batch, valid until the next call on this loader; NULL at the end of the epoch. */
const tc_batch *tc_loader_next(tc_loader *loader);
/* Seconds that tc_loader_next() has waited for the background thread since the loader was made. */
double tc_loader_wait_seconds(const tc_loader *loader);

#endif
