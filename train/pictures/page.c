/* page.c - everything that a page needs stands in it: its style, its pictures as data. */
#include "page.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Every pair of ink and ground has a contrast of at least 4.5 to 1. */
static const char style[] =
    ":root{color-scheme:light dark;--ground:#fff;--ink:#1c1c1c;--soft:#595959;--line:#d0d0d0;--band:#f4f4f6}"
    "@media(prefers-color-scheme:dark){:root{--ground:#16181c;--ink:#e9e9ea;--soft:#a9abb0;--line:#3c3f46;"
    "--band:#20232a}}"
    "*{box-sizing:border-box}body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,"
    "sans-serif}main,header{max-width:72rem;margin:0 auto;padding:0 1rem;overflow-wrap:anywhere}"
    "h1{font-size:1.6rem;line-height:1.25;margin:1.2rem 0 .4rem}h2{font-size:1.25rem;margin:2rem 0 .5rem;"
    "border-top:1px solid var(--line);padding-top:1rem}h3{font-size:1.05rem;margin:1.4rem 0 .4rem}"
    "p{max-width:46rem}.skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:.5rem;background:var(--"
    "ground);"
    "padding:.4rem}a{color:inherit}:focus-visible{outline:3px solid #0a84d0;outline-offset:2px}"
    ".charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));gap:0 1.5rem}"
    ".scroll{overflow-x:auto;max-width:100%}table{border-collapse:collapse;margin:.6rem 0;font-size:.92rem}"
    "caption{text-align:left;font-weight:600;padding:.3rem 0}th,td{padding:.25rem .6rem;text-align:left;"
    "border-bottom:1px solid "
    "var(--line);white-space:nowrap}td.n{text-align:right;font-variant-numeric:tabular-nums}"
    "thead th{background:var(--band)}tbody "
    "th{font-weight:500}td.long{white-space:normal;overflow-wrap:anywhere;min-width:14rem}"
    "img{max-width:100%;height:auto;image-rendering:pixelated;display:block}figure{margin:.6rem 0}"
    "pre{background:var(--band);padding:.8rem;overflow-x:auto;font-size:.85rem;line-height:1.35}"
    ".tiles{display:flex;flex-wrap:wrap;gap:1rem;padding:0;list-style:none}.tiles "
    "li{width:9rem;font-size:.85rem;"
    "line-height:1.35}@media print{.scroll{overflow:visible}}";

tc_status page_begin(page *p, const char *title, int refresh) {
    *p = (page){0};
    p->html = open_memstream(&p->text, &p->size);
    if (!p->html) return tc_fail(TC_ERR_MEMORY, "no memory for a page");
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<link rel=\"icon\" href=\"data:,\">\n",
          p->html);
    if (refresh > 0) fprintf(p->html, "<meta http-equiv=\"refresh\" content=\"%d\">\n", refresh);
    fputs("<title>", p->html);
    page_text(p->html, title);
    fprintf(p->html, "</title>\n<style>%s%s</style>\n</head>\n<body>\n", style, chart_style);
    fputs("<a class=\"skip\" href=\"#main\">to the content</a>\n<header><h1>", p->html);
    page_text(p->html, title);
    fputs("</h1></header>\n<main id=\"main\">\n", p->html);
    return TC_OK;
}

static void end_section(page *p) {
    if (p->in_section) fputs("</section>\n", p->html);
    p->in_section = false;
}

void page_free(page *p) {
    if (p->html) fclose(p->html);
    free(p->text);
    *p = (page){0};
}

tc_status page_end(page *p, const char *path) {
    end_section(p);
    fputs("</main>\n</body>\n</html>\n", p->html);
    bool whole = !ferror(p->html) && fflush(p->html) == 0;
    tc_status status = whole ? tc_write_file(path, p->text, p->size)
                             : tc_fail(TC_ERR_MEMORY, "%s: no memory for this page", path);
    page_free(p);
    return status;
}

/* The bytes of the UTF-8 sequence that begins here; 0 if there is none. */
static int sequence(const unsigned char *text) {
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    int bytes = text[0] < 0x80       ? 1
                : text[0] >> 5 == 6  ? 2
                : text[0] >> 4 == 14 ? 3
                : text[0] >> 3 == 30 ? 4
                                     : 0;
    unsigned code = bytes > 1 ? text[0] & (0x7fu >> bytes) : text[0];
    for (int i = 1; i < bytes; i++) {
        if (text[i] >> 6 != 2) return 0; /* the end of the text as well */
        code = code << 6 | (text[i] & 0x3f);
    }
    bool valid = bytes > 0 && code >= least[bytes] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    return valid ? bytes : 0;
}

void page_text(FILE *html, const char *text) {
    const unsigned char *at = (const unsigned char *)text;
    while (*at) {
        int bytes = sequence(at);
        if (bytes == 0 || (*at < ' ' && *at != '\n' && *at != '\t'))
            fputs("\xef\xbf\xbd", html);
        else if (*at == '&')
            fputs("&amp;", html);
        else if (*at == '<')
            fputs("&lt;", html);
        else if (*at == '>')
            fputs("&gt;", html);
        else if (*at == '"')
            fputs("&quot;", html);
        else if (*at == '\'')
            fputs("&#39;", html);
        else
            fwrite(at, 1, (size_t)bytes, html);
        at += bytes > 0 ? bytes : 1;
    }
}

void page_section(page *p, const char *heading) {
    end_section(p);
    fputs("<section>\n<h2>", p->html);
    page_text(p->html, heading);
    fputs("</h2>\n", p->html);
    p->in_section = true;
}

void page_heading(page *p, const char *heading) {
    fputs("<h3>", p->html);
    page_text(p->html, heading);
    fputs("</h3>\n", p->html);
}

void page_paragraph(page *p, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = malloc((size_t)length + 1);
    if (!text) return;
    va_start(arguments, format);
    vsnprintf(text, (size_t)length + 1, format, arguments);
    va_end(arguments);
    fputs("<p>", p->html);
    page_text(p->html, text);
    fputs("</p>\n", p->html);
    free(text);
}

static void write_base64(FILE *html, const uint8_t *bytes, size_t size) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t three = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                         (left > 2 ? bytes[i + 2] : 0);
        fputc(digits[three >> 18], html);
        fputc(digits[three >> 12 & 63], html);
        fputc(left > 1 ? digits[three >> 6 & 63] : '=', html);
        fputc(left > 2 ? digits[three & 63] : '=', html);
    }
}

void page_picture(page *p, const image *im, int scale, const char *alt) {
    uint8_t *bytes;
    size_t size;
    if (image_encode_png(im, &bytes, &size) != TC_OK) {
        page_paragraph(p, "(picture: %s)", alt);
        return;
    }
    fprintf(p->html, "<img width=\"%d\" height=\"%d\" alt=\"", im->width * scale, im->height * scale);
    page_text(p->html, alt);
    fputs("\" src=\"data:image/png;base64,", p->html);
    write_base64(p->html, bytes, size);
    fputs("\">\n", p->html);
    free(bytes);
}

/* ---- Tables ------------------------------------------------------------------------------------------- */

void page_table(page *p, const char *caption, ...) {
    va_list names;
    fputs("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"", p->html);
    page_text(p->html, caption);
    fputs("\"><table><caption>", p->html);
    page_text(p->html, caption);
    fputs("</caption><thead><tr>", p->html);
    va_start(names, caption);
    for (const char *name; (name = va_arg(names, const char *));) {
        fputs("<th scope=\"col\">", p->html);
        page_text(p->html, name);
        fputs("</th>", p->html);
    }
    va_end(names);
    fputs("</tr></thead><tbody>\n", p->html);
}

void page_row(page *p, ...) {
    va_list cells;
    va_start(cells, p);
    fputs("<tr>", p->html);
    bool first = true;
    for (const char *cell; (cell = va_arg(cells, const char *)); first = false) {
        bool number = cell[0] != '\0' && strchr("0123456789+-.", cell[0]) != NULL && strlen(cell) < 24;
        fputs(first               ? "<th scope=\"row\">"
              : number            ? "<td class=\"n\">"
              : strlen(cell) > 40 ? "<td class=\"long\">"
                                  : "<td>",
              p->html);
        page_text(p->html, cell);
        fputs(first ? "</th>" : "</td>", p->html);
    }
    va_end(cells);
    fputs("</tr>\n", p->html);
}

void page_table_end(page *p) {
    fputs("</tbody></table></div>\n", p->html);
}
