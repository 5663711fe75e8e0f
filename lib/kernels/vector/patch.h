/* patch.h - reading the pixels of a square patch of a picture, some of which may lie outside of it.
 *
 * How a pixel is read is a constant of each instance of the loop around it: as it is, through a map (map.h),
 * or unpooled. Unpooling reads the gradient of 2 x 2 max pooling: pixel (h, w) has that of its window if it
 * was the winner there, else zero. */
#ifndef TCI_PATCH_H
#define TCI_PATCH_H

#include "arith.h"
#include "through.h"
#include "winners.h"
#include "winograd.h"

typedef enum reading { READ_PLAIN, READ_MAP, READ_MAP_RELU, READ_MAP_GELU, READ_UNPOOL } reading;

static reading reading_of(const tci_picture *x) {
    if (x->winners) return READ_UNPOOL;
    if (!x->map) return READ_PLAIN;
    return x->map->activation == TCI_MAP_RELU   ? READ_MAP_RELU
           : x->map->activation == TCI_MAP_GELU ? READ_MAP_GELU
                                                : READ_MAP;
}

/* A size x size patch at (h, w), which may be negative, of picture n of (N, height, width, c). */
typedef struct patch {
    int64_t n, height, width, c, h, w;
    int size;
} patch;

/* True if all of it lies in the picture, and each pixel has a place of its own. */
ALWAYS_INLINE bool is_whole(const patch *p, reading how) {
    return how != READ_UNPOOL && p->h >= 0 && p->h + p->size <= p->height && p->w >= 0 &&
           p->w + p->size <= p->width;
}

/* The activation of a reading through a map. */
ALWAYS_INLINE tci_map_activation activation_of(reading how) {
    return how == READ_MAP_RELU ? TCI_MAP_RELU : how == READ_MAP_GELU ? TCI_MAP_GELU : TCI_MAP_NONE;
}

ALWAYS_INLINE bool is_mapped(reading how) {
    return how != READ_PLAIN && how != READ_UNPOOL;
}

/* Pixel (i, j) of a whole patch, channels from k on. */
ALWAYS_INLINE vector read_pixel(const tci_picture *x, const patch *p, const map_lanes *m, int i, int j,
                                int64_t k, int64_t lanes, reading how) {
    const float *corner = x->data + ((p->n * p->height + p->h) * p->width + p->w) * p->c + k;
    vector v = load(corner + (i * p->width + j) * p->c, lanes);
    return is_mapped(how) ? through(m, v, activation_of(how)) : v;
}

/* The pixels of a patch that is not whole; zeros outside. */
ALWAYS_INLINE void read_patch(const tci_picture *x, const patch *p, const map_lanes *m, int64_t k,
                              int64_t lanes, reading how, vector *pixels) {
    for (int i = 0; i < p->size * p->size; i++) pixels[i] = (vector){0};
    int64_t top = p->h < 0 ? -p->h : 0, left = p->w < 0 ? -p->w : 0, size = p->size;
    if (how != READ_UNPOOL) {
        int64_t bottom = tci_min(size, p->height - p->h), right = tci_min(size, p->width - p->w);
        for (int64_t i = top; i < bottom; i++) {
            const float *row = x->data + ((p->n * p->height + p->h + i) * p->width + p->w) * p->c + k;
            for (int64_t j = left; j < right; j++) {
                vector v = load(row + j * p->c, lanes);
                pixels[i * size + j] = is_mapped(how) ? through(m, v, activation_of(how)) : v;
            }
        }
        return;
    }
    int64_t high = p->height / 2, wide = p->width / 2;
    int64_t bottom = tci_min(high, (p->h + size + 1) / 2), right = tci_min(wide, (p->w + size + 1) / 2);
    for (int64_t i = (p->h + top) / 2; i < bottom; i++) {
        for (int64_t j = (p->w + left) / 2; j < right; j++) {
            int64_t at = ((p->n * high + i) * wide + j) * p->c + k, row = 2 * i - p->h, column = 2 * j - p->w;
            mask dy = (mask)load(x->data + at, lanes), winner = load_winners(x->winners + at, lanes);
            for (int q = 0; q < 4; q++) {
                int64_t r = row + q / 2, c = column + q % 2;
                if (r >= 0 && r < size && c >= 0 && c < size)
                    pixels[r * size + c] = (vector)(dy & (winner == q));
            }
        }
    }
}

#endif
