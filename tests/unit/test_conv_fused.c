/* test_conv_fused.c - what Winograd's and the direct convolution do in their own pass: read the picture through
 * a map, pool, go back from pooled gradients, gather moments. Each must give the bits of the same thing done
 * apart. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "conv.h"
#include "normalization.h"
#include "suite.h"
#include "tinycnn.h"
#include "turned.h"

typedef struct shape {
    int64_t n, c, h, w, o, k, stride, pad_h, pad_w;
} shape;

static const shape shapes[] = {
    {1, 1, 2, 2, 1, 3, 1, 1, 1},
    {1, 5, 3, 3, 7, 3, 1, 1, 1},
    {1, 3, 2, 3, 5, 3, 1, 2, 2},
    {2, 16, 8, 8, 16, 3, 1, 1, 1},
    {3, 17, 5, 6, 33, 3, 1, 1, 1},
    {2, 24, 9, 9, 40, 3, 1, 1, 1}, /* the last column of tiles is one pixel wide */
    {1, 20, 13, 5, 19, 3, 1, 1, 1},
    {2, 12, 7, 9, 18, 3, 1, 0, 2},
    {2, 12, 8, 6, 18, 3, 1, 2, 0},
    {1, 16, 32, 32, 20, 3, 1, 1, 1},
    {2, 32, 31, 17, 24, 3, 1, 1, 1},
    {3, 64, 11, 12, 64, 3, 1, 1, 1}, /* Winograd's weights: sums too large for one a part */
    {1, 130, 4, 4, 90, 3, 1, 1, 1},
    {70, 8, 6, 6, 9, 3, 1, 1, 1},
    {33, 4, 5, 4, 3, 3, 1, 0, 0},
    /* Not for Winograd: other kernels; strides and padding beyond the kernel, with which none can pool. */
    {2, 8, 9, 9, 12, 1, 1, 0, 0},
    {2, 6, 12, 10, 10, 5, 1, 2, 2},
    {2, 7, 6, 5, 19, 2, 1, 1, 1},
    {1, 16, 2, 2, 16, 2, 1, 0, 1},
    {2, 19, 9, 7, 21, 1, 2, 0, 0},
    {2, 17, 10, 11, 20, 3, 2, 1, 1},
    {1, 4, 6, 7, 6, 2, 1, 2, 2},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static const tci_conv_algorithm *const algorithms[] = {&tci_conv_direct, &tci_conv_winograd};
enum { ALGORITHMS = sizeof algorithms / sizeof *algorithms };

static float *random_floats(int64_t n, uint64_t stream) {
    float *p = malloc(sizeof *p * (size_t)n);
    tc_rng rng = tc_rng_create(1, stream);
    for (int64_t i = 0; i < n; i++) p[i] = tc_rng_normal(&rng);
    return p;
}

/* ---- One convolution ---------------------------------------------------------------------------------- */

typedef struct data {
    const tci_conv_algorithm *algorithm;
    tci_conv d;
    bool can_pool;
    int64_t x_size, w_size, y_size, pooled_size;
    float *x, *w, *bias, *dy; /* dy: as large as y, the pooled one is its beginning */
    float *mean, *scale, *shift;
} data;

/* False if the algorithm is not for this shape. */
static bool make(int test, data *t) {
    const shape *s = &shapes[test / ALGORITHMS];
    *t = (data){.algorithm = algorithms[test % ALGORITHMS]};
    t->d = (tci_conv){.n = s->n,
                      .c = s->c,
                      .h = s->h,
                      .w = s->w,
                      .o = s->o,
                      .oh = (s->h + 2 * s->pad_h - s->k) / s->stride + 1,
                      .ow = (s->w + 2 * s->pad_w - s->k) / s->stride + 1,
                      .kh = s->k,
                      .kw = s->k,
                      .stride_h = s->stride,
                      .stride_w = s->stride,
                      .pad_h = s->pad_h,
                      .pad_w = s->pad_w,
                      .dilation_h = 1,
                      .dilation_w = 1,
                      .groups = 1};
    const tci_conv *d = &t->d;
    if (t->algorithm == &tci_conv_winograd && (d->kh != 3 || !tci_can_turn(d))) return false;
    t->can_pool = tci_can_turn(d) && d->oh >= 2 && d->ow >= 2;
    t->x_size = d->n * d->h * d->w * d->c, t->w_size = d->o * d->kh * d->kw * d->c;
    t->y_size = d->n * d->oh * d->ow * d->o, t->pooled_size = d->n * (d->oh / 2) * (d->ow / 2) * d->o;
    t->x = random_floats(t->x_size, 1), t->w = random_floats(t->w_size, 2);
    t->bias = random_floats(d->o, 3), t->dy = random_floats(t->y_size, 4);
    t->mean = random_floats(d->c, 5), t->scale = random_floats(d->c, 6), t->shift = random_floats(d->c, 7);
    /* Outputs with a deviation of about 1. */
    for (int64_t i = 0; i < t->w_size; i++) t->w[i] /= sqrtf((float)(d->kh * d->kw * d->c));
    return true;
}

static void drop(data *t) {
    free(t->x), free(t->w), free(t->bias), free(t->dy), free(t->mean), free(t->scale), free(t->shift);
}

/* The same for tests that pool. */
static bool make_pooled(int test, data *t) {
    if (!make(test, t)) return false;
    if (!t->can_pool) drop(t);
    return t->can_pool;
}

static tci_map map_of(const data *t, tci_map_activation activation) {
    return (tci_map){t->mean, t->scale, t->shift, activation};
}

/* x with the map applied. */
static float *mapped(const data *t, const tci_map *map) {
    float *y = malloc(sizeof *y * (size_t)t->x_size);
    tci_normalization_get()->apply(map, t->x, t->d.n * t->d.h * t->d.w, t->d.c, y);
    return y;
}

/* ---- Passes, on memory full of NaN -------------------------------------------------------------------- */

static float *nans(size_t floats) {
    float *p = aligned_alloc(64, (floats * sizeof *p + 64) / 64 * 64);
    memset(p, 0xff, floats * sizeof *p);
    return p;
}

static float *run(const data *t, void (*function)(const tci_conv *, const tci_conv_pass *),
                  tci_conv_scratch need, tci_conv_pass pass, int64_t size) {
    if (pass.threads == 0) pass.threads = 2;
    pass.scratch = nans(need.shared + (size_t)pass.threads * need.per_worker);
    pass.out = malloc(sizeof(float) * (size_t)size);
    memset(pass.out, 0xff, sizeof(float) * (size_t)size);
    function(&t->d, &pass);
    if (pass.accumulate) { /* onto what the first call wrote */
        pass.accumulate = false;
        function(&t->d, &pass);
        pass.accumulate = true;
        function(&t->d, &pass);
    }
    free(pass.scratch);
    return pass.out;
}

static float *forward(const data *t, tci_conv_pass pass) {
    pass.b = t->w;
    return run(t, t->algorithm->forward, t->algorithm->forward_scratch(&t->d), pass,
               pass.winners ? t->pooled_size : t->y_size);
}

static float *backward_data(const data *t, tci_conv_pass pass) {
    pass.b = t->w;
    return run(t, t->algorithm->backward_data, t->algorithm->data_scratch(&t->d), pass, t->x_size);
}

static float *backward_weight(const data *t, tci_conv_pass pass) {
    return run(t, t->algorithm->backward_weight, t->algorithm->weight_scratch(&t->d), pass, t->w_size);
}

static uint8_t *new_winners(const data *t) {
    return memset(malloc((size_t)t->pooled_size), 0xff, (size_t)t->pooled_size);
}

/* Winners as a forward pass gives them. */
static uint8_t *winners_of(const data *t) {
    uint8_t *winners = new_winners(t);
    free(forward(t, (tci_conv_pass){.a = t->x, .winners = winners}));
    return winners;
}

/* Where pixel `number` of the window of pooled element i lies in the unpooled picture. */
static int64_t unpooled_index(const tci_conv *d, int64_t i, int number) {
    int64_t o = i % d->o, pixel = i / d->o, wide = d->ow / 2, high = d->oh / 2;
    int64_t column = pixel % wide * 2 + number % 2, row = pixel / wide % high * 2 + number / 2;
    return ((pixel / wide / high * d->oh + row) * d->ow + column) * d->o + o;
}

/* The gradient of all outputs: that of the pooled ones at the winners, zero elsewhere. */
static float *unpooled(const data *t, const uint8_t *winners) {
    float *dy = calloc((size_t)t->y_size, sizeof *dy);
    for (int64_t i = 0; i < t->pooled_size; i++) dy[unpooled_index(&t->d, i, winners[i])] = t->dy[i];
    return dy;
}

static void expect_bits(const data *t, const char *what, float *got, float *expected, int64_t size) {
    for (int64_t i = 0; i < size; i++)
        ck_assert_msg(memcmp(got + i, expected + i, sizeof *got) == 0 && !isnan(got[i]),
                      "%s, %s: element %lld of %lld is %.9g, done apart %.9g", t->algorithm->name, what,
                      (long long)i, (long long)size, (double)got[i], (double)expected[i]);
    free(got), free(expected);
}

/* ---- Tests -------------------------------------------------------------------------------------------- */

static const tci_map_activation activations[] = {TCI_MAP_NONE, TCI_MAP_RELU, TCI_MAP_GELU};

START_TEST(forward_through_a_map_is_forward_over_the_mapped_picture) {
    data t;
    if (!make(_i, &t)) return;
    for (int i = 0; i < 3; i++) {
        tci_map map = map_of(&t, activations[i]);
        float *x = mapped(&t, &map);
        expect_bits(&t, "forward", forward(&t, (tci_conv_pass){.a = t.x, .map = &map}),
                    forward(&t, (tci_conv_pass){.a = x}), t.y_size);
        if (t.can_pool) {
            uint8_t *winners = new_winners(&t), *expected = new_winners(&t);
            expect_bits(&t, "pooled", forward(&t, (tci_conv_pass){.a = t.x, .map = &map, .winners = winners}),
                        forward(&t, (tci_conv_pass){.a = x, .winners = expected}), t.pooled_size);
            ck_assert_mem_eq(winners, expected, (size_t)t.pooled_size);
            free(winners), free(expected);
        }
        free(x);
    }
    drop(&t);
}
END_TEST

START_TEST(backward_weight_through_a_map_is_that_over_the_mapped_picture) {
    data t;
    if (!make(_i, &t)) return;
    for (int i = 0; i < 3; i++) {
        tci_map map = map_of(&t, activations[i]);
        float *x = mapped(&t, &map);
        expect_bits(&t, "backward weight",
                    backward_weight(&t, (tci_conv_pass){.a = t.x, .b = t.dy, .map = &map}),
                    backward_weight(&t, (tci_conv_pass){.a = x, .b = t.dy}), t.w_size);
        free(x);
    }
    drop(&t);
}
END_TEST

/* With relu a window may have no winner but zeros: then any may be named, its gradient is zero. */
static void expect_largest(const data *t, const float *bias, bool relu) {
    uint8_t *winners = new_winners(t);
    float *plain = forward(t, (tci_conv_pass){.a = t->x, .bias = bias, .relu = relu});
    float *got = forward(t, (tci_conv_pass){.a = t->x, .bias = bias, .relu = relu, .winners = winners});
    float *largest = malloc(sizeof *largest * (size_t)t->pooled_size);
    for (int64_t i = 0; i < t->pooled_size; i++) {
        int first = 0;
        for (int q = 1; q < 4; q++)
            if (plain[unpooled_index(&t->d, i, q)] > plain[unpooled_index(&t->d, i, first)]) first = q;
        largest[i] = plain[unpooled_index(&t->d, i, first)];
        ck_assert_int_lt(winners[i], 4);
        if (!relu || largest[i] > 0.0f) ck_assert_int_eq(winners[i], first);
    }
    expect_bits(t, "the largest of a window", got, largest, t->pooled_size);
    free(plain), free(winners);
}

START_TEST(pooling_takes_the_largest_of_each_window) {
    data t;
    if (!make_pooled(_i, &t)) return;
    for (int relu = 0; relu < 2; relu++) {
        expect_largest(&t, NULL, relu);
        expect_largest(&t, t.bias, relu);
    }
    drop(&t);
}
END_TEST

START_TEST(the_first_of_equal_outputs_wins) {
    data t;
    if (!make_pooled(_i, &t)) return;
    memset(t.w, 0, sizeof *t.w * (size_t)t.w_size);
    expect_largest(&t, t.bias, false);
    drop(&t);
}
END_TEST

START_TEST(backward_data_from_winners_is_that_of_the_unpooled_gradient) {
    data t;
    if (!make_pooled(_i, &t)) return;
    uint8_t *winners = winners_of(&t);
    float *dy = unpooled(&t, winners);
    for (int accumulate = 0; accumulate < 2; accumulate++)
        expect_bits(
            &t, "backward data",
            backward_data(&t, (tci_conv_pass){.a = t.dy, .winners = winners, .accumulate = accumulate}),
            backward_data(&t, (tci_conv_pass){.a = dy, .accumulate = accumulate}), t.x_size);
    free(dy), free(winners);
    drop(&t);
}
END_TEST

START_TEST(backward_weight_from_winners_is_that_of_the_unpooled_gradient) {
    data t;
    if (!make_pooled(_i, &t)) return;
    uint8_t *winners = winners_of(&t);
    tci_map map = map_of(&t, TCI_MAP_GELU);
    float *dy = unpooled(&t, winners), *x = mapped(&t, &map);
    for (int accumulate = 0; accumulate < 2; accumulate++) {
        tci_conv_pass pass = {.a = t.x, .b = t.dy, .winners = winners, .accumulate = accumulate};
        expect_bits(&t, "backward weight", backward_weight(&t, pass),
                    backward_weight(&t, (tci_conv_pass){.a = t.x, .b = dy, .accumulate = accumulate}),
                    t.w_size);
        pass.map = &map;
        expect_bits(&t, "backward weight through a map", backward_weight(&t, pass),
                    backward_weight(&t, (tci_conv_pass){.a = x, .b = dy, .accumulate = accumulate}),
                    t.w_size);
    }
    free(dy), free(x), free(winners);
    drop(&t);
}
END_TEST

/* ---- Moments ------------------------------------------------------------------------------------------ */

static tci_moments new_moments(const data *t) {
    tci_moments m = {.parts = t->algorithm->moment_parts(&t->d), .c = t->d.o};
    size_t floats = (size_t)(m.parts * m.c);
    m.count = malloc(sizeof *m.count * (size_t)m.parts);
    memset(m.count, 0xff, sizeof *m.count * (size_t)m.parts);
    m.shift = nans(floats), m.sum = nans(floats), m.squares = nans(floats);
    return m;
}

static void drop_moments(tci_moments *m) {
    free(m->count), free(m->shift), free(m->sum), free(m->squares);
}

/* Differences in units of the deviation: those of values from the shift near their mean are exact in float, so
 * a mean far from zero costs nothing. */
static void expect_moments(const data *t, const float *bias, bool relu, bool pool) {
    tci_moments m = new_moments(t);
    uint8_t *winners = pool ? new_winners(t) : NULL;
    float *y =
        forward(t, (tci_conv_pass){.a = t->x, .bias = bias, .relu = relu, .winners = winners, .moments = &m});
    int64_t values = (pool ? t->pooled_size : t->y_size) / m.c, counted = 0;
    for (int64_t p = 0; p < m.parts; p++) counted += m.count[p];
    ck_assert_int_eq(counted, values);
    for (int64_t k = 0; k < m.c; k++) {
        double mean = 0.0, variance = 0.0, got_mean, got_variance;
        for (int64_t i = 0; i < values; i++) mean += (double)y[i * m.c + k] / (double)values;
        for (int64_t i = 0; i < values; i++)
            variance += pow((double)y[i * m.c + k] - mean, 2) / (double)values;
        tci_moments_of(&m, k, &got_mean, &got_variance);
        double mean_off = fabs(got_mean - mean), variance_off = fabs(got_variance - variance);
        /* A channel of equal values has no deviation to measure by. */
        ck_assert_msg(mean_off <= 1e-6 * sqrt(variance) + 1e-7 * fabs(mean) * (variance == 0.0),
                      "%s, channel %lld: mean %.12g, %.12g in double, deviation %g", t->algorithm->name,
                      (long long)k, got_mean, mean, sqrt(variance));
        ck_assert_msg(variance_off <= 1e-6 * variance + 1e-13 * mean * mean,
                      "%s, channel %lld: variance %.12g, %.12g in double, mean %g", t->algorithm->name,
                      (long long)k, got_variance, variance, mean);
    }
    free(y), free(winners);
    drop_moments(&m);
}

START_TEST(moments_are_those_of_the_result) {
    data t;
    if (!make(_i, &t)) return;
    for (int pool = 0; pool < 1 + t.can_pool; pool++) {
        expect_moments(&t, NULL, false, pool);
        expect_moments(&t, t.bias, false, pool);
        expect_moments(&t, t.bias, true, pool);
    }
    drop(&t);
}
END_TEST

START_TEST(moments_far_from_zero_lose_nothing) {
    data t;
    if (!make(_i, &t)) return;
    for (int64_t k = 0; k < t.d.o; k++) t.bias[k] += k % 2 ? -1000.0f : 1000.0f;
    for (int pool = 0; pool < 1 + t.can_pool; pool++) expect_moments(&t, t.bias, false, pool);
    drop(&t);
}
END_TEST

/* ---- Threads ------------------------------------------------------------------------------------------ */

static void expect_the_bits_of_one_thread(const data *t, bool pool) {
    tci_map map = map_of(t, TCI_MAP_GELU);
    tci_moments one = new_moments(t);
    uint8_t *first = pool ? new_winners(t) : NULL;
    tci_conv_pass pass = {.a = t->x, .bias = t->bias, .map = &map, .winners = first, .moments = &one};
    tci_conv_pass data_pass = {.a = t->dy, .winners = first};
    tci_conv_pass weight_pass = {.a = t->x, .b = t->dy, .map = &map, .winners = first};
    for (int threads = 2; threads <= 3; threads++) {
        tci_moments many = new_moments(t);
        uint8_t *winners = pool ? new_winners(t) : NULL;
        tci_conv_pass other = pass;
        pass.threads = data_pass.threads = weight_pass.threads = 1;
        other.threads = threads, other.winners = winners, other.moments = &many;
        expect_bits(t, "forward", forward(t, other), forward(t, pass), pool ? t->pooled_size : t->y_size);
        if (pool) ck_assert_mem_eq(winners, first, (size_t)t->pooled_size);
        size_t sums = sizeof(float) * (size_t)(one.parts * one.c);
        ck_assert_mem_eq(one.count, many.count, sizeof *one.count * (size_t)one.parts);
        ck_assert_mem_eq(one.shift, many.shift, sums);
        ck_assert_mem_eq(one.sum, many.sum, sums);
        ck_assert_mem_eq(one.squares, many.squares, sums);
        float *dx = backward_data(t, data_pass), *dw = backward_weight(t, weight_pass);
        data_pass.threads = weight_pass.threads = threads;
        expect_bits(t, "backward data", backward_data(t, data_pass), dx, t->x_size);
        expect_bits(t, "backward weight", backward_weight(t, weight_pass), dw, t->w_size);
        free(winners);
        drop_moments(&many);
    }
    free(first);
    drop_moments(&one);
}

START_TEST(the_same_bits_on_any_number_of_threads) {
    data t;
    if (!make(_i, &t)) return;
    for (int pool = 0; pool < 1 + t.can_pool; pool++) expect_the_bits_of_one_thread(&t, pool);
    drop(&t);
}
END_TEST

static void add(TCase *tests) {
    enum { ALL = SHAPES * ALGORITHMS };
    tcase_add_loop_test(tests, forward_through_a_map_is_forward_over_the_mapped_picture, 0, ALL);
    tcase_add_loop_test(tests, backward_weight_through_a_map_is_that_over_the_mapped_picture, 0, ALL);
    tcase_add_loop_test(tests, pooling_takes_the_largest_of_each_window, 0, ALL);
    tcase_add_loop_test(tests, the_first_of_equal_outputs_wins, 0, ALL);
    tcase_add_loop_test(tests, backward_data_from_winners_is_that_of_the_unpooled_gradient, 0, ALL);
    tcase_add_loop_test(tests, backward_weight_from_winners_is_that_of_the_unpooled_gradient, 0, ALL);
    tcase_add_loop_test(tests, moments_are_those_of_the_result, 0, ALL);
    tcase_add_loop_test(tests, moments_far_from_zero_lose_nothing, 0, ALL);
    tcase_add_loop_test(tests, the_same_bits_on_any_number_of_threads, 0, ALL);
}

int main(void) {
    return suite_main("conv_fused", add);
}
