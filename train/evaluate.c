/* evaluate.c - sums are doubles, added in the order of the pictures: the same bits every time. */
#include "evaluate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int64_t count_correct(const tc_tensor *logits, const int32_t *labels) {
    int64_t classes = logits->shape[1], correct = 0;
    for (int64_t n = 0; n < logits->shape[0]; n++) {
        const float *row = logits->data + n * classes; /* (classes) */
        int64_t best = 0;
        for (int64_t c = 1; c < classes; c++)
            if (row[c] > row[best]) best = c;
        correct += best == labels[n];
    }
    return correct;
}

/* What an evaluation works with. */
typedef struct pass {
    tc_model *model;
    tc_tape *tape;
    const tc_dataset *dataset;
    tc_tta tta;
} pass;

/* The logits of one view of the batch, times the view's weight; NULL with the failure on the tape. */
static tc_tensor *view_logits(const pass *p, const tc_batch *batch, int view) {
    const tc_dataset *d = p->dataset;
    int64_t values = batch->count * d->channels * d->height * d->width;
    float *pixels = batch->x, weight = 1;
    tc_tape_reset(p->tape, (uint64_t)batch->index);
    if (p->tta != TC_TTA_NONE) {
        pixels = tc_arena_alloc(tc_tape_arena(p->tape), (size_t)values * sizeof *pixels);
        if (!pixels) return NULL;
        weight = tc_tta_view(p->tta, view, batch->x, batch->count, d->height, d->width, d->channels, pixels);
    }
    tc_tensor *x = tc_input(p->tape, 4, (int64_t[]){batch->count, d->channels, d->height, d->width}, pixels);
    tc_tensor *logits = tc_model_forward(p->model, p->tape, x);
    return weight == 1 ? logits : tc_scale(p->tape, logits, weight);
}

/* `total` (count, classes) of the batch: the mean of the views' logits. */
static tc_status mean_logits(const pass *p, const tc_batch *batch, float *total) {
    size_t values = (size_t)batch->count * (size_t)p->dataset->classes;
    memset(total, 0, values * sizeof *total);
    for (int view = 0; view < tc_tta_views(p->tta); view++) {
        const tc_tensor *logits = view_logits(p, batch, view);
        TC_TRY(tc_tape_status(p->tape));
        if (!logits) return tc_fail(TC_ERR_MEMORY, "evaluation: out of memory");
        for (size_t i = 0; i < values; i++) total[i] += logits->data[i];
    }
    return TC_OK;
}

static tc_status add_batch(const pass *p, const tc_batch *batch, float *total, evaluation *sum) {
    tc_tensor *logits;
    if (p->tta == TC_TTA_NONE) {
        logits = view_logits(p, batch, 0);
    } else {
        TC_TRY(mean_logits(p, batch, total));
        logits = tc_input(p->tape, 2, (int64_t[]){batch->count, p->dataset->classes}, total);
    }
    tc_tensor *loss = tc_cross_entropy(p->tape, logits, batch->labels, NULL);
    TC_TRY(tc_tape_status(p->tape));
    sum->loss += (double)loss->data[0] * (double)batch->count;
    sum->correct += count_correct(logits, batch->labels);
    sum->count += batch->count;
    return TC_OK;
}

/* The batch once more, with its results recorded: tc_tape_find_nonfinite() then knows where the NaN began. */
static tc_status record_batch(const pass *p, const tc_batch *batch) {
    bool before = tc_tape_record(p->tape, true);
    view_logits(p, batch, 0);
    tc_tape_record(p->tape, before);
    return tc_tape_status(p->tape);
}

static tc_status add_batches(const pass *p, tc_loader *loader, bool (*stop)(void), evaluation *sum) {
    float *total = NULL;
    tc_status status = TC_OK;
    for (const tc_batch *batch; status == TC_OK && !sum->stopped && (batch = tc_loader_next(loader));) {
        /* No batch has more pictures than the first. */
        if (!total) total = malloc((size_t)batch->count * (size_t)p->dataset->classes * sizeof *total);
        status =
            total ? add_batch(p, batch, total, sum) : tc_fail(TC_ERR_MEMORY, "evaluation: out of memory");
        if (status == TC_OK && !isfinite(sum->loss)) {
            status = record_batch(p, batch);
            break;
        }
        sum->stopped = stop && stop();
    }
    free(total);
    return status;
}

tc_status evaluate(tc_model *model, tc_tape *tape, tc_loader *loader, const tc_dataset *dataset, tc_tta tta,
                   bool (*stop)(void), evaluation *result) {
    pass p = {model, tape, dataset, tta};
    evaluation sum = {0};
    TC_TRY(tc_loader_start(loader, 0, 0));
    tc_tape_eval(tape);
    tc_status status = add_batches(&p, loader, stop, &sum);
    tc_tape_train(tape);
    TC_TRY(status);
    if (sum.count) {
        sum.loss /= (double)sum.count;
        sum.accuracy = (double)sum.correct / (double)sum.count;
    }
    *result = sum;
    return TC_OK;
}
