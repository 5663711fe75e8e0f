#include "pictures.h"

#include <check.h>
#include <stdlib.h>

/* Calls are few and pictures small: one value after the other. `to_planes`: from (N, H, W, C) to (N, C, H, W). */
static float *reordered(const int64_t shape[4], const float *values, bool to_planes) {
    int64_t n = shape[0], c = shape[1], p = shape[2] * shape[3];
    float *out = malloc((size_t)(n * c * p) * sizeof *out);
    ck_assert_ptr_nonnull(out);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < c; j++)
            for (int64_t k = 0; k < p; k++) {
                int64_t planes = (i * c + j) * p + k, last = (i * p + k) * c + j;
                out[to_planes ? planes : last] = values[to_planes ? last : planes];
            }
    return out;
}

float *picture_of(const golden_tensor *tensor) {
    ck_assert(tensor != NULL && tensor->ndim == 4 && tensor->count == tensor->numel);
    return reordered(tensor->shape, tensor->values, false);
}

void check_picture(const golden_case *golden, const char *name, const float *picture, double tolerance) {
    const golden_tensor *expected = golden_array(golden, name);
    ck_assert_msg(expected != NULL && expected->ndim == 4, "%s: no %s", golden->name, name);
    float *planes = reordered(expected->shape, picture, true);
    int64_t where;
    double difference = golden_difference(expected, planes, &where);
    ck_assert_msg(difference <= tolerance, "%s: %s differs by %g at %lld: %.9g, expected %.9g", golden->name,
                  name, difference, (long long)where, (double)planes[where],
                  (double)expected->values[where / expected->step]);
    free(planes);
}
