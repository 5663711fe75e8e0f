/* padded.c - see padded.h. */
#include "padded.h"

#include <string.h>

#include "arith.h"

/* With `channels` a constant each copy is a few instructions. */
static inline void copy_each(float *to, int64_t to_pixel, const float *from, int64_t pixel, int64_t count,
                             int64_t channels) {
    for (int64_t i = 0; i < count; i++)
        memcpy(to + i * to_pixel, from + i * pixel, sizeof(float) * (size_t)channels);
}

static void copy_pixels(float *to, int64_t to_pixel, const float *from, int64_t pixel, int64_t count,
                        int64_t channels) {
    if (to_pixel == channels && pixel == channels)
        copy_each(to, 0, from, 0, 1, count * channels);
    else if (channels == 1)
        copy_each(to, to_pixel, from, pixel, count, 1);
    else if (channels == 2)
        copy_each(to, to_pixel, from, pixel, count, 2);
    else if (channels == 4)
        copy_each(to, to_pixel, from, pixel, count, 4);
    else if (channels == 8)
        copy_each(to, to_pixel, from, pixel, count, 8);
    else if (channels == 16)
        copy_each(to, to_pixel, from, pixel, count, 16);
    else if (channels == 32)
        copy_each(to, to_pixel, from, pixel, count, 32);
    else
        copy_each(to, to_pixel, from, pixel, count, channels);
}

static void zero(float *to, int64_t floats) {
    memset(to, 0, sizeof(float) * (size_t)floats);
}

void tci_copy_padded(const tci_padded *p, float *to, int64_t to_row, int64_t to_pixel) {
    int64_t low = tci_min(p->width, p->left < 0 ? tci_ceil_div(-p->left, p->step) : 0);
    int64_t high = p->left < p->w ? tci_min(p->width, tci_ceil_div(p->w - p->left, p->step)) : 0;
    high = tci_max(low, high);
    for (int64_t i = 0; i < p->rows; i++, to += to_row) {
        int64_t h = p->top + i;
        if (h < 0 || h >= p->h || low == high) {
            zero(to, p->width * to_pixel);
            continue;
        }
        zero(to, low * to_pixel);
        copy_pixels(to + low * to_pixel, to_pixel, p->x + (h * p->w + p->left + low * p->step) * p->pixel,
                    p->step * p->pixel, high - low, p->channels);
        zero(to + high * to_pixel, (p->width - high) * to_pixel);
    }
}
