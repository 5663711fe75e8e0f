/* conv.c - the choice of algorithm, by shape alone. */
#include "conv.h"

const tci_conv_algorithm *tci_conv_choose(const tci_conv *conv) {
    if (conv->groups > 1 && conv->groups == conv->c) return &tci_conv_depthwise;
    bool plain = conv->kh == 1 && conv->kw == 1 && conv->stride_h == 1 && conv->stride_w == 1 &&
                 conv->pad_h == 0 && conv->pad_w == 0 && conv->oh == conv->h && conv->ow == conv->w;
    if (plain && conv->groups == 1) return &tci_conv_pointwise;
    return &tci_conv_im2col;
}
