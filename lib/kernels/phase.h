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

int64_t tci_common_divisor(int64_t a, int64_t b);

/* Which taps of its kernel an output sees, the others lying outside of the picture; one dimension of a
 * convolution: output i begins at input i stride - pad. */
typedef struct tci_axis {
    int64_t in, out, taps, stride, pad, dilation;
} tci_axis;

tci_axis tci_rows(const tci_conv *conv);
tci_axis tci_columns(const tci_conv *conv);

/* `count` outputs from `first` on that see the taps [low, low + taps); `in` is the input at tap low of the
 * first. */
typedef struct tci_run {
    int64_t first, count, low, taps, in;
} tci_run;

/* The longest run from output i on that ends before `end`; where some taps lie outside, one output. */
tci_run tci_run_from(const tci_axis *axis, int64_t i, int64_t end);

#endif
