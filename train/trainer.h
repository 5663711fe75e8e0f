/* trainer.h - the training of one run: steps, epochs, what is written and when.
 *
 *     trainer t;
 *     status = trainer_create(&settings, dataset, &run, &t);
 *     if (status == TC_OK && resuming) status = trainer_resume(&t);
 *     if (status == TC_OK) status = trainer_run(&t, &stopped);
 *     trainer_free(&t);
 *
 * TC_ERR_NUMERIC: training diverged; tc_last_error() names step, layer and tensor. */
#ifndef TRAIN_TRAINER_H
#define TRAIN_TRAINER_H

#include "datasets.h"
#include "description.h"
#include "progress.h"
#include "run_dir.h"
#include "settings.h"
#include "train_state.h"

typedef struct trainer {
    const train_settings *settings;
    const tc_dataset *dataset;
    const run_dir *run;
    description about;
    tc_model *model;
    tc_optimizer *optimizer;
    tc_tape *tape;
    tc_loader *train_loader, *test_loader;
    tc_schedule schedule;
    train_state state;
    FILE *metrics; /* open while trainer_run() works */
    progress progress;
    int64_t batches;      /* in an epoch */
    double clock;         /* when state.seconds was brought up to date */
    double waited;        /* what tc_loader_wait_seconds() said then */
    double began;         /* when the program did; set by the caller */
    double start_seconds; /* from then to the first step */
} trainer;

/* On failure everything is given back. */
tc_status trainer_create(const train_settings *settings, const tc_dataset *dataset, const run_dir *run,
                         trainer *t);
void trainer_free(trainer *t);

/* Goes back to where last.safetensors was saved; a run that was stopped before its first save begins anew. */
tc_status trainer_resume(trainer *t);

/* Trains to the end, or to the step at which SIGINT or SIGTERM was seen: then all is saved and *stopped is
 * true. */
tc_status trainer_run(trainer *t, bool *stopped);

/* One optimiser step: `accumulate` batches forward and backward, then the update. */
tc_status train_step(trainer *t);

/* The failure that names the first result on the tape and the first parameter that are not finite; `what` is
 * the number in which it showed, at `step` (from 1). */
tc_status train_diverged(const trainer *t, int64_t step, const char *what);

#endif
