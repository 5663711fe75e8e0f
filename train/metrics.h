/* metrics.h - what is logged of an epoch: metrics.jsonl, and beside it, where wanted, the same for a spreadsheet (CSV) and
 * for TensorBoard. */
#ifndef TRAIN_METRICS_H
#define TRAIN_METRICS_H

#include <stdio.h>

#include "run_dir.h"

typedef struct metrics {
    int64_t epoch; /* from 1 */
    int64_t step;  /* optimiser steps since the start */
    double train_loss, train_acc;
    /* NaN where something was not measured at this epoch; written as null, in CSV as nothing. */
    double val_loss, val_acc; /* on the pictures held out */
    double test_loss, test_acc;
    double tta_acc;       /* on the test pictures, with test-time augmentation */
    double lr;            /* of the epoch's last step */
    double seconds;       /* of training since the start, evaluation and saving left out */
    double img_per_s;     /* training pictures a second in this epoch */
    double wait_share;    /* of this epoch's training time, spent waiting for pictures; 0 to 1 */
    double start_seconds; /* from the program's start to its first training step */
} metrics;

typedef enum metrics_form { METRICS_JSONL, METRICS_CSV, METRICS_TENSORBOARD, METRICS_FORMS } metrics_form;

typedef struct metrics_log {
    const run_dir *run;
    FILE *files[METRICS_FORMS]; /* NULL: not written */
} metrics_log;

/* Opens the run's logs for appending, after cutting them back to their first `epochs` entries: what was written after the
 * checkpoint that a run resumes from is written anew. Zeroed before the call; to be closed even after a failure. */
tc_status metrics_open(const run_dir *run, bool csv, bool tensorboard, int64_t epochs, metrics_log *log);
void metrics_close(metrics_log *log);

/* Appends an entry to each log and sees it to the disk. */
tc_status metrics_append(metrics_log *log, const metrics *m);

#endif
