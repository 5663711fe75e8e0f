/* normalization.c - sums over rows, kept in one accumulator a column so that the loops run along memory. */
#include "normalization.h"

#include "through.h"

static void column_sums(const float *x, int64_t rows, int64_t c, float *restrict sum) {
    memset(sum, 0, sizeof(float) * (size_t)c);
    for (int64_t r = 0; r < rows; r++) {
        const float *restrict row = x + r * c;
        for (int64_t k = 0; k < c; k++) sum[k] += row[k];
    }
}

static void sum_parts(const float *parts, int64_t count, int64_t stride, int64_t n, float *restrict total,
                      bool accumulate) {
    if (!accumulate) memset(total, 0, sizeof(float) * (size_t)n);
    for (int64_t p = 0; p < count; p++) {
        const float *restrict part = parts + p * stride;
        for (int64_t i = 0; i < n; i++) total[i] += part[i];
    }
}

static void add_bias(float *y, int64_t rows, int64_t c, const float *restrict bias, bool relu) {
    for (int64_t r = 0; r < rows; r++) {
        float *restrict out = y + r * c;
        for (int64_t k = 0; bias && k < c; k++) out[k] += bias[k];
        for (int64_t k = 0; relu && k < c; k++) out[k] = out[k] < 0.0f ? 0.0f : out[k];
    }
}

/* Two passes over a block that is still in cache: no cancellation as in E[x^2] - E[x]^2. */
static void moments(const float *x, int64_t rows, int64_t c, float *restrict mean, float *restrict rest,
                    float *restrict m2) {
    column_sums(x, rows, c, mean);
    for (int64_t k = 0; k < c; k++) mean[k] /= (float)rows;
    memset(rest, 0, sizeof(float) * (size_t)c);
    memset(m2, 0, sizeof(float) * (size_t)c);
    for (int64_t r = 0; r < rows; r++) {
        const float *restrict row = x + r * c;
        for (int64_t k = 0; k < c; k++) {
            float d = row[k] - mean[k];
            rest[k] += d;
            m2[k] += d * d;
        }
    }
}

ALWAYS_INLINE void apply_to(const tci_map *map, const float *x, int64_t rows, int64_t c, float *y,
                            tci_map_activation activation) {
    for (int64_t r = 0; r < rows; r++, x += c, y += c) {
        for (int64_t k = 0; k < c; k += WIDTH) {
            map_lanes m = load_map(map, k, c - k);
            store(y + k, through(&m, load(x + k, c - k), activation), c - k);
        }
    }
}

static void apply(const tci_map *map, const float *x, int64_t rows, int64_t c, float *y) {
    FOR_ACTIVATION(map, apply_to, map, x, rows, c, y);
}

ALWAYS_INLINE void sums_of(const tci_map *map, const float *x, const float *dy, int64_t rows, int64_t c,
                           float *g, float *sum_g, float *sum_gx, tci_map_activation activation) {
    for (int64_t r = 0; r < rows; r++, x += c, dy += c, g += c) {
        for (int64_t k = 0; k < c; k += WIDTH) {
            int64_t lanes = c - k;
            map_lanes m = load_map(map, k, lanes);
            vector in = load(x + k, lanes), grad = back_through(&m, in, load(dy + k, lanes), activation);
            if (activation != TCI_MAP_NONE) store(g + k, grad, lanes);
            store(sum_g + k, load(sum_g + k, lanes) + grad, lanes);
            store(sum_gx + k, load(sum_gx + k, lanes) + grad * (in - m.mean), lanes);
        }
    }
}

static void gradient_sums(const tci_map *map, const float *x, const float *dy, int64_t rows, int64_t c,
                          float *g, float *sum_g, float *sum_gx) {
    memset(sum_g, 0, sizeof(float) * (size_t)c);
    memset(sum_gx, 0, sizeof(float) * (size_t)c);
    FOR_ACTIVATION(map, sums_of, map, x, dy, rows, c, g, sum_g, sum_gx);
}

static void gradient(const float *x, const float *g, int64_t rows, int64_t c, const float *restrict mean,
                     const float *restrict a, const float *restrict b, const float *restrict d, float *dx,
                     bool accumulate) {
    for (int64_t r = 0; r < rows; r++, x += c, g += c, dx += c) {
        for (int64_t k = 0; k < c; k += WIDTH) {
            int64_t lanes = c - k;
            vector rest = load(x + k, lanes) - load(mean + k, lanes);
            vector value =
                load(g + k, lanes) * load(a + k, lanes) + (rest * load(b + k, lanes) + load(d + k, lanes));
            if (accumulate) value += load(dx + k, lanes);
            store(dx + k, value, lanes);
        }
    }
}

const tci_normalization TCI_TABLE(tci_normalization) = {
    .column_sums = column_sums,
    .sum_parts = sum_parts,
    .add_bias = add_bias,
    .moments = moments,
    .apply = apply,
    .gradient_sums = gradient_sums,
    .gradient = gradient,
};
