/* winograd.h - the transforms of Winograd's convolution, vectorised over channels.
 *
 * F(4x4, 3x3) (Lavin and Gray 2015): a tile of 4 x 4 outputs needs 6 x 6 inputs; both are taken to 36 numbers
 * a channel, where the convolution is 36 products without neighbours, a quarter of the multiplications. Tiles
 * are counted through all pictures: tile t is number t % (rows * columns) of picture t / (rows * columns). */
#ifndef TCI_WINOGRAD_H
#define TCI_WINOGRAD_H

#include "conv.h"
#include "dispatch.h"

enum { TCI_WINOGRAD_POINTS = 36, TCI_WINOGRAD_TILE = 4 };

/* Where a picture's tiles lie: tile row i begins at input row 4 i - pad_h and output row 4 i. */
typedef struct tci_tiling {
    int64_t rows, columns; /* tiles of a picture */
} tci_tiling;

typedef struct tci_winograd {
    /* Tiles [first, first + count) of x (N, H, W, C): out[p][t][c], p < 36, t < stride; zeros outside the
     * picture. */
    void (*input)(const tci_conv *conv, tci_tiling tiling, const float *x, int64_t first, int64_t count,
                  int64_t stride, float *out);
    /* in[p][t][o] to the 4 x 4 outputs of each tile, those inside y (N, OH, OW, O); adds to y, adds bias,
     * applies relu. */
    void (*output)(const tci_conv *conv, tci_tiling tiling, const float *in, int64_t first, int64_t count,
                   int64_t stride, const float *bias, bool relu, bool accumulate, float *y);
    /* 3 x 3 weights of one row of U, w[tap * tap_stride + column], to out[p * point_stride + column]. */
    void (*weight)(const float *w, int64_t tap_stride, int64_t columns, float *out, int64_t point_stride);
    /* Tiles of dy (N, OH, OW, O), 4 x 4 each, for the weight gradient: out[p][t][o], o < o_stride (zeros
     * after O). */
    void (*gradient)(const tci_conv *conv, tci_tiling tiling, const float *dy, int64_t first, int64_t count,
                     int64_t stride, int64_t o_stride, float *out);
    /* One row of the weight gradient, in[p * point_stride + column], to 3 x 3: dw[tap * tap_stride + column].
     */
    void (*weight_gradient)(const float *in, int64_t point_stride, int64_t columns, float *dw,
                            int64_t tap_stride);
} tci_winograd;

TCI_FAMILY(tci_winograd)

#endif
