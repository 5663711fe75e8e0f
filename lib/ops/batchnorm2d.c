/* batchnorm2d.c - y = (x - mean) / sqrt(var + eps) * weight + bias a channel, then an activation if asked for.
 *
 * With r = 1 / sqrt(var + eps) and M elements a channel, training:
 *   dweight = r sum dy (x - mean),  dbias = sum dy,
 *   dx = weight r (dy - dbias / M - (x - mean) r dweight / M)
 * which is dx = dy a + (x - mean) b + d with a, b, d a channel. With fixed statistics dx = weight r dy.
 * The mean is kept as a float and the small rest that rounding took from it, so that channels far from zero
 * lose nothing. Sums run over parts whose number depends on the shape alone and meet in double.
 *
 * y = activation((x - mean) scale + shift) is a map (map.h): within a model it is left to the next operation,
 * and backward works it out from x again, so that of x and y only x is kept.
 */
#include <math.h>

#include "arith.h"
#include "common.h"
#include "moments.h"
#include "normalization.h"
#include "parts.h"
#include "tinycnn/parallel.h"

/* Short parts: what a float sum loses in a part grows with its rows, and the gradient of the weights before
 * this layer multiplies the loss in sum dy by the root of all rows. */
enum { PART_ROWS = 64, MOST_PARTS = 4096, MOMENT_ROWS = 256 };

typedef struct saved {
    int64_t rows, c, parts;
    bool fixed; /* statistics do not depend on x */
    tci_map map;
    float *rest, *rstd; /* (C); the mean is map.mean + rest */
} saved;

typedef struct work {
    const saved *s;
    const float *x, *dy;
    const tci_moments *moments;
    const float *a, *b, *d;    /* (C) */
    float *g, *first, *second; /* g like dy; (parts, C) */
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
    const tci_moments *m = w->moments;
    int64_t begin = tci_part_begin(w->s->rows, m->parts, part);
    (void)worker;
    m->count[part] = tci_part_begin(w->s->rows, m->parts, part + 1) - begin;
    tci_normalization_get()->moments(w->x + begin * m->c, m->count[part], m->c, m->shift + part * m->c,
                                     m->sum + part * m->c, m->squares + part * m->c);
}

typedef struct statistics {
    tc_tensor *running_mean, *running_var;
    float momentum, eps;
    bool update;
} statistics;

static bool batch_statistics(tc_tape *tape, const tc_tensor *x, saved *s, float *mean_of,
                             const statistics *st) {
    const tci_moments *moments = x->moments;
    if (!moments) {
        tci_moments *own = tci_moments_create(tape, tci_ceil_div(s->rows, MOMENT_ROWS), s->c);
        if (!own) return false;
        tc_parallel_for(tc_tape_threads(tape), own->parts, moments_part,
                        &(work){.s = s, .x = x->data, .moments = own});
        moments = own;
    }
    for (int64_t k = 0; k < s->c; k++) {
        double mean, variance, m = st->momentum;
        tci_moments_of(moments, k, &mean, &variance);
        mean_of[k] = (float)mean;
        s->rest[k] = (float)(mean - (double)mean_of[k]);
        s->rstd[k] = (float)(1.0 / sqrt(variance + (double)st->eps));
        if (!st->update) continue;
        double unbiased = variance * (double)s->rows / (double)tci_max(1, s->rows - 1);
        float *running_mean = st->running_mean->data + k, *running_var = st->running_var->data + k;
        *running_mean = (float)((1.0 - m) * (double)*running_mean + m * mean);
        *running_var = (float)((1.0 - m) * (double)*running_var + m * unbiased);
    }
    return true;
}

static void fixed_statistics(saved *s, float *mean_of, const statistics *st) {
    for (int64_t k = 0; k < s->c; k++) {
        mean_of[k] = st->running_mean->data[k];
        s->rest[k] = 0.0f;
        s->rstd[k] = (float)(1.0 / sqrt((double)st->running_var->data[k] + (double)st->eps));
    }
}

/* ---- Backward ----------------------------------------------------------------------------------------- */

static void sums_part(void *context, int64_t part, int worker) {
    const work *w = context;
    int64_t begin, rows, c = w->s->c;
    (void)worker;
    part_range(w->s, part, &begin, &rows);
    tci_normalization_get()->gradient_sums(&w->s->map, w->x + begin * c, w->dy + begin * c, rows, c,
                                           w->g + begin * c, w->first + part * c, w->second + part * c);
}

static void gradient_part(void *context, int64_t part, int worker) {
    const work *w = context;
    int64_t begin, rows, c = w->s->c;
    (void)worker;
    part_range(w->s, part, &begin, &rows);
    tci_normalization_get()->gradient(w->x + begin * c, w->g + begin * c, rows, c, w->s->map.mean, w->a, w->b,
                                      w->d, w->out + begin * c, w->accumulate);
}

static void put(tci_gradient g, int64_t k, double value) {
    if (g.data) g.data[k] = g.accumulate ? g.data[k] + (float)value : (float)value;
}

/* totals (2, C): the sums of g and of g (x - mean) over all parts. */
static void add_parts(const work *w, double *totals) {
    int64_t c = w->s->c;
    for (int64_t k = 0; k < 2 * c; k++) totals[k] = 0.0;
    for (int64_t p = 0; p < w->s->parts; p++) {
        for (int64_t k = 0; k < c; k++) totals[k] += (double)w->first[p * c + k];
        for (int64_t k = 0; k < c; k++) totals[c + k] += (double)w->second[p * c + k];
    }
}

/* Gradients of weight and bias, and the a, b, d of dx. */
static void channel_gradients(const work *w, const double *totals, const tc_tensor *weight,
                              tci_gradient dweight, tci_gradient dbias, float *a, float *b, float *d) {
    const saved *s = w->s;
    for (int64_t k = 0; k < s->c; k++) {
        double r = s->rstd[k], rest = s->rest[k], m = (double)s->rows;
        double sum_g = totals[k], sum_gx = totals[s->c + k] - rest * sum_g;
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
    tc_tensor *x = node->inputs[0], *weight = node->inputs[1], *bias = node->inputs[2], *y = node->output;
    int64_t c = s->c, sums = s->parts * c;
    tci_output_done(tape, node);
    float *scratch = tci_scratch(tape, (size_t)(2 * sums + 7 * c));
    if (!scratch) return;
    double *totals = (double *)scratch;
    float *a = scratch + 4 * c, *b = a + c, *d = b + c;
    work w = {.s = s, .x = x->data, .dy = y->grad, .g = y->grad, .first = d + c, .second = d + c + sums};
    bool keeps = y->retain_grad && s->map.activation != TCI_MAP_NONE;
    if (keeps) w.g = tci_save(tape, sizeof(float) * (size_t)tc_numel(y));
    if (!w.g) return;
    tc_parallel_for(tc_tape_threads(tape), s->parts, sums_part, &w);
    add_parts(&w, totals);
    channel_gradients(&w, totals, weight, tci_gradient_of(tape, weight), tci_gradient_of(tape, bias), a, b,
                      d);
    tci_gradient dx = tci_gradient_in_place(tape, node, x);
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
    saved *s = tci_save(tape, sizeof *s);
    float *channels = s ? tci_save(tape, sizeof(float) * 5 * (size_t)c) : NULL;
    if (!channels) return NULL;
    float *mean = channels, *scale = channels + c, *shift = channels + 2 * c;
    *s = (saved){.rows = rows,
                 .c = c,
                 .parts = tci_max(1, tci_min(MOST_PARTS, rows / PART_ROWS)),
                 .fixed = !training && running_mean,
                 .map = {mean, scale, shift, tci_map_activation_of(o.activation)},
                 .rest = channels + 3 * c,
                 .rstd = channels + 4 * c};
    statistics st = {running_mean, running_var, o.momentum ? o.momentum : 0.1f, o.eps ? o.eps : 1e-5f,
                     training && running_mean};
    if (s->fixed)
        fixed_statistics(s, mean, &st);
    else if (!batch_statistics(tape, x, s, mean, &st))
        return NULL;
    for (int64_t k = 0; k < c; k++) {
        scale[k] = s->rstd[k] * (weight ? weight->data[k] : 1.0f);
        shift[k] = (bias ? bias->data[k] : 0.0f) - s->rest[k] * scale[k];
    }
    tc_tensor *y = tci_mapped(tape, x, &s->map);
    return y ? tci_record(tape, &batchnorm2d_op, y, s, x, weight, bias) : NULL;
}
