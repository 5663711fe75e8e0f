/* depthwise.h - the inner loops of a convolution whose channels do not mix. */
#ifndef TCI_DEPTHWISE_H
#define TCI_DEPTHWISE_H

#include <stdbool.h>
#include <stdint.h>

#include "dispatch.h"

/* The most taps whose gradients are computed together. */
enum { TCI_DEPTHWISE_TAPS = 9 };

/* Neighbouring output pixels that all see the same taps. */
typedef struct tci_depthwise_row {
    int64_t pixels, channels, rows, columns; /* of y; of the kernel */
    const float *x;
    int64_t x_row, x_column, x_pixel; /* to the next tap's row and column, to the next output pixel's */
    const float *taps;
    int64_t taps_row, taps_column;
    float *y;
    int64_t y_pixel;
    const float *bias; /* (channels) or NULL */
    bool relu, accumulate;
} tci_depthwise_row;

/* A rectangle of output pixels that all see the same taps. */
typedef struct tci_depthwise_taps {
    int64_t rows, pixels, channels; /* of dy */
    const float *x, *dy;
    int64_t x_row, x_pixel, dy_row; /* dy's pixels lie side by side */
    float *dtaps;
    int64_t taps; /* tap t looks at x + x_tap[t], and its gradient lies at dtaps + dtaps_tap[t] */
    int64_t x_tap[TCI_DEPTHWISE_TAPS], dtaps_tap[TCI_DEPTHWISE_TAPS];
} tci_depthwise_taps;

typedef struct tci_depthwise {
    /* y[p, c] = sum over the taps (a, b) of x[p, a, b, c] taps[a, b, c], or += it, then bias and relu. */
    void (*row)(const tci_depthwise_row *row);
    /* dtaps[t, c] += sum over the pixels (i, j) of x[t, i, j, c] dy[i, j, c]. */
    void (*taps)(const tci_depthwise_taps *taps);
} tci_depthwise;

TCI_FAMILY(tci_depthwise)

#endif
