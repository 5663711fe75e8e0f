/* conv_im2col.c - convolution as a matrix product, block by block.
 *
 * With X_col (pixels, K) the unrolled windows, K = KH KW C/groups, and W (O, K) the weights:
 *   forward          Y  = X_col W^T
 *   backward weight  dW = dY^T X_col
 *   backward data    dX_col = dY W, added back to the pixels it came from; with stride 1 this is itself a
 *                    convolution of dY with the weights turned round, which needs no scattered additions
 * X_col is never whole in memory: a block of output rows is unrolled, used while it is in cache, and unrolled again
 * when the backward pass needs it (Chellapilla, Puri, Simard 2006, cut into blocks). */
#include <string.h>

#include "arith.h"
#include "conv.h"
#include "gemm.h"
#include "parts.h"
#include "tinycnn/parallel.h"
#include "turned.h"
#include "window.h"

/* A block has about this many floats of X_col, and enough pixels to keep the matrix product busy. */
enum { BLOCK_FLOATS = 96 * 1024, BLOCK_PIXELS = 384, MOST_PIXELS = 1024 };

static int64_t depth(const tci_conv *d) {
    return d->kh * d->kw * (d->c / d->groups);
}

static int64_t all_rows(const tci_conv *d) {
    return d->n * d->oh;
}

static int64_t block_rows(const tci_conv *d) {
    int64_t pixels = tci_min(MOST_PIXELS, tci_max(BLOCK_PIXELS, BLOCK_FLOATS / depth(d)));
    return tci_max(1, tci_min(all_rows(d), pixels / d->ow));
}

static size_t block_size(const tci_conv *d) {
    return (size_t)(block_rows(d) * d->ow * depth(d));
}

/* ---- Forward ------------------------------------------------------------------------------------------ */

typedef struct forward_work {
    const tci_conv *d;
    const tci_conv_pass *pass;
    float *scratch;
} forward_work;

static void forward_block(void *context, int64_t block, int worker) {
    const forward_work *work = context;
    const tci_conv *d = work->d;
    const tci_conv_pass *pass = work->pass;
    int64_t first = block * block_rows(d), rows = tci_min(block_rows(d), all_rows(d) - first);
    int64_t pixels = rows * d->ow, k = depth(d), og = d->o / d->groups;
    float *columns = work->scratch + (size_t)worker * block_size(d);
    float *y = pass->out + first * d->ow * d->o;
    for (int64_t g = 0; g < d->groups; g++) {
        tci_window_get()->im2col(d, pass->a, g, first, rows, columns);
        tci_gemm(false, true, pixels, og, k, columns, k, pass->b + g * og * k, k,
                 pass->accumulate ? 1.0f : 0.0f, y + g * og, d->o);
    }
    if (pass->bias || pass->relu) tci_window_get()->epilogue(y, pixels, d->o, pass->bias, pass->relu);
}

static void forward_into(const tci_conv *d, const tci_conv_pass *pass, float *scratch) {
    forward_work work = {d, pass, scratch};
    tc_parallel_for(pass->threads, tci_ceil_div(all_rows(d), block_rows(d)), forward_block, &work);
}

static void forward(const tci_conv *d, const tci_conv_pass *pass) {
    forward_into(d, pass, pass->scratch);
}

static tci_conv_scratch forward_scratch(const tci_conv *d) {
    return (tci_conv_scratch){.per_worker = block_size(d)};
}

/* ---- Backward data, any stride: picture by picture ---------------------------------------------------- */

static void data_picture(void *context, int64_t n, int worker) {
    const forward_work *work = context;
    const tci_conv *d = work->d;
    const tci_conv_pass *pass = work->pass;
    int64_t k = depth(d), og = d->o / d->groups, picture = d->h * d->w * d->c;
    float *columns = work->scratch + (size_t)worker * block_size(d);
    if (!pass->accumulate) memset(pass->out + n * picture, 0, sizeof(float) * (size_t)picture);
    for (int64_t i = 0; i < d->oh; i += block_rows(d)) {
        int64_t first = n * d->oh + i, rows = tci_min(block_rows(d), d->oh - i);
        for (int64_t g = 0; g < d->groups; g++) {
            tci_gemm(false, false, rows * d->ow, k, og, pass->a + first * d->ow * d->o + g * og, d->o,
                     pass->b + g * og * k, k, 0.0f, columns, k);
            tci_window_get()->col2im(d, columns, g, first, rows, pass->out);
        }
    }
}

static void backward_data(const tci_conv *d, const tci_conv_pass *pass) {
    if (tci_can_turn(d)) {
        tci_conv t = tci_turned(d);
        size_t weights = (size_t)(d->o * depth(d));
        tci_turn_weight(d, pass->b, pass->scratch);
        tci_conv_pass turned_pass = {.a = pass->a,
                                     .b = pass->scratch,
                                     .out = pass->out,
                                     .accumulate = pass->accumulate,
                                     .threads = pass->threads};
        forward_into(&t, &turned_pass, pass->scratch + weights);
    } else {
        forward_work work = {d, pass, pass->scratch};
        tc_parallel_for(pass->threads, d->n, data_picture, &work);
    }
}

static tci_conv_scratch data_scratch(const tci_conv *d) {
    if (!tci_can_turn(d)) return (tci_conv_scratch){.per_worker = block_size(d)};
    tci_conv t = tci_turned(d);
    return (tci_conv_scratch){.shared = (size_t)(d->o * depth(d)), .per_worker = block_size(&t)};
}

/* ---- Backward weight ---------------------------------------------------------------------------------- */

typedef struct weight_work {
    const tci_conv *d;
    const tci_conv_pass *pass;
    int64_t parts, weights;
    float *sums, *scratch;
} weight_work;

static void weight_part(void *context, int64_t part, int worker) {
    const weight_work *work = context;
    const tci_conv *d = work->d;
    int64_t k = depth(d), og = d->o / d->groups;
    int64_t end = tci_part_begin(all_rows(d), work->parts, part + 1);
    float *columns = work->scratch + (size_t)worker * block_size(d), *sum = work->sums + part * work->weights;
    float beta = 0.0f;
    for (int64_t row = tci_part_begin(all_rows(d), work->parts, part), rows; row < end;
         row += rows, beta = 1.0f) {
        rows = tci_min(block_rows(d), end - row);
        const float *dy = work->pass->b + row * d->ow * d->o;
        for (int64_t g = 0; g < d->groups; g++) {
            tci_window_get()->im2col(d, work->pass->a, g, row, rows, columns);
            tci_gemm(true, false, og, k, rows * d->ow, dy + g * og, d->o, columns, k, beta, sum + g * og * k,
                     k);
        }
    }
}

static void backward_weight(const tci_conv *d, const tci_conv_pass *pass) {
    weight_work work = {d, pass, 0, d->o * depth(d), pass->scratch, NULL};
    work.parts = tci_parts(all_rows(d), work.weights);
    work.scratch = work.sums + work.parts * work.weights;
    tc_parallel_for(pass->threads, work.parts, weight_part, &work);
    tci_parts_sum(work.sums, work.parts, work.weights, pass->out, pass->accumulate, pass->threads);
}

static tci_conv_scratch weight_scratch(const tci_conv *d) {
    int64_t weights = d->o * depth(d);
    return (tci_conv_scratch){.shared = (size_t)(tci_parts(all_rows(d), weights) * weights),
                              .per_worker = block_size(d)};
}

const tci_conv_algorithm tci_conv_im2col = {
    .name = "im2col",
    .forward_scratch = forward_scratch,
    .data_scratch = data_scratch,
    .weight_scratch = weight_scratch,
    .forward = forward,
    .backward_data = backward_data,
    .backward_weight = backward_weight,
};
