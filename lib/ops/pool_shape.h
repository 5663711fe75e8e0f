/* pool_shape.h - the output size of a pooling window, as torch.nn.functional computes it. */
#ifndef TCI_POOL_SHAPE_H
#define TCI_POOL_SHAPE_H

#include "common.h"

typedef struct tci_pool_axis {
    int64_t in, kernel, stride, padding, dilation, out;
} tci_pool_axis;

/* Reads both axes from the options; false with a failure on the tape. */
bool tci_pool_axes(tc_tape *tape, const char *op, const tc_tensor *x, const tc_pool2d_options *options,
                   tci_pool_axis *h, tci_pool_axis *w);

#endif
