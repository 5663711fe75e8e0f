/* arith.h - sums and products of sizes that notice when they do not fit. */
#ifndef TCI_ARITH_H
#define TCI_ARITH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* False when a * b does not fit into size_t; *out is then undefined. */
static inline bool tci_mul_size(size_t a, size_t b, size_t *out) {
    *out = a * b;
    return b == 0 || a <= SIZE_MAX / b;
}

static inline bool tci_add_size(size_t a, size_t b, size_t *out) {
    *out = a + b;
    return a <= SIZE_MAX - b;
}

static inline int64_t tci_ceil_div(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

static inline int64_t tci_round_up(int64_t n, int64_t multiple) {
    return tci_ceil_div(n, multiple) * multiple;
}

static inline int64_t tci_min(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static inline int64_t tci_max(int64_t a, int64_t b) {
    return a > b ? a : b;
}

#endif
