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
#include "evaluate.h"
#include "progress.h"
#include "run_dir.h"
#include "settings.h"
#include "train_logs.h"
#include "train_state.h"

typedef struct trainer {
    const train_settings *settings;
    const tc_dataset *dataset;
    const run_dir *run;
    description about;
    tc_model *model;
    tc_optimizer *optimizer;
    tc_tape *tape;
    tc_loader *whole, *small; /* training pictures; small: NULL where all are whole */
    tc_loader *from;          /* the one of the two that the running epoch comes from */
    tc_schedule schedule;
    train_state state;
    train_logs logs; /* open while trainer_run() works */
    progress progress;
    int64_t batches;      /* in an epoch */
    int64_t epoch_steps;  /* optimiser steps in an epoch */
    int64_t steps;        /* in all; 0: as many as the time allows */
    double clock;         /* when state.seconds was brought up to date */
    double step_seconds;  /* what the last step took */
    double waited;        /* what tc_loader_wait_seconds() said of both loaders then */
    double began;         /* when the program did; set by the caller */
    double start_seconds; /* from then to the first step */
    evaluation last,
        tta; /* of the net at the end, on the test pictures; tta: count 0 if it was not asked for */
} trainer;

/* On failure everything is given back. `run` may be NULL for a trainer that only takes steps. */
tc_status trainer_create(const train_settings *settings, const tc_dataset *dataset, const run_dir *run,
                         trainer *t);
void trainer_free(trainer *t);

/* Goes back to where last.safetensors was saved; a run that was stopped before its first save begins anew. */
tc_status trainer_resume(trainer *t);

/* Writes last.safetensors. */
tc_status trainer_save(const trainer *t);

/* Trains to the end, or to the step at which SIGINT or SIGTERM was seen: then all is saved and *stopped is
 * true. */
tc_status trainer_run(trainer *t, bool *stopped);

/* How much of the training is done, 0 to 1: of the steps, or of the time. */
double trainer_position(const trainer *t);

/* Lets the next batch of this epoch come from the loader that trainer_position() asks for; at the begin of an epoch
 * and wherever it asks for another one than before. */
tc_status trainer_feed(trainer *t);

/* One optimiser step: `accumulate` batches forward and backward, then the update. */
tc_status train_step(trainer *t);

/* The failure that names the first result on the tape and the first parameter that are not finite; `what` is
 * the number in which it showed, at `step` (from 1). */
tc_status train_diverged(const trainer *t, int64_t step, const char *what);

#endif
