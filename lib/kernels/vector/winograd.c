/* winograd.c - Toom-Cook with the points 0, a, -a, b, -b and infinity.
 *
 * One dimension, six inputs d, filter g of three, four outputs y:
 *   y = A^T [(G g) * (B^T d)]
 * Row j of B^T are the coefficients of the product of (x - other points); points of opposite sign share the
 * even and the odd half of theirs. G holds the powers of the points, divided by the products of their
 * differences; A^T the powers. The same points serve the weight gradient, where a filter of four (dy) gives
 * three outputs (dw) from the same six inputs. a and b are 1/sqrt(2) and sqrt(2) rather than Lavin's 1 and 2:
 * the powers stay smaller, and so do the rounding errors. */
#include "winograd.h"

#include "arith.h"
#include "patch.h"

#define A1 0.70710678118654752f /* a, its square and its cube; b likewise */
#define A2 0.5f
#define A3 0.35355339059327376f
#define B1 1.41421356237309505f
#define B2 2.0f
#define B3 2.82842712474619010f
/* 1 / product of differences: of 0, of a and -a, of b and -b */
#define INV_0 1.0f                    /* a^2 b^2 = 1 */
#define INV_A (-0.66666666666666667f) /* 2 a^2 (a^2 - b^2) = -3/2 */
#define INV_B 0.16666666666666667f    /* 2 b^2 (b^2 - a^2) = 6 */

/* ---- One dimension; `t` is the distance between the vectors that come out ------------------------------ */

/* out = B^T d: six to six. */
ALWAYS_INLINE void input_line(const vector *d, vector *out, int t) {
    vector d0 = d[0], d1 = d[1], d2 = d[2], d3 = d[3], d4 = d[4], d5 = d[5];
    vector even_a = d4 - B2 * d2, odd_a = A1 * (d3 - B2 * d1);
    vector even_b = d4 - A2 * d2, odd_b = B1 * (d3 - A2 * d1);
    out[0] = (d4 + d0) - (A2 + B2) * d2;
    out[t] = even_a + odd_a;
    out[2 * t] = even_a - odd_a;
    out[3 * t] = even_b + odd_b;
    out[4 * t] = even_b - odd_b;
    out[5 * t] = (d5 + d1) - (A2 + B2) * d3;
}

/* out = A^T m: six to four. */
ALWAYS_INLINE void output_line(const vector *m, vector *out, int t) {
    vector sum_a = m[1] + m[2], difference_a = m[1] - m[2];
    vector sum_b = m[3] + m[4], difference_b = m[3] - m[4];
    out[0] = m[0] + sum_a + sum_b;
    out[t] = A1 * difference_a + B1 * difference_b;
    out[2 * t] = A2 * sum_a + B2 * sum_b;
    out[3 * t] = A3 * difference_a + B3 * difference_b + m[5];
}

/* out = G g: three to six. */
ALWAYS_INLINE void weight_line(const vector *g, vector *out, int t) {
    vector g0 = g[0], g1 = g[1], g2 = g[2];
    vector even_a = INV_A * (g0 + A2 * g2), odd_a = INV_A * A1 * g1;
    vector even_b = INV_B * (g0 + B2 * g2), odd_b = INV_B * B1 * g1;
    out[0] = INV_0 * g0;
    out[t] = even_a + odd_a;
    out[2 * t] = even_a - odd_a;
    out[3 * t] = even_b + odd_b;
    out[4 * t] = even_b - odd_b;
    out[5 * t] = g2;
}

/* out = G g of a filter of four, for the weight gradient. */
ALWAYS_INLINE void gradient_line(const vector *g, vector *out, int t) {
    vector g0 = g[0], g1 = g[1], g2 = g[2], g3 = g[3];
    vector even_a = INV_A * (g0 + A2 * g2), odd_a = INV_A * (A1 * g1 + A3 * g3);
    vector even_b = INV_B * (g0 + B2 * g2), odd_b = INV_B * (B1 * g1 + B3 * g3);
    out[0] = INV_0 * g0;
    out[t] = even_a + odd_a;
    out[2 * t] = even_a - odd_a;
    out[3 * t] = even_b + odd_b;
    out[4 * t] = even_b - odd_b;
    out[5 * t] = g3;
}

/* out = A^T m with three outputs. */
ALWAYS_INLINE void weight_gradient_line(const vector *m, vector *out, int t) {
    vector sum_a = m[1] + m[2], difference_a = m[1] - m[2];
    vector sum_b = m[3] + m[4], difference_b = m[3] - m[4];
    out[0] = m[0] + sum_a + sum_b;
    out[t] = A1 * difference_a + B1 * difference_b;
    out[2 * t] = A2 * sum_a + B2 * sum_b + m[5];
}

/* ---- Two dimensions ----------------------------------------------------------------------------------- */

/* Where a tile lies: picture, and its first output row and column. */
typedef struct place {
    int64_t n, h, w;
} place;

static place place_of(tci_tiling tiling, int64_t t) {
    int64_t each = tiling.rows * tiling.columns;
    return (place){t / each, t % each / tiling.columns * TCI_WINOGRAD_TILE,
                   t % tiling.columns * TCI_WINOGRAD_TILE};
}

/* One vector of channels of one tile: B^T d B. */
ALWAYS_INLINE void input_tile(const tci_picture *x, const patch *p, int64_t k, int64_t lanes, reading how,
                              bool whole, float *out, int64_t point_stride) {
    vector half[36], pixels[36];
    map_lanes m = {{0}, {0}, {0}};
    if (is_mapped(how)) m = load_map(x->map, k, lanes);
    if (!whole) read_patch(x, p, &m, k, lanes, how, pixels);
    UNROLL
    for (int j = 0; j < 6; j++) {
        vector d[6];
        UNROLL
        for (int i = 0; i < 6; i++)
            d[i] = whole ? read_pixel(x, p, &m, i, j, k, lanes, how) : pixels[6 * i + j];
        input_line(d, half + j, 6);
    }
    UNROLL
    for (int i = 0; i < 6; i++) {
        vector points[6];
        input_line(half + 6 * i, points, 1);
        UNROLL
        for (int j = 0; j < 6; j++) store(out + (6 * i + j) * point_stride + k, points[j], lanes);
    }
}

ALWAYS_INLINE void input_tiles(const tci_conv *d, tci_tiling tiling, const tci_picture *x, int64_t first,
                               int64_t count, int64_t point_stride, float *out, reading how) {
    for (int64_t t = 0; t < count; t++, out += d->c) {
        place at = place_of(tiling, first + t);
        patch p = {at.n, d->h, d->w, d->c, at.h - d->pad_h, at.w - d->pad_w, 6};
        int64_t k = 0;
        if (is_whole(&p, how)) {
            for (; k + WIDTH <= d->c; k += WIDTH) input_tile(x, &p, k, WIDTH, how, true, out, point_stride);
        } else {
            for (; k + WIDTH <= d->c; k += WIDTH) input_tile(x, &p, k, WIDTH, how, false, out, point_stride);
        }
        if (k < d->c) input_tile(x, &p, k, d->c - k, how, false, out, point_stride);
    }
}

/* Calls tiles(..., how) with each way of reading as a constant. */
#define FOR_READING(picture, tiles, ...)                                                                     \
    do {                                                                                                     \
        switch (reading_of(picture)) {                                                                       \
        case READ_PLAIN:                                                                                     \
            tiles(__VA_ARGS__, READ_PLAIN);                                                                  \
            break;                                                                                           \
        case READ_MAP:                                                                                       \
            tiles(__VA_ARGS__, READ_MAP);                                                                    \
            break;                                                                                           \
        case READ_MAP_RELU:                                                                                  \
            tiles(__VA_ARGS__, READ_MAP_RELU);                                                               \
            break;                                                                                           \
        case READ_MAP_GELU:                                                                                  \
            tiles(__VA_ARGS__, READ_MAP_GELU);                                                               \
            break;                                                                                           \
        case READ_UNPOOL:                                                                                    \
            tiles(__VA_ARGS__, READ_UNPOOL);                                                                 \
            break;                                                                                           \
        }                                                                                                    \
    } while (0)

static void input(const tci_conv *d, tci_tiling tiling, const tci_picture *x, int64_t first, int64_t count,
                  int64_t point_stride, float *out) {
    FOR_READING(x, input_tiles, d, tiling, x, first, count, point_stride, out);
}

/* ---- Outputs, and what is done with them while they are in registers ---------------------------------- */

/* Adds the values of one tile, those that are `valid`, to the moments; the first tile's mean is the shift. */
ALWAYS_INLINE void gather(const tci_finish *f, bool is_first, const vector *y, uint32_t valid, int size,
                          int64_t k, int64_t lanes) {
    if (is_first) {
        vector sum = {0};
        UNROLL
        for (int i = 0; i < size; i++)
            if (valid >> i & 1) sum += y[i];
        store(f->shift + k, sum / (float)__builtin_popcount(valid), lanes);
        store(f->sum + k, (vector){0}, lanes);
        store(f->squares + k, (vector){0}, lanes);
    }
    vector shift = load(f->shift + k, lanes), sum[4] = {{0}}, squares[4] = {{0}};
    UNROLL
    for (int i = 0; i < size; i++) {
        if (!(valid >> i & 1)) continue;
        vector rest = y[i] - shift;
        sum[i % 4] += rest;
        squares[i % 4] += rest * rest;
    }
    store(f->sum + k, load(f->sum + k, lanes) + ((sum[0] + sum[1]) + (sum[2] + sum[3])), lanes);
    store(f->squares + k,
          load(f->squares + k, lanes) + ((squares[0] + squares[1]) + (squares[2] + squares[3])), lanes);
}

/* One vector of channels of one tile: A^T m A, then the finish. `rows` x `columns` of the 4 x 4 outputs lie
 * in the picture. */
ALWAYS_INLINE void output_tile(const float *in, int64_t point_stride, const tci_conv *d, place p, int64_t k,
                               int64_t lanes, const tci_finish *f, bool is_first, int64_t rows,
                               int64_t columns, bool pool, float *picture) {
    vector half[24], y[16];
    UNROLL
    for (int j = 0; j < 6; j++) {
        vector points[6];
        UNROLL
        for (int i = 0; i < 6; i++) points[i] = load(in + (6 * i + j) * point_stride + k, lanes);
        output_line(points, half + j, 6);
    }
    UNROLL
    for (int i = 0; i < 4; i++) output_line(half + 6 * i, y + 4 * i, 1);
    vector bias = f->bias ? load(f->bias + k, lanes) : (vector){0};
    uint32_t valid = 0;
    if (pool) {
        vector best[4];
        UNROLL
        for (int q = 0; q < 4; q++) {
            int corner = q / 2 * 8 + q % 2 * 2;
            vector window[4];
            mask winner;
            UNROLL
            for (int i = 0; i < 4; i++) window[i] = y[corner + i / 2 * 4 + i % 2] + bias;
            vector v = vector_max_of_four(window, &winner);
            best[q] = f->relu ? vector_relu(v) : v;
            if (q / 2 * 2 + 1 >= rows || q % 2 * 2 + 1 >= columns) continue;
            valid |= 1u << q;
            int64_t at = ((p.h / 2 + q / 2) * (d->ow / 2) + p.w / 2 + q % 2) * d->o + k;
            store(picture + at, best[q], lanes);
            store_winners(f->winners + p.n * (d->oh / 2) * (d->ow / 2) * d->o + at, winner, lanes);
        }
        if (f->shift) gather(f, is_first, best, valid, 4, k, lanes);
        return;
    }
    UNROLL
    for (int i = 0; i < 16; i++) {
        if (i / 4 >= rows || i % 4 >= columns) continue;
        valid |= 1u << i;
        float *to = picture + ((p.h + i / 4) * d->ow + p.w + i % 4) * d->o + k;
        y[i] += bias;
        if (f->accumulate) y[i] += load(to, lanes);
        if (f->relu) y[i] = vector_relu(y[i]);
        store(to, y[i], lanes);
    }
    if (f->shift) gather(f, is_first, y, valid, 16, k, lanes);
}

ALWAYS_INLINE void output_tiles(const tci_conv *d, tci_tiling tiling, const float *in, int64_t first,
                                int64_t count, int64_t point_stride, const tci_finish *f, float *y,
                                bool pool) {
    int64_t size = pool ? (d->oh / 2) * (d->ow / 2) * d->o : d->oh * d->ow * d->o;
    bool is_first = true; /* of the tiles whose values count */
    for (int64_t t = 0; t < count; t++, in += d->o) {
        place p = place_of(tiling, first + t);
        float *picture = y + p.n * size;
        int64_t rows = tci_min(4, d->oh - p.h), columns = tci_min(4, d->ow - p.w), k = 0;
        if (pool && (rows < 2 || columns < 2)) continue;
        if (rows == 4 && columns == 4) {
            for (; k + WIDTH <= d->o; k += WIDTH)
                output_tile(in, point_stride, d, p, k, WIDTH, f, is_first, 4, 4, pool, picture);
        } else {
            for (; k + WIDTH <= d->o; k += WIDTH)
                output_tile(in, point_stride, d, p, k, WIDTH, f, is_first, rows, columns, pool, picture);
        }
        if (k < d->o)
            output_tile(in, point_stride, d, p, k, d->o - k, f, is_first, rows, columns, pool, picture);
        is_first = false;
    }
}

static void output(const tci_conv *d, tci_tiling tiling, const float *in, int64_t first, int64_t count,
                   int64_t point_stride, const tci_finish *f, float *y) {
    if (f->winners)
        output_tiles(d, tiling, in, first, count, point_stride, f, y, true);
    else
        output_tiles(d, tiling, in, first, count, point_stride, f, y, false);
}

/* ---- Weights and their gradient ----------------------------------------------------------------------- */

static void weight(const float *w, int64_t tap_stride, int64_t columns, int64_t width, float *out,
                   int64_t point_stride) {
    for (int64_t k = 0; k < width; k += WIDTH) {
        int64_t lanes = tci_max(0, tci_min(WIDTH, columns - k));
        vector half[18];
        UNROLL
        for (int j = 0; j < 3; j++) {
            vector taps[3];
            UNROLL
            for (int i = 0; i < 3; i++) taps[i] = load(w + (3 * i + j) * tap_stride + k, lanes);
            weight_line(taps, half + j, 3);
        }
        UNROLL
        for (int i = 0; i < 6; i++) {
            vector points[6];
            weight_line(half + 3 * i, points, 1);
            UNROLL
            for (int j = 0; j < 6; j++) *(vector *)(out + (6 * i + j) * point_stride + k) = points[j];
        }
    }
}

ALWAYS_INLINE void gradient_tile(const tci_picture *dy, const patch *p, int64_t k, int64_t lanes, reading how,
                                 bool whole, float *out, int64_t point_stride) {
    vector half[24], pixels[16];
    if (!whole) read_patch(dy, p, NULL, k, lanes, how, pixels);
    UNROLL
    for (int j = 0; j < 4; j++) {
        vector d[4];
        UNROLL
        for (int i = 0; i < 4; i++)
            d[i] = whole ? read_pixel(dy, p, NULL, i, j, k, lanes, how) : pixels[4 * i + j];
        gradient_line(d, half + j, 4);
    }
    UNROLL
    for (int i = 0; i < 6; i++) {
        vector points[6];
        gradient_line(half + 4 * i, points, 1);
        UNROLL
        for (int j = 0; j < 6; j++) store(out + (6 * i + j) * point_stride + k, points[j], WIDTH);
    }
}

ALWAYS_INLINE void gradient_tiles(const tci_conv *d, tci_tiling tiling, const tci_picture *dy, int64_t first,
                                  int64_t count, int64_t point_stride, int64_t o_stride, float *out,
                                  reading how) {
    for (int64_t t = 0; t < count; t++, out += o_stride) {
        place at = place_of(tiling, first + t);
        patch p = {at.n, d->oh, d->ow, d->o, at.h, at.w, 4};
        int64_t k = 0;
        if (is_whole(&p, how)) {
            for (; k + WIDTH <= d->o; k += WIDTH)
                gradient_tile(dy, &p, k, WIDTH, how, true, out, point_stride);
        } else {
            for (; k + WIDTH <= d->o; k += WIDTH)
                gradient_tile(dy, &p, k, WIDTH, how, false, out, point_stride);
        }
        if (k < d->o) gradient_tile(dy, &p, k, d->o - k, how, false, out, point_stride);
    }
}

static void gradient(const tci_conv *d, tci_tiling tiling, const tci_picture *dy, int64_t first,
                     int64_t count, int64_t point_stride, int64_t o_stride, float *out) {
    if (dy->winners)
        gradient_tiles(d, tiling, dy, first, count, point_stride, o_stride, out, READ_UNPOOL);
    else
        gradient_tiles(d, tiling, dy, first, count, point_stride, o_stride, out, READ_PLAIN);
}

static void weight_gradient(const float *in, int64_t point_stride, float *dw, int64_t tap_stride) {
    vector half[18];
    UNROLL
    for (int j = 0; j < 6; j++) {
        vector points[6];
        UNROLL
        for (int i = 0; i < 6; i++) points[i] = *(const vector *)(in + (6 * i + j) * point_stride);
        weight_gradient_line(points, half + j, 6);
    }
    UNROLL
    for (int i = 0; i < 3; i++) {
        vector taps[3];
        weight_gradient_line(half + 6 * i, taps, 1);
        UNROLL
        for (int j = 0; j < 3; j++) *(vector *)(dw + (3 * i + j) * tap_stride) = taps[j];
    }
}

const tci_winograd TCI_TABLE(tci_winograd) = {
    .input = input,
    .output = output,
    .weight = weight,
    .gradient = gradient,
    .weight_gradient = weight_gradient,
};
