/* chart.c - data to SVG: x' = left + (x - x0) / (x1 - x0) width, y' = bottom - (y - y0) / (y1 - y0) height. */
#include "chart.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "page.h"

/* In the units of the SVG, which the page scales. */
enum {
    WIDTH = 640,
    LEFT = 76,
    RIGHT = 18,
    TOP = 40,
    PLOT_HEIGHT = 240,
    BOTTOM = 52,
    LEGEND_LINE = 20,
    LETTER = 8
};
enum { MARKERS = 4, MARKED_MAX = 40, THIN_TO = 300, TICKS_MAX = 24 };

const char chart_style[] =
    "svg.chart{width:100%;max-width:40rem;height:auto;display:block;margin:1rem 0}"
    ".chart text{font:13px system-ui,sans-serif;fill:var(--ink)}.chart .title{font-size:15px;font-weight:600}"
    ".chart .tick{font-size:12px;fill:var(--soft)}.chart .grid{stroke:var(--line);stroke-width:1}"
    ".chart .curve{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}"
    "@media(max-width:30rem){.chart text{font-size:17px}.chart .tick{font-size:16px}.chart "
    ".title{font-size:19px}}"
    ".chart .diagonal{stroke:var(--soft);stroke-width:1;stroke-dasharray:2 4}"
    ".c0{stroke:#0072b2}.f0{fill:#0072b2}.c1{stroke:#c24e00}.f1{fill:#c24e00}.c2{stroke:#00805d}.f2{fill:#"
    "00805d}"
    ".c3{stroke:#a8487d}.f3{fill:#a8487d}.c4{stroke:#946300}.f4{fill:#946300}.c5{stroke:#2b7fb0}.f5{fill:#"
    "2b7fb0}"
    ".c6{stroke:#6a6a6a}.f6{fill:#6a6a6a}"
    "@media(prefers-color-scheme:dark){.c0{stroke:#5db5ea}.f0{fill:#5db5ea}.c1{stroke:#f58b4c}.f1{fill:#"
    "f58b4c}"
    ".c2{stroke:#2fc79b}.f2{fill:#2fc79b}.c3{stroke:#e5a0c6}.f3{fill:#e5a0c6}.c4{stroke:#e6b84d}.f4{fill:#"
    "e6b84d}"
    ".c5{stroke:#9ed3f2}.f5{fill:#9ed3f2}.c6{stroke:#b0b0b0}.f6{fill:#b0b0b0}}";

static const char *const dashes[] = {"", "7 4", "2 4", "10 3 2 3"};

typedef struct frame {
    const chart *c;
    double x0, x1, y0, y1; /* the data's range; of y its logarithm where y_log */
    double x_step, y_step; /* from tick to tick */
    double top, bottom;    /* of the plot */
    int height;            /* of the whole */
    int bars_at;           /* how many places on x have bars */
    double spacing;        /* of the places of bars, in data */
} frame;

/* ---- Range and ticks ---------------------------------------------------------------------------------- */

static bool is_drawn(const chart *c, double x, double y) {
    return isfinite(x) && isfinite(y) && (!c->y_log || y > 0);
}

static double height_of(const chart *c, double y) {
    return c->y_log ? log10(y) : y;
}

/* The smallest distance of two neighbouring places; 1 if there is one place only. */
static double spacing_of(const chart *c) {
    double least = DBL_MAX;
    for (int s = 0; s < c->count; s++)
        for (int i = 1; i < c->series[s].count; i++)
            least = fmin(least, fabs(c->series[s].x[i] - c->series[s].x[i - 1]));
    return least < DBL_MAX && least > 0 ? least : 1;
}

/* False if there is nothing to draw. */
static bool find_range(frame *f) {
    const chart *c = f->c;
    f->x0 = f->y0 = DBL_MAX;
    f->x1 = f->y1 = -DBL_MAX;
    for (int s = 0; s < c->count; s++)
        for (int i = 0; i < c->series[s].count; i++) {
            double x = c->series[s].x[i], y = c->series[s].y[i];
            if (!is_drawn(c, x, y)) continue;
            f->x0 = fmin(f->x0, x), f->x1 = fmax(f->x1, x);
            f->y0 = fmin(f->y0, height_of(c, y)), f->y1 = fmax(f->y1, height_of(c, y));
        }
    if (f->x0 > f->x1) return false;
    if ((c->y_from_zero || c->bars) && !c->y_log) f->y0 = fmin(f->y0, 0), f->y1 = fmax(f->y1, 0);
    if (c->diagonal) f->x0 = f->y0 = 0, f->x1 = f->y1 = 1;
    if (c->bars) {
        f->spacing = spacing_of(c);
        f->x0 -= f->spacing / 2, f->x1 += f->spacing / 2;
    }
    /* A range without extent would be divided by. */
    if (f->x1 - f->x0 < 1e-12 * fmax(1, fabs(f->x0))) f->x0 -= 0.5, f->x1 += 0.5;
    if (f->y1 - f->y0 < 1e-12 * fmax(1e-12, fabs(f->y0))) {
        double room = c->y_log ? 0.2 : fmax(fabs(f->y0) / 10, c->percent ? 0.01 : 1e-3);
        f->y0 -= room, f->y1 += room;
    }
    return true;
}

/* 1, 2 or 5 times a power of ten, so that `range` has about `wanted` of them. */
static double step_of(double range, int wanted) {
    double raw = range / wanted, power = pow(10, floor(log10(raw))), rest = raw / power;
    return power * (rest < 1.5 ? 1 : rest < 3.5 ? 2 : rest < 7.5 ? 5 : 10);
}

static int ticks_between(double low, double high, double step, double ticks[TICKS_MAX]) {
    int count = 0;
    for (double k = ceil(low / step - 1e-9); k * step <= high + 1e-9 * step && count < TICKS_MAX; k++)
        ticks[count++] = k == 0 ? 0 : k * step;
    return count;
}

/* Powers of ten; where there are few, also 2 and 5 times them. As logarithms. */
static int ticks_log(double low, double high, double ticks[TICKS_MAX]) {
    bool few = high - low < 2.5;
    double stride = fmax(1, ceil((high - low) / 8));
    int count = 0;
    for (double k = floor(low); k <= high; k += stride)
        for (int m = 0; m < (few ? 3 : 1); m++) {
            double tick = k + log10((double[]){1, 2, 5}[m]);
            if (tick >= low - 1e-9 && tick <= high + 1e-9 && count < TICKS_MAX) ticks[count++] = tick;
        }
    return count;
}

/* Chooses the distance of ticks, and makes the ends of the y axis ticks, so that curves do not touch the frame. */
static void choose_ticks(frame *f) {
    f->x_step = fmax(step_of(f->x1 - f->x0, 8), f->c->x_whole ? 1 : 0);
    f->y_step = step_of(f->y1 - f->y0, 5);
    if (f->c->diagonal || f->c->y_log) return;
    f->y0 = floor(f->y0 / f->y_step + 1e-9) * f->y_step;
    f->y1 = ceil(f->y1 / f->y_step - 1e-9) * f->y_step;
}

static double to_x(const frame *f, double x) {
    return LEFT + (x - f->x0) / (f->x1 - f->x0) * (WIDTH - LEFT - RIGHT);
}

static double to_y(const frame *f, double y) {
    return f->bottom - (height_of(f->c, y) - f->y0) / (f->y1 - f->y0) * (f->bottom - f->top);
}

/* A number as short as it can be; of y as percent where wanted. */
static void write_number(FILE *html, const chart *c, bool is_y, double value) {
    if (is_y && c->percent)
        fprintf(html, "%.4g%%", 100 * value);
    else
        fprintf(html, "%.5g", value);
}

/* ---- Parts -------------------------------------------------------------------------------------------- */

static void write_axes(FILE *html, const frame *f) {
    double ticks[TICKS_MAX];
    int count = f->c->y_log ? ticks_log(f->y0, f->y1, ticks) : ticks_between(f->y0, f->y1, f->y_step, ticks);
    for (int i = 0; i < count; i++) {
        double value = f->c->y_log ? pow(10, ticks[i]) : ticks[i], y = to_y(f, value);
        fprintf(html, "<line class=\"grid\" x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\"/>", LEFT, y,
                WIDTH - RIGHT, y);
        fprintf(html, "<text class=\"tick\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\">", LEFT - 8, y + 4);
        write_number(html, f->c, true, value);
        fputs("</text>", html);
    }
    count = ticks_between(f->x0, f->x1, f->x_step, ticks);
    for (int i = 0; i < count; i++) {
        double x = to_x(f, ticks[i]);
        fprintf(html, "<line class=\"grid\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>", x, f->bottom,
                x, f->bottom + 5);
        fprintf(html, "<text class=\"tick\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">", x,
                f->bottom + 19);
        write_number(html, f->c, false, ticks[i]);
        fputs("</text>", html);
    }
    fprintf(html, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"middle\">", (LEFT + WIDTH - RIGHT) / 2,
            f->bottom + 41);
    page_text(html, f->c->x_label);
    fprintf(html, "</text><text transform=\"translate(15 %.1f) rotate(-90)\" text-anchor=\"middle\">",
            (f->top + f->bottom) / 2);
    page_text(html, f->c->y_label);
    fputs("</text>", html);
}

/* A circle, a square, a triangle or a diamond; what it says when it is pointed at stands within. */
static void write_marker(FILE *html, int series, double x, double y) {
    int hue = series % COLOR_SERIES;
    switch (series % MARKERS) {
    case 0:
        fprintf(html, "<circle class=\"f%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.6\">", hue, x, y);
        return;
    case 1:
        fprintf(html, "<path class=\"f%d\" d=\"M%.1f %.1fh6.4v6.4h-6.4z\">", hue, x - 3.2, y - 3.2);
        return;
    case 2:
        fprintf(html, "<path class=\"f%d\" d=\"M%.1f %.1fl4.4 7.6h-8.8z\">", hue, x, y - 4.8);
        return;
    default:
        fprintf(html, "<path class=\"f%d\" d=\"M%.1f %.1fl4.6 4.6l-4.6 4.6l-4.6 -4.6z\">", hue, x, y - 4.6);
    }
}

static void end_marker(FILE *html, int series) {
    fputs(series % MARKERS == 0 ? "</circle>" : "</path>", html);
}

static void write_tip(FILE *html, const chart *c, const chart_series *s, double x, double y) {
    fputs("<title>", html);
    page_text(html, s->name);
    fputs(": ", html);
    write_number(html, c, false, x);
    fputs(", ", html);
    write_number(html, c, true, y);
    fputs("</title>", html);
}

/* Which points to draw of a long curve: of each of THIN_TO stretches its lowest and its highest, in order. */
static bool is_kept(const chart_series *s, int i) {
    if (s->count <= 4 * THIN_TO || i == 0 || i == s->count - 1) return true;
    int stretch = (int)((int64_t)i * THIN_TO / s->count);
    int first = (int)(((int64_t)stretch * s->count + THIN_TO - 1) / THIN_TO);
    int end = (int)(((int64_t)(stretch + 1) * s->count + THIN_TO - 1) / THIN_TO);
    for (int k = first, low = first, high = first; k < end; k++) {
        if (!(s->y[k] >= s->y[low])) low = k;
        if (!(s->y[k] <= s->y[high])) high = k;
        if (k == end - 1) return i == low || i == high;
    }
    return true;
}

static void write_curve(FILE *html, const frame *f, int series) {
    const chart_series *s = &f->c->series[series];
    bool in_line = false;
    fprintf(html, "<path class=\"curve c%d\"", series % COLOR_SERIES);
    if (series % MARKERS > 0) fprintf(html, " stroke-dasharray=\"%s\"", dashes[series % MARKERS]);
    fputs(" d=\"", html);
    for (int i = 0; i < s->count; i++) {
        bool drawn = is_drawn(f->c, s->x[i], s->y[i]);
        if (drawn && is_kept(s, i))
            fprintf(html, "%c%.1f %.1f", in_line ? 'L' : 'M', to_x(f, s->x[i]), to_y(f, s->y[i]));
        if (!drawn || is_kept(s, i)) in_line = drawn;
    }
    fputs("\"/>", html);
    for (int i = 0; i < s->count && s->count <= MARKED_MAX; i++) {
        if (!is_drawn(f->c, s->x[i], s->y[i])) continue;
        write_marker(html, series, to_x(f, s->x[i]), to_y(f, s->y[i]));
        write_tip(html, f->c, s, s->x[i], s->y[i]);
        end_marker(html, series);
    }
}

static void write_bars(FILE *html, const frame *f, int series) {
    const chart_series *s = &f->c->series[series];
    double wide = 0.8 * f->spacing / f->c->count, unit = (WIDTH - LEFT - RIGHT) / (f->x1 - f->x0);
    for (int i = 0; i < s->count; i++) {
        if (!is_drawn(f->c, s->x[i], s->y[i])) continue;
        double x = to_x(f, s->x[i] - 0.4 * f->spacing + wide * series), y = to_y(f, s->y[i]);
        double zero = f->c->y_log ? f->bottom : to_y(f, 0);
        fprintf(html, "<rect class=\"f%d\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\">",
                series % COLOR_SERIES, x, fmin(y, zero), fmax(wide * unit - 0.6, 0.4), fabs(zero - y));
        write_tip(html, f->c, s, s->x[i], s->y[i]);
        fputs("</rect>", html);
    }
}

/* How many letters a text has: its bytes but for those that go on a UTF-8 sequence. */
static int letters_of(const char *text) {
    int letters = 0;
    for (; *text; text++) letters += ((unsigned char)*text & 0xc0) != 0x80;
    return letters;
}

/* Entries one after the other, broken into lines; writes nothing if `html` is NULL. Returns the lines. */
static int write_legend(FILE *html, const chart *c) {
    double x = LEFT, y = TOP - 2;
    int lines = 1;
    for (int s = 0; s < c->count; s++) {
        int wide = 40 + LETTER * letters_of(c->series[s].name);
        if (x > LEFT && x + wide > WIDTH) x = LEFT, y += LEGEND_LINE, lines++;
        if (html) {
            if (!c->bars)
                fprintf(html, "<path class=\"curve c%d\" stroke-dasharray=\"%s\" d=\"M%.1f %.1fh24\"/>",
                        s % COLOR_SERIES, dashes[s % MARKERS], x, y);
            write_marker(html, s, x + 12, y);
            end_marker(html, s);
            fprintf(html, "<text x=\"%.1f\" y=\"%.1f\">", x + 30, y + 4);
            page_text(html, c->series[s].name);
            fputs("</text>", html);
        }
        x += wide;
    }
    return lines;
}

/* What a screen reader says: the names of all, and of each its last and its extreme values. */
static void write_description(FILE *html, const chart *c) {
    fputs("<desc>", html);
    for (int s = 0; s < c->count; s++) {
        const chart_series *series = &c->series[s];
        double low = INFINITY, high = -INFINITY, last = NAN, at = NAN;
        for (int i = 0; i < series->count; i++) {
            if (!is_drawn(c, series->x[i], series->y[i])) continue;
            low = fmin(low, series->y[i]), high = fmax(high, series->y[i]);
            last = series->y[i], at = series->x[i];
        }
        page_text(html, series->name);
        if (!isfinite(last)) {
            fputs(": no values. ", html);
            continue;
        }
        fputs(": from ", html);
        write_number(html, c, true, low);
        fputs(" to ", html);
        write_number(html, c, true, high);
        fputs(", last ", html);
        write_number(html, c, true, last);
        fputs(" at ", html);
        write_number(html, c, false, at);
        fputs(". ", html);
    }
    fputs("</desc>", html);
}

void chart_write(FILE *html, const chart *c) {
    frame f = {.c = c};
    bool drawn = find_range(&f);
    f.top = TOP + (c->count > 1 ? write_legend(NULL, c) * LEGEND_LINE - 6 : 0);
    f.bottom = f.top + PLOT_HEIGHT;
    f.height = (int)f.bottom + BOTTOM;
    fprintf(html, "<svg class=\"chart\" role=\"img\" viewBox=\"0 0 %d %d\" aria-label=\"", WIDTH, f.height);
    page_text(html, c->title);
    fputs("\">", html);
    write_description(html, c);
    fprintf(html, "<text class=\"title\" x=\"%d\" y=\"20\">", LEFT);
    page_text(html, c->title);
    fputs("</text>", html);
    if (!drawn) {
        fprintf(html, "<text x=\"%d\" y=\"%.1f\">no values to draw</text></svg>\n", LEFT, f.top + 40);
        return;
    }
    choose_ticks(&f);
    write_axes(html, &f);
    if (c->count > 1) write_legend(html, c);
    if (c->diagonal)
        fprintf(html, "<line class=\"diagonal\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>",
                to_x(&f, 0), to_y(&f, 0), to_x(&f, 1), to_y(&f, 1));
    for (int s = 0; s < c->count; s++)
        if (c->bars)
            write_bars(html, &f, s);
        else
            write_curve(html, &f, s);
    fputs("</svg>\n", html);
}
