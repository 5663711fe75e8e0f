/* orthogonal.c - Newton-Schulz: X = a X + (b A + c A A) X with A = X X^T, which is an odd polynomial of each singular
 * value, s = a s + b s^3 + c s^5. Its coefficients (Jordan 2024) are chosen for the slope at 0, so that small values
 * grow fast; all of them end between 0.7 and 1.2.
 *
 * A and A A are symmetric: their lower triangles are worked out, in blocks of rows whose sizes depend on the shape
 * alone. With B = a I + b A + c A A the rest of a step is one product, B X. */
#include "orthogonal.h"

#include <math.h>

#include "arith.h"
#include "gemm.h"
#include "optimizer.h"
#include "tinycnn/parallel.h"

static const float A1 = 3.4445f, A3 = -4.7750f, A5 = 2.0315f; /* a, b, c */

enum { LEAST_BLOCK = 16, LARGEST_BLOCK = 64, ELEMENTS = 16384 };

typedef struct matrices {
    const float *x;     /* (rows, columns) */
    float *a, *squared; /* (rows, rows) */
    int64_t rows, columns;
    int64_t block; /* rows that one thread works on */
} matrices;

/* At least four blocks, where that leaves them large enough. */
static int64_t block_of(int64_t rows) {
    return tci_max(LEAST_BLOCK, tci_min(LARGEST_BLOCK, tci_ceil_div(rows, 4 * 16) * 16));
}

/* ---- The symmetric products --------------------------------------------------------------------------- */

/* Rows of the lower triangle of x x^T; the longest first, so that no thread ends up with one alone. */
static void lower_rows(void *context, int64_t chunk, int worker) {
    const matrices *m = context;
    (void)worker;
    int64_t block = tci_ceil_div(m->rows, m->block) - 1 - chunk, first = block * m->block;
    int64_t end = tci_min(first + m->block, m->rows);
    tci_gemm(false, true, end - first, end, m->columns, m->x + first * m->columns, m->columns, m->x,
             m->columns, 0.0f, m->a + first * m->rows, m->rows);
}

static void upper_rows(void *context, int64_t chunk, int worker) {
    const matrices *m = context;
    (void)worker;
    for (int64_t i = chunk * m->block; i < tci_min((chunk + 1) * m->block, m->rows); i++)
        for (int64_t j = i + 1; j < m->rows; j++) m->a[i * m->rows + j] = m->a[j * m->rows + i];
}

/* a = A1 I + A3 a + A5 squared, of which the lower triangle is there. */
static void polynomial_rows(void *context, int64_t chunk, int worker) {
    const matrices *m = context;
    (void)worker;
    for (int64_t i = chunk * m->block; i < tci_min((chunk + 1) * m->block, m->rows); i++) {
        float *a = m->a + i * m->rows;
        for (int64_t j = 0; j <= i; j++) a[j] = A3 * a[j] + A5 * m->squared[i * m->rows + j];
        a[i] += A1;
        for (int64_t j = i + 1; j < m->rows; j++) a[j] = A3 * a[j] + A5 * m->squared[j * m->rows + i];
    }
}

/* ---- All of it ---------------------------------------------------------------------------------------- */

typedef struct scaling {
    float *x;
    int64_t count;
    float factor;
} scaling;

static void scale_some(void *context, int64_t chunk, int worker) {
    const scaling *s = context;
    (void)worker;
    int64_t first = chunk * ELEMENTS;
    tci_optimizer_get()->shrink(s->x + first, tci_min(ELEMENTS, s->count - first), s->factor);
}

int64_t tci_orthogonal_scratch(int64_t rows, int64_t columns) {
    return rows * columns + 2 * rows * rows;
}

float *tci_orthogonal(float *x, int64_t rows, int64_t columns, int steps, float *scratch, int threads) {
    int64_t count = rows * columns, block = block_of(rows), blocks = tci_ceil_div(rows, block);
    float *y = scratch, *a = scratch + count, *squared = a + rows * rows;
    double norm = sqrt(tci_optimizer_get()->sum_of_squares(x, count));
    scaling scale = {x, count, (float)(1.0 / (norm + 1e-7))};
    tc_parallel_for(threads, tci_ceil_div(count, ELEMENTS), scale_some, &scale);
    for (int step = 0; step < steps; step++) {
        matrices first = {x, a, NULL, rows, columns, block}, second = {a, squared, NULL, rows, rows, block};
        tc_parallel_for(threads, blocks, lower_rows, &first);
        tc_parallel_for(threads, blocks, upper_rows, &first);
        tc_parallel_for(threads, blocks, lower_rows, &second);
        first.squared = squared;
        tc_parallel_for(threads, blocks, polynomial_rows, &first);
        tci_gemm_parallel(false, false, rows, columns, rows, a, x, 0.0f, y, threads);
        float *next = y;
        y = x, x = next;
    }
    return x;
}
