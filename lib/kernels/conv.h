/* conv.h - two-dimensional convolution of (N, H, W, C) pictures.
 *
 * Weights lie as (O, KH, KW, C / groups). Every algorithm offers the same three passes; conv.c is the one
 * place that chooses among them. */
#ifndef TCI_CONV_H
#define TCI_CONV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
 * bias (O) or NULL, relu: forward only. `scratch` holds shared + threads * per_worker floats. */
typedef struct tci_conv_pass {
    const float *a, *b, *bias;
    float *out;
    bool relu, accumulate;
    float *scratch;
    int threads;
} tci_conv_pass;

typedef struct tci_conv_algorithm {
    const char *name;
    tci_conv_scratch (*forward_scratch)(const tci_conv *conv);
    tci_conv_scratch (*data_scratch)(const tci_conv *conv);
    tci_conv_scratch (*weight_scratch)(const tci_conv *conv);
    void (*forward)(const tci_conv *conv, const tci_conv_pass *pass);
    void (*backward_data)(const tci_conv *conv, const tci_conv_pass *pass);
    void (*backward_weight)(const tci_conv *conv, const tci_conv_pass *pass);
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
