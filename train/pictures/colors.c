/* colors.c - scales between a few colours that were measured, straight in sRGB. */
#include "colors.h"

#include <math.h>
#include <string.h>

enum { STOPS = 11 };

static const color grey[STOPS] = {{0, 0, 0},       {26, 26, 26},    {51, 51, 51},    {77, 77, 77},
                                  {102, 102, 102}, {128, 128, 128}, {153, 153, 153}, {179, 179, 179},
                                  {204, 204, 204}, {230, 230, 230}, {255, 255, 255}};
/* Every tenth of matplotlib's viridis. */
static const color viridis[STOPS] = {{68, 1, 84},    {72, 36, 117},  {65, 68, 135},  {53, 95, 141},
                                     {42, 120, 142}, {33, 145, 140}, {34, 168, 132}, {68, 191, 112},
                                     {122, 209, 81}, {189, 223, 38}, {253, 231, 37}};
/* ColorBrewer's PuOr of eleven classes (Harrower and Brewer 2003), its middle white. */
static const color orange_purple[STOPS] = {{127, 59, 8},    {179, 88, 6},    {224, 130, 20},  {253, 184, 99},
                                           {254, 224, 182}, {255, 255, 255}, {216, 218, 235}, {178, 171, 210},
                                           {128, 115, 172}, {84, 39, 136},   {45, 0, 75}};

static uint8_t between(uint8_t a, uint8_t b, double share) {
    return (uint8_t)lrint((1 - share) * a + share * b);
}

color color_of(color_scale scale, double value) {
    static const color *const scales[] = {
        [SCALE_GREY] = grey, [SCALE_SEQUENTIAL] = viridis, [SCALE_DIVERGING] = orange_purple};
    if (isnan(value)) return COLOR_MISSING;
    double place = fmin(fmax(value, 0), 1) * (STOPS - 1);
    int below = place >= STOPS - 1 ? STOPS - 2 : (int)place;
    const color *a = &scales[scale][below], *b = a + 1;
    double share = place - below;
    return (color){between(a->r, b->r, share), between(a->g, b->g, share), between(a->b, b->b, share)};
}

color color_series(int index) {
    static const color series[COLOR_SERIES] = {{0, 114, 178}, {213, 94, 0},   {0, 158, 115},  {204, 121, 167},
                                               {230, 159, 0}, {86, 180, 233}, {128, 128, 128}};
    return series[index % COLOR_SERIES];
}
