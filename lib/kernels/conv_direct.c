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
#include "normalization.h"
#include "parts.h"
#include "pooling.h"
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

/* Output rows in a block, at most a picture's, whole pooling windows; enough blocks that cores have work even
 * with one picture. */
static int64_t block_rows(const tci_conv *d) {
    int64_t line = d->stride_h * padded_width(d) * d->c;
    int64_t rows = tci_max(1, BLOCK_FLOATS / line);
    rows = tci_min(rows, tci_max(1, d->n * d->oh / LEAST_BLOCKS));
    rows = tci_ceil_div(d->oh, tci_ceil_div(d->oh, tci_min(rows, d->oh)));
    return tci_min(tci_round_up(rows, 2), d->oh);
}

static int64_t blocks_a_picture(const tci_conv *d) {
    return tci_ceil_div(d->oh, block_rows(d));
}

static int64_t blocks_of(const tci_conv *d) {
    return d->n * blocks_a_picture(d);
}

/* True if some window looks beyond the picture. */
static bool is_padded(const tci_conv *d) {
    return d->pad_h > 0 || d->pad_w > 0 || padded_rows(d, d->oh) > d->h || padded_width(d) > d->w;
}

/* True if the input of a block must be written out. */
static bool is_copied(const tci_conv *d, const tci_picture *x) {
    return is_padded(d) || x->map || x->winners;
}

/* Floats from one row of a block to the next. */
static int64_t line_of(const tci_conv *d, const tci_picture *x) {
    return (is_copied(d, x) ? padded_width(d) : d->w) * d->c;
}

static size_t block_size(const tci_conv *d) {
    return (size_t)tci_round_up(padded_rows(d, block_rows(d)) * padded_width(d) * d->c, 16);
}

/* The first `pixels` pixels of row h of picture n of (N, height, width, c), `stride` floats apart. */
static void copy_row(const tci_picture *x, int64_t n, int64_t height, int64_t width, int64_t c, int64_t h,
                     int64_t pixels, int64_t stride, float *to) {
    const float *row = x->data + (n * height + h) * width * c;
    if (x->winners) {
        int64_t high = height / 2, wide = width / 2, at = (n * high + tci_min(h / 2, high - 1)) * wide * c;
        tci_pooling_get()->max_pair_backward(x->data + at, x->winners + at, (int)(h % 2),
                                             h / 2 < high ? wide : 0, pixels, c, stride, to);
    } else if (x->map) {
        tci_normalization_get()->apply(x->map, row, pixels, c, to);
    } else if (stride == c) {
        memcpy(to, row, sizeof(float) * (size_t)(pixels * c));
    } else {
        for (int64_t j = 0; j < pixels; j++) memcpy(to + j * stride, row + j * c, sizeof(float) * (size_t)c);
    }
}

static void copy_padded(const tci_conv *d, const tci_picture *x, int64_t n, int64_t first, int64_t rows,
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
        copy_row(x, n, d->h, d->w, d->c, h, inside, d->c, block + left * d->c);
        memset(block + (left + inside) * d->c, 0, sizeof(float) * (size_t)(right * d->c));
    }
}

/* The input that output rows [first, first + rows) of picture n look at, with zeros where they look beyond
 * it. */
static const float *input_block(const tci_conv *d, const tci_picture *x, int64_t n, int64_t first,
                                int64_t rows, float *buffer) {
    if (!is_copied(d, x)) return x->data + (n * d->h + first * d->stride_h) * d->w * d->c;
    copy_padded(d, x, n, first, rows, buffer);
    return buffer;
}

/* ---- Forward ------------------------------------------------------------------------------------------ */

static size_t packed_size(const tci_conv *d) {
    return (size_t)(depth(d) * tci_round_up(d->o, tci_tile_get()->panel));
}

typedef struct pack_work {
    const tci_conv *d;
    const float *weight;
    bool turned; /* d is the turned convolution, the weights lie as those of the original */
    float *packed;
} pack_work;

typedef struct work {
    const tci_conv *d;
    const tci_conv_pass *pass;
    bool turned;         /* d is the turned convolution, the weights lie as those of the original */
    const float *packed; /* forward */
    float *sums;         /* backward weight: (parts, K, O padded) */
    int64_t parts;
    float *scratch;
} work;

/* One panel of outputs of the weights, (K, panel), zeros after the last column. They lie (O, K), outputs
 * farthest apart; those of a turned convolution (C, KH, KW, O), the kernels reversed. */
static void pack_panel(void *context, int64_t chunk, int worker) {
    const pack_work *w = context;
    const tci_conv *d = w->d;
    int64_t k = depth(d), panel = tci_tile_get()->panel, o = chunk * panel,
            columns = tci_min(panel, d->o - o);
    int64_t taps = d->kh * d->kw;
    float *to = w->packed + o * k;
    (void)worker;
    if (!w->turned) {
        tci_tile_get()->pack(w->weight + o * k, k, k, columns, to);
        return;
    }
    if (columns < panel) memset(to, 0, sizeof(float) * (size_t)(k * panel));
    for (int64_t t = 0; t < taps; t++)
        for (int64_t c = 0; c < d->c; c++)
            memcpy(to + (t * d->c + c) * panel, w->weight + (c * taps + taps - 1 - t) * d->o + o,
                   sizeof(float) * (size_t)columns);
}

static void pack(const tci_conv *d, const float *weight, bool turned, int threads, float *packed) {
    tc_parallel_for(threads, tci_ceil_div(d->o, tci_tile_get()->panel), pack_panel,
                    &(pack_work){d, weight, turned, packed});
}

static void keep(const tci_conv *d, const float *weight, int threads, float *kept) {
    pack(d, weight, false, threads, kept);
}

/* What a worker needs: the block of input, and its outputs before they are pooled. */
static size_t forward_size(const tci_conv *d) {
    return block_size(d) + (size_t)tci_round_up(block_rows(d) * d->ow * d->o, 16);
}

/* Output rows [first, first + rows) of picture n to `to` (rows, OW, O). */
static void multiply_rows(const work *w, int64_t n, int64_t first, int64_t rows, float *scratch, float *to) {
    const tci_conv *d = w->d;
    const tci_conv_pass *pass = w->pass;
    const tci_tile *tile = tci_tile_get();
    tci_picture x = {pass->a, pass->map, w->turned ? pass->winners : NULL};
    int64_t line = line_of(d, &x);
    const float *input = input_block(d, &x, n, first, rows, scratch);
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
            p.c = to + i * d->ow * d->o + o;
            tile->multiply(&p);
        }
    }
}

static void forward_block(void *context, int64_t block, int worker) {
    const work *w = context;
    const tci_conv *d = w->d;
    const tci_conv_pass *pass = w->pass;
    int64_t n = block / blocks_a_picture(d), first = block % blocks_a_picture(d) * block_rows(d);
    int64_t rows = tci_min(block_rows(d), d->oh - first);
    float *scratch = w->scratch + (size_t)worker * forward_size(d);
    bool pool = pass->winners && !w->turned;
    int64_t pixels = rows * d->ow, at = (n * d->oh + first) * d->ow * d->o;
    if (pool) {
        float *whole = scratch + block_size(d);
        int64_t wide = d->ow / 2;
        multiply_rows(w, n, first, rows, scratch, whole);
        at = (n * (d->oh / 2) + first / 2) * wide * d->o;
        pixels = rows / 2 * wide;
        for (int64_t i = 0; i < rows / 2; i++) {
            const float *top = whole + 2 * i * d->ow * d->o;
            int64_t to = at + i * wide * d->o;
            tci_pooling_get()->max_pair(top, top + d->ow * d->o, wide, d->o, pass->out + to,
                                        pass->winners + to);
        }
    } else {
        multiply_rows(w, n, first, rows, scratch, pass->out + at);
    }
    if (!pass->moments) return;
    pass->moments->count[block] = pixels;
    if (pixels > 0)
        tci_normalization_get()->moments(pass->out + at, pixels, d->o, pass->moments->shift + block * d->o,
                                         pass->moments->sum + block * d->o,
                                         pass->moments->squares + block * d->o);
}

/* scratch: the packed weights, then forward_size() floats for each worker. */
static void forward_with(const tci_conv *d, const tci_conv_pass *pass, bool turned) {
    work w = {.d = d,
              .pass = pass,
              .turned = turned,
              .packed = pass->kept ? pass->kept : pass->scratch,
              .scratch = pass->scratch + packed_size(d)};
    if (!pass->kept) pack(d, pass->b, turned, pass->threads, pass->scratch);
    tc_parallel_for(pass->threads, blocks_of(d), forward_block, &w);
}

static void forward(const tci_conv *d, const tci_conv_pass *pass) {
    forward_with(d, pass, false);
}

static tci_conv_scratch forward_scratch(const tci_conv *d) {
    return (tci_conv_scratch){.shared = packed_size(d), .per_worker = forward_size(d)};
}

/* ---- Backward data ------------------------------------------------------------------------------------ */

static void backward_data(const tci_conv *d, const tci_conv_pass *pass) {
    if (!tci_can_turn(d)) {
        tci_conv_gathered.backward_data(d, pass);
        return;
    }
    tci_conv t = tci_turned(d);
    forward_with(&t, pass, true);
}

static tci_conv_scratch data_scratch(const tci_conv *d) {
    if (!tci_can_turn(d)) return tci_conv_gathered.data_scratch(d);
    tci_conv t = tci_turned(d);
    return forward_scratch(&t);
}

/* ---- Backward weight ---------------------------------------------------------------------------------- */

static int64_t padded_o(const tci_conv *d) {
    return tci_round_up(d->o, tci_tile_get()->width);
}

/* dy of a block, unpooled, its rows of O floats padded to whole vectors; dy itself where that is so. */
static const float *padded_gradient(const tci_conv *d, const tci_picture *dy, int64_t n, int64_t first,
                                    int64_t rows, float *buffer) {
    if (padded_o(d) == d->o && !dy->winners) return dy->data + (n * d->oh + first) * d->ow * d->o;
    for (int64_t i = 0; i < rows; i++)
        copy_row(dy, n, d->oh, d->ow, d->o, first + i, d->ow, padded_o(d), buffer + i * d->ow * padded_o(d));
    return buffer;
}

static size_t gradient_size(const tci_conv *d) {
    return (size_t)(block_rows(d) * d->ow * padded_o(d));
}

static void weight_block(const work *w, int64_t block, float *scratch, float *sum, bool accumulate) {
    const tci_conv *d = w->d;
    int64_t n = block / blocks_a_picture(d), first = block % blocks_a_picture(d) * block_rows(d);
    tci_picture x = {w->pass->a, w->pass->map, NULL}, gradient = {w->pass->b, NULL, w->pass->winners};
    int64_t rows = tci_min(block_rows(d), d->oh - first), line = line_of(d, &x);
    const float *input = input_block(d, &x, n, first, rows, scratch);
    const float *dy = padded_gradient(d, &gradient, n, first, rows, scratch + block_size(d));
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
    int64_t blocks = blocks_of(d);
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
    return tci_parts(blocks_of(d), depth(d) * padded_o(d));
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
    .fused = true,
    .forward_scratch = forward_scratch,
    .data_scratch = data_scratch,
    .weight_scratch = weight_scratch,
    .forward = forward,
    .backward_data = backward_data,
    .backward_weight = backward_weight,
    .moment_parts = blocks_of,
    .kept_size = packed_size,
    .keep = keep,
};
