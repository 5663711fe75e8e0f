/* trainer.c - the parts of a training, put together, saved and taken up again. */
#include "trainer.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "recipe.h"

/* ---- Making and unmaking ------------------------------------------------------------------------------ */

/* The loader of small pictures, which the net has to be able to take. */
static tc_status create_small(trainer *t) {
    const train_settings *s = t->settings;
    const tc_dataset *d = t->dataset;
    if (s->small_size > d->height || s->small_size > d->width)
        return tc_fail(TC_ERR_ARGUMENT, "--small-size: %lld is more than the pictures' %d x %d",
                       (long long)s->small_size, d->height, d->width);
    tc_tensor *x = tc_tensor_new(tc_tape_arena(t->tape), 1, d->channels, s->small_size, s->small_size);
    if (!x) return TC_ERR_MEMORY;
    tc_tape_eval(t->tape);
    bool taken = tc_model_forward(t->model, t->tape, x) != NULL;
    tc_tape_train(t->tape);
    if (!taken)
        return tc_fail(TC_ERR_ARGUMENT, "--small-size: the net %s can't take pictures of %lld x %lld",
                       s->model, (long long)s->small_size, (long long)s->small_size);
    tc_tape_reset(t->tape, 0);
    return recipe_loader(s, d, true, &t->small);
}

static tc_status create_parts(trainer *t) {
    const train_settings *s = t->settings;
    TC_TRY(recipe_model(s, t->dataset, &t->model));
    TC_TRY(recipe_optimizer(s, t->model, &t->optimizer));
    t->tape = tc_tape_create(&(tc_tape_options){.threads = (int)s->threads, .seed = (uint64_t)s->seed});
    if (!t->tape) return tc_fail(TC_ERR_MEMORY, "training: out of memory");
    TC_TRY(recipe_loader(s, t->dataset, false, &t->whole));
    if (s->small_size > 0) TC_TRY(create_small(t));
    t->batches = tc_loader_batches(t->whole);
    if (t->batches == 0)
        return tc_fail(TC_ERR_ARGUMENT,
                       "--drop-last: a batch of %lld is more than the %lld training pictures",
                       (long long)s->batch, (long long)t->dataset->train.count);
    t->epoch_steps = (t->batches + s->accumulate - 1) / s->accumulate;
    if (s->minutes == 0) t->steps = (int64_t)ceil(s->epochs * (double)t->epoch_steps - 1e-9);
    TC_TRY(recipe_schedule(s, t->steps ? t->steps : RECIPE_TICKS, &t->schedule));
    return description_create(s, t->dataset, &t->about);
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
    tc_loader_free(t->whole);
    tc_loader_free(t->small);
    tc_tape_free(t->tape);
    tc_optimizer_free(t->optimizer);
    tc_model_free(t->model);
    description_free(&t->about);
    *t = (trainer){0};
}

/* ---- Where it stands ---------------------------------------------------------------------------------- */

double trainer_position(const trainer *t) {
    double position =
        t->steps ? (double)t->state.step / (double)t->steps : t->state.seconds / (60 * t->settings->minutes);
    return position < 1 ? position : 1;
}

tc_status trainer_feed(trainer *t) {
    const train_state *s = &t->state;
    tc_loader *wanted = t->small && trainer_position(t) < t->settings->small_until ? t->small : t->whole;
    if (t->from == wanted && s->batch > 0) return TC_OK;
    t->from = wanted;
    return tc_loader_start(wanted, s->epoch, s->batch);
}

/* ---- Saving and going on ------------------------------------------------------------------------------ */

tc_status trainer_save(const trainer *t) {
    tc_metadata metadata[DESCRIPTION_STRINGS + STATE_STRINGS];
    char texts[STATE_STRINGS][STATE_TEXT];
    memcpy(metadata, t->about.strings, sizeof t->about.strings);
    train_state_write(&t->state, metadata + DESCRIPTION_STRINGS, texts);
    return tc_checkpoint_save(t->run->last, t->model, t->optimizer, metadata,
                              DESCRIPTION_STRINGS + STATE_STRINGS);
}

/* Classes that have been renamed may have another order now. */
static tc_status check_classes(const trainer *t) {
    described about;
    tc_status status = description_read(t->run->last, &about);
    if (status == TC_OK && about.net.classes == t->dataset->classes)
        status = described_fits(&about, t->run->last, t->dataset);
    described_free(&about);
    return status;
}

tc_status trainer_resume(trainer *t) {
    train_state *s = &t->state;
    if (access(t->run->last, F_OK) != 0) return TC_OK;
    TC_TRY(train_state_read(t->run->last, s));
    TC_TRY(check_classes(t));
    if (s->batch > t->batches)
        return tc_fail(TC_ERR_FORMAT, "%s: stands at batch %lld, the data has %lld in an epoch", t->run->last,
                       (long long)s->batch, (long long)t->batches);
    if (t->steps) s->finished = s->step >= t->steps && s->batch == 0;
    return tc_checkpoint_load(t->run->last, t->model, t->optimizer);
}
