/* budget.c - accuracy = f(recipe, epochs), measured beforehand; epochs = minutes x speed / pictures, measured here.
 *
 * Between the rows of a recipe the error rate is taken as straight in the logarithm of the epochs; before the first
 * and behind the last row a recipe promises nothing more than that row, less where there is not even the time for it. */
#include "budget.h"

#include <math.h>

#include "clock.h"
#include "recipe_file.h"
#include "trainer.h"

typedef struct promise {
    const char *recipe;
    double epochs, accuracy; /* mean of three seeds, six views */
} promise;

/* tinycnn train --recipe NAME --epochs E --seeds 3, on CIFAR-10. Rows of a recipe by rising epochs. */
static const promise promises[] = {
    {"muon-64", 2, 0.80},   {"muon-64", 4, 0.86},  {"muon-64", 8, 0.895},
    {"muon-128", 3, 0.89},  {"muon-128", 6, 0.92}, {"muon-128", 12, 0.932},
    {"muon-256", 3, 0.905}, {"muon-256", 8, 0.94}, {"muon-256", 12, 0.944},
};
enum { PROMISES = sizeof promises / sizeof promises[0] };

/* Rows first .. last - 1 are of one recipe. */
static double accuracy_of(int first, int last, double epochs) {
    if (epochs <= promises[first].epochs) return promises[first].accuracy * epochs / promises[first].epochs;
    for (int i = first + 1; i < last; i++) {
        const promise *a = &promises[i - 1], *b = &promises[i];
        if (epochs > b->epochs) continue;
        double way = log(epochs / a->epochs) / log(b->epochs / a->epochs);
        return a->accuracy + way * (b->accuracy - a->accuracy);
    }
    return promises[last - 1].accuracy;
}

/* Pictures a second of a few steps: the second half of them counts. */
static tc_status measure_phase(trainer *t, double seconds, double *img_per_s) {
    double begin = clock_seconds(), middle = 0;
    int64_t seen = 0;
    TC_TRY(trainer_feed(t));
    for (int steps = 0; steps < 2 || clock_seconds() - begin < seconds; steps++) {
        if (t->state.batch == t->batches) return tc_fail(TC_ERR_STATE, "calibration: the data is too small");
        if (steps == 1) {
            middle = clock_seconds();
            seen = t->state.seen;
        }
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
    few.quiet = true;
    trainer t;
    double small = 0, whole = 0;
    TC_TRY(trainer_create(&few, dataset, NULL, &t));
    tc_status status = measure_phase(&t, seconds, &small);
    if (status == TC_OK && few.small_size > 0) {
        t.state.batch = t.state.seen = 0;
        t.state.seconds = 60 * few.minutes;
        status = measure_phase(&t, seconds, &whole);
    }
    trainer_free(&t);
    double share = few.small_size > 0 ? few.small_until : 1;
    *img_per_s = share * small + (1 - share) * whole;
    return status;
}

static tc_status consider(const train_settings *settings, const bool given[OPTIONS_MAX],
                          const tc_dataset *dataset, int first, int last, budget *best) {
    train_settings s = *settings;
    recipe_memory memory = {0};
    budget b = {.recipe = promises[first].recipe};
    tc_status status = recipe_apply(b.recipe, given, &s, &memory);
    if (status == TC_OK) status = settings_resolve(&s);
    if (status == TC_OK) status = measure(&s, dataset, &b.img_per_s);
    recipe_memory_free(&memory);
    TC_TRY(status);
    b.epochs = 60 * s.minutes * b.img_per_s / (double)dataset->train.count;
    b.accuracy = accuracy_of(first, last, b.epochs);
    if (!best->recipe || b.accuracy > best->accuracy) *best = b;
    return TC_OK;
}

tc_status budget_choose(const train_settings *settings, const bool given[OPTIONS_MAX],
                        const tc_dataset *dataset, budget *result) {
    *result = (budget){0};
    for (int first = 0, last; first < PROMISES; first = last) {
        last = first + 1;
        while (last < PROMISES && promises[last].recipe == promises[first].recipe) last++;
        TC_TRY(consider(settings, given, dataset, first, last, result));
    }
    return TC_OK;
}
