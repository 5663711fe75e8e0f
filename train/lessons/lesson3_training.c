/* Lesson 3: building and training a net.
 *
 * A net is a chain of layers with some thousand numbers in them, random at first. Training shows it pictures, measures by
 * how much its answers are wrong (the loss), asks of every number "would the loss fall if you were a little larger or a
 * little smaller?" (the gradient), moves all of them a small step in that direction, and begins again. The loop below is
 * all of it. Then: how well does it know each class, and what happens when it has too little to learn from?
 *
 * Run it, read it from top to bottom, change a number and run it again. The curves land in the folder that it names. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "classroom.h"

/* ---- 1. The net -------------------------------------------------------------------------------------------- */

/* Two rounds of "look for patterns, keep the strong answers, on half the size": 32 small patterns of edges and colours,
 * then 64 patterns of those. Then every place is weighed for every class. Dropout hides a share of the numbers at random
 * while the net is trained, so that none can rely on one neighbour alone (Srivastava et al. 2014); 0 leaves it out. */
static tc_module *build(const tc_dataset *d, float dropout) {
    return tc_sequential(tc_nn_conv2d(d->channels, 32, 3, .padding = 1), tc_nn_relu(), tc_nn_maxpool2d(2),
                         tc_nn_conv2d(32, 64, 3, .padding = 1), tc_nn_relu(), tc_nn_maxpool2d(2),
                         tc_nn_flatten(), tc_nn_dropout(dropout),
                         tc_nn_linear(64 * (d->height / 4) * (d->width / 4), 128), tc_nn_relu(),
                         tc_nn_dropout(dropout), tc_nn_linear(128, d->classes));
}

/* ---- 2. The loop ------------------------------------------------------------------------------------------- */

enum { BATCH = 128, EPOCHS_MAX = 200 };

typedef struct history {
    int epochs;
    double epoch[EPOCHS_MAX], train_loss[EPOCHS_MAX], train_accuracy[EPOCHS_MAX], test_loss[EPOCHS_MAX],
        test_accuracy[EPOCHS_MAX];
} history;

/* Which class a row of logits is for: the largest. */
static int decide(const float *row, int64_t classes) {
    int best = 0;
    for (int k = 1; k < classes; k++)
        if (row[k] > row[best]) best = k;
    return best;
}

/* Loss and accuracy over all pictures of a loader, without learning; `right` (classes) may be NULL. */
static tc_status evaluate(const tc_dataset *d, tc_model *model, tc_tape *tape, tc_loader *loader,
                          double *loss, double *accuracy, int64_t *right) {
    int64_t seen = 0, correct = 0;
    *loss = 0;
    TC_TRY(tc_loader_start(loader, 0, 0));
    tc_tape_eval(tape); /* dropout lets everything pass, nothing is recorded */
    for (const tc_batch *batch; (batch = tc_loader_next(loader));) {
        tc_tape_reset(tape, 0);
        tc_tensor *x =
            tc_input(tape, 4, (int64_t[]){batch->count, d->channels, d->height, d->width}, batch->x);
        tc_tensor *logits = tc_model_forward(model, tape, x);
        tc_tensor *mean = tc_cross_entropy(tape, logits, batch->labels, NULL);
        TC_TRY(tc_tape_status(tape));
        *loss += (double)mean->data[0] * (double)batch->count;
        for (int64_t n = 0; n < batch->count; n++) {
            bool good = decide(logits->data + n * d->classes, d->classes) == batch->labels[n];
            correct += good;
            if (right) right[batch->labels[n]] += good;
        }
        seen += batch->count;
    }
    tc_tape_train(tape);
    *loss /= (double)seen;
    *accuracy = (double)correct / (double)seen;
    return TC_OK;
}

/* One pass over the training pictures: forward, loss, backward, step. `rate` is the size of a step: it falls from epoch
 * to epoch, because coarse steps get far and fine ones arrive. */
static tc_status learn(const tc_dataset *d, tc_model *model, tc_tape *tape, tc_optimizer *sgd,
                       tc_loader *loader, int64_t epoch, double rate, double *loss, double *accuracy) {
    int64_t seen = 0, correct = 0, step = epoch * tc_loader_batches(loader);
    *loss = 0;
    tc_optimizer_set_lr(sgd, (float)rate);
    TC_TRY(tc_loader_start(loader, epoch, 0)); /* in another order each time */
    for (const tc_batch *batch; (batch = tc_loader_next(loader)); step++) {
        tc_tape_reset(tape, (uint64_t)step); /* forget the step before, keep its memory */
        tc_tensor *x =
            tc_input(tape, 4, (int64_t[]){batch->count, d->channels, d->height, d->width}, batch->x);
        tc_tensor *logits = tc_model_forward(model, tape, x);                  /* what does the net say? */
        tc_tensor *mean = tc_cross_entropy(tape, logits, batch->labels, NULL); /* how wrong is that? */
        tc_model_zero_grad(model);       /* gradients add up: begin at 0 */
        TC_TRY(tc_backward(tape, mean)); /* which way is less wrong? */
        tc_optimizer_step(sgd);          /* go there, a little */
        *loss += (double)mean->data[0] * (double)batch->count;
        for (int64_t n = 0; n < batch->count; n++)
            correct += decide(logits->data + n * d->classes, d->classes) == batch->labels[n];
        seen += batch->count;
    }
    *loss /= (double)seen;
    *accuracy = (double)correct / (double)seen;
    return TC_OK;
}

/* Everything that a training works with. */
typedef struct training {
    const tc_dataset *data;
    tc_model *model;
    tc_optimizer *sgd;
    tc_tape *tape;
    tc_loader *train, *test;
    tc_split part;
} training;

static tc_status set_up(const classroom *room, int64_t pictures, float dropout, float weight_decay,
                        training *t) {
    const tc_dataset *d = room->data;
    *t = (training){.data = d, .part = d->train};
    if (pictures > 0 && pictures < d->train.count) t->part.count = pictures;
    /* Pixels from 0 to 1 become numbers around 0 of deviation 1: nets learn best from those. */
    tc_transform normalize = tc_normalize(d->mean, d->deviation, d->channels);
    tc_loader_options options = {
        .batch_size = BATCH, .seed = room->seed, .transforms = &normalize, .transform_count = 1};
    TC_TRY(tc_loader_create(d, &d->test, &options, &t->test));
    options.shuffle = true;
    TC_TRY(tc_loader_create(d, &t->part, &options, &t->train));
    TC_TRY(tc_model_create(build(d, dropout), room->seed, &t->model));
    /* Momentum lets steps in the same direction add up; weight decay pulls every number a little towards 0. */
    TC_TRY(tc_sgd_create(t->model,
                         &(tc_sgd_options){.momentum = 0.9f, .nesterov = true, .weight_decay = weight_decay},
                         &t->sgd));
    t->tape = tc_tape_create(&(tc_tape_options){.threads = room->threads, .seed = room->seed});
    return t->tape ? TC_OK : TC_ERR_MEMORY;
}

static void tear_down(training *t) {
    tc_tape_free(t->tape);
    tc_optimizer_free(t->sgd);
    tc_model_free(t->model);
    tc_loader_free(t->train);
    tc_loader_free(t->test);
}

static tc_status run(training *t, int epochs, bool talkative, history *h) {
    const tc_dataset *d = t->data;
    *h = (history){0};
    for (int e = 0; e < epochs; e++, h->epochs++) {
        double rate = 0.04 * (1 - (double)e / epochs);
        h->epoch[e] = e + 1;
        TC_TRY(
            learn(d, t->model, t->tape, t->sgd, t->train, e, rate, &h->train_loss[e], &h->train_accuracy[e]));
        TC_TRY(evaluate(d, t->model, t->tape, t->test, &h->test_loss[e], &h->test_accuracy[e], NULL));
        if (!talkative) continue;
        printf("  epoch %2d   training: loss %.3f, %5.2f%% right   test: loss %.3f, %5.2f%% right\n", e + 1,
               h->train_loss[e], 100 * h->train_accuracy[e], h->test_loss[e], 100 * h->test_accuracy[e]);
        fflush(stdout);
    }
    return TC_OK;
}

static int epochs_of(const classroom *room, int usual) {
    int epochs = (int)ceil(usual * room->effort);
    return epochs > EPOCHS_MAX ? EPOCHS_MAX : epochs;
}

/* ---- 3. A net that knows its classes, more or less ----------------------------------------------------------- */

static tc_status print_classes(const classroom *room, training *t) {
    const tc_dataset *d = room->data;
    int64_t *right = calloc(2 * (size_t)d->classes, sizeof *right),
            *pictures = right ? right + d->classes : NULL;
    double loss, accuracy;
    if (!right) return tc_fail(TC_ERR_MEMORY, "no memory for %d classes", d->classes);
    for (int64_t i = 0; i < d->test.count; i++) pictures[d->test.labels[i]]++;
    tc_status status = evaluate(d, t->model, t->tape, t->test, &loss, &accuracy, right);
    printf("\n  class by class:\n");
    for (int k = 0; status == TC_OK && k < d->classes; k++) {
        double share = pictures[k] ? (double)right[k] / (double)pictures[k] : 0;
        printf("  %-12.12s %5.1f%%  %.*s\n", d->class_names[k], 100 * share, (int)lrint(40 * share),
               "########################################");
    }
    free(right);
    return status;
}

/* A checkpoint is the net's numbers in a file. Loading it into a net made of the same layers gives the same answers. */
static tc_status save_and_load(classroom *room, training *t) {
    const char *path = classroom_path(room, "net.safetensors");
    double loss, accuracy, loaded_loss, loaded_accuracy;
    training other;
    TC_TRY(evaluate(t->data, t->model, t->tape, t->test, &loss, &accuracy, NULL));
    TC_TRY(tc_checkpoint_save(path, t->model, NULL, NULL, 0));
    tc_status status = set_up(room, 0, 0, 0, &other);
    if (status == TC_OK) status = tc_checkpoint_load(path, other.model, NULL);
    if (status == TC_OK)
        status = evaluate(t->data, other.model, other.tape, other.test, &loaded_loss, &loaded_accuracy, NULL);
    tear_down(&other);
    TC_TRY(status);
    printf("\n  saved to %s; loaded into a new net it is right as often: %s\n", path,
           loaded_loss == loss && loaded_accuracy == accuracy ? "the same to the last bit"
                                                              : "no, it differs");
    return TC_OK;
}

static tc_status train_whole(classroom *room, history *h) {
    training t;
    printf("1. to 3. A net of two convolutions, trained on all %lld pictures of %s\n\n",
           (long long)room->data->train.count, room->data->name);
    fflush(stdout);
    tc_status status = set_up(room, 0, 0, 5e-4f, &t);
    if (status == TC_OK) status = run(&t, epochs_of(room, 6), true, h);
    if (status == TC_OK) status = print_classes(room, &t);
    if (status == TC_OK) status = save_and_load(room, &t);
    tear_down(&t);
    return status;
}

/* ---- 4. Too little to learn from ----------------------------------------------------------------------------- */

/* With few pictures and many epochs a net can learn the pictures by heart: it is right on those, and no better on
 * others. That is over-fitting, and the distance between the two is its measure. Two remedies are tried, alone and
 * together. */
typedef struct remedy {
    const char *name;
    float dropout, weight_decay;
} remedy;
static const remedy remedies[] = {
    {"none", 0, 0}, {"weight decay", 0, 5e-3f}, {"dropout", 0.5f, 0}, {"both", 0.5f, 5e-3f}};
enum { REMEDIES = sizeof remedies / sizeof remedies[0], FEW = 1000 };

static tc_status overfit(classroom *room, history *all) {
    printf("\n4. The same net on %d pictures only, for many epochs\n\n", FEW);
    printf("  %-14s %26s %26s\n", "remedy", "right on those", "right on the test pictures");
    fflush(stdout);
    for (int r = 0; r < REMEDIES; r++) {
        training t;
        tc_status status = set_up(room, FEW, remedies[r].dropout, remedies[r].weight_decay, &t);
        if (status == TC_OK) status = run(&t, epochs_of(room, 40), false, &all[r]);
        /* Without dropout, as it will be used. */
        double loss = 0, accuracy = 0;
        tc_loader *plain = NULL;
        tc_transform normalize = tc_normalize(t.data->mean, t.data->deviation, t.data->channels);
        if (status == TC_OK)
            status = tc_loader_create(
                t.data, &t.part,
                &(tc_loader_options){.batch_size = BATCH, .transforms = &normalize, .transform_count = 1},
                &plain);
        if (status == TC_OK) status = evaluate(t.data, t.model, t.tape, plain, &loss, &accuracy, NULL);
        tc_loader_free(plain);
        tear_down(&t);
        TC_TRY(status);
        int last = all[r].epochs - 1;
        printf("  %-14s %25.2f%% %25.2f%%   apart by %.1f points\n", remedies[r].name, 100 * accuracy,
               100 * all[r].test_accuracy[last], 100 * (accuracy - all[r].test_accuracy[last]));
        fflush(stdout);
    }
    return TC_OK;
}

static void print_verdict(const history *all) {
    int best = 0;
    for (int r = 1; r < REMEDIES; r++)
        if (all[r].test_accuracy[all[r].epochs - 1] > all[best].test_accuracy[all[best].epochs - 1]) best = r;
    const history *none = &all[0];
    double lowest = INFINITY;
    int when = 0;
    for (int e = 0; e < none->epochs; e++)
        if (none->test_loss[e] < lowest) lowest = none->test_loss[e], when = e + 1;
    printf(
        "\n  Without a remedy the test loss was lowest (%.3f) after epoch %d of %d and ended at %.3f.\n"
        "  Best on the test pictures in this run: %s. More pictures would help more; lesson 4 makes some.\n",
        lowest, when, none->epochs, none->test_loss[none->epochs - 1],
        best == 0 ? "no remedy at all" : remedies[best].name);
}

/* ---- Curves -------------------------------------------------------------------------------------------------- */

static tc_status write_curves(classroom *room, const history *whole, const history *few) {
    page p;
    chart_series loss[] = {{"training", whole->epoch, whole->train_loss, whole->epochs},
                           {"test", whole->epoch, whole->test_loss, whole->epochs}};
    chart_series accuracy[] = {{"training", whole->epoch, whole->train_accuracy, whole->epochs},
                               {"test", whole->epoch, whole->test_accuracy, whole->epochs}};
    TC_TRY(page_begin(&p, "Training a net", 0));
    page_section(&p, "On all pictures");
    fputs("<div class=\"charts\">", p.html);
    chart_write(p.html, &(chart){.title = "Loss",
                                 .x_label = "epoch",
                                 .y_label = "mean cross-entropy",
                                 .series = loss,
                                 .count = 2,
                                 .x_whole = true});
    chart_write(p.html, &(chart){.title = "Accuracy",
                                 .x_label = "epoch",
                                 .y_label = "share of right answers",
                                 .series = accuracy,
                                 .count = 2,
                                 .x_whole = true,
                                 .percent = true});
    fputs("</div>\n", p.html);
    page_section(&p, "On few pictures: over-fitting");
    page_paragraph(
        &p,
        "%d training pictures. Training figures are means over the epoch, with dropout at work where there "
        "is any.",
        FEW);
    fputs("<div class=\"charts\">", p.html);
    for (int kind = 0; kind < 4; kind++) {
        static const char *const titles[] = {"Training accuracy", "Test accuracy", "Training loss",
                                             "Test loss"};
        chart_series series[REMEDIES];
        for (int r = 0; r < REMEDIES; r++) {
            const double *const values[] = {few[r].train_accuracy, few[r].test_accuracy, few[r].train_loss,
                                            few[r].test_loss};
            series[r] = (chart_series){remedies[r].name, few[r].epoch, values[kind], few[r].epochs};
        }
        chart_write(p.html, &(chart){.title = titles[kind],
                                     .x_label = "epoch",
                                     .y_label = kind < 2 ? "share of right answers" : "mean cross-entropy",
                                     .series = series,
                                     .count = REMEDIES,
                                     .x_whole = true,
                                     .percent = kind < 2});
    }
    fputs("</div>\n", p.html);
    return classroom_page(room, &p, "curves.html");
}

int main(int argc, char **argv) {
    classroom room;
    int code =
        classroom_open(argc, argv, "lesson3_training",
                       "the training loop written out; class by class; over-fitting and two remedies", &room);
    if (code >= 0) return code;
    history *all = calloc(1 + REMEDIES, sizeof *all);
    tc_status status = all ? train_whole(&room, &all[0]) : tc_fail(TC_ERR_MEMORY, "no memory for the curves");
    if (status == TC_OK) status = overfit(&room, all + 1);
    if (status == TC_OK) print_verdict(all + 1);
    if (status == TC_OK) status = write_curves(&room, &all[0], all + 1);
    free(all);
    return classroom_close(&room, status);
}
