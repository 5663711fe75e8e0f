/* report_analysis.c - what the saved net of a run does with the test pictures. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "filters.h"
#include "predictions.h"
#include "report_page.h"

enum { BINS = 15, WORST = 20, TABLE_CLASSES = 24, CONFUSIONS = 30, FILTERS = 128 };

typedef struct analysis {
    page *p;
    const run_log *run;
    described about;
    tc_model *model;
    tc_dataset *data;
    predictions made;
} analysis;

static const char *percent(double share, char text[32]) {
    snprintf(text, 32, isfinite(share) ? "%.1f%%" : "-", 100 * share);
    return text;
}

static const char *whole(int64_t number, char text[32]) {
    snprintf(text, 32, "%lld", (long long)number);
    return text;
}

/* ---- Confusion ---------------------------------------------------------------------------------------- */

/* Shaded by the share of the row; the shade is thin enough for the text in light and in dark. */
static void confusion_table(const analysis *a, const int64_t *confusion) {
    FILE *html = a->p->html;
    int classes = a->about.net.classes;
    char number[CLASS_NUMBER];
    fputs(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Confusion matrix\"><table "
        "class=\"confusion\">"
        "<caption>Confusion matrix: rows are true classes, columns what the net decided</caption><thead><tr>"
        "<th scope=\"col\">true class</th>",
        html);
    for (int k = 0; k < classes; k++) {
        fputs("<th scope=\"col\">", html);
        page_text(html, described_class(&a->about, k, number));
        fputs("</th>", html);
    }
    fputs("</tr></thead><tbody>\n", html);
    for (int r = 0; r < classes; r++) {
        int64_t sum = 0;
        for (int k = 0; k < classes; k++) sum += confusion[r * classes + k];
        fputs("<tr><th scope=\"row\">", html);
        page_text(html, described_class(&a->about, r, number));
        fputs("</th>", html);
        for (int k = 0; k < classes; k++) {
            int64_t n = confusion[r * classes + k];
            double share = sum ? (double)n / (double)sum : 0;
            const char *shade = r == k ? "0,114,178" : "213,94,0";
            fprintf(html, "<td class=\"n\" style=\"background:rgba(%s,%.2f)\">%lld</td>", shade,
                    r == k ? 0.42 * share : fmin(1.6 * share, 0.42), (long long)n);
        }
        fputs("</tr>\n", html);
    }
    fputs("</tbody></table></div>\n", html);
}

/* Of many classes: the most frequent confusions in the place of the matrix. */
static void confusion_list(const analysis *a, int64_t *confusion) {
    int classes = a->about.net.classes;
    char truth[CLASS_NUMBER], decided[CLASS_NUMBER], number[32];
    page_table(a->p, "Most frequent confusions", "true class", "decided", "pictures", NULL);
    for (int i = 0; i < CONFUSIONS; i++) {
        int64_t best = -1;
        for (int64_t k = 0; k < (int64_t)classes * classes; k++)
            if (k / classes != k % classes && confusion[k] > 0 &&
                (best < 0 || confusion[k] > confusion[best]))
                best = k;
        if (best < 0) break;
        page_row(a->p, described_class(&a->about, (int)(best / classes), truth),
                 described_class(&a->about, (int)(best % classes), decided), whole(confusion[best], number),
                 NULL);
        confusion[best] = 0;
    }
    page_table_end(a->p);
}

static tc_status write_confusion(const analysis *a) {
    size_t classes = (size_t)a->about.net.classes;
    int64_t *confusion = calloc(classes * classes, sizeof *confusion);
    if (!confusion) return tc_fail(TC_ERR_MEMORY, "no memory for %zu classes", classes);
    predictions_confusion(&a->made, confusion);
    if (classes <= TABLE_CLASSES)
        confusion_table(a, confusion);
    else
        confusion_list(a, confusion);
    free(confusion);
    return TC_OK;
}

/* ---- Classes and reliability -------------------------------------------------------------------------- */

static tc_status write_scores(const analysis *a) {
    int classes = a->about.net.classes;
    class_score *scores = calloc((size_t)classes, sizeof *scores);
    if (!scores) return tc_fail(TC_ERR_MEMORY, "no memory for %d classes", classes);
    char number[CLASS_NUMBER], text[5][32];
    predictions_scores(&a->made, scores);
    page_table(a->p, "Class by class", "class", "pictures", "found (recall)", "right when named (precision)",
               "F1", "named", NULL);
    for (int k = 0; k < classes; k++)
        page_row(a->p, described_class(&a->about, k, number), whole(scores[k].pictures, text[0]),
                 percent(scores[k].recall, text[1]), percent(scores[k].precision, text[2]),
                 percent(scores[k].f1, text[3]), whole(scores[k].decided, text[4]), NULL);
    page_table_end(a->p);
    free(scores);
    return TC_OK;
}

static void write_reliability(const analysis *a) {
    reliability_bin bins[BINS];
    double x[BINS], y[BINS], share[BINS], middle[BINS];
    double error = predictions_reliability(&a->made, BINS, bins);
    for (int b = 0; b < BINS; b++) {
        x[b] = bins[b].count ? bins[b].confidence : NAN;
        y[b] = bins[b].accuracy;
        middle[b] = (b + 0.5) / BINS;
        share[b] = (double)bins[b].count / (double)a->made.count;
    }
    page_heading(a->p, "Are its probabilities to be believed?");
    page_paragraph(
        a->p,
        "Of the answers that the net gives with probability p, a share of p should be right: then the "
        "curve lies on the dotted line. Below it the net is too sure of itself. Expected calibration "
        "error over %d bins: %.2f%% (Guo et al. 2017).",
        BINS, 100 * error);
    fputs("<div class=\"charts\">", a->p->html);
    chart_write(a->p->html, &(chart){.title = "Reliability",
                                     .x_label = "probability of the answer (mean of a bin)",
                                     .y_label = "share that is right",
                                     .series = &(chart_series){"answers", x, y, BINS},
                                     .count = 1,
                                     .percent = true,
                                     .diagonal = true});
    chart_write(a->p->html, &(chart){.title = "How sure it is",
                                     .x_label = "probability of the answer",
                                     .y_label = "share of the answers",
                                     .series = &(chart_series){"answers", middle, share, BINS},
                                     .count = 1,
                                     .percent = true,
                                     .bars = true});
    fputs("</div>\n", a->p->html);
}

/* ---- Mistakes ----------------------------------------------------------------------------------------- */

static tc_status write_mistake(const analysis *a, int64_t i) {
    const tc_dataset *d = a->data;
    size_t bytes = (size_t)d->height * (size_t)d->width * (size_t)d->channels;
    char numbers[2][CLASS_NUMBER], alt[64];
    const float *probabilities = a->made.probabilities + i * a->made.classes;
    image im;
    const char *truth = described_class(&a->about, a->made.labels[i], numbers[0]);
    const char *decided = described_class(&a->about, a->made.decided[i], numbers[1]);
    double sure = (double)probabilities[a->made.decided[i]], right = (double)probabilities[a->made.labels[i]];
    snprintf(alt, sizeof alt, "test picture %lld", (long long)i);
    TC_TRY(image_of_bytes(d->test.pixels + (size_t)i * bytes, d->height, d->width, d->channels, &im));
    fputs("<li>", a->p->html);
    page_picture(a->p, &im, d->width <= 48 ? 4 : 2, alt);
    fputs("it is ", a->p->html);
    page_text(a->p->html, truth);
    fprintf(a->p->html, " (%.2f%%)<br>taken for ", 100 * right);
    page_text(a->p->html, decided);
    fprintf(a->p->html, " (%.2f%%)<br>number %lld</li>\n", 100 * sure, (long long)i);
    image_free(&im);
    return TC_OK;
}

static tc_status write_mistakes(const analysis *a) {
    int64_t worst[WORST];
    int count = predictions_worst(&a->made, WORST, worst);
    if (count == 0) {
        page_paragraph(a->p, "There is no mistake.");
        return TC_OK;
    }
    page_heading(a->p, "The worst mistakes");
    page_paragraph(a->p,
                   "The %d wrong answer%s that the net was surest of, with the probabilities that it gave.",
                   count, count == 1 ? "" : "s");
    fputs("<ul class=\"tiles\">\n", a->p->html);
    tc_status status = TC_OK;
    for (int i = 0; i < count && status == TC_OK; i++) status = write_mistake(a, worst[i]);
    fputs("</ul>\n", a->p->html);
    return status;
}

/* ---- The net, its settings, its machine --------------------------------------------------------------- */

static tc_status write_net(const analysis *a) {
    image sheet;
    char *text = NULL, alt[128];
    size_t size = 0;
    const tc_net *net = &a->about.net;
    page_heading(a->p, "The net");
    FILE *stream = open_memstream(&text, &size);
    if (!stream) return tc_fail(TC_ERR_MEMORY, "no memory for the summary");
    tc_status status =
        tc_model_summary_write(a->model, (int64_t[]){1, net->channels, net->height, net->width}, stream);
    fclose(stream);
    if (status == TC_OK) {
        fputs("<pre tabindex=\"0\" role=\"region\" aria-label=\"Layers of the net\">", a->p->html);
        page_text(a->p->html, text);
        fputs("</pre>\n", a->p->html);
    }
    free(text);
    if (status != TC_OK || filters_draw(a->model, FILTERS, &sheet) != TC_OK) return status;
    snprintf(alt, sizeof alt, "the filters of the first convolution of %s", a->about.model);
    page_heading(a->p, "What the first layer looks for");
    page_picture(a->p, &sheet, 1, alt);
    image_free(&sheet);
    return TC_OK;
}

static void write_object(page *p, const char *caption, const json_t *object) {
    const char *key;
    json_t *value;
    page_table(p, caption, "name", "value", NULL);
    json_object_foreach((json_t *)object, key, value) {
        if (json_is_object(value)) continue;
        char *text =
            json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(9));
        page_row(p, key, text ? text : json_is_string(value) ? json_string_value(value) : "", NULL);
        free(text);
    }
    page_table_end(p);
}

static void write_settings(page *p, const run_log *run) {
    const json_t *machine = json_object_get(run->config, "machine");
    page_heading(p, "Machine");
    if (json_is_object(machine))
        write_object(p, "What it was computed on", machine);
    else
        page_paragraph(p, "The run does not say what it was computed on.");
    page_heading(p, "Settings");
    fputs("<details><summary>All settings of the run</summary>\n", p->html);
    write_object(p, "config.json", run->config);
    fputs("</details>\n", p->html);
}

/* ---- All of it ---------------------------------------------------------------------------------------- */

static tc_status load(analysis *a, const report_options *o) {
    char data[RUN_PATH_MAX], data_dir[RUN_PATH_MAX];
    const run_dir *run = &a->run->run;
    bool best = access(run->best, F_OK) == 0;
    if (!best && access(run->last, F_OK) != 0)
        return tc_fail(TC_ERR_IO, "%s: no net is saved yet", run->path);
    TC_TRY(saved_net_open(best ? run->best : run->last, &a->about, &a->model));
    run_log_setting(a->run, "data", data, sizeof data);
    run_log_setting(a->run, "data-dir", data_dir, sizeof data_dir);
    TC_TRY(saved_net_dataset(run->best, &a->about, o->data ? o->data : data,
                             o->data_dir ? o->data_dir : data_dir, o->threads, &a->data));
    const tc_split *test = &a->data->test;
    return predictions_make(a->model, &a->about, test->pixels, test->labels, test->count, o->threads,
                            &a->made);
}

static tc_status write_all(const analysis *a) {
    page_paragraph(
        a->p,
        "The net with the best accuracy so far (best.safetensors) on the %lld test pictures of %s: %.2f%% "
        "right, loss %.4f.",
        (long long)a->made.count, a->data->name, 100 * a->made.accuracy, a->made.loss);
    TC_TRY(write_confusion(a));
    TC_TRY(write_scores(a));
    write_reliability(a);
    return write_mistakes(a);
}

tc_status report_analysis(page *p, const run_log *run, const report_options *options) {
    analysis a = {.p = p, .run = run};
    char heading[128];
    snprintf(heading, sizeof heading, "What %s does", run->name);
    page_section(p, heading);
    tc_status status = load(&a, options);
    if (status == TC_ERR_MEMORY) {
        page_paragraph(p, "Memory is short.");
    } else if (status != TC_OK) {
        page_paragraph(p, "The test pictures could not be looked at: %s.", tc_last_error());
        status = TC_OK;
    } else {
        status = write_all(&a);
    }
    if (status == TC_OK && a.model) status = write_net(&a);
    if (status == TC_OK) write_settings(p, run);
    predictions_free(&a.made);
    tc_model_free(a.model);
    tc_dataset_free(a.data);
    described_free(&a.about);
    return status;
}
