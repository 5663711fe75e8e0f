/* conv.h - two-dimensional convolution of (N, H, W, C) pictures.
 *
 * Weights lie as (O, KH, KW, C / groups). Every algorithm offers the same three passes; conv.c is the one
 * place that chooses among them. */
#ifndef TCI_CONV_H
#define TCI_CONV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "map.h"
#include "moments.h"

typedef struct tci_conv {
    int64_t n, c, h, w; /* input */
    int64_t o, oh, ow;  /* output */
    int64_t kh, kw, stride_h, stride_w;
    int64_t pad_h, pad_w; /* rows above and columns to the left that count as zero; below and right, what oh
                             and ow need */
    int64_t dilation_h, dilation_w, groups;
} tci_conv;

/* Memory that a pass works in: `shared` floats for all workers, then `per_worker` floats for each. */
typedef struct tci_conv_scratch {
    size_t shared, per_worker;
} tci_conv_scratch;

/* One pass: `out` is computed from `a` and `b` (and added to what is there if `accumulate`).
 *   forward:         a = x (N, H, W, C),     b = weight,            out = y (N, OH, OW, O)
 *   backward data:   a = dy (N, OH, OW, O),  b = weight,            out = dx (N, H, W, C)
 *   backward weight: a = x (N, H, W, C),     b = dy (N, OH, OW, O), out = dweight
 * `scratch` holds shared + threads * per_worker floats. The rest is for algorithms that are `fused` (winners:
 * and whose data pass turns the convolution round, turned.h):
 *   map      x is read through it, if it is not NULL
 *   winners  2 x 2 max pooling, if it is not NULL: y and dy are (N, OH / 2, OW / 2, O), and of each element
 *            this says which pixel of its window was the largest, 0 to 3; written by the forward pass
 *   moments  of y, gathered by the forward pass if it is not NULL */
typedef struct tci_conv_pass {
    const float *a, *b, *bias; /* bias (O) or NULL, forward only */
    float *out;
    bool relu, accumulate; /* relu: forward only */
    float *scratch;
    int threads;
    const tci_map *map;
    uint8_t *winners;
    tci_moments *moments;
    const float *kept; /* forward: what keep() has made of the weights, or NULL */
} tci_conv_pass;

/* Pictures as a fused pass reads them: through a map, or unpooled by their winners, or neither. */
typedef struct tci_picture {
    const float *data;
    const tci_map *map;
    const uint8_t *winners;
} tci_picture;

typedef struct tci_conv_algorithm {
    const char *name;
    bool fused;
    tci_conv_scratch (*forward_scratch)(const tci_conv *conv);
    tci_conv_scratch (*data_scratch)(const tci_conv *conv);
    tci_conv_scratch (*weight_scratch)(const tci_conv *conv);
    void (*forward)(const tci_conv *conv, const tci_conv_pass *pass);
    void (*backward_data)(const tci_conv *conv, const tci_conv_pass *pass);
    void (*backward_weight)(const tci_conv *conv, const tci_conv_pass *pass);
    int64_t (*moment_parts)(const tci_conv *conv); /* parts that the moments come in; fused only */
    /* The weights as the forward pass wants them, for passes with the same weights to share; fused only. */
    size_t (*kept_size)(const tci_conv *conv);
    void (*keep)(const tci_conv *conv, const float *weight, int threads, float *kept);
} tci_conv_algorithm;

/* groups = 1, dilation_w = 1: a product that reads the padded picture in place. */
extern const tci_conv_algorithm tci_conv_direct;
/* Any shape: that product on blocks that are put in order for it. */
extern const tci_conv_algorithm tci_conv_gathered;
/* 3 x 3, stride 1, dilation 1, groups = 1, padding at most 2: a quarter of the multiplications. */
extern const tci_conv_algorithm tci_conv_winograd;
/* groups = C = O: every channel on its own. */
extern const tci_conv_algorithm tci_conv_depthwise;
/* Any shape; good for small pictures in large batches: pixel by pixel, the batch as a matrix. */
extern const tci_conv_algorithm tci_conv_pixels;

/* The algorithm for this shape. */
const tci_conv_algorithm *tci_conv_choose(const tci_conv *conv);

#endif
