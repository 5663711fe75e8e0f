/* cmd_eval.c - `tinycnn eval`: loss and accuracy of a saved net on a data set's test pictures. */
#include <math.h>

#include "commands.h"
#include "evaluate.h"
#include "report.h"
#include "saved_net.h"

typedef struct eval_settings {
    const char *checkpoint, *data, *data_dir;
    int64_t batch, threads;
    int tta; /* tc_tta */
    bool json;
} eval_settings;

#define AT(field) .at = offsetof(eval_settings, field)
static const option eval_options[] = {
    {"checkpoint", "FILE", OPTION_TEXT, NULL, AT(checkpoint),
     .help = "the saved net, e.g. best.safetensors of a run; it says itself which net it is (needed)"},
    {"data", "NAME|PATH", OPTION_TEXT, "shapes", AT(data), .help = DATA_HELP, .known = tc_dataset_known},
    {"data-dir", "DIR", OPTION_TEXT, NULL, AT(data_dir),
     .help = "where to look for data first; then $TINYCNN_DATA, then ~/.cache/tinycnn"},
    {"batch", "B", OPTION_INTEGER, "128", .low = 1, .high = 65536, AT(batch), .help = "pictures in a batch"},
    {"threads", "P", OPTION_INTEGER, "0", .low = 0, .high = 1024, AT(threads),
     .help = "cores to use; 0: all"},
    {"tta", "NAME", OPTION_CHOICE, "none", .choices = "none|mirror|shift", AT(tta),
     .help = "test-time augmentation: 1, 2 or 6 views of a picture"},
    {"json", NULL, OPTION_SWITCH, "no", AT(json), .help = "print one JSON object"},
    {0}};

static int run_eval(int argc, char **argv);
const command command_eval = {
    .name = "eval", "Measures a saved net on the test pictures of a data set", NULL, eval_options, run_eval};

static tc_status evaluate_model(const eval_settings *s, const described *d, tc_model *model,
                                const tc_dataset *dataset, evaluation *result) {
    tc_transform normalize = tc_normalize(d->mean, d->deviation, d->net.channels);
    tc_loader_options options = {.batch_size = (int)s->batch, .transforms = &normalize, .transform_count = 1};
    tc_loader *loader;
    TC_TRY(tc_loader_create(dataset, &dataset->test, &options, &loader));
    tc_tape *tape = tc_tape_create(&(tc_tape_options){.threads = (int)s->threads});
    tc_status status =
        tape ? evaluate(model, tape, loader, dataset, (tc_tta)s->tta, NULL, result) : TC_ERR_MEMORY;
    tc_tape_free(tape);
    tc_loader_free(loader);
    return status;
}

static tc_status eval_checkpoint(const eval_settings *s, described *d, evaluation *result) {
    tc_dataset *dataset = NULL;
    tc_model *model = NULL;
    tc_status status = saved_net_open(s->checkpoint, d, &model);
    if (status == TC_OK)
        status = saved_net_dataset(s->checkpoint, d, s->data, s->data_dir, s->threads, &dataset);
    if (status == TC_OK) status = evaluate_model(s, d, model, dataset, result);
    tc_model_free(model);
    tc_dataset_free(dataset);
    return status;
}

static int run_eval(int argc, char **argv) {
    eval_settings s = {0};
    parse_result parsed = options_parse(&command_eval, argc, argv, &s, NULL);
    if (parsed != PARSE_OK) return parsed == PARSE_HELP ? EXIT_GOOD : EXIT_USAGE;
    if (!s.checkpoint) return report(EXIT_USAGE, "eval", "--checkpoint FILE is needed");
    described d;
    evaluation result;
    tc_status status = eval_checkpoint(&s, &d, &result);
    described_free(&d);
    if (status != TC_OK) return report_failure("eval");
    if (!isfinite(result.loss))
        return report(EXIT_FAILED, "eval", "%s: the loss is not finite", s.checkpoint);
    if (s.json)
        printf("{\"model\": \"%s\", \"pictures\": %lld, \"correct\": %lld, \"loss\": %.9g, \"accuracy\": "
               "%.9g}\n",
               d.model, (long long)result.count, (long long)result.correct, result.loss, result.accuracy);
    else
        printf("%s: loss %.4f, accuracy %.2f%% (%lld of %lld)\n", d.model, result.loss, 100 * result.accuracy,
               (long long)result.correct, (long long)result.count);
    return EXIT_GOOD;
}
