/* tile.h - our own matrix product, for operands that OpenBLAS would have to be given copies of.
 *
 * C (rows, columns) = A B. Row r, step k of A is a[r * a_row + k * a_step]; row k of B begins at b + k *
 * b_step. The sum over k may come in `segments` stretches of `steps` each: stretch s begins at a + s *
 * a_segment and b + s * b_segment. With these strides a convolution is a product that reads the picture where
 * it lies: neighbouring output pixels are the rows, and each row of the kernel's window is one stretch. */
#ifndef TCI_TILE_H
#define TCI_TILE_H

#include <stdbool.h>
#include <stdint.h>

#include "dispatch.h"

typedef struct tci_product {
    int64_t rows, columns, segments, steps;
    const float *a;
    int64_t a_row, a_step, a_segment;
    const float *b; /* every row readable up to the next multiple of tci_tile.width columns */
    int64_t b_step, b_segment;
    float *c;
    int64_t c_row;
    bool accumulate;   /* C += A B */
    const float *bias; /* (columns) or NULL: added at the end */
    bool relu;
} tci_product;

typedef struct tci_tile {
    int64_t width; /* floats of a vector */
    int64_t panel; /* columns that are computed together; B is best packed in panels of this width */
    int64_t rows;  /* rows that are computed together at most */
    void (*multiply)(const tci_product *product);
    /* A panel of B whose transpose is at hand: packed (steps, panel) from b (columns, steps), rows `ld` floats
     * apart; zeros after the last column. */
    void (*pack)(const float *b, int64_t ld, int64_t steps, int64_t columns, float *packed);
} tci_tile;

TCI_FAMILY(tci_tile)

#endif
