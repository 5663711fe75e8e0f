/* bench_conv.c - how fast convolution is beside the machine's own matrix product.
 *
 *     build/tests/bench_conv [threads [repeats]]
 *
 * Prints, for each shape and pass, the median effective GFLOP/s (2 x multiply-adds / seconds) over the
 * repeats and its share of a large OpenBLAS product (2048 x 2048 x 2048) on as many threads, measured in turn
 * with it. */
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tinycnn.h"

typedef struct shape {
    int64_t n, c, o, size, kernel, stride, groups;
} shape;

static const shape shapes[] = {
    {128, 3, 32, 32, 3, 1, 1},   {128, 16, 16, 32, 3, 1, 1},  {128, 32, 32, 32, 3, 1, 1},
    {128, 32, 64, 16, 3, 1, 1},  {128, 64, 64, 16, 3, 1, 1},  {128, 64, 128, 8, 3, 1, 1},
    {128, 128, 128, 8, 3, 1, 1}, {128, 64, 256, 15, 3, 1, 1}, {128, 256, 256, 7, 3, 1, 1},
    {128, 64, 64, 16, 1, 1, 1},  {128, 64, 128, 16, 3, 2, 1}, {128, 64, 64, 16, 5, 1, 1},
    {128, 64, 64, 16, 3, 1, 64},
};
enum { SHAPES = sizeof shapes / sizeof *shapes, MOST_REPEATS = 101, GEMM = 2048 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int count) {
    qsort(values, (size_t)count, sizeof *values, by_value);
    return values[count / 2];
}

static double gemm_rate(int threads, const float *a, const float *b, float *c) {
    openblas_set_num_threads(threads);
    double start = now();
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, GEMM, GEMM, GEMM, 1.0f, a, GEMM, b, GEMM, 0.0f, c,
                GEMM);
    double seconds = now() - start;
    openblas_set_num_threads(1);
    return 2.0 * GEMM * GEMM * GEMM / seconds * 1e-9;
}

static tc_tensor *random_tensor(tc_arena *arena, int64_t n, int64_t c, int64_t h, int64_t w) {
    tc_tensor *t = tc_tensor_new(arena, n, c, h, w);
    tc_rng rng = tc_rng_create(1, (uint64_t)(n * c));
    for (int64_t i = 0; t && i < tc_numel(t); i++) t->data[i] = tc_rng_uniform(&rng) - 0.5f;
    return t;
}

/* Seconds of one forward pass, and of forward and backward (input and weight). */
static void time_shape(tc_tape *tape, const shape *s, tc_tensor *x, tc_tensor *w, double *forward,
                       double *both) {
    tc_conv2d_options options = {
        .stride = (tc_hw)s->stride, .padding = (tc_hw)(s->kernel / 2), .groups = (int)s->groups};
    tc_tape_reset(tape, 0);
    double start = now();
    tc_tensor *y = tc_conv2d(tape, x, w, NULL, &options);
    *forward = now() - start;
    tc_tensor *loss = tc_mse_loss(tape, y, y, TC_REDUCTION_SUM);
    start = now();
    tc_backward(tape, loss);
    *both = *forward + now() - start;
}

int main(int argc, char **argv) {
    int threads = argc > 1 ? atoi(argv[1]) : tc_threads_available(), repeats = argc > 2 ? atoi(argv[2]) : 11;
    if (repeats < 1 || repeats > MOST_REPEATS) repeats = 11;
    tc_arena *arena = tc_arena_create();
    tc_tensor *a = tc_tensor_new(arena, GEMM, GEMM), *b = tc_tensor_new(arena, GEMM, GEMM),
              *c = tc_tensor_new(arena, GEMM, GEMM);
    printf("%s, %d threads, kernels %s, median of %d\n", tc_blas_name(), threads, tc_kernel_isa(), repeats);
    printf("%-34s %8s %9s %7s %11s\n", "conv (N, C->O, size, k, stride, g)", "GEMM", "forward", "share",
           "with bwd");
    for (int i = 0; i < SHAPES; i++) {
        const shape *s = &shapes[i];
        tc_arena *memory = tc_arena_create();
        tc_tape *tape = tc_tape_create(&(tc_tape_options){.threads = threads});
        tc_tensor *x = random_tensor(memory, s->n, s->c, s->size, s->size);
        tc_tensor *w = random_tensor(memory, s->o, s->c / s->groups, s->kernel, s->kernel);
        x->requires_grad = w->requires_grad = true;
        double gemm[MOST_REPEATS], forward[MOST_REPEATS], both[MOST_REPEATS];
        for (int r = -2; r < repeats; r++) {
            int at = r < 0 ? 0 : r;
            gemm[at] = gemm_rate(threads, a->data, b->data, c->data);
            time_shape(tape, s, x, w, &forward[at], &both[at]);
        }
        double out = (double)((s->size - 1) / s->stride + 1);
        double flop =
            2.0 * (double)(s->n * s->o * (s->c / s->groups) * s->kernel * s->kernel) * out * out * 1e-9;
        double rate = median(gemm, repeats), f = flop / median(forward, repeats),
               fb = 3 * flop / median(both, repeats);
        char name[64];
        snprintf(name, sizeof name, "%lld, %lld->%lld, %lldx%lld, %lld, %lld, %lld", (long long)s->n,
                 (long long)s->c, (long long)s->o, (long long)s->size, (long long)s->size,
                 (long long)s->kernel, (long long)s->stride, (long long)s->groups);
        printf("%-34s %8.1f %9.1f %6.0f%% %11.1f\n", name, rate, f, 100 * f / rate, fb);
        tc_tape_free(tape);
        tc_arena_free(memory);
    }
    tc_arena_free(arena);
    return 0;
}
