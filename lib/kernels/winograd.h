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

/* What is done to the outputs while they are in registers, in this order. shift, sum and squares (O) are one
 * part of the moments, or NULL. */
typedef struct tci_finish {
    const float *bias; /* (O) or NULL */
    bool relu, accumulate;
    uint8_t *winners; /* not NULL: 2 x 2 max pooling */
    float *shift, *sum, *squares;
} tci_finish;

typedef struct tci_winograd {
    /* Tiles [first, first + count) of x (N, H, W, C): out[p * point_stride + t * C + c], p < 36; zeros
     * outside the picture. */
    void (*input)(const tci_conv *conv, tci_tiling tiling, const tci_picture *x, int64_t first, int64_t count,
                  int64_t point_stride, float *out);
    /* in[p * point_stride + t * O + o] to the 4 x 4 outputs of each tile, those inside y (N, OH, OW, O). */
    void (*output)(const tci_conv *conv, tci_tiling tiling, const float *in, int64_t first, int64_t count,
                   int64_t point_stride, const tci_finish *finish, float *y);
    /* 3 x 3 weights of one row of U, w[tap * tap_stride + column], to out[p * point_stride + column]; zeros
     * for columns <= column < width, a multiple of the vector. */
    void (*weight)(const float *w, int64_t tap_stride, int64_t columns, int64_t width, float *out,
                   int64_t point_stride);
    /* Tiles of dy (N, OH, OW, O), 4 x 4 each, for the weight gradient: out[p * point_stride + t * o_stride +
     * o], o < o_stride (zeros after O). */
    void (*gradient)(const tci_conv *conv, tci_tiling tiling, const tci_picture *dy, int64_t first,
                     int64_t count, int64_t point_stride, int64_t o_stride, float *out);
    /* One vector of the weight gradient, in[p * point_stride + i], to 3 x 3: dw[tap * tap_stride + i]. */
    void (*weight_gradient)(const float *in, int64_t point_stride, float *dw, int64_t tap_stride);
} tci_winograd;

TCI_FAMILY(tci_winograd)

#endif
