/* parts.c - see parts.h. */
#include "parts.h"

#include "arith.h"
#include "normalization.h"
#include "tinycnn/parallel.h"

enum { MOST_PARTS = 16, FLOATS_IN_ALL = 4 << 20, SLICE = 16384 };

int64_t tci_parts(int64_t items, int64_t floats) {
    int64_t affordable = tci_max(4, FLOATS_IN_ALL / tci_max(1, floats));
    return tci_max(1, tci_min(items, tci_min(MOST_PARTS, affordable)));
}

typedef struct sum {
    const float *parts;
    int64_t count, n;
    float *total;
    bool accumulate;
} sum;

static void sum_slice(void *context, int64_t slice, int worker) {
    const sum *s = context;
    (void)worker;
    int64_t first = slice * SLICE;
    tci_normalization_get()->sum_parts(s->parts + first, s->count, s->n, tci_min(SLICE, s->n - first),
                                       s->total + first, s->accumulate);
}

void tci_parts_sum(const float *parts, int64_t count, int64_t n, float *total, bool accumulate, int threads) {
    sum s = {parts, count, n, total, accumulate};
    tc_parallel_for(threads, tci_ceil_div(n, SLICE), sum_slice, &s);
}

typedef struct columns {
    const float *x;
    int64_t rows, c, parts;
    float *sums;
} columns;

static void sum_columns(void *context, int64_t part, int worker) {
    const columns *s = context;
    (void)worker;
    int64_t begin = tci_part_begin(s->rows, s->parts, part),
            end = tci_part_begin(s->rows, s->parts, part + 1);
    tci_normalization_get()->column_sums(s->x + begin * s->c, end - begin, s->c, s->sums + part * s->c);
}

int64_t tci_column_sums_scratch(int64_t rows, int64_t c) {
    return tci_parts(rows, c) * c;
}

void tci_column_sums(const float *x, int64_t rows, int64_t c, float *sums, bool accumulate, float *scratch,
                     int threads) {
    columns s = {x, rows, c, tci_parts(rows, c), scratch};
    tc_parallel_for(threads, s.parts, sum_columns, &s);
    tci_parts_sum(scratch, s.parts, c, sums, accumulate, threads);
}
