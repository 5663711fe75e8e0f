/* cmd_export.c - `tinycnn export`: a saved net as a file of C or an ONNX model. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "commands.h"
#include "evaluate.h"
#include "report.h"
#include "saved_net.h"

typedef struct export_settings {
    const char *checkpoint, *c, *onnx, *data, *data_dir;
    int64_t threads;
    int preprocess;
    bool int8, fold;
} export_settings;

enum { PREPROCESS_NONE, PREPROCESS_UNIT, PREPROCESS_BYTES };

#define AT(field) .at = offsetof(export_settings, field)
static const option export_options[] = {
    {"checkpoint", "FILE", OPTION_TEXT, NULL, AT(checkpoint),
     .help = "the saved net, e.g. best.safetensors of a run (needed)"},
    {"c", "FILE", OPTION_TEXT, NULL, AT(c),
     .help = "write it as one file of C99 with a function net_predict()"},
    {"int8", NULL, OPTION_SWITCH, "no", AT(int8),
     .help = "C: weights of 8 bits with a step for each output channel; with --data it is measured what that "
             "costs"},
    {"onnx", "FILE", OPTION_TEXT, NULL, AT(onnx), .help = "write it as an ONNX model (operator set 13)"},
    {"fold", NULL, OPTION_SWITCH, "no", AT(fold),
     .help = "ONNX: batch norms become part of the convolutions before them, as they always do in C"},
    {"preprocess", "WHAT", OPTION_CHOICE, "none", .choices = "none|unit|bytes", AT(preprocess),
     .help =
         "what the written net takes: pictures normalised as in training (none), values from 0 to 1 (unit), "
         "or from 0 to 255 (bytes)"},
    {"data", "NAME|PATH", OPTION_TEXT, NULL, AT(data), .help = DATA_HELP, .known = tc_dataset_known},
    {"data-dir", "DIR", OPTION_TEXT, NULL, AT(data_dir),
     .help = "where to look for data first; then $TINYCNN_DATA, then ~/.cache/tinycnn"},
    {"threads", "P", OPTION_INTEGER, "0", .low = 0, .high = 1024, AT(threads),
     .help = "cores to use; 0: all"},
    {0}};

static int run_export(int argc, char **argv);
const command command_export = {
    .name = "export",
    .about = "Writes a saved net as a file of C that needs nothing else, or as an ONNX model",
    .notes = "With --data the accuracy of what is written is measured on "
             "the test pictures, beside that of the saved\n"
             "net. The ONNX model has an input \"input\" (N, C, H, W), an output "
             "\"logits\" (N, classes), and in its\n"
             "metadata class_names and, of pictures that come normalised, mean and deviation (for values "
             "from 0 to 1).\n",
    .options = export_options,
    .run = run_export};

/* ---- What it costs ------------------------------------------------------------------------------------- */

typedef struct measured {
    double saved, written; /* accuracy */
    int64_t same, count;   /* decisions */
} measured;

static int best_of(const float *row, int classes) {
    int best = 0;
    for (int k = 1; k < classes; k++)
        if (row[k] > row[best]) best = k;
    return best;
}

static tc_status compare(const described *about, tc_model *model, const tc_graph *graph,
                         const tc_batch *batch, tc_tape *tape, measured *m) {
    const tc_net *net = &about->net;
    tc_tape_reset(tape, 0);
    tc_tensor *x =
        tc_input(tape, 4, (int64_t[]){batch->count, net->channels, net->height, net->width}, batch->x);
    const tc_tensor *saved = tc_model_forward(model, tape, x), *written = tc_graph_forward(graph, tape, x);
    TC_TRY(tc_tape_status(tape));
    for (int64_t n = 0; n < batch->count; n++) {
        int a = best_of(saved->data + n * net->classes, net->classes);
        int b = best_of(written->data + n * net->classes, net->classes);
        m->saved += a == batch->labels[n];
        m->written += b == batch->labels[n];
        m->same += a == b;
    }
    m->count += batch->count;
    return TC_OK;
}

static tc_status measure_all(const described *about, tc_model *model, const tc_graph *graph,
                             tc_loader *loader, tc_tape *tape, measured *m) {
    TC_TRY(tc_loader_start(loader, 0, 0));
    for (const tc_batch *batch; (batch = tc_loader_next(loader));)
        TC_TRY(compare(about, model, graph, batch, tape, m));
    m->saved /= (double)m->count;
    m->written /= (double)m->count;
    return TC_OK;
}

/* The net as it was written. */
static tc_status written_net(const export_settings *s, bool is_c, tc_model *model, const int64_t shape[4],
                             tc_folded *net) {
    *net = (tc_folded){0};
    if (!is_c && !s->fold) return tc_graph_create(model, shape, &net->graph);
    TC_TRY(tc_folded_create(model, shape, net));
    if (is_c && s->int8) tc_folded_quantize(net);
    return TC_OK;
}

static tc_status measure(const export_settings *s, bool is_c, const described *about, tc_model *model,
                         const tc_dataset *d, const int64_t shape[4], measured *m) {
    tc_folded net;
    tc_transform normalize = tc_normalize(about->mean, about->deviation, about->net.channels);
    tc_loader_options options = {.batch_size = 128, .transforms = &normalize, .transform_count = 1};
    tc_loader *loader = NULL;
    tc_tape *tape = tc_tape_create(&(tc_tape_options){.threads = (int)s->threads});
    if (tape) tc_tape_eval(tape);
    tc_status status = tape ? TC_OK : TC_ERR_MEMORY;
    if (status == TC_OK) status = tc_loader_create(d, &d->test, &options, &loader);
    if (status == TC_OK && (status = written_net(s, is_c, model, shape, &net)) == TC_OK) {
        status = measure_all(about, model, &net.graph, loader, tape, m);
        tc_folded_free(&net);
    }
    tc_loader_free(loader);
    tc_tape_free(tape);
    return status;
}

/* ---- The command --------------------------------------------------------------------------------------- */

static bool is_same_file(const char *a, const char *b) {
    struct stat x, y;
    if (!a || !b) return false;
    return strcmp(a, b) == 0 ||
           (stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino);
}

/* `d` may be NULL: nothing is measured. */
static tc_status write_one(const export_settings *s, bool is_c, const described *about, tc_model *model,
                           const tc_dataset *d, const tc_export_options *options) {
    const tc_net *net = &about->net;
    int64_t shape[4] = {1, net->channels, net->height, net->width};
    TC_TRY((is_c ? tc_export_c : tc_export_onnx)(model, shape, options, is_c ? s->c : s->onnx));
    printf("%s\n", is_c ? s->c : s->onnx);
    if (!d && is_c && s->int8) printf("(what 8 bits cost in accuracy is measured with --data)\n");
    if (!d) return TC_OK;
    measured m = {0};
    TC_TRY(measure(s, is_c, about, model, d, shape, &m));
    printf("accuracy on %lld test pictures: %.2f%% as saved, %.2f%% as written (%+.2f points); the same "
           "decision for %.2f%% of them\n",
           (long long)m.count, 100 * m.saved, 100 * m.written, 100 * (m.written - m.saved),
           100 * (double)m.same / (double)m.count);
    return TC_OK;
}

static tc_status write_net(const export_settings *s, const described *about, tc_model *model,
                           const tc_dataset *d) {
    const char **names = calloc((size_t)about->net.classes, sizeof *names);
    if (!names) return tc_fail(TC_ERR_MEMORY, "no memory for %d names", about->net.classes);
    for (int k = 0; k < about->net.classes; k++)
        names[k] = json_string_value(json_array_get(about->class_names, (size_t)k));
    tc_export_options options = {.name = about->model,
                                 .classes = about->net.classes,
                                 .class_names = about->class_names ? names : NULL,
                                 .mean = about->mean,
                                 .deviation = about->deviation,
                                 .normalised = s->preprocess == PREPROCESS_NONE,
                                 .scale = s->preprocess == PREPROCESS_BYTES ? 1 / 255.0f : 1,
                                 .int8 = s->int8,
                                 .fold = s->fold};
    tc_status status = s->c ? write_one(s, true, about, model, d, &options) : TC_OK;
    /* Only now that the first is there two paths may turn out to be one. */
    if (status == TC_OK && is_same_file(s->c, s->onnx))
        status = tc_fail(TC_ERR_ARGUMENT, "%s: is the file of C, which is there now", s->onnx);
    if (status == TC_OK && s->onnx) status = write_one(s, false, about, model, d, &options);
    free(names);
    return status;
}

static int run_export(int argc, char **argv) {
    export_settings s = {0};
    parse_result parsed = options_parse(&command_export, argc, argv, &s, NULL);
    if (parsed != PARSE_OK) return parsed == PARSE_HELP ? EXIT_GOOD : EXIT_USAGE;
    if (!s.checkpoint) return report(EXIT_USAGE, "export", "--checkpoint FILE is needed");
    if (!s.c && !s.onnx) return report(EXIT_USAGE, "export", "name what to write: --c FILE or --onnx FILE");
    if (s.int8 && !s.c) return report(EXIT_USAGE, "export", "--int8 is for --c FILE");
    if (s.fold && !s.onnx)
        return report(EXIT_USAGE, "export", "--fold is for --onnx FILE; C is always folded");
    if (is_same_file(s.c, s.onnx) || is_same_file(s.checkpoint, s.c) || is_same_file(s.checkpoint, s.onnx))
        return report(EXIT_USAGE, "export", "--checkpoint, --c and --onnx: expected different files");
    described about;
    tc_model *model;
    tc_status status = saved_net_open(s.checkpoint, &about, &model);
    tc_dataset *d = NULL;
    if (status == TC_OK && s.data)
        status = saved_net_dataset(s.checkpoint, &about, s.data, s.data_dir, s.threads, &d);
    if (status == TC_OK) status = write_net(&s, &about, model, d);
    tc_dataset_free(d);
    tc_model_free(model);
    described_free(&about);
    return status == TC_OK ? EXIT_GOOD : report_failure("export");
}
