/* train_epochs.c - epochs, and the order of writing that loses nothing.
 *
 * At the end of an epoch: best.safetensors if the net is the best so far, the line of metrics.jsonl and of
 * the logs beside it, and last of all last.safetensors, which holds the position. A crash between any two leaves the
 * former position, from which the epoch is trained again with the same bits and the same files are written again; the
 * extra line of metrics.jsonl is cut off at the resume.
 *
 * A training by the clock ends with the step whose end is nearest to the time that was given: the schedule follows the
 * clock, so that the rate has come down by then however fast the machine was. */
#include <math.h>

#include "clock.h"
#include "recipe.h"
#include "signals.h"
#include "trainer.h"

static bool is_over(const trainer *t) {
    if (t->steps) return t->state.step >= t->steps;
    return t->state.seconds + t->step_seconds / 2 >= 60 * t->settings->minutes;
}

static double waited(const trainer *t) {
    return tc_loader_wait_seconds(t->whole) + (t->small ? tc_loader_wait_seconds(t->small) : 0);
}

static void keep_time(trainer *t) {
    double now = clock_seconds();
    double wait = waited(t);
    t->step_seconds = now - t->clock;
    t->state.seconds += now - t->clock;
    t->state.epoch_seconds += now - t->clock;
    t->state.epoch_wait_seconds += wait - t->waited;
    t->clock = now;
    t->waited = wait;
}

/* Means over the pictures of this epoch so far. */
static metrics measure(const trainer *t) {
    const train_state *s = &t->state;
    double seen = s->seen ? (double)s->seen : 1;
    return (metrics){.epoch = s->epoch + 1,
                     .step = s->step,
                     .train_loss = s->loss_sum / seen,
                     .train_acc = (double)s->correct / seen,
                     .val_loss = NAN,
                     .val_acc = NAN,
                     .test_loss = NAN,
                     .test_acc = NAN,
                     .tta_acc = NAN,
                     .lr = s->lr,
                     .seconds = s->seconds,
                     .img_per_s = s->epoch_seconds > 0 ? (double)s->seen / s->epoch_seconds : 0,
                     .wait_share = s->epoch_seconds > 0 ? s->epoch_wait_seconds / s->epoch_seconds : 0,
                     .start_seconds = t->start_seconds};
}

static int64_t epochs_of(const trainer *t) {
    return t->steps ? (t->steps + t->epoch_steps - 1) / t->epoch_steps : 0;
}

static void show_progress(trainer *t) {
    const train_state *s = &t->state;
    if (!progress_due(&t->progress, t->clock)) return;
    metrics m = measure(t);
    double pictures =
        (double)(t->steps - s->step) * (double)t->settings->batch * (double)t->settings->accumulate;
    double left = t->steps ? pictures / m.img_per_s : 60 * t->settings->minutes - s->seconds;
    progress_bar(&t->progress,
                 &(progress_view){.epoch = m.epoch,
                                  .epochs = epochs_of(t),
                                  .batch = s->batch,
                                  .batches = t->batches,
                                  .loss = m.train_loss,
                                  .accuracy = m.train_acc,
                                  .img_per_s = m.img_per_s,
                                  .seconds_left = left},
                 t->clock);
}

/* Steps to the end of the epoch, of the training, or until a signal comes. */
static tc_status run_steps(trainer *t, bool *stopped) {
    const train_state *s = &t->state;
    t->clock = clock_seconds();
    t->from = NULL;
    while (s->batch < t->batches && !is_over(t) && !(*stopped = signals_stop())) {
        TC_TRY(trainer_feed(t));
        TC_TRY(train_step(t));
        keep_time(t);
        show_progress(t);
    }
    return TC_OK;
}

/* ---- Evaluation --------------------------------------------------------------------------------------- */

/* The pictures by which epochs are judged: held out, if there are any. */
static const tc_split *judge(const trainer *t) {
    return t->settings->val > 0 ? &t->dataset->validation : &t->dataset->test;
}

static tc_status evaluate_on(trainer *t, const tc_split *split, tc_tta tta, evaluation *result) {
    const tc_dataset *d = t->dataset;
    tc_transform normalize = tc_normalize(d->mean, d->deviation, d->channels);
    tc_loader_options options = {
        .batch_size = (int)t->settings->batch, .transforms = &normalize, .transform_count = 1};
    tc_loader *loader;
    TC_TRY(tc_loader_create(d, split, &options, &loader));
    tc_status status = evaluate(t->model, t->tape, loader, d, tta, signals_stop, result);
    tc_loader_free(loader);
    if (status != TC_OK || result->stopped || isfinite(result->loss)) return status;
    return train_diverged(t, t->state.step, split == &d->test ? "the test loss" : "the validation loss");
}

static tc_status keep_best(trainer *t, const evaluation *e) {
    train_state *s = &t->state;
    if (s->best_epoch && e->accuracy <= s->best_accuracy) return TC_OK;
    s->best_accuracy = e->accuracy;
    s->best_epoch = s->epoch + 1;
    return tc_checkpoint_save(t->run->best, t->model, NULL, t->about.strings, DESCRIPTION_STRINGS);
}

/* The epoch's figures and, at the end, those of the test pictures. Stopped by a signal: e.stopped. */
static tc_status judge_epoch(trainer *t, bool last, metrics *m, bool *stopped) {
    evaluation e;
    bool held_out = judge(t) != &t->dataset->test;
    TC_TRY(evaluate_on(t, judge(t), TC_TTA_NONE, &e));
    if ((*stopped = e.stopped)) return TC_OK;
    *(held_out ? &m->val_loss : &m->test_loss) = e.loss;
    *(held_out ? &m->val_acc : &m->test_acc) = e.accuracy;
    t->last = e;
    TC_TRY(keep_best(t, &e));
    if (!last) return TC_OK;
    if (held_out) {
        TC_TRY(evaluate_on(t, &t->dataset->test, TC_TTA_NONE, &t->last));
        if ((*stopped = t->last.stopped)) return TC_OK;
        m->test_loss = t->last.loss;
        m->test_acc = t->last.accuracy;
    }
    if (t->settings->tta == TC_TTA_NONE) return TC_OK;
    TC_TRY(evaluate_on(t, &t->dataset->test, (tc_tta)t->settings->tta, &t->tta));
    *stopped = t->tta.stopped;
    m->tta_acc = t->tta.accuracy;
    return TC_OK;
}

/* Evaluates, and writes in the order that the head of this file explains. */
static tc_status finish_epoch(trainer *t, bool *stopped) {
    train_state *s = &t->state;
    bool last = is_over(t), averaged = t->settings->average == AVERAGE_EMA;
    metrics m = measure(t);
    if (last && t->settings->average == AVERAGE_LOOKAHEAD) tc_optimizer_average_apply(t->optimizer);
    if (last || (s->epoch + 1) % t->settings->eval_every == 0) {
        if (averaged) tc_optimizer_average_swap(t->optimizer);
        tc_status status = judge_epoch(t, last, &m, stopped);
        if (averaged && !(last && status == TC_OK && !*stopped)) tc_optimizer_average_swap(t->optimizer);
        if (status != TC_OK || *stopped) return status;
    }
    TC_TRY(train_logs_append(&t->logs, &m));
    s->lines++;
    s->epoch++;
    s->finished = last;
    s->batch = s->correct = s->seen = 0;
    s->loss_sum = s->epoch_seconds = s->epoch_wait_seconds = 0;
    TC_TRY(trainer_save(t));
    progress_epoch(&t->progress, &m, epochs_of(t));
    return TC_OK;
}

tc_status trainer_run(trainer *t, bool *stopped) {
    *stopped = false;
    TC_TRY(train_logs_open(t->run, t->settings, t->state.lines, &t->logs));
    tc_status status = TC_OK;
    while (status == TC_OK && !*stopped && !t->state.finished) {
        status = run_steps(t, stopped);
        if (status == TC_OK && !*stopped) status = finish_epoch(t, stopped);
    }
    progress_clear(&t->progress);
    if (status == TC_OK && *stopped) status = trainer_save(t);
    train_logs_close(&t->logs);
    return status;
}
