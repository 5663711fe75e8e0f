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

void tci_turn_weight(const tci_conv *d, const float *weight, float *turned) {
    int64_t og = d->o / d->groups, cg = d->c / d->groups, taps = d->kh * d->kw;
    for (int64_t g = 0; g < d->groups; g++) {
        const float *from = weight + g * og * taps * cg;
        float *to = turned + g * og * taps * cg;
        for (int64_t o = 0; o < og; o++)
            for (int64_t t = 0; t < taps; t++)
                for (int64_t c = 0; c < cg; c++)
                    to[(c * taps + taps - 1 - t) * og + o] = from[(o * taps + t) * cg + c];
    }
}
