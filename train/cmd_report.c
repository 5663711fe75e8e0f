/* cmd_report.c - `tinycnn report`: one or several runs as a page that stands for itself. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "commands.h"
#include "report.h"
#include "report_page.h"
#include "signals.h"

typedef struct report_settings {
    const char *out, *data, *data_dir;
    int64_t threads;
    bool live;
    operand_list runs;
} report_settings;

#define AT(field) .at = offsetof(report_settings, field)
static const option report_options_table[] = {
    {"out", "FILE", OPTION_TEXT, NULL, AT(out),
     .help = "the page; without it report.html in the run's folder, of several runs in the present folder"},
    {"live", NULL, OPTION_SWITCH, "no", AT(live),
     .help =
         "write the page anew every two seconds while the runs go on; open in a browser it reloads itself"},
    {"data", "NAME|PATH", OPTION_TEXT, NULL, AT(data),
     .help = "data set of the test pictures; without it the one that the run was trained on"},
    {"data-dir", "DIR", OPTION_TEXT, NULL, AT(data_dir),
     .help = "where to look for data first; then $TINYCNN_DATA, then ~/.cache/tinycnn"},
    {"threads", "P", OPTION_INTEGER, "0", .low = 0, .high = 1024, AT(threads),
     .help = "cores to use; 0: all"},
    {0}};

static int run_report(int argc, char **argv);
const command command_report = {
    .name = "report",
    .about =
        "Writes a page of HTML about runs: curves, confusions, mistakes, reliability, the net, its settings",
    .notes = "RUN: the folder of a run, finished or not. The page needs no network and no program beside a "
             "browser.\n"
             "--live ends when no run is being trained any more, or by Ctrl-C, with the whole page.\n",
    .options = report_options_table,
    .run = run_report,
    .operands = "RUN...",
    .operands_at = offsetof(report_settings, runs)};

enum { RELOAD = 3 /* seconds */, RUNS_MAX = 64 };

typedef struct runs {
    run_log logs[RUNS_MAX];
    int count;
} runs;

static void close_runs(runs *r) {
    for (int i = 0; i < r->count; i++) run_log_free(&r->logs[i]);
    r->count = 0;
}

/* On failure there is nothing to close. */
static tc_status open_runs(const report_settings *s, runs *r) {
    r->count = 0;
    tc_status status = TC_OK;
    while (status == TC_OK && r->count < s->runs.count) {
        status = run_log_open(s->runs.words[r->count], &r->logs[r->count]);
        r->count++;
    }
    if (status != TC_OK) close_runs(r);
    return status;
}

static bool is_running(const runs *r) {
    bool running = false;
    for (int i = 0; i < r->count; i++) running = running || r->logs[i].running;
    return running;
}

/* `live`: overview and curves only, and the page reloads itself. */
static tc_status fill(page *p, const report_settings *s, const runs *r, bool live) {
    report_options options = {s->data, s->data_dir, (int)s->threads};
    TC_TRY(report_overview(p, r->logs, r->count));
    TC_TRY(report_curves(p, r->logs, r->count));
    if (live)
        page_paragraph(p,
                       "This page reloads itself while training goes on; the analysis follows at its end.");
    for (int i = 0; i < r->count && !live; i++) TC_TRY(report_analysis(p, &r->logs[i], &options));
    return TC_OK;
}

static tc_status write_report(const report_settings *s, const runs *r, const char *path, bool live) {
    page p;
    char title[160];
    if (r->count == 1)
        snprintf(title, sizeof title, "Training run %s", r->logs[0].name);
    else
        snprintf(title, sizeof title, "%d training runs", r->count);
    TC_TRY(page_begin(&p, title, live ? RELOAD : 0));
    tc_status status = fill(&p, s, r, live);
    if (status == TC_OK) return page_end(&p, path);
    page_free(&p);
    return status;
}

/* Writes the page over and over until nothing is trained any more, or a signal comes. */
static tc_status follow(const report_settings *s, runs *r, const char *path) {
    signals_catch();
    printf("%s is written while training goes on; Ctrl-C ends it\n", path);
    fflush(stdout);
    while (is_running(r) && !signals_stop()) {
        TC_TRY(write_report(s, r, path, true));
        nanosleep(&(struct timespec){.tv_sec = RELOAD - 1}, NULL);
        close_runs(r);
        TC_TRY(open_runs(s, r));
    }
    return TC_OK;
}

static tc_status make_report(const report_settings *s, const char *path, runs *r) {
    TC_TRY(open_runs(s, r));
    tc_status status = s->live ? follow(s, r, path) : TC_OK;
    if (status == TC_OK) status = write_report(s, r, path, false);
    close_runs(r);
    return status;
}

static int run_report(int argc, char **argv) {
    report_settings s = {0};
    parse_result parsed = options_parse(&command_report, argc, argv, &s, NULL);
    if (parsed != PARSE_OK) return parsed == PARSE_HELP ? EXIT_GOOD : EXIT_USAGE;
    if (s.runs.count < 1)
        return report(EXIT_USAGE, "report", "name the folder of a run: tinycnn report RUN...");
    if (s.runs.count > RUNS_MAX)
        return report(EXIT_USAGE, "report", "%d runs, expected at most %d", s.runs.count, RUNS_MAX);
    char path[RUN_PATH_MAX + 32];
    if (s.out)
        snprintf(path, sizeof path, "%.4095s", s.out);
    else
        snprintf(path, sizeof path, s.runs.count == 1 ? "%.4095s/report.html" : "report.html",
                 s.runs.words[0]);
    runs *r = calloc(1, sizeof *r);
    if (!r) return report(EXIT_FAILED, "report", "out of memory");
    tc_status status = make_report(&s, path, r);
    free(r);
    if (status != TC_OK) return report_failure("report");
    printf("%s\n", path);
    return EXIT_GOOD;
}
