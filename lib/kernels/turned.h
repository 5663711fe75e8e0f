/* turned.h - the gradient of a convolution's input, with stride 1, as a convolution of the output's gradient.
 */
#ifndef TCI_TURNED_H
#define TCI_TURNED_H

#include "conv.h"

/* True with stride 1 and no more padding than the kernel reaches. */
bool tci_can_turn(const tci_conv *conv);

/* dx = convolution of dy, as described, with the weights turned round. */
tci_conv tci_turned(const tci_conv *conv);

#endif
