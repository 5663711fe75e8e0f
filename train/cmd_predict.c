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
                                          "read ends the program with exit code 1\n"
                                          "after the answers to those before it.\n",
                                 .options = predict_options,
                                 .run = run_predict,
                                 .operands = "IMAGE|DIR...",
                                 .operands_at = offsetof(predict_settings, images)};

static tc_status add_list(tc_picture_list *list, const char *path) {
    FILE *file = fopen(path, "r");
    if (!file) return tc_fail(TC_ERR_IO, "%s: %s", path, strerror(errno));
    char *line = NULL;
    size_t room = 0;
    tc_status status = TC_OK;
    while (status == TC_OK && getline(&line, &room, file) > 0) {
        line[strcspn(line, "\r\n")] = '\0';
        if (*line) status = tc_picture_list_add(list, NULL, line);
    }
    free(line);
    fclose(file);
    return status;
}

static tc_status gather(const predict_settings *s, tc_picture_list *list) {
    for (int i = 0; i < s->images.count; i++) {
        struct stat st;
        const char *path = s->images.words[i];
        bool folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
        TC_TRY(folder ? tc_picture_list_folder(list, path) : tc_picture_list_add(list, NULL, path));
    }
    return s->list ? add_list(list, s->list) : TC_OK;
}

/* ---- Answers ------------------------------------------------------------------------------------------- */

/* Index of the class that comes next: the most probable of those not `taken`. */
static int next_class(const float *probabilities, int classes, const bool *taken) {
    int best = -1;
    for (int k = 0; k < classes; k++)
        if (!taken[k] && (best < 0 || probabilities[k] > probabilities[best])) best = k;
    return best;
}

static tc_status print_answer(const predict_settings *s, const described *about, const char *path,
                              const predictions *p) {
    char name[CLASS_TEXT];
    bool *taken = calloc((size_t)p->classes, sizeof *taken);
    json_t *all = json_array();
    if (!taken) return tc_fail(TC_ERR_MEMORY, "no memory for %d classes", p->classes);
    if (!s->json) printf("%s:", path);
    for (int i = 0; i < s->top && i < p->classes; i++) {
        int k = next_class(p->probabilities, p->classes, taken);
        taken[k] = true;
        described_class(about, k, name);
        double probability = (double)p->probabilities[k];
        json_array_append_new(
            all, json_pack("{s:s, s:i, s:f}", "class", name, "index", k, "probability", probability));
        if (!s->json) printf("%s %s %.1f%%", i ? "," : "", name, 100 * probability);
    }
    free(taken);
    json_t *line = json_pack("{s:s, s:o}", "file", path, "classes", all);
    if (s->json && line) json_dumpf(line, stdout, JSON_REAL_PRECISION(7));
    json_decref(line);
    printf("\n");
    return TC_OK;
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
    if (status == TC_OK) status = gather(&s, &list);
    for (int64_t i = 0; status == TC_OK && i < list.count; i++)
        status = answer(&s, &about, model, list.paths[i]);
    tc_picture_list_free(&list);
    tc_model_free(model);
    described_free(&about);
    return status == TC_OK ? EXIT_GOOD : report_failure("predict");
}
