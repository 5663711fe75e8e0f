/* description.h - what a checkpoint says about its net, so that the file alone can be used: strings of the
 * safetensors metadata "model", "input_shape", "classes", "mean", "deviation", "class_names" (JSON, but for
 * the name of the model). */
#ifndef TRAIN_DESCRIPTION_H
#define TRAIN_DESCRIPTION_H

#include "datasets.h"

enum { DESCRIPTION_STRINGS = 6 };

typedef struct description {
    tc_metadata strings[DESCRIPTION_STRINGS];
} description;

/* Free with description_free(), also after a failure. */
tc_status description_create(const char *model, const tc_dataset *dataset, description *d);
void description_free(description *d);

/* The string called `key`, or NULL. */
const char *metadata_find(const tc_metadata *metadata, int count, const char *key);

typedef struct described {
    char model[64];
    int channels, height, width, classes;
    float mean[4], deviation[4]; /* (channels) */
} described;

/* Reads the description of the checkpoint at `path`. */
tc_status description_read(const char *path, described *d);

#endif
