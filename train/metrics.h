/* metrics.h - what is known of an epoch, and metrics.jsonl: one JSON object an epoch, written as training goes. */
#ifndef TRAIN_METRICS_H
#define TRAIN_METRICS_H

#include "log_file.h"

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

/* The real numbers, in the order in which every log has them. */
typedef struct metrics_field {
    const char *name; /* in metrics.jsonl and metrics.csv */
    const char
        *tag; /* in TensorBoard, which shows those with one beginning side by side; NULL: it is not told */
    size_t at;
} metrics_field;
#define METRICS_FIELDS 12
extern const metrics_field metrics_fields[METRICS_FIELDS];
double metrics_get(const metrics *m, int field);
/* The number as the logs write it; `none` where it is not finite. */
enum { METRICS_TEXT = 32 };
const char *metrics_text(double value, const char *none, char text[METRICS_TEXT]);

/* Opens the file for appending, after cutting it back to its first `epochs` epochs: what was written after the
 * checkpoint that a run resumes from is written anew. */
tc_status metrics_open(const char *path, int64_t epochs, log_file *file);

/* Appends a line and sees it to the disk. */
tc_status metrics_append(log_file *file, const metrics *m);

/* Epochs as they were written; of a file that is not there, none. */
typedef struct metrics_list {
    int count;
    metrics *epochs; /* NaN where a number is missing */
    int skipped;     /* lines that are no epoch: a last one half written, say */
} metrics_list;
tc_status metrics_read(const char *path, metrics_list *list);
void metrics_list_free(metrics_list *list);

#endif
