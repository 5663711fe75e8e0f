/* internal.h - what the sources of this room share among themselves. */
#ifndef TINYCNN_DATASETS_INTERNAL_H
#define TINYCNN_DATASETS_INTERNAL_H

#include "datasets.h"

/* An empty data set whose arena holds it; the maker of a set fills the rest in. */
tc_status tci_dataset_create(const char *name, int channels, int height, int width, int classes,
                             const char *const *class_names, /* (classes); copied, as the name is */
                             tc_dataset **dataset);

/* Room for `count` pictures and labels, untouched: pages that are never written take no memory. */
tc_status tci_split_alloc(const tc_dataset *dataset, int64_t count, tc_split *split);

/* Fills mean and deviation from the training pictures. */
void tci_dataset_measure(tc_dataset *dataset, int threads);

/* target[i][j] = source[i + down][j + right], outside of the source 0 or its reflection (x[-1] = x[1]). */
void tci_shift(const float *source, /* (height, width, channels) */
               float *target,       /* the same */
               int height, int width, int channels, int64_t down, int64_t right, bool reflect);
/* x[i][j] = x[i][width - 1 - j], in place. */
void tci_mirror(float *picture, /* (height, width, channels) */
                int height, int width, int channels);

/* How high and wide a rectangle of `share` of the area is, `aspect` times as high as wide; false if not lower and
 * narrower than the picture. */
bool tci_erasing_size(int height, int width, double share, double aspect, int *tall, int *wide);

/* About the centre, counter-clockwise. */
void tci_rotate(const float *source, /* (height, width, channels) */
                float *target,       /* the same */
                int height, int width, int channels, double degrees);

/* Values 0 .. 1, in place: torchvision.transforms.functional.adjust_*. `turn`: -0.5 .. 0.5 of a circle. */
void tci_adjust_brightness(float *picture, int64_t pixels, int channels, float factor);
void tci_adjust_contrast(float *picture, int64_t pixels, int channels, float factor);
void tci_adjust_saturation(float *picture, int64_t pixels, float factor); /* three channels */
void tci_adjust_hue(float *picture, int64_t pixels, float turn);          /* three channels */

/* What a color_jitter does to a picture; order: 0 brightness, 1 contrast, 2 saturation, 3 hue. */
typedef struct tci_jitter {
    uint32_t order[4];
    float brightness, contrast, saturation, hue;
} tci_jitter;
tci_jitter tci_jitter_draw(const tc_transform *transform, tc_rng *rng);

/* From one size of picture to another. NULL if memory is short. */
typedef struct tci_resize tci_resize;
tci_resize *tci_resize_create(tc_arena *arena, int height, int width, int channels, int out_height,
                              int out_width);
void tci_resize_run(const tci_resize *resize, const float *source, /* (height, width, channels) */
                    float *row,                                    /* (width, channels), for its own use */
                    float *target);                                /* (out_height, out_width, channels) */
/* A row of it: made of a band of `taps` rows of the source from `first` on. */
void tci_resize_band(const tci_resize *resize, int i, int *first, int *taps);
void tci_resize_row(const tci_resize *resize, int i, const float *band, /* (taps, width, channels) */
                    float *row,     /* (width, channels), for its own use */
                    float *target); /* (out_width, channels) */

/* What the pictures of a batch take from their partners, the batch in reverse: `share` of all values, or those in
 * rows `top` to before `bottom` and columns `left` to before `right`. */
typedef struct tci_mix {
    bool cut;
    float share;
    int top, left, bottom, right;
} tci_mix;
double tci_beta(tc_rng *rng, double alpha); /* a variate of Beta(alpha, alpha), 0 .. 1; alpha > 0 */
/* The rectangle of `share` of the area around a pixel, as far as it lies inside, and its true share. */
tci_mix tci_mix_cut(double share, int row, int column, int height, int width);
tci_mix tci_mix_draw(const tc_loader_options *options, int64_t epoch, int64_t batch, int height, int width);
void tci_mix_apply(const tci_mix *mix, float *x, /* (count, height, width, channels), in place */
                   int64_t count, int height, int width, int channels);

/* TC_ERR_ARGUMENT if the transform's parameters make no sense for pictures of so many channels. */
tc_status tci_transform_check(const tc_transform *transform, int channels);
/* Its parts: TC_OK for transforms of other files. */
tc_status tci_erasing_check(const tc_transform *transform);
tc_status tci_rotation_check(const tc_transform *transform);
tc_status tci_color_check(const tc_transform *transform);

#endif
