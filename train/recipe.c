/* recipe.c - net, schedule and pictures as the settings have them. The schedule's options are shares of the training;
 * here they become steps. */
#include "recipe.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- The net ------------------------------------------------------------------------------------------ */

tc_net recipe_net(const train_settings *s, const tc_dataset *d) {
    tc_net net = {.channels = d->channels,
                  .height = d->height,
                  .width = d->width,
                  .classes = d->classes,
                  .bn_momentum = (float)s->bn_momentum,
                  .bn_eps = (float)s->bn_eps,
                  .logit_scale = (float)s->logit_scale};
    for (int i = 0; i < s->widths.count; i++) net.widths[i] = (int)s->widths.values[i];
    return net;
}

tc_parameter *recipe_head(tc_model *model) {
    for (int i = tc_model_parameter_count(model) - 1; i >= 0; i--) {
        tc_parameter *p = tc_model_parameter(model, i);
        if (strcmp(p->layer, "linear") == 0 && p->tensor->ndim == 2) return p;
    }
    return NULL;
}

/* The head's weights are brought to a standard deviation of `wanted`. */
static void scale_head(tc_model *model, double wanted) {
    tc_parameter *head = recipe_head(model);
    if (!head) return;
    tc_tensor *weight = head->tensor;
    int64_t count = tc_numel(weight);
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < count; i++) sum += (double)weight->data[i];
    for (int64_t i = 0; i < count; i++) {
        double off = (double)weight->data[i] - sum / (double)count;
        squares += off * off;
    }
    float factor = (float)(wanted / sqrt(squares / (double)(count - 1)));
    for (int64_t i = 0; i < count; i++) weight->data[i] *= factor;
}

/* The first convolution gets filters from the first training pictures, and keeps them. */
static tc_status whiten(const train_settings *s, const tc_dataset *d, tc_model *model) {
    tc_parameter *first = tc_model_parameter(model, 0);
    if (strcmp(first->layer, "conv2d") != 0)
        return tc_fail(TC_ERR_ARGUMENT, "--whiten: the net %s does not begin with a convolution", s->model);
    int64_t count = s->whiten_pictures < d->train.count ? s->whiten_pictures : d->train.count;
    int64_t picture = (int64_t)d->channels * d->height * d->width;
    tc_arena *arena = tc_arena_create();
    tc_tensor *x = arena ? tc_tensor_new(arena, count, d->channels, d->height, d->width) : NULL;
    tc_status status = x ? TC_OK : tc_fail(TC_ERR_MEMORY, "whitening: out of memory");
    for (int64_t i = 0; x && i < count * picture; i++) {
        int c = (int)(i % d->channels); /* channels-last in memory */
        x->data[i] = ((float)d->train.pixels[i] / 255.0f - d->mean[c]) / d->deviation[c];
    }
    if (x) status = tc_init_whitening(first->tensor, x, s->whiten_eps, (int)s->threads);
    tc_arena_free(arena);
    first->tensor->requires_grad = false;
    if (status != TC_ERR_SHAPE) return status;
    char why[512]; /* more filters than there are directions, patches larger than the pictures */
    snprintf(why, sizeof why, "%s", tc_last_error());
    return tc_fail(TC_ERR_ARGUMENT, "--whiten: the net %s can't: %s", s->model, why);
}

static tc_status begin(const train_settings *s, const tc_dataset *dataset, tc_model *model) {
    if (s->init != TC_INIT_PYTORCH) tc_model_init(model, (tc_init)s->init, (uint64_t)s->seed);
    if (s->head_deviation > 0) scale_head(model, s->head_deviation);
    for (int i = 0; !s->train_bn_scale && i < tc_model_parameter_count(model); i++) {
        const tc_parameter *p = tc_model_parameter(model, i);
        const char *name = strrchr(p->name, '.');
        if (strcmp(p->layer, "batchnorm2d") == 0 && name && strcmp(name, ".weight") == 0)
            p->tensor->requires_grad = false;
    }
    return s->whiten ? whiten(s, dataset, model) : TC_OK;
}

tc_status recipe_model(const train_settings *s, const tc_dataset *dataset, tc_model **model) {
    const tc_model_entry *entry = tc_model_entry_find(s->model);
    tc_net net = recipe_net(s, dataset);
    *model = NULL;
    if (!entry) return TC_ERR_ARGUMENT;
    TC_TRY(tc_model_create(tc_model_build(entry, &net), (uint64_t)s->seed, model));
    tc_status status = begin(s, dataset, *model);
    if (status == TC_OK) return TC_OK;
    tc_model_free(*model);
    *model = NULL;
    return status;
}

/* ---- The schedule ------------------------------------------------------------------------------------- */

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

/* ---- The pictures ------------------------------------------------------------------------------------- */

enum { MOST_TRANSFORMS = 8 };

static int transforms_of(const train_settings *s, const tc_dataset *d, tc_transform out[MOST_TRANSFORMS]) {
    const double *j = s->jitter.values;
    int count = 0;
    bool augment = s->augment != AUGMENT_NONE;
    if (augment && s->jitter.count == 4)
        out[count++] = tc_color_jitter((float)j[0], (float)j[1], (float)j[2], (float)j[3]);
    /* From here on zero is the mean colour, in the padding too. */
    out[count++] = tc_normalize(d->mean, d->deviation, d->channels);
    if (!augment) return count;
    if (s->rotation > 0) out[count++] = tc_random_rotation((float)s->rotation);
    if (s->crop_padding > 0)
        out[count++] = tc_random_crop((int)s->crop_padding, s->crop_mode == CROP_REFLECT);
    if (s->flip > 0)
        out[count++] = s->flip_mode == FLIP_ALTERNATING ? tc_alternating_flip()
                                                        : tc_random_horizontal_flip((float)s->flip);
    if (s->cutout > 0) out[count++] = tc_cutout((int)s->cutout);
    if (s->erasing > 0) out[count++] = tc_random_erasing((float)s->erasing);
    return count;
}

tc_status recipe_loader(const train_settings *s, const tc_dataset *dataset, bool small, tc_loader **loader) {
    tc_transform transforms[MOST_TRANSFORMS];
    bool augment = s->augment != AUGMENT_NONE;
    tc_loader_options options = {.batch_size = (int)s->batch,
                                 .shuffle = true,
                                 .drop_last = s->drop_last,
                                 .seed = (uint64_t)s->seed,
                                 .transforms = transforms,
                                 .transform_count = transforms_of(s, dataset, transforms),
                                 .height = small ? (int)s->small_size : 0,
                                 .width = small ? (int)s->small_size : 0,
                                 .mixup = augment ? (float)s->mixup : 0.0f,
                                 .cutmix = augment ? (float)s->cutmix : 0.0f};
    return tc_loader_create(dataset, &dataset->train, &options, loader);
}
