/* activation.h - element by element: activations, sums, scaling. All arrays hold n floats. The backward
 * functions add to dx if `accumulate` is true and overwrite it otherwise. */
#ifndef TCI_ACTIVATION_H
#define TCI_ACTIVATION_H

#include <stdbool.h>
#include <stdint.h>

#include "dispatch.h"
#include "map.h"

typedef struct tci_activation {
    void (*relu)(const float *x, float *y, int64_t n);
    void (*relu_backward)(const float *y, const float *dy, float *dx, int64_t n, bool accumulate);
    void (*leaky_relu)(const float *x, float *y, int64_t n, float slope);
    void (*leaky_relu_backward)(const float *x, const float *dy, float *dx, int64_t n, float slope,
                                bool accumulate);
    void (*gelu)(const float *x, float *y, int64_t n);
    void (*gelu_backward)(const float *x, const float *dy, float *dx, int64_t n, bool accumulate);
    void (*gelu_tanh)(const float *x, float *y, int64_t n);
    void (*gelu_tanh_backward)(const float *x, const float *dy, float *dx, int64_t n, bool accumulate);
    void (*silu)(const float *x, float *y, int64_t n);
    void (*silu_backward)(const float *x, const float *dy, float *dx, int64_t n, bool accumulate);
    /* y = a + b, or relu(a + b); a and b (rows, c), each read through its map if that is not NULL */
    void (*add)(const float *a, const tci_map *map_a, const float *b, const tci_map *map_b, float *y,
                int64_t rows, int64_t c, bool relu);
    /* y = factor x, or y += factor x */
    void (*scale)(const float *x, float *y, int64_t n, float factor, bool accumulate);
    /* y = (x - z) factor, or y += it */
    void (*scaled_difference)(const float *x, const float *z, float *y, int64_t n, float factor,
                              bool accumulate);
    /* sum of (x - z)^2 */
    double (*squared_distance)(const float *x, const float *z, int64_t n);
    /* Dropout: element first + i of the sequence that `key` names stays, divided by 1 - p, or becomes 0. */
    void (*dropout)(const float *x, float *y, int64_t first, int64_t n, float p, const uint32_t key[2],
                    bool accumulate);
} tci_activation;

TCI_FAMILY(tci_activation)

#endif
