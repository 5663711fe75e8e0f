/* cross_entropy.c - with p = softmax(x), target q = (1 - e) [label] + e / C (label smoothing e):
 *   loss of a row = - sum of q[i] log p[i] = logsumexp(x) - (1 - e) x[label] - e / C sum of x
 *   dx[i] = p[i] - q[i]
 * then the mean or the sum over rows. */
#include <math.h>

#include "common.h"
#include "softmax.h"

typedef struct saved {
    const int32_t *labels;    /* (N) */
    double smoothing, factor; /* factor: 1 / N for the mean, 1 for the sum */
} saved;

static double row_loss(const float *x, int64_t c, int32_t label, double smoothing) {
    double total = 0.0;
    if (smoothing > 0.0) {
        for (int64_t i = 0; i < c; i++) total += (double)x[i];
    }
    return tci_log_sum_exp(x, c) - (1.0 - smoothing) * (double)x[label] - smoothing / (double)c * total;
}

static void cross_entropy_backward(tc_tape *tape, const tci_node *node) {
    const tc_tensor *x = node->inputs[0];
    const saved *s = node->saved;
    int64_t n = x->shape[0], c = x->shape[1];
    double scale = s->factor * (double)node->output->grad[0];
    tci_gradient g = tci_gradient_of(tape, node->inputs[0]);
    if (!g.data) return;
    for (int64_t r = 0; r < n; r++) {
        const float *logits = x->data + r * c;
        double norm = tci_log_sum_exp(logits, c);
        for (int64_t i = 0; i < c; i++) {
            double q = (i == s->labels[r] ? 1.0 - s->smoothing : 0.0) + s->smoothing / (double)c;
            float value = (float)(scale * (exp((double)logits[i] - norm) - q));
            float *dx = g.data + r * c + i;
            *dx = g.accumulate ? *dx + value : value;
        }
    }
}

static const tci_op cross_entropy_op = {"cross_entropy", cross_entropy_backward};

tc_tensor *tc_cross_entropy(tc_tape *tape, tc_tensor *logits, const int32_t *labels,
                            const tc_cross_entropy_options *options) {
    char text[TC_SHAPE_TEXT];
    if (!tci_begin(tape, "cross_entropy", logits)) return NULL;
    tc_cross_entropy_options o = options ? *options : (tc_cross_entropy_options){0};
    if (logits->ndim != 2)
        return tci_tape_fail(tape, TC_ERR_SHAPE, "cross_entropy: logits have shape %s, (N, C) is expected",
                             TCI_SHAPE(logits, text));
    if (!labels) return tci_tape_fail(tape, TC_ERR_ARGUMENT, "cross_entropy: labels are NULL");
    if (!(o.label_smoothing >= 0.0f && o.label_smoothing <= 1.0f))
        return tci_tape_fail(tape, TC_ERR_ARGUMENT, "cross_entropy: label smoothing %g is not within 0 .. 1",
                             (double)o.label_smoothing);
    int64_t n = logits->shape[0], c = logits->shape[1];
    for (int64_t r = 0; r < n; r++) {
        if (labels[r] < 0 || labels[r] >= c)
            return tci_tape_fail(tape, TC_ERR_ARGUMENT,
                                 "cross_entropy: label %d of row %lld is not within 0 .. %lld", labels[r],
                                 (long long)r, (long long)(c - 1));
    }
    tc_tensor *loss = tci_result(tape, 0, NULL);
    saved *s = loss ? tci_save(tape, sizeof *s) : NULL;
    if (!s) return NULL;
    *s = (saved){labels, (double)o.label_smoothing, o.reduction == TC_REDUCTION_SUM ? 1.0 : 1.0 / (double)n};
    double sum = 0.0;
    for (int64_t r = 0; r < n; r++) sum += row_loss(logits->data + r * c, c, labels[r], s->smoothing);
    loss->data[0] = (float)(sum * s->factor);
    return tci_record(tape, &cross_entropy_op, loss, s, logits);
}
