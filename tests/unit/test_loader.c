/* The loader: the same batches for the same (seed, epoch), wherever an epoch is taken up; every picture once;
 * and a background thread that can be stopped at any moment. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#include "internal.h"

enum { COUNT = 107, SIDE = 8, PICTURE = SIDE * SIDE * 3 };

static tc_dataset *set;

/* 107 pictures of 8 x 8: label i % 7, and the first byte tells the index. */
static void make_set(void) {
    tc_arena *arena = tc_arena_create();
    set = tc_arena_alloc(arena, sizeof *set);
    *set = (tc_dataset){
        .name = "test", .channels = 3, .height = SIDE, .width = SIDE, .classes = 7, .arena = arena};
    set->train = (tc_split){COUNT, tc_arena_alloc(arena, COUNT * PICTURE), tc_arena_alloc(arena, COUNT)};
    for (int i = 0; i < COUNT; i++) {
        for (int k = 0; k < PICTURE; k++) set->train.pixels[i * PICTURE + k] = (uint8_t)(i * 31 + k * 7);
        set->train.pixels[i * PICTURE] = (uint8_t)i;
        set->train.labels[i] = (uint8_t)(i % 7);
    }
}

static void free_set(void) {
    tc_dataset_free(set);
}

static tc_loader *loader(tc_loader_options options) {
    tc_loader *made;
    tc_status status = tc_loader_create(set, &set->train, &options, &made);
    ck_assert_msg(status == TC_OK, "%s", tc_last_error());
    return made;
}

#define LOADER(...) loader((tc_loader_options){__VA_ARGS__})

/* What came out of an epoch, one picture after the other. */
typedef struct record {
    int64_t pictures, batches;
    float x[COUNT][PICTURE];
    int32_t labels[COUNT];
} record;

/* Takes the rest of the epoch; batches must come in order and be full but for the last. */
static void take_all(tc_loader *from, int64_t first, int batch_size, record *r) {
    const tc_batch *batch;
    r->pictures = r->batches = 0;
    while ((batch = tc_loader_next(from)) != NULL) {
        ck_assert_int_eq(batch->index, first + r->batches);
        ck_assert_int_le(batch->count, batch_size);
        if (batch->index + 1 < tc_loader_batches(from)) ck_assert_int_eq(batch->count, batch_size);
        ck_assert_int_le(r->pictures + batch->count, COUNT);
        memcpy(r->x[r->pictures], batch->x, (size_t)batch->count * PICTURE * sizeof(float));
        memcpy(r->labels + r->pictures, batch->labels, (size_t)batch->count * sizeof(int32_t));
        r->pictures += batch->count;
        r->batches++;
    }
    ck_assert_ptr_null(tc_loader_next(from));
}

static void run_epoch(tc_loader *from, int64_t epoch, int64_t first, int batch_size, record *r) {
    ck_assert_int_eq(tc_loader_start(from, epoch, first), TC_OK);
    take_all(from, first, batch_size, r);
}

static bool same(const record *a, const record *b) {
    return a->pictures == b->pictures && memcmp(a->x, b->x, (size_t)a->pictures * sizeof a->x[0]) == 0 &&
           memcmp(a->labels, b->labels, (size_t)a->pictures * sizeof a->labels[0]) == 0;
}

static int index_of(const float *picture) {
    return (int)(picture[0] * 255.0f + 0.5f);
}

/* Every picture once and with its own label; returns whether they came in order. */
static bool complete(const record *r) {
    bool seen[COUNT] = {false}, ordered = true;
    ck_assert_int_eq(r->pictures, COUNT);
    for (int i = 0; i < COUNT; i++) {
        int index = index_of(r->x[i]), wrong = 0;
        ck_assert(index < COUNT && !seen[index]);
        seen[index] = true;
        ordered = ordered && index == i;
        ck_assert_int_eq(r->labels[i], index % 7);
        for (int k = 0; k < PICTURE; k++)
            wrong += r->x[i][k] != (float)set->train.pixels[index * PICTURE + k] / 255.0f;
        ck_assert_int_eq(wrong, 0);
    }
    return ordered;
}

static record a, b;

/* ---- Order -----------------------------------------------------------------------------------------------
 */

START_TEST(without_shuffling_pictures_come_in_order) {
    tc_loader *l = LOADER(.batch_size = 10);
    ck_assert_int_eq(tc_loader_batches(l), 11);
    run_epoch(l, 0, 0, 10, &a);
    ck_assert(complete(&a));
    ck_assert_int_eq(a.batches, 11);
    tc_loader_free(l);
}
END_TEST

START_TEST(shuffling_shows_every_picture_once_and_differs_by_epoch_and_seed) {
    tc_loader *l = LOADER(.batch_size = 10, .shuffle = true, .seed = 3);
    tc_loader *other = LOADER(.batch_size = 10, .shuffle = true, .seed = 4);
    run_epoch(l, 0, 0, 10, &a);
    ck_assert(!complete(&a));
    run_epoch(l, 1, 0, 10, &b);
    ck_assert(!complete(&b));
    ck_assert(!same(&a, &b));
    run_epoch(other, 0, 0, 10, &b);
    ck_assert(!complete(&b));
    ck_assert(!same(&a, &b));
    tc_loader_free(l);
    tc_loader_free(other);
}
END_TEST

START_TEST(the_batch_size_does_not_change_the_order) {
    tc_loader *l = LOADER(.batch_size = 10, .shuffle = true),
              *other = LOADER(.batch_size = 33, .shuffle = true);
    run_epoch(l, 2, 0, 10, &a);
    run_epoch(other, 2, 0, 33, &b);
    ck_assert(same(&a, &b));
    tc_loader_free(l);
    tc_loader_free(other);
}
END_TEST

START_TEST(a_last_batch_that_is_not_full_is_kept_or_dropped) {
    tc_loader *keep = LOADER(.batch_size = 50), *drop = LOADER(.batch_size = 50, .drop_last = true);
    tc_loader *huge = LOADER(.batch_size = INT32_MAX),
              *none = LOADER(.batch_size = COUNT + 1, .drop_last = true);
    tc_loader *exact = LOADER(.batch_size = COUNT);
    run_epoch(keep, 0, 0, 50, &a);
    ck_assert(a.batches == 3 && a.pictures == COUNT);
    run_epoch(drop, 0, 0, 50, &a);
    ck_assert(a.batches == 2 && a.pictures == 100);
    run_epoch(huge, 0, 0, INT32_MAX, &a);
    ck_assert(a.batches == 1 && a.pictures == COUNT);
    run_epoch(none, 0, 0, COUNT + 1, &a);
    ck_assert(a.batches == 0 && tc_loader_batches(none) == 0);
    run_epoch(exact, 0, 0, COUNT, &a);
    ck_assert(a.batches == 1 && a.pictures == COUNT);
    tc_loader_free(keep);
    tc_loader_free(drop);
    tc_loader_free(huge);
    tc_loader_free(none);
    tc_loader_free(exact);
}
END_TEST

/* ---- Augmentation and resuming ---------------------------------------------------------------------------
 */

static tc_loader *augmenting(int batch_size) {
    static const float mean[3] = {0.5f, 0.4f, 0.3f}, deviation[3] = {0.2f, 0.3f, 0.25f};
    tc_transform transforms[] = {tc_random_crop(2, true), tc_random_horizontal_flip(0.5f),
                                 tc_normalize(mean, deviation, 3)};
    return LOADER(.batch_size = batch_size, .shuffle = true, .seed = 11, .transforms = transforms,
                  .transform_count = 3);
}

START_TEST(transforms_are_applied_in_turn_with_the_numbers_of_the_picture) {
    tc_loader *l = augmenting(10), *wide = augmenting(64);
    run_epoch(l, 5, 0, 10, &a);
    run_epoch(wide, 5, 0, 64, &b);
    ck_assert(same(&a, &b));
    run_epoch(wide, 6, 0, 64, &b);
    ck_assert(!same(&a, &b));
    run_epoch(wide, 5, 0, 64, &b); /* and the same when an epoch is run again */
    ck_assert(same(&a, &b));
    tc_loader_free(l);
    tc_loader_free(wide);
}
END_TEST

START_TEST(augmentation_differs_by_epoch_and_seed) {
    tc_transform crop = tc_random_crop(2, true);
    tc_loader *l = LOADER(.batch_size = 10, .seed = 1, .transforms = &crop, .transform_count = 1);
    tc_loader *other = LOADER(.batch_size = 10, .seed = 2, .transforms = &crop, .transform_count = 1);
    run_epoch(l, 0, 0, 10, &a);
    run_epoch(l, 1, 0, 10, &b);
    ck_assert(!same(&a, &b));
    run_epoch(other, 0, 0, 10, &b);
    ck_assert(!same(&a, &b));
    tc_loader_free(l);
    tc_loader_free(other);
}
END_TEST

static void write_sample(const tc_transform *self, float *picture, float *scratch, int height, int width,
                         int channels, tc_sample *sample) {
    (void)self, (void)scratch, (void)height, (void)width, (void)channels;
    picture[1] = (float)sample->seed;
    picture[2] = (float)sample->epoch;
    picture[3] = (float)sample->index;
}

START_TEST(transforms_know_which_picture_they_work_on) {
    tc_transform own = {.name = "write_sample", .apply = write_sample};
    tc_loader *l =
        LOADER(.batch_size = 10, .shuffle = true, .seed = 11, .transforms = &own, .transform_count = 1);
    run_epoch(l, 5, 0, 10, &a);
    for (int i = 0; i < COUNT; i++) {
        ck_assert(a.x[i][1] == 11.0f && a.x[i][2] == 5.0f);
        ck_assert_int_eq((int)a.x[i][3], index_of(a.x[i]));
    }
    tc_loader_free(l);
}
END_TEST

/* Runs that were recorded must come out again: the sum is that of the first release. */
START_TEST(old_recipes_keep_their_bits) {
    tc_transform transforms[] = {tc_random_crop(2, true), tc_random_horizontal_flip(0.5f),
                                 tc_random_crop(1, false)};
    tc_loader *l =
        LOADER(.batch_size = 10, .shuffle = true, .seed = 11, .transforms = transforms, .transform_count = 3);
    run_epoch(l, 5, 0, 10, &a);
    ck_assert_uint_eq(crc32(0, (const unsigned char *)a.x, sizeof a.x), 1911646516u);
    tc_loader_free(l);
}
END_TEST

START_TEST(an_epoch_taken_up_in_the_middle_goes_on_as_it_would_have) {
    tc_loader *l = augmenting(10);
    run_epoch(l, 3, 0, 10, &a);
    for (int64_t first = 0; first <= tc_loader_batches(l); first++) {
        tc_loader *fresh = augmenting(10);
        run_epoch(fresh, 3, first, 10, &b);
        ck_assert_int_eq(b.pictures, first * 10 < COUNT ? COUNT - first * 10 : 0);
        ck_assert(memcmp(a.x[COUNT - b.pictures], b.x, (size_t)b.pictures * sizeof b.x[0]) == 0);
        ck_assert(memcmp(a.labels + COUNT - b.pictures, b.labels, (size_t)b.pictures * sizeof b.labels[0]) ==
                  0);
        tc_loader_free(fresh);
    }
    tc_loader_free(l);
}
END_TEST

/* ---- Other sizes and mixed pictures ----------------------------------------------------------------------
 */

/* What a batch must be, from what its pictures are without resizing and mixing: `plain` in the order of the epoch. */
static void check_batch(const tc_batch *batch, const record *plain, int64_t first, int64_t epoch,
                        const tc_loader_options *options) {
    int height = options->height != 0 ? options->height : SIDE,
        width = options->width != 0 ? options->width : SIDE;
    size_t picture = (size_t)(height * width * 3), values = (size_t)batch->count * picture;
    float *x = malloc(values * sizeof *x), row[SIDE * 3];
    tc_arena *arena = tc_arena_create();
    tci_resize *resize = tci_resize_create(arena, SIDE, SIDE, 3, height, width);
    for (int64_t i = 0; i < batch->count; i++) {
        tci_resize_run(resize, plain->x[first + i], row, x + (size_t)i * picture);
        ck_assert_int_eq(batch->labels[i], plain->labels[first + i]);
    }
    if (options->mixup > 0 || options->cutmix > 0) {
        tci_mix mix = tci_mix_draw(options, epoch, batch->index, height, width);
        tci_mix_apply(&mix, x, batch->count, height, width, 3);
        for (int64_t i = 0; i < batch->count; i++) {
            ck_assert_int_eq(batch->mixed_labels[i], plain->labels[first + batch->count - 1 - i]);
            ck_assert(batch->mixed_shares[i] == mix.share);
        }
    } else
        ck_assert(batch->mixed_labels == NULL && batch->mixed_shares == NULL);
    ck_assert(batch->height == height && batch->width == width);
    ck_assert_mem_eq(batch->x, x, values * sizeof *x);
    free(x);
    tc_arena_free(arena);
}

/* From every batch of an epoch on, on a loader of its own. */
static void check_batches(tc_loader_options options) {
    tc_transform transforms[] = {tc_random_crop(2, true), tc_random_horizontal_flip(0.5f)};
    options.transforms = transforms;
    options.transform_count = 2;
    options.shuffle = true;
    options.seed = 11;
    tc_loader_options without = options;
    without.height = without.width = 0;
    without.mixup = without.cutmix = 0;
    tc_loader *plain = loader(without);
    run_epoch(plain, 3, 0, options.batch_size, &a);
    for (int64_t first = 0; first <= tc_loader_batches(plain); first++) {
        tc_loader *l = loader(options);
        ck_assert_int_eq(tc_loader_start(l, 3, first), TC_OK);
        int64_t picture = first * options.batch_size;
        for (const tc_batch *batch; (batch = tc_loader_next(l)) != NULL; picture += batch->count)
            check_batch(batch, &a, picture, 3, &options);
        ck_assert_int_ge(picture, COUNT);
        tc_loader_free(l);
    }
    tc_loader_free(plain);
}

START_TEST(pictures_are_resized_after_the_transforms) {
    check_batches((tc_loader_options){.batch_size = 10, .height = 5, .width = 7});
    check_batches((tc_loader_options){.batch_size = 33, .height = 12, .width = 3});
    check_batches((tc_loader_options){.batch_size = 10, .height = 6});
    check_batches((tc_loader_options){.batch_size = 10, .width = 11});
    check_batches((tc_loader_options){.batch_size = 10, .height = SIDE, .width = SIDE});
}
END_TEST

START_TEST(batches_are_mixed_with_themselves_in_reverse) {
    check_batches((tc_loader_options){.batch_size = 10, .mixup = 0.2f});
    check_batches((tc_loader_options){.batch_size = 7, .cutmix = 1.0f});
    check_batches(
        (tc_loader_options){.batch_size = 9, .mixup = 1.0f, .cutmix = 1.0f, .height = 5, .width = 7});
}
END_TEST

/* ---- The thread ------------------------------------------------------------------------------------------
 */

START_TEST(nothing_comes_before_the_start) {
    tc_loader *l = LOADER(.batch_size = 10);
    ck_assert_ptr_null(tc_loader_next(l));
    ck_assert(tc_loader_wait_seconds(l) == 0.0);
    tc_loader_free(l);
    tc_loader_free(NULL);
}
END_TEST

START_TEST(a_start_in_mid_epoch_drops_what_was_prepared) {
    tc_loader *l = augmenting(10);
    run_epoch(l, 1, 0, 10, &a);
    for (int taken = 0; taken < 11; taken++) {
        ck_assert_int_eq(tc_loader_start(l, 7, 0), TC_OK);
        for (int i = 0; i < taken; i++) ck_assert_ptr_nonnull(tc_loader_next(l));
        run_epoch(l, 1, 0, 10, &b);
        ck_assert(same(&a, &b));
    }
    tc_loader_free(l);
}
END_TEST

START_TEST(it_may_be_freed_at_any_moment) {
    for (int round = 0; round < 60; round++) {
        tc_loader *l = augmenting(5);
        ck_assert_int_eq(tc_loader_start(l, round, 0), TC_OK);
        if (round % 3 == 2) nanosleep(&(struct timespec){0, round * 20000}, NULL);
        for (int i = 0; i < round % 24; i++) tc_loader_next(l);
        tc_loader_free(l);
    }
}
END_TEST

/* A caller that computes for long finds its next batches ready. On a busy machine the pause may be too short
 * now and then, so it grows. */
START_TEST(batches_are_prepared_while_the_caller_computes) {
    bool ready = false;
    for (int tries = 1; tries <= 8 && !ready; tries++) {
        tc_loader *l = augmenting(10);
        ck_assert_int_eq(tc_loader_start(l, 0, 0), TC_OK);
        nanosleep(&(struct timespec){0, 100000000L * tries}, NULL);
        for (int i = 0; i < 3; i++) ck_assert_ptr_nonnull(tc_loader_next(l));
        ready = tc_loader_wait_seconds(l) == 0.0;
        tc_loader_free(l);
    }
    ck_assert(ready);
}
END_TEST

/* A caller's own transform, which runs on the loader's thread. */
static int slow_calls;

static void slow(const tc_transform *self, float *picture, float *scratch, int height, int width,
                 int channels, tc_sample *sample) {
    (void)self, (void)picture, (void)scratch, (void)height, (void)width, (void)channels, (void)sample;
    slow_calls++;
    nanosleep(&(struct timespec){0, 2000000}, NULL);
}

START_TEST(waiting_is_counted_and_only_what_is_wanted_is_prepared) {
    tc_transform own = {.name = "slow", .apply = slow};
    tc_loader *l = LOADER(.batch_size = 10, .transforms = &own, .transform_count = 1);
    run_epoch(l, 0, 9, 10, &a);
    ck_assert(tc_loader_wait_seconds(l) > 0.01);
    ck_assert_int_eq(slow_calls, 17); /* batches 9 and 10 */
    slow_calls = 0;
    ck_assert_int_eq(tc_loader_start(l, 0, 0), TC_OK);
    ck_assert_ptr_nonnull(tc_loader_next(l));
    tc_loader_free(l);
    ck_assert_int_le(slow_calls, 50); /* the batch that was taken, three ahead, one more at most */
}
END_TEST

START_TEST(a_batch_stays_whole_while_it_is_held) {
    tc_loader *l = LOADER(.batch_size = 4, .shuffle = true);
    const tc_batch *batch;
    ck_assert_int_eq(tc_loader_start(l, 0, 0), TC_OK);
    while ((batch = tc_loader_next(l)) != NULL) {
        float kept[4][PICTURE];
        size_t bytes = (size_t)batch->count * sizeof kept[0];
        memcpy(kept, batch->x, bytes);
        if (batch->index % 5 == 0) nanosleep(&(struct timespec){0, 3000000}, NULL);
        ck_assert(memcmp(kept, batch->x, bytes) == 0);
    }
    tc_loader_free(l);
}
END_TEST

/* ---- Refusals --------------------------------------------------------------------------------------------
 */

static void refused(const char *piece, tc_loader_options options) {
    tc_loader *l = (tc_loader *)&l;
    ck_assert_int_eq(tc_loader_create(set, &set->train, &options, &l), TC_ERR_ARGUMENT);
    ck_assert_ptr_null(l);
    ck_assert_msg(strstr(tc_last_error(), piece) != NULL, "\"%s\" lacks \"%s\"", tc_last_error(), piece);
}

START_TEST(impossible_options_are_refused) {
    static const float mean[3] = {0}, deviation[3] = {1.0f, 0.0f, 1.0f};
    tc_transform flat = tc_normalize(mean, deviation, 3), crop = tc_random_crop(-1, false);
    tc_transform flip = tc_random_horizontal_flip(1.5f);
    refused("batch size is 0", (tc_loader_options){.batch_size = 0});
    refused("-1 transforms", (tc_loader_options){.batch_size = 1, .transform_count = -1});
    refused("deviation of channel 1 is 0",
            (tc_loader_options){.batch_size = 1, .transforms = &flat, .transform_count = 1});
    refused("padding is -1", (tc_loader_options){.batch_size = 1, .transforms = &crop, .transform_count = 1});
    refused("pictures of -1 x 8", (tc_loader_options){.batch_size = 1, .height = -1, .width = 8});
    refused("pictures of 0 x 40000", (tc_loader_options){.batch_size = 1, .width = 40000});
    refused("mixup is -1", (tc_loader_options){.batch_size = 1, .mixup = -1.0f});
    refused("mixup is inf", (tc_loader_options){.batch_size = 1, .mixup = INFINITY});
    refused("cutmix is nan", (tc_loader_options){.batch_size = 1, .cutmix = NAN});
    refused("p is 1.5", (tc_loader_options){.batch_size = 1, .transforms = &flip, .transform_count = 1});
}
END_TEST

START_TEST(impossible_starts_are_refused_and_change_nothing) {
    tc_loader *l = LOADER(.batch_size = 10);
    ck_assert_int_eq(tc_loader_start(l, 0, 0), TC_OK);
    ck_assert_int_eq(tc_loader_start(l, -1, 0), TC_ERR_ARGUMENT);
    ck_assert_int_eq(tc_loader_start(l, 0, -1), TC_ERR_ARGUMENT);
    ck_assert_int_eq(tc_loader_start(l, 0, 12), TC_ERR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(tc_last_error(), "batch 12"));
    take_all(l, 0, 10, &a);
    ck_assert(complete(&a));
    tc_loader_free(l);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("loader");
    TCase *tests = tcase_create("loader");
    tcase_add_checked_fixture(tests, make_set, free_set);
    tcase_add_test(tests, without_shuffling_pictures_come_in_order);
    tcase_add_test(tests, shuffling_shows_every_picture_once_and_differs_by_epoch_and_seed);
    tcase_add_test(tests, the_batch_size_does_not_change_the_order);
    tcase_add_test(tests, a_last_batch_that_is_not_full_is_kept_or_dropped);
    tcase_add_test(tests, transforms_are_applied_in_turn_with_the_numbers_of_the_picture);
    tcase_add_test(tests, augmentation_differs_by_epoch_and_seed);
    tcase_add_test(tests, transforms_know_which_picture_they_work_on);
    tcase_add_test(tests, old_recipes_keep_their_bits);
    tcase_add_test(tests, an_epoch_taken_up_in_the_middle_goes_on_as_it_would_have);
    tcase_add_test(tests, pictures_are_resized_after_the_transforms);
    tcase_add_test(tests, batches_are_mixed_with_themselves_in_reverse);
    tcase_add_test(tests, nothing_comes_before_the_start);
    tcase_add_test(tests, a_start_in_mid_epoch_drops_what_was_prepared);
    tcase_add_test(tests, it_may_be_freed_at_any_moment);
    tcase_add_test(tests, batches_are_prepared_while_the_caller_computes);
    tcase_add_test(tests, waiting_is_counted_and_only_what_is_wanted_is_prepared);
    tcase_add_test(tests, a_batch_stays_whole_while_it_is_held);
    tcase_add_test(tests, impossible_options_are_refused);
    tcase_add_test(tests, impossible_starts_are_refused_and_change_nothing);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
