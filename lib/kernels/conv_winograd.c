/* conv_winograd.c - 3 x 3 convolution with stride 1 by Winograd's F(4x4, 3x3).
 *
 * With V = transformed inputs (36, tiles, C), U = transformed weights (36, C, O), M = V U (36, tiles, O):
 *   forward          y = transformed back M
 *   backward data    the same over dy with the weights turned round
 *   backward weight  U' = V^T D (36, C, O), D = transformed tiles of dy (36, tiles, O); dw = transformed back
 * which multiplies a quarter as often as the direct way. A block of tiles goes through all three stages while it
 * is in the caches of one core; what one core has written no other one reads until the end, because their caches may
 * lie far apart. So each part of the tiles has a U' of its own, and these are added in order. */
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

/* Tiles whose products are summed at a time: enough that reading and writing the sums does not matter, few enough
 * that V and D stay near the caches. */
enum { LEAST_SUMMED = 128 };

static int64_t whole_vectors(int64_t columns) {
    return tci_round_up(columns, tci_tile_get()->width);
}

/* Floats between the tiles of D: rows that lie a power of two apart would meet in the same sets of the cache. */
static int64_t gradient_stride(const tci_conv *d) {
    int64_t o = whole_vectors(d->o);
    return o % 64 ? o : o + 16;
}

static int64_t sums_size(const tci_conv *d) {
    return POINTS * d->c * whole_vectors(d->o);
}

/* Parts that the tiles are divided into, fewer where each part's sums take much memory. */
static int64_t most_parts(const tci_conv *d) {
    return sums_size(d) <= 160 * 1024 ? 16 : sums_size(d) <= 640 * 1024 ? 8 : 4;
}

static int64_t group_tiles(const tci_conv *d) {
    int64_t room = BLOCK_FLOATS - tci_min(sums_size(d), BLOCK_FLOATS / 2);
    int64_t tiles = tci_max(LEAST_SUMMED, room / (POINTS * (d->c + whole_vectors(d->o))));
    return tci_min(tiles, tci_max(LEAST_TILES, tci_ceil_div(tiles_of(d), most_parts(d))));
}

static int64_t groups_of(const tci_conv *d) {
    return tci_ceil_div(tiles_of(d), group_tiles(d));
}

static int64_t parts_of(const tci_conv *d) {
    return tci_min(most_parts(d), groups_of(d));
}

/* V and D of a group. */
static int64_t group_size(const tci_conv *d) {
    return tci_round_up(POINTS * group_tiles(d) * d->c, 16) + POINTS * group_tiles(d) * gradient_stride(d);
}

typedef struct weight_work {
    const tci_conv *d;
    const tci_conv_pass *pass;
    float *sums; /* (parts, 36, C, O padded); in the end the first part's are those of all */
    float *scratch;
} weight_work;

/* The tiles [first, first + count): V (36, group, C), D (36, group, gradient_stride()), and their products. */
static void sum_group(const weight_work *w, int64_t first, int64_t count, float *v, float *sums,
                      bool accumulate) {
    const tci_conv *d = w->d;
    int64_t group = group_tiles(d), o = whole_vectors(d->o), stride = gradient_stride(d);
    float *g = v + tci_round_up(POINTS * group * d->c, 16);
    tci_picture x = {w->pass->a, w->pass->map, NULL}, dy = {w->pass->b, NULL, w->pass->winners};
    tci_winograd_get()->input(d, tiling_of(d), &x, first, count, group * d->c, v);
    tci_winograd_get()->gradient(d, tiling_of(d), &dy, first, count, group * stride, stride, g);
    for (int64_t point = 0; point < POINTS; point++) {
        tci_product p = {.rows = d->c,
                         .columns = o,
                         .segments = 1,
                         .steps = count,
                         .a = v + point * group * d->c,
                         .a_row = 1,
                         .a_step = d->c,
                         .b = g + point * group * stride,
                         .b_step = stride,
                         .c = sums + point * d->c * o,
                         .c_row = o,
                         .accumulate = accumulate};
        tci_tile_get()->multiply(&p);
    }
}

static void sum_part(void *context, int64_t part, int worker) {
    const weight_work *w = context;
    const tci_conv *d = w->d;
    int64_t group = group_tiles(d), parts = parts_of(d);
    int64_t begin = tci_part_begin(groups_of(d), parts, part),
            end = tci_part_begin(groups_of(d), parts, part + 1);
    for (int64_t i = begin; i < end; i++)
        sum_group(w, i * group, tci_min(group, tiles_of(d) - i * group), w->scratch + worker * group_size(d),
                  w->sums + part * sums_size(d), i > begin);
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
            tci_winograd_get()->weight_gradient(w->sums + c * row + o, d->c * row, taps[c - begin][0], 16);
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
    weight_work w = {d, pass, pass->scratch, pass->scratch + parts * sums_size(d)};
    tc_parallel_for(pass->threads, parts, sum_part, &w);
    tci_parts_sum(w.sums + sums_size(d), parts - 1, sums_size(d), w.sums, true, pass->threads);
    tc_parallel_for(pass->threads, tci_ceil_div(d->c, CHANNELS), gradient_rows, &w);
}

static tci_conv_scratch weight_scratch(const tci_conv *d) {
    return (tci_conv_scratch){.shared = (size_t)(parts_of(d) * sums_size(d)),
                              .per_worker = (size_t)group_size(d)};
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
