/* cross_entropy.c - with p = softmax(x) and the target t = (1 - s) [label] + s [mixed label] (s: the share), smoothed by
 * e to q = (1 - e) t + e / C:
 *   loss of a row = - sum of q[i] log p[i] = logsumexp(x) - (1 - e) t x - e / C sum of x
 *   dx[i] = p[i] - q[i]
 * then the mean or the sum over rows. */
#include <math.h>

#include "common.h"
#include "softmax.h"

typedef struct saved {
    const int32_t *labels;    /* (N) */
    const int32_t *mixed;     /* (N) or NULL */
    const float *shares;      /* (N) or NULL */
    double smoothing, factor; /* factor: 1 / N for the mean, 1 for the sum */
} saved;

/* What of a row's target falls to its label, and to another one. */
typedef struct target {
    int32_t label, mixed;
    double own, share;
} target;

static target target_of(const saved *s, int64_t row) {
    int32_t label = s->labels[row];
    if (!s->mixed) return (target){label, label, 1.0, 0.0};
    double share = s->shares[row];
    return (target){label, s->mixed[row], 1.0 - share, share};
}

static double row_loss(const saved *s, const float *x, int64_t c, int64_t row) {
    target t = target_of(s, row);
    double total = 0.0, chosen = 0.0;
    if (s->smoothing > 0.0) {
        for (int64_t i = 0; i < c; i++) total += (double)x[i];
    }
    /* A class without a share may have an infinite logit. */
    if (t.own > 0.0) chosen = t.own * (double)x[t.label];
    if (t.share > 0.0) chosen += t.share * (double)x[t.mixed];
    return tci_log_sum_exp(x, c) - (1.0 - s->smoothing) * chosen - s->smoothing / (double)c * total;
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
        target t = target_of(s, r);
        for (int64_t i = 0; i < c; i++) {
            double chosen = (i == t.label ? t.own : 0.0) + (i == t.mixed ? t.share : 0.0);
            double q = (1.0 - s->smoothing) * chosen + s->smoothing / (double)c;
            float value = (float)(scale * (exp((double)logits[i] - norm) - q));
            float *dx = g.data + r * c + i;
            *dx = g.accumulate ? *dx + value : value;
        }
    }
}

static const tci_op cross_entropy_op = {"cross_entropy", cross_entropy_backward};

static bool labels_fit(tc_tape *tape, const char *which, const int32_t *labels, int64_t n, int64_t c) {
    for (int64_t r = 0; r < n; r++) {
        if (labels[r] < 0 || labels[r] >= c)
            return tci_tape_fail(tape, TC_ERR_ARGUMENT,
                                 "cross_entropy: %slabel %d of row %lld is not within 0 .. %lld", which,
                                 labels[r], (long long)r, (long long)(c - 1));
    }
    return true;
}

static bool mixture_fits(tc_tape *tape, const tc_cross_entropy_options *o, int64_t n, int64_t c) {
    if (!o->mixed_labels != !o->mixed_shares)
        return tci_tape_fail(tape, TC_ERR_ARGUMENT,
                             "cross_entropy: mixed labels and mixed shares go together");
    if (!o->mixed_labels) return true;
    for (int64_t r = 0; r < n; r++) {
        if (!(o->mixed_shares[r] >= 0.0f && o->mixed_shares[r] <= 1.0f)) /* NaN neither */
            return tci_tape_fail(tape, TC_ERR_ARGUMENT,
                                 "cross_entropy: mixed share %g of row %lld is not within 0 .. 1",
                                 (double)o->mixed_shares[r], (long long)r);
    }
    return labels_fit(tape, "mixed ", o->mixed_labels, n, c);
}

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
    if (!labels_fit(tape, "", labels, n, c) || !mixture_fits(tape, &o, n, c)) return NULL;
    tc_tensor *loss = tci_result(tape, 0, NULL);
    saved *s = loss ? tci_save(tape, sizeof *s) : NULL;
    if (!s) return NULL;
    *s = (saved){.labels = labels,
                 .mixed = o.mixed_labels,
                 .shares = o.mixed_shares,
                 .smoothing = (double)o.label_smoothing,
                 .factor = o.reduction == TC_REDUCTION_SUM ? 1.0 : 1.0 / (double)n};
    double sum = 0.0;
    for (int64_t r = 0; r < n; r++) sum += row_loss(s, logits->data + r * c, c, r);
    loss->data[0] = (float)(sum * s->factor);
    return tci_record(tape, &cross_entropy_op, loss, s, logits);
}
