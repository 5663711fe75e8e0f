/* budget.c - accuracy = f(recipe, epochs), measured beforehand; epochs = minutes x speed / pictures, measured here.
 *
 * Between two rows of a recipe the accuracy is taken as straight in the logarithm of the epochs; before the first row
 * it rises in a straight line from chance, and behind the last a recipe promises nothing more than that row. */
#include "budget.h"

#include <math.h>
#include <string.h>

#include "clock.h"
#include "recipe_file.h"
#include "signals.h"
#include "trainer.h"

typedef struct promise {
    const char *recipe;
    double epochs, accuracy;
} promise;

/* On the 10,000 test pictures of CIFAR-10 in six views; rows of a recipe by rising epochs. Means of the seeds in
 * train/studies/results where there are any, else tinycnn train --recipe NAME --epochs E --seed 1. */
static const promise promises[] = {
    {"muon-64", 1.5, 0.842}, {"muon-64", 3, 0.875},   {"muon-64", 6, 0.891},
    {"muon-128", 3, 0.901},  {"muon-128", 6, 0.916},  {"muon-256", 2, 0.903},
    {"muon-256", 3, 0.919},  {"muon-256", 10, 0.942}, {"muon-256", 13, 0.9435},
};
enum { PROMISES = sizeof promises / sizeof promises[0] };
static const double chance = 0.1; /* of ten classes */

/* Rows first .. last - 1 are of one recipe. */
static double accuracy_of(int first, int last, double epochs) {
    if (epochs <= promises[first].epochs)
        return chance + (promises[first].accuracy - chance) * epochs / promises[first].epochs;
    for (int i = first + 1; i < last; i++) {
        const promise *a = &promises[i - 1], *b = &promises[i];
        if (epochs > b->epochs) continue;
        double way = log(epochs / a->epochs) / log(b->epochs / a->epochs);
        return a->accuracy + way * (b->accuracy - a->accuracy);
    }
    return promises[last - 1].accuracy;
}

/* Pictures a second of a few steps, of which the first does not count. Begins the epoch anew at its end. */
static tc_status measure_phase(trainer *t, double seconds, double *img_per_s) {
    double begin = clock_seconds(), middle = 0;
    int64_t seen = 0;
    t->state.batch = t->state.seen = 0;
    t->from = NULL;
    for (int steps = 0; (steps < 2 || clock_seconds() - begin < seconds) && !signals_stop(); steps++) {
        if (steps == 1) {
            middle = clock_seconds();
            seen = t->state.seen;
        }
        if (t->state.batch == t->batches) t->state.batch = 0;
        TC_TRY(trainer_feed(t));
        TC_TRY(train_step(t));
    }
    *img_per_s = (double)(t->state.seen - seen) / (clock_seconds() - middle);
    return TC_OK;
}

/* Speed over a whole training: `small_until` of the time with small pictures, the rest with whole ones. */
static tc_status measure(const train_settings *s, const tc_dataset *dataset, double *img_per_s) {
    enum { BATCH = 250 };
    const double seconds = 1.0;
    train_settings few = *s;
    few.batch = few.batch < BATCH ? few.batch : BATCH;
    few.accumulate = 1;
    few.quiet = true; /* no progress bar */
    trainer t;
    double small = 0, whole = 0;
    TC_TRY(trainer_create(&few, dataset, NULL, &t));
    tc_status status = measure_phase(&t, seconds, &small);
    if (status == TC_OK && few.small_size > 0) {
        t.state.seconds = 60 * few.minutes;
        status = measure_phase(&t, seconds, &whole);
    }
    trainer_free(&t);
    double share = few.small_size > 0 ? few.small_until : 1;
    *img_per_s = share * small + (1 - share) * whole;
    return status;
}

/* Settings of the recipe; the promise that it makes at the speed measured goes to *best if it is the best so far. */
static tc_status consider(const train_settings *asked, const bool given[OPTIONS_MAX],
                          const tc_dataset *dataset, int first, int last, bool only_settings, budget *best) {
    train_settings s = *asked;
    recipe_memory memory = {0};
    budget b = {.recipe = promises[first].recipe};
    tc_status status = recipe_apply(b.recipe, given, &s, &memory);
    if (status == TC_OK) status = settings_resolve(&s);
    settings_fit(&s, dataset->name);
    if (status == TC_OK && !only_settings) status = measure(&s, dataset, &b.img_per_s);
    recipe_memory_free(&memory);
    TC_TRY(status);
    b.epochs = 60 * s.minutes * b.img_per_s / (double)dataset->train.count;
    b.accuracy = accuracy_of(first, last, b.epochs);
    b.measured = b.epochs >= promises[first].epochs;
    if (!best->recipe || b.accuracy > best->accuracy) *best = b;
    return TC_OK;
}

tc_status budget_choose(const train_settings *asked, const bool given[OPTIONS_MAX], const tc_dataset *dataset,
                        budget *result) {
    /* What contradicts a recipe shall show before anything is measured. */
    for (int measuring = 0; measuring < 2; measuring++) {
        *result = (budget){0};
        for (int first = 0, last; first < PROMISES && !signals_stop(); first = last) {
            last = first + 1;
            while (last < PROMISES && strcmp(promises[last].recipe, promises[first].recipe) == 0) last++;
            TC_TRY(consider(asked, given, dataset, first, last, !measuring, result));
        }
    }
    return TC_OK;
}
