/* erasing.c - a part of the picture is taken away, so that the net learns to look at the rest too.
 *
 *     cutout:          y[i][j] = 0 in a square around a random pixel, which may reach over the edge
 *     random erasing:  y[i][j] = 0, with probability p, in a rectangle that lies inside. With a share s of the
 *                      area A from 0.02 .. 0.33 and an aspect r from 0.3 .. 3.3, uniform in its logarithm,
 *                      it is sqrt(A s r) high and sqrt(A s / r) wide, rounded; what is not lower and narrower
 *                      than the picture is drawn again, up to ten times in all */
#include <math.h>
#include <string.h>

#include "internal.h"

enum { TRIES = 10 };

/* Rows `top` to before `bottom`, columns `left` to before `right`, as far as they lie inside. */
static void erase(float *picture, /* (H, W, C) */
                  int height, int width, int channels, int64_t top, int64_t left, int64_t bottom,
                  int64_t right) {
    if (top < 0) top = 0;
    if (left < 0) left = 0;
    if (bottom > height) bottom = height;
    if (right > width) right = width;
    for (int64_t i = top; i < bottom; i++)
        memset(picture + (i * width + left) * channels, 0,
               (size_t)((right - left) * channels) * sizeof *picture);
}

/* ---- Cutout ------------------------------------------------------------------------------------------- */

static void cutout(const tc_transform *self, float *picture, /* (H, W, C) */
                   float *scratch, int height, int width, int channels, tc_sample *sample) {
    int64_t size = self->u.cutout.size;
    (void)scratch;
    int64_t top = (int64_t)tc_rng_below(&sample->rng, (uint32_t)height) - size / 2;
    int64_t left = (int64_t)tc_rng_below(&sample->rng, (uint32_t)width) - size / 2;
    erase(picture, height, width, channels, top, left, top + size, left + size);
}

tc_transform tc_cutout(int size) {
    return (tc_transform){.name = "cutout", .apply = cutout, .u.cutout = {.size = size}};
}

/* ---- Random erasing ----------------------------------------------------------------------------------- */

bool tci_erasing_size(int height, int width, double share, double aspect, int *tall, int *wide) {
    double area = (double)height * width * share;
    *tall = (int)rint(sqrt(area * aspect)); /* halves to even, as Python's round() */
    *wide = (int)rint(sqrt(area / aspect));
    return *tall < height && *wide < width;
}

static void random_erasing(const tc_transform *self, float *picture, /* (H, W, C) */
                           float *scratch, int height, int width, int channels, tc_sample *sample) {
    tc_rng *rng = &sample->rng;
    (void)scratch;
    if (tc_rng_uniform(rng) >= self->u.erasing.p) return;
    for (int i = 0; i < TRIES; i++) {
        double share = 0.02 + (0.33 - 0.02) * (double)tc_rng_uniform(rng);
        double aspect = 0.3 * exp(log(3.3 / 0.3) * (double)tc_rng_uniform(rng));
        int tall, wide;
        if (!tci_erasing_size(height, width, share, aspect, &tall, &wide)) continue;
        int64_t top = tc_rng_below(rng, (uint32_t)(height - tall) + 1u);
        int64_t left = tc_rng_below(rng, (uint32_t)(width - wide) + 1u);
        erase(picture, height, width, channels, top, left, top + tall, left + wide);
        return;
    }
}

tc_transform tc_random_erasing(float p) {
    return (tc_transform){.name = "random_erasing", .apply = random_erasing, .u.erasing = {.p = p}};
}

/* ---- Checks ------------------------------------------------------------------------------------------- */

tc_status tci_erasing_check(const tc_transform *t) {
    if (t->apply == cutout && t->u.cutout.size < 0)
        return tc_fail(TC_ERR_ARGUMENT, "cutout: size is %d, expected at least 0", t->u.cutout.size);
    if (t->apply == random_erasing && !(t->u.erasing.p >= 0.0f && t->u.erasing.p <= 1.0f))
        return tc_fail(TC_ERR_ARGUMENT, "random_erasing: p is %g, expected 0 to 1", (double)t->u.erasing.p);
    return TC_OK;
}
