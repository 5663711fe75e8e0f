/* mixing.c - pictures made of two: mixup (Zhang, Cisse, Dauphin, Lopez-Paz 2018) and cutmix (Yun et al. 2019).
 *
 *     mixup:   x = (1 - s) x + s other                               s ~ Beta(alpha, alpha)
 *     cutmix:  x = other inside of a rectangle of s of the area       s ~ Beta(alpha, alpha); then what is left
 *                                                                     of it when it is cut at the edges
 *
 * Picture i of n goes with picture n-1-i, so a pair exchanges what it has and nothing need be copied.
 *
 * Beta(a, a) is g / (g + h) with g and h from Gamma(a). For a >= 1 these come from a normal variate x by
 * rejection (Marsaglia and Tsang: "A Simple Method for Generating Gamma Variables", 2000),
 *
 *     g = d v,  v = (1 + x / sqrt(9 d))^3,  d = a - 1/3        where  log u < x^2 / 2 + d (1 - v + log v)
 *
 * and for a < 1 as a variate of a + 1 times u^(1/a). That power underflows for small a: all is done in logarithms. */
#include <math.h>

#include "internal.h"

/* What random numbers are for. */
#define STREAM_MIXING 0x6d6978696e67u /* "mixing" */

/* ---- Drawing ------------------------------------------------------------------------------------------ */

/* The logarithm of a number in (0, 1]. */
static double log_uniform(tc_rng *rng) {
    return log(((double)tc_rng_u32(rng) + 1.0) * 0x1p-32);
}

static double log_gamma_variate(tc_rng *rng, double alpha) {
    double small = alpha < 1.0 ? log_uniform(rng) / alpha : 0.0;
    double d = (alpha < 1.0 ? alpha + 1.0 : alpha) - 1.0 / 3.0;
    for (;;) {
        double x = tc_rng_normal(rng), root = 1.0 + x / sqrt(9.0 * d), v = root * root * root;
        double u = log_uniform(rng);
        if (v > 0.0 && u < 0.5 * x * x + d * (1.0 - v + log(v))) return small + log(d * v);
    }
}

double tci_beta(tc_rng *rng, double alpha) {
    double g = log_gamma_variate(rng, alpha), h = log_gamma_variate(rng, alpha);
    return 1.0 / (1.0 + exp(h - g));
}

tci_mix tci_mix_cut(double share, int row, int column, int height, int width) {
    int tall = (int)(height * sqrt(share)), wide = (int)(width * sqrt(share));
    int top = row - tall / 2, left = column - wide / 2, bottom = top + tall, right = left + wide;
    if (top < 0) top = 0;
    if (left < 0) left = 0;
    if (bottom > height) bottom = height;
    if (right > width) right = width;
    double area = (double)(bottom - top) * (right - left);
    return (tci_mix){.cut = true,
                     .share = (float)(area / ((double)height * width)),
                     .top = top,
                     .left = left,
                     .bottom = bottom,
                     .right = right};
}

tci_mix tci_mix_draw(const tc_loader_options *options, int64_t epoch, int64_t batch, int height, int width) {
    uint64_t stream = tc_rng_stream(STREAM_MIXING, (uint64_t)epoch, (uint64_t)batch);
    tc_rng rng = tc_rng_create(options->seed, stream);
    bool cut = options->cutmix > 0.0f;
    if (cut && options->mixup > 0.0f) cut = tc_rng_u32(&rng) >> 31;
    double share = tci_beta(&rng, cut ? options->cutmix : options->mixup);
    if (!cut) return (tci_mix){.share = (float)share};
    int row = (int)tc_rng_below(&rng, (uint32_t)height), column = (int)tc_rng_below(&rng, (uint32_t)width);
    return tci_mix_cut(share, row, column, height, width);
}

/* ---- Mixing ------------------------------------------------------------------------------------------- */

static void blend(float *restrict a, float *restrict b, size_t values, float share) {
    float rest = 1.0f - share;
    for (size_t i = 0; i < values; i++) {
        float kept = a[i];
        a[i] = rest * kept + share * b[i];
        b[i] = rest * b[i] + share * kept;
    }
}

static void exchange(float *restrict a, float *restrict b, size_t values) {
    for (size_t i = 0; i < values; i++) {
        float kept = a[i];
        a[i] = b[i];
        b[i] = kept;
    }
}

void tci_mix_apply(const tci_mix *mix, float *x, /* (count, H, W, C) */
                   int64_t count, int height, int width, int channels) {
    size_t row = (size_t)width * (size_t)channels, picture = (size_t)height * row;
    size_t from = (size_t)mix->left * (size_t)channels;
    size_t values = (size_t)(mix->right - mix->left) * (size_t)channels;
    /* The middle one of an odd number is its own partner and stays. */
    for (int64_t n = 0; n < count / 2; n++) {
        float *a = x + (size_t)n * picture, *b = x + (size_t)(count - 1 - n) * picture;
        if (!mix->cut) blend(a, b, picture, mix->share);
        for (int i = mix->top; i < mix->bottom; i++)
            exchange(a + (size_t)i * row + from, b + (size_t)i * row + from, values);
    }
}
