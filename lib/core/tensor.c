/* tensor.c - shapes, and the doors between channels-last memory and N, C, H, W order. */
#include "tinycnn/tensor.h"

#include <stdio.h>
#include <string.h>

#include "tape_internal.h"

const char *tc_shape_text(int ndim, const int64_t *shape, char text[TC_SHAPE_TEXT]) {
    size_t used = (size_t)snprintf(text, TC_SHAPE_TEXT, "(");
    for (int i = 0; i < ndim && i < TC_MAX_DIMS; i++)
        used +=
            (size_t)snprintf(text + used, TC_SHAPE_TEXT - used, i ? ", %lld" : "%lld", (long long)shape[i]);
    snprintf(text + used, TC_SHAPE_TEXT - used, ndim > TC_MAX_DIMS ? ", ...)" : ")");
    return text;
}

/* The bytes of a tensor of this shape, or 0 with the reason kept. */
static size_t bytes_of(int ndim, const int64_t *shape) {
    char text[TC_SHAPE_TEXT];
    if (ndim < 0 || ndim > TC_MAX_DIMS) {
        tc_fail(TC_ERR_SHAPE, "tensor: %d dimensions asked for, 0 to %d are possible", ndim, TC_MAX_DIMS);
        return 0;
    }
    size_t bytes = sizeof(float);
    for (int i = 0; i < ndim; i++) {
        if (shape[i] <= 0) {
            tc_fail(TC_ERR_SHAPE, "tensor: shape %s has an extent that is not positive",
                    tc_shape_text(ndim, shape, text));
            return 0;
        }
        if ((uint64_t)shape[i] > SIZE_MAX / bytes) {
            tc_fail(TC_ERR_SHAPE, "tensor: shape %s is larger than any memory",
                    tc_shape_text(ndim, shape, text));
            return 0;
        }
        bytes *= (size_t)shape[i];
    }
    /* Half of the range, so that indices fit into int64_t and sums of a few sizes do not overflow. */
    if (bytes > SIZE_MAX / 4) {
        tc_fail(TC_ERR_SHAPE, "tensor: shape %s is larger than any memory", tc_shape_text(ndim, shape, text));
        return 0;
    }
    return bytes;
}

tc_tensor *tci_tensor_describe(tc_arena *arena, int ndim, const int64_t *shape) {
    if (bytes_of(ndim, shape) == 0) return NULL;
    tc_tensor *tensor = tc_arena_alloc(arena, sizeof *tensor);
    if (!tensor) return NULL;
    *tensor = (tc_tensor){.ndim = ndim, .shape = {1, 1, 1, 1}};
    for (int i = 0; i < ndim; i++) tensor->shape[i] = shape[i];
    return tensor;
}

tc_tensor *tc_tensor_create(tc_arena *arena, int ndim, const int64_t *shape) {
    tc_tensor *tensor = tci_tensor_describe(arena, ndim, shape);
    if (!tensor) return NULL;
    size_t bytes = bytes_of(ndim, shape);
    tensor->data = tc_arena_alloc(arena, bytes);
    if (!tensor->data) return NULL;
    memset(tensor->data, 0, bytes);
    return tensor;
}

int64_t tc_numel(const tc_tensor *tensor) {
    return tensor->shape[0] * tensor->shape[1] * tensor->shape[2] * tensor->shape[3];
}

/* A 4-D array is N times a matrix: (C, H W) outside, (H W, C) in memory. */
static void transpose_each(int64_t n, int64_t rows, int64_t columns, const float *source, float *target) {
    for (int64_t i = 0; i < n; i++, source += rows * columns, target += rows * columns)
        for (int64_t r = 0; r < rows; r++)
            for (int64_t c = 0; c < columns; c++) target[c * rows + r] = source[r * columns + c];
}

static void copy_plain(int ndim, const int64_t *shape, const float *source, float *target) {
    size_t count = 1;
    for (int i = 0; i < ndim; i++) count *= (size_t)shape[i];
    memcpy(target, source, count * sizeof(float));
}

void tc_layout_from_nchw(int ndim, const int64_t *shape, const float *source, float *target) {
    if (ndim == 4)
        transpose_each(shape[0], shape[1], shape[2] * shape[3], source, target);
    else
        copy_plain(ndim, shape, source, target);
}

void tc_layout_to_nchw(int ndim, const int64_t *shape, const float *source, float *target) {
    if (ndim == 4)
        transpose_each(shape[0], shape[2] * shape[3], shape[1], source, target);
    else
        copy_plain(ndim, shape, source, target);
}

void tc_tensor_from_nchw(tc_tensor *tensor, const float *source) {
    tc_layout_from_nchw(tensor->ndim, tensor->shape, source, tensor->data);
}

void tc_tensor_to_nchw(const tc_tensor *tensor, float *target) {
    tc_layout_to_nchw(tensor->ndim, tensor->shape, tensor->data, target);
}
