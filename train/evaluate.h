/* evaluate.h - loss and accuracy of a net over the pictures of a loader. */
#ifndef TRAIN_EVALUATE_H
#define TRAIN_EVALUATE_H

#include "datasets.h"

typedef struct evaluation {
    double loss;     /* mean cross-entropy */
    double accuracy; /* 0 .. 1 */
    int64_t correct, count;
    bool stopped; /* `stop` asked for an end; the numbers mean nothing */
} evaluation;

/* One pass in evaluation mode, over the views of each picture that `tta` asks for; leaves the tape in training mode. `stop` (may be NULL) is asked after every
 * batch. A loss that is not finite ends the pass early; the tape then holds that batch's results. */
tc_status evaluate(tc_model *model, tc_tape *tape, tc_loader *loader, const tc_dataset *dataset, tc_tta tta,
                   bool (*stop)(void), evaluation *result);

/* How many rows of the logits (N, classes) have their largest value at the label; the first of equals counts.
 */
int64_t count_correct(const tc_tensor *logits, const int32_t *labels);

#endif
