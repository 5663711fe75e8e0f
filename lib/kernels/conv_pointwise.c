/* conv_pointwise.c - 1 x 1 convolution: the picture (N H W, C) is the matrix already.
 *   Y = X W^T,  dX = dY W,  dW = dY^T X */
#include "arith.h"
#include "conv.h"
#include "gemm.h"
#include "parts.h"
#include "tinycnn/parallel.h"
#include "window.h"

enum { BLOCK_PIXELS = 512 };

static int64_t pixels_of(const tci_conv *d) {
    return d->n * d->h * d->w;
}

typedef struct work {
    const tci_conv *d;
    const tci_conv_pass *pass;
    int64_t parts;
} work;

static void forward_block(void *context, int64_t block, int worker) {
    const work *w = context;
    const tci_conv *d = w->d;
    const tci_conv_pass *pass = w->pass;
    (void)worker;
    int64_t first = block * BLOCK_PIXELS, pixels = tci_min(BLOCK_PIXELS, pixels_of(d) - first);
    float *y = pass->out + first * d->o;
    tci_gemm(false, true, pixels, d->o, d->c, pass->a + first * d->c, d->c, pass->b, d->c, 0.0f, y, d->o);
    if (pass->bias || pass->relu) tci_window_get()->epilogue(y, pixels, d->o, pass->bias, pass->relu);
}

static void forward(const tci_conv *d, const tci_conv_pass *pass) {
    tc_parallel_for(pass->threads, tci_ceil_div(pixels_of(d), BLOCK_PIXELS), forward_block,
                    &(work){d, pass, 0});
}

static void data_block(void *context, int64_t block, int worker) {
    const work *w = context;
    const tci_conv *d = w->d;
    const tci_conv_pass *pass = w->pass;
    (void)worker;
    int64_t first = block * BLOCK_PIXELS, pixels = tci_min(BLOCK_PIXELS, pixels_of(d) - first);
    tci_gemm(false, false, pixels, d->c, d->o, pass->a + first * d->o, d->o, pass->b, d->c,
             pass->accumulate ? 1.0f : 0.0f, pass->out + first * d->c, d->c);
}

static void backward_data(const tci_conv *d, const tci_conv_pass *pass) {
    tc_parallel_for(pass->threads, tci_ceil_div(pixels_of(d), BLOCK_PIXELS), data_block, &(work){d, pass, 0});
}

static void weight_part(void *context, int64_t part, int worker) {
    const work *w = context;
    const tci_conv *d = w->d;
    const tci_conv_pass *pass = w->pass;
    (void)worker;
    int64_t begin = tci_part_begin(pixels_of(d), w->parts, part);
    int64_t end = tci_part_begin(pixels_of(d), w->parts, part + 1);
    tci_gemm(true, false, d->o, d->c, end - begin, pass->b + begin * d->o, d->o, pass->a + begin * d->c, d->c,
             0.0f, pass->scratch + part * d->o * d->c, d->c);
}

static void backward_weight(const tci_conv *d, const tci_conv_pass *pass) {
    work w = {d, pass, tci_parts(pixels_of(d), d->o * d->c)};
    tc_parallel_for(pass->threads, w.parts, weight_part, &w);
    tci_parts_sum(pass->scratch, w.parts, d->o * d->c, pass->out, pass->accumulate, pass->threads);
}

static tci_conv_scratch no_scratch(const tci_conv *d) {
    (void)d;
    return (tci_conv_scratch){0};
}

static tci_conv_scratch weight_scratch(const tci_conv *d) {
    return (tci_conv_scratch){.shared = (size_t)(tci_parts(pixels_of(d), d->o * d->c) * d->o * d->c)};
}

const tci_conv_algorithm tci_conv_pointwise = {
    .name = "pointwise",
    .forward_scratch = no_scratch,
    .data_scratch = no_scratch,
    .weight_scratch = weight_scratch,
    .forward = forward,
    .backward_data = backward_data,
    .backward_weight = backward_weight,
};
