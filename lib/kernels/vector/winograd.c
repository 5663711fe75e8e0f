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
#include "vectors.h"

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

/* ---- One dimension; `s` is the distance between the vectors of a line --------------------------------- */

/* out = B^T d: six to six. */
ALWAYS_INLINE void input_line(const vector *d, int s, vector *out, int t) {
    vector d0 = d[0], d1 = d[s], d2 = d[2 * s], d3 = d[3 * s], d4 = d[4 * s], d5 = d[5 * s];
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
ALWAYS_INLINE void output_line(const vector *m, int s, vector *out, int t) {
    vector sum_a = m[s] + m[2 * s], difference_a = m[s] - m[2 * s];
    vector sum_b = m[3 * s] + m[4 * s], difference_b = m[3 * s] - m[4 * s];
    out[0] = m[0] + sum_a + sum_b;
    out[t] = A1 * difference_a + B1 * difference_b;
    out[2 * t] = A2 * sum_a + B2 * sum_b;
    out[3 * t] = A3 * difference_a + B3 * difference_b + m[5 * s];
}

/* out = G g: three to six. */
ALWAYS_INLINE void weight_line(const vector *g, int s, vector *out, int t) {
    vector g0 = g[0], g1 = g[s], g2 = g[2 * s];
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
ALWAYS_INLINE void gradient_line(const vector *g, int s, vector *out, int t) {
    vector g0 = g[0], g1 = g[s], g2 = g[2 * s], g3 = g[3 * s];
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
ALWAYS_INLINE void weight_gradient_line(const vector *m, int s, vector *out, int t) {
    vector sum_a = m[s] + m[2 * s], difference_a = m[s] - m[2 * s];
    vector sum_b = m[3 * s] + m[4 * s], difference_b = m[3 * s] - m[4 * s];
    out[0] = m[0] + sum_a + sum_b;
    out[t] = A1 * difference_a + B1 * difference_b;
    out[2 * t] = A2 * sum_a + B2 * sum_b + m[5 * s];
}

/* ---- Two dimensions ----------------------------------------------------------------------------------- */

/* Where a tile lies: picture, and its first input row and column (may be negative) or first output row and
 * column. */
typedef struct place {
    int64_t n, h, w;
} place;

static place place_of(tci_tiling tiling, int64_t t) {
    int64_t each = tiling.rows * tiling.columns;
    return (place){t / each, t % each / tiling.columns * TCI_WINOGRAD_TILE,
                   t % tiling.columns * TCI_WINOGRAD_TILE};
}

/* Reads a rows x rows patch at (h, w) of a picture (height, width, c), channel k on; zeros outside. */
ALWAYS_INLINE void read_patch(const float *picture, int64_t height, int64_t width, int64_t c, int64_t h,
                              int64_t w, int64_t k, int64_t lanes, int rows, vector *patch) {
    const float *corner = picture + (h * width + w) * c + k;
    if (h >= 0 && h + rows <= height && w >= 0 && w + rows <= width) {
        UNROLL
        for (int i = 0; i < rows; i++) {
            UNROLL
            for (int j = 0; j < rows; j++) patch[i * rows + j] = load(corner + (i * width + j) * c, lanes);
        }
        return;
    }
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < rows; j++) {
            bool inside = h + i >= 0 && h + i < height && w + j >= 0 && w + j < width;
            patch[i * rows + j] = inside ? load(corner + (i * width + j) * c, lanes) : (vector){0};
        }
    }
}

ALWAYS_INLINE void input_tile(const float *picture, const tci_conv *d, place p, int64_t k, int64_t lanes,
                              float *out, int64_t point_stride) {
    vector patch[36], half[36], points[36];
    read_patch(picture, d->h, d->w, d->c, p.h - d->pad_h, p.w - d->pad_w, k, lanes, 6, patch);
    UNROLL
    for (int j = 0; j < 6; j++) input_line(patch + j, 6, half + j, 6);
    UNROLL
    for (int i = 0; i < 6; i++) input_line(half + 6 * i, 1, points + 6 * i, 1);
    UNROLL
    for (int i = 0; i < 36; i++) store(out + i * point_stride, points[i], lanes);
}

static void input(const tci_conv *d, tci_tiling tiling, const float *x, int64_t first, int64_t count,
                  int64_t stride, float *out) {
    for (int64_t t = 0; t < count; t++) {
        place p = place_of(tiling, first + t);
        const float *picture = x + p.n * d->h * d->w * d->c;
        int64_t k = 0;
        for (; k + WIDTH <= d->c; k += WIDTH)
            input_tile(picture, d, p, k, WIDTH, out + t * d->c + k, stride * d->c);
        if (k < d->c) input_tile(picture, d, p, k, d->c - k, out + t * d->c + k, stride * d->c);
    }
}

typedef struct finish {
    const float *bias;
    bool relu, accumulate;
} finish;

ALWAYS_INLINE void output_tile(const float *in, int64_t point_stride, const tci_conv *d, place p, int64_t k,
                               int64_t lanes, finish f, float *picture) {
    vector points[36], half[24], y[16];
    UNROLL
    for (int i = 0; i < 36; i++) points[i] = load(in + i * point_stride, lanes);
    UNROLL
    for (int j = 0; j < 6; j++) output_line(points + j, 6, half + j, 6);
    UNROLL
    for (int i = 0; i < 4; i++) output_line(half + 6 * i, 1, y + 4 * i, 1);
    vector bias = f.bias ? load(f.bias + k, lanes) : (vector){0};
    int64_t rows = tci_min(4, d->oh - p.h), columns = tci_min(4, d->ow - p.w);
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t j = 0; j < columns; j++) {
            float *to = picture + ((p.h + i) * d->ow + p.w + j) * d->o + k;
            vector value = y[4 * i + j] + bias;
            if (f.accumulate) value += load(to, lanes);
            if (f.relu) value = vector_relu(value);
            store(to, value, lanes);
        }
    }
}

static void output(const tci_conv *d, tci_tiling tiling, const float *in, int64_t first, int64_t count,
                   int64_t stride, const float *bias, bool relu, bool accumulate, float *y) {
    finish f = {bias, relu, accumulate};
    for (int64_t t = 0; t < count; t++) {
        place p = place_of(tiling, first + t);
        float *picture = y + p.n * d->oh * d->ow * d->o;
        int64_t k = 0;
        for (; k + WIDTH <= d->o; k += WIDTH)
            output_tile(in + t * d->o + k, stride * d->o, d, p, k, WIDTH, f, picture);
        if (k < d->o) output_tile(in + t * d->o + k, stride * d->o, d, p, k, d->o - k, f, picture);
    }
}

static void weight(const float *w, int64_t tap_stride, int64_t columns, float *out, int64_t point_stride) {
    for (int64_t k = 0; k < columns; k += WIDTH) {
        int64_t lanes = tci_min(WIDTH, columns - k);
        vector taps[9], half[18], points[36];
        for (int i = 0; i < 9; i++) taps[i] = load(w + i * tap_stride + k, lanes);
        for (int j = 0; j < 3; j++) weight_line(taps + j, 3, half + j, 3);
        for (int i = 0; i < 6; i++) weight_line(half + 3 * i, 1, points + 6 * i, 1);
        for (int i = 0; i < 36; i++) store(out + i * point_stride + k, points[i], lanes);
    }
}

ALWAYS_INLINE void gradient_tile(const float *picture, const tci_conv *d, place p, int64_t k, int64_t lanes,
                                 float *out, int64_t point_stride) {
    vector patch[16], half[24], points[36];
    read_patch(picture, d->oh, d->ow, d->o, p.h, p.w, k, lanes, 4, patch);
    UNROLL
    for (int j = 0; j < 4; j++) gradient_line(patch + j, 4, half + j, 4);
    UNROLL
    for (int i = 0; i < 6; i++) gradient_line(half + 4 * i, 1, points + 6 * i, 1);
    UNROLL
    for (int i = 0; i < 36; i++) store(out + i * point_stride, points[i], WIDTH);
}

static void gradient(const tci_conv *d, tci_tiling tiling, const float *dy, int64_t first, int64_t count,
                     int64_t stride, int64_t o_stride, float *out) {
    for (int64_t t = 0; t < count; t++) {
        place p = place_of(tiling, first + t);
        const float *picture = dy + p.n * d->oh * d->ow * d->o;
        int64_t k = 0;
        for (; k + WIDTH <= d->o; k += WIDTH)
            gradient_tile(picture, d, p, k, WIDTH, out + t * o_stride + k, stride * o_stride);
        if (k < d->o) gradient_tile(picture, d, p, k, d->o - k, out + t * o_stride + k, stride * o_stride);
    }
}

static void weight_gradient(const float *in, int64_t point_stride, int64_t columns, float *dw,
                            int64_t tap_stride) {
    for (int64_t k = 0; k < columns; k += WIDTH) {
        int64_t lanes = tci_min(WIDTH, columns - k);
        vector points[36], half[18], taps[9];
        for (int i = 0; i < 36; i++) points[i] = load(in + i * point_stride + k, lanes);
        for (int j = 0; j < 6; j++) weight_gradient_line(points + j, 6, half + j, 6);
        for (int i = 0; i < 3; i++) weight_gradient_line(half + 6 * i, 1, taps + 3 * i, 1);
        for (int i = 0; i < 9; i++) store(dw + i * tap_stride + k, taps[i], lanes);
    }
}

const tci_winograd TCI_TABLE(tci_winograd) = {
    .input = input,
    .output = output,
    .weight = weight,
    .gradient = gradient,
    .weight_gradient = weight_gradient,
};
