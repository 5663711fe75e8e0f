/* conv_winograd.c - 3 x 3 convolution with stride 1 by Winograd's F(4x4, 3x3).
 *
 * With V = transformed inputs (36, tiles, C), U = transformed weights (36, C, O), M = V U (36, tiles, O):
 *   forward          y = transformed back M
 *   backward data    the same over dy with the weights turned round
 *   backward weight  U' = V^T D (36, C, O), D = transformed tiles of dy (36, tiles, O); dw = transformed back
 * U' which multiplies a quarter as often as the direct way. The forward pass takes a block of tiles through
 * all three stages while it is in the level-2 cache. So does the weight pass while U' is small: each part of
 * the tiles has sums of its own. A large U' exists once: a group of tiles is transformed, then the 36
 * products are shared out, so that each sum over tiles is made by one thread in order. */
#include "arith.h"
#include "conv.h"
#include "parts.h"
#include "tile.h"
#include "tinycnn/parallel.h"
#include "turned.h"
#include "winograd.h"

enum {
    POINTS = TCI_WINOGRAD_POINTS,
    BLOCK_FLOATS = 192 * 1024,
    LEAST_BLOCKS = 16,
    LEAST_TILES = 4,
    CHANNELS = 16
};

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

/* Tiles in a block: whole tiles of the matrix product, few enough for the cache, blocks enough for the cores
 * unless they would be too small to be worth reading U. */
static int64_t block_tiles(const tci_conv *d) {
    int64_t rows = tci_tile_get()->rows, fit = BLOCK_FLOATS / (POINTS * (d->c + d->o));
    int64_t tiles = tci_max(2 * rows, fit / rows * rows);
    return tci_min(tiles, tci_max(LEAST_TILES, tci_ceil_div(tiles_of(d), LEAST_BLOCKS)));
}

static int64_t blocks_of(const tci_conv *d) {
    return tci_ceil_div(tiles_of(d), block_tiles(d));
}

static size_t block_size(const tci_conv *d) {
    return (size_t)tci_round_up(POINTS * block_tiles(d) * (d->c + d->o), 16);
}

static size_t weights_size(const tci_conv *d) {
    return (size_t)(POINTS * d->c * padded(d->o));
}

typedef struct weights_work {
    const tci_conv *d;
    const float *weight;
    bool turned; /* d is the turned convolution, the weights lie as those of the original */
    float *u;    /* (36, panels, C, panel) */
} weights_work;

/* U of some input channels, a panel of outputs at a time. The weights lie (O, 9, C), outputs farthest apart:
 * a panel's are brought together first. Those of a turned convolution lie (C, 9, O), the kernels reversed. */
static void weight_rows(void *context, int64_t chunk, int worker) {
    const weights_work *w = context;
    const tci_conv *d = w->d;
    int64_t panel = tci_tile_get()->panel, point_stride = d->c * padded(d->o);
    int64_t begin = chunk * CHANNELS, end = tci_min(begin + CHANNELS, d->c);
    float taps[CHANNELS][9][32];
    (void)worker;
    for (int64_t o = 0; o < d->o; o += panel) {
        int64_t columns = tci_min(panel, d->o - o);
        if (!w->turned)
            for (int64_t q = 0; q < columns; q++)
                for (int64_t t = 0; t < 9; t++)
                    for (int64_t c = begin; c < end; c++)
                        taps[c - begin][t][q] = w->weight[((o + q) * 9 + t) * d->c + c];
        for (int64_t c = begin; c < end; c++) {
            const float *from = w->turned ? w->weight + (c * 9 + 8) * d->o + o : taps[c - begin][0];
            tci_winograd_get()->weight(from, w->turned ? -d->o : 32, columns, panel,
                                       w->u + o * d->c + c * panel, point_stride);
        }
    }
}

static void transform_weights(const tci_conv *d, const float *weight, bool turned, int threads, float *u) {
    tc_parallel_for(threads, tci_ceil_div(d->c, CHANNELS), weight_rows,
                    &(weights_work){d, weight, turned, u});
}

static void keep(const tci_conv *d, const float *weight, int threads, float *kept) {
    transform_weights(d, weight, false, threads, kept);
}

typedef struct work {
    const tci_conv *d;
    const tci_conv_pass *pass;
    bool turned;
    const float *u;
    float *scratch;
} work;

/* Values of y that a block computes. */
static int64_t count_values(const tci_conv *d, int64_t first, int64_t count, bool pool) {
    tci_tiling tiling = tiling_of(d);
    int64_t values = 0;
    for (int64_t t = first; t < first + count; t++) {
        int64_t i = t / tiling.columns % tiling.rows * TCI_WINOGRAD_TILE;
        int64_t j = t % tiling.columns * TCI_WINOGRAD_TILE;
        int64_t rows = tci_min(TCI_WINOGRAD_TILE, d->oh - i), columns = tci_min(TCI_WINOGRAD_TILE, d->ow - j);
        values += pool ? (rows / 2) * (columns / 2) : rows * columns;
    }
    return values;
}

static void forward_block(void *context, int64_t block, int worker) {
    const work *w = context;
    const tci_conv *d = w->d;
    const tci_conv_pass *pass = w->pass;
    const tci_tile *tile = tci_tile_get();
    int64_t stride = block_tiles(d), first = block * stride, count = tci_min(stride, tiles_of(d) - first);
    float *v = w->scratch + (size_t)worker * block_size(d), *m = v + POINTS * stride * d->c;
    tci_picture x = {pass->a, pass->map, w->turned ? pass->winners : NULL};
    tci_winograd_get()->input(d, tiling_of(d), &x, first, count, stride * d->c, v);
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
    tci_finish finish = {.bias = pass->bias, .relu = pass->relu, .accumulate = pass->accumulate};
    if (!w->turned) finish.winners = pass->winners;
    if (pass->moments) {
        pass->moments->count[block] = count_values(d, first, count, finish.winners);
        finish.shift = pass->moments->shift + block * d->o;
        finish.sum = pass->moments->sum + block * d->o;
        finish.squares = pass->moments->squares + block * d->o;
    }
    tci_winograd_get()->output(d, tiling_of(d), m, first, count, stride * d->o, &finish, pass->out);
}

/* scratch: U, then a block for each worker. */
static void forward_with(const tci_conv *d, const tci_conv_pass *pass, bool turned) {
    work w = {d, pass, turned, pass->kept ? pass->kept : pass->scratch, pass->scratch + weights_size(d)};
    if (!pass->kept) transform_weights(d, pass->b, turned, pass->threads, pass->scratch);
    tc_parallel_for(pass->threads, blocks_of(d), forward_block, &w);
}

static void forward(const tci_conv *d, const tci_conv_pass *pass) {
    forward_with(d, pass, false);
}

static tci_conv_scratch forward_scratch(const tci_conv *d) {
    return (tci_conv_scratch){.shared = weights_size(d), .per_worker = block_size(d)};
}

static void backward_data(const tci_conv *d, const tci_conv_pass *pass) {
    tci_conv t = tci_turned(d);
    forward_with(&t, pass, true);
}

static tci_conv_scratch data_scratch(const tci_conv *d) {
    tci_conv t = tci_turned(d);
    return forward_scratch(&t);
}

/* ---- Backward weight ---------------------------------------------------------------------------------- */

enum { TRANSFORM_TILES = 16, PRODUCT_ROWS = 48, SMALL_SUMS = 100 * 1024, GROUP_FLOATS = 2 << 20 };

static int64_t whole_vectors(int64_t columns) {
    return tci_round_up(columns, tci_tile_get()->width);
}

static int64_t sums_size(const tci_conv *d) {
    return POINTS * d->c * whole_vectors(d->o);
}

static bool in_parts(const tci_conv *d) {
    return sums_size(d) <= SMALL_SUMS;
}

/* Tiles that are transformed together: a block in the level-2 cache beside the sums, or a group. */
static int64_t group_tiles(const tci_conv *d) {
    int64_t room = in_parts(d) ? tci_max(BLOCK_FLOATS / 2, BLOCK_FLOATS - sums_size(d)) : GROUP_FLOATS;
    int64_t fit = room / (POINTS * (d->c + whole_vectors(d->o)));
    int64_t tiles = tci_max(2 * TRANSFORM_TILES, fit / TRANSFORM_TILES * TRANSFORM_TILES);
    if (in_parts(d)) tiles = tci_min(tiles, tci_ceil_div(tiles_of(d), LEAST_BLOCKS));
    return tci_min(tiles, tiles_of(d));
}

static int64_t parts_of(const tci_conv *d) {
    return in_parts(d) ? tci_parts(tci_ceil_div(tiles_of(d), group_tiles(d)), sums_size(d)) : 1;
}

/* V and D of a group. */
static int64_t group_size(const tci_conv *d) {
    return tci_round_up(POINTS * group_tiles(d) * d->c, 16) + POINTS * group_tiles(d) * whole_vectors(d->o);
}

typedef struct weight_work {
    const tci_conv *d;
    const tci_conv_pass *pass;
    int64_t first, count; /* tiles of this group */
    float *v, *g;         /* (36, group, C), (36, group, O padded) */
    float *sums;          /* (parts, 36, C, O padded) */
    float *total;         /* (36, C, O padded) */
    bool accumulate;      /* onto the sums */
    float *scratch;
} weight_work;

static void transform(const weight_work *w, int64_t at, int64_t count) {
    const tci_conv *d = w->d;
    int64_t group = group_tiles(d), o = whole_vectors(d->o);
    tci_winograd_get()->input(d, tiling_of(d), &(tci_picture){w->pass->a, w->pass->map, NULL}, w->first + at,
                              count, group * d->c, w->v + at * d->c);
    tci_winograd_get()->gradient(d, tiling_of(d), &(tci_picture){w->pass->b, NULL, w->pass->winners},
                                 w->first + at, count, group * o, o, w->g + at * o);
}

/* Rows c .. c + rows of one of the 36 sums. */
static void multiply(const weight_work *w, int64_t point, int64_t c, int64_t rows) {
    const tci_conv *d = w->d;
    int64_t group = group_tiles(d), o = whole_vectors(d->o);
    tci_product p = {.rows = rows,
                     .columns = o,
                     .segments = 1,
                     .steps = w->count,
                     .a = w->v + point * group * d->c + c,
                     .a_row = 1,
                     .a_step = d->c,
                     .b = w->g + point * group * o,
                     .b_step = o,
                     .c = w->sums + (point * d->c + c) * o,
                     .c_row = o,
                     .accumulate = w->accumulate};
    tci_tile_get()->multiply(&p);
}

/* The tiles of one part, block by block, into sums of its own. */
static void sum_part(void *context, int64_t part, int worker) {
    weight_work w = *(const weight_work *)context;
    const tci_conv *d = w.d;
    int64_t block = group_tiles(d), tiles = tiles_of(d), blocks = tci_ceil_div(tiles, block);
    w.v = w.scratch + worker * group_size(d);
    w.g = w.v + tci_round_up(POINTS * block * d->c, 16);
    w.sums += part * sums_size(d);
    int64_t begin = tci_part_begin(blocks, parts_of(d), part),
            end = tci_part_begin(blocks, parts_of(d), part + 1);
    for (int64_t b = begin; b < end; b++) {
        w.first = b * block;
        w.count = tci_min(block, tiles - w.first);
        w.accumulate = b > begin;
        transform(&w, 0, w.count);
        for (int64_t point = 0; point < POINTS; point++) multiply(&w, point, 0, d->c);
    }
}

static void transform_chunk(void *context, int64_t chunk, int worker) {
    const weight_work *w = context;
    (void)worker;
    transform(w, chunk * TRANSFORM_TILES, tci_min(TRANSFORM_TILES, w->count - chunk * TRANSFORM_TILES));
}

static void multiply_chunk(void *context, int64_t chunk, int worker) {
    const weight_work *w = context;
    int64_t pieces = tci_ceil_div(w->d->c, PRODUCT_ROWS), c = chunk % pieces * PRODUCT_ROWS;
    (void)worker;
    multiply(w, chunk / pieces, c, tci_min(PRODUCT_ROWS, w->d->c - c));
}

static void sum_groups(weight_work *w) {
    const tci_conv *d = w->d;
    w->v = w->scratch;
    w->g = w->v + tci_round_up(POINTS * group_tiles(d) * d->c, 16);
    for (w->first = 0; w->first < tiles_of(d); w->first += group_tiles(d)) {
        w->count = tci_min(group_tiles(d), tiles_of(d) - w->first);
        w->accumulate = w->first > 0;
        tc_parallel_for(w->pass->threads, tci_ceil_div(w->count, TRANSFORM_TILES), transform_chunk, w);
        tc_parallel_for(w->pass->threads, POINTS * tci_ceil_div(d->c, PRODUCT_ROWS), multiply_chunk, w);
    }
}

/* dw (O, 9, C) of some input channels. */
static void gradient_rows(void *context, int64_t chunk, int worker) {
    const weight_work *w = context;
    const tci_conv *d = w->d;
    int64_t row = whole_vectors(d->o), width = tci_tile_get()->width;
    int64_t begin = chunk * CHANNELS, end = tci_min(begin + CHANNELS, d->c);
    float taps[CHANNELS][9][16];
    (void)worker;
    for (int64_t o = 0; o < d->o; o += width) {
        for (int64_t c = begin; c < end; c++)
            tci_winograd_get()->weight_gradient(w->total + c * row + o, d->c * row, taps[c - begin][0], 16);
        for (int64_t q = 0; q < tci_min(width, d->o - o); q++) {
            for (int64_t t = 0; t < 9; t++) {
                float *dw = w->pass->out + ((o + q) * 9 + t) * d->c;
                for (int64_t c = begin; c < end; c++)
                    dw[c] = w->pass->accumulate ? dw[c] + taps[c - begin][t][q] : taps[c - begin][t][q];
            }
        }
    }
}

static void backward_weight(const tci_conv *d, const tci_conv_pass *pass) {
    int64_t parts = parts_of(d);
    weight_work w = {.d = d, .pass = pass, .total = pass->scratch};
    w.sums = parts == 1 ? w.total : w.total + sums_size(d);
    w.scratch = w.sums + parts * sums_size(d);
    if (in_parts(d))
        tc_parallel_for(pass->threads, parts, sum_part, &w);
    else
        sum_groups(&w);
    if (parts > 1) tci_parts_sum(w.sums, parts, sums_size(d), w.total, false, pass->threads);
    tc_parallel_for(pass->threads, tci_ceil_div(d->c, CHANNELS), gradient_rows, &w);
}

static tci_conv_scratch weight_scratch(const tci_conv *d) {
    int64_t sums = (parts_of(d) == 1 ? 1 : 1 + parts_of(d)) * sums_size(d);
    if (in_parts(d)) return (tci_conv_scratch){.shared = (size_t)sums, .per_worker = (size_t)group_size(d)};
    return (tci_conv_scratch){.shared = (size_t)(sums + group_size(d))};
}

const tci_conv_algorithm tci_conv_winograd = {
    .name = "winograd",
    .fused = true,
    .forward_scratch = forward_scratch,
    .data_scratch = data_scratch,
    .weight_scratch = weight_scratch,
    .forward = forward,
    .backward_data = backward_data,
    .backward_weight = backward_weight,
    .moment_parts = blocks_of,
    .kept_size = weights_size,
    .keep = keep,
};
