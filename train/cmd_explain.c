/* cmd_explain.c - `tinycnn explain`: how the sizes, the work and the sight of a net come about, a layer a row.
 *
 * What down-sampling saves: with j the distance, in pixels of the picture, of two neighbouring elements of a layer's
 * result, the layer computes one element where it would compute j_h j_w without any stride before or in it. So the
 * net would take sum m_i j_h,i j_w,i multiply-adds in the place of sum m_i. A linear layer behind a flatten would have
 * as many times more inputs; behind a mean over the picture nothing changes. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "models.h"
#include "report.h"
#include "saved_net.h"

typedef struct explain_settings {
    const char *model, *checkpoint;
    option_list input;
    int64_t classes;
    bool json;
} explain_settings;

#define AT(field) .at = offsetof(explain_settings, field)
static const option explain_options[] = {
    {"model", "NAME", OPTION_TEXT, "lesson", AT(model), .known = known_model, .help = "the net"},
    {"checkpoint", "FILE", OPTION_TEXT, NULL, AT(checkpoint),
     .help = "the net of this file, for its own pictures and classes, in the place of --model"},
    {"input", "C,H,W", OPTION_LIST, "3,32,32", .low = 1, .high = 32767, .whole = true, AT(input),
     .help = "channels, height and width of a picture"},
    {"classes", "K", OPTION_INTEGER, "10", .low = 2, .high = 100000, AT(classes),
     .help = "classes to tell apart"},
    {"json", NULL, OPTION_SWITCH, "no", AT(json), .help = "print one JSON object"},
    {0}};

static int run_explain(int argc, char **argv);
const command command_explain = {
    .name = "explain",
    "Explains a net layer by layer: how each size comes about, what it sees, what it costs",
    NULL,
    explain_options,
    run_explain};

typedef struct explained {
    tc_layer_summary *rows;
    int count;
} explained;

/* ---- What pooling saves ------------------------------------------------------------------------------- */

/* Multiply-adds if nothing made pictures smaller, or if only the pooling in row `one` did not (-1: nothing at all). */
static double work_without(const explained *e, int one) {
    double factor = 1, sum = 0;
    for (int i = 0; i < e->count; i++) {
        const tc_layer_summary *row = &e->rows[i];
        bool is_picture = row->ndim == 4 && row->receptive_field_h > 0;
        if (is_picture && one < 0) factor = (double)row->jump_h * (double)row->jump_w;
        if (i == one) factor = (double)row->window[0].stride * (double)row->window[1].stride;
        /* A mean over the picture gives as much however large that was. */
        if (row->divides) factor = 1;
        sum += factor * (double)row->multiply_adds;
    }
    return sum;
}

static double work_with(const explained *e) {
    double sum = 0;
    for (int i = 0; i < e->count; i++) sum += (double)e->rows[i].multiply_adds;
    return sum;
}

static bool is_pooling(const tc_layer_summary *row) {
    return row->slides && (strcmp(row->type, "maxpool2d") == 0 || strcmp(row->type, "avgpool2d") == 0);
}

/* ---- As a table --------------------------------------------------------------------------------------- */

static const char *shape_text(const int64_t *shape, int ndim, char *text, size_t size) {
    text[0] = '\0';
    for (int i = 1; i < ndim; i++) {
        size_t used = strlen(text);
        snprintf(text + used, size - used, "%s%lld", i > 1 ? " x " : "", (long long)shape[i]);
    }
    return text;
}

/* How the size of the result comes about. */
static const char *size_text(const tc_layer_summary *row, char *text, size_t size) {
    char high[TC_WINDOW_TEXT], wide[TC_WINDOW_TEXT];
    text[0] = '\0';
    if (row->divides)
        snprintf(text, size, "means of %lld x %lld", (long long)row->window[0].kernel,
                 (long long)row->window[1].kernel);
    if (!row->slides) return text;
    tc_window_text(&row->window[0], row->input_shape[2], high);
    tc_window_text(&row->window[1], row->input_shape[3], wide);
    if (strcmp(high, wide) == 0)
        snprintf(text, size, "%s", high);
    else
        snprintf(text, size, "%s; %s", high, wide);
    return text;
}

static void print_table(const explained *e) {
    int path = 5;
    for (int i = 0; i < e->count; i++)
        if ((int)strlen(e->rows[i].path) > path) path = (int)strlen(e->rows[i].path);
    printf("%-*s  %-16s %-14s %-9s %10s %13s %9s  %s\n", path, "layer", "type", "output", "sees",
           "parameters", "multiply-adds", "kept KB", "height and width of the output");
    for (int i = 0; i < e->count; i++) {
        const tc_layer_summary *row = &e->rows[i];
        char shape[64], sees[48] = "", size[2 * TC_WINDOW_TEXT + 4];
        shape_text(row->output_shape, row->ndim, shape, sizeof shape);
        if (row->receptive_field_h > 0)
            snprintf(sees, sizeof sees, "%lld x %lld", (long long)row->receptive_field_h,
                     (long long)row->receptive_field_w);
        printf("%-*s  %-16s %-14s %-9s %10lld %13lld %9.1f  %s\n", path, row->path, row->type, shape, sees,
               (long long)row->parameters, (long long)row->multiply_adds, (double)row->activation_bytes / 1e3,
               size_text(row, size, sizeof size));
    }
}

static void print_savings(const explained *e) {
    double with = work_with(e), without = work_without(e, -1);
    if (with <= 0) return;
    printf("\n");
    for (int i = 0; i < e->count; i++) {
        const tc_layer_summary *row = &e->rows[i];
        if (!is_pooling(row) || row->window[0].stride * row->window[1].stride < 2) continue;
        double kept = work_without(e, i);
        printf("Pooling in layer %s keeps one element of %lld: the net takes %.0f%% fewer multiply-adds than "
               "without it "
               "(%.1f million, not %.1f).\n",
               row->path, (long long)(row->window[0].stride * row->window[1].stride), 100 * (1 - with / kept),
               with / 1e6, kept / 1e6);
    }
    if (without > with)
        printf(
            "All that makes pictures smaller saves %.1f%%: %.1f million multiply-adds a picture, not %.1f.\n",
            100 * (1 - with / without), with / 1e6, without / 1e6);
    else
        printf("Nothing in this net makes pictures smaller: %.1f million multiply-adds a picture.\n",
               with / 1e6);
    printf("\nSize: floor((L + 2P - D(K-1) - 1) / S) + 1 of a side L, with kernel K, stride S, padding P, "
           "dilation D.\n"
           "Sees: pixels of the picture that one element of the output depends on (nothing: on all).\n"
           "Kept: what training keeps of the layer's result, for one picture.\n");
}

/* ---- As JSON ------------------------------------------------------------------------------------------ */

static json_t *row_json(const tc_layer_summary *row) {
    char size[2 * TC_WINDOW_TEXT + 4];
    json_t *shape = json_array();
    for (int i = 1; i < row->ndim; i++) json_array_append_new(shape, json_integer(row->output_shape[i]));
    return json_pack("{s:s, s:s, s:o, s:[I,I], s:[I,I], s:I, s:I, s:I, s:s}", "layer", row->path, "type",
                     row->type, "output", shape, "receptive_field", (json_int_t)row->receptive_field_h,
                     (json_int_t)row->receptive_field_w, "jump", (json_int_t)row->jump_h,
                     (json_int_t)row->jump_w, "parameters", (json_int_t)row->parameters, "multiply_adds",
                     (json_int_t)row->multiply_adds, "activation_bytes", (json_int_t)row->activation_bytes,
                     "size", size_text(row, size, sizeof size));
}

static void print_json(const explained *e) {
    json_t *rows = json_array();
    for (int i = 0; i < e->count; i++) json_array_append_new(rows, row_json(&e->rows[i]));
    json_t *all = json_pack("{s:o, s:f, s:f}", "layers", rows, "multiply_adds", work_with(e),
                            "multiply_adds_without_downsampling", work_without(e, -1));
    json_dumpf(all, stdout, JSON_REAL_PRECISION(12));
    printf("\n");
    json_decref(all);
}

/* ---- The command -------------------------------------------------------------------------------------- */

/* Rows up to the layer that fails are shown as well. */
static tc_status explain(const explain_settings *s, tc_model *model, const int64_t shape[4]) {
    enum { ROWS = 1024 };
    explained e = {.rows = calloc(ROWS, sizeof *e.rows)};
    if (!e.rows) return tc_fail(TC_ERR_MEMORY, "no memory for %d rows", ROWS);
    tc_status status = tc_model_summary(model, shape, e.rows, ROWS, &e.count);
    if (e.count > ROWS) status = tc_fail(TC_ERR_ARGUMENT, "%d layers, expected at most %d", e.count, ROWS);
    if (status == TC_OK && s->json) print_json(&e);
    if (!s->json && e.count > 0 && e.count <= ROWS) print_table(&e);
    if (status == TC_OK && !s->json) print_savings(&e);
    free(e.rows);
    return status;
}

static int explain_named(const explain_settings *s) {
    const tc_model_entry *entry = tc_model_entry_find(s->model);
    if (!entry) return report(EXIT_USAGE, "explain", "--model: %s", tc_last_error());
    int64_t shape[4] = {1, (int64_t)s->input.values[0], (int64_t)s->input.values[1],
                        (int64_t)s->input.values[2]};
    tc_model *model;
    tc_status status = tc_model_create(
        tc_model_build(entry, tc_net_of((int)shape[1], (int)shape[2], (int)shape[3], (int)s->classes)), 1,
        &model);
    if (status == TC_OK) status = explain(s, model, shape);
    tc_model_free(model);
    return status == TC_OK ? EXIT_GOOD : report_failure("explain");
}

static int explain_saved(const explain_settings *s, bool given_input) {
    described d;
    tc_model *model;
    tc_status status = saved_net_open(s->checkpoint, &d, &model);
    int64_t shape[4] = {1, d.net.channels, d.net.height, d.net.width};
    for (int i = 0; given_input && i < 3; i++) shape[i + 1] = (int64_t)s->input.values[i];
    if (status == TC_OK) status = explain(s, model, shape);
    tc_model_free(model);
    described_free(&d);
    return status == TC_OK ? EXIT_GOOD : report_failure("explain");
}

static int run_explain(int argc, char **argv) {
    explain_settings s = {0};
    bool given[OPTIONS_MAX];
    parse_result parsed = options_parse(&command_explain, argc, argv, &s, given);
    if (parsed != PARSE_OK) return parsed == PARSE_HELP ? EXIT_GOOD : EXIT_USAGE;
    if (s.input.count != 3)
        return report(EXIT_USAGE, "explain", "--input: %d numbers, expected three: C,H,W", s.input.count);
    return s.checkpoint ? explain_saved(&s, given[option_index(explain_options, "input")])
                        : explain_named(&s);
}
