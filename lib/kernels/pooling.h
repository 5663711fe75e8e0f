/* pooling.h - windows over (N, H, W, C) pictures. */
#ifndef TCI_POOLING_H
#define TCI_POOLING_H

#include <stdbool.h>
#include <stdint.h>

#include "dispatch.h"
#include "map.h"

/* Max pooling: output (i, j) looks at inputs (i stride - pad + a dilation, j ...), a < kernel, those inside
 * the picture. */
typedef struct tci_maxpool {
    int64_t n, c, h, w, oh, ow;
    int64_t kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w;
} tci_maxpool;

/* Average pooling of any kind: output (i, j) is the sum over rows [begin, end) of rows[i] and columns [begin,
 * end) of columns[j], times 1 / (rows[i].size * columns[j].size). */
typedef struct tci_span {
    int64_t begin, end, size;
} tci_span;

typedef struct tci_avgpool {
    int64_t n, c, h, w, oh, ow;
    const tci_span *rows;    /* (oh) */
    const tci_span *columns; /* (ow) */
} tci_avgpool;

typedef struct tci_pooling {
    /* Output row `row` of all N OH. x (N, H, W, C), read through the map if it is not NULL; y (N, OH, OW, C).
     * winners (N, OH, OW, C), or NULL: the number, row by row, of the largest element in its window. */
    void (*max_row)(const tci_maxpool *p, const float *x, const tci_map *map, float *y, uint16_t *winners,
                    int64_t row);
    void (*avg_row)(const tci_avgpool *p, const float *x, float *y, int64_t row);
    /* Gradient of picture n; adds to dx or overwrites it. */
    void (*max_backward)(const tci_maxpool *p, const uint16_t *winners, const float *dy, float *dx, int64_t n,
                         bool accumulate);
    void (*avg_backward)(const tci_avgpool *p, const float *dy, float *dx, int64_t n, bool accumulate);
    /* 2 x 2 max pooling of two rows of pixels: `pixels` outputs, the number of each winner (0 to 3). */
    void (*max_pair)(const float *top, const float *bottom, int64_t pixels, int64_t c, float *y,
                     uint8_t *winners);
    /* Back: `pixels` pixels, `stride` floats apart, of row `half` (0 or 1) of the two, zero but for the
     * winners. */
    void (*max_pair_backward)(const float *dy, const uint8_t *winners, int half, int64_t outputs,
                              int64_t pixels, int64_t c, int64_t stride, float *dx);
} tci_pooling;

TCI_FAMILY(tci_pooling)

#endif
