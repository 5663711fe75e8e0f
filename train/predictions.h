/* predictions.h - what a net says to every picture of a split, and what that tells about the net. */
#ifndef TRAIN_PREDICTIONS_H
#define TRAIN_PREDICTIONS_H

#include "datasets.h"
#include "saved_net.h"

typedef struct predictions {
    int64_t count;
    int classes;
    float *logits;        /* (count, classes) */
    float *probabilities; /* (count, classes), by softmax */
    int32_t *decided;     /* (count): the class of the largest, the first of equals */
    int32_t *labels;      /* (count) */
    double accuracy;      /* 0 .. 1 */
    double loss;          /* mean cross-entropy */
} predictions;

/* `pixels` (count, H, W, C) with the labels of the split's first `count` pictures: the split's own, or worse ones.
 * `threads` 0: all cores. Free with predictions_free(). */
tc_status predictions_make(tc_model *model, const described *about, const uint8_t *pixels,
                           const uint8_t *labels, int64_t count, int threads, predictions *p);
void predictions_free(predictions *p);

/* Rows are true classes, columns decisions: (classes, classes), zeroed by the caller. */
void predictions_confusion(const predictions *p, int64_t *confusion);

typedef struct class_score {
    int64_t pictures; /* of this class */
    int64_t decided;  /* times that the net decided for it */
    int64_t right;
    double precision, recall, f1; /* NaN where nothing was decided, or there is no picture */
} class_score;
void predictions_scores(const predictions *p, class_score *scores); /* (classes) */

/* Decisions sorted by their probability into bins of equal width over 0 .. 1. */
typedef struct reliability_bin {
    int64_t count;
    double confidence, accuracy; /* means; NaN in an empty bin */
} reliability_bin;
/* Returns the expected calibration error, sum over bins of count / all |accuracy - confidence|: Guo, Pleiss, Sun,
 * Weinberger 2017. */
double predictions_reliability(const predictions *p, int bins, reliability_bin *out);

/* Indices of the wrong decisions, those that the net was surest of first; returns how many, at most `most`. */
int predictions_worst(const predictions *p, int most, int64_t *indices);

#endif
