/* tensor.h - an array of float32 with a shape.
 *
 * Shapes are spoken of as PyTorch does: 4-D is N, C, H, W. In memory, 4-D tensors lie channels-last: element
 * (n, c, h, w) is data[((n * H + h) * W + w) * C + c]. The same holds for convolution weights, whose shape
 * (O, I, H, W) lies in memory as O, H, W, I. Tensors of fewer dimensions are plain row-major. Dense always:
 * no strides, no views. */
#ifndef TINYCNN_TENSOR_H
#define TINYCNN_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tinycnn/arena.h"
#include "tinycnn/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TC_MAX_DIMS 4

typedef struct tc_tensor {
    int ndim;                   /* 0 (a scalar) to 4 */
    int64_t shape[TC_MAX_DIMS]; /* unused trailing entries are 1 */
    float *data;
    float *grad;        /* same layout as data; NULL until a backward pass has filled it */
    bool requires_grad; /* gradients flow to or through this tensor */
    bool retain_grad;   /* keep grad after backward; leaves always do */
    bool from_pool;     /* for the tape: data was taken from its pool of buffers */
    bool passing; /* for the tape: made within a model; data is given back as soon as backward has seen it */
    const void *node; /* for the tape: what computed this tensor; NULL for a leaf */
    /* For the tape: what is still to be applied to data (only within tc_model_forward()), and statistics of
     * data that were gathered as it was written; NULL where there is none. */
    const struct tci_map *map;
    const struct tci_moments *moments;
    struct tci_kept *kept; /* for a frozen model: the weights as inference wants them */
} tc_tensor;

/* Zero-filled. NULL on a bad shape (negative extent, more than 4 dimensions, a size that overflows) or when
 * memory is short; tc_last_error() says which. An extent of 0 is refused: no operation here has a use for an
 * empty tensor. */
tc_tensor *tc_tensor_create(tc_arena *arena, int ndim, const int64_t *shape);

/* tc_tensor_new(arena, 2, 3, 32, 32): the shape as arguments. */
#define tc_tensor_new(arena, ...)                                                                            \
    tc_tensor_create((arena), (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)),                     \
                     (const int64_t[]){__VA_ARGS__})

int64_t tc_numel(const tc_tensor *tensor);

/* The doors between channels-last memory and the row-major (N, C, H, W) order of PyTorch, files and humans.
 * For fewer than 4 dimensions they copy. */
void tc_tensor_from_nchw(tc_tensor *tensor, const float *source);
void tc_tensor_to_nchw(const tc_tensor *tensor, float *target);
/* The same for any buffer in the tensor's layout, e.g. its gradient. */
void tc_layout_from_nchw(int ndim, const int64_t *shape, const float *source, float *target);
void tc_layout_to_nchw(int ndim, const int64_t *shape, const float *source, float *target);

/* Element (n, c, h, w); no bounds are checked. */
static inline float *tc_at(const tc_tensor *tensor, int64_t n, int64_t c, int64_t h, int64_t w) {
    return tensor->data + ((n * tensor->shape[2] + h) * tensor->shape[3] + w) * tensor->shape[1] + c;
}

/* "(128, 3, 32, 32)" into `text`; returns text. */
#define TC_SHAPE_TEXT 96
const char *tc_shape_text(int ndim, const int64_t *shape, char text[TC_SHAPE_TEXT]);

#ifdef __cplusplus
}
#endif
#endif
