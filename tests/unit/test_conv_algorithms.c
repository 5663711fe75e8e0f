/* test_conv_algorithms.c - every convolution algorithm on every shape that it can do, chosen for it or not,
 * beside sums in double.
 *
 * The difference is measured in units of the largest element of the result. Winograd's transforms round more
 * than a plain sum does; its bound is the one that the headers promise. TC_VERBOSE=1 prints the differences.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conv.h"
#include "tinycnn.h"
#include "turned.h"

typedef struct shape {
    int64_t n, c, h, w, o, kh, kw, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups;
} shape;

static const shape shapes[] = {
    {1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1},
    {2, 3, 7, 9, 5, 3, 3, 1, 1, 1, 1, 1, 1, 1},
    {3, 16, 8, 8, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1},
    {2, 24, 31, 31, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1},
    {2, 64, 15, 15, 256, 3, 3, 1, 1, 1, 1, 1, 1, 1},
    {4, 256, 3, 3, 256, 3, 3, 1, 1, 1, 1, 1, 1, 1},
    {5, 17, 4, 6, 33, 3, 3, 1, 1, 0, 2, 1, 1, 1},
    {2, 40, 5, 11, 24, 3, 3, 1, 1, 2, 0, 1, 1, 1},
    {1, 128, 1, 1, 48, 3, 3, 1, 1, 1, 1, 1, 1, 1},
    {2, 8, 9, 9, 12, 1, 1, 1, 1, 0, 0, 1, 1, 1},
    {2, 19, 9, 7, 21, 1, 1, 2, 2, 0, 0, 1, 1, 1},
    {2, 6, 12, 10, 10, 5, 3, 2, 1, 2, 1, 1, 1, 1},
    {2, 5, 13, 13, 7, 3, 2, 3, 4, 0, 1, 2, 1, 1},
    {2, 4, 9, 9, 6, 3, 3, 1, 1, 2, 2, 2, 2, 1},
    {2, 8, 9, 9, 12, 3, 3, 2, 2, 1, 1, 1, 1, 4},
    {2, 24, 9, 9, 24, 3, 3, 1, 1, 1, 1, 1, 1, 24},
    {2, 6, 9, 7, 12, 3, 5, 2, 1, 1, 2, 1, 2, 6},
    {1, 2, 6, 40, 70, 6, 3, 1, 1, 0, 1, 1, 1, 1},
    /* Depthwise: partial vectors, strides, dilations, padding beyond the kernel, pictures smaller than it. */
    {3, 21, 8, 30, 21, 3, 3, 2, 2, 1, 1, 1, 1, 21},
    {2, 40, 11, 6, 40, 5, 4, 3, 2, 2, 1, 1, 2, 40},
    {2, 18, 3, 2, 18, 7, 7, 1, 1, 3, 3, 1, 1, 18},
    {2, 5, 4, 5, 5, 1, 2, 2, 3, 2, 3, 1, 1, 5},
    {20, 16, 5, 5, 16, 3, 3, 1, 1, 2, 2, 2, 2, 16},
    /* Groups, with dilations that share a divisor with the stride and ones that do not. */
    {2, 12, 7, 18, 36, 3, 3, 1, 1, 1, 1, 1, 1, 3},
    {2, 64, 6, 6, 128, 3, 3, 2, 2, 1, 1, 1, 1, 2},
    {2, 8, 13, 17, 24, 3, 4, 2, 2, 3, 4, 2, 2, 2},
    {1, 9, 14, 23, 6, 3, 3, 3, 2, 2, 5, 2, 3, 3},
    {2, 10, 12, 19, 35, 2, 3, 4, 6, 1, 3, 6, 4, 5},
    {2, 7, 8, 8, 9, 1, 1, 3, 3, 1, 1, 1, 1, 1},
    {17, 70, 4, 3, 90, 3, 3, 2, 1, 1, 1, 1, 1, 1},
    {300, 40, 2, 2, 36, 1, 1, 1, 1, 0, 0, 1, 1, 2},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static const tci_conv_algorithm *const algorithms[] = {
    &tci_conv_gathered, &tci_conv_direct, &tci_conv_winograd, &tci_conv_depthwise, &tci_conv_pixels};
static const double bounds[] = {4e-6, 4e-6, 6e-6, 4e-6, 4e-6};
enum { ALGORITHMS = sizeof algorithms / sizeof *algorithms };

static bool can(const tci_conv_algorithm *algorithm, const tci_conv *d) {
    if (algorithm == &tci_conv_gathered || algorithm == &tci_conv_pixels) return true;
    if (algorithm == &tci_conv_depthwise) return d->groups == d->c && d->groups == d->o;
    if (d->groups != 1 || d->dilation_w != 1) return false;
    if (algorithm == &tci_conv_direct) return true;
    return d->kh == 3 && d->kw == 3 && d->dilation_h == 1 && tci_can_turn(d);
}

static tci_conv conv_of(const shape *s) {
    return (tci_conv){.n = s->n,
                      .c = s->c,
                      .h = s->h,
                      .w = s->w,
                      .o = s->o,
                      .oh = (s->h + 2 * s->pad_h - s->dilation_h * (s->kh - 1) - 1) / s->stride_h + 1,
                      .ow = (s->w + 2 * s->pad_w - s->dilation_w * (s->kw - 1) - 1) / s->stride_w + 1,
                      .kh = s->kh,
                      .kw = s->kw,
                      .stride_h = s->stride_h,
                      .stride_w = s->stride_w,
                      .pad_h = s->pad_h,
                      .pad_w = s->pad_w,
                      .dilation_h = s->dilation_h,
                      .dilation_w = s->dilation_w,
                      .groups = s->groups};
}

/* The four arrays of a convolution, and the reference results in double. */
typedef struct data {
    tci_conv d;
    int64_t x_size, w_size, y_size;
    float *x, *w, *bias, *dy;
    double *y, *dx, *dw;
} data;

static float *random_floats(int64_t n, uint64_t stream) {
    float *p = malloc(sizeof(float) * (size_t)n);
    tc_rng rng = tc_rng_create(1, stream);
    for (int64_t i = 0; i < n; i++) p[i] = tc_rng_normal(&rng);
    return p;
}

static void reference(data *t) {
    const tci_conv *d = &t->d;
    int64_t cg = d->c / d->groups, og = d->o / d->groups;
    for (int64_t n = 0; n < d->n; n++)
        for (int64_t i = 0; i < d->oh; i++)
            for (int64_t j = 0; j < d->ow; j++)
                for (int64_t o = 0; o < d->o; o++) {
                    int64_t out = ((n * d->oh + i) * d->ow + j) * d->o + o;
                    double sum = t->bias[o];
                    for (int64_t a = 0; a < d->kh; a++)
                        for (int64_t b = 0; b < d->kw; b++) {
                            int64_t h = i * d->stride_h - d->pad_h + a * d->dilation_h;
                            int64_t w = j * d->stride_w - d->pad_w + b * d->dilation_w;
                            if (h < 0 || h >= d->h || w < 0 || w >= d->w) continue;
                            for (int64_t c = 0; c < cg; c++) {
                                int64_t in = ((n * d->h + h) * d->w + w) * d->c + o / og * cg + c;
                                int64_t at = ((o * d->kh + a) * d->kw + b) * cg + c;
                                sum += (double)t->x[in] * (double)t->w[at];
                                t->dx[in] += (double)t->dy[out] * (double)t->w[at];
                                t->dw[at] += (double)t->dy[out] * (double)t->x[in];
                            }
                        }
                    t->y[out] = sum;
                }
}

static data make(const shape *s) {
    data t = {.d = conv_of(s)};
    t.x_size = s->n * s->c * s->h * s->w;
    t.w_size = s->o * (s->c / s->groups) * s->kh * s->kw;
    t.y_size = t.d.n * t.d.o * t.d.oh * t.d.ow;
    t.x = random_floats(t.x_size, 1), t.w = random_floats(t.w_size, 2);
    t.bias = random_floats(s->o, 3), t.dy = random_floats(t.y_size, 4);
    t.y = calloc((size_t)t.y_size, sizeof *t.y);
    t.dx = calloc((size_t)t.x_size, sizeof *t.dx);
    t.dw = calloc((size_t)t.w_size, sizeof *t.dw);
    reference(&t);
    return t;
}

static void drop(data *t) {
    free(t->x), free(t->w), free(t->bias), free(t->dy), free(t->y), free(t->dx), free(t->dw);
}

/* Runs a pass on memory full of NaN; with `accumulate` twice, the second time adding to the first. */
static float *run(const tci_conv *d, void (*function)(const tci_conv *, const tci_conv_pass *),
                  tci_conv_scratch need, const float *a, const float *b, const float *bias, int64_t size,
                  bool accumulate, int threads) {
    size_t floats = need.shared + (size_t)threads * need.per_worker;
    float *scratch = aligned_alloc(64, (floats + 16) * sizeof(float) / 64 * 64 + 64),
          *out = malloc(sizeof(float) * (size_t)size);
    memset(scratch, 0xff, floats * sizeof(float));
    memset(out, 0xff, sizeof(float) * (size_t)size);
    tci_conv_pass pass = {.a = a, .b = b, .bias = bias, .out = out, .scratch = scratch, .threads = threads};
    function(d, &pass);
    if (accumulate) {
        pass.accumulate = true;
        function(d, &pass);
    }
    free(scratch);
    return out;
}

static double difference(const float *got, const double *expected, int64_t size, double factor) {
    double largest = 1e-30, worst = 0.0;
    for (int64_t i = 0; i < size; i++) {
        double off = fabs((double)got[i] - factor * expected[i]);
        largest = fmax(largest, fabs(factor * expected[i]));
        worst = off > worst || isnan(off) ? off : worst;
    }
    return worst / largest;
}

static void compare(const char *pass, int a, const shape *s, float *got, const double *expected, int64_t size,
                    double factor) {
    double off = difference(got, expected, size, factor);
    free(got);
    char what[160];
    snprintf(what, sizeof what, "%s %s (%lld, %lld->%lld, %lldx%lld, kernel %lldx%lld)", algorithms[a]->name,
             pass, (long long)s->n, (long long)s->c, (long long)s->o, (long long)s->h, (long long)s->w,
             (long long)s->kh, (long long)s->kw);
    if (getenv("TC_VERBOSE")) printf("%-60s %.1e\n", what, off);
    ck_assert_msg(off <= bounds[a], "%s: off by %.2e of the largest, %.0e is allowed", what, off, bounds[a]);
}

START_TEST(agrees_with_sums_in_double) {
    const shape *s = &shapes[_i / ALGORITHMS];
    int a = _i % ALGORITHMS;
    tci_conv d = conv_of(s);
    if (!can(algorithms[a], &d)) return;
    data t = make(s);
    const tci_conv_algorithm *g = algorithms[a];
    compare("forward", a, s,
            run(&d, g->forward, g->forward_scratch(&d), t.x, t.w, t.bias, t.y_size, false, 2), t.y, t.y_size,
            1);
    for (int twice = 0; twice < 2; twice++) {
        compare("backward data", a, s,
                run(&d, g->backward_data, g->data_scratch(&d), t.dy, t.w, NULL, t.x_size, twice, 2), t.dx,
                t.x_size, 1 + twice);
        compare("backward weight", a, s,
                run(&d, g->backward_weight, g->weight_scratch(&d), t.x, t.dy, NULL, t.w_size, twice, 2), t.dw,
                t.w_size, 1 + twice);
    }
    drop(&t);
}
END_TEST

START_TEST(the_same_bits_on_any_number_of_threads) {
    const shape *s = &shapes[_i / ALGORITHMS];
    const tci_conv_algorithm *g = algorithms[_i % ALGORITHMS];
    tci_conv d = conv_of(s);
    if (!can(g, &d)) return;
    data t = make(s);
    for (int threads = 2; threads <= 4; threads++) {
        float *one[3], *many[3];
        int64_t sizes[3] = {t.y_size, t.x_size, t.w_size};
        for (int k = 0; k < 2; k++) {
            float **to = k ? many : one;
            int count = k ? threads : 1;
            to[0] = run(&d, g->forward, g->forward_scratch(&d), t.x, t.w, t.bias, t.y_size, false, count);
            to[1] = run(&d, g->backward_data, g->data_scratch(&d), t.dy, t.w, NULL, t.x_size, false, count);
            to[2] =
                run(&d, g->backward_weight, g->weight_scratch(&d), t.x, t.dy, NULL, t.w_size, false, count);
        }
        for (int k = 0; k < 3; k++) {
            ck_assert_msg(memcmp(one[k], many[k], sizeof(float) * (size_t)sizes[k]) == 0,
                          "%s, pass %d: other bits at %d threads", g->name, k, threads);
            free(one[k]), free(many[k]);
        }
    }
    drop(&t);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("conv_algorithms");
    TCase *cases = tcase_create("cases");
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, agrees_with_sums_in_double, 0, SHAPES * ALGORITHMS);
    tcase_add_loop_test(cases, the_same_bits_on_any_number_of_threads, 0, SHAPES * ALGORITHMS);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
