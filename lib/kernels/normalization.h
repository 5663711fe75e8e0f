/* normalization.h - matrices (rows, C) seen by their columns: what batch norm, biases and their gradients are made
 * of. */
#ifndef TCI_NORMALIZATION_H
#define TCI_NORMALIZATION_H

#include <stdbool.h>
#include <stdint.h>

#include "dispatch.h"
#include "map.h"

typedef struct tci_normalization {
    /* sum[c] = sum of x[., c] */
    void (*column_sums)(const float *x, int64_t rows, int64_t c, float *sum);
    /* total[i] = part 0 [i] + part 1 [i] + ..., in this order, or += it; parts are `stride` floats apart. */
    void (*sum_parts)(const float *parts, int64_t count, int64_t stride, int64_t n, float *total,
                      bool accumulate);
    /* y += bias, then relu if asked for; bias may be NULL */
    void (*add_bias)(float *y, int64_t rows, int64_t c, const float *bias, bool relu);
    /* One part of the moments (moments.h); the shift is the mean rounded to float. */
    void (*moments)(const float *x, int64_t rows, int64_t c, float *shift, float *sum, float *squares);
    /* y = map(x) */
    void (*apply)(const tci_map *map, const float *x, int64_t rows, int64_t c, float *y);
    /* g = dy times the slope of the map's activation at x, which may lie where dy lies; sum_g[c] = sum of g,
     * sum_gx[c] = sum of g (x - mean[c]) */
    void (*gradient_sums)(const tci_map *map, const float *x, const float *dy, int64_t rows, int64_t c,
                          float *g, float *sum_g, float *sum_gx);
    /* dx = g a[c] + (x - mean[c]) b[c] + d[c], or += it; dx may lie where g lies */
    void (*gradient)(const float *x, const float *g, int64_t rows, int64_t c, const float *mean,
                     const float *a, const float *b, const float *d, float *dx, bool accumulate);
} tci_normalization;

TCI_FAMILY(tci_normalization)

#endif
