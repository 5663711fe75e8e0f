/* chart.h - line and bar charts as inline SVG, for a page of HTML (page.h).
 *
 * Colours are classes, which the page's style gives values for light and for dark. Each chart tells a screen reader
 * what it shows; axes have labels with their units; curves differ by dash and marker as well as by colour; a point says
 * its values when it is pointed at. */
#ifndef PICTURES_CHART_H
#define PICTURES_CHART_H

#include <stdbool.h>
#include <stdio.h>

typedef struct chart_series {
    const char *name;
    const double *x, *y; /* count; a y that is not finite leaves a gap, one point alone is a dot */
    int count;
} chart_series;

typedef struct chart {
    const char *title;
    const char *x_label, *y_label; /* with units: "time (seconds)" */
    const chart_series *series;
    int count;
    bool x_whole;     /* x counts something: ticks at whole numbers only */
    bool y_log;       /* values <= 0 leave gaps */
    bool percent;     /* y from 0 .. 1 is written as 0% .. 100% */
    bool y_from_zero; /* the axis begins at 0 */
    bool diagonal;    /* with the line y = x: a reliability diagram */
    bool bars;        /* bars in the place of curves, side by side at each x; from 0 */
} chart;

/* An <svg> element; a chart without any finite point says so in its place. */
void chart_write(FILE *html, const chart *c);

extern const char chart_style[]; /* CSS, for the page */

#endif
