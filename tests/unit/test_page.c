/* Pages and charts: well-formed, whole, honest about gaps. That they look well is for eyes and e2e/test_browser.sh. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "page.h"
#include "suite.h"

static char path[] = "/tmp/tc_page_XXXXXX";

/* The chart as text; free it. */
static char *chart_text(const chart *c) {
    static char *text;
    static size_t size;
    FILE *html = open_memstream(&text, &size);
    chart_write(html, c);
    fclose(html);
    return text;
}

static int count_of(const char *text, const char *what) {
    int count = 0;
    for (; (text = strstr(text, what)); text += strlen(what)) count++;
    return count;
}

/* Tags open and close in order; text has no lone & or <. */
static void expect_well_formed(const char *html) {
    static const char *const empty[] = {"meta", "link", "img", "!DOCTYPE", "br"};
    char stack[64][16];
    int depth = 0;
    for (const char *at = html; *at; at++) {
        if (*at == '&') {
            size_t length = strspn(at + 1, "abcdefghijklmnopqrstuvwxyz#0123456789");
            ck_assert_msg(length > 0 && at[1 + length] == ';', "lone &: %.30s", at);
        }
        if (*at != '<') continue;
        char name[16] = "";
        bool closing = at[1] == '/';
        sscanf(at + 1 + closing, "%15[A-Za-z0-9!]", name);
        ck_assert_msg(name[0], "lone <: %.30s", at);
        const char *end = strchr(at, '>');
        ck_assert_ptr_nonnull(end);
        bool none = end[-1] == '/';
        for (int i = 0; i < 5; i++) none = none || strcmp(name, empty[i]) == 0;
        if (closing) {
            ck_assert_msg(depth > 0 && strcmp(stack[depth - 1], name) == 0, "</%s> closes <%s>", name,
                          depth > 0 ? stack[depth - 1] : "");
            depth--;
        } else if (!none) {
            ck_assert_int_lt(depth, 64);
            strcpy(stack[depth++], name);
        }
        at = end;
    }
    ck_assert_int_eq(depth, 0);
}

START_TEST(a_curve_has_gaps_where_there_is_no_value) {
    const double x[] = {1, 2, 3, 4, 5}, y[] = {0.5, NAN, 0.75, INFINITY, 0.8};
    char *text = chart_text(&(chart){.title = "accuracy <of> \"A & B\"",
                                     .x_label = "epoch",
                                     .y_label = "accuracy",
                                     .series = &(chart_series){"test", x, y, 5},
                                     .count = 1,
                                     .percent = true});
    expect_well_formed(text);
    /* Three points, each begins anew: three M in the curve, three markers with their values. */
    const char *curve = strstr(text, " d=\"");
    char *line = strndup(curve, strcspn(curve, ">"));
    ck_assert_int_eq(count_of(line, "M"), 3);
    free(line);
    ck_assert_int_eq(count_of(text, "<circle"), 3);
    ck_assert_ptr_nonnull(strstr(text, "<title>test: 3, 75%</title>"));
    ck_assert_ptr_nonnull(strstr(text, "from 50% to 80%, last 80% at 5"));
    ck_assert_ptr_nonnull(strstr(text, "accuracy &lt;of&gt; &quot;A &amp; B&quot;"));
    ck_assert_ptr_null(strstr(text, "nan"));
    ck_assert_ptr_null(strstr(text, "inf"));
    free(text);
}
END_TEST

START_TEST(places_are_to_scale) {
    const double x[] = {0, 10}, y[] = {0, 1};
    char *text = chart_text(&(chart){
        .title = "t", .x_label = "x", .y_label = "y", .series = &(chart_series){"s", x, y, 2}, .count = 1});
    /* The plot is 76 .. 622 wide and 40 .. 280 high. */
    ck_assert_ptr_nonnull(strstr(text, "d=\"M76.0 280.0L622.0 40.0\""));
    free(text);
}
END_TEST

START_TEST(a_logarithm_leaves_out_what_has_none) {
    const double x[] = {1, 2, 3, 4}, y[] = {0, 1, 10, 100};
    char *text = chart_text(&(chart){.title = "t",
                                     .x_label = "x",
                                     .y_label = "y",
                                     .series = &(chart_series){"s", x, y, 4},
                                     .count = 1,
                                     .y_log = true});
    expect_well_formed(text);
    ck_assert_int_eq(count_of(text, "<circle"), 3);
    ck_assert_ptr_nonnull(strstr(text, ">10</text>"));
    free(text);
}
END_TEST

START_TEST(odd_data_does_no_harm) {
    const double one[] = {3}, nothing[] = {NAN}, huge[] = {1e300, -1e300, 1e300}, x[] = {1, 2, 3};
    const chart_series odd[] = {
        {"one", one, one, 1}, {"none", one, nothing, 1}, {"empty", NULL, NULL, 0}, {"huge", x, huge, 3}};
    for (int i = 0; i < 4; i++)
        for (int kind = 0; kind < 4; kind++) {
            char *text = chart_text(&(chart){.title = "t",
                                             .x_label = "x",
                                             .y_label = "y",
                                             .series = &odd[i],
                                             .count = 1,
                                             .bars = kind == 1,
                                             .y_log = kind == 2,
                                             .percent = kind == 3});
            expect_well_formed(text);
            ck_assert_ptr_null(strstr(text, "nan"));
            ck_assert_ptr_null(strstr(text, "inf"));
            ck_assert_int_eq(strstr(text, "no values to draw") != NULL, i == 1 || i == 2);
            free(text);
        }
}
END_TEST

START_TEST(a_long_curve_keeps_its_extremes) {
    enum { POINTS = 20000 };
    static double x[POINTS], y[POINTS];
    for (int i = 0; i < POINTS; i++) x[i] = i, y[i] = sin(i / 500.0);
    y[12345] = 50;
    char *text = chart_text(&(chart){.title = "t",
                                     .x_label = "x",
                                     .y_label = "y",
                                     .series = &(chart_series){"s", x, y, POINTS},
                                     .count = 1});
    expect_well_formed(text);
    ck_assert_int_lt((int)strlen(text), 20000);
    /* The peak touches the top of the plot. */
    ck_assert_ptr_nonnull(strstr(text, " 40.0L"));
    free(text);
}
END_TEST

START_TEST(many_series_have_a_legend) {
    const double x[] = {0, 1}, y[] = {0.25, 0.5};
    chart_series series[9];
    for (int i = 0; i < 9; i++) series[i] = (chart_series){"a run with a long name", x, y, 2};
    char *text =
        chart_text(&(chart){.title = "t", .x_label = "x", .y_label = "y", .series = series, .count = 9});
    expect_well_formed(text);
    ck_assert_int_eq(count_of(text, ">a run with a long name</text>"), 9);
    ck_assert_int_eq(count_of(text, "stroke-dasharray=\"7 4\""), 4);
    free(text);
}
END_TEST

static char *written(void) {
    FILE *f = fopen(path, "rb");
    ck_assert_ptr_nonnull(f);
    char *text = calloc(1, 1 << 20);
    ck_assert_uint_gt(fread(text, 1, (1 << 20) - 1, f), 0);
    fclose(f);
    return text;
}

START_TEST(a_page_is_whole) {
    page p;
    image im;
    ck_assert_int_eq(page_begin(&p, "a <page> of \"runs\" \xff\xc3\xa4 &", 5), TC_OK);
    page_section(&p, "one & two");
    page_paragraph(&p, "%d < %s", 3, "x & y");
    page_heading(&p, "within");
    page_table(&p, "classes", "class", "accuracy", "remark", NULL);
    page_row(&p, "cat", "61.2%", "<none>", NULL);
    page_table_end(&p);
    ck_assert_int_eq(image_create(3, 2, (color){1, 2, 3}, &im), TC_OK);
    page_picture(&p, &im, 4, "three \"pixels\"");
    page_section(&p, "charts");
    chart_write(p.html, &(chart){.title = "t", .x_label = "x", .y_label = "y"});
    ck_assert_msg(page_end(&p, path) == TC_OK, "%s", tc_last_error());
    image_free(&im);
    char *text = written();
    expect_well_formed(text);
    ck_assert_ptr_nonnull(strstr(text, "<html lang=\"en\">"));
    ck_assert_ptr_nonnull(strstr(text, "a &lt;page&gt; of &quot;runs&quot; \xef\xbf\xbd\xc3\xa4 &amp;"));
    ck_assert_ptr_nonnull(strstr(text, "http-equiv=\"refresh\" content=\"5\""));
    ck_assert_ptr_nonnull(strstr(text, "<p>3 &lt; x &amp; y</p>"));
    ck_assert_ptr_nonnull(strstr(text, "<th scope=\"row\">cat</th><td class=\"n\">61.2%</td>"));
    if (image_png_version())
        ck_assert_ptr_nonnull(strstr(text, "<img width=\"12\" height=\"8\" alt=\"three &quot;"));
    ck_assert_int_eq(count_of(text, "<h1>"), 1);
    ck_assert_int_eq(count_of(text, "<section>"), 2);
    /* Nothing is fetched. */
    ck_assert_ptr_null(strstr(text, "http:"));
    ck_assert_ptr_null(strstr(text, "https:"));
    ck_assert_ptr_null(strstr(text, "<script"));
    free(text);
    remove(path);
    ck_assert_int_eq(page_begin(&p, "nowhere", 0), TC_OK);
    ck_assert_int_eq(page_end(&p, "/nowhere/page.html"), TC_ERR_IO);
}
END_TEST

static void add(TCase *tests) {
    tcase_add_test(tests, a_curve_has_gaps_where_there_is_no_value);
    tcase_add_test(tests, places_are_to_scale);
    tcase_add_test(tests, a_logarithm_leaves_out_what_has_none);
    tcase_add_test(tests, odd_data_does_no_harm);
    tcase_add_test(tests, a_long_curve_keeps_its_extremes);
    tcase_add_test(tests, many_series_have_a_legend);
    tcase_add_test(tests, a_page_is_whole);
}

int main(void) {
    int file = mkstemp(path);
    if (file < 0) return 1;
    close(file);
    int code = suite_main("page", add);
    remove(path);
    return code;
}
