/* whitening.c - a first convolution that decorrelates the patches p of pictures: with S = E[p p^T] = V diag(e) V^T
 * the products v . p / sqrt(e + eps) have the second moments e / (e + eps) and none between two different v.
 *
 * S is summed in double over parts of the pictures whose number depends on the shape alone, and the parts are added
 * in order. A patch is taken as it lies in memory, (KH, KW, C): so do the filters. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "arith.h"
#include "eigen.h"
#include "tinycnn/nn.h"
#include "tinycnn/parallel.h"

/* At most so many parts, and patches that are added in one go: what is summed up is then loaded and stored a
 * fourth as often. */
enum { MOST_PARTS = 64, TOGETHER = 4 };

typedef struct moments {
    const tc_tensor *x;
    int64_t kh, kw, k;
    int64_t parts;
    double *sums;    /* (parts, K, K), of which the columns from the row's number on are filled in */
    double *patches; /* (parts, 4, K) */
} moments;

/* ---- Second moments ----------------------------------------------------------------------------------- */

static void take_patch(const moments *m, int64_t n, int64_t row, int64_t column, double *patch) {
    int64_t run = m->kw * m->x->shape[1];
    for (int64_t i = 0; i < m->kh; i++) {
        const float *from = tc_at(m->x, n, 0, row + i, column);
        for (int64_t e = 0; e < run; e++) patch[i * run + e] = (double)from[e];
    }
}

/* sum += the products of four patches with themselves, (4, K). */
static void add_products(const double *restrict patches, int64_t k, double *restrict sum) {
    const double *p = patches, *q = p + k, *r = q + k, *s = r + k;
    for (int64_t i = 0; i < k; i++, sum += k) {
        double a = p[i], b = q[i], c = r[i], d = s[i];
        for (int64_t j = i; j < k; j++) sum[j] += (a * p[j] + b * q[j]) + (c * r[j] + d * s[j]);
    }
}

static void sum_part(void *context, int64_t part, int worker) {
    const moments *m = context;
    const int64_t *shape = m->x->shape;
    int64_t rows = shape[2] - m->kh + 1, columns = shape[3] - m->kw + 1, k = m->k, filled = 0;
    double *sum = m->sums + part * k * k, *patches = m->patches + part * TOGETHER * k;
    (void)worker;
    memset(sum, 0, sizeof(double) * (size_t)(k * k));
    for (int64_t n = part * shape[0] / m->parts; n < (part + 1) * shape[0] / m->parts; n++) {
        for (int64_t at = 0; at < rows * columns; at++) {
            take_patch(m, n, at / columns, at % columns, patches + filled * k);
            if (++filled < TOGETHER) continue;
            add_products(patches, k, sum);
            filled = 0;
        }
    }
    memset(patches + filled * k, 0, sizeof(double) * (size_t)((TOGETHER - filled) * k));
    add_products(patches, k, sum);
}

/* The mean over all patches, in the lower triangle of the first part's sums; false if a pixel is not finite, for
 * the square of each is in it. */
static bool mean_of_parts(const moments *m) {
    int64_t k = m->k;
    double patches =
        (double)m->x->shape[0] * (double)((m->x->shape[2] - m->kh + 1) * (m->x->shape[3] - m->kw + 1));
    bool finite = true;
    for (int64_t i = 0; i < k; i++) {
        for (int64_t j = i; j < k; j++) {
            double sum = 0.0;
            for (int64_t part = 0; part < m->parts; part++) sum += m->sums[(part * k + i) * k + j];
            m->sums[j * k + i] = sum / patches;
        }
        finite = finite && isfinite(m->sums[i * k + i]);
    }
    return finite;
}

/* ---- Filters ------------------------------------------------------------------------------------------ */

/* Rows of `vectors` lie by rising eigenvalue. */
static tc_status set_filters(tc_tensor *weight, const double *vectors, const double *values, double eps,
                             int64_t k) {
    int64_t filters = weight->shape[0];
    for (int64_t o = 0; o < tci_min(filters, k); o++) {
        double spread = fmax(values[k - 1 - o], 0.0) + eps; /* rounding may leave a 0 below it */
        if (!(1.0 / sqrt(spread) <= (double)FLT_MAX))
            return tc_fail(TC_ERR_NUMERIC,
                           "whitening: direction %lld of the patches has no variance; a larger eps is needed",
                           (long long)o);
    }
    for (int64_t o = 0; o < filters; o++) {
        int64_t row = k - 1 - o % k;
        const double *v = vectors + row * k;
        int64_t largest = 0;
        for (int64_t i = 1; i < k; i++) largest = fabs(v[i]) > fabs(v[largest]) ? i : largest;
        double scale = ((v[largest] < 0.0) != (o >= k) ? -1.0 : 1.0) / sqrt(fmax(values[row], 0.0) + eps);
        for (int64_t i = 0; i < k; i++) weight->data[o * k + i] = (float)(scale * v[i]);
    }
    return TC_OK;
}

/* ---- All of it ---------------------------------------------------------------------------------------- */

static tc_status check(const tc_tensor *weight, const tc_tensor *x, double eps) {
    char a[TC_SHAPE_TEXT], b[TC_SHAPE_TEXT];
    if (!weight || !x) return tc_fail(TC_ERR_ARGUMENT, "whitening: weight or pictures are NULL");
    if (!(eps >= 0.0 && isfinite(eps)))
        return tc_fail(TC_ERR_ARGUMENT, "whitening: eps is %g, expected is a number of at least 0", eps);
    tc_shape_text(weight->ndim, weight->shape, a);
    tc_shape_text(x->ndim, x->shape, b);
    if (weight->ndim != 4 || x->ndim != 4 || weight->shape[1] != x->shape[1])
        return tc_fail(
            TC_ERR_SHAPE,
            "whitening: weight %s and pictures %s do not fit; (O, C, KH, KW) and (N, C, H, W) are expected",
            a, b);
    if (weight->shape[2] > x->shape[2] || weight->shape[3] > x->shape[3])
        return tc_fail(TC_ERR_SHAPE, "whitening: weight %s is larger than the pictures %s", a, b);
    int64_t k = tc_numel(weight) / weight->shape[0];
    if (weight->shape[0] > 2 * k)
        return tc_fail(TC_ERR_SHAPE,
                       "whitening: weight %s has %lld filters; its %lld directions and their negatives make "
                       "%lld at most",
                       a, (long long)weight->shape[0], (long long)k, (long long)(2 * k));
    return TC_OK;
}

/* (parts, K, K), (parts, 4, K) and what the eigenvectors need; NULL if memory is short. */
static double *room_for(tc_arena *arena, const moments *m) {
    size_t matrix, rest, all;
    if (m->k > INT32_MAX / 64 || !tci_mul_size((size_t)m->k, (size_t)(m->k + TOGETHER), &matrix) ||
        !tci_mul_size(matrix, (size_t)m->parts, &matrix) ||
        !tci_add_size(matrix, rest = (size_t)m->k + tci_eigen_work((int)m->k), &all) ||
        !tci_mul_size(all, sizeof(double), &all))
        return NULL;
    return tc_arena_alloc(arena, all);
}

static tc_status whiten(tc_tensor *weight, moments *m, double eps, int threads, tc_arena *arena) {
    m->sums = arena ? room_for(arena, m) : NULL;
    if (!m->sums)
        return tc_fail(TC_ERR_MEMORY, "whitening: no memory for the moments of patches of %lld numbers",
                       (long long)m->k);
    m->patches = m->sums + m->parts * m->k * m->k;
    double *values = m->patches + m->parts * TOGETHER * m->k;
    tc_parallel_for(threads > 0 ? threads : tc_threads_available(), m->parts, sum_part, m);
    if (!mean_of_parts(m)) return tc_fail(TC_ERR_NUMERIC, "whitening: a pixel is not a finite number");
    if (!tci_eigen((int)m->k, m->sums, values, values + m->k))
        return tc_fail(TC_ERR_NUMERIC, "whitening: the search for eigenvectors does not converge");
    return set_filters(weight, m->sums, values, eps, m->k);
}

tc_status tc_init_whitening(tc_tensor *weight, const tc_tensor *x, double eps, int threads) {
    TC_TRY(check(weight, x, eps));
    moments m = {.x = x,
                 .kh = weight->shape[2],
                 .kw = weight->shape[3],
                 .k = tc_numel(weight) / weight->shape[0],
                 .parts = tci_min(x->shape[0], MOST_PARTS)};
    tc_arena *arena = tc_arena_create();
    tc_status status = whiten(weight, &m, eps, threads, arena);
    tc_arena_free(arena);
    return status;
}
