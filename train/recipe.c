/* recipe.c - the schedule's options are shares of the training; here they become steps. */
#include "recipe.h"

#include <math.h>

tc_status recipe_optimizer(const train_settings *s, tc_model *model, tc_optimizer **optimizer) {
    float decay = (float)s->weight_decay;
    tc_status status;
    if (s->optimizer == OPTIMIZER_SGD)
        status = tc_sgd_create(model,
                               &(tc_sgd_options){.lr = (float)s->lr,
                                                 .momentum = (float)s->momentum,
                                                 .weight_decay = decay,
                                                 .nesterov = s->nesterov},
                               optimizer);
    else if (s->optimizer == OPTIMIZER_ADAM)
        status =
            tc_adam_create(model, &(tc_adam_options){.lr = (float)s->lr, .weight_decay = decay}, optimizer);
    else
        status = tc_adamw_create(
            model, &(tc_adam_options){.lr = (float)s->lr, .weight_decay = decay > 0 ? decay : TC_NO_DECAY},
            optimizer);
    TC_TRY(status);
    if (s->decay_all) return TC_OK;
    return tc_optimizer_group(*optimizer, tc_match_1d, NULL,
                              &(tc_group_options){.weight_decay = TC_NO_DECAY});
}

static int64_t share(double fraction, int64_t total) {
    return (int64_t)llround(fraction * (double)total);
}

/* From warmup_start up to 1 over the warm-up, then straight down to `final`. */
static void set_linear(const train_settings *s, int64_t total, tc_schedule *schedule) {
    int64_t warmup = share(s->warmup, total);
    schedule->kind = TC_SCHEDULE_PIECEWISE_LINEAR;
    if (warmup > 0) {
        schedule->points_step[schedule->points] = 0;
        schedule->points_factor[schedule->points++] = s->warmup_start;
    }
    schedule->points_step[schedule->points] = warmup;
    schedule->points_factor[schedule->points++] = 1;
    if (total > warmup) {
        schedule->points_step[schedule->points] = total;
        schedule->points_factor[schedule->points++] = s->final;
    }
}

tc_status recipe_schedule(const train_settings *s, int64_t total, tc_schedule *schedule) {
    *schedule = (tc_schedule){.kind = (tc_schedule_kind)s->schedule,
                              .total = total,
                              .gamma = s->gamma,
                              .warmup_start = s->warmup_start,
                              .final = s->final,
                              .pct_start = s->pct_start,
                              .div_factor = s->div_factor,
                              .final_div_factor = s->final_div_factor};
    schedule->warmup = share(s->warmup, total);
    schedule->step_size = share(s->step_size, total) > 0 ? share(s->step_size, total) : 1;
    if (s->schedule == SCHEDULE_LINEAR) set_linear(s, total, schedule);
    if (schedule->kind == TC_SCHEDULE_MULTI_STEP)
        for (int i = 0; i < s->milestones.count; i++)
            schedule->points_step[schedule->points++] = share(s->milestones.values[i], total);
    return tc_schedule_check(schedule);
}

int recipe_transforms(const train_settings *s, const tc_dataset *dataset,
                      tc_transform out[RECIPE_TRANSFORMS]) {
    int count = 0;
    out[count++] = tc_normalize(dataset->mean, dataset->deviation, dataset->channels);
    if (s->augment != AUGMENT_STANDARD) return count;
    /* After normalising, zeros in the padding are the mean colour. */
    if (s->crop_padding > 0)
        out[count++] = tc_random_crop((int)s->crop_padding, s->crop_mode == CROP_REFLECT);
    if (s->flip > 0) out[count++] = tc_random_horizontal_flip((float)s->flip);
    return count;
}
