/* recipe.h - from settings to the parts of a training. */
#ifndef TRAIN_RECIPE_H
#define TRAIN_RECIPE_H

#include "datasets.h"
#include "settings.h"

/* Position of a training that is measured by the clock: ticks from its begin to its end. */
#define RECIPE_TICKS 1000000

tc_status recipe_optimizer(const train_settings *s, tc_model *model, tc_optimizer **optimizer);

/* The schedule over `total` steps or ticks. */
tc_status recipe_schedule(const train_settings *s, int64_t total, tc_schedule *schedule);

/* Writes the transforms of training pictures into `out` and returns how many there are. */
enum { RECIPE_TRANSFORMS = 3 };
int recipe_transforms(const train_settings *s, const tc_dataset *dataset,
                      tc_transform out[RECIPE_TRANSFORMS]);

#endif
