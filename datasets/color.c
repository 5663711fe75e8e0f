/* color.c - changes of light and colour, for values 0 .. 1. With a factor f, every result kept within 0 .. 1:
 *
 *     brightness:  y = f x
 *     contrast:    y = f x + (1 - f) m      m: mean grey of the picture
 *     saturation:  y = f x + (1 - f) g      g: grey of the pixel, 0.2989 red + 0.587 green + 0.114 blue
 *     hue:         turned by f of a circle, with the largest and the smallest channel of a pixel staying
 *
 * Hue. Let V be the largest of the three, C the largest less the smallest, and H the place on a circle of
 * six sixths: red at 0, green at 2, blue at 4, (second - third) / C away from the largest. With H moved by
 * 6 f, a channel is
 *
 *     V - C max(0, min(1, k, 4 - k))        k = (n + H) mod 6,  n = 5 for red, 3 for green, 1 for blue
 *
 * which is the way through hue, saturation and value without its six cases. */
#include <float.h>

#include "internal.h"

/* Pixels whose channels are laid side by side for vector arithmetic. */
enum { BLOCK = 64, LANES = 12 };

static const float grey_weights[3] = {0.2989f, 0.587f, 0.114f};

static inline float within(float x) {
    x = x > 0.0f ? x : 0.0f;
    return x < 1.0f ? x : 1.0f;
}

/* ---- The four ----------------------------------------------------------------------------------------- */

/* x = factor x + (1 - factor) other */
static void blend(float *x, size_t values, float factor, float other) {
    float add = (1.0f - factor) * other;
    for (size_t i = 0; i < values; i++) x[i] = within(factor * x[i] + add);
}

void tci_adjust_brightness(float *picture, /* (pixels, channels) */
                           int64_t pixels, int channels, float factor) {
    blend(picture, (size_t)pixels * (size_t)channels, factor, 0.0f);
}

/* Lane l of a row of 12 values belongs to channel l % channels. Channels other than three count alike. */
static float mean_grey(const float *picture, /* (pixels, channels) */
                       int64_t pixels, int channels) {
    double sums[LANES] = {0}, sum = 0.0;
    int64_t values = pixels * channels, i = 0;
    for (; i + LANES <= values; i += LANES)
        for (int l = 0; l < LANES; l++) sums[l] += (double)picture[i + l];
    for (int l = 0; i < values; i++, l++) sums[l] += (double)picture[i];
    for (int l = 0; l < LANES; l++)
        sum += sums[l] * (channels == 3 ? (double)grey_weights[l % 3] : 1.0 / channels);
    return (float)(sum / (double)pixels);
}

void tci_adjust_contrast(float *picture, /* (pixels, channels) */
                         int64_t pixels, int channels, float factor) {
    blend(picture, (size_t)pixels * (size_t)channels, factor, mean_grey(picture, pixels, channels));
}

void tci_adjust_saturation(float *picture, /* (pixels, 3) */
                           int64_t pixels, float factor) {
    for (float *x = picture, *end = picture + 3 * pixels; x < end; x += 3) {
        float grey = grey_weights[0] * x[0] + grey_weights[1] * x[1] + grey_weights[2] * x[2];
        float add = (1.0f - factor) * grey;
        for (int c = 0; c < 3; c++) x[c] = within(factor * x[c] + add);
    }
}

/* How far a channel lies below the largest one, in units of C; k within 0 .. 12. */
static inline float below_largest(float k) {
    k = k >= 6.0f ? k - 6.0f : k;
    return within(k < 4.0f - k ? k : 4.0f - k);
}

static void turn_hue(float *restrict red, float *restrict green, float *restrict blue, /* (BLOCK) each */
                     float sixths) {
    for (int p = 0; p < BLOCK; p++) {
        float r = red[p], g = green[p], b = blue[p];
        float most = r > g ? r : g, least = r > g ? g : r;
        most = most > b ? most : b;
        least = least < b ? least : b;
        float chroma = most - least, scale = 1.0f / (chroma > 0.0f ? chroma : 1.0f);
        float at_red = (g - b) * scale, at_green = 2.0f + (b - r) * scale, at_blue = 4.0f + (r - g) * scale;
        float hue = most == g ? at_green : at_blue;
        hue = (most == r ? at_red : hue) + sixths;
        hue = hue < 0.0f ? hue + 6.0f : hue;
        hue = hue >= 6.0f ? hue - 6.0f : hue;
        red[p] = most - chroma * below_largest(5.0f + hue);
        green[p] = most - chroma * below_largest(3.0f + hue);
        blue[p] = most - chroma * below_largest(1.0f + hue);
    }
}

void tci_adjust_hue(float *picture, /* (pixels, 3) */
                    int64_t pixels, float turn) {
    float planes[3][BLOCK] = {{0}};
    for (int64_t first = 0; first < pixels; first += BLOCK) {
        int count = pixels - first < BLOCK ? (int)(pixels - first) : BLOCK;
        float *x = picture + 3 * first;
        for (int p = 0; p < count; p++)
            for (int c = 0; c < 3; c++) planes[c][p] = x[3 * p + c];
        turn_hue(planes[0], planes[1], planes[2], 6.0f * turn);
        for (int p = 0; p < count; p++)
            for (int c = 0; c < 3; c++) x[3 * p + c] = planes[c][p];
    }
}

/* ---- Color jitter ------------------------------------------------------------------------------------- */

static float between(tc_rng *rng, float low, float high) {
    return low + (high - low) * tc_rng_uniform(rng);
}

static float factor_around_one(tc_rng *rng, float reach) {
    return between(rng, reach < 1.0f ? 1.0f - reach : 0.0f, 1.0f + reach);
}

tci_jitter tci_jitter_draw(const tc_transform *t, tc_rng *rng) {
    tci_jitter drawn;
    tc_rng_permutation(rng, drawn.order, 4);
    drawn.brightness = factor_around_one(rng, t->u.jitter.brightness);
    drawn.contrast = factor_around_one(rng, t->u.jitter.contrast);
    drawn.saturation = factor_around_one(rng, t->u.jitter.saturation);
    drawn.hue = between(rng, -t->u.jitter.hue, t->u.jitter.hue);
    return drawn;
}

/* What is drawn from a range of no length changes nothing and is left out. */
static void color_jitter(const tc_transform *self, float *picture, /* (H, W, C) */
                         float *scratch, int height, int width, int channels, tc_sample *sample) {
    tci_jitter drawn = tci_jitter_draw(self, &sample->rng);
    int64_t pixels = (int64_t)height * width;
    (void)scratch;
    for (int i = 0; i < 4; i++) switch (drawn.order[i]) {
        case 0:
            if (self->u.jitter.brightness > 0.0f)
                tci_adjust_brightness(picture, pixels, channels, drawn.brightness);
            break;
        case 1:
            if (self->u.jitter.contrast > 0.0f)
                tci_adjust_contrast(picture, pixels, channels, drawn.contrast);
            break;
        case 2:
            if (self->u.jitter.saturation > 0.0f && channels == 3)
                tci_adjust_saturation(picture, pixels, drawn.saturation);
            break;
        default:
            if (self->u.jitter.hue > 0.0f && channels == 3) tci_adjust_hue(picture, pixels, drawn.hue);
        }
}

tc_transform tc_color_jitter(float brightness, float contrast, float saturation, float hue) {
    return (tc_transform){
        .name = "color_jitter",
        .apply = color_jitter,
        .u.jitter = {.brightness = brightness, .contrast = contrast, .saturation = saturation, .hue = hue}};
}

static tc_status check_reach(const char *name, float value, float most) {
    if (value >= 0.0f && value <= most) return TC_OK;
    if (most == FLT_MAX)
        return tc_fail(TC_ERR_ARGUMENT, "color_jitter: %s is %g, expected at least 0", name, (double)value);
    return tc_fail(TC_ERR_ARGUMENT, "color_jitter: %s is %g, expected 0 to %g", name, (double)value,
                   (double)most);
}

tc_status tci_color_check(const tc_transform *t) {
    if (t->apply != color_jitter) return TC_OK;
    TC_TRY(check_reach("brightness", t->u.jitter.brightness, FLT_MAX));
    TC_TRY(check_reach("contrast", t->u.jitter.contrast, FLT_MAX));
    TC_TRY(check_reach("saturation", t->u.jitter.saturation, FLT_MAX));
    return check_reach("hue", t->u.jitter.hue, 0.5f);
}
