/* training.c - the loop that lesson 3 writes out, for the other lessons. */
#include <math.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "classroom.h"

enum { BATCH = 128, MOST_TRANSFORMS = 8, LEAST_PICTURES = 100 };

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void show(const char *name, int64_t step, int64_t steps) {
    if (!isatty(STDERR_FILENO)) return;
    if (step < steps)
        fprintf(stderr, "\r  training %s: %3.0f%%", name, 100.0 * (double)step / (double)steps);
    else
        fprintf(stderr, "\r%60s\r", "");
}

/* One epoch or what is left of the steps. */
static tc_status run_epoch(classroom *room, tc_loader *loader, tc_model *model, tc_tape *tape,
                           tc_optimizer *sgd, double lr, const tc_schedule *schedule, const char *name,
                           int64_t *step) {
    const tc_dataset *d = room->data;
    for (const tc_batch *batch; *step < schedule->points_step[2] && (batch = tc_loader_next(loader));
         ++*step) {
        tc_tape_reset(tape, (uint64_t)*step);
        tc_tensor *x =
            tc_input(tape, 4, (int64_t[]){batch->count, d->channels, d->height, d->width}, batch->x);
        tc_tensor *loss = tc_cross_entropy(tape, tc_model_forward(model, tape, x), batch->labels, NULL);
        tc_model_zero_grad(model);
        TC_TRY(tc_backward(tape, loss));
        tc_optimizer_set_lr(sgd, (float)(lr * tc_schedule_factor(schedule, *step)));
        tc_optimizer_step(sgd);
        show(name, *step, schedule->points_step[2]);
    }
    return TC_OK;
}

static tc_status train(classroom *room, const char *name, tc_model *model, tc_loader *loader, tc_tape *tape,
                       const classroom_training *how) {
    double lr = how->lr > 0 ? how->lr : 0.05;
    tc_optimizer *sgd;
    tc_sgd_options options = {
        .lr = (float)lr, .momentum = 0.9f, .nesterov = true, .weight_decay = (float)how->weight_decay};
    int64_t steps = (int64_t)ceil(how->epochs * room->effort * (double)tc_loader_batches(loader)), step = 0;
    if (steps < 5) steps = 5;
    tc_schedule schedule = {.kind = TC_SCHEDULE_PIECEWISE_LINEAR,
                            .points = 3,
                            .points_step = {0, steps / 5, steps},
                            .points_factor = {0.1, 1, 0}};
    TC_TRY(tc_sgd_create(model, &options, &sgd));
    tc_optimizer_set_threads(sgd, tc_tape_threads(tape));
    tc_status status = TC_OK;
    for (int64_t epoch = 0; status == TC_OK && step < steps; epoch++) {
        status = tc_loader_start(loader, epoch, 0);
        if (status == TC_OK) status = run_epoch(room, loader, model, tape, sgd, lr, &schedule, name, &step);
    }
    show(name, steps, steps);
    tc_optimizer_free(sgd);
    return status;
}

static tc_status make_loader(const classroom *room, const tc_split *split, const classroom_training *how,
                             tc_loader **loader) {
    const tc_dataset *d = room->data;
    tc_transform transforms[MOST_TRANSFORMS + 1];
    int count = how ? how->transform_count : 0;
    if (count > MOST_TRANSFORMS)
        return tc_fail(TC_ERR_ARGUMENT, "training: %d transforms, expected at most %d", count,
                       MOST_TRANSFORMS);
    for (int i = 0; i < count; i++) transforms[i] = how->transforms[i];
    transforms[count] = tc_normalize(d->mean, d->deviation, d->channels);
    tc_loader_options options = {.batch_size = BATCH,
                                 .shuffle = how != NULL,
                                 .seed = room->seed,
                                 .transforms = transforms,
                                 .transform_count = count + 1};
    return tc_loader_create(d, split, &options, loader);
}

tc_status classroom_train(classroom *room, const char *name, tc_module *net, const classroom_training *how,
                          tc_model **model, double *seconds) {
    TC_TRY(tc_model_create(net, room->seed, model));
    tc_split split = room->data->train;
    if (how->pictures > 0 && how->pictures < split.count) split.count = how->pictures;
    tc_loader *loader = NULL;
    tc_tape *tape = tc_tape_create(&(tc_tape_options){.threads = room->threads, .seed = room->seed});
    double begun = seconds_now();
    tc_status status = tape ? make_loader(room, &split, how, &loader) : TC_ERR_MEMORY;
    if (status == TC_OK) status = train(room, name, *model, loader, tape, how);
    if (seconds) *seconds = seconds_now() - begun;
    tc_loader_free(loader);
    tc_tape_free(tape);
    if (status != TC_OK) {
        tc_model_free(*model);
        *model = NULL;
    }
    return status;
}

/* ---- Measuring ---------------------------------------------------------------------------------------- */

static int64_t count_right(const tc_tensor *logits, const int32_t *labels) {
    int64_t right = 0, classes = logits->shape[1];
    for (int64_t n = 0; n < logits->shape[0]; n++) {
        const float *row = logits->data + n * classes;
        int64_t best = 0;
        for (int64_t k = 1; k < classes; k++)
            if (row[k] > row[best]) best = k;
        right += best == labels[n];
    }
    return right;
}

static tc_status count_all(const classroom *room, tc_model *model, tc_loader *loader, tc_tape *tape,
                           int64_t *right) {
    const tc_dataset *d = room->data;
    *right = 0;
    TC_TRY(tc_loader_start(loader, 0, 0));
    tc_tape_eval(tape);
    for (const tc_batch *batch; (batch = tc_loader_next(loader));) {
        tc_tape_reset(tape, 0);
        tc_tensor *x =
            tc_input(tape, 4, (int64_t[]){batch->count, d->channels, d->height, d->width}, batch->x);
        const tc_tensor *logits = tc_model_forward(model, tape, x);
        TC_TRY(tc_tape_status(tape));
        *right += count_right(logits, batch->labels);
    }
    return TC_OK;
}

tc_status classroom_accuracy(classroom *room, tc_model *model, const uint8_t *pixels, const uint8_t *labels,
                             int64_t count, double *accuracy) {
    /* A loader only reads. */
    tc_split split = {.count = count, .pixels = (uint8_t *)pixels, .labels = (uint8_t *)labels};
    tc_loader *loader;
    int64_t right = 0;
    TC_TRY(make_loader(room, &split, NULL, &loader));
    tc_tape *tape = tc_tape_create(&(tc_tape_options){.threads = room->threads});
    tc_status status = tape ? count_all(room, model, loader, tape, &right) : TC_ERR_MEMORY;
    *accuracy = (double)right / (double)count;
    tc_tape_free(tape);
    tc_loader_free(loader);
    return status;
}

tc_status classroom_robustness(classroom *room, tc_model *model, tc_corruption kind, const double *severities,
                               int count, int directions, double *accuracies) {
    const tc_dataset *d = room->data;
    tc_split part = d->test;
    const tc_split *test = &part;
    if (room->effort < 1) part.count = (int64_t)ceil(room->effort * (double)part.count);
    if (part.count < LEAST_PICTURES && d->test.count > LEAST_PICTURES) part.count = LEAST_PICTURES;
    size_t bytes = (size_t)test->count * (size_t)d->height * (size_t)d->width * (size_t)d->channels;
    uint8_t *worse = malloc(bytes);
    tc_status status = worse ? TC_OK : tc_fail(TC_ERR_MEMORY, "%s: out of memory", tc_corruption_name(kind));
    for (int i = 0; status == TC_OK && i < count; i++) {
        int turns = severities[i] == 0 ? 1 : directions;
        accuracies[i] = 0;
        for (int direction = 0; status == TC_OK && direction < turns; direction++) {
            double accuracy = 0;
            status = tc_corrupt_split(d, test, kind, severities[i], direction, room->threads, worse);
            if (status == TC_OK)
                status = classroom_accuracy(room, model, worse, test->labels, test->count, &accuracy);
            accuracies[i] += accuracy / turns;
        }
    }
    free(worse);
    return status;
}
