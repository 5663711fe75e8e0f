/* phase.h - the forward pass and the gradient of the input as one thing: convolutions whose results gather.
 *
 * Forward, one convolution does it all. Backwards, input pixels whose rows agree modulo stride_h and whose
 * columns agree modulo stride_w see dy through the same taps of the kernel: each of these phases is a
 * convolution of dy with stride 1. */
#ifndef TCI_PHASE_H
#define TCI_PHASE_H

#include "conv.h"

typedef struct tci_phase {
    /* From pass->a to the phase's results. Padding may be negative, and a kernel without taps gives zeros. */
    tci_conv conv;
    /* In the weights as they are stored: where tap (0, 0), input 0, output 0 of group 0 lies, and the distance
     * to the next. */
    int64_t tap_first, tap_row, tap_column, tap_in, tap_out, tap_group;
    /* The same for the results' pixels. */
    int64_t out_first, out_picture, out_row, out_pixel;
} tci_phase;

tci_phase tci_forward_phase(const tci_conv *conv);

/* Phase `index` of tci_data_phases(): the gradient of the input is all of them together. */
int64_t tci_data_phases(const tci_conv *conv);
tci_phase tci_data_phase(const tci_conv *conv, int64_t index);

#endif
