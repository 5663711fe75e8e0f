/* bench_conv.c - how fast convolution is: beside the machine's own matrix product, or shape by shape as
 * tests/bench/layers asks.
 *
 *     build/tests/bench_conv [threads [repeats]]
 *
 * Prints, for each shape and pass, the median effective GFLOP/s (2 x multiply-adds / seconds) over the
 * repeats and its share of a large OpenBLAS product (2048 x 2048 x 2048) on as many threads, measured in turn
 * with it.
 *
 *     build/tests/bench_conv --ask [threads [seconds]]
 *
 * Reads shapes from stdin, one a line as in `shape` below, and answers each, after about so many seconds of
 * measuring, with a line of three median times: forward, backward to the input, backward to the weight. */
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "timing.h"
#include "tinycnn.h"

typedef struct shape {
    int64_t n, c, o, size, kernel, stride, groups, dilation;
} shape;

static const shape shapes[] = {
    {128, 3, 32, 32, 3, 1, 1, 1},   {128, 16, 16, 32, 3, 1, 1, 1},  {128, 32, 32, 32, 3, 1, 1, 1},
    {128, 32, 64, 16, 3, 1, 1, 1},  {128, 64, 64, 16, 3, 1, 1, 1},  {128, 64, 128, 8, 3, 1, 1, 1},
    {128, 128, 128, 8, 3, 1, 1, 1}, {128, 64, 256, 15, 3, 1, 1, 1}, {128, 256, 256, 7, 3, 1, 1, 1},
    {128, 64, 64, 16, 1, 1, 1, 1},  {128, 64, 128, 16, 3, 2, 1, 1}, {128, 64, 64, 16, 5, 1, 1, 1},
    {128, 64, 64, 16, 3, 1, 64, 1},
};
enum { SHAPES = sizeof shapes / sizeof *shapes, MOST_REPEATS = 101, GEMM = 2048 };

/* ---- One shape ---------------------------------------------------------------------------------------- */

static int64_t padding(const shape *s) {
    return s->dilation * (s->kernel - 1) / 2;
}

static int64_t output_size(const shape *s) {
    return (s->size + 2 * padding(s) - s->dilation * (s->kernel - 1) - 1) / s->stride + 1;
}

/* Its tensors; `forward` and `backward` are the seconds that the convolution of the last step took. */
typedef struct conv {
    shape shape;
    tc_arena *arena;
    tc_tape *tape;
    tc_tensor *x, *w, *target;
    double forward, backward;
} conv;

static void observe(void *context, const char *op, const char *where, bool backward, double seconds) {
    conv *c = context;
    (void)where;
    if (strcmp(op, "conv2d") == 0) *(backward ? &c->backward : &c->forward) = seconds;
}

static tc_tensor *random_tensor(tc_arena *arena, int64_t n, int64_t c, int64_t h, int64_t w) {
    tc_tensor *t = tc_tensor_new(arena, n, c, h, w);
    tc_rng rng = tc_rng_create(1, (uint64_t)(n * c));
    for (int64_t i = 0; t && i < tc_numel(t); i++) t->data[i] = tc_rng_uniform(&rng) - 0.5f;
    return t;
}

static void conv_make(conv *c, const shape *s, int threads) {
    *c = (conv){.shape = *s, .arena = tc_arena_create()};
    c->tape = tc_tape_create(&(tc_tape_options){.threads = threads});
    c->x = random_tensor(c->arena, s->n, s->c, s->size, s->size);
    c->w = random_tensor(c->arena, s->o, s->c / s->groups, s->kernel, s->kernel);
    c->target = random_tensor(c->arena, s->n, s->o, output_size(s), output_size(s));
    tc_tape_observe(c->tape, observe, c);
}

static void conv_free(conv *c) {
    tc_tape_free(c->tape);
    tc_arena_free(c->arena);
}

/* Forward and backward, to the input, to the weight or to both. */
static void conv_step(conv *c, bool to_input, bool to_weight) {
    const shape *s = &c->shape;
    c->x->requires_grad = to_input;
    c->w->requires_grad = to_weight;
    tc_tape_reset(c->tape, 0);
    tc_tensor *y = tc_conv2d(c->tape, c->x, c->w, NULL,
                             &(tc_conv2d_options){.stride = (tc_hw)s->stride,
                                                  .padding = (tc_hw)padding(s),
                                                  .dilation = (tc_hw)s->dilation,
                                                  .groups = (int)s->groups});
    if (tc_backward(c->tape, tc_mse_loss(c->tape, y, c->target, TC_REDUCTION_SUM)) == TC_OK) return;
    fprintf(stderr, "bench_conv: %s\n", tc_last_error());
    exit(1);
}

/* ---- Beside the matrix product ------------------------------------------------------------------------ */

static double gemm_rate(int threads, const float *a, const float *b, float *c) {
    openblas_set_num_threads(threads);
    double start = now();
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, GEMM, GEMM, GEMM, 1.0f, a, GEMM, b, GEMM, 0.0f, c,
                GEMM);
    double seconds = now() - start;
    openblas_set_num_threads(1);
    return 2.0 * GEMM * GEMM * GEMM / seconds * 1e-9;
}

static void print_shape(const shape *s, double gemm, double forward, double both) {
    double out = (double)output_size(s);
    double flop = 2.0 * (double)(s->n * s->o * (s->c / s->groups) * s->kernel * s->kernel) * out * out * 1e-9;
    char name[64];
    snprintf(name, sizeof name, "%lld, %lld->%lld, %lldx%lld, %lld, %lld, %lld", (long long)s->n,
             (long long)s->c, (long long)s->o, (long long)s->size, (long long)s->size, (long long)s->kernel,
             (long long)s->stride, (long long)s->groups);
    printf("%-34s %8.1f %9.1f %6.0f%% %11.1f\n", name, gemm, flop / forward, 100 * flop / forward / gemm,
           3 * flop / both);
}

static void print_table(int threads, int repeats) {
    tc_arena *arena = tc_arena_create();
    tc_tensor *a = tc_tensor_new(arena, GEMM, GEMM), *b = tc_tensor_new(arena, GEMM, GEMM),
              *c = tc_tensor_new(arena, GEMM, GEMM);
    printf("%s, %d threads, kernels %s, median of %d\n", tc_blas_name(), threads, tc_kernel_isa(), repeats);
    printf("%-34s %8s %9s %7s %11s\n", "conv (N, C->O, size, k, stride, g)", "GEMM", "forward", "share",
           "with bwd");
    for (int i = 0; i < SHAPES; i++) {
        conv one;
        conv_make(&one, &shapes[i], threads);
        double gemm[MOST_REPEATS], forward[MOST_REPEATS], both[MOST_REPEATS];
        for (int r = -2; r < repeats; r++) {
            int at = r < 0 ? 0 : r;
            gemm[at] = gemm_rate(threads, a->data, b->data, c->data);
            conv_step(&one, true, true);
            forward[at] = one.forward;
            both[at] = one.forward + one.backward;
        }
        print_shape(&shapes[i], median(gemm, repeats), median(forward, repeats), median(both, repeats));
        conv_free(&one);
    }
    tc_arena_free(arena);
}

/* ---- As asked ----------------------------------------------------------------------------------------- */

/* Two kinds of steps take turns, one for each half of backward; the first two of each are not counted. */
static void answer(const shape *s, int threads, double seconds) {
    conv one;
    double forward[MOST_REPEATS], input[MOST_REPEATS], weight[MOST_REPEATS], begin = now();
    int count = 0;
    conv_make(&one, s, threads);
    for (int r = -2; r < 3 || (r < MOST_REPEATS && now() - begin < seconds); r++) {
        count = r < 0 ? 0 : r;
        conv_step(&one, true, false);
        input[count] = one.backward;
        conv_step(&one, false, true);
        forward[count] = one.forward;
        weight[count++] = one.backward;
    }
    conv_free(&one);
    printf("%.9f %.9f %.9f\n", median(forward, count), median(input, count), median(weight, count));
    fflush(stdout);
}

static void answer_all(int threads, double seconds) {
    long long n, c, o, size, kernel, stride, groups, dilation;
    while (scanf("%lld %lld %lld %lld %lld %lld %lld %lld", &n, &c, &o, &size, &kernel, &stride, &groups,
                 &dilation) == 8)
        answer(&(shape){n, c, o, size, kernel, stride, groups, dilation}, threads, seconds);
}

int main(int argc, char **argv) {
    bool ask = argc > 1 && strcmp(argv[1], "--ask") == 0;
    argc -= ask;
    argv += ask;
    int threads = argc > 1 ? atoi(argv[1]) : tc_threads_available();
    if (ask) {
        answer_all(threads, argc > 2 ? atof(argv[2]) : 0.1);
        return 0;
    }
    int repeats = argc > 2 ? atoi(argv[2]) : 11;
    print_table(threads, repeats < 1 || repeats > MOST_REPEATS ? 11 : repeats);
    return 0;
}
