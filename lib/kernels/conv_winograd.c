/* conv_winograd.c - 3 x 3 convolution with stride 1 by Winograd's F(4x4, 3x3).
 *
 * With V = transformed inputs (36, tiles, C), U = transformed weights (36, C, O), M = V U (36, tiles, O):
 *   forward          y = transformed back M
 *   backward data    the same over dy with the weights turned round
 *   backward weight  U' = V^T D (36, C, O), D = transformed tiles of dy (36, tiles, O); dw = transformed back
 * U' which multiplies a quarter as often as the direct way. The forward pass takes a block of tiles through
 * all three stages while it is in the level-2 cache. The weight pass transforms a larger group of tiles, then
 * shares out the 36 products, so that each sum over tiles is made by one thread in order. */
#include <string.h>

#include "arith.h"
#include "conv.h"
#include "tile.h"
#include "tinycnn/parallel.h"
#include "turned.h"
#include "winograd.h"

enum { POINTS = TCI_WINOGRAD_POINTS, BLOCK_FLOATS = 192 * 1024, LEAST_BLOCKS = 16, GROUP_FLOATS = 1 << 19 };

static tci_tiling tiling_of(const tci_conv *d) {
    return (tci_tiling){tci_ceil_div(d->oh, TCI_WINOGRAD_TILE), tci_ceil_div(d->ow, TCI_WINOGRAD_TILE)};
}

static int64_t tiles_of(const tci_conv *d) {
    tci_tiling t = tiling_of(d);
    return d->n * t.rows * t.columns;
}

/* Columns of U, whole panels of the matrix product. */
static int64_t padded(int64_t columns) {
    return tci_round_up(columns, tci_tile_get()->panel);
}

/* ---- Forward ------------------------------------------------------------------------------------------ */

/* Tiles in a block: whole tiles of the matrix product, few enough for the cache, blocks enough for the cores.
 */
static int64_t block_tiles(const tci_conv *d) {
    int64_t rows = tci_tile_get()->rows, fit = BLOCK_FLOATS / (POINTS * (d->c + d->o));
    int64_t tiles = tci_max(2 * rows, fit / rows * rows);
    return tci_max(1, tci_min(tiles, tci_ceil_div(tiles_of(d), LEAST_BLOCKS)));
}

static size_t block_size(const tci_conv *d) {
    return (size_t)tci_round_up(POINTS * block_tiles(d) * (d->c + d->o), 16);
}

static size_t weights_size(const tci_conv *d) {
    return (size_t)(POINTS * d->c * padded(d->o));
}

typedef struct work {
    const tci_conv *d;
    const tci_conv_pass *pass;
    const float *taps; /* (9, C, O): weights with the outputs innermost */
    float *u;          /* (36, panels, C, panel) */
    float *scratch;
} work;

/* U of input channel c: its 3 x 3 weights for every output, a panel at a time. */
static void weight_row(void *context, int64_t c, int worker) {
    const work *w = context;
    const tci_conv *d = w->d;
    int64_t panel = tci_tile_get()->panel, point_stride = d->c * padded(d->o);
    (void)worker;
    for (int64_t o = 0; o < d->o; o += panel)
        tci_winograd_get()->weight(w->taps + c * d->o + o, d->c * d->o, tci_min(panel, d->o - o),
                                   w->u + o * d->c + c * panel, point_stride);
}

static void forward_block(void *context, int64_t block, int worker) {
    const work *w = context;
    const tci_conv *d = w->d;
    const tci_conv_pass *pass = w->pass;
    const tci_tile *tile = tci_tile_get();
    int64_t stride = block_tiles(d), first = block * stride, count = tci_min(stride, tiles_of(d) - first);
    float *v = w->scratch + (size_t)worker * block_size(d), *m = v + POINTS * stride * d->c;
    tci_winograd_get()->input(d, tiling_of(d), pass->a, first, count, stride, v);
    for (int64_t point = 0; point < POINTS; point++) {
        for (int64_t o = 0; o < d->o; o += tile->panel) {
            tci_product p = {.rows = count,
                             .columns = tci_min(tile->panel, d->o - o),
                             .segments = 1,
                             .steps = d->c,
                             .a = v + point * stride * d->c,
                             .a_row = d->c,
                             .a_step = 1,
                             .b = w->u + point * d->c * padded(d->o) + o * d->c,
                             .b_step = tile->panel,
                             .c = m + point * stride * d->o + o,
                             .c_row = d->o};
            tile->multiply(&p);
        }
    }
    tci_winograd_get()->output(d, tiling_of(d), m, first, count, stride, pass->bias, pass->relu,
                               pass->accumulate, pass->out);
}

/* taps (9, C, O). scratch: U, then a block for each worker. */
static void forward_with(const tci_conv *d, const tci_conv_pass *pass, const float *taps, float *scratch) {
    work w = {d, pass, taps, scratch, scratch + weights_size(d)};
    if (padded(d->o) != d->o) memset(w.u, 0, sizeof(float) * weights_size(d));
    tc_parallel_for(pass->threads, d->c, weight_row, &w);
    tc_parallel_for(pass->threads, tci_ceil_div(tiles_of(d), block_tiles(d)), forward_block, &w);
}

static size_t taps_size(const tci_conv *d) {
    return (size_t)tci_round_up(9 * d->c * d->o, 16);
}

/* (O, 9, C) to (9, C, O). */
static void outputs_innermost(const tci_conv *d, const float *weight, float *taps) {
    for (int64_t o = 0; o < d->o; o++)
        for (int64_t i = 0; i < 9 * d->c; i++) taps[i * d->o + o] = weight[o * 9 * d->c + i];
}

/* (O, 9, C) to (9, O, C), the kernels in reverse order: the weights of the turned convolution. */
static void turned_taps(const tci_conv *d, const float *weight, float *taps) {
    for (int64_t o = 0; o < d->o; o++)
        for (int64_t t = 0; t < 9; t++)
            memcpy(taps + ((8 - t) * d->o + o) * d->c, weight + (o * 9 + t) * d->c,
                   sizeof(float) * (size_t)d->c);
}

static void forward(const tci_conv *d, const tci_conv_pass *pass) {
    outputs_innermost(d, pass->b, pass->scratch);
    forward_with(d, pass, pass->scratch, pass->scratch + taps_size(d));
}

static tci_conv_scratch forward_scratch(const tci_conv *d) {
    return (tci_conv_scratch){.shared = taps_size(d) + weights_size(d), .per_worker = block_size(d)};
}

static void backward_data(const tci_conv *d, const tci_conv_pass *pass) {
    tci_conv t = tci_turned(d);
    turned_taps(d, pass->b, pass->scratch);
    tci_conv_pass turned_pass = {
        .a = pass->a, .out = pass->out, .accumulate = pass->accumulate, .threads = pass->threads};
    forward_with(&t, &turned_pass, pass->scratch, pass->scratch + taps_size(&t));
}

static tci_conv_scratch data_scratch(const tci_conv *d) {
    tci_conv t = tci_turned(d);
    return forward_scratch(&t);
}

/* ---- Backward weight ---------------------------------------------------------------------------------- */

enum { TRANSFORM_TILES = 16, PRODUCT_ROWS = 48 };

static int64_t whole_vectors(int64_t columns) {
    return tci_round_up(columns, tci_tile_get()->width);
}

static int64_t group_tiles(const tci_conv *d) {
    int64_t fit = GROUP_FLOATS / (POINTS * (d->c + whole_vectors(d->o)));
    return tci_min(tiles_of(d), tci_max(TRANSFORM_TILES, fit / TRANSFORM_TILES * TRANSFORM_TILES));
}

typedef struct weight_work {
    const tci_conv *d;
    const tci_conv_pass *pass;
    int64_t first, count, group; /* tiles: first and number of this group, room for a group */
    float *v, *g;                /* (36, group, C), (36, group, O padded) */
    float *sums;                 /* (36, C, O padded) */
    float *dw;                   /* (9, C, O padded) */
} weight_work;

static void transform_tiles(void *context, int64_t chunk, int worker) {
    const weight_work *w = context;
    const tci_conv *d = w->d;
    int64_t at = chunk * TRANSFORM_TILES, count = tci_min(TRANSFORM_TILES, w->count - at),
            o = whole_vectors(d->o);
    (void)worker;
    tci_winograd_get()->input(d, tiling_of(d), w->pass->a, w->first + at, count, w->group, w->v + at * d->c);
    tci_winograd_get()->gradient(d, tiling_of(d), w->pass->b, w->first + at, count, w->group, o,
                                 w->g + at * o);
}

/* Some rows of one of the 36 sums. */
static void multiply_rows(void *context, int64_t chunk, int worker) {
    const weight_work *w = context;
    const tci_conv *d = w->d;
    int64_t pieces = tci_ceil_div(d->c, PRODUCT_ROWS), point = chunk / pieces,
            c = chunk % pieces * PRODUCT_ROWS;
    int64_t o = whole_vectors(d->o);
    (void)worker;
    tci_product p = {.rows = tci_min(PRODUCT_ROWS, d->c - c),
                     .columns = o,
                     .segments = 1,
                     .steps = w->count,
                     .a = w->v + point * w->group * d->c + c,
                     .a_row = 1,
                     .a_step = d->c,
                     .b = w->g + point * w->group * o,
                     .b_step = o,
                     .c = w->sums + (point * d->c + c) * o,
                     .c_row = o,
                     .accumulate = w->first > 0};
    tci_tile_get()->multiply(&p);
}

static void gradient_row(void *context, int64_t c, int worker) {
    const weight_work *w = context;
    int64_t row = whole_vectors(w->d->o), all = w->d->c * row;
    (void)worker;
    tci_winograd_get()->weight_gradient(w->sums + c * row, all, row, w->dw + c * row, all);
}

static void backward_weight(const tci_conv *d, const tci_conv_pass *pass) {
    int64_t group = group_tiles(d), o = whole_vectors(d->o), weights = d->c * o;
    weight_work w = {.d = d, .pass = pass, .group = group};
    w.v = pass->scratch;
    w.g = w.v + tci_round_up(POINTS * group * d->c, 16);
    w.sums = w.g + POINTS * group * o;
    w.dw = w.sums + POINTS * weights;
    for (w.first = 0; w.first < tiles_of(d); w.first += group) {
        w.count = tci_min(group, tiles_of(d) - w.first);
        tc_parallel_for(pass->threads, tci_ceil_div(w.count, TRANSFORM_TILES), transform_tiles, &w);
        tc_parallel_for(pass->threads, POINTS * tci_ceil_div(d->c, PRODUCT_ROWS), multiply_rows, &w);
    }
    tc_parallel_for(pass->threads, d->c, gradient_row, &w);
    for (int64_t k = 0; k < d->o; k++) {
        for (int64_t i = 0; i < 9 * d->c; i++) {
            float *dw = pass->out + k * 9 * d->c + i;
            *dw = pass->accumulate ? *dw + w.dw[i * o + k] : w.dw[i * o + k];
        }
    }
}

static tci_conv_scratch weight_scratch(const tci_conv *d) {
    int64_t group = group_tiles(d), o = whole_vectors(d->o);
    return (tci_conv_scratch){.shared = (size_t)(tci_round_up(POINTS * group * d->c, 16) +
                                                 POINTS * group * o + (POINTS + 9) * d->c * o)};
}

const tci_conv_algorithm tci_conv_winograd = {
    .name = "winograd",
    .forward_scratch = forward_scratch,
    .data_scratch = data_scratch,
    .weight_scratch = weight_scratch,
    .forward = forward,
    .backward_data = backward_data,
    .backward_weight = backward_weight,
};
