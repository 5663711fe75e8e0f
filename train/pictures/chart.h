/* chart.h - line and bar charts as inline SVG, for a page of HTML (page.h) or for a file of its own.
 *
 * Colours are classes that the page's style gives values for light and for dark; a chart in a file of its own carries
 * them with it. Each chart has a title and a description for screen readers, axes have labels with their units,
 * curves differ by dash and marker as well as by colour, and a point says its values when it is pointed at. */
#ifndef PICTURES_CHART_H
#define PICTURES_CHART_H

#include <stdbool.h>
#include <stdio.h>

#include "tinycnn.h"

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
    bool x_whole;     /* ticks at whole numbers only */
    bool y_log;       /* values <= 0 leave gaps */
    bool percent;     /* y from 0 .. 1 is written as 0% .. 100% */
    bool y_from_zero; /* the axis begins at 0 */
    bool diagonal;    /* the line y = x, dashed: a reliability diagram */
    bool bars;        /* bars in the place of curves, one group an x */
    const char *note; /* a sentence below, or NULL */
} chart;

/* An <svg> element. A chart without any finite point says so in its place. */
void chart_write(FILE *page, const chart *c);
/* The same as a file of its own. TC_ERR_IO names the file. */
tc_status chart_write_svg(const chart *c, const char *path);

#endif
