/* window.h - moving the windows of a convolution in and out of matrices. */
#ifndef TCI_WINDOW_H
#define TCI_WINDOW_H

#include "conv.h"
#include "dispatch.h"

typedef struct tci_window {
    /* Output rows [first, first + rows) of all N OH: for each of their rows * OW pixels, the KH * KW * (C /
     * groups) inputs of its window in `group`, zeros outside the picture. x (N, H, W, C), columns (rows OW,
     * KH, KW, C / groups). */
    void (*im2col)(const tci_conv *conv, const float *x, int64_t group, int64_t first, int64_t rows,
                   float *columns);
    /* The reverse: adds each entry to the input it came from. */
    void (*col2im)(const tci_conv *conv, const float *columns, int64_t group, int64_t first, int64_t rows,
                   float *dx);
    /* y (rows, O) += bias, then relu if asked for; bias may be NULL. */
    void (*epilogue)(float *y, int64_t rows, int64_t o, const float *bias, bool relu);
    /* total[i] = part 0 [i] + part 1 [i] + ..., in this order, or += it; parts are `stride` floats apart. */
    void (*sum_parts)(const float *parts, int64_t count, int64_t stride, int64_t n, float *total,
                      bool accumulate);
} tci_window;

TCI_FAMILY(tci_window)

#endif
