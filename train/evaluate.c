/* evaluate.c - sums are doubles, added in the order of the pictures: the same bits every time. */
#include "evaluate.h"

#include <math.h>

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

static tc_status add_batch(tc_model *model, tc_tape *tape, const tc_batch *batch, const tc_dataset *d,
                           evaluation *sum) {
    tc_tape_reset(tape, (uint64_t)batch->index);
    tc_tensor *x = tc_input(tape, 4, (int64_t[]){batch->count, d->channels, d->height, d->width}, batch->x);
    tc_tensor *logits = tc_model_forward(model, tape, x);
    tc_tensor *loss = tc_cross_entropy(tape, logits, batch->labels, NULL);
    TC_TRY(tc_tape_status(tape));
    sum->loss += (double)loss->data[0] * (double)batch->count;
    sum->correct += count_correct(logits, batch->labels);
    sum->count += batch->count;
    return TC_OK;
}

/* The batch once more, with its results recorded: tc_tape_find_nonfinite() then knows where the NaN began. */
static tc_status record_batch(tc_model *model, tc_tape *tape, const tc_batch *batch, const tc_dataset *d) {
    evaluation unused = {0};
    bool before = tc_tape_record(tape, true);
    tc_status status = add_batch(model, tape, batch, d, &unused);
    tc_tape_record(tape, before);
    return status;
}

tc_status evaluate(tc_model *model, tc_tape *tape, tc_loader *loader, const tc_dataset *dataset,
                   bool (*stop)(void), evaluation *result) {
    evaluation sum = {0};
    TC_TRY(tc_loader_start(loader, 0, 0));
    tc_tape_eval(tape);
    tc_status status = TC_OK;
    for (const tc_batch *batch; status == TC_OK && !sum.stopped && (batch = tc_loader_next(loader));) {
        status = add_batch(model, tape, batch, dataset, &sum);
        if (status == TC_OK && !isfinite(sum.loss)) {
            status = record_batch(model, tape, batch, dataset);
            break;
        }
        sum.stopped = stop && stop();
    }
    tc_tape_train(tape);
    TC_TRY(status);
    if (sum.count) {
        sum.loss /= (double)sum.count;
        sum.accuracy = (double)sum.correct / (double)sum.count;
    }
    *result = sum;
    return TC_OK;
}
