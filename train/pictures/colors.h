/* colors.h - colours that colour-blind readers can tell apart. */
#ifndef PICTURES_COLORS_H
#define PICTURES_COLORS_H

#include <stdint.h>

typedef struct color {
    uint8_t r, g, b;
} color;

#define COLOR_WHITE   ((color){255, 255, 255})
#define COLOR_BLACK   ((color){0, 0, 0})
#define COLOR_MISSING ((color){204, 121, 167}) /* a value that is not a number */

typedef enum color_scale {
    SCALE_GREY,       /* 0 black, 1 white */
    SCALE_SEQUENTIAL, /* viridis (van der Walt and Smith 2015): 0 dark blue, 1 yellow; lightness rises evenly */
    SCALE_DIVERGING   /* ColorBrewer's PuOr: 0 orange, 0.5 white, 1 purple; for signed numbers */
} color_scale;

/* `value` 0 .. 1 is clipped; NaN gives COLOR_MISSING. */
color color_of(color_scale scale, double value);

/* Colours of the curves of a chart (Okabe and Ito 2008), round after COLOR_SERIES. */
enum { COLOR_SERIES = 7 };
color color_series(int index);

#endif
