/* views.c - the ways in which one picture is shown when it is recognised.
 *
 * A net that has learned from mirrored and shifted pictures answers a little differently to each; the mean of
 * its answers is better than any. The views and weights are those of Jordan's airbench94: half of the sum
 * belongs to the picture and its mirror image, the other half to the four that are moved. A picture that is
 * padded by a pixel all round and cut at (0, 0) has moved by (+1, +1), cut at (2, 2) by (-1, -1). */
#include <string.h>

#include "internal.h"

typedef struct view {
    int shift; /* out[i][j] = x[i + shift][j + shift] */
    bool mirrored;
    float weight;
} view;

enum { MOST_VIEWS = 6 };

static const struct {
    int count;
    view views[MOST_VIEWS];
} kinds[] = {
    [TC_TTA_NONE] = {1, {{0, false, 1.0f}}},
    [TC_TTA_MIRROR] = {2, {{0, false, 0.5f}, {0, true, 0.5f}}},
    [TC_TTA_SHIFT] = {6,
                      {{0, false, 0.25f},
                       {0, true, 0.25f},
                       {-1, false, 0.125f},
                       {-1, true, 0.125f},
                       {1, false, 0.125f},
                       {1, true, 0.125f}}},
};

int tc_tta_views(tc_tta kind) {
    return kinds[kind].count;
}

float tc_tta_view(tc_tta kind, int number, const float *x,                          /* (count, H, W, C) */
                  int64_t count, int height, int width, int channels, float *out) { /* (count, H, W, C) */
    const view *v = &kinds[kind].views[number];
    size_t picture = (size_t)height * (size_t)width * (size_t)channels;
    if (v->shift == 0)
        memcpy(out, x, (size_t)count * picture * sizeof *out);
    else
        for (size_t n = 0; n < (size_t)count; n++)
            tci_shift(x + n * picture, out + n * picture, height, width, channels, v->shift, v->shift, true);
    if (v->mirrored)
        for (size_t n = 0; n < (size_t)count; n++) tci_mirror(out + n * picture, height, width, channels);
    return v->weight;
}
