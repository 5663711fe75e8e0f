/* metrics.h - metrics.jsonl: one JSON object an epoch, written as training goes. */
#ifndef TRAIN_METRICS_H
#define TRAIN_METRICS_H

#include <stdio.h>

#include "tinycnn.h"

typedef struct metrics {
    int64_t epoch; /* from 1 */
    int64_t step;  /* optimiser steps since the start */
    double train_loss, train_acc;
    /* NaN where something was not measured at this epoch; written as null. */
    double val_loss, val_acc; /* on the pictures held out */
    double test_loss, test_acc;
    double tta_acc;       /* on the test pictures, with test-time augmentation */
    double lr;            /* of the epoch's last step */
    double seconds;       /* of training since the start, evaluation and saving left out */
    double img_per_s;     /* training pictures a second in this epoch */
    double wait_share;    /* of this epoch's training time, spent waiting for pictures; 0 to 1 */
    double start_seconds; /* from the program's start to its first training step */
} metrics;

/* Opens the file for appending, after cutting it back to its first `lines` lines: what was written after the
 * checkpoint that a run resumes from is written anew. */
tc_status metrics_open(const char *path, int64_t lines, FILE **file);

/* Appends a line and sees it to the disk. */
tc_status metrics_append(FILE *file, const char *path, const metrics *m);

#endif
