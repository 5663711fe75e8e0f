/* batchnorm2d.c - y = (x - mean) / sqrt(var + eps) * weight + bias a channel, then relu if asked for.
 *
 * With r = 1 / sqrt(var + eps) and M elements a channel, training:
 *   dweight = r sum dy (x - mean),  dbias = sum dy,
 *   dx = weight r (dy - dbias / M - (x - mean) r dweight / M)
 * which is dx = dy a + (x - mean) b + d with a, b, d a channel. With fixed statistics dx = weight r dy.
 * The mean is kept as a float and the small rest that rounding took from it, so that channels far from zero
 * lose nothing. Sums run over parts whose number depends on the shape alone and meet in double (Chan, Golub,
 * LeVeque 1979).
 */
#include <math.h>

#include "arith.h"
#include "common.h"
#include "normalization.h"
#include "parts.h"
#include "tinycnn/parallel.h"

/* Short parts: what a float sum loses in a part grows with its rows, and the gradient of the weights before
 * this layer multiplies the loss in sum dy by the root of all rows. */
enum { PART_ROWS = 64, MOST_PARTS = 4096 };

typedef struct saved {
    int64_t rows, c, parts;
    bool fixed; /* statistics do not depend on x */
    tc_activation activation;
    float *mean, *rest, *rstd; /* (C); the mean is mean + rest */
} saved;

typedef struct work {
    const saved *s;
    const float *x, *y, *dy;
    const float *scale, *shift;    /* (C) */
    const float *a, *b, *d;        /* (C) */
    float *first, *second, *third; /* (parts, C) */
    float *out;
    bool accumulate;
} work;

static void part_range(const saved *s, int64_t part, int64_t *begin, int64_t *rows) {
    *begin = tci_part_begin(s->rows, s->parts, part);
    *rows = tci_part_begin(s->rows, s->parts, part + 1) - *begin;
}

/* ---- Forward ------------------------------------------------------------------------------------------ */

static void moments_part(void *context, int64_t part, int worker) {
    const work *w = context;
    int64_t begin, rows, c = w->s->c;
    (void)worker;
    part_range(w->s, part, &begin, &rows);
    tci_normalization_get()->moments(w->x + begin * c, rows, c, w->first + part * c, w->second + part * c,
                                     w->third + part * c);
}

static void affine_part(void *context, int64_t part, int worker) {
    const work *w = context;
    int64_t begin, rows, c = w->s->c;
    (void)worker;
    part_range(w->s, part, &begin, &rows);
    tci_normalization_get()->affine(w->x + begin * c, rows, c, w->s->mean, w->scale, w->shift,
                                    w->s->activation == TC_ACTIVATION_RELU, w->out + begin * c);
}

/* Mean and variance (of the population) of channel k from those of the parts. */
static void combine(const work *w, int64_t k, double *mean, double *variance) {
    double count = 0.0, m2 = 0.0;
    *mean = 0.0;
    for (int64_t p = 0; p < w->s->parts; p++) {
        int64_t begin, rows;
        part_range(w->s, p, &begin, &rows);
        int64_t at = p * w->s->c + k;
        double n = (double)rows, rest = (double)w->second[at];
        double delta = (double)w->first[at] + rest / n - *mean;
        *mean += delta * n / (count + n);
        m2 += (double)w->third[at] - rest * rest / n + delta * delta * count * n / (count + n);
        count += n;
    }
    *variance = m2 / count;
}

typedef struct statistics {
    tc_tensor *running_mean, *running_var;
    float momentum, eps;
    bool update;
} statistics;

static bool batch_statistics(tc_tape *tape, const tc_tensor *x, saved *s, const statistics *st) {
    float *scratch = tci_scratch(tape, (size_t)(3 * s->parts * s->c));
    if (!scratch) return false;
    int64_t sums = s->parts * s->c;
    work w = {.s = s, .x = x->data, .first = scratch, .second = scratch + sums, .third = scratch + 2 * sums};
    tc_parallel_for(tc_tape_threads(tape), s->parts, moments_part, &w);
    for (int64_t k = 0; k < s->c; k++) {
        double mean, variance, m = st->momentum;
        combine(&w, k, &mean, &variance);
        s->mean[k] = (float)mean;
        s->rest[k] = (float)(mean - (double)s->mean[k]);
        s->rstd[k] = (float)(1.0 / sqrt(variance + (double)st->eps));
        if (!st->update) continue;
        double unbiased = variance * (double)s->rows / (double)tci_max(1, s->rows - 1);
        float *running_mean = st->running_mean->data + k, *running_var = st->running_var->data + k;
        *running_mean = (float)((1.0 - m) * (double)*running_mean + m * mean);
        *running_var = (float)((1.0 - m) * (double)*running_var + m * unbiased);
    }
    tci_scratch_release(tape, scratch);
    return true;
}

static void fixed_statistics(saved *s, const statistics *st) {
    for (int64_t k = 0; k < s->c; k++) {
        s->mean[k] = st->running_mean->data[k];
        s->rest[k] = 0.0f;
        s->rstd[k] = (float)(1.0 / sqrt((double)st->running_var->data[k] + (double)st->eps));
    }
}

/* y = (x - mean) scale + shift */
static bool normalise(tc_tape *tape, const saved *s, const tc_tensor *x, const tc_tensor *weight,
                      const tc_tensor *bias, tc_tensor *y) {
    float *scale = tci_scratch(tape, (size_t)(2 * s->c)), *shift = scale + s->c;
    if (!scale) return false;
    for (int64_t k = 0; k < s->c; k++) {
        scale[k] = s->rstd[k] * (weight ? weight->data[k] : 1.0f);
        shift[k] = (bias ? bias->data[k] : 0.0f) - s->rest[k] * scale[k];
    }
    tc_parallel_for(tc_tape_threads(tape), s->parts, affine_part,
                    &(work){.s = s, .x = x->data, .scale = scale, .shift = shift, .out = y->data});
    tci_scratch_release(tape, scale);
    return true;
}

/* ---- Backward ----------------------------------------------------------------------------------------- */

static void sums_part(void *context, int64_t part, int worker) {
    const work *w = context;
    int64_t begin, rows, c = w->s->c;
    (void)worker;
    part_range(w->s, part, &begin, &rows);
    tci_normalization_get()->gradient_sums(w->x + begin * c, w->y ? w->y + begin * c : NULL,
                                           w->dy + begin * c, rows, c, w->s->mean, w->first + part * c,
                                           w->second + part * c);
}

static void gradient_part(void *context, int64_t part, int worker) {
    const work *w = context;
    int64_t begin, rows, c = w->s->c;
    (void)worker;
    part_range(w->s, part, &begin, &rows);
    tci_normalization_get()->gradient(w->x + begin * c, w->y ? w->y + begin * c : NULL, w->dy + begin * c,
                                      rows, c, w->s->mean, w->a, w->b, w->d, w->out + begin * c,
                                      w->accumulate);
}

static void put(tci_gradient g, int64_t k, double value) {
    if (g.data) g.data[k] = g.accumulate ? g.data[k] + (float)value : (float)value;
}

/* Gradients of weight and bias, and the a, b, d of dx. */
static void channel_gradients(const work *w, const tc_tensor *weight, tci_gradient dweight,
                              tci_gradient dbias, float *a, float *b, float *d) {
    const saved *s = w->s;
    for (int64_t k = 0; k < s->c; k++) {
        double sum_g = 0.0, sum_gx = 0.0, r = s->rstd[k], rest = s->rest[k], m = (double)s->rows;
        for (int64_t p = 0; p < s->parts; p++) {
            sum_g += (double)w->first[p * s->c + k];
            sum_gx += (double)w->second[p * s->c + k];
        }
        sum_gx -= rest * sum_g;
        put(dweight, k, r * sum_gx);
        put(dbias, k, sum_g);
        double gain = r * (weight ? (double)weight->data[k] : 1.0);
        double slope = s->fixed ? 0.0 : -gain * r * r * sum_gx / m;
        a[k] = (float)gain;
        b[k] = (float)slope;
        d[k] = (float)(s->fixed ? 0.0 : -gain * sum_g / m - slope * rest);
    }
}

static void batchnorm2d_backward(tc_tape *tape, const tci_node *node) {
    const saved *s = node->saved;
    tc_tensor *x = node->inputs[0], *weight = node->inputs[1], *bias = node->inputs[2];
    int64_t c = s->c, sums = s->parts * c;
    float *scratch = tci_scratch(tape, (size_t)(2 * sums + 3 * c));
    if (!scratch) return;
    float *a = scratch + 2 * sums, *b = a + c, *d = b + c;
    work w = {.s = s, .x = x->data, .dy = node->output->grad, .first = scratch, .second = scratch + sums};
    if (s->activation == TC_ACTIVATION_RELU) w.y = node->output->data;
    tc_parallel_for(tc_tape_threads(tape), s->parts, sums_part, &w);
    channel_gradients(&w, weight, tci_gradient_of(tape, weight), tci_gradient_of(tape, bias), a, b, d);
    tci_gradient dx = tci_gradient_of(tape, x);
    if (dx.data) {
        w.a = a, w.b = b, w.d = d;
        w.out = dx.data;
        w.accumulate = dx.accumulate;
        tc_parallel_for(tc_tape_threads(tape), s->parts, gradient_part, &w);
    }
    tci_scratch_release(tape, scratch);
}

static const tci_op batchnorm2d_op = {"batchnorm2d", batchnorm2d_backward};

/* ---- The operation ------------------------------------------------------------------------------------ */

static bool channel_fits(tc_tape *tape, const char *name, const tc_tensor *v, int64_t c) {
    char text[TC_SHAPE_TEXT];
    if (!v || (v->ndim == 1 && v->shape[0] == c)) return true;
    return tci_tape_fail(tape, TC_ERR_SHAPE,
                         "batchnorm2d: %s has shape %s, the input's %lld channels expect (%lld)", name,
                         TCI_SHAPE(v, text), (long long)c, (long long)c);
}

tc_tensor *tc_batchnorm2d(tc_tape *tape, tc_tensor *x, tc_tensor *weight, tc_tensor *bias,
                          tc_tensor *running_mean, tc_tensor *running_var,
                          const tc_batchnorm2d_options *options) {
    if (!tci_begin(tape, "batchnorm2d", x) || !tci_is_4d(tape, "batchnorm2d", x)) return NULL;
    tc_batchnorm2d_options o = options ? *options : (tc_batchnorm2d_options){0};
    int64_t c = x->shape[1], rows = x->shape[0] * x->shape[2] * x->shape[3];
    if (!channel_fits(tape, "weight", weight, c) || !channel_fits(tape, "bias", bias, c) ||
        !channel_fits(tape, "running_mean", running_mean, c) ||
        !channel_fits(tape, "running_var", running_var, c))
        return NULL;
    if (!weight != !bias)
        return tci_tape_fail(tape, TC_ERR_ARGUMENT, "batchnorm2d: weight and bias go together");
    if (!running_mean != !running_var)
        return tci_tape_fail(tape, TC_ERR_ARGUMENT, "batchnorm2d: running_mean and running_var go together");
    bool training = tc_tape_is_training(tape);
    if (training && rows == 1)
        return tci_tape_fail(tape, TC_ERR_SHAPE,
                             "batchnorm2d: one value a channel has no variance; training expects more");
    tc_tensor *y = tci_result(tape, 4, x->shape);
    saved *s = y ? tci_save(tape, sizeof *s) : NULL;
    float *channels = s ? tci_save(tape, sizeof(float) * 3 * (size_t)c) : NULL;
    if (!channels) return NULL;
    *s = (saved){.rows = rows,
                 .c = c,
                 .parts = tci_max(1, tci_min(MOST_PARTS, rows / PART_ROWS)),
                 .fixed = !training && running_mean,
                 .activation = o.activation,
                 .mean = channels,
                 .rest = channels + c,
                 .rstd = channels + 2 * c};
    statistics st = {running_mean, running_var, o.momentum ? o.momentum : 0.1f, o.eps ? o.eps : 1e-5f,
                     training && running_mean};
    if (s->fixed)
        fixed_statistics(s, &st);
    else if (!batch_statistics(tape, x, s, &st))
        return NULL;
    if (!normalise(tape, s, x, weight, bias, y)) return NULL;
    return tci_record(tape, &batchnorm2d_op, y, s, x, weight, bias);
}
