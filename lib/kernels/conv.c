/* conv.c - the choice of algorithm, by shape alone: the same shape gives the same bits, whatever the
 * machine's load. */
#include "conv.h"

#include "turned.h"

/* With fewer channels the transforms cost more than the multiplications that they save. So do those of the
 * weights with few outputs, the more so where they overflow the caches (tests/bench/bench_conv.c). */
enum {
    WINOGRAD_CHANNELS = 16,
    WINOGRAD_OUTPUTS = 64,
    WINOGRAD_LARGE = 128 * 128,
    WINOGRAD_LARGE_OUTPUTS = 512
};

static bool wants_winograd(const tci_conv *d) {
    int64_t outputs = d->c * d->o > WINOGRAD_LARGE ? WINOGRAD_LARGE_OUTPUTS : WINOGRAD_OUTPUTS;
    return d->kh == 3 && d->kw == 3 && tci_can_turn(d) && d->dilation_h == 1 && d->dilation_w == 1 &&
           d->groups == 1 && d->c >= WINOGRAD_CHANNELS && d->o >= WINOGRAD_CHANNELS &&
           d->n * d->oh * d->ow >= outputs;
}

/* From so many pictures and channels on a product for every pixel is worth its start, and up to so many pixels
 * the other algorithms have too few in a row, or multiply too many zeros, to keep up with it. */
enum { PIXELS_PICTURES = 32, PIXELS_CHANNELS = 64, PIXELS = 16, PIXELS_WINOGRAD = 4 };

static bool wants_pixels(const tci_conv *d) {
    return d->n >= PIXELS_PICTURES && d->c / d->groups >= PIXELS_CHANNELS &&
           d->o / d->groups >= PIXELS_CHANNELS &&
           d->oh * d->ow <= (wants_winograd(d) ? PIXELS_WINOGRAD : PIXELS);
}

const tci_conv_algorithm *tci_conv_choose(const tci_conv *d) {
    if (d->groups > 1 && d->groups == d->c && d->groups == d->o) return &tci_conv_depthwise;
    if (wants_pixels(d)) return &tci_conv_pixels;
    if (wants_winograd(d)) return &tci_conv_winograd;
    if (d->groups == 1 && d->dilation_w == 1) return &tci_conv_direct;
    return &tci_conv_gathered;
}
