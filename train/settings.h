/* settings.h - what `tinycnn train` can be told; the table behind it is in settings.c. */
#ifndef TRAIN_SETTINGS_H
#define TRAIN_SETTINGS_H

#include <jansson.h>

#include "options.h"

typedef enum optimizer_kind { OPTIMIZER_SGD, OPTIMIZER_ADAM, OPTIMIZER_ADAMW } optimizer_kind;
typedef enum augment_kind { AUGMENT_AUTO, AUGMENT_NONE, AUGMENT_STANDARD } augment_kind;
typedef enum schedule_choice { /* in the order of tc_schedule_kind */
                               SCHEDULE_CONSTANT,
                               SCHEDULE_STEP,
                               SCHEDULE_MULTI_STEP,
                               SCHEDULE_COSINE,
                               SCHEDULE_ONE_CYCLE,
                               SCHEDULE_LINEAR
} schedule_choice;
typedef enum crop_mode { CROP_ZERO, CROP_REFLECT } crop_mode;

typedef struct train_settings {
    const char *model, *data, *data_dir, *out, *resume;
    int64_t epochs, batch, accumulate, seed, threads, eval_every;
    double minutes; /* 0: --epochs counts */
    int optimizer;  /* optimizer_kind */
    double lr, momentum, weight_decay, label_smoothing, clip_norm;
    bool nesterov, decay_all;
    int schedule; /* schedule_choice */
    double warmup, warmup_start, final, step_size, gamma;
    option_list milestones;
    double pct_start, div_factor, final_div_factor;
    int augment; /* augment_kind; never AUGMENT_AUTO after settings_resolve() */
    int64_t crop_padding;
    int crop_mode; /* crop_mode */
    double flip;
    int init; /* tc_init */
    bool quiet;
} train_settings;

extern const option train_options[];

/* Puts numbers in the place of "auto" and checks what no single option can check. TC_ERR_ARGUMENT: usage. */
tc_status settings_resolve(train_settings *settings);

/* Restores the settings of a run from its config.json, `config` read from `path`, for --resume. What the
 * command line gave must agree, except for SCOPE_RECORD options and for --epochs, which may grow where the
 * schedule is constant: TC_ERR_ARGUMENT otherwise. */
tc_status settings_resume(train_settings *settings, const bool given[OPTIONS_MAX], const char *path,
                          json_t *config);

#endif
