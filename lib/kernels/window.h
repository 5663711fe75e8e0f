/* window.h - what is done to the results of products: bias, relu, sums of parts. */
#ifndef TCI_WINDOW_H
#define TCI_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "dispatch.h"

typedef struct tci_window {
    /* y (rows, O) += bias, then relu if asked for; bias may be NULL. */
    void (*epilogue)(float *y, int64_t rows, int64_t o, const float *bias, bool relu);
    /* total[i] = part 0 [i] + part 1 [i] + ..., in this order, or += it; parts are `stride` floats apart. */
    void (*sum_parts)(const float *parts, int64_t count, int64_t stride, int64_t n, float *total,
                      bool accumulate);
} tci_window;

TCI_FAMILY(tci_window)

#endif
