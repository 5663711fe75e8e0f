/* depthwise.c - channels that do not mix, a vector of them at a time.
 *
 * Forward, the sums of several pixels of a row stay in registers while the taps pass by, so that each tap is
 * loaded once for all of them; backwards, the sums of several taps while the pixels pass by. Both numbers are
 * constants in every instance of the loops. */
#include "depthwise.h"

#include "arith.h"
#include "vectors.h"

enum { PIXELS = 8 };

/* P pixels of V vectors of channels: where there are few pixels, more vectors hide the latency of the
 * multiply-adds. */
ALWAYS_INLINE void pixels(const tci_depthwise_row *r, int64_t p, int64_t c, int64_t lanes, int P, int V) {
    vector sum[PIXELS][4];
    float *y = r->y + p * r->y_pixel + c;
    UNROLL
    for (int q = 0; q < P; q++) {
        UNROLL
        for (int v = 0; v < V; v++)
            sum[q][v] = r->accumulate ? load(y + q * r->y_pixel + v * WIDTH, lanes) : (vector){0};
    }
    for (int64_t a = 0; a < r->rows; a++) {
        const float *taps = r->taps + a * r->taps_row + c, *x = r->x + a * r->x_row + p * r->x_pixel + c;
        for (int64_t b = 0; b < r->columns; b++, x += r->x_column, taps += r->taps_column) {
            UNROLL
            for (int v = 0; v < V; v++) {
                vector tap = load(taps + v * WIDTH, lanes);
                UNROLL
                for (int q = 0; q < P; q++) sum[q][v] += tap * load(x + q * r->x_pixel + v * WIDTH, lanes);
            }
        }
    }
    UNROLL
    for (int q = 0; q < P; q++) {
        UNROLL
        for (int v = 0; v < V; v++) {
            vector out = sum[q][v];
            if (r->bias) out += load(r->bias + c + v * WIDTH, lanes);
            if (r->relu) out = vector_relu(out);
            store(y + q * r->y_pixel + v * WIDTH, out, lanes);
        }
    }
}

ALWAYS_INLINE void all_channels(const tci_depthwise_row *r, int64_t p, int P) {
    int64_t c = 0;
    const int V = P == 1 ? 4 : 2;
    if (P <= 4)
        for (; c + V * WIDTH <= r->channels; c += V * WIDTH) pixels(r, p, c, WIDTH, P, V);
    for (; c + WIDTH <= r->channels; c += WIDTH) pixels(r, p, c, WIDTH, P, 1);
    if (c < r->channels) pixels(r, p, c, r->channels - c, P, 1);
}

typedef void (*pixels_function)(const tci_depthwise_row *r, int64_t p);

#define ROW_INSTANCE(P)                                                                                      \
    static void pixels_##P(const tci_depthwise_row *r, int64_t p) {                                          \
        all_channels(r, p, P);                                                                               \
    }
ROW_INSTANCE(1)
ROW_INSTANCE(2)
ROW_INSTANCE(3)
ROW_INSTANCE(4)
ROW_INSTANCE(5)
ROW_INSTANCE(6)
ROW_INSTANCE(7)
ROW_INSTANCE(8)
static const pixels_function of_pixels[PIXELS] = {pixels_1, pixels_2, pixels_3, pixels_4,
                                                  pixels_5, pixels_6, pixels_7, pixels_8};

/* The pixels are shared out evenly, as rows among tiles in tile.c. */
static void row(const tci_depthwise_row *r) {
    int64_t pieces = tci_ceil_div(r->pixels, PIXELS);
    for (int64_t t = 0; t < pieces; t++) {
        int64_t p = r->pixels * t / pieces;
        of_pixels[r->pixels * (t + 1) / pieces - p - 1](r, p);
    }
}

/* Vectors of channels whose sums of all taps fit into the registers together. */
#if defined(__AVX512F__)
enum { VECTORS = 2 };
#else
enum { VECTORS = 1 };
#endif

ALWAYS_INLINE void some_taps(const tci_depthwise_taps *w, int64_t c, int64_t lanes, int T, int V) {
    vector sum[TCI_DEPTHWISE_TAPS][VECTORS];
    float *dtaps = w->dtaps + c;
    UNROLL
    for (int t = 0; t < T; t++) {
        UNROLL
        for (int v = 0; v < V; v++) sum[t][v] = load(dtaps + w->dtaps_tap[t] + v * WIDTH, lanes);
    }
    for (int64_t i = 0; i < w->rows; i++) {
        const float *dy = w->dy + i * w->dy_row + c, *x[TCI_DEPTHWISE_TAPS];
        UNROLL
        for (int t = 0; t < T; t++) x[t] = w->x + w->x_tap[t] + i * w->x_row + c;
        for (int64_t j = 0; j < w->pixels; j++) {
            vector g[VECTORS];
            UNROLL
            for (int v = 0; v < V; v++) g[v] = load(dy + j * w->channels + v * WIDTH, lanes);
            UNROLL
            for (int t = 0; t < T; t++) {
                UNROLL
                for (int v = 0; v < V; v++)
                    sum[t][v] += g[v] * load(x[t] + j * w->x_pixel + v * WIDTH, lanes);
            }
        }
    }
    UNROLL
    for (int t = 0; t < T; t++) {
        UNROLL
        for (int v = 0; v < V; v++) store(dtaps + w->dtaps_tap[t] + v * WIDTH, sum[t][v], lanes);
    }
}

#define TAPS_INSTANCE(T)                                                                                     \
    static void taps_##T(const tci_depthwise_taps *w) {                                                      \
        int64_t c = 0;                                                                                       \
        for (; c + VECTORS * WIDTH <= w->channels; c += VECTORS * WIDTH) some_taps(w, c, WIDTH, T, VECTORS); \
        for (; c + WIDTH <= w->channels; c += WIDTH) some_taps(w, c, WIDTH, T, 1);                           \
        if (c < w->channels) some_taps(w, c, w->channels - c, T, 1);                                         \
    }
TAPS_INSTANCE(1)
TAPS_INSTANCE(2)
TAPS_INSTANCE(3)
TAPS_INSTANCE(4)
TAPS_INSTANCE(5)
TAPS_INSTANCE(6)
TAPS_INSTANCE(7)
TAPS_INSTANCE(8)
TAPS_INSTANCE(9)

static void taps(const tci_depthwise_taps *w) {
    static void (*const of_taps[TCI_DEPTHWISE_TAPS])(const tci_depthwise_taps *) = {
        taps_1, taps_2, taps_3, taps_4, taps_5, taps_6, taps_7, taps_8, taps_9};
    of_taps[w->taps - 1](w);
}

const tci_depthwise TCI_TABLE(tci_depthwise) = {.row = row, .taps = taps};
