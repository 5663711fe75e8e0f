/* cmd_import.c - `tinycnn import`: weights that another program saved, as a checkpoint of this one. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "data.h"
#include "description.h"
#include "report.h"
#include "tinycnn/graph.h"

typedef struct import_settings {
    train_settings net; /* model, widths, bn_eps, logit_scale; of the rest nothing is looked at */
    const char *data, *data_dir, *out;
    option_list input, mean, deviation;
    int64_t classes, threads;
    operand_list files;
} import_settings;

#define AT(field) .at = offsetof(import_settings, field)
static const option import_options[] = {
    {"model", "NAME", OPTION_TEXT, "lesson", AT(net.model), .known = known_model,
     .help = "the net that they are for"},
    {"widths", "N,N,...", OPTION_LIST, "", .low = 1, .high = 65536, .whole = true, AT(net.widths),
     .help = "channels of the net's stages, in the place of its own"},
    {"bn-eps", "X", OPTION_REAL, "0", .low = 0, .high = 1, AT(net.bn_eps),
     .help = "batch norm's eps; 0: the net's own"},
    {"logit-scale", "X", OPTION_REAL, "0", .low = 0, .high = 1e6, AT(net.logit_scale),
     .help = "factor of the logits, where the net has one; 0: its own"},
    {"data", "NAME|PATH", OPTION_TEXT, NULL, AT(data),
     .help = "data set that the net was trained on: gives pictures' size, "
             "classes, mean and deviation"},
    {"data-dir", "DIR", OPTION_TEXT, NULL, AT(data_dir),
     .help = "where to look for data first; then $TINYCNN_DATA, then ~/.cache/tinycnn"},
    {"input", "C,H,W", OPTION_LIST, "", .low = 1, .high = 4096, .whole = true, AT(input),
     .help = "channels, height and width of a picture; without it the data's, or 3,32,32"},
    {"classes", "K", OPTION_INTEGER, "10", .low = 2, .high = 100000, AT(classes),
     .help = "classes, where there is no --data to say it"},
    {"mean", "X,...", OPTION_LIST, "", .low = 0, .high = 1, AT(mean),
     .help = "of each channel on the scale 0 to 1, as the net was trained; without it the data's, or 0"},
    {"deviation", "X,...", OPTION_LIST, "", .low = 1e-6, .high = 1e6, AT(deviation),
     .help = "the same; without it the data's, or 1"},
    {"out", "FILE", OPTION_TEXT, NULL, AT(out), .help = "the checkpoint that is written (needed)"},
    {"threads", "P", OPTION_INTEGER, "0", .low = 0, .high = 1024, AT(threads),
     .help = "cores to use; 0: all"},
    {0}};

static int run_import(int argc, char **argv);
const command command_import = {.name = "import",
                                .about = "Takes weights that PyTorch saved as safetensors, and writes a "
                                         "checkpoint that eval and the others take",
                                .notes = "In Python: safetensors.torch.save_file(model.state_dict(), "
                                         "\"weights.safetensors\"). Names and shapes have to be\n"
                                         "those of the net (tinycnn summary --model M shows its layers; "
                                         "torchvision's where it has the net); what is\n"
                                         "missing, unexpected or of another shape is listed.\n",
                                .options = import_options,
                                .run = run_import,
                                .operands = "WEIGHTS.safetensors",
                                .operands_at = offsetof(import_settings, files)};

/* A data set without pictures that says what the options say. `names` and `texts` (classes) are the caller's. */
static tc_dataset described_by_options(const import_settings *s, const char **names, char (*texts)[16]) {
    tc_dataset d = {.name = "imported",
                    .channels = (int)s->input.values[0],
                    .height = (int)s->input.values[1],
                    .width = (int)s->input.values[2],
                    .classes = (int)s->classes,
                    .class_names = names};
    for (int k = 0; k < d.classes; k++) {
        snprintf(texts[k], sizeof texts[k], "%d", k);
        names[k] = texts[k];
    }
    for (int c = 0; c < 4; c++) d.deviation[c] = 1;
    return d;
}

static tc_status take_numbers(const import_settings *s, tc_dataset *d) {
    const option_list *lists[] = {&s->mean, &s->deviation};
    float *to[] = {d->mean, d->deviation};
    for (int i = 0; i < 2; i++) {
        if (lists[i]->count == 0) continue;
        if (lists[i]->count != d->channels)
            return tc_fail(TC_ERR_ARGUMENT, "--%s: %d numbers, expected one for each of %d channels",
                           i ? "deviation" : "mean", lists[i]->count, d->channels);
        for (int c = 0; c < d->channels; c++) to[i][c] = (float)lists[i]->values[c];
    }
    return TC_OK;
}

/* A line for each that differs. */
static void list_difference(void *context, const char *name, const char *found, const char *expected) {
    (void)context;
    printf("%-13s", !found ? "missing" : !expected ? "unexpected" : "other shape");
    put_printable(stdout, name);
    printf(" %s%s%s\n", found ? found : expected, found && expected ? ", expected " : "",
           found && expected ? expected : "");
}

/* The one line of a failure names the first few; the list names them all. */
static tc_status load_weights(const char *path, tc_model *model) {
    tc_status status = tc_checkpoint_load(path, model, NULL);
    if (status == TC_ERR_SHAPE) tc_checkpoint_compare(path, model, list_difference, NULL);
    return status;
}

/* A net with a NaN in it is none. */
static tc_status check_values(const char *path, tc_model *model, const tc_net *net) {
    tc_graph graph;
    TC_TRY(tc_graph_create(model, (int64_t[]){1, net->channels, net->height, net->width}, &graph));
    tc_status status = tc_graph_check(&graph);
    tc_graph_free(&graph);
    return status == TC_OK ? TC_OK : tc_fail(status, "%s: %s", path, tc_last_error());
}

static tc_status convert(const import_settings *s, tc_dataset *d) {
    const tc_model_entry *entry = tc_model_entry_find(s->net.model);
    description about = {0};
    tc_model *model = NULL;
    if (!entry) return TC_ERR_ARGUMENT;
    TC_TRY(take_numbers(s, d));
    tc_net net = {.channels = d->channels,
                  .height = d->height,
                  .width = d->width,
                  .classes = d->classes,
                  .bn_eps = (float)s->net.bn_eps,
                  .logit_scale = (float)s->net.logit_scale};
    for (int i = 0; i < s->net.widths.count; i++) net.widths[i] = (int)s->net.widths.values[i];
    tc_status status = tc_model_create(tc_model_build(entry, &net), 1, &model);
    if (status == TC_OK) status = load_weights(s->files.words[0], model);
    if (status == TC_OK) status = check_values(s->files.words[0], model, &net);
    if (status == TC_OK) status = description_create(&s->net, d, &about);
    if (status == TC_OK) status = tc_checkpoint_save(s->out, model, NULL, about.strings, DESCRIPTION_STRINGS);
    if (status == TC_OK)
        printf("%s: %d tensors, %lld parameters of %s for pictures of (%d, %d, %d) and %d classes\n", s->out,
               tc_model_parameter_count(model) + tc_model_buffer_count(model) + tc_model_counter_count(model),
               (long long)tc_model_parameter_elements(model), s->net.model, d->channels, d->height, d->width,
               d->classes);
    description_free(&about);
    tc_model_free(model);
    return status;
}

static tc_status import_weights(const import_settings *s) {
    if (s->data) {
        tc_dataset *d;
        TC_TRY(data_open(s->data, s->data_dir, s->threads, &s->input, &d));
        tc_status status = convert(s, d);
        tc_dataset_free(d);
        return status;
    }
    const char **names = calloc((size_t)s->classes, sizeof *names);
    char(*texts)[16] = calloc((size_t)s->classes, sizeof *texts);
    tc_status status = tc_fail(TC_ERR_MEMORY, "no memory for %lld classes", (long long)s->classes);
    if (names && texts) {
        tc_dataset d = described_by_options(s, names, texts);
        status = convert(s, &d);
    }
    free(names);
    free(texts);
    return status;
}

static int run_import(int argc, char **argv) {
    import_settings s = {0};
    bool given[OPTIONS_MAX];
    parse_result parsed = options_parse(&command_import, argc, argv, &s, given);
    if (parsed != PARSE_OK) return parsed == PARSE_HELP ? EXIT_GOOD : EXIT_USAGE;
    if (s.files.count != 1)
        return report(EXIT_USAGE, "import", "%d files, expected one of weights", s.files.count);
    if (!s.out) return report(EXIT_USAGE, "import", "--out FILE is needed");
    if (s.data && given[option_index(import_options, "classes")])
        return report(EXIT_USAGE, "import", "--classes and --data: the data says how many classes there are");
    if (s.net.widths.count > TC_NET_WIDTHS)
        return report(EXIT_USAGE, "import", "--widths: %d numbers, expected at most %d", s.net.widths.count,
                      TC_NET_WIDTHS);
    if (s.input.count == 0 && !s.data) s.input = (option_list){3, {3, 32, 32}};
    if (s.input.count != 0 && (s.input.count != 3 || s.input.values[0] > 4))
        return report(EXIT_USAGE, "import", "--input: expected three numbers C,H,W with at most 4 channels");
    return import_weights(&s) == TC_OK ? EXIT_GOOD : report_failure("import");
}
