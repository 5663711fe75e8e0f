/* cmd_train.c - `tinycnn train`: from the command line to a trained run. */
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "budget.h"
#include "clock.h"
#include "commands.h"
#include "config.h"
#include "data.h"
#include "models.h"
#include "recipe_file.h"
#include "report.h"
#include "signals.h"
#include "statistics.h"
#include "trainer.h"

static int run_train(int argc, char **argv);

const command command_train = {
    .name = "train",
    "Trains a net and keeps the run in a folder",
    "A run's folder holds config.json (all settings), metrics.jsonl (one object an epoch: epoch, step,\n"
    "train_loss, train_acc, val_loss, val_acc, test_loss, test_acc, tta_acc (with --tta), lr, seconds (of\n"
    "training), img_per_s, wait_share (of the training time, spent waiting for pictures), start_seconds\n"
    "(from the program's start to its first step); null where something was not measured),\n"
    "last.safetensors (the newest state, from which --resume goes on) and best.safetensors (the net with\n"
    "the best accuracy on the pictures held out or, without --val, on the test pictures). With --csv, also\n"
    "metrics.csv (the same fields, empty where not measured); with --tensorboard, an event file,\n"
    "events.out.tfevents.* (loss/train, accuracy/test, ...; steps are optimiser steps). With --resume,\n"
    "also of a run that is finished, either holds all epochs of the run.\n\n"
    "Ctrl-C (SIGINT) or SIGTERM: saves at the next step and ends with exit code 130 or 143; a second one\n"
    "ends at once. --resume goes on bit for bit as if nothing had happened. It takes the settings from\n"
    "the run's config.json; only --threads, --data-dir, --csv, --tensorboard and --quiet may differ, and\n"
    "--epochs may grow where nothing depends on the end (constant schedule, no average, whole epochs, no\n"
    "--val).\n"
    "With --seeds, each seed's run is resumed by itself, and those that had not begun are started by --seed\n"
    "and --seeds.\n",
    train_options,
    run_train,
};

typedef struct start {
    train_settings asked, settings; /* as the command line has them; as they are */
    bool given[OPTIONS_MAX];
    recipe_memory recipes; /* memory of texts that came from a recipe */
    json_t *config;        /* the same for a resumed run */
    run_dir run;
    tc_dataset *dataset;
    double began;
} start;

static bool was_given(const start *st, const char *name) {
    return st->given[option_index(train_options, name)];
}

static int usage(void) {
    return report(EXIT_USAGE, "train", "%s", tc_last_error());
}

/* ---- Settings ----------------------------------------------------------------------------------------- */

static int make_resumed(start *st) {
    train_settings *s = &st->settings;
    if (s->out) return report(EXIT_USAGE, "train", "--out: a resumed run stays in its folder");
    if (s->recipe) return report(EXIT_USAGE, "train", "--recipe: a resumed run keeps its settings");
    if (s->seeds > 1) return report(EXIT_USAGE, "train", "--seeds: each run is resumed by itself");
    if (run_dir_name(s->resume, &st->run) != TC_OK) return usage();
    if (config_load(st->run.config, &st->config) != TC_OK) return report_failure("train");
    tc_status status = settings_resume(s, st->given, st->run.config, st->config);
    if (status == TC_ERR_ARGUMENT) return usage();
    return status == TC_OK ? EXIT_GOOD : report_failure("train");
}

/* Settings of this start: of the run in --resume, or of recipe and command line. Returns an exit code. */
static int make_settings(start *st) {
    train_settings *s = &st->settings;
    if (s->resume) {
        int code = make_resumed(st);
        if (code != EXIT_GOOD) return code;
    } else {
        if (was_given(st, "epochs") && was_given(st, "minutes"))
            return report(EXIT_USAGE, "train", "--epochs and --minutes: one of the two, not both");
        if (s->out && run_dir_name(s->out, &st->run) != TC_OK) return usage();
        if (s->recipe && recipe_apply(s->recipe, st->given, s, &st->recipes) != TC_OK) return usage();
        if (was_given(st, "epochs")) s->minutes = 0;
    }
    if (settings_resolve(s) != TC_OK) return usage();
    if (!tc_model_entry_find(s->model)) return report(EXIT_USAGE, "train", "--model: %s", tc_last_error());
    return EXIT_GOOD;
}

/* Whether it is left to the program which recipe makes most of the minutes. */
static bool wants_budget(const start *st) {
    const train_settings *s = &st->settings;
    const int64_t enough = 10000; /* pictures, for the table of promises to mean anything */
    return s->minutes > 0 && !s->resume && !s->recipe && !was_given(st, "model") &&
           strcmp(st->dataset->name, "cifar10") == 0 && st->dataset->train.count >= enough;
}

/* Whether the command line changes something that the promise was measured with. */
static bool changes_recipe(const start *st) {
    static const char *const harmless[] = {"data", "minutes", "seed", "val", "eval-every"};
    enum { HARMLESS = sizeof harmless / sizeof harmless[0] };
    for (int i = 0; train_options[i].name; i++) {
        bool matters = st->given[i] && train_options[i].scope == SCOPE_RUN;
        for (int h = 0; h < HARMLESS; h++)
            matters = matters && strcmp(train_options[i].name, harmless[h]) != 0;
        if (matters) return true;
    }
    return false;
}

static void print_promise(const start *st, const budget *b) {
    const train_settings *s = &st->settings;
    time_t end = time(NULL) + (time_t)(60 * s->minutes * (double)s->seeds);
    struct tm local;
    char when[32] = "";
    if (localtime_r(&end, &local)) strftime(when, sizeof when, "%H:%M:%S", &local);
    printf("recipe %s: %.0f img/s, about %.1f epochs; ", b->recipe, b->img_per_s, b->epochs);
    if (b->measured)
        printf("expected test accuracy %.1f%%%s; ", 100 * b->accuracy,
               changes_recipe(st) ? " (of the recipe without your changes)" : "");
    else
        printf("too short to say what accuracy to expect; ");
    printf("trained by %s, without the time of evaluation\n", when);
    fflush(stdout);
}

static tc_status apply_budget(start *st) {
    budget b;
    if (!st->settings.quiet) printf("measuring this machine\n");
    fflush(stdout);
    TC_TRY(budget_choose(&st->asked, st->given, st->dataset, &b));
    if (signals_stop()) return TC_OK; /* perhaps before any recipe was looked at */
    st->settings = st->asked;
    st->settings.recipe = b.recipe;
    TC_TRY(recipe_apply(b.recipe, st->given, &st->settings, &st->recipes));
    TC_TRY(settings_resolve(&st->settings));
    settings_fit(&st->settings, st->dataset->name);
    if (!st->settings.quiet) print_promise(st, &b);
    return TC_OK;
}

/* ---- One run ------------------------------------------------------------------------------------------ */

static void print_begin(const trainer *t) {
    const train_settings *s = t->settings;
    char held_out[64] = "";
    if (s->val > 0) snprintf(held_out, sizeof held_out, "%lld to validate, ", (long long)s->val);
    printf("%s on %s (%d, %d, %d): %lld pictures to train, %s%lld to test, %lld parameters, %s%d thread%s\n",
           s->model, s->data, t->dataset->channels, t->dataset->height, t->dataset->width,
           (long long)t->dataset->train.count, held_out, (long long)t->dataset->test.count,
           (long long)tc_model_parameter_elements(t->model), t->state.step ? "resumed, " : "",
           tc_tape_threads(t->tape), tc_tape_threads(t->tape) == 1 ? "" : "s");
    fflush(stdout);
}

static void print_end(const trainer *t) {
    const train_state *s = &t->state;
    if (t->last.count) printf("test accuracy %.2f%%", 100 * t->last.accuracy);
    if (t->tta.count) printf(", %.2f%% with test-time augmentation", 100 * t->tta.accuracy);
    if (t->last.count) printf("; ");
    printf("best %s accuracy %.2f%% (epoch %lld); the run is in %s\n",
           t->settings->val > 0 ? "validation" : "test", 100 * s->best_accuracy, (long long)s->best_epoch,
           t->run->path);
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
    if (!t->settings->quiet) print_end(t);
    return EXIT_GOOD;
}

static tc_status prepare(start *st, trainer *t, int *lock) {
    const train_settings *s = &st->settings;
    *lock = -1;
    TC_TRY(config_check(train_options, s));
    TC_TRY(trainer_create(s, st->dataset, &st->run, t));
    tc_status status = s->resume ? TC_OK : run_dir_create(s->out, s->model, &st->run);
    if (status == TC_OK) status = run_dir_lock(&st->run, lock);
    if (status == TC_OK && s->resume) status = trainer_resume(t);
    if (status == TC_OK) status = config_write(st->run.config, train_options, s);
    if (status != TC_OK) {
        trainer_free(t);
        run_dir_unlock(*lock);
    }
    return status;
}

/* Returns the exit code; the figure that the run ends with goes to *accuracy. */
static int train_one(start *st, double *accuracy) {
    trainer t;
    int lock;
    tc_status status = prepare(st, &t, &lock);
    if (status == TC_ERR_ARGUMENT) return usage();
    if (status != TC_OK) return report_failure("train");
    t.began = st->began;
    int code = train_to_end(&t);
    *accuracy = t.tta.count ? t.tta.accuracy : t.last.accuracy;
    trainer_free(&t);
    run_dir_unlock(lock);
    return code;
}

/* ---- Several seeds ------------------------------------------------------------------------------------ */

/* PARENT/seed-N */
static void seed_folder(const char *parent, int64_t seed, char out[RUN_PATH_MAX + 32]) {
    snprintf(out, RUN_PATH_MAX + 32, "%s/seed-%lld", parent, (long long)seed);
}

/* No hours shall be lost because a later seed's folder holds a run already. */
static tc_status check_folders(const char *parent, int64_t first, int64_t count) {
    char out[RUN_PATH_MAX + 32];
    for (int64_t i = 0; i < count; i++) {
        seed_folder(parent, first + i, out);
        if (access(out, F_OK) == 0) return tc_fail(TC_ERR_IO, "%s: is there already", out);
    }
    return TC_OK;
}

static void print_figures(int64_t first, const double *figures, int count, const char *parent) {
    for (int i = 0; i < count; i++) printf("seed %-6lld %.2f%%\n", (long long)(first + i), 100 * figures[i]);
    if (count < 2) return;
    statistics found = statistics_of(figures, count);
    printf("test accuracy over %d seeds: mean %.2f%%, standard deviation %.2f%%, 95%% confidence interval of "
           "the mean %.2f%% to %.2f%%; the runs are in %s\n",
           found.count, 100 * found.mean, 100 * found.deviation, 100 * fmax(found.mean - found.half, 0),
           100 * fmin(found.mean + found.half, 1), parent);
}

static int train_each(start *st, const char *parent, double *figures, int *done) {
    train_settings *s = &st->settings;
    int64_t first = s->seed;
    char out[RUN_PATH_MAX + 32];
    int code = EXIT_GOOD;
    for (; *done < s->seeds; ++*done) {
        s->seed = first + *done;
        seed_folder(parent, s->seed, out);
        s->out = out;
        if (*done > 0) st->began = clock_seconds();
        if (!s->quiet) printf("seed %lld (%d of %lld)\n", (long long)s->seed, *done + 1, (long long)s->seeds);
        if ((code = train_one(st, &figures[*done])) != EXIT_GOOD) break;
    }
    s->seed = first;
    return code;
}

/* What is done when a later seed fails is reported all the same. */
static int train_seeds(start *st) {
    const train_settings *s = &st->settings;
    run_dir parent;
    int done = 0;
    double *figures = calloc((size_t)s->seeds, sizeof *figures);
    if (!figures) return report(EXIT_FAILED, "train", "out of memory for %lld seeds", (long long)s->seeds);
    tc_status status = run_dir_create(s->out, s->model, &parent);
    if (status == TC_OK) status = check_folders(parent.path, s->seed, s->seeds);
    int code = status == TC_OK ? train_each(st, parent.path, figures, &done) : report_failure("train");
    if (!s->quiet) print_figures(s->seed, figures, done, parent.path);
    free(figures);
    return code;
}

/* ---- The command -------------------------------------------------------------------------------------- */

static int train(start *st) {
    train_settings *s = &st->settings;
    double accuracy;
    int code = make_settings(st);
    if (code != EXIT_GOOD) return code;
    signals_catch();
    tc_status opened = data_open(s->data, s->data_dir, s->threads, &s->input, &st->dataset);
    if (opened != TC_OK) return opened == TC_ERR_ARGUMENT ? usage() : report_failure("train");
    settings_fit(s, st->dataset->name);
    if (s->val > 0 && tc_dataset_hold_out(st->dataset, s->val) != TC_OK)
        return report(EXIT_USAGE, "train", "--val: %s", tc_last_error());
    if (wants_budget(st)) {
        tc_status status = apply_budget(st);
        if (status != TC_OK) return status == TC_ERR_ARGUMENT ? usage() : report_failure("train");
        if (signals_stop())
            return report(EXIT_SIGNALLED + signals_number(), "train", "stopped before training began");
    }
    return s->seeds > 1 ? train_seeds(st) : train_one(st, &accuracy);
}

static int run_train(int argc, char **argv) {
    start st = {.began = clock_seconds()};
    parse_result parsed = options_parse(&command_train, argc, argv, &st.asked, st.given);
    if (parsed != PARSE_OK) return parsed == PARSE_HELP ? EXIT_GOOD : EXIT_USAGE;
    st.settings = st.asked;
    int code = train(&st);
    tc_dataset_free(st.dataset);
    json_decref(st.config);
    recipe_memory_free(&st.recipes);
    return code;
}
