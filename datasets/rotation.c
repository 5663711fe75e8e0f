/* rotation.c - turns a picture about its centre, counter-clockwise as one sees it.
 *
 * The output pixel at (u, v) from the centre, u to the right and v down, shows the input at
 *
 *     (u cos a - v sin a, u sin a + v cos a)
 *
 * between whose four pixels it interpolates linearly; outside of the picture all pixels are 0. */
#include <math.h>
#include <string.h>

#include "internal.h"

/* A place between two pixels of a row or column of `n`: their indices, moved inside, and weights, 0 outside. */
typedef struct between {
    int low, high;
    float low_weight, high_weight;
} between;

/* -1 < place < n */
static inline between neighbours(float place, int n) {
    int low = (int)(place + 1.0f) - 1; /* rounds down: the sum is not negative */
    float part = place - (float)low;
    between b = {low, low + 1, 1.0f - part, part};
    if (low < 0) b.low = 0, b.low_weight = 0.0f;
    if (low + 1 >= n) b.high = n - 1, b.high_weight = 0.0f;
    return b;
}

/* Inlined for three channels and for any number: a known number unrolls. */
static inline void rotate(const float *source,    /* (H, W, channels) */
                          float *restrict target, /* (H, W, channels) */
                          int height, int width, int channels, float cosine, float sine) {
    float middle_row = 0.5f * (float)(height - 1), middle_column = 0.5f * (float)(width - 1);
    for (int i = 0; i < height; i++)
        for (int j = 0; j < width; j++, target += channels) {
            float u = (float)j - middle_column, v = (float)i - middle_row;
            float column = u * cosine - v * sine + middle_column, row = u * sine + v * cosine + middle_row;
            if (!(column > -1.0f && column < (float)width && row > -1.0f && row < (float)height)) {
                for (int c = 0; c < channels; c++) target[c] = 0.0f;
                continue;
            }
            between x = neighbours(column, width), y = neighbours(row, height);
            const float *upper = source + (size_t)y.low * (size_t)width * (size_t)channels;
            const float *lower = source + (size_t)y.high * (size_t)width * (size_t)channels;
            size_t left = (size_t)x.low * (size_t)channels, right = (size_t)x.high * (size_t)channels;
            for (int c = 0; c < channels; c++)
                target[c] =
                    y.low_weight * (x.low_weight * upper[left + c] + x.high_weight * upper[right + c]) +
                    y.high_weight * (x.low_weight * lower[left + c] + x.high_weight * lower[right + c]);
        }
}

void tci_rotate(const float *source, /* (H, W, C) */
                float *target,       /* (H, W, C) */
                int height, int width, int channels, double degrees) {
    double angle = degrees * (3.14159265358979323846 / 180.0);
    float cosine = (float)cos(angle), sine = (float)sin(angle);
    if (channels == 3)
        rotate(source, target, height, width, 3, cosine, sine);
    else
        rotate(source, target, height, width, channels, cosine, sine);
}

static void random_rotation(const tc_transform *self, float *picture, /* (H, W, C) */
                            float *scratch,                           /* (H, W, C) */
                            int height, int width, int channels, tc_sample *sample) {
    double degrees = (2.0 * (double)tc_rng_uniform(&sample->rng) - 1.0) * (double)self->u.rotation.degrees;
    tci_rotate(picture, scratch, height, width, channels, degrees);
    memcpy(picture, scratch, (size_t)height * (size_t)width * (size_t)channels * sizeof *picture);
}

tc_transform tc_random_rotation(float degrees) {
    return (tc_transform){
        .name = "random_rotation", .apply = random_rotation, .u.rotation = {.degrees = degrees}};
}

tc_status tci_rotation_check(const tc_transform *t) {
    if (t->apply == random_rotation && !(t->u.rotation.degrees >= 0.0f && t->u.rotation.degrees <= 360.0f))
        return tc_fail(TC_ERR_ARGUMENT, "random_rotation: %g degrees, expected 0 to 360",
                       (double)t->u.rotation.degrees);
    return TC_OK;
}
