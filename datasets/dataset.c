/* dataset.c - what all data sets have in common.
 *
 * Mean and deviation of a channel: with n values x, S = sum x and Q = sum x^2, both whole numbers and
 * therefore the same in whatever order they are added,
 *
 *     mean = S / n        deviation = sqrt(Q / n - mean^2)                          (then / 255) */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* ---- Making ------------------------------------------------------------------------------------------- */

tc_status tci_dataset_create(const char *name, int channels, int height, int width, int classes,
                             const char *const *class_names, /* (classes) */
                             tc_dataset **dataset) {
    *dataset = NULL;
    tc_arena *arena = tc_arena_create();
    if (arena == NULL) return tc_fail(TC_ERR_MEMORY, "%s: out of memory", name);
    tc_dataset *set = tc_arena_alloc(arena, sizeof *set);
    const char **names = tc_arena_alloc(arena, (size_t)classes * sizeof *names);
    char *own_name = tc_arena_alloc(arena, strlen(name) + 1);
    bool good = set != NULL && names != NULL && own_name != NULL;
    for (int i = 0; good && i < classes; i++) {
        char *copy = tc_arena_alloc(arena, strlen(class_names[i]) + 1);
        good = copy != NULL;
        if (good) names[i] = strcpy(copy, class_names[i]);
    }
    if (!good) {
        tc_arena_free(arena);
        return TC_ERR_MEMORY;
    }
    strcpy(own_name, name);
    *set = (tc_dataset){.name = own_name,
                        .channels = channels,
                        .height = height,
                        .width = width,
                        .classes = classes,
                        .class_names = names,
                        .arena = arena};
    *dataset = set;
    return TC_OK;
}

tc_status tci_split_alloc(const tc_dataset *dataset, int64_t count, tc_split *split) {
    size_t picture = (size_t)dataset->channels * (size_t)dataset->height * (size_t)dataset->width;
    if (count < 0 || (uint64_t)count > SIZE_MAX / 2 / picture)
        return tc_fail(TC_ERR_MEMORY, "%s: %lld pictures do not fit into memory", dataset->name,
                       (long long)count);
    split->count = count;
    split->pixels = tc_arena_alloc(dataset->arena, (size_t)count * picture);
    split->labels = tc_arena_alloc(dataset->arena, (size_t)count);
    return split->pixels != NULL && split->labels != NULL ? TC_OK : TC_ERR_MEMORY;
}

void tc_dataset_free(tc_dataset *dataset) {
    if (dataset != NULL) tc_arena_free(dataset->arena);
}

/* ---- Mean and deviation ------------------------------------------------------------------------------- */

/* Lane l of a row of 48 values belongs to channel l % channels for 1, 2, 3 and 4 channels alike: the inner
 * loop runs over lanes and need not know the number of channels. */
enum { LANES = 48, CHUNKS = 64, MOST_ROWS = 65536 }; /* MOST_ROWS * 255^2 < 2^32 */

typedef struct measure {
    const uint8_t *values; /* (rows, LANES) */
    int64_t rows;
    uint64_t sums[CHUNKS][LANES], squares[CHUNKS][LANES];
} measure;

static void add_rows(const uint8_t *values, /* (rows, LANES) */
                     int64_t rows, uint64_t *sums, uint64_t *squares) {
    uint32_t s[LANES] = {0}, q[LANES] = {0};
    for (int64_t row = 0; row < rows; row++, values += LANES)
        for (int l = 0; l < LANES; l++) {
            uint16_t value = values[l];
            s[l] += value;
            q[l] += (uint16_t)(value * value);
        }
    for (int l = 0; l < LANES; l++) {
        sums[l] += s[l];
        squares[l] += q[l];
    }
}

static void measure_chunk(void *context, int64_t chunk, int worker) {
    measure *m = context;
    (void)worker;
    int64_t row = m->rows * chunk / CHUNKS, last = m->rows * (chunk + 1) / CHUNKS;
    for (; row < last; row += MOST_ROWS)
        add_rows(m->values + row * LANES, last - row < MOST_ROWS ? last - row : MOST_ROWS, m->sums[chunk],
                 m->squares[chunk]);
}

void tci_dataset_measure(tc_dataset *dataset, int threads) {
    int64_t pixels = dataset->train.count * dataset->height * dataset->width,
            values = pixels * dataset->channels;
    measure m = {.values = dataset->train.pixels, .rows = values / LANES};
    tc_parallel_for(threads > 0 ? threads : tc_threads_available(), CHUNKS, measure_chunk, &m);
    uint64_t sums[4] = {0}, squares[4] = {0};
    for (int chunk = 0; chunk < CHUNKS; chunk++)
        for (int l = 0; l < LANES; l++) {
            sums[l % dataset->channels] += m.sums[chunk][l];
            squares[l % dataset->channels] += m.squares[chunk][l];
        }
    for (int64_t i = m.rows * LANES; i < values; i++) {
        uint64_t value = dataset->train.pixels[i];
        sums[i % dataset->channels] += value;
        squares[i % dataset->channels] += value * value;
    }
    for (int c = 0; c < dataset->channels; c++) {
        double mean = (double)sums[c] / (double)pixels;
        double variance = (double)squares[c] / (double)pixels - mean * mean;
        dataset->mean[c] = (float)(mean / 255.0);
        /* Where nothing varies (the opacity of RGBA) there is nothing to scale: 1, so that it can be divided by. */
        dataset->deviation[c] = variance > 0.0 ? (float)(sqrt(variance) / 255.0) : 1.0f;
    }
}

/* ---- Holding out -------------------------------------------------------------------------------------- */

/* Any number would do, as long as it stays. */
#define STREAM_HOLD_OUT 0x686f6c646f7574u /* "holdout" */

/* A mark for each of `count` pictures that a permutation of all of them puts first. */
static uint8_t *choose(uint32_t total, uint32_t count) {
    uint32_t *order = malloc((size_t)total * sizeof *order);
    uint8_t *chosen = calloc(total, 1);
    if (order != NULL && chosen != NULL) {
        tc_rng rng = tc_rng_create(0, tc_rng_stream(STREAM_HOLD_OUT, total, count));
        tc_rng_permutation(&rng, order, total);
        for (uint32_t i = 0; i < count; i++) chosen[order[i]] = 1;
    } else {
        free(chosen);
        chosen = NULL;
    }
    free(order);
    return chosen;
}

/* Copies what is chosen and closes the gaps, in order; what is no longer used at the end of the training split stays
 * with the arena. */
static void divide(tc_split *from, tc_split *to, size_t picture, const uint8_t *chosen) {
    int64_t kept = 0, moved = 0;
    for (int64_t i = 0; i < from->count; i++) {
        tc_split *target = chosen[i] ? to : from;
        int64_t place = chosen[i] ? moved++ : kept++;
        if (target == from && place == i) continue;
        memcpy(target->pixels + (size_t)place * picture, from->pixels + (size_t)i * picture, picture);
        target->labels[place] = from->labels[i];
    }
    from->count = kept;
}

tc_status tc_dataset_hold_out(tc_dataset *dataset, int64_t count) {
    tc_split *train = &dataset->train, validation;
    if (dataset->validation.count != 0)
        return tc_fail(TC_ERR_STATE, "%s: %lld pictures are held out for validation already", dataset->name,
                       (long long)dataset->validation.count);
    if (count < 1 || count >= train->count || train->count > UINT32_MAX)
        return tc_fail(
            TC_ERR_ARGUMENT,
            "%s: %lld of %lld training pictures for validation, expected at least 1 and fewer than all",
            dataset->name, (long long)count, (long long)train->count);
    TC_TRY(tci_split_alloc(dataset, count, &validation));
    uint8_t *chosen = choose((uint32_t)train->count, (uint32_t)count);
    if (chosen == NULL)
        return tc_fail(TC_ERR_MEMORY, "%s: out of memory for %lld marks", dataset->name,
                       (long long)train->count);
    divide(train, &validation, (size_t)dataset->channels * (size_t)dataset->height * (size_t)dataset->width,
           chosen);
    dataset->validation = validation;
    free(chosen);
    return TC_OK;
}
