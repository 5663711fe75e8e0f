/* description.h - what a checkpoint says about its net, so that the file alone can be used: strings of the
 * safetensors metadata "model", "input_shape", "classes", "mean", "deviation", "class_names" (JSON, but for
 * the name of the model), and "widths", "bn_eps", "logit_scale" where the net has others than its own. */
#ifndef TRAIN_DESCRIPTION_H
#define TRAIN_DESCRIPTION_H

#include <jansson.h>

#include "datasets.h"
#include "models.h"
#include "settings.h"

enum { DESCRIPTION_STRINGS = 9 };

typedef struct description {
    tc_metadata strings[DESCRIPTION_STRINGS];
} description;

/* Free with description_free(), also after a failure. */
tc_status description_create(const train_settings *settings, const tc_dataset *dataset, description *d);
void description_free(description *d);

/* The string called `key`, or NULL. */
const char *metadata_find(const tc_metadata *metadata, int count, const char *key);

typedef struct described {
    char model[64];
    tc_net net;
    float mean[4], deviation[4]; /* (channels) */
    json_t *class_names;         /* (classes) strings; NULL where the checkpoint does not say them */
} described;

/* The name of a class, or its number where it has none; `number` has room for it. */
#define CLASS_NUMBER 16
const char *described_class(const described *d, int index, char number[CLASS_NUMBER]);
/* The class of that name or number; -1 with the sentence if there is none. */
int described_class_index(const described *d, const char *name);

/* TC_ERR_SHAPE where the data set, of as many classes, calls one otherwise: pictures of the same size may still be of other
 * things. `path` is the checkpoint's. */
tc_status described_fits(const described *d, const char *path, const tc_dataset *dataset);

/* Reads the description of the checkpoint at `path`. Free with described_free(), also after a failure. */
tc_status description_read(const char *path, described *d);
void described_free(described *d);

#endif
