/* conv_direct.c - convolution as a matrix product that reads the picture where it lies.
 *
 * In a channels-last picture with its padding written out, the window of output pixel j in one kernel row is
 * KW C floats in one stretch, and the next pixel's begins stride C floats further. So the unrolled matrix of
 * im2col is there already, with overlapping rows: KH stretches, a row distance of stride C (tile.h). What is
 * copied is each input once, into a block with zeros around it, instead of KH KW times; without padding
 * nothing is copied at all, and 1 x 1 is a plain product.
 *   forward          Y = X_window W^T        rows: the pixels of an output row, columns: O
 *   backward weight  dW^T = X_window^T dY    rows: the KW C weights of a kernel row, columns: O; summed over pixels
 *   backward data    with stride 1, a forward pass over dY with the weights turned round
 * Needs groups = 1 and kernel columns side by side (dilation_w = 1). */
#include <string.h>

#include "arith.h"
#include "conv.h"
#include "parts.h"
#include "tile.h"
#include "tinycnn/parallel.h"
#include "turned.h"

/* A padded block of input rows has about this many floats, so that it stays in the level-2 cache beside the
 * weights. */
enum { BLOCK_FLOATS = 48 * 1024, LEAST_BLOCKS = 16 };

static int64_t depth(const tci_conv *d) {
    return d->kh * d->kw * d->c;
}

/* ---- Padded blocks of input --------------------------------------------------------------------------- */

static int64_t padded_width(const tci_conv *d) {
    return (d->ow - 1) * d->stride_w + d->kw;
}

static int64_t padded_rows(const tci_conv *d, int64_t rows) {
    return (rows - 1) * d->stride_h + (d->kh - 1) * d->dilation_h + 1;
}

/* Output rows in a block, at most a picture's; enough blocks that cores have work even with one picture. */
static int64_t block_rows(const tci_conv *d) {
    int64_t line = d->stride_h * padded_width(d) * d->c;
    int64_t rows = tci_max(1, BLOCK_FLOATS / line);
    rows = tci_min(rows, tci_max(1, d->n * d->oh / LEAST_BLOCKS));
    return tci_ceil_div(d->oh, tci_ceil_div(d->oh, tci_min(rows, d->oh)));
}

static int64_t blocks_a_picture(const tci_conv *d) {
    return tci_ceil_div(d->oh, block_rows(d));
}

/* True if some window looks beyond the picture. */
static bool is_padded(const tci_conv *d) {
    return d->pad_h > 0 || d->pad_w > 0 || padded_rows(d, d->oh) > d->h || padded_width(d) > d->w;
}

/* Floats from one row of a block to the next. */
static int64_t line_of(const tci_conv *d) {
    return (is_padded(d) ? padded_width(d) : d->w) * d->c;
}

static size_t block_size(const tci_conv *d) {
    if (!is_padded(d)) return 0;
    return (size_t)tci_round_up(padded_rows(d, block_rows(d)) * padded_width(d) * d->c, 16);
}

static void copy_padded(const tci_conv *d, const float *x, int64_t n, int64_t first, int64_t rows,
                        float *block) {
    int64_t width = padded_width(d), top = first * d->stride_h - d->pad_h;
    int64_t left = tci_min(d->pad_w, width);
    int64_t inside = tci_max(0, tci_min(d->w, width - left)), right = width - left - inside;
    for (int64_t i = 0; i < padded_rows(d, rows); i++, block += width * d->c) {
        int64_t h = top + i;
        if (h < 0 || h >= d->h) {
            memset(block, 0, sizeof(float) * (size_t)(width * d->c));
            continue;
        }
        memset(block, 0, sizeof(float) * (size_t)(left * d->c));
        memcpy(block + left * d->c, x + (n * d->h + h) * d->w * d->c,
               sizeof(float) * (size_t)(inside * d->c));
        memset(block + (left + inside) * d->c, 0, sizeof(float) * (size_t)(right * d->c));
    }
}

/* The input that output rows [first, first + rows) of picture n look at, with zeros where they look beyond
 * it. */
static const float *input_block(const tci_conv *d, const float *x, int64_t n, int64_t first, int64_t rows,
                                float *buffer) {
    if (!is_padded(d)) return x + (n * d->h + first * d->stride_h) * d->w * d->c;
    copy_padded(d, x, n, first, rows, buffer);
    return buffer;
}

/* ---- Forward ------------------------------------------------------------------------------------------ */

/* weight (O, K) to panels of `width` columns, each (K, width), zeros after the last column. */
static void pack_weight(const tci_conv *d, const float *weight, float *packed) {
    int64_t k = depth(d), width = tci_tile_get()->panel;
    for (int64_t o = 0; o < d->o; o += width, packed += k * width) {
        int64_t columns = tci_min(width, d->o - o);
        if (columns < width) memset(packed, 0, sizeof(float) * (size_t)(k * width));
        for (int64_t c = 0; c < columns; c++)
            for (int64_t i = 0; i < k; i++) packed[i * width + c] = weight[(o + c) * k + i];
    }
}

static size_t packed_size(const tci_conv *d) {
    return (size_t)(depth(d) * tci_round_up(d->o, tci_tile_get()->panel));
}

typedef struct work {
    const tci_conv *d;
    const tci_conv_pass *pass;
    const float *packed; /* forward */
    float *sums;         /* backward weight: (parts, K, O padded) */
    int64_t parts;
    float *scratch;
} work;

static void forward_block(void *context, int64_t block, int worker) {
    const work *w = context;
    const tci_conv *d = w->d;
    const tci_conv_pass *pass = w->pass;
    const tci_tile *tile = tci_tile_get();
    int64_t n = block / blocks_a_picture(d), first = block % blocks_a_picture(d) * block_rows(d);
    int64_t rows = tci_min(block_rows(d), d->oh - first), line = line_of(d);
    const float *input = input_block(d, pass->a, n, first, rows, w->scratch + (size_t)worker * block_size(d));
    for (int64_t o = 0; o < d->o; o += tile->panel) {
        tci_product p = {.rows = d->ow,
                         .columns = tci_min(tile->panel, d->o - o),
                         .segments = d->kh,
                         .steps = d->kw * d->c,
                         .a_row = d->stride_w * d->c,
                         .a_step = 1,
                         .a_segment = d->dilation_h * line,
                         .b = w->packed + o * depth(d),
                         .b_step = tile->panel,
                         .b_segment = d->kw * d->c * tile->panel,
                         .c_row = d->o,
                         .accumulate = pass->accumulate,
                         .bias = pass->bias ? pass->bias + o : NULL,
                         .relu = pass->relu};
        for (int64_t i = 0; i < rows; i++) {
            p.a = input + i * d->stride_h * line;
            p.c = pass->out + ((n * d->oh + first + i) * d->ow) * d->o + o;
            tile->multiply(&p);
        }
    }
}

/* scratch: the packed weights, then a block of input for each worker. */
static void forward_with(const tci_conv *d, const tci_conv_pass *pass, const float *weight, float *scratch) {
    pack_weight(d, weight, scratch);
    work w = {.d = d, .pass = pass, .packed = scratch, .scratch = scratch + packed_size(d)};
    tc_parallel_for(pass->threads, d->n * blocks_a_picture(d), forward_block, &w);
}

static void forward(const tci_conv *d, const tci_conv_pass *pass) {
    forward_with(d, pass, pass->b, pass->scratch);
}

static tci_conv_scratch forward_scratch(const tci_conv *d) {
    return (tci_conv_scratch){.shared = packed_size(d), .per_worker = block_size(d)};
}

/* ---- Backward data ------------------------------------------------------------------------------------ */

static void backward_data(const tci_conv *d, const tci_conv_pass *pass) {
    if (!tci_can_turn(d)) {
        tci_conv_gathered.backward_data(d, pass);
        return;
    }
    tci_conv t = tci_turned(d);
    tci_turn_weight(d, pass->b, pass->scratch);
    tci_conv_pass turned_pass = {
        .a = pass->a, .out = pass->out, .accumulate = pass->accumulate, .threads = pass->threads};
    forward_with(&t, &turned_pass, pass->scratch, pass->scratch + tci_round_up(d->o * depth(d), 16));
}

static tci_conv_scratch data_scratch(const tci_conv *d) {
    if (!tci_can_turn(d)) return tci_conv_gathered.data_scratch(d);
    tci_conv t = tci_turned(d);
    tci_conv_scratch scratch = forward_scratch(&t);
    scratch.shared += (size_t)tci_round_up(d->o * depth(d), 16);
    return scratch;
}

/* ---- Backward weight ---------------------------------------------------------------------------------- */

static int64_t padded_o(const tci_conv *d) {
    return tci_round_up(d->o, tci_tile_get()->width);
}

/* dy of a block, its rows of O floats padded to whole vectors; dy itself where they are whole. */
static const float *padded_gradient(const tci_conv *d, const float *dy, int64_t pixels, float *buffer) {
    if (padded_o(d) == d->o) return dy;
    for (int64_t p = 0; p < pixels; p++)
        memcpy(buffer + p * padded_o(d), dy + p * d->o, sizeof(float) * (size_t)d->o);
    return buffer;
}

static size_t gradient_size(const tci_conv *d) {
    return padded_o(d) == d->o ? 0 : (size_t)(block_rows(d) * d->ow * padded_o(d));
}

static void weight_block(const work *w, int64_t block, float *scratch, float *sum, bool accumulate) {
    const tci_conv *d = w->d;
    int64_t n = block / blocks_a_picture(d), first = block % blocks_a_picture(d) * block_rows(d);
    int64_t rows = tci_min(block_rows(d), d->oh - first), line = line_of(d);
    const float *input = input_block(d, w->pass->a, n, first, rows, scratch);
    const float *dy = padded_gradient(d, w->pass->b + (n * d->oh + first) * d->ow * d->o, rows * d->ow,
                                      scratch + block_size(d));
    for (int64_t a = 0; a < d->kh; a++) {
        tci_product p = {.rows = d->kw * d->c,
                         .columns = padded_o(d),
                         .segments = rows,
                         .steps = d->ow,
                         .a = input + a * d->dilation_h * line,
                         .a_row = 1,
                         .a_step = d->stride_w * d->c,
                         .a_segment = d->stride_h * line,
                         .b = dy,
                         .b_step = padded_o(d),
                         .b_segment = d->ow * padded_o(d),
                         .c = sum + a * d->kw * d->c * padded_o(d),
                         .c_row = padded_o(d),
                         .accumulate = accumulate};
        tci_tile_get()->multiply(&p);
    }
}

static void weight_part(void *context, int64_t part, int worker) {
    const work *w = context;
    const tci_conv *d = w->d;
    int64_t blocks = d->n * blocks_a_picture(d);
    float *scratch = w->scratch + (size_t)worker * (block_size(d) + gradient_size(d));
    float *sum = w->sums + part * depth(d) * padded_o(d);
    int64_t begin = tci_part_begin(blocks, w->parts, part), end = tci_part_begin(blocks, w->parts, part + 1);
    for (int64_t block = begin; block < end; block++) weight_block(w, block, scratch, sum, block > begin);
}

/* out (O, K) (+)= total (K, O padded) turned round. */
static void turn_total(const tci_conv *d, const float *total, float *out, bool accumulate) {
    int64_t k = depth(d), o_padded = padded_o(d);
    for (int64_t o = 0; o < d->o; o++) {
        for (int64_t i = 0; i < k; i++) {
            float value = total[i * o_padded + o];
            out[o * k + i] = accumulate ? out[o * k + i] + value : value;
        }
    }
}

static int64_t weight_parts(const tci_conv *d) {
    return tci_parts(d->n * blocks_a_picture(d), depth(d) * padded_o(d));
}

static void backward_weight(const tci_conv *d, const tci_conv_pass *pass) {
    int64_t size = depth(d) * padded_o(d);
    float *total = pass->scratch;
    work w = {.d = d, .pass = pass, .sums = total + size, .parts = weight_parts(d)};
    w.scratch = w.sums + w.parts * size;
    tc_parallel_for(pass->threads, w.parts, weight_part, &w);
    tci_parts_sum(w.sums, w.parts, size, total, false, pass->threads);
    turn_total(d, total, pass->out, pass->accumulate);
}

static tci_conv_scratch weight_scratch(const tci_conv *d) {
    return (tci_conv_scratch){.shared = (size_t)((1 + weight_parts(d)) * depth(d) * padded_o(d)),
                              .per_worker = block_size(d) + gradient_size(d)};
}

const tci_conv_algorithm tci_conv_direct = {
    .name = "direct",
    .forward_scratch = forward_scratch,
    .data_scratch = data_scratch,
    .weight_scratch = weight_scratch,
    .forward = forward,
    .backward_data = backward_data,
    .backward_weight = backward_weight,
};
