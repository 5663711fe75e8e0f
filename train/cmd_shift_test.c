/* cmd_shift_test.c - `tinycnn shift-test`: accuracy of a saved net against shift, rotation, noise and so on. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "commands.h"
#include "page.h"
#include "report.h"
#include "robustness.h"

typedef struct shift_settings {
    const char *checkpoint, *data, *data_dir, *out;
    int64_t pictures, threads;
    bool json;
} shift_settings;

#define AT(field) .at = offsetof(shift_settings, field)
static const option shift_options[] = {
    {"checkpoint", "FILE", OPTION_TEXT, NULL, AT(checkpoint),
     .help = "the saved net, e.g. best.safetensors of a run (needed)"},
    {"data", "NAME|PATH", OPTION_TEXT, "shapes", AT(data), .help = DATA_HELP, .known = tc_dataset_known},
    {"data-dir", "DIR", OPTION_TEXT, NULL, AT(data_dir),
     .help = "where to look for data first; then $TINYCNN_DATA, then ~/.cache/tinycnn"},
    {"pictures", "N", OPTION_INTEGER, "2000", .low = 0, .high = 1e9, AT(pictures),
     .help = "the first so many test pictures; 0: all"},
    {"out", "FILE", OPTION_TEXT, NULL, AT(out),
     .help = "a page of HTML with the curves; without it shift-test-MODEL.html"},
    {"threads", "P", OPTION_INTEGER, "0", .low = 0, .high = 1024, AT(threads),
     .help = "cores to use; 0: all"},
    {"json", NULL, OPTION_SWITCH, "no", AT(json), .help = "print one JSON object, write no page"},
    {0}};

static int run_shift_test(int argc, char **argv);
const command command_shift_test = {
    .name = "shift-test",
    .about = "Measures how a saved net's accuracy falls as pictures are shifted, turned, blurred, ...",
    .notes = "Shifts go in eight directions, the edge reflected; rotation and brightness both ways; figures "
             "are means.\n"
             "same: share of the pictures for which the net decides as it does for the picture itself.\n",
    .options = shift_options,
    .run = run_shift_test};

typedef struct shift_result {
    described about;
    const char *data;
    int64_t pictures;
    robustness all[TC_CORRUPTIONS];
} shift_result;

/* ---- Showing ------------------------------------------------------------------------------------------ */

static void print_tables(const shift_result *t) {
    printf("%s on %lld test pictures of %s\n", t->about.model, (long long)t->pictures, t->data);
    for (int k = 0; k < TC_CORRUPTIONS; k++) {
        const robustness *r = &t->all[k];
        printf("\n%s (%s)\n  %-9s", tc_corruption_name(r->kind), tc_corruption_unit(r->kind), "");
        for (int i = 0; i < r->count; i++) printf("%8g", r->severity[i]);
        printf("\n  %-9s", "accuracy");
        for (int i = 0; i < r->count; i++) printf("%7.2f%%", 100 * r->accuracy[i]);
        printf("\n  %-9s", "kept");
        for (int i = 0; i < r->count; i++) printf("%7.1f%%", 100 * r->accuracy[i] / r->accuracy[0]);
        printf("\n  %-9s", "same");
        for (int i = 0; i < r->count; i++) printf("%7.1f%%", 100 * r->consistency[i]);
        printf("\n");
    }
}

static void print_json(const shift_result *t) {
    json_t *all = json_pack("{s:s, s:s, s:I}", "model", t->about.model, "data", t->data, "pictures",
                            (json_int_t)t->pictures);
    for (int k = 0; k < TC_CORRUPTIONS; k++) {
        const robustness *r = &t->all[k];
        json_t *rows = json_array();
        for (int i = 0; i < r->count; i++)
            json_array_append_new(rows, json_pack("{s:f, s:f, s:f}", "severity", r->severity[i], "accuracy",
                                                  r->accuracy[i], "same", r->consistency[i]));
        json_object_set_new(all, tc_corruption_name(r->kind), rows);
    }
    json_dumpf(all, stdout, JSON_REAL_PRECISION(6));
    printf("\n");
    json_decref(all);
}

static void write_kind(page *p, const robustness *r) {
    char title[64], unit[64], cells[3][32];
    snprintf(title, sizeof title, "%s", tc_corruption_name(r->kind));
    snprintf(unit, sizeof unit, "%s (%s)", tc_corruption_name(r->kind), tc_corruption_unit(r->kind));
    chart_series series[] = {{"accuracy", r->severity, r->accuracy, r->count},
                             {"same decision as without", r->severity, r->consistency, r->count}};
    fputs("<div>", p->html);
    chart_write(p->html, &(chart){.title = title,
                                  .x_label = unit,
                                  .y_label = "share of the pictures",
                                  .series = series,
                                  .count = 2,
                                  .percent = true,
                                  .y_from_zero = true});
    page_table(p, title, tc_corruption_unit(r->kind), "accuracy", "kept", "same decision", NULL);
    for (int i = 0; i < r->count; i++) {
        char severity[32];
        snprintf(severity, sizeof severity, "%g", r->severity[i]);
        snprintf(cells[0], sizeof cells[0], "%.2f%%", 100 * r->accuracy[i]);
        snprintf(cells[1], sizeof cells[1], "%.1f%%", 100 * r->accuracy[i] / r->accuracy[0]);
        snprintf(cells[2], sizeof cells[2], "%.1f%%", 100 * r->consistency[i]);
        page_row(p, severity, cells[0], cells[1], cells[2], NULL);
    }
    page_table_end(p);
    fputs("</div>", p->html);
}

static tc_status write_page(const shift_settings *s, const shift_result *t) {
    page p;
    char path[4096];
    snprintf(path, sizeof path, "shift-test-%s.html", t->about.model);
    TC_TRY(page_begin(&p, "Accuracy on worse pictures", 0));
    page_paragraph(
        &p,
        "%s (%s) on the first %lld test pictures of %s. Shifts go in eight directions with the edge "
        "reflected, rotation and brightness both ways; figures are means over them.",
        t->about.model, s->checkpoint, (long long)t->pictures, t->data);
    page_section(&p, "Kinds of corruption");
    fputs("<div class=\"charts\">", p.html);
    for (int k = 0; k < TC_CORRUPTIONS; k++) write_kind(&p, &t->all[k]);
    fputs("</div>\n", p.html);
    TC_TRY(page_end(&p, s->out ? s->out : path));
    printf("\npage: %s\n", s->out ? s->out : path);
    return TC_OK;
}

/* ---- Measuring ---------------------------------------------------------------------------------------- */

static tc_status measure(const shift_settings *s, const tc_dataset *d, tc_model *model, shift_result *t) {
    t->pictures = s->pictures > 0 && s->pictures < d->test.count ? s->pictures : d->test.count;
    for (int k = 0; k < TC_CORRUPTIONS; k++) {
        t->all[k] = robustness_plan((tc_corruption)k, d->height, d->width);
        TC_TRY(robustness_measure(model, &t->about, d, t->pictures, (int)s->threads, &t->all[k]));
    }
    if (s->json) {
        print_json(t);
        return TC_OK;
    }
    print_tables(t);
    return write_page(s, t);
}

static int run_shift_test(int argc, char **argv) {
    shift_settings s = {0};
    parse_result parsed = options_parse(&command_shift_test, argc, argv, &s, NULL);
    if (parsed != PARSE_OK) return parsed == PARSE_HELP ? EXIT_GOOD : EXIT_USAGE;
    if (!s.checkpoint) return report(EXIT_USAGE, "shift-test", "--checkpoint FILE is needed");
    shift_result t = {0};
    tc_model *model = NULL;
    tc_dataset *dataset = NULL;
    tc_status status = saved_net_open(s.checkpoint, &t.about, &model);
    if (status == TC_OK)
        status = saved_net_dataset(s.checkpoint, &t.about, s.data, s.data_dir, s.threads, &dataset);
    if (status == TC_OK) {
        t.data = dataset->name;
        status = measure(&s, dataset, model, &t);
    }
    tc_model_free(model);
    tc_dataset_free(dataset);
    described_free(&t.about);
    return status == TC_OK ? EXIT_GOOD : report_failure("shift-test");
}
