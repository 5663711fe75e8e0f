/* report_page.c - what the log of a run tells. */
#include "report_page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Overview ----------------------------------------------------------------------------------------- */

static void percent_text(double share, char text[32]) {
    if (isfinite(share))
        snprintf(text, 32, "%.2f%%", 100 * share);
    else
        snprintf(text, 32, "-");
}

/* The last number that is there. */
static double last_of(const run_log *run, size_t at) {
    double last = NAN;
    for (int i = 0; i < run->count; i++) {
        double value = *(const double *)(const void *)((const char *)&run->epochs[i] + at);
        if (isfinite(value)) last = value;
    }
    return last;
}

static double best_test(const run_log *run, int64_t *epoch) {
    double best = NAN;
    for (int i = 0; i < run->count; i++)
        if (isfinite(run->epochs[i].test_acc) && !(run->epochs[i].test_acc <= best)) {
            best = run->epochs[i].test_acc;
            *epoch = run->epochs[i].epoch;
        }
    return best;
}

static void planned_text(const run_log *run, char text[64]) {
    char epochs[32], minutes[32];
    run_log_setting(run, "epochs", epochs, sizeof epochs);
    run_log_setting(run, "minutes", minutes, sizeof minutes);
    int done = run->count ? (int)run->epochs[run->count - 1].epoch : 0;
    if (atof(minutes) > 0)
        snprintf(text, 64, "%d in %.20s min", done, minutes);
    else
        snprintf(text, 64, "%d of %.20s", done, epochs);
}

static void overview_row(page *p, const run_log *run) {
    char standing[96], model[64], data[256], planned[64], last[32], best[64], tta[32], seconds[32];
    int64_t epoch = 0;
    run_log_setting(run, "model", model, sizeof model);
    run_log_setting(run, "data", data, sizeof data);
    planned_text(run, planned);
    percent_text(last_of(run, offsetof(metrics, test_acc)), last);
    percent_text(best_test(run, &epoch), best);
    if (epoch > 0) snprintf(best + strlen(best), sizeof best - strlen(best), " (epoch %d)", (int)epoch);
    percent_text(last_of(run, offsetof(metrics, tta_acc)), tta);
    double time = last_of(run, offsetof(metrics, seconds));
    snprintf(seconds, sizeof seconds, isfinite(time) ? "%.1f s" : "-", time);
    page_row(p, run->name, model, data, run_log_standing(run, standing), planned, last, best, tta, seconds,
             NULL);
}

tc_status report_overview(page *p, const run_log *runs, int count) {
    page_section(p, count == 1 ? "The run" : "The runs");
    page_table(p, "How they stand", "run", "net", "data", "standing", "epochs", "test accuracy", "best",
               "with views", "training time", NULL);
    for (int i = 0; i < count; i++) overview_row(p, &runs[i]);
    page_table_end(p);
    for (int i = 0; i < count; i++)
        if (runs[i].skipped)
            page_paragraph(
                p, "%s: %d line%s of metrics.jsonl could not be read (one that was being written, say).",
                runs[i].name, runs[i].skipped, runs[i].skipped == 1 ? "" : "s");
    return TC_OK;
}

/* ---- Curves ------------------------------------------------------------------------------------------- */

/* One number of an epoch, and how its curve is called where a run has several. */
typedef struct measure {
    size_t at;
    const char *name;
} measure;

enum { MEASURES_MAX = 3 };

typedef struct curves {
    const char *title, *x_label, *y_label;
    measure measures[MEASURES_MAX];
    bool percent, log, over_time;
} curves;

/* Points of all runs and measures; owned by the caller. */
typedef struct plot {
    chart_series *series;
    double *points; /* x and y of each series */
    char (*names)[96];
    int count;
} plot;

static void plot_free(plot *t) {
    free(t->series);
    free(t->points);
    free(t->names);
    *t = (plot){0};
}

static bool has_values(const run_log *run, size_t at) {
    return isfinite(last_of(run, at));
}

static tc_status plot_make(const curves *c, const run_log *runs, int count, plot *t) {
    size_t points = 0;
    for (int i = 0; i < count; i++) points += 2 * MEASURES_MAX * (size_t)runs[i].count;
    *t = (plot){.series = calloc((size_t)count * MEASURES_MAX, sizeof *t->series),
                .points = calloc(points + 1, sizeof *t->points),
                .names = calloc((size_t)count * MEASURES_MAX, sizeof *t->names)};
    if (!t->series || !t->points || !t->names) {
        plot_free(t);
        return tc_fail(TC_ERR_MEMORY, "no memory for the curves of %d runs", count);
    }
    double *at = t->points;
    for (int r = 0; r < count; r++)
        for (int m = 0; m < MEASURES_MAX && c->measures[m].name; m++) {
            const run_log *run = &runs[r];
            if (!has_values(run, c->measures[m].at)) continue;
            double *x = at, *y = at + run->count;
            at += 2 * run->count;
            for (int i = 0; i < run->count; i++) {
                x[i] = c->over_time ? run->epochs[i].seconds : (double)run->epochs[i].epoch;
                y[i] = *(const double *)(const void *)((const char *)&run->epochs[i] + c->measures[m].at);
            }
            char *name = t->names[t->count];
            bool several = c->measures[1].name != NULL;
            snprintf(name, sizeof *t->names, "%s%s%s", count > 1 ? run->name : "",
                     count > 1 && several ? ": " : "", several || count == 1 ? c->measures[m].name : "");
            t->series[t->count++] = (chart_series){name, x, y, run->count};
        }
    return TC_OK;
}

static tc_status write_curves(page *p, const curves *c, const run_log *runs, int count) {
    plot t;
    TC_TRY(plot_make(c, runs, count, &t));
    if (t.count > 0)
        chart_write(p->html, &(chart){.title = c->title,
                                      .x_label = c->x_label,
                                      .y_label = c->y_label,
                                      .series = t.series,
                                      .count = t.count,
                                      .x_whole = !c->over_time,
                                      .percent = c->percent,
                                      .y_log = c->log});
    plot_free(&t);
    return TC_OK;
}

#define AT(field) offsetof(metrics, field)

tc_status report_curves(page *p, const run_log *runs, int count) {
    static const curves all[] = {
        {"Loss",
         "epoch",
         "mean cross-entropy",
         {{AT(train_loss), "training"}, {AT(test_loss), "test"}, {AT(val_loss), "validation"}},
         false,
         false,
         false},
        {"Accuracy",
         "epoch",
         "share of pictures",
         {{AT(train_acc), "training"}, {AT(test_acc), "test"}, {AT(val_acc), "validation"}},
         true,
         false,
         false},
        {"Learning rate at the epoch's end",
         "epoch",
         "learning rate",
         {{AT(lr), "rate"}},
         false,
         false,
         false},
        {"Throughput of training",
         "epoch",
         "pictures a second",
         {{AT(img_per_s), "pictures a second"}},
         false,
         false,
         false},
        {"Test accuracy over the time of training",
         "time (seconds)",
         "share of pictures",
         {{AT(test_acc), "test"}},
         true,
         false,
         true},
    };
    int epochs = 0;
    for (int i = 0; i < count; i++) epochs += runs[i].count;
    page_section(p, "Curves");
    if (epochs == 0) {
        page_paragraph(p, "No epoch has ended yet.");
        return TC_OK;
    }
    page_paragraph(
        p,
        "Training figures are means over an epoch while the net was still changing, with augmentation and, "
        "where the settings ask for it, label smoothing; test figures are of the net at the epoch's end.");
    fputs("<div class=\"charts\">", p->html);
    for (int i = 0; i < (int)(sizeof all / sizeof all[0]); i++) TC_TRY(write_curves(p, &all[i], runs, count));
    fputs("</div>\n", p->html);
    return TC_OK;
}
