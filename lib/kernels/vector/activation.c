/* activation.c - element by element. NaN is handed on: relu is written x < 0 ? 0 : x, which is false for NaN.
 */
#include "activation.h"

#include "philox.h"
#include "through.h"

/* dx[i] = value or dx[i] += value; the test is taken out of the loop by the compiler. */
#define STORE(dx, i, value) (dx)[i] = accumulate ? (dx)[i] + (value) : (value)

static void relu(const float *restrict x, float *restrict y, int64_t n) {
    for (int64_t i = 0; i < n; i++) y[i] = x[i] < 0.0f ? 0.0f : x[i];
}

/* The output tells where the input was not positive. */
static void relu_backward(const float *y, const float *dy, float *dx, int64_t n, bool accumulate) {
    for (int64_t i = 0; i < n; i++) STORE(dx, i, y[i] <= 0.0f ? 0.0f : dy[i]);
}

static void leaky_relu(const float *restrict x, float *restrict y, int64_t n, float slope) {
    for (int64_t i = 0; i < n; i++) y[i] = x[i] > 0.0f ? x[i] : slope * x[i];
}

static void leaky_relu_backward(const float *restrict x, const float *restrict dy, float *restrict dx,
                                int64_t n, float slope, bool accumulate) {
    for (int64_t i = 0; i < n; i++) STORE(dx, i, x[i] > 0.0f ? dy[i] : slope * dy[i]);
}

/* y = f(x) and dx = dy slope(x), vector by vector: what is left at the end goes the same way, so that an
 * element's result doesn't depend on its place. */
ALWAYS_INLINE void apply(vector (*f)(vector), const float *x, float *y, int64_t n) {
    for (int64_t i = 0; i < n; i += WIDTH) store(y + i, f(load(x + i, n - i)), n - i);
}

ALWAYS_INLINE void apply_backward(vector (*slope)(vector), const float *x, const float *dy, float *dx,
                                  int64_t n, bool accumulate) {
    for (int64_t i = 0; i < n; i += WIDTH) {
        vector value = load(dy + i, n - i) * slope(load(x + i, n - i));
        if (accumulate) value += load(dx + i, n - i);
        store(dx + i, value, n - i);
    }
}

static void gelu(const float *x, float *y, int64_t n) {
    apply(vector_gelu, x, y, n);
}

static void gelu_backward(const float *x, const float *dy, float *dx, int64_t n, bool accumulate) {
    apply_backward(vector_gelu_slope, x, dy, dx, n, accumulate);
}

static void gelu_tanh(const float *x, float *y, int64_t n) {
    apply(vector_gelu_tanh, x, y, n);
}

static void gelu_tanh_backward(const float *x, const float *dy, float *dx, int64_t n, bool accumulate) {
    apply_backward(vector_gelu_tanh_slope, x, dy, dx, n, accumulate);
}

static void silu(const float *x, float *y, int64_t n) {
    apply(vector_silu, x, y, n);
}

static void silu_backward(const float *x, const float *dy, float *dx, int64_t n, bool accumulate) {
    apply_backward(vector_silu_slope, x, dy, dx, n, accumulate);
}

/* One of the two terms; which way it is read does not change within a tensor. */
ALWAYS_INLINE vector term(const float *x, const tci_map *map, int64_t k, int64_t lanes) {
    vector v = load(x + k, lanes);
    if (!map) return v;
    map_lanes m = load_map(map, k, lanes);
    return map->activation == TCI_MAP_RELU   ? through(&m, v, TCI_MAP_RELU)
           : map->activation == TCI_MAP_GELU ? through(&m, v, TCI_MAP_GELU)
                                             : through(&m, v, TCI_MAP_NONE);
}

static void add(const float *a, const tci_map *map_a, const float *b, const tci_map *map_b, float *y,
                int64_t rows, int64_t c, bool with_relu) {
    for (int64_t r = 0; r < rows; r++, a += c, b += c, y += c) {
        for (int64_t k = 0; k < c; k += WIDTH) {
            vector sum = term(a, map_a, k, c - k) + term(b, map_b, k, c - k);
            store(y + k, with_relu ? vector_relu(sum) : sum, c - k);
        }
    }
}

static void scale(const float *restrict x, float *restrict y, int64_t n, float factor, bool accumulate) {
    for (int64_t i = 0; i < n; i++) STORE(y, i, factor * x[i]);
}

static void scaled_difference(const float *x, const float *z, float *restrict y, int64_t n, float factor,
                              bool accumulate) {
    for (int64_t i = 0; i < n; i++) STORE(y, i, (x[i] - z[i]) * factor);
}

static double squared_distance(const float *x, const float *z, int64_t n) {
    double sum = 0.0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < n; i++) {
        double d = (double)x[i] - (double)z[i];
        sum += d * d;
    }
    return sum;
}

/* Four elements a Philox block: element e takes lane e mod 4 of block e / 4, and stays if its number is at
 * least p. The blocks of a stretch are made side by side, which the compiler turns into vectors. */
enum { BLOCKS = 32 };

static void dropout(const float *x, float *y, int64_t first, int64_t n, float p, const uint32_t key[2],
                    bool accumulate) {
    float keep = p < 1.0f ? 1.0f / (1.0f - p) : 0.0f;
    uint32_t random[4 * BLOCKS];
    for (int64_t done = 0; done < n;) {
        uint64_t index = (uint64_t)(first + done) / 4;
        for (uint64_t b = 0; b < BLOCKS; b++)
            tci_philox4x32((uint32_t[]){(uint32_t)(index + b), (uint32_t)((index + b) >> 32), 0, 0}, key,
                           random + 4 * b);
        const uint32_t *r = random + (first + done) % 4;
        int64_t count = 4 * BLOCKS - (first + done) % 4;
        if (count > n - done) count = n - done;
        for (int64_t i = 0; i < count; i++) {
            bool stays = (float)(r[i] >> 8) * 0x1p-24f >= p;
            STORE(y, done + i, stays ? x[done + i] * keep : 0.0f);
        }
        done += count;
    }
}

const tci_activation TCI_TABLE(tci_activation) = {
    .relu = relu,
    .relu_backward = relu_backward,
    .leaky_relu = leaky_relu,
    .leaky_relu_backward = leaky_relu_backward,
    .gelu = gelu,
    .gelu_backward = gelu_backward,
    .gelu_tanh = gelu_tanh,
    .gelu_tanh_backward = gelu_tanh_backward,
    .silu = silu,
    .silu_backward = silu_backward,
    .add = add,
    .scale = scale,
    .scaled_difference = scaled_difference,
    .squared_distance = squared_distance,
    .dropout = dropout,
};
