/* settings.h - what `tinycnn train` can be told; the table behind it is in settings.c. */
#ifndef TRAIN_SETTINGS_H
#define TRAIN_SETTINGS_H

#include <jansson.h>

#include "options.h"

typedef enum optimizer_kind { OPTIMIZER_SGD, OPTIMIZER_ADAM, OPTIMIZER_ADAMW, OPTIMIZER_MUON } optimizer_kind;
typedef enum rates_kind { RATES_PLAIN, RATES_SUM, RATES_DECOUPLED } rates_kind;
typedef enum average_kind { AVERAGE_NONE, AVERAGE_LOOKAHEAD, AVERAGE_EMA } average_kind;
typedef enum augment_kind { AUGMENT_AUTO, AUGMENT_NONE, AUGMENT_STANDARD, AUGMENT_DIGITS } augment_kind;
typedef enum schedule_choice { /* in the order of tc_schedule_kind */
                               SCHEDULE_CONSTANT,
                               SCHEDULE_STEP,
                               SCHEDULE_MULTI_STEP,
                               SCHEDULE_COSINE,
                               SCHEDULE_ONE_CYCLE,
                               SCHEDULE_LINEAR
} schedule_choice;
typedef enum crop_mode { CROP_ZERO, CROP_REFLECT } crop_mode;
typedef enum flip_mode { FLIP_RANDOM, FLIP_ALTERNATING } flip_mode;

typedef struct train_settings {
    const char *recipe, *model, *data, *data_dir, *out, *resume;
    int64_t batch, accumulate, seed, seeds, threads, eval_every, val;
    double epochs, minutes;                  /* minutes 0: epochs counts */
    option_list widths, input;               /* empty: the net's own, the data's own */
    double bn_momentum, bn_eps, logit_scale; /* 0: the net's own */
    int init;                                /* tc_init */
    double head_deviation;                   /* 0: as init leaves it */
    bool train_bn_scale;
    bool whiten, whiten_bias_fall;
    double whiten_eps, whiten_bias_epochs;
    int64_t whiten_pictures;
    int optimizer; /* optimizer_kind */
    int rates;     /* rates_kind */
    double lr, norm_bias_lr, head_lr, momentum, weight_decay, label_smoothing, clip_norm;
    bool nesterov, decay_all;
    double muon_lr, muon_momentum;
    int64_t muon_steps;
    bool muon_rescale;
    int average; /* average_kind */
    int64_t average_every;
    double average_decay, average_power;
    int schedule; /* schedule_choice */
    double warmup, warmup_start, final, step_size, gamma;
    option_list milestones;
    double pct_start, div_factor, final_div_factor;
    bool drop_last;
    int augment; /* augment_kind; never AUGMENT_AUTO after settings_fit() */
    int64_t crop_padding;
    int crop_mode; /* crop_mode */
    double flip;
    int flip_mode; /* flip_mode */
    int64_t cutout;
    double erasing, rotation;
    option_list jitter;
    double mixup, cutmix;
    int64_t small_size; /* 0: pictures are whole from the begin */
    double small_until;
    int tta; /* tc_tta */
    bool csv, tensorboard;
    bool quiet;
} train_settings;

extern const option train_options[];

/* Puts numbers in the place of "auto", but for what depends on the data, and checks what no single option can check.
 * TC_ERR_ARGUMENT: usage. */
tc_status settings_resolve(train_settings *settings);
/* The rest: epochs, augmentation and smoothing, for the data set of that name (tc_dataset's, not a path); of a resumed run
 * nothing is left open. */
void settings_fit(train_settings *settings, const char *dataset);

/* Restores the settings of a run from its config.json, `config` read from `path`, for --resume. What the
 * command line gave must agree, except for SCOPE_RECORD options and for --epochs, which may grow where the
 * schedule is constant: TC_ERR_ARGUMENT otherwise. */
tc_status settings_resume(train_settings *settings, const bool given[OPTIONS_MAX], const char *path,
                          json_t *config);

#endif
