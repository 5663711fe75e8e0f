/* normalization.h - matrices (rows, C) seen by their columns: what batch norm and bias gradients are made of.
 */
#ifndef TCI_NORMALIZATION_H
#define TCI_NORMALIZATION_H

#include <stdbool.h>
#include <stdint.h>

#include "dispatch.h"

typedef struct tci_normalization {
    /* sum[c] = sum of x[., c] */
    void (*column_sums)(const float *x, int64_t rows, int64_t c, float *sum);
    /* With mean the column's mean rounded to float: rest[c] = sum of x - mean, m2[c] = sum of (x - mean)^2 */
    void (*moments)(const float *x, int64_t rows, int64_t c, float *mean, float *rest, float *m2);
    /* y = (x - mean[c]) scale[c] + shift[c], then relu if asked for */
    void (*affine)(const float *x, int64_t rows, int64_t c, const float *mean, const float *scale,
                   const float *shift, bool relu, float *y);
    /* With g = dy, or dy where y > 0 if y is not NULL: sum_g[c] = sum of g, sum_gx[c] = sum of g (x -
     * mean[c]) */
    void (*gradient_sums)(const float *x, const float *y, const float *dy, int64_t rows, int64_t c,
                          const float *mean, float *sum_g, float *sum_gx);
    /* dx = g a[c] + (x - mean[c]) b[c] + d[c], or += it */
    void (*gradient)(const float *x, const float *y, const float *dy, int64_t rows, int64_t c,
                     const float *mean, const float *a, const float *b, const float *d, float *dx,
                     bool accumulate);
} tci_normalization;

TCI_FAMILY(tci_normalization)

#endif
