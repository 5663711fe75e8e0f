/* transforms.c - what happens to a picture on its way into a batch: normalising, and moving whole pixels.
 *
 *     normalise:  y = (x - mean) / deviation, channel by channel
 *     crop:       y[i][j] = x[i + a - padding][j + b - padding], a and b drawn from 0 .. 2 padding; outside
 *                 of the picture x is 0 or its mirror image (x[-1] = x[1]: the edge is not repeated)
 *     flip:       y[i][j] = x[i][W - 1 - j], either with probability p, or for half of the pictures in even
 *                 epochs and for the other half in odd ones */
#include <string.h>

#include "internal.h"

/* What random numbers are for: the coin that a picture keeps for all epochs. */
#define STREAM_FLIP 0x666c6970u /* "flip" */

/* ---- Normalise ---------------------------------------------------------------------------------------- */

/* Channel l % channels belongs to lane l of a row of 12 values, for 1, 2, 3 and 4 channels alike: the inner
 * loop runs over lanes and need not know the number of channels. */
enum { LANES = 12 };

static void normalize(const tc_transform *self, float *picture, /* (H, W, C) */
                      float *scratch, int height, int width, int channels, tc_sample *sample) {
    float mean[LANES], deviation[LANES];
    size_t values = (size_t)height * (size_t)width * (size_t)channels, i = 0;
    (void)scratch;
    (void)sample;
    for (int l = 0; l < LANES; l++) {
        mean[l] = self->u.normalize.mean[l % channels];
        deviation[l] = self->u.normalize.deviation[l % channels];
    }
    for (; i + LANES <= values; i += LANES)
        for (int l = 0; l < LANES; l++) picture[i + l] = (picture[i + l] - mean[l]) / deviation[l];
    for (int l = 0; i < values; i++, l++) picture[i] = (picture[i] - mean[l]) / deviation[l];
}

tc_transform tc_normalize(const float *mean, const float *deviation, int channels) {
    tc_transform t = {.name = "normalize", .apply = normalize};
    for (int c = 0; c < 4; c++) {
        t.u.normalize.mean[c] = c < channels ? mean[c] : 0.0f;
        t.u.normalize.deviation[c] = c < channels ? deviation[c] : 1.0f;
    }
    return t;
}

/* ---- Random crop -------------------------------------------------------------------------------------- */

/* The index in 0 .. n-1 that `i` means under reflection: 0 1 2 1 0 1 2 ... for n = 3. */
static int64_t reflected(int64_t i, int64_t n) {
    int64_t period = n > 1 ? 2 * (n - 1) : 1;
    i %= period;
    if (i < 0) i += period;
    return i < n ? i : period - i;
}

/* target[j] = source[j + shift] for the j from `first` to before `last`, all of them outside of the source.
 */
static void pad_row(const float *source, /* (W, C) */
                    float *target,       /* (W, C) */
                    int64_t first, int64_t last, int64_t width, int channels, int64_t shift, bool reflect) {
    for (int64_t j = first; j < last; j++)
        for (int c = 0; c < channels; c++)
            target[j * channels + c] = reflect ? source[reflected(j + shift, width) * channels + c] : 0.0f;
}

/* target[j] = source[j + shift]: padding, what lies inside the source, padding. */
static void shift_row(const float *source, /* (W, C) */
                      float *target,       /* (W, C) */
                      int64_t width, int channels, int64_t shift, bool reflect) {
    int64_t first = shift < -width ? width : shift < 0 ? -shift : 0;
    int64_t last = shift > width ? 0 : shift > 0 ? width - shift : width;
    pad_row(source, target, 0, first, width, channels, shift, reflect);
    if (first < last)
        memcpy(target + first * channels, source + (first + shift) * channels,
               (size_t)((last - first) * channels) * sizeof *target);
    pad_row(source, target, last, width, width, channels, shift, reflect);
}

void tci_shift(const float *source, /* (H, W, C) */
               float *target,       /* (H, W, C) */
               int height, int width, int channels, int64_t down, int64_t right, bool reflect) {
    size_t row = (size_t)width * (size_t)channels;
    for (int64_t i = 0; i < height; i++) {
        int64_t from = i + down;
        bool inside = from >= 0 && from < height;
        if (inside || reflect)
            shift_row(source + (size_t)reflected(from, height) * row, target + (size_t)i * row, width,
                      channels, right, reflect);
        else
            memset(target + (size_t)i * row, 0, row * sizeof *target);
    }
}

static void random_crop(const tc_transform *self, float *picture, /* (H, W, C) */
                        float *scratch,                           /* (H, W, C) */
                        int height, int width, int channels, tc_sample *sample) {
    int padding = self->u.crop.padding;
    if (padding <= 0) return;
    int64_t down = (int64_t)tc_rng_below(&sample->rng, 2u * (unsigned)padding + 1u) - padding;
    int64_t right = (int64_t)tc_rng_below(&sample->rng, 2u * (unsigned)padding + 1u) - padding;
    tci_shift(picture, scratch, height, width, channels, down, right, self->u.crop.reflect);
    memcpy(picture, scratch, (size_t)height * (size_t)width * (size_t)channels * sizeof *picture);
}

tc_transform tc_random_crop(int padding, bool reflect) {
    return (tc_transform){
        .name = "random_crop", .apply = random_crop, .u.crop = {.padding = padding, .reflect = reflect}};
}

/* ---- Flips -------------------------------------------------------------------------------------------- */

/* Exchanges pixels from both ends of a row; always inlined, so that a known number of channels unrolls. */
static inline void mirror_rows(float *picture, /* (H, W, C) */
                               int height, int width, int channels) {
    for (int i = 0; i < height; i++) {
        float *left = picture + (size_t)i * (size_t)width * (size_t)channels;
        float *right = left + (size_t)(width - 1) * (size_t)channels;
        for (; left < right; left += channels, right -= channels)
            for (int c = 0; c < channels; c++) {
                float kept = left[c];
                left[c] = right[c];
                right[c] = kept;
            }
    }
}

void tci_mirror(float *picture, /* (H, W, C) */
                int height, int width, int channels) {
    if (channels == 3)
        mirror_rows(picture, height, width, 3);
    else
        mirror_rows(picture, height, width, channels);
}

static void random_horizontal_flip(const tc_transform *self, float *picture, /* (H, W, C) */
                                   float *scratch, int height, int width, int channels, tc_sample *sample) {
    (void)scratch;
    if (tc_rng_uniform(&sample->rng) < self->u.flip.p) tci_mirror(picture, height, width, channels);
}

tc_transform tc_random_horizontal_flip(float p) {
    return (tc_transform){
        .name = "random_horizontal_flip", .apply = random_horizontal_flip, .u.flip = {.p = p}};
}

/* Two epochs in a row show a picture both ways, where two independent coins would show it the same way twice half
 * of the time. Nothing is drawn from the sample's own numbers. */
static void alternating_flip(const tc_transform *self, float *picture, /* (H, W, C) */
                             float *scratch, int height, int width, int channels, tc_sample *sample) {
    (void)self;
    (void)scratch;
    tc_rng rng = tc_rng_create(sample->seed, tc_rng_stream(STREAM_FLIP, (uint64_t)sample->index, 0));
    bool coin = tc_rng_u32(&rng) >> 31, odd = sample->epoch & 1;
    if (coin != odd) tci_mirror(picture, height, width, channels);
}

tc_transform tc_alternating_flip(void) {
    return (tc_transform){.name = "alternating_flip", .apply = alternating_flip};
}

/* ---- Checks ------------------------------------------------------------------------------------------- */

tc_status tci_transform_check(const tc_transform *t, int channels) {
    if (t->apply == normalize)
        for (int c = 0; c < channels; c++)
            if (!(t->u.normalize.deviation[c] > 0.0f))
                return tc_fail(TC_ERR_ARGUMENT, "normalize: the deviation of channel %d is %g, expected > 0",
                               c, (double)t->u.normalize.deviation[c]);
    if (t->apply == random_crop && t->u.crop.padding < 0)
        return tc_fail(TC_ERR_ARGUMENT, "random_crop: padding is %d, expected at least 0", t->u.crop.padding);
    if (t->apply == random_horizontal_flip && !(t->u.flip.p >= 0.0f && t->u.flip.p <= 1.0f))
        return tc_fail(TC_ERR_ARGUMENT, "random_horizontal_flip: p is %g, expected 0 to 1",
                       (double)t->u.flip.p);
    TC_TRY(tci_erasing_check(t));
    TC_TRY(tci_rotation_check(t));
    return tci_color_check(t);
}
