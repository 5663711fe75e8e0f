/* turned.c - see turned.h. */
#include "turned.h"

bool tci_can_turn(const tci_conv *d) {
    return d->stride_h == 1 && d->stride_w == 1 && d->pad_h <= d->dilation_h * (d->kh - 1) &&
           d->pad_w <= d->dilation_w * (d->kw - 1);
}

tci_conv tci_turned(const tci_conv *d) {
    tci_conv t = *d;
    t.c = d->o, t.h = d->oh, t.w = d->ow;
    t.o = d->c, t.oh = d->h, t.ow = d->w;
    t.pad_h = d->dilation_h * (d->kh - 1) - d->pad_h;
    t.pad_w = d->dilation_w * (d->kw - 1) - d->pad_w;
    return t;
}
