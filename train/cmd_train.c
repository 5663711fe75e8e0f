/* cmd_train.c - `tinycnn train`: from the command line to a trained run. */
#include <signal.h>
#include <string.h>

#include "clock.h"
#include "commands.h"
#include "config.h"
#include "models.h"
#include "report.h"
#include "signals.h"
#include "trainer.h"

static int run_train(int argc, char **argv);

const command command_train = {
    "train",
    "Trains a net and keeps the run in a folder",
    "A run's folder holds config.json (all settings), metrics.jsonl (one object an epoch: epoch, step,\n"
    "train_loss, train_acc, test_loss, test_acc, lr, seconds, img_per_s, wait_share (of the training\n"
    "time, spent waiting for pictures), start_seconds (from the program's start to its first step)),\n"
    "last.safetensors (the newest state, from which --resume goes on) and best.safetensors (the net with\n"
    "the best test accuracy).\n\n"
    "Ctrl-C (SIGINT) or SIGTERM: saves at the next step and ends with exit code 130 or 143; a second one\n"
    "ends at once. --resume goes on bit for bit as if nothing had happened. It takes the settings from\n"
    "the run's config.json; only --threads, --data-dir and --quiet may differ, and --epochs may grow\n"
    "where the schedule is constant.\n",
    train_options,
    run_train,
};

static bool was_given(const bool given[OPTIONS_MAX], const char *name) {
    for (int i = 0; train_options[i].name; i++)
        if (strcmp(train_options[i].name, name) == 0) return given[i];
    return false;
}

static int usage(void) {
    return report(EXIT_USAGE, "train", "%s", tc_last_error());
}

/* Settings of this start: of the run in --resume, or of the command line. *config is the memory that texts of
 * a resumed run lie in. Returns an exit code. */
static int make_settings(train_settings *s, const bool given[OPTIONS_MAX], run_dir *run, json_t **config) {
    if (s->resume) {
        if (s->out) return report(EXIT_USAGE, "train", "--out: a resumed run stays in its folder");
        if (run_dir_name(s->resume, run) != TC_OK) return usage();
        if (config_load(run->config, config) != TC_OK) return report_failure("train");
        tc_status status = settings_resume(s, given, run->config, *config);
        if (status == TC_ERR_ARGUMENT) return usage();
        if (status != TC_OK) return report_failure("train");
    } else if (was_given(given, "epochs") && was_given(given, "minutes")) {
        return report(EXIT_USAGE, "train", "--epochs and --minutes: one of the two, not both");
    } else if (s->out && run_dir_name(s->out, run) != TC_OK) {
        return usage();
    }
    if (settings_resolve(s) != TC_OK) return usage();
    if (!tc_model_entry_find(s->model)) return report(EXIT_USAGE, "train", "--model: %s", tc_last_error());
    return EXIT_GOOD;
}

static void print_begin(const trainer *t) {
    const train_settings *s = t->settings;
    printf("%s on %s: %lld pictures to train, %lld to test, %lld parameters, %s%d thread%s\n", s->model,
           s->data, (long long)t->dataset->train.count, (long long)t->dataset->test.count,
           (long long)tc_model_parameter_elements(t->model), t->state.step ? "resumed, " : "",
           tc_tape_threads(t->tape), tc_tape_threads(t->tape) == 1 ? "" : "s");
    fflush(stdout);
}

/* Trains and reports; returns the exit code. */
static int train_to_end(trainer *t) {
    bool stopped;
    if (!t->settings->quiet) print_begin(t);
    tc_status status = trainer_run(t, &stopped);
    if (status != TC_OK)
        return report(status == TC_ERR_NUMERIC ? EXIT_DIVERGED : EXIT_FAILED, "train", "%s", tc_last_error());
    if (stopped)
        return report(EXIT_SIGNALLED + signals_number(), "train",
                      "stopped by %s, saved at step %lld; go on with: tinycnn train --resume %s",
                      signals_number() == SIGINT ? "SIGINT" : "SIGTERM", (long long)t->state.step,
                      t->run->path);
    if (!t->settings->quiet)
        printf("best test accuracy %.2f%% (epoch %lld); the run is in %s\n", 100 * t->state.best_accuracy,
               (long long)t->state.best_epoch, t->run->path);
    return EXIT_GOOD;
}

static tc_status prepare(const train_settings *s, const tc_dataset *dataset, run_dir *run, trainer *t) {
    TC_TRY(trainer_create(s, dataset, run, t));
    tc_status status = s->resume ? trainer_resume(t) : run_dir_create(s->out, s->model, run);
    if (status == TC_OK) status = config_write(run->config, train_options, s);
    if (status != TC_OK) trainer_free(t);
    return status;
}

static int run_train(int argc, char **argv) {
    const double began = clock_seconds();
    train_settings settings = {0};
    bool given[OPTIONS_MAX];
    parse_result parsed = options_parse(&command_train, argc, argv, &settings, given);
    if (parsed != PARSE_OK) return parsed == PARSE_HELP ? EXIT_GOOD : EXIT_USAGE;

    run_dir run;
    json_t *config = NULL;
    tc_dataset *dataset = NULL;
    trainer t;
    int code = make_settings(&settings, given, &run, &config);
    if (code == EXIT_GOOD) {
        signals_catch();
        tc_status status = tc_dataset_open(settings.data, settings.data_dir, (int)settings.threads, &dataset);
        if (status == TC_OK) status = prepare(&settings, dataset, &run, &t);
        if (status == TC_OK) {
            t.began = began;
            code = train_to_end(&t);
            trainer_free(&t);
        } else {
            code = report_failure("train");
        }
    }
    tc_dataset_free(dataset);
    json_decref(config);
    return code;
}
