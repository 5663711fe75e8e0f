/* robustness.h - how a net's accuracy falls as pictures get worse. */
#ifndef TRAIN_ROBUSTNESS_H
#define TRAIN_ROBUSTNESS_H

#include "datasets.h"
#include "saved_net.h"

enum { SEVERITIES_MAX = 8 };

typedef struct robustness {
    tc_corruption kind;
    int count; /* of severities; the first is 0 */
    double severity[SEVERITIES_MAX];
    double accuracy[SEVERITIES_MAX]; /* mean over the directions */
    double consistency
        [SEVERITIES_MAX]; /* share of decisions that are those without corruption: Zhang 2019, "Making
                                           convolutional networks shift-invariant again" */
} robustness;

/* The severities that are tried for pictures of this size. */
robustness robustness_plan(tc_corruption kind, int height, int width);

/* Over the first `count` test pictures. Shifts go in eight directions, rotation and brightness in two. */
tc_status robustness_measure(tc_model *model, const described *about, const tc_dataset *dataset,
                             int64_t count, int threads, robustness *r);

#endif
