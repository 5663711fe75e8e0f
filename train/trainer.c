/* trainer.c - epochs, and the order of writing that loses nothing.
 *
 * At the end of an epoch: best.safetensors if the net is the best so far, the line of metrics.jsonl, and last
 * of all last.safetensors, which holds the position. A crash between any two leaves the former position, from
 * which the epoch is trained again with the same bits and the same files are written again; the extra line of
 * metrics.jsonl is cut off at the resume. */
#include "trainer.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "evaluate.h"
#include "models.h"
#include "recipe.h"
#include "signals.h"

/* ---- Making and unmaking ------------------------------------------------------------------------------ */

static tc_status create_model(trainer *t) {
    const train_settings *s = t->settings;
    const tc_dataset *d = t->dataset;
    const tc_model_entry *entry = tc_model_entry_find(s->model);
    if (!entry) return TC_ERR_ARGUMENT;
    TC_TRY(tc_model_create(entry->build(d->channels, d->height, d->width, d->classes), (uint64_t)s->seed,
                           &t->model));
    if (s->init != TC_INIT_PYTORCH) tc_model_init(t->model, (tc_init)s->init, (uint64_t)s->seed);
    TC_TRY(recipe_optimizer(s, t->model, &t->optimizer));
    if (s->threads) tc_optimizer_set_threads(t->optimizer, (int)s->threads);
    t->tape = tc_tape_create(&(tc_tape_options){.threads = (int)s->threads, .seed = (uint64_t)s->seed});
    return t->tape ? TC_OK : TC_ERR_MEMORY;
}

static tc_status create_loaders(trainer *t) {
    const train_settings *s = t->settings;
    tc_transform transforms[RECIPE_TRANSFORMS];
    tc_loader_options options = {.batch_size = (int)s->batch,
                                 .shuffle = true,
                                 .seed = (uint64_t)s->seed,
                                 .transforms = transforms,
                                 .transform_count = recipe_transforms(s, t->dataset, transforms)};
    TC_TRY(tc_loader_create(t->dataset, &t->dataset->train, &options, &t->train_loader));
    tc_transform normalize = tc_normalize(t->dataset->mean, t->dataset->deviation, t->dataset->channels);
    options =
        (tc_loader_options){.batch_size = (int)s->batch, .transforms = &normalize, .transform_count = 1};
    return tc_loader_create(t->dataset, &t->dataset->test, &options, &t->test_loader);
}

static tc_status create_parts(trainer *t) {
    const train_settings *s = t->settings;
    TC_TRY(create_model(t));
    TC_TRY(create_loaders(t));
    t->batches = tc_loader_batches(t->train_loader);
    int64_t steps = (t->batches + s->accumulate - 1) / s->accumulate; /* in an epoch */
    TC_TRY(recipe_schedule(s, s->minutes > 0 ? RECIPE_TICKS : s->epochs * steps, &t->schedule));
    return description_create(s->model, t->dataset, &t->about);
}

tc_status trainer_create(const train_settings *settings, const tc_dataset *dataset, const run_dir *run,
                         trainer *t) {
    *t = (trainer){
        .settings = settings, .dataset = dataset, .run = run, .progress = progress_create(settings->quiet)};
    tc_status status = create_parts(t);
    if (status != TC_OK) trainer_free(t);
    return status;
}

void trainer_free(trainer *t) {
    tc_loader_free(t->train_loader);
    tc_loader_free(t->test_loader);
    tc_tape_free(t->tape);
    tc_optimizer_free(t->optimizer);
    tc_model_free(t->model);
    description_free(&t->about);
    *t = (trainer){0};
}

/* ---- Saving and going on ------------------------------------------------------------------------------ */

static tc_status save_last(trainer *t) {
    tc_metadata metadata[DESCRIPTION_STRINGS + STATE_STRINGS];
    char texts[STATE_STRINGS][STATE_TEXT];
    memcpy(metadata, t->about.strings, sizeof t->about.strings);
    train_state_write(&t->state, metadata + DESCRIPTION_STRINGS, texts);
    return tc_checkpoint_save(t->run->last, t->model, t->optimizer, metadata,
                              DESCRIPTION_STRINGS + STATE_STRINGS);
}

tc_status trainer_resume(trainer *t) {
    train_state *s = &t->state;
    if (access(t->run->last, F_OK) != 0) return TC_OK;
    TC_TRY(train_state_read(t->run->last, s));
    if (s->batch > t->batches)
        return tc_fail(TC_ERR_FORMAT, "%s: stands at batch %lld, the data has %lld in an epoch", t->run->last,
                       (long long)s->batch, (long long)t->batches);
    if (t->settings->minutes == 0) s->finished = s->epoch >= t->settings->epochs;
    return tc_checkpoint_load(t->run->last, t->model, t->optimizer);
}

/* ---- Epochs ------------------------------------------------------------------------------------------- */

static bool time_is_up(const trainer *t) {
    return t->settings->minutes > 0 && t->state.seconds >= 60 * t->settings->minutes;
}

static void keep_time(trainer *t) {
    double now = clock_seconds();
    double waited = tc_loader_wait_seconds(t->train_loader);
    t->state.seconds += now - t->clock;
    t->state.epoch_seconds += now - t->clock;
    t->state.epoch_wait_seconds += waited - t->waited;
    t->clock = now;
    t->waited = waited;
}

/* Means over the pictures of this epoch so far. */
static metrics measure(const trainer *t) {
    const train_state *s = &t->state;
    double seen = s->seen ? (double)s->seen : 1;
    return (metrics){.epoch = s->epoch + 1,
                     .step = s->step,
                     .train_loss = s->loss_sum / seen,
                     .train_acc = (double)s->correct / seen,
                     .test_loss = NAN,
                     .test_acc = NAN,
                     .lr = s->lr,
                     .seconds = s->seconds,
                     .img_per_s = s->epoch_seconds > 0 ? (double)s->seen / s->epoch_seconds : 0,
                     .wait_share = s->epoch_seconds > 0 ? s->epoch_wait_seconds / s->epoch_seconds : 0,
                     .start_seconds = t->start_seconds};
}

static void show_progress(trainer *t) {
    const train_state *s = &t->state;
    if (!progress_due(&t->progress, t->clock)) return;
    metrics m = measure(t);
    int64_t epochs = t->settings->minutes > 0 ? 0 : t->settings->epochs;
    double pictures = (double)((epochs - s->epoch) * t->dataset->train.count - s->seen);
    double left = epochs ? pictures / m.img_per_s : 60 * t->settings->minutes - s->seconds;
    progress_bar(&t->progress,
                 &(progress_view){.epoch = m.epoch,
                                  .epochs = epochs,
                                  .batch = s->batch,
                                  .batches = t->batches,
                                  .loss = m.train_loss,
                                  .accuracy = m.train_acc,
                                  .img_per_s = m.img_per_s,
                                  .seconds_left = left},
                 t->clock);
}

/* Steps to the end of the epoch, of the time, or until a signal comes. */
static tc_status run_steps(trainer *t, bool *stopped) {
    train_state *s = &t->state;
    t->clock = clock_seconds();
    if (s->batch < t->batches) TC_TRY(tc_loader_start(t->train_loader, s->epoch, s->batch));
    while (s->batch < t->batches && !time_is_up(t) && !(*stopped = signals_stop())) {
        TC_TRY(train_step(t));
        keep_time(t);
        show_progress(t);
    }
    return TC_OK;
}

static tc_status keep_best(trainer *t, const evaluation *test) {
    train_state *s = &t->state;
    if (s->best_epoch && test->accuracy <= s->best_accuracy) return TC_OK;
    s->best_accuracy = test->accuracy;
    s->best_epoch = s->epoch + 1;
    return tc_checkpoint_save(t->run->best, t->model, NULL, t->about.strings, DESCRIPTION_STRINGS);
}

/* Evaluates, and writes in the order that the head of this file explains. */
static tc_status finish_epoch(trainer *t, bool *stopped) {
    train_state *s = &t->state;
    bool last = time_is_up(t) || (t->settings->minutes == 0 && s->epoch + 1 >= t->settings->epochs);
    metrics m = measure(t);
    if (last || (s->epoch + 1) % t->settings->eval_every == 0) {
        evaluation test;
        TC_TRY(evaluate(t->model, t->tape, t->test_loader, t->dataset, signals_stop, &test));
        if ((*stopped = test.stopped)) return TC_OK;
        if (!isfinite(test.loss)) return train_diverged(t, s->step, "the test loss");
        m.test_loss = test.loss;
        m.test_acc = test.accuracy;
        TC_TRY(keep_best(t, &test));
    }
    TC_TRY(metrics_append(t->metrics, t->run->metrics, &m));
    s->lines++;
    s->epoch++;
    s->finished = last;
    s->batch = s->correct = s->seen = 0;
    s->loss_sum = s->epoch_seconds = s->epoch_wait_seconds = 0;
    TC_TRY(save_last(t));
    progress_epoch(&t->progress, &m, t->settings->minutes > 0 ? 0 : t->settings->epochs);
    return TC_OK;
}

tc_status trainer_run(trainer *t, bool *stopped) {
    *stopped = false;
    TC_TRY(metrics_open(t->run->metrics, t->state.lines, &t->metrics));
    tc_status status = TC_OK;
    while (status == TC_OK && !*stopped && !t->state.finished) {
        status = run_steps(t, stopped);
        if (status == TC_OK && !*stopped) status = finish_epoch(t, stopped);
    }
    progress_clear(&t->progress);
    if (status == TC_OK && *stopped) status = save_last(t);
    fclose(t->metrics);
    t->metrics = NULL;
    return status;
}
