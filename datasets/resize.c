/* resize.c - pictures of another size: bilinear with antialiasing, one direction after the other.
 *
 * Output pixel i sits at c = (i + 1/2) s on the input's ruler, s = input size / output size. It is the mean of
 * the input pixels k under a triangle around c,
 *
 *     y[i] = sum_k w(k) x[k] / sum_k w(k)        w(k) = max(0, 1 - |k + 1/2 - c| / max(s, 1))
 *
 * Enlarging (s < 1) this is the common bilinear rule. Reducing, the triangle is as wide as two output pixels,
 * so that no input pixel goes unseen: torch.nn.functional.interpolate(mode="bilinear", antialias=True).
 *
 * Weights depend on the sizes alone and are made once. A row of output first gathers its rows of input, which
 * is vector arithmetic on whole rows, then its columns. */
#include <math.h>

#include "internal.h"

/* For each of `count` outputs: pixels `first` and on of the input, times `taps` weights, 0 where there are fewer. */
typedef struct axis {
    int count, taps;
    int *first;     /* (count) */
    float *weights; /* (count, taps) */
} axis;

struct tci_resize {
    int width, channels;
    axis down, across;
};

static void fill_axis(axis *a, int in, double scale, double radius) {
    for (int i = 0; i < a->count; i++) {
        float *w = a->weights + (size_t)i * (size_t)a->taps;
        double centre = (i + 0.5) * scale, sum = 0.0;
        /* From the first pixel whose middle lies under the triangle, moved back where the last tap would be outside. */
        int first = (int)fmax(ceil(centre - radius - 0.5), 0.0);
        if (first > in - a->taps) first = in - a->taps;
        for (int t = 0; t < a->taps; t++) sum += fmax(0.0, 1.0 - fabs(first + t + 0.5 - centre) / radius);
        for (int t = 0; t < a->taps; t++)
            w[t] = (float)(fmax(0.0, 1.0 - fabs(first + t + 0.5 - centre) / radius) / sum);
        a->first[i] = first;
    }
}

static bool make_axis(tc_arena *arena, int in, int out, axis *a) {
    double scale = (double)in / (double)out, radius = scale > 1.0 ? scale : 1.0;
    double most = ceil(2.0 * radius); /* open interval of length 2 radius: so many middles at most */
    a->count = out;
    a->taps = most < (double)in ? (int)most : in;
    a->first = tc_arena_alloc(arena, (size_t)out * sizeof *a->first);
    a->weights = tc_arena_alloc(arena, (size_t)out * (size_t)a->taps * sizeof *a->weights);
    if (a->first == NULL || a->weights == NULL) return false;
    fill_axis(a, in, scale, radius);
    return true;
}

tci_resize *tci_resize_create(tc_arena *arena, int height, int width, int channels, int out_height,
                              int out_width) {
    tci_resize *r = tc_arena_alloc(arena, sizeof *r);
    if (r == NULL) return NULL;
    *r = (tci_resize){.width = width, .channels = channels};
    return make_axis(arena, height, out_height, &r->down) && make_axis(arena, width, out_width, &r->across)
               ? r
               : NULL;
}

/* row = sum_t weights[t] * source[t] */
static void gather_rows(const float *source,  /* (taps, values) */
                        const float *weights, /* (taps) */
                        int taps, size_t values, float *restrict row) {
    for (size_t v = 0; v < values; v++) row[v] = weights[0] * source[v];
    for (int t = 1; t < taps; t++) {
        const float *restrict from = source + (size_t)t * values;
        if (weights[t] == 0.0f) continue;
        for (size_t v = 0; v < values; v++) row[v] += weights[t] * from[v];
    }
}

/* Inlined once for every number of channels, so that the sums of a pixel stay in registers. */
static inline void gather_columns(const axis *across, const float *row, /* (W, channels) */
                                  float *restrict target,               /* (out_W, channels) */
                                  int channels) {
    for (int j = 0; j < across->count; j++) {
        const float *from = row + (size_t)across->first[j] * (size_t)channels;
        const float *weights = across->weights + (size_t)j * (size_t)across->taps;
        float sum[4] = {0};
        for (int t = 0; t < across->taps; t++, from += channels)
            for (int c = 0; c < channels; c++) sum[c] += weights[t] * from[c];
        for (int c = 0; c < channels; c++) *target++ = sum[c];
    }
}

void tci_resize_band(const tci_resize *r, int i, int *first, int *taps) {
    *first = r->down.first[i];
    *taps = r->down.taps;
}

void tci_resize_row(const tci_resize *r, int i, const float *band, /* (taps, W, C) */
                    float *row,                                    /* (W, C), for its own use */
                    float *target) {                               /* (out_W, C) */
    gather_rows(band, r->down.weights + (size_t)i * (size_t)r->down.taps, r->down.taps,
                (size_t)r->width * (size_t)r->channels, row);
    switch (r->channels) {
    case 1:
        gather_columns(&r->across, row, target, 1);
        break;
    case 3:
        gather_columns(&r->across, row, target, 3);
        break;
    case 4:
        gather_columns(&r->across, row, target, 4);
        break;
    default:
        gather_columns(&r->across, row, target, r->channels);
    }
}

void tci_resize_run(const tci_resize *r, const float *source, /* (H, W, C) */
                    float *row,                               /* (W, C), for its own use */
                    float *target) {                          /* (out_H, out_W, C) */
    size_t values = (size_t)r->width * (size_t)r->channels;
    for (int i = 0; i < r->down.count; i++, target += (size_t)r->across.count * (size_t)r->channels)
        tci_resize_row(r, i, source + (size_t)r->down.first[i] * values, row, target);
}
