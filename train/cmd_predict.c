/* cmd_predict.c - `tinycnn predict`: what a saved net says to pictures from files. */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "commands.h"
#include "predictions.h"
#include "report.h"

typedef struct predict_settings {
    const char *checkpoint, *list;
    int64_t top, threads;
    bool json;
    operand_list images;
} predict_settings;

#define AT(field) .at = offsetof(predict_settings, field)
static const option predict_options[] = {
    {"checkpoint", "FILE", OPTION_TEXT, NULL, AT(checkpoint),
     .help = "the saved net, e.g. best.safetensors of a run (needed)"},
    {"list", "FILE", OPTION_TEXT, NULL, AT(list), .help = "a file with the path of a picture on each line"},
    {"top", "K", OPTION_INTEGER, "3", .low = 1, .high = 1000, AT(top),
     .help = "classes that are named for each picture"},
    {"threads", "P", OPTION_INTEGER, "0", .low = 0, .high = 1024, AT(threads),
     .help = "cores to use; 0: all"},
    {"json", NULL, OPTION_SWITCH, "no", AT(json), .help = "print one JSON object a picture, a line each"},
    {0}};

static int run_predict(int argc, char **argv);
const command command_predict = {.name = "predict",
                                 .about = "Says what a saved net takes pictures for",
                                 .notes = "IMAGE: PNG or JPEG files of any size, or folders of them (names "
                                          "in byte order). The middle of a picture is\n"
                                          "cut out and resized to what the net takes. A file that cannot be "
                                          "read gets a line on stderr, the others\n"
                                          "their answers, and the exit code is 1.\n",
                                 .options = predict_options,
                                 .run = run_predict,
                                 .operands = "IMAGE|DIR...",
                                 .operands_at = offsetof(predict_settings, images)};

static tc_status add_list(tc_picture_list *list, const char *path) {
    FILE *file = fopen(path, "r");
    if (!file) return tc_fail(TC_ERR_IO, "%s: %s", path, strerror(errno));
    char *line = NULL;
    size_t room = 0;
    int64_t before = list->count;
    tc_status status = TC_OK;
    while (status == TC_OK && getline(&line, &room, file) > 0) {
        line[strcspn(line, "\r\n")] = '\0';
        if (line[strspn(line, " \t")]) status = tc_picture_list_add(list, NULL, line);
    }
    if (status == TC_OK && ferror(file)) status = tc_fail(TC_ERR_IO, "%s: %s", path, strerror(errno));
    if (status == TC_OK && list->count == before)
        status = tc_fail(TC_ERR_FORMAT, "%s: names no picture, expected a path on each line", path);
    free(line);
    fclose(file);
    return status;
}

static tc_status add_operand(tc_picture_list *list, const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? tc_picture_list_folder(list, path)
                                                       : tc_picture_list_add(list, NULL, path);
}

/* Returns the exit code: what names nothing keeps nothing else from its answer. */
static int gather(const predict_settings *s, tc_picture_list *list) {
    int code = EXIT_GOOD;
    for (int i = 0; i < s->images.count; i++)
        if (add_operand(list, s->images.words[i]) != TC_OK) code = report_failure("predict");
    if (s->list && add_list(list, s->list) != TC_OK) code = report_failure("predict");
    return code;
}

/* ---- Answers ------------------------------------------------------------------------------------------- */

/* The class that comes next: the most probable of those not `taken`, which it then is. */
static int next_class(const predictions *p, bool *taken) {
    int best = -1;
    for (int k = 0; k < p->classes; k++)
        if (!taken[k] && (best < 0 || p->probabilities[k] > p->probabilities[best])) best = k;
    taken[best] = true;
    return best;
}

static void print_table(const predict_settings *s, const described *about, const char *path,
                        const predictions *p, bool *taken) {
    char number[CLASS_NUMBER];
    put_printable(stdout, path);
    printf(":");
    for (int i = 0; i < s->top && i < p->classes; i++) {
        int k = next_class(p, taken);
        fputs(i ? ", " : " ", stdout);
        put_printable(stdout, described_class(about, k, number));
        printf(" %.1f%%", 100 * (double)p->probabilities[k]);
    }
    printf("\n");
}

static tc_status print_json(const predict_settings *s, const described *about, const char *path,
                            const predictions *p, bool *taken) {
    char number[CLASS_NUMBER];
    json_t *all = json_array();
    for (int i = 0; i < s->top && i < p->classes; i++) {
        int k = next_class(p, taken);
        json_array_append_new(all, json_pack("{s:s, s:i, s:f, s:f}", "class",
                                             described_class(about, k, number), "index", k, "probability",
                                             (double)p->probabilities[k], "logit", (double)p->logits[k]));
    }
    json_t *line = json_pack("{s:s, s:o}", "file", path, "classes", all);
    if (!line) return tc_fail(TC_ERR_FORMAT, "%s: this name is not UTF-8, as JSON is", path);
    json_dumpf(line, stdout, JSON_REAL_PRECISION(9));
    json_decref(line);
    printf("\n");
    return TC_OK;
}

static tc_status print_answer(const predict_settings *s, const described *about, const char *path,
                              const predictions *p) {
    for (int k = 0; k < p->classes; k++)
        if (!isfinite(p->logits[k]))
            return tc_fail(TC_ERR_NUMERIC, "%s: the net's answer is not finite: class %d gets %g", path, k,
                           (double)p->logits[k]);
    bool *taken = calloc((size_t)p->classes, sizeof *taken);
    if (!taken) return tc_fail(TC_ERR_MEMORY, "no memory for %d classes", p->classes);
    tc_status status = TC_OK;
    if (s->json)
        status = print_json(s, about, path, p, taken);
    else
        print_table(s, about, path, p, taken);
    free(taken);
    return status;
}

static tc_status answer(const predict_settings *s, const described *about, tc_model *model,
                        const char *path) {
    const tc_net *net = &about->net;
    predictions p;
    uint8_t label = 0;
    uint8_t *pixels = malloc((size_t)net->height * (size_t)net->width * (size_t)net->channels);
    tc_status status = pixels ? tc_picture_load(path, net->height, net->width, net->channels, pixels)
                              : tc_fail(TC_ERR_MEMORY, "%s: out of memory", path);
    if (status == TC_OK) status = predictions_make(model, about, pixels, &label, 1, (int)s->threads, &p);
    free(pixels);
    TC_TRY(status);
    status = print_answer(s, about, path, &p);
    predictions_free(&p);
    return status;
}

static int run_predict(int argc, char **argv) {
    predict_settings s = {0};
    parse_result parsed = options_parse(&command_predict, argc, argv, &s, NULL);
    if (parsed != PARSE_OK) return parsed == PARSE_HELP ? EXIT_GOOD : EXIT_USAGE;
    if (!s.checkpoint) return report(EXIT_USAGE, "predict", "--checkpoint FILE is needed");
    if (s.images.count == 0 && !s.list)
        return report(EXIT_USAGE, "predict", "name pictures, folders of them, or a --list");
    described about;
    tc_model *model;
    tc_picture_list list = {0};
    tc_status status = saved_net_open(s.checkpoint, &about, &model);
    int code = status == TC_OK ? gather(&s, &list) : report_failure("predict");
    for (int64_t i = 0; i < list.count; i++)
        if (answer(&s, &about, model, list.paths[i]) != TC_OK) code = report_failure("predict");
    tc_picture_list_free(&list);
    tc_model_free(model);
    described_free(&about);
    return code;
}
