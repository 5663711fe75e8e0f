/* grid.h - pictures side by side with labels: a contact sheet, the filters of a layer, feature maps.
 *
 *     grid_cell cells[] = {{&before, "before"}, {&after, "after"}};
 *     TC_TRY(grid_draw(cells, 2, &(grid_options){.title = "max pooling", .scale = 4}, &sheet));
 *     status = image_write_png(&sheet, "pooling.png"); */
#ifndef PICTURES_GRID_H
#define PICTURES_GRID_H

#include "image.h"

typedef struct grid_cell {
    const image *picture; /* NULL: the cell stays empty */
    const char *label; /* below the picture; cut with ".." where it is wider than its column; may be NULL */
} grid_cell;

typedef struct grid_options {
    const char *title;          /* above; may hold several lines; NULL: none */
    int columns;                /* 0: as many as make the sheet about square */
    int scale;                  /* pixels a picture's pixel; 0: so that small pictures are about 64 wide */
    const char *const *rows;    /* a name for each row, at its left; NULL: none */
    const char *const *headers; /* a name for each column, above it; NULL: none */
    bool tight;                 /* cells touch but for a line: for many small ones */
} grid_options;

/* All cells in columns as wide as the widest picture. TC_ERR_ARGUMENT where the sheet would be larger than an image can
 * be. `options` may be NULL. */
tc_status grid_draw(const grid_cell *cells, int count, const grid_options *options, image *sheet);

#endif
