/* train_state.h - where a training stands: all that a resumed run needs beside weights and optimiser.
 *
 * Random numbers are functions of (seed, epoch, batch), so position is all the state they have. In a
 * checkpoint the values are strings of the safetensors metadata, "training.epoch" and so on; real numbers are
 * hexadecimal floats, which keep every bit. */
#ifndef TRAIN_TRAIN_STATE_H
#define TRAIN_TRAIN_STATE_H

#include "tinycnn.h"

typedef struct train_state {
    int64_t epoch;         /* the running one, from 0 */
    int64_t batch;         /* batches of it that are done; all of them: evaluation comes next */
    int64_t step;          /* optimiser steps so far */
    int64_t correct, seen; /* of this epoch's training pictures */
    int64_t best_epoch;    /* from 1; 0: none yet */
    int64_t lines;         /* of metrics.jsonl */
    int64_t finished;      /* 1: nothing is left to do */
    double loss_sum;       /* over this epoch's training pictures */
    double lr;             /* of the last step */
    double best_accuracy;
    double seconds;            /* of training so far */
    double epoch_seconds;      /* of these, in this epoch */
    double epoch_wait_seconds; /* of these, waiting for the loader */
} train_state;

enum { STATE_STRINGS = 14, STATE_TEXT = 40 };

/* The state as metadata; `texts` holds the values. */
void train_state_write(const train_state *state, tc_metadata strings[STATE_STRINGS],
                       char texts[STATE_STRINGS][STATE_TEXT]);

/* From the metadata of the checkpoint at `path`. */
tc_status train_state_read(const char *path, train_state *state);

#endif
