/* page.h - one self-contained page of HTML: no script, no network, light and dark, narrow and wide.
 *
 *     page p;
 *     TC_TRY(page_begin(&p, "run of Tuesday", 0));
 *     page_section(&p, "Curves");
 *     chart_write(p.html, &losses);
 *     page_picture(&p, &filters, 2, "the 32 filters of the first layer");
 *     return page_end(&p, "runs/x/report.html");          writes it whole or not at all, and frees it
 */
#ifndef PICTURES_PAGE_H
#define PICTURES_PAGE_H

#include "chart.h"
#include "image.h"

typedef struct page {
    FILE *html; /* into memory; what has no function below is written here, texts through page_text() */
    char *text;
    size_t size;
    bool in_section;
} page;

/* `refresh` > 0: the page reloads itself every so many seconds. TC_ERR_MEMORY. */
tc_status page_begin(page *p, const char *title, int refresh);
/* TC_ERR_IO names the file, TC_ERR_MEMORY where something was left out on the way. */
tc_status page_end(page *p, const char *path);
void page_free(page *p); /* the page given up */

/* Text with & < > " ' made harmless; bytes that are no UTF-8 become U+FFFD. */
void page_text(FILE *html, const char *text);
void page_section(page *p, const char *heading);                       /* ends the one before */
void page_heading(page *p, const char *heading);                       /* within a section */
void page_paragraph(page *p, const char *format, ...) TC_PRINTF(2, 3); /* escaped */
/* `scale` times as large; `alt` is what a screen reader says. In a build without libpng the alt text stands alone. */
void page_picture(page *p, const image *im, int scale, const char *alt);

/* Tables: page_table(p, "Classes", "class", "accuracy", NULL), a page_row(p, "cat", "61.2%", NULL) each,
 * page_table_end(p). The first cell heads its row; others that begin like a number are set right. */
void page_table(page *p, const char *caption, ...);
void page_row(page *p, ...);
void page_table_end(page *p);

#endif
