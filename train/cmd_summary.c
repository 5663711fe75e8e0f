/* cmd_summary.c - `tinycnn summary`: what a net is made of, as a table. */
#include <math.h>

#include "commands.h"
#include "models.h"
#include "report.h"

typedef struct summary_settings {
    const char *model;
    option_list input;
    int64_t classes;
} summary_settings;

static const option summary_options[] = {
    {"model", "NAME", OPTION_TEXT, "lesson", .at = offsetof(summary_settings, model), .known = known_model,
     .help = "the net"},
    {"input", "C,H,W", OPTION_LIST, "3,32,32", .low = 1, .high = 32767,
     .at = offsetof(summary_settings, input), .help = "channels, height and width of a picture"},
    {"classes", "K", OPTION_INTEGER, "10", .low = 2, .high = 100000,
     .at = offsetof(summary_settings, classes), .help = "classes to tell apart"},
    {0}};

static int run_summary(int argc, char **argv);
const command command_summary = {.name = "summary",
                                 "Prints a net's layers: shapes, parameters, work and memory",
                                 NULL,
                                 summary_options,
                                 run_summary};

static int run_summary(int argc, char **argv) {
    summary_settings s = {0};
    parse_result parsed = options_parse(&command_summary, argc, argv, &s, NULL);
    if (parsed != PARSE_OK) return parsed == PARSE_HELP ? EXIT_GOOD : EXIT_USAGE;
    if (s.input.count != 3)
        return report(EXIT_USAGE, "summary", "--input: %d numbers, expected three: C,H,W", s.input.count);
    for (int i = 0; i < 3; i++)
        if (s.input.values[i] != floor(s.input.values[i]))
            return report(EXIT_USAGE, "summary", "--input: %g is not a whole number", s.input.values[i]);
    const tc_model_entry *entry = tc_model_entry_find(s.model);
    if (!entry) return report(EXIT_USAGE, "summary", "--model: %s", tc_last_error());

    int64_t shape[4] = {1, (int64_t)s.input.values[0], (int64_t)s.input.values[1],
                        (int64_t)s.input.values[2]};
    tc_model *model;
    tc_status status = tc_model_create(
        tc_model_build(entry, tc_net_of((int)shape[1], (int)shape[2], (int)shape[3], (int)s.classes)), 1,
        &model);
    if (status == TC_OK) status = tc_model_summary_write(model, shape, stdout);
    tc_model_free(model);
    return status == TC_OK ? EXIT_GOOD : report_failure("summary");
}
