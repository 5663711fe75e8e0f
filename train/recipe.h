/* recipe.h - from settings to the parts of a training. */
#ifndef TRAIN_RECIPE_H
#define TRAIN_RECIPE_H

#include "datasets.h"
#include "models.h"
#include "settings.h"

/* Position of a training that is measured by the clock: ticks from its begin to its end. */
#define RECIPE_TICKS 1000000

/* The net that the settings ask for. */
tc_net recipe_net(const train_settings *s, const tc_dataset *dataset);
/* Made, initialised, whitened. TC_ERR_ARGUMENT where the net has not what the settings speak of. */
tc_status recipe_model(const train_settings *s, const tc_dataset *dataset, tc_model **model);

/* The last linear layer's weight, or NULL. */
tc_parameter *recipe_head(tc_model *model);

/* With its groups. */
tc_status recipe_optimizer(const train_settings *s, tc_model *model, tc_optimizer **optimizer);
/* The learning rate as the optimiser wants it, for the mean loss; at the schedule's peak. */
double recipe_rate(const train_settings *s);
/* Has to be called before a step: trains the whitening layer's bias, or no longer. `epochs`: done so far, `factor`: of
 * the schedule at this step. */
void recipe_whitening_bias(const train_settings *s, tc_model *model, tc_optimizer *optimizer, double epochs,
                           double factor);

/* The schedule over `total` steps or ticks. */
tc_status recipe_schedule(const train_settings *s, int64_t total, tc_schedule *schedule);

/* Loader of the training pictures, as they are or small. */
tc_status recipe_loader(const train_settings *s, const tc_dataset *dataset, bool small, tc_loader **loader);

#endif
