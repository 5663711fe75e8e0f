/* through.h - a map (map.h) applied to a vector. The activation is a constant of each instance of the loop
 * around it. */
#ifndef TCI_THROUGH_H
#define TCI_THROUGH_H

#include "map.h"
#include "vector_math.h"

/* The map's numbers for the channels of one vector. */
typedef struct map_lanes {
    vector mean, scale, shift;
} map_lanes;

ALWAYS_INLINE map_lanes load_map(const tci_map *map, int64_t k, int64_t lanes) {
    return (map_lanes){load(map->mean + k, lanes), load(map->scale + k, lanes), load(map->shift + k, lanes)};
}

ALWAYS_INLINE vector through(const map_lanes *m, vector x, tci_map_activation activation) {
    vector z = (x - m->mean) * m->scale + m->shift;
    return activation == TCI_MAP_RELU ? vector_relu(z) : activation == TCI_MAP_GELU ? vector_gelu(z) : z;
}

/* dy times the slope of the activation. */
ALWAYS_INLINE vector back_through(const map_lanes *m, vector x, vector dy, tci_map_activation activation) {
    vector z = (x - m->mean) * m->scale + m->shift;
    if (activation == TCI_MAP_RELU) return (vector)((mask)dy & ~(z <= 0.0f));
    if (activation == TCI_MAP_GELU) return dy * vector_gelu_slope(z);
    return dy;
}

/* Calls body(..., activation) with the map's activation as a constant. */
#define FOR_ACTIVATION(map, body, ...)                                                                       \
    do {                                                                                                     \
        switch ((map)->activation) {                                                                         \
        case TCI_MAP_NONE:                                                                                   \
            body(__VA_ARGS__, TCI_MAP_NONE);                                                                 \
            break;                                                                                           \
        case TCI_MAP_RELU:                                                                                   \
            body(__VA_ARGS__, TCI_MAP_RELU);                                                                 \
            break;                                                                                           \
        case TCI_MAP_GELU:                                                                                   \
            body(__VA_ARGS__, TCI_MAP_GELU);                                                                 \
            break;                                                                                           \
        }                                                                                                    \
    } while (0)

#endif
