/* predictions.c - one pass over the pictures; all else is counting. */
#include "predictions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 128 };

static tc_status allocate(int64_t count, int classes, predictions *p) {
    *p = (predictions){.count = count, .classes = classes};
    if (count < 1) return tc_fail(TC_ERR_ARGUMENT, "predictions: there is no picture");
    p->logits = malloc((size_t)count * (size_t)classes * sizeof *p->logits);
    p->probabilities = malloc((size_t)count * (size_t)classes * sizeof *p->probabilities);
    p->decided = malloc((size_t)count * sizeof *p->decided);
    p->labels = malloc((size_t)count * sizeof *p->labels);
    if (p->logits && p->probabilities && p->decided && p->labels) return TC_OK;
    return tc_fail(TC_ERR_MEMORY, "predictions: no memory for %lld pictures", (long long)count);
}

void predictions_free(predictions *p) {
    free(p->logits);
    free(p->probabilities);
    free(p->decided);
    free(p->labels);
    *p = (predictions){0};
}

/* Takes one picture's logits down; returns its loss. */
static double take(predictions *p, int64_t at, const float *logits, int label) {
    float *row = p->probabilities + at * p->classes;
    int best = 0;
    double sum = 0;
    memcpy(p->logits + at * p->classes, logits, (size_t)p->classes * sizeof *logits);
    for (int k = 1; k < p->classes; k++)
        if (logits[k] > logits[best]) best = k;
    for (int k = 0; k < p->classes; k++) sum += exp((double)logits[k] - (double)logits[best]);
    for (int k = 0; k < p->classes; k++)
        row[k] = (float)(exp((double)logits[k] - (double)logits[best]) / sum);
    p->decided[at] = best;
    p->labels[at] = label;
    return log(sum) - ((double)logits[label] - (double)logits[best]);
}

static tc_status run(tc_model *model, const described *about, const uint8_t *pixels, const uint8_t *labels,
                     tc_tape *tape, predictions *p) {
    const tc_net *net = &about->net;
    size_t values = (size_t)net->height * (size_t)net->width * (size_t)net->channels;
    float *x = malloc((size_t)(p->count < BATCH ? p->count : BATCH) * values * sizeof *x);
    if (!x) return tc_fail(TC_ERR_MEMORY, "predictions: no memory for a batch");
    int64_t right = 0;
    tc_status status = TC_OK;
    for (int64_t first = 0; status == TC_OK && first < p->count; first += BATCH) {
        int64_t count = p->count - first < BATCH ? p->count - first : BATCH;
        const uint8_t *from = pixels + (size_t)first * values;
        for (size_t i = 0; i < (size_t)count * values; i++) {
            size_t c = i % (size_t)net->channels;
            x[i] = ((float)from[i] / 255.0f - about->mean[c]) / about->deviation[c];
        }
        tc_tape_reset(tape, 0);
        const tc_tensor *logits = tc_model_forward(
            model, tape, tc_input(tape, 4, (int64_t[]){count, net->channels, net->height, net->width}, x));
        status = tc_tape_status(tape);
        for (int64_t n = 0; status == TC_OK && n < count; n++) {
            int64_t at = first + n;
            p->loss += take(p, at, logits->data + n * p->classes, labels[at]);
            right += p->decided[at] == p->labels[at];
        }
    }
    p->accuracy = (double)right / (double)p->count;
    p->loss /= (double)p->count;
    free(x);
    return status;
}

tc_status predictions_make(tc_model *model, const described *about, const uint8_t *pixels,
                           const uint8_t *labels, int64_t count, int threads, predictions *p) {
    tc_status status = allocate(count, about->net.classes, p);
    tc_tape *tape = status == TC_OK ? tc_tape_create(&(tc_tape_options){.threads = threads}) : NULL;
    if (tape) tc_tape_eval(tape);
    if (status == TC_OK) status = tape ? run(model, about, pixels, labels, tape, p) : TC_ERR_MEMORY;
    tc_tape_free(tape);
    if (status != TC_OK) predictions_free(p);
    return status;
}

void predictions_confusion(const predictions *p, int64_t *confusion) {
    for (int64_t i = 0; i < p->count; i++) confusion[(int64_t)p->labels[i] * p->classes + p->decided[i]]++;
}

void predictions_scores(const predictions *p, class_score *scores) {
    for (int k = 0; k < p->classes; k++) scores[k] = (class_score){0};
    for (int64_t i = 0; i < p->count; i++) {
        scores[p->labels[i]].pictures++;
        scores[p->decided[i]].decided++;
        scores[p->labels[i]].right += p->labels[i] == p->decided[i];
    }
    for (int k = 0; k < p->classes; k++) {
        class_score *s = &scores[k];
        s->precision = s->decided ? (double)s->right / (double)s->decided : NAN;
        s->recall = s->pictures ? (double)s->right / (double)s->pictures : NAN;
        s->f1 = s->decided + s->pictures ? 2.0 * (double)s->right / (double)(s->decided + s->pictures) : NAN;
    }
}

static double confidence_of(const predictions *p, int64_t i) {
    return (double)p->probabilities[i * p->classes + p->decided[i]];
}

double predictions_reliability(const predictions *p, int bins, reliability_bin *out) {
    double error = 0;
    for (int b = 0; b < bins; b++) out[b] = (reliability_bin){0};
    for (int64_t i = 0; i < p->count; i++) {
        double confidence = confidence_of(p, i);
        int b = (int)(confidence * bins);
        if (!(confidence >= 0)) continue; /* a NaN belongs nowhere */
        if (b >= bins) b = bins - 1;
        out[b].count++;
        out[b].confidence += confidence;
        out[b].accuracy += p->decided[i] == p->labels[i];
    }
    for (int b = 0; b < bins; b++) {
        out[b].confidence /= (double)out[b].count; /* NaN in an empty bin */
        out[b].accuracy /= (double)out[b].count;
        if (out[b].count)
            error += (double)out[b].count / (double)p->count * fabs(out[b].accuracy - out[b].confidence);
    }
    return error;
}

int predictions_worst(const predictions *p, int most, int64_t *indices) {
    int count = 0;
    for (int64_t i = 0; i < p->count; i++) {
        if (p->decided[i] == p->labels[i]) continue;
        int place = count;
        while (place > 0 && confidence_of(p, indices[place - 1]) < confidence_of(p, i)) place--;
        if (place >= most) continue;
        if (count < most) count++;
        memmove(indices + place + 1, indices + place, (size_t)(count - 1 - place) * sizeof *indices);
        indices[place] = i;
    }
    return count;
}
