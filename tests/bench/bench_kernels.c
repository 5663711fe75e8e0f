/* bench_kernels.c - every fast kernel beside what it replaces, and beside the machine's matrix product.
 *
 *     build/tests/bench_kernels [threads [repeats]]
 *
 * First the convolution algorithms, each on every shape that it can do: median effective GFLOP/s (2 x
 * multiply-adds / seconds) of forward, backward to the input, backward to the weight. Then what a convolution
 * does in its own pass, beside the same done apart, in ms. Then the activations beside those of the C
 * library, in elements a nanosecond on one thread. */
#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "activation.h"
#include "conv.h"
#include "normalization.h"
#include "pooling.h"
#include "timing.h"
#include "tinycnn.h"
#include "turned.h"

enum { MOST_REPEATS = 101, GEMM = 2048, BATCH = 128, ELEMENTS = 16384 };

typedef struct bench {
    int threads, repeats;
    tc_arena *arena;
} bench;

static float *floats(const bench *b, int64_t n) {
    float *p = tc_arena_alloc(b->arena, sizeof *p * (size_t)n);
    if (!p) exit(1);
    for (int64_t i = 0; i < n; i++) p[i] = (float)(i * 2654435761u % 2001) * 1e-3f - 1.0f;
    return p;
}

typedef struct timed {
    void (*run)(void *context);
    void *context;
} timed;

/* Median seconds of a run, after two that are not counted. */
static double seconds_of(const bench *b, timed what) {
    double seconds[MOST_REPEATS];
    for (int r = -2; r < b->repeats; r++) {
        double start = now();
        what.run(what.context);
        seconds[r < 0 ? 0 : r] = now() - start;
    }
    return median(seconds, b->repeats);
}

/* ---- Convolution algorithms --------------------------------------------------------------------------- */

typedef struct shape {
    int64_t c, o, size, kernel;
} shape;

static const shape shapes[] = {{3, 32, 32, 3},   {16, 16, 32, 3},  {32, 32, 32, 3},  {32, 64, 16, 3},
                               {64, 64, 15, 3},  {128, 128, 8, 3}, {64, 256, 15, 3}, {256, 256, 7, 3},
                               {256, 256, 2, 3}, {64, 64, 16, 1},  {64, 64, 16, 5}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static tci_conv conv_of(const shape *s) {
    return (tci_conv){BATCH,     s->c, s->size, s->size,       s->o,          s->size, s->size, s->kernel,
                      s->kernel, 1,    1,       s->kernel / 2, s->kernel / 2, 1,       1,       1};
}

static double flop_of(const shape *s) {
    return 2.0 * BATCH * (double)(s->size * s->size * s->c * s->o * s->kernel * s->kernel);
}

typedef struct pass {
    void (*function)(const tci_conv *conv, const tci_conv_pass *pass);
    tci_conv conv;
    tci_conv_pass pass;
} pass;

static void run_pass(void *context) {
    const pass *p = context;
    p->function(&p->conv, &p->pass);
}

/* GFLOP/s of one pass. */
static double rate_of(const bench *b, const shape *s,
                      void (*function)(const tci_conv *, const tci_conv_pass *), tci_conv_scratch need,
                      const float *a, const float *second, float *out) {
    float *scratch = floats(b, (int64_t)(need.shared + (size_t)b->threads * need.per_worker + 1));
    pass p = {
        function, conv_of(s), {.a = a, .b = second, .out = out, .scratch = scratch, .threads = b->threads}};
    return 1e-9 * flop_of(s) / seconds_of(b, (timed){run_pass, &p});
}

static void print_algorithms(const bench *b, const shape *s) {
    static const tci_conv_algorithm *const algorithms[] = {&tci_conv_winograd, &tci_conv_direct,
                                                           &tci_conv_gathered, &tci_conv_pixels};
    tci_conv d = conv_of(s);
    for (int i = 0; i < 4; i++) {
        const tci_conv_algorithm *g = algorithms[i];
        if (g == &tci_conv_winograd && s->kernel != 3) continue;
        tc_arena_reset(b->arena);
        float *x = floats(b, BATCH * s->size * s->size * s->c),
              *y = floats(b, BATCH * s->size * s->size * s->o);
        float *w = floats(b, s->c * s->o * s->kernel * s->kernel);
        double forward = rate_of(b, s, g->forward, g->forward_scratch(&d), x, w, y);
        double data = rate_of(b, s, g->backward_data, g->data_scratch(&d), y, w, x);
        double weight = rate_of(b, s, g->backward_weight, g->weight_scratch(&d), x, y, w);
        printf("%3lld -> %3lld, %2lld x %2lld, %lld  %-9s%s %9.1f %9.1f %9.1f\n", (long long)s->c,
               (long long)s->o, (long long)s->size, (long long)s->size, (long long)s->kernel, g->name,
               g == tci_conv_choose(&d) ? "*" : " ", forward, data, weight);
    }
}

/* ---- In the convolution's own pass, and apart --------------------------------------------------------- */

typedef struct fusion {
    pass conv;
    bool apart;
    float *mapped; /* x after the map, for a convolution that can't read through it */
    float *pooled;
    const tci_map *map;
    uint8_t *winners;
    tci_moments *moments;
} fusion;

static void map_picture(void *context, int64_t n, int worker) {
    const fusion *f = context;
    const tci_conv *d = &f->conv.conv;
    (void)worker;
    int64_t at = n * d->h * d->w * d->c;
    tci_normalization_get()->apply(f->map, f->conv.pass.a + at, d->h * d->w, d->c, f->mapped + at);
}

static void pool_picture(void *context, int64_t n, int worker) {
    const fusion *f = context;
    const tci_conv *d = &f->conv.conv;
    (void)worker;
    int64_t line = d->ow * d->o, wide = d->ow / 2 * d->o;
    for (int64_t i = 0; i < d->oh / 2; i++) {
        const float *top = f->conv.pass.out + (n * d->oh + 2 * i) * line;
        int64_t at = (n * (d->oh / 2) + i) * wide;
        tci_pooling_get()->max_pair(top, top + line, d->ow / 2, d->o, f->pooled + at, f->winners + at);
    }
}

static void moments_of_picture(void *context, int64_t n, int worker) {
    const fusion *f = context;
    const tci_conv *d = &f->conv.conv;
    (void)worker;
    int64_t pixels = d->oh * d->ow, at = n * d->o;
    tci_normalization_get()->moments(f->conv.pass.out + n * pixels * d->o, pixels, d->o,
                                     f->moments->shift + at, f->moments->sum + at, f->moments->squares + at);
}

static void run_fusion(void *context) {
    fusion *f = context;
    tci_conv_pass p = f->conv.pass;
    int64_t pictures = f->conv.conv.n;
    if (!f->apart) {
        p.map = f->map, p.winners = f->winners, p.moments = f->moments;
        if (f->winners) p.out = f->pooled;
        f->conv.function(&f->conv.conv, &p);
        return;
    }
    if (f->map) tc_parallel_for(p.threads, pictures, map_picture, f);
    if (f->map) p.a = f->mapped;
    f->conv.function(&f->conv.conv, &p);
    if (f->winners) tc_parallel_for(p.threads, pictures, pool_picture, f);
    if (f->moments) tc_parallel_for(p.threads, pictures, moments_of_picture, f);
}

static void print_fusions(const bench *b, const shape *s) {
    tc_arena_reset(b->arena);
    tci_conv d = conv_of(s);
    const tci_conv_algorithm *g = tci_conv_choose(&d);
    tci_conv_scratch need = g->forward_scratch(&d);
    int64_t in = BATCH * s->size * s->size * s->c, out = BATCH * s->size * s->size * s->o;
    int64_t parts = BATCH + g->moment_parts(&d);
    fusion base = {.conv = {g->forward, d, {.threads = b->threads}}};
    base.conv.pass.a = floats(b, in);
    base.conv.pass.b = floats(b, s->c * s->o * 9);
    base.conv.pass.out = floats(b, out);
    base.conv.pass.scratch = floats(b, (int64_t)(need.shared + (size_t)b->threads * need.per_worker + 1));
    base.mapped = floats(b, in), base.pooled = floats(b, out);
    float *channels = floats(b, s->c);
    tci_map relu = {channels, channels, channels, TCI_MAP_RELU},
            gelu = {channels, channels, channels, TCI_MAP_GELU};
    tci_moments moments = {
        .parts = parts, .c = s->o, .count = tc_arena_alloc(b->arena, sizeof(int64_t) * (size_t)parts)};
    moments.shift = floats(b, parts * s->o), moments.sum = floats(b, parts * s->o);
    moments.squares = floats(b, parts * s->o);
    uint8_t *winners = (uint8_t *)floats(b, out);
    const struct {
        const char *name;
        const tci_map *map;
        uint8_t *winners;
        tci_moments *moments;
    } kinds[] = {{"map, relu", &relu, NULL, NULL},
                 {"map, gelu", &gelu, NULL, NULL},
                 {"max pooling", NULL, winners, NULL},
                 {"moments", NULL, NULL, &moments}};
    for (int i = 0; i < 4; i++) {
        double ms[2];
        for (int apart = 0; apart < 2; apart++) {
            fusion f = base;
            f.apart = apart, f.map = kinds[i].map, f.winners = kinds[i].winners, f.moments = kinds[i].moments;
            ms[apart] = 1e3 * seconds_of(b, (timed){run_fusion, &f});
        }
        printf("%3lld -> %3lld, %2lld x %2lld  %-9s %-12s %8.2f %8.2f\n", (long long)s->c, (long long)s->o,
               (long long)s->size, (long long)s->size, g->name, kinds[i].name, ms[0], ms[1]);
    }
}

/* ---- Activations -------------------------------------------------------------------------------------- */

typedef struct activation {
    void (*kernel)(const float *x, float *y, int64_t n);
    float (*plain)(float x);
    const float *x;
    float *y;
} activation;

static float plain_gelu(float x) {
    return 0.5f * x * (1.0f + erff(x * 0.70710678f));
}

static float plain_gelu_tanh(float x) {
    return 0.5f * x * (1.0f + tanhf(0.79788456f * (x + 0.044715f * x * x * x)));
}

static float plain_silu(float x) {
    return x / (1.0f + expf(-x));
}

static void run_kernel(void *context) {
    const activation *a = context;
    a->kernel(a->x, a->y, ELEMENTS);
}

static void run_plain(void *context) {
    const activation *a = context;
    for (int i = 0; i < ELEMENTS; i++) a->y[i] = a->plain(a->x[i]);
}

static void print_activations(const bench *b) {
    tc_arena_reset(b->arena);
    float *x = floats(b, ELEMENTS), *y = floats(b, ELEMENTS);
    const tci_activation *k = tci_activation_get();
    const char *names[] = {"gelu", "gelu, tanh", "silu"};
    activation all[] = {
        {k->gelu, plain_gelu, x, y}, {k->gelu_tanh, plain_gelu_tanh, x, y}, {k->silu, plain_silu, x, y}};
    for (int i = 0; i < 3; i++) {
        double kernel = seconds_of(b, (timed){run_kernel, &all[i]}),
               plain = seconds_of(b, (timed){run_plain, &all[i]});
        printf("%-12s %8.2f %8.2f\n", names[i], 1e-9 * ELEMENTS / kernel, 1e-9 * ELEMENTS / plain);
    }
}

static void run_gemm(void *context) {
    float **m = context;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, GEMM, GEMM, GEMM, 1.0f, m[0], GEMM, m[1], GEMM,
                0.0f, m[2], GEMM);
}

int main(int argc, char **argv) {
    bench b = {.threads = argc > 1 ? atoi(argv[1]) : tc_threads_available(),
               .repeats = argc > 2 ? atoi(argv[2]) : 11,
               .arena = tc_arena_create()};
    if (b.threads < 1 || b.repeats < 1 || b.repeats > MOST_REPEATS || !b.arena) {
        fprintf(stderr, "usage: bench_kernels [threads [repeats]], repeats up to %d\n", MOST_REPEATS);
        tc_arena_free(b.arena);
        return 2;
    }
    float *m[3];
    for (int i = 0; i < 3; i++) m[i] = floats(&b, GEMM * GEMM);
    openblas_set_num_threads(b.threads);
    double gemm = seconds_of(&b, (timed){run_gemm, m});
    openblas_set_num_threads(1);
    printf("%s, %d threads, kernels %s, median of %d; matrix product %.1f GFLOP/s\n\n", tc_blas_name(),
           b.threads, tc_kernel_isa(), b.repeats, 2e-9 * GEMM * GEMM * GEMM / gemm);
    printf("%-35s %9s %9s %9s   (GFLOP/s; * is what runs)\n", "convolution", "forward", "to input",
           "to weight");
    for (int i = 0; i < SHAPES; i++) print_algorithms(&b, &shapes[i]);
    printf("\n%-40s %8s %8s   (ms)\n", "convolution with", "in pass", "apart");
    for (int i = 2; i <= 4; i++) print_fusions(&b, &shapes[i]);
    printf("\n%-12s %8s %8s   (elements / ns, one thread)\n", "activation", "here", "libm");
    print_activations(&b);
    tc_arena_free(b.arena);
    return 0;
}
