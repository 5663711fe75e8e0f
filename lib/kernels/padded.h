/* padded.h - a piece of a picture with zeros around it. */
#ifndef TCI_PADDED_H
#define TCI_PADDED_H

#include <stdint.h>

typedef struct tci_padded {
    const float *x; /* (H, W) pixels, `pixel` floats from one to the next */
    int64_t h, w, pixel, channels;
    /* Rows top, top + 1, ... and columns left, left + step, ..., which may lie outside of the picture. */
    int64_t top, rows, left, step, width;
} tci_padded;

/* to (rows, width, channels), `to_row` floats from one row to the next, `to_pixel` from one pixel to the
 * next. */
void tci_copy_padded(const tci_padded *from, float *to, int64_t to_row, int64_t to_pixel);

#endif
