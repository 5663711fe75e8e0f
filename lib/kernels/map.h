/* map.h - an element-wise function of channel and value that has not been applied to a tensor yet.
 *
 * Batch norm and the activation after it change each element by itself. Written out, that costs memory for a
 * second copy of the tensor and the time to write and read it; instead the operation that comes next reads
 * its input x as activation((x - mean[c]) * scale[c] + shift[c]). */
#ifndef TCI_MAP_H
#define TCI_MAP_H

typedef enum tci_map_activation { TCI_MAP_NONE, TCI_MAP_RELU, TCI_MAP_GELU } tci_map_activation;

typedef struct tci_map {
    const float *mean, *scale, *shift; /* (C) */
    tci_map_activation activation;
} tci_map;

#endif
