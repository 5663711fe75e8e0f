/* bench_growth.c - how fast a plain stack of convolutions trains and answers, for tests/bench/growth.
 *
 *     build/tests/bench_growth WIDTH DEPTH BATCH THREADS SECONDS
 *
 * The net: DEPTH times convolution 3 x 3 to WIDTH channels, batch norm, ReLU, on pictures (3, 32, 32); then
 * the mean of each channel and a linear layer. Prints one JSON object: train_img_per_s and infer_img_per_s,
 * from the median time of the steps in about so many seconds each, after two that are not counted. */
#include <stdio.h>
#include <stdlib.h>

#include "timing.h"
#include "tinycnn.h"

enum { CHANNELS = 3, SIDE = 32, CLASSES = 10, MOST_LAYERS = 3 * 256 + 3, MOST_STEPS = 1001 };

typedef struct growth {
    tc_model *model;
    tc_optimizer *optimizer;
    tc_tape *tape;
    tc_tensor *x;
    int32_t *labels; /* (batch) */
} growth;

static tc_module *stack(int width, int depth) {
    tc_module *layers[MOST_LAYERS];
    int count = 0;
    for (int i = 0; i < depth; i++) {
        layers[count++] = tc_nn_conv2d(i ? width : CHANNELS, width, 3, .padding = 1, .no_bias = true);
        layers[count++] = tc_nn_batchnorm2d(width);
        layers[count++] = tc_nn_relu();
    }
    layers[count++] = tc_nn_global_avgpool2d();
    layers[count++] = tc_nn_flatten();
    layers[count++] = tc_nn_linear(width, CLASSES);
    return tc_sequential_from(layers, count);
}

static tc_status train_once(growth *g) {
    tc_tape_reset(g->tape, 0);
    tc_tensor *loss = tc_cross_entropy(g->tape, tc_model_forward(g->model, g->tape, g->x), g->labels, NULL);
    tc_model_zero_grad(g->model);
    TC_TRY(tc_backward(g->tape, loss));
    tc_optimizer_step(g->optimizer);
    return TC_OK;
}

static tc_status infer_once(growth *g) {
    tc_tape_reset(g->tape, 0);
    tc_model_forward(g->model, g->tape, g->x);
    return tc_tape_status(g->tape);
}

static tc_status measure(growth *g, tc_status (*once)(growth *), double seconds, double *step) {
    double steps[MOST_STEPS], begin = 0;
    int count = 0;
    for (int i = -2; i < 3 || (i < MOST_STEPS && now() - begin < seconds); i++) {
        if (i == 0) begin = now();
        count = i < 0 ? 0 : i;
        double from = now();
        TC_TRY(once(g));
        steps[count++] = now() - from;
    }
    qsort(steps, (size_t)count, sizeof *steps, by_value);
    *step = steps[count / 2];
    return TC_OK;
}

static tc_status run(growth *g, tc_arena *arena, int width, int depth, int batch, int threads,
                     double seconds) {
    TC_TRY(tc_model_create(stack(width, depth), 1, &g->model));
    TC_TRY(tc_sgd_create(g->model, &(tc_sgd_options){.lr = 1e-4f, .momentum = 0.9f, .nesterov = true},
                         &g->optimizer));
    tc_optimizer_set_threads(g->optimizer, threads);
    g->tape = tc_tape_create(&(tc_tape_options){.threads = threads});
    g->x = tc_tensor_new(arena, batch, CHANNELS, SIDE, SIDE);
    g->labels = tc_arena_alloc(arena, (size_t)batch * sizeof *g->labels);
    if (!g->tape || !g->x || !g->labels) return TC_ERR_MEMORY;
    tc_rng rng = tc_rng_create(1, 0);
    for (int64_t i = 0; i < tc_numel(g->x); i++) g->x->data[i] = tc_rng_normal(&rng);
    for (int i = 0; i < batch; i++) g->labels[i] = (int32_t)tc_rng_below(&rng, CLASSES);
    double train, infer;
    TC_TRY(measure(g, train_once, seconds, &train));
    tc_tape_eval(g->tape);
    TC_TRY(measure(g, infer_once, seconds, &infer));
    printf("{\"train_img_per_s\": %.1f, \"infer_img_per_s\": %.1f}\n", batch / train, batch / infer);
    return TC_OK;
}

int main(int argc, char **argv) {
    if (argc != 6 || atoi(argv[2]) < 1 || atoi(argv[2]) > 256 || atoi(argv[4]) < 1) {
        fprintf(stderr, "usage: bench_growth WIDTH DEPTH BATCH THREADS SECONDS, DEPTH up to 256\n");
        return 2;
    }
    growth g = {0};
    tc_arena *arena = tc_arena_create();
    tc_status status =
        arena ? run(&g, arena, atoi(argv[1]), atoi(argv[2]), atoi(argv[3]), atoi(argv[4]), atof(argv[5]))
              : TC_ERR_MEMORY;
    if (status != TC_OK) fprintf(stderr, "bench_growth: %s\n", tc_last_error());
    tc_tape_free(g.tape);
    tc_optimizer_free(g.optimizer);
    tc_model_free(g.model);
    tc_arena_free(arena);
    return status == TC_OK ? 0 : 1;
}
