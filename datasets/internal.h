/* internal.h - what the sources of this room share among themselves. */
#ifndef TINYCNN_DATASETS_INTERNAL_H
#define TINYCNN_DATASETS_INTERNAL_H

#include "datasets.h"

/* An empty data set whose arena holds it; the maker of a set fills the rest in. */
tc_status tci_dataset_create(const char *name, int channels, int height, int width, int classes,
                             const char *const *class_names, /* (classes), copied */
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

/* TC_ERR_ARGUMENT if the transform's parameters make no sense for pictures of so many channels. */
tc_status tci_transform_check(const tc_transform *transform, int channels);

#endif
