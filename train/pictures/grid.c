/* grid.c - everything lies on a raster: a column is as wide as the widest picture, a row as high as the highest.
 *
 *     title
 *              header   header
 *     row      +-----+  +-----+
 *              |     |  |     |
 *              +-----+  +-----+
 *              label    label                                                                              */
#include "grid.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MARGIN = 12, GAP = 10, TIGHT_GAP = 2, TITLE_SCALE = 2, WANTED_WIDTH = 96, LABEL_MAX = 256 };

static const color INK = {32, 32, 32};

typedef struct layout {
    const grid_cell *cells;
    grid_options o; /* with its defaults filled in */
    int count, rows;
    int width, height; /* of a cell's picture, in pixels of the sheet */
    int text;          /* scale of labels and names */
    int left;          /* room for the rows' names */
    int top;           /* where the first row begins */
    int gap;
    int pitch_x, pitch_y; /* from one cell to the next */
} layout;

static int lines_of(const char *text) {
    int lines = 1;
    for (; *text; text++) lines += *text == '\n';
    return lines;
}

/* The widest of `count` texts at scale 1; NULLs are nothing. */
static int widest(const char *const *texts, int count) {
    int width = 0;
    for (int i = 0; texts && i < count; i++) {
        int w = texts[i] ? image_text_width(texts[i], 1) : 0;
        if (w > width) width = w;
    }
    return width;
}

static int widest_label(const layout *l) {
    int width = 0;
    for (int i = 0; i < l->count; i++) {
        const char *label = l->cells[i].label;
        int w = label ? image_text_width(label, 1) : 0;
        if (w > width) width = w;
    }
    return width;
}

static void measure_pictures(layout *l) {
    int width = 1, height = 1;
    for (int i = 0; i < l->count; i++) {
        const image *p = l->cells[i].picture;
        if (p && p->width > width) width = p->width;
        if (p && p->height > height) height = p->height;
    }
    if (l->o.scale <= 0) l->o.scale = width < WANTED_WIDTH ? (WANTED_WIDTH + width - 1) / width : 1;
    l->width = width * l->o.scale;
    l->height = height * l->o.scale;
    if (l->o.columns <= 0) l->o.columns = (int)ceil(sqrt((double)l->count));
    if (l->o.columns > l->count) l->o.columns = l->count;
    l->rows = (l->count + l->o.columns - 1) / l->o.columns;
}

static void place(layout *l) {
    measure_pictures(l);
    l->gap = l->o.tight ? TIGHT_GAP : GAP;
    int label = widest_label(l), header = widest(l->o.headers, l->o.columns);
    /* Large letters where all of them fit. */
    l->text = 2 * label <= l->width && 2 * header <= l->width ? 2 : 1;
    int names = widest(l->o.rows, l->rows);
    l->left = MARGIN + (names > 0 ? names * l->text + GAP : 0);
    l->top = MARGIN;
    if (l->o.title) l->top += lines_of(l->o.title) * IMAGE_TEXT_HEIGHT * TITLE_SCALE + MARGIN / 2;
    if (l->o.headers) l->top += IMAGE_TEXT_HEIGHT * l->text + 4;
    l->pitch_x = l->width + l->gap;
    l->pitch_y = l->height + l->gap + (label > 0 ? IMAGE_TEXT_HEIGHT * l->text + 2 : 0);
}

/* The text as far as it fits, with ".." in the place of the rest. */
static void draw_cut(image *sheet, int x, int y, int scale, int width, const char *text) {
    char cut[LABEL_MAX];
    int room = width / (IMAGE_TEXT_WIDTH * scale);
    if (room >= LABEL_MAX) room = LABEL_MAX - 1;
    if ((int)strlen(text) <= room)
        snprintf(cut, sizeof cut, "%s", text);
    else
        snprintf(cut, sizeof cut, "%.*s..", room > 2 ? room - 2 : 0, text);
    image_text(sheet, x, y, scale, INK, cut);
}

static void draw_title(image *sheet, const char *title) {
    int y = MARGIN;
    for (const char *line = title; line; y += IMAGE_TEXT_HEIGHT * TITLE_SCALE) {
        const char *end = strchr(line, '\n');
        char text[LABEL_MAX];
        snprintf(text, sizeof text, "%.*s", end ? (int)(end - line) : LABEL_MAX - 1, line);
        image_text(sheet, MARGIN, y, TITLE_SCALE, INK, text);
        line = end ? end + 1 : NULL;
    }
}

static void draw(const layout *l, image *sheet) {
    if (l->o.title) draw_title(sheet, l->o.title);
    for (int c = 0; l->o.headers && c < l->o.columns; c++)
        if (l->o.headers[c])
            draw_cut(sheet, l->left + c * l->pitch_x, l->top - IMAGE_TEXT_HEIGHT * l->text - 4, l->text,
                     l->pitch_x, l->o.headers[c]);
    for (int r = 0; l->o.rows && r < l->rows; r++)
        if (l->o.rows[r])
            image_text(sheet, MARGIN, l->top + r * l->pitch_y + (l->height - IMAGE_TEXT_HEIGHT * l->text) / 2,
                       l->text, INK, l->o.rows[r]);
    for (int i = 0; i < l->count; i++) {
        int x = l->left + i % l->o.columns * l->pitch_x, y = l->top + i / l->o.columns * l->pitch_y;
        const grid_cell *cell = &l->cells[i];
        /* A hairline around the picture: a white one is seen on the white sheet. */
        if (cell->picture) {
            image_rectangle(sheet, x - 1, y - 1, cell->picture->width * l->o.scale + 2,
                            cell->picture->height * l->o.scale + 2, (color){160, 160, 160});
            image_paste(sheet, x, y, l->o.scale, cell->picture);
        }
        if (cell->label) draw_cut(sheet, x, y + l->height + 3, l->text, l->width + l->gap, cell->label);
    }
}

/* How wide the title is, its widest line. */
static int title_width(const char *title) {
    int width = 0, line = 0;
    for (; title && *title; title++) {
        line = *title == '\n' ? 0 : line + IMAGE_TEXT_WIDTH * TITLE_SCALE;
        if (line > width) width = line;
    }
    return width;
}

tc_status grid_draw(const grid_cell *cells, int count, const grid_options *options, image *sheet) {
    *sheet = (image){0};
    if (count < 1) return tc_fail(TC_ERR_ARGUMENT, "a sheet without pictures");
    layout l = {.cells = cells, .count = count};
    if (options) l.o = *options;
    place(&l);
    int64_t width = l.left + (int64_t)l.o.columns * l.pitch_x - l.gap + MARGIN;
    int64_t height = l.top + (int64_t)l.rows * l.pitch_y - l.gap + MARGIN;
    if (width < title_width(l.o.title) + 2 * MARGIN) width = title_width(l.o.title) + 2 * MARGIN;
    if (width > IMAGE_SIDE_MAX || height > IMAGE_SIDE_MAX)
        return tc_fail(TC_ERR_ARGUMENT, "a sheet of %lld x %lld pixels, expected sides of at most %d",
                       (long long)width, (long long)height, IMAGE_SIDE_MAX);
    TC_TRY(image_create((int)width, (int)height, COLOR_WHITE, sheet));
    draw(&l, sheet);
    return TC_OK;
}
