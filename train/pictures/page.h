/* page.h - one self-contained page of HTML: no script from elsewhere, no network, light and dark, narrow and wide.
 *
 *     FILE *page = page_begin("run of Tuesday", 0);       NULL where memory is short
 *     page_section(page, "Curves");
 *     chart_write(page, &losses);
 *     page_picture(page, &filters, 2, "the 32 filters of the first layer");
 *     status = page_end(page, "runs/x/report.html");      writes it whole or not at all, frees it
 */
#ifndef PICTURES_PAGE_H
#define PICTURES_PAGE_H

#include "chart.h"
#include "image.h"

/* A page in memory. `refresh` > 0: it reloads itself every so many seconds. */
FILE *page_begin(const char *title, int refresh);
/* TC_ERR_IO names the file. `page` is gone in any case; NULL is answered by TC_ERR_MEMORY. */
tc_status page_end(FILE *page, const char *path);
/* The page as text instead; free(*text). */
tc_status page_end_text(FILE *page, char **text, size_t *size);

/* Text with & < > " ' made harmless. Bytes that are no UTF-8 become U+FFFD. */
void page_text(FILE *page, const char *text);
void page_section(FILE *page, const char *heading); /* <h2>; closes the section before */
void page_paragraph(FILE *page, const char *format, ...) TC_PRINTF(2, 3); /* escaped */
/* A picture, `scale` times as large; `alt` is what a screen reader says. Without libpng the alt text stands alone. */
void page_picture(FILE *page, const image *im, int scale, const char *alt);

/* Tables: page_table(p, "caption", "class", "accuracy", NULL); then rows of cells; page_table_end(p). Cells that begin
 * with a digit, a sign or a dot are set right. */
void page_table(FILE *page, const char *caption, ...);
void page_row(FILE *page, ...); /* texts, NULL at the end; the first heads the row */
void page_table_end(FILE *page);

#endif
