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
    const char **class_names;         /* classes */
    tc_split train, validation, test; /* validation: empty until tc_dataset_hold_out() */
    /* Of a channel over the training pictures, on the scale 0 .. 1; the deviation of one that never varies is 1. */
    float mean[4], deviation[4];
    tc_arena *arena; /* owns everything above */
} tc_dataset;

enum { TC_FOLDER_CHANNELS = 3, TC_FOLDER_SIDE = 32 };

typedef struct tc_dataset_options {
    const char *data_dir; /* where named sets are looked for first; or NULL */
    int threads;          /* 0: all cores */
    /* What pictures of a folder are made to; 0: TC_FOLDER_CHANNELS, TC_FOLDER_SIDE. Other sets have a size of their own. */
    int channels, height, width;
} tc_dataset_options;

/* `name_or_path`: "shapes" (generated), "cifar10", "cifar100", "cifar100-coarse", "mnist", "fashion-mnist", or a path: to
 * a folder of .bin files, to a .tar.gz of them, to a folder of IDX files, of pictures, of .npy files, to an .npz. A named
 * set is looked for in data_dir, then $TINYCNN_DATA, then ~/.cache/tinycnn, as a folder or as the official archive; if it
 * is nowhere, the error lists the places. Errors name file, record, what was found and what was expected. On failure
 * nothing is left behind. `options` may be NULL. */
tc_status tc_dataset_open(const char *name_or_path, const tc_dataset_options *options, tc_dataset **dataset);
void tc_dataset_free(tc_dataset *dataset);
/* The first of the folders where a named set is looked for: where one is put. TC_ERR_IO if there is none. */
tc_status tc_dataset_place(const char *data_dir, char *path, size_t size);
/* The names that tc_dataset_open() knows, by index; NULL behind the last. */
const char *tc_dataset_known(int index);

/* Moves `count` of the training pictures, the same ones whenever data set and count are the same, to the validation
 * split: choices can then be made without looking at the test pictures. Once a data set, before
 * loaders are made on it; mean and deviation stay. TC_ERR_ARGUMENT unless 1 <= count < training pictures, TC_ERR_STATE
 * the second time. */
tc_status tc_dataset_hold_out(tc_dataset *dataset, int64_t count);

/* CIFAR-10 (Krizhevsky 2009): records of a label byte and 3072 bytes, planes R, G, B of 32 x 32. From a
 * folder with data_batch_1..5.bin and test_batch.bin, or straight from the .tar.gz that holds them; nothing
 * is unpacked to disk. */
tc_status tc_cifar10_open(const char *path, tc_dataset **dataset);

/* CIFAR-100: train.bin and test.bin, records of two labels and a picture; the 100 classes or, `coarse`, the 20
 * superclasses. From a folder or a .tar.gz as above. */
tc_status tc_cifar100_open(const char *path, bool coarse, tc_dataset **dataset);

/* MNIST (LeCun, Cortes, Burges 1998) and Fashion-MNIST (Xiao, Rasul, Vollgraf 2017): pictures of one channel from a folder
 * with train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte, each plain or
 * with .gz. */
tc_status tc_mnist_open(const char *folder, bool is_fashion, tc_dataset **dataset);

/* A folder of pictures: train/CLASS/PICTURE and test/CLASS/PICTURE (or val/), PNG or JPEG of any size, each made fit as by
 * tc_picture_fit(). The classes, 2 to 256, are the folders in train/ in the order of their names' bytes; test/ may lack
 * some, but has no others. */
tc_status tc_folder_open(const char *path, const tc_dataset_options *options, tc_dataset **dataset);

/* NumPy's arrays x_train, y_train, x_test, y_test (or train_images, train_labels, test_images, test_labels) in an .npz or
 * as .npy files in a folder. Pictures: uint8 of shape (N, H, W), (N, H, W, C) or (N, C, H, W); labels: whole numbers from
 * 0, (N) or (N, 1); the largest in training gives the number of classes, whose names are numbers. TC_ERR_UNSUPPORTED for
 * an .npz where the build has no libzip. */
tc_status tc_arrays_open(const char *path, int threads, tc_dataset **dataset);
/* The version of libzip, or NULL. */
const char *tc_zip_version(void);

/* Ten classes of coloured, textured, shifted, noisy 32 x 32 pictures of geometric shapes, made from a seed:
 * picture i of a split depends on (seed, split, i) alone. */
tc_status tc_shapes_open(int64_t train_count, int64_t test_count, uint64_t seed, int threads,
                         tc_dataset **dataset);

/* ---- Pictures from files -------------------------------------------------------------------------------- */

typedef struct tc_picture {
    int height, width;
    uint8_t *pixels; /* (height, width, 3), R G B */
} tc_picture;

/* PNG (libpng) and JPEG (libjpeg-turbo), told apart by their first bytes: grey, palette, 16 bits and CMYK become RGB of 8
 * bits, what is transparent lies on white (blended in linear light, and a PNG's gAMA obeyed, as libpng does); turned as
 * its Exif orientation says. TC_ERR_IO, TC_ERR_FORMAT with the file's name where it is neither, is damaged, has a side over
 * 32767 or more than 2^26 pixels; TC_ERR_UNSUPPORTED where the build has no such library. */
tc_status tc_picture_read(const char *path, tc_picture *picture);
void tc_picture_free(tc_picture *picture);
/* The version of libjpeg-turbo, or NULL. */
const char *tc_jpeg_version(void);

/* As a net wants it, (height, width, channels) bytes with 1 (luma) or 3 channels: the middle with the wanted ratio of
 * sides, resized bilinearly with antialiasing (torchvision's Resize and CenterCrop). */
tc_status tc_picture_fit(const tc_picture *picture, int height, int width, int channels, uint8_t *out);

/* The two in one: the picture in a file as a net wants it. */
tc_status tc_picture_load(const char *path, int height, int width, int channels, uint8_t *out);

/* Paths of pictures. Begin with {0}; what is in it stays when something fails. */
typedef struct tc_picture_list {
    int64_t count;
    char **paths;
} tc_picture_list;
tc_status tc_picture_list_add(tc_picture_list *list, const char *folder,
                              const char *name); /* folder may be NULL */
/* The files in a folder and the folders within it whose names end as those of pictures do, in the order of their bytes;
 * TC_ERR_FORMAT if none does. Hidden ones and links to folders are left out. */
tc_status tc_picture_list_folder(tc_picture_list *list, const char *folder);
void tc_picture_list_free(tc_picture_list *list);

/* ---- Transforms: one picture, (H, W, C) floats, in place ---------------------------------------------- */

/* Which picture it is, this time. */
typedef struct tc_sample {
    uint64_t seed;
    int64_t epoch, index; /* index of the picture in its split */
    tc_rng rng;           /* of (seed, epoch, index) */
} tc_sample;

typedef struct tc_transform tc_transform;
struct tc_transform {
    const char *name;
    /* `picture` and `scratch` hold height * width * channels floats each; the result is left in picture. */
    void (*apply)(const tc_transform *self, float *picture, float *scratch, int height, int width,
                  int channels, tc_sample *sample);
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
        struct {
            int size;
        } cutout;
        struct {
            float p;
        } erasing;
        struct {
            float degrees;
        } rotation;
        struct {
            float brightness, contrast, saturation, hue;
        } jitter;
    } u;
};

/* Pictures reach the first transform with values 0 .. 1. */
tc_transform tc_normalize(const float *mean, const float *deviation, int channels);
/* torchvision.transforms.RandomCrop(size, padding): pads by zeros or by reflection (without repeating the
 * edge), cuts the original size at a random place. */
tc_transform tc_random_crop(int padding, bool reflect);
tc_transform tc_random_horizontal_flip(float p);
/* Each picture is flipped by chance in epoch 0 and seen the other way round in every epoch after it: Jordan 2024,
 * "94% on CIFAR-10 in 3.29 Seconds on a Single GPU", section 3.6. */
tc_transform tc_alternating_flip(void);
/* A square of `size` pixels around a random pixel becomes 0, as far as it lies inside (DeVries and Taylor 2017); after
 * tc_normalize(), 0 is the mean colour. */
tc_transform tc_cutout(int size);
/* torchvision.transforms.RandomErasing(p): a rectangle of 0.02 to 0.33 of the area, with sides 0.3 to 3.3 to one,
 * becomes 0 (Zhong, Zheng, Kang, Li, Yang 2017). */
tc_transform tc_random_erasing(float p);
/* torchvision.transforms.RandomRotation(degrees, bilinear): about the centre, by -degrees to degrees; 0 outside. */
tc_transform tc_random_rotation(float degrees);
/* torchvision.transforms.ColorJitter: factors of brightness, contrast and saturation from max(0, 1 - x) to 1 + x, a
 * turn of the hue by -hue to hue of a circle (hue <= 0.5), in random order. For values 0 .. 1, before tc_normalize();
 * saturation and hue need three channels and leave pictures with others alone. */
tc_transform tc_color_jitter(float brightness, float contrast, float saturation, float hue);

/* ---- Loader ------------------------------------------------------------------------------------------- */

typedef struct tc_loader tc_loader;

typedef struct tc_loader_options {
    int batch_size;
    bool shuffle;
    bool drop_last; /* leave out a last batch that is not full */
    uint64_t seed;
    const tc_transform *transforms; /* copied */
    int transform_count;
    /* Size of the pictures in the batches; 0: the data set's. Others are made by antialiased bilinear resizing after
     * the transforms (torch.nn.functional.interpolate with mode bilinear, antialias, align_corners false). */
    int height, width;
    /* Mixing a picture with another one of its batch, the batch in reverse. mixup > 0: x = (1 - share) x + share other
     * with share drawn from Beta(mixup, mixup) (Zhang, Cisse, Dauphin, Lopez-Paz 2018). cutmix > 0: a rectangle of
     * the other, of share of the area (Yun et al. 2019). One draw a batch; with both, one of the two by chance. */
    float mixup, cutmix;
} tc_loader_options;

typedef struct tc_batch {
    int64_t count;   /* pictures */
    float *x;        /* (count, C, H, W) in channels-last memory: ready for tc_input() */
    int32_t *labels; /* count */
    int height, width;
    int32_t *mixed_labels; /* count: labels of what was mixed in; NULL where the loader does not mix */
    float *mixed_shares;   /* count: how much of it, 0 .. 1 */
    int64_t index;         /* of this batch within its epoch */
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

/* ---- Corruptions -------------------------------------------------------------------------------------- */

/* How a picture may be worse than those that a net was trained on, with a severity in units of its own: in the manner
 * of CIFAR-10-C (Hendrycks and Dietterich 2019), with severities that are exact and can be 0. */
typedef enum tc_corruption {
    TC_CORRUPT_SHIFT, /* pixels; the picture moves, the edge is reflected; mean over directions is the caller's */
    TC_CORRUPT_ROTATION,   /* degrees, about the centre, bilinear, edges repeated */
    TC_CORRUPT_BRIGHTNESS, /* added to every value on the scale 0 .. 1, then clipped */
    TC_CORRUPT_CONTRAST,   /* 0: none, 1: the picture is grey at its mean: x + severity (mean - x) */
    TC_CORRUPT_NOISE,      /* standard deviation of Gaussian noise on the scale 0 .. 1, then clipped */
    TC_CORRUPT_BLUR,       /* standard deviation of a Gaussian in pixels, edges repeated */
    TC_CORRUPTIONS
} tc_corruption;

const char *tc_corruption_name(tc_corruption kind); /* "shift" */
const char *tc_corruption_unit(tc_corruption kind); /* "pixels" */

/* One picture, (H, W, C) bytes, to `out` of the same size. `direction` (0 .. 7: east, north-east, north, ...) is where a
 * shift goes, by `severity` pixels along each axis that moves; of a rotation and a brightness, odd directions change the
 * sign. Noise depends on `index`, the picture's number. Severity 0 changes nothing. TC_ERR_ARGUMENT where a severity is
 * negative or not finite, a shift is no whole number or not smaller than the picture, or the direction is none. */
tc_status tc_corrupt(tc_corruption kind, double severity, int direction, int64_t index,
                     const uint8_t *picture, int height, int width, int channels, uint8_t *out);
/* All pictures of a split, to `out` (count, H, W, C). `threads` 0: all cores; the same bits on any number of them. */
tc_status tc_corrupt_split(const tc_dataset *dataset, const tc_split *split, tc_corruption kind,
                           double severity, int direction, int threads, uint8_t *out);

/* ---- Test-time augmentation --------------------------------------------------------------------------- */

/* A picture seen in several ways, whose logits are averaged. */
typedef enum tc_tta {
    TC_TTA_NONE,
    TC_TTA_MIRROR, /* the picture and its mirror image */
    TC_TTA_SHIFT /* these two count a half; a quarter each for the pair shifted one pixel up and left, and for the pair
                      shifted one pixel down and right, edges reflected: Jordan 2024 */
} tc_tta;
int tc_tta_views(tc_tta kind); /* 1, 2, 6 */
/* Writes view number `view` of x (count, H, W, C) in memory into `out`, of the same size. Returns the view's weight;
 * weights add up to 1. View 0 is x itself. */
float tc_tta_view(tc_tta kind, int view, const float *x, int64_t count, int height, int width, int channels,
                  float *out);

#endif
