/* loader.c - batches, prepared by a background thread while the caller computes.
 *
 * The two share a ring of slots. `prepared` and `taken` count batches since the start of the epoch; batch k
 * lives in slot k % SLOTS. The thread waits while all slots are full, the caller while none is. A slot is
 * given back by the call after the one that handed it out.
 *
 * Each epoch has a thread of its own: to stop it in the middle is to say so and to join it.
 *
 * Pictures are augmented with random numbers of (seed, epoch, index of the picture), and the order is a
 * permutation drawn from (seed, epoch), so nothing depends on where an epoch is taken up. Pictures of another
 * size and mixed pictures are made last, of what the transforms left. */
#include <float.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "internal.h"

enum { SLOTS = 4, MOST_SIDE = 32768 };

/* What random numbers are for; any two different numbers would do. */
#define STREAM_ORDER   0x6f72646572u     /* "order" */
#define STREAM_PICTURE 0x70696374757265u /* "picture" */

struct tc_loader {
    tc_loader_options options; /* with its own copy of the transforms */
    const tc_split *split;
    int height, width, channels; /* of the data set; the options say the size in the batches */
    size_t picture, out_picture; /* values of one: of the data set, in a batch */
    int64_t batches;             /* in an epoch */
    uint32_t *order;             /* (count): the pictures in the order of this epoch */
    float *scratch;              /* (height, width, channels), of the thread */
    tci_resize *resize;          /* NULL: pictures keep their size */
    float *full_size;            /* (height, width, channels), of the thread: a picture before resizing */
    tc_arena *arena;             /* owns the loader and all of the above */
    int64_t epoch, first;
    int64_t given; /* batches handed out, counted from the start of the epoch */
    double waited;
    bool running; /* the thread is there and has to be joined */
    pthread_t thread;
    /* Shared with the thread, under the mutex: */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int64_t prepared, taken;
    bool stop;
    tc_batch slots[SLOTS];
};

/* ---- The background thread ---------------------------------------------------------------------------- */

static void prepare_picture(const tc_loader *loader, uint32_t index,
                            float *out) { /* (options.height, options.width, channels) */
    float *picture = loader->resize != NULL ? loader->full_size : out;
    const uint8_t *bytes = loader->split->pixels + index * loader->picture;
    uint64_t stream = tc_rng_stream(STREAM_PICTURE, (uint64_t)loader->epoch, index);
    tc_sample sample = {.seed = loader->options.seed,
                        .epoch = loader->epoch,
                        .index = index,
                        .rng = tc_rng_create(loader->options.seed, stream)};
    for (size_t i = 0; i < loader->picture; i++) picture[i] = (float)bytes[i] / 255.0f;
    for (int t = 0; t < loader->options.transform_count; t++) {
        const tc_transform *transform = &loader->options.transforms[t];
        transform->apply(transform, picture, loader->scratch, loader->height, loader->width, loader->channels,
                         &sample);
    }
    if (loader->resize != NULL) tci_resize_run(loader->resize, picture, loader->scratch, out);
}

/* Pictures, and what the loss is told of their labels: partners are the batch in reverse. */
static void mix_batch(const tc_loader *loader, tc_batch *batch) {
    tci_mix mix = tci_mix_draw(&loader->options, loader->epoch, batch->index, batch->height, batch->width);
    tci_mix_apply(&mix, batch->x, batch->count, batch->height, batch->width, loader->channels);
    for (int64_t i = 0; i < batch->count; i++) {
        batch->mixed_labels[i] = batch->labels[batch->count - 1 - i];
        batch->mixed_shares[i] = mix.share;
    }
}

static void prepare_batch(const tc_loader *loader, int64_t index, tc_batch *batch) {
    int64_t first = index * loader->options.batch_size, left = loader->split->count - first;
    batch->index = index;
    batch->count = left < loader->options.batch_size ? left : loader->options.batch_size;
    for (int64_t i = 0; i < batch->count; i++) {
        uint32_t picture = loader->order[first + i];
        batch->labels[i] = loader->split->labels[picture];
        prepare_picture(loader, picture, batch->x + (size_t)i * loader->out_picture);
    }
    if (batch->mixed_labels != NULL) mix_batch(loader, batch);
}

static void *prepare_epoch(void *argument) {
    tc_loader *loader = argument;
    for (int64_t k = loader->first; k < loader->batches; k++) {
        pthread_mutex_lock(&loader->mutex);
        while (!loader->stop && k - loader->taken >= SLOTS)
            pthread_cond_wait(&loader->changed, &loader->mutex);
        bool stop = loader->stop;
        pthread_mutex_unlock(&loader->mutex);
        if (stop) break;
        prepare_batch(loader, k, &loader->slots[k % SLOTS]);
        pthread_mutex_lock(&loader->mutex);
        loader->prepared = k + 1;
        pthread_cond_signal(&loader->changed);
        pthread_mutex_unlock(&loader->mutex);
    }
    return NULL;
}

/* Joins the thread, wherever it is in its epoch. */
static void stop_thread(tc_loader *loader) {
    if (!loader->running) return;
    pthread_mutex_lock(&loader->mutex);
    loader->stop = true;
    pthread_cond_signal(&loader->changed);
    pthread_mutex_unlock(&loader->mutex);
    pthread_join(loader->thread, NULL);
    loader->running = false;
}

/* ---- The caller's side -------------------------------------------------------------------------------- */

static tc_status check_options(const tc_dataset *dataset, const tc_split *split,
                               const tc_loader_options *options) {
    if (options->batch_size < 1)
        return tc_fail(TC_ERR_ARGUMENT, "loader: batch size is %d, expected at least 1", options->batch_size);
    if (options->transform_count < 0)
        return tc_fail(TC_ERR_ARGUMENT, "loader: %d transforms", options->transform_count);
    if (split->count < 0 || split->count > UINT32_MAX)
        return tc_fail(TC_ERR_ARGUMENT, "loader: %lld pictures, expected 0 to %lld", (long long)split->count,
                       (long long)UINT32_MAX);
    if (options->height < 0 || options->width < 0 || options->height > MOST_SIDE ||
        options->width > MOST_SIDE)
        return tc_fail(TC_ERR_ARGUMENT, "loader: pictures of %d x %d, expected sides of 1 to %d, or 0",
                       options->height, options->width, MOST_SIDE);
    if (!(options->mixup >= 0.0f && options->mixup <= FLT_MAX))
        return tc_fail(TC_ERR_ARGUMENT, "loader: mixup is %g, expected at least 0", (double)options->mixup);
    if (!(options->cutmix >= 0.0f && options->cutmix <= FLT_MAX))
        return tc_fail(TC_ERR_ARGUMENT, "loader: cutmix is %g, expected at least 0", (double)options->cutmix);
    for (int i = 0; i < options->transform_count; i++)
        TC_TRY(tci_transform_check(&options->transforms[i], dataset->channels));
    return TC_OK;
}

static bool allocate_slot(const tc_loader *loader, size_t capacity, tc_batch *slot) {
    bool mixing = loader->options.mixup > 0.0f || loader->options.cutmix > 0.0f;
    slot->height = loader->options.height;
    slot->width = loader->options.width;
    slot->x = tc_arena_alloc(loader->arena, capacity * loader->out_picture * sizeof *slot->x);
    slot->labels = tc_arena_alloc(loader->arena, capacity * sizeof *slot->labels);
    if (slot->x == NULL || slot->labels == NULL) return false;
    if (!mixing) return true;
    slot->mixed_labels = tc_arena_alloc(loader->arena, capacity * sizeof *slot->mixed_labels);
    slot->mixed_shares = tc_arena_alloc(loader->arena, capacity * sizeof *slot->mixed_shares);
    return slot->mixed_labels != NULL && slot->mixed_shares != NULL;
}

/* The weights and the room that resizing takes; nothing where the size stays. */
static bool allocate_resize(tc_loader *loader) {
    const tc_loader_options *options = &loader->options;
    if (options->height == loader->height && options->width == loader->width) return true;
    loader->resize = tci_resize_create(loader->arena, loader->height, loader->width, loader->channels,
                                       options->height, options->width);
    loader->full_size = tc_arena_alloc(loader->arena, loader->picture * sizeof(float));
    return loader->resize != NULL && loader->full_size != NULL;
}

/* Slots, order, scratch, a copy of the transforms. */
static bool allocate(tc_loader *loader) {
    const tc_loader_options *options = &loader->options;
    size_t count = (size_t)loader->split->count, transforms = (size_t)options->transform_count;
    size_t capacity = (size_t)options->batch_size < count ? (size_t)options->batch_size : count;
    if (capacity > SIZE_MAX / sizeof(float) / loader->out_picture) return false;
    tc_transform *copy = tc_arena_alloc(loader->arena, transforms * sizeof *copy);
    loader->order = tc_arena_alloc(loader->arena, count * sizeof *loader->order);
    loader->scratch = tc_arena_alloc(loader->arena, loader->picture * sizeof(float));
    if (copy == NULL || loader->order == NULL || loader->scratch == NULL) return false;
    if (transforms > 0) memcpy(copy, options->transforms, transforms * sizeof *copy);
    loader->options.transforms = copy;
    for (int s = 0; s < SLOTS; s++)
        if (!allocate_slot(loader, capacity, &loader->slots[s])) return false;
    return allocate_resize(loader);
}

tc_status tc_loader_create(const tc_dataset *dataset, const tc_split *split, const tc_loader_options *options,
                           tc_loader **result) {
    *result = NULL;
    TC_TRY(check_options(dataset, split, options));
    tc_arena *arena = tc_arena_create();
    tc_loader *loader = arena != NULL ? tc_arena_alloc(arena, sizeof *loader) : NULL;
    if (loader == NULL) {
        tc_arena_free(arena);
        return tc_fail(TC_ERR_MEMORY, "loader: out of memory");
    }
    *loader = (tc_loader){.options = *options,
                          .split = split,
                          .height = dataset->height,
                          .width = dataset->width,
                          .channels = dataset->channels,
                          .arena = arena};
    if (options->height == 0) loader->options.height = dataset->height;
    if (options->width == 0) loader->options.width = dataset->width;
    loader->picture = (size_t)loader->height * (size_t)loader->width * (size_t)loader->channels;
    loader->out_picture =
        (size_t)loader->options.height * (size_t)loader->options.width * (size_t)loader->channels;
    loader->batches = split->count / options->batch_size;
    if (!options->drop_last && split->count % options->batch_size != 0) loader->batches++;
    loader->first = loader->given = loader->batches; /* until it is started there is nothing to hand out */
    if (!allocate(loader)) {
        tc_arena_free(arena);
        return tc_fail(TC_ERR_MEMORY, "loader: out of memory for %d batches of %d pictures", SLOTS,
                       options->batch_size);
    }
    pthread_mutex_init(&loader->mutex, NULL);
    pthread_cond_init(&loader->changed, NULL);
    *result = loader;
    return TC_OK;
}

void tc_loader_free(tc_loader *loader) {
    if (loader == NULL) return;
    stop_thread(loader);
    pthread_cond_destroy(&loader->changed);
    pthread_mutex_destroy(&loader->mutex);
    tc_arena_free(loader->arena);
}

int64_t tc_loader_batches(const tc_loader *loader) {
    return loader->batches;
}

tc_status tc_loader_start(tc_loader *loader, int64_t epoch, int64_t first) {
    if (epoch < 0 || first < 0 || first > loader->batches)
        return tc_fail(TC_ERR_ARGUMENT,
                       "loader: epoch %lld, batch %lld; expected an epoch from 0 and a batch of 0 to %lld",
                       (long long)epoch, (long long)first, (long long)loader->batches);
    stop_thread(loader);
    uint32_t count = (uint32_t)loader->split->count;
    tc_rng rng = tc_rng_create(loader->options.seed, tc_rng_stream(STREAM_ORDER, (uint64_t)epoch, 0));
    if (loader->options.shuffle)
        tc_rng_permutation(&rng, loader->order, count);
    else
        for (uint32_t i = 0; i < count; i++) loader->order[i] = i;
    loader->epoch = epoch;
    loader->first = loader->prepared = loader->taken = loader->given = first;
    loader->stop = false;
    int error = pthread_create(&loader->thread, NULL, prepare_epoch, loader);
    if (error != 0) {
        loader->given = loader->batches;
        return tc_fail(TC_ERR_MEMORY, "loader: no background thread: %s", strerror(error));
    }
    loader->running = true;
    return TC_OK;
}

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

const tc_batch *tc_loader_next(tc_loader *loader) {
    if (loader->given == loader->batches) return NULL;
    pthread_mutex_lock(&loader->mutex);
    loader->taken = loader->given; /* the batch that was handed out last is free again */
    pthread_cond_signal(&loader->changed);
    if (loader->prepared <= loader->given) {
        double from = seconds();
        while (loader->prepared <= loader->given) pthread_cond_wait(&loader->changed, &loader->mutex);
        loader->waited += seconds() - from;
    }
    pthread_mutex_unlock(&loader->mutex);
    return &loader->slots[loader->given++ % SLOTS];
}

double tc_loader_wait_seconds(const tc_loader *loader) {
    return loader->waited;
}
