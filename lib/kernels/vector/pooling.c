/* pooling.c - every loop runs over the channels of a pixel, which lie side by side. */
#include "pooling.h"

#include <math.h>

#include "arith.h"
#include "through.h"
#include "winners.h"

typedef uint16_t shorts __attribute__((vector_size(2 * WIDTH), aligned(2), may_alias));

/* ---- Max pooling of any window. Of equal elements the first wins, NaN always. ------------------------- */

/* One output pixel, channels from k on. */
ALWAYS_INLINE void max_window(const tci_maxpool *p, const float *picture, const tci_map *map, int64_t top,
                              int64_t left, int64_t k, int64_t lanes, float *y, uint16_t *winners,
                              bool mapped, tci_map_activation activation) {
    vector best = -INFINITY - (vector){0};
    mask winner = {0};
    bool is_first = true; /* it wins, be it minus infinity */
    map_lanes m = {{0}, {0}, {0}};
    if (mapped) m = load_map(map, k, lanes);
    for (int64_t a = 0; a < p->kernel_h; a++) {
        int64_t h = top + a * p->dilation_h;
        if (h < 0 || h >= p->h) continue;
        for (int64_t b = 0; b < p->kernel_w; b++) {
            int64_t w = left + b * p->dilation_w;
            if (w < 0 || w >= p->w) continue;
            vector v = load(picture + (h * p->w + w) * p->c + k, lanes);
            if (mapped) v = through(&m, v, activation);
            mask wins = vector_wins(v, best) | -(int32_t)is_first;
            best = vector_select(wins, v, best);
            winner = (winner & ~wins) | (wins & (int32_t)(a * p->kernel_w + b));
            is_first = false;
        }
    }
    store(y + k, best, lanes);
    if (!winners) return;
    shorts narrow = __builtin_convertvector(winner, shorts);
    memcpy(winners + k, &narrow, sizeof(uint16_t) * (size_t)tci_min(lanes, WIDTH));
}

ALWAYS_INLINE void max_pixels(const tci_maxpool *p, const float *x, const tci_map *map, float *y,
                              uint16_t *winners, int64_t row, bool mapped, tci_map_activation activation) {
    const float *picture = x + row / p->oh * p->h * p->w * p->c;
    int64_t top = row % p->oh * p->stride_h - p->pad_h;
    for (int64_t j = 0; j < p->ow; j++) {
        int64_t out = (row * p->ow + j) * p->c, left = j * p->stride_w - p->pad_w;
        for (int64_t k = 0; k < p->c; k += WIDTH)
            max_window(p, picture, map, top, left, k, p->c - k, y + out, winners ? winners + out : NULL,
                       mapped, activation);
    }
}

static void max_row(const tci_maxpool *p, const float *x, const tci_map *map, float *y, uint16_t *winners,
                    int64_t row) {
    if (map) {
        FOR_ACTIVATION(map, max_pixels, p, x, map, y, winners, row, true);
    } else {
        max_pixels(p, x, map, y, winners, row, false, TCI_MAP_NONE);
    }
}

static void max_backward(const tci_maxpool *p, const uint16_t *winners, const float *dy, float *dx, int64_t n,
                         bool accumulate) {
    int64_t c = p->c;
    float *picture = dx + n * p->h * p->w * c;
    if (!accumulate) memset(picture, 0, sizeof(float) * (size_t)(p->h * p->w * c));
    for (int64_t i = 0; i < p->oh; i++) {
        for (int64_t j = 0; j < p->ow; j++) {
            int64_t out = ((n * p->oh + i) * p->ow + j) * c;
            const float *restrict grad = dy + out;
            const uint16_t *restrict winner = winners + out;
            for (int64_t a = 0; a < p->kernel_h; a++) {
                int64_t h = i * p->stride_h - p->pad_h + a * p->dilation_h;
                if (h < 0 || h >= p->h) continue;
                for (int64_t b = 0; b < p->kernel_w; b++) {
                    int64_t w = j * p->stride_w - p->pad_w + b * p->dilation_w;
                    if (w < 0 || w >= p->w) continue;
                    float *restrict to = picture + (h * p->w + w) * c;
                    uint16_t number = (uint16_t)(a * p->kernel_w + b);
                    for (int64_t k = 0; k < c; k++) to[k] += winner[k] == number ? grad[k] : 0.0f;
                }
            }
        }
    }
}

/* ---- 2 x 2 windows, two rows at a time ---------------------------------------------------------------- */

static void max_pair(const float *top, const float *bottom, int64_t pixels, int64_t c, float *y,
                     uint8_t *winners) {
    for (int64_t j = 0; j < pixels; j++, y += c, winners += c) {
        for (int64_t k = 0; k < c; k += WIDTH) {
            int64_t lanes = c - k, at = 2 * j * c + k;
            vector window[] = {load(top + at, lanes), load(top + at + c, lanes), load(bottom + at, lanes),
                               load(bottom + at + c, lanes)};
            mask winner;
            store(y + k, vector_max_of_four(window, &winner), lanes);
            store_winners(winners + k, winner, lanes);
        }
    }
}

static void max_pair_backward(const float *dy, const uint8_t *winners, int half, int64_t outputs,
                              int64_t pixels, int64_t c, int64_t stride, float *dx) {
    for (int64_t j = 0; j < pixels; j++, dx += stride) {
        float *restrict to = dx;
        if (j / 2 >= outputs) {
            memset(to, 0, sizeof(float) * (size_t)c);
            continue;
        }
        const float *restrict grad = dy + j / 2 * c;
        const uint8_t *restrict winner = winners + j / 2 * c;
        uint8_t number = (uint8_t)(2 * half + j % 2);
        for (int64_t k = 0; k < c; k++) to[k] = winner[k] == number ? grad[k] : 0.0f;
    }
}

/* ---- Averages ----------------------------------------------------------------------------------------- */

enum { LINE = 256 /* channels */, FEW = 1024 /* pixels */ };

/* out += the sum over the window's pixels, of `count` of the c channels. */
static void add_window(const float *picture, int64_t w, int64_t c, int64_t count, tci_span rows,
                       tci_span columns, float *restrict out) {
    for (int64_t i = rows.begin; i < rows.end; i++) {
        for (int64_t j = columns.begin; j < columns.end; j++) {
            const float *restrict in = picture + (i * w + j) * c;
            for (int64_t k = 0; k < count; k++) out[k] += in[k];
        }
    }
}

/* The same row by row: a pixel that is added to the sum of a large plane loses its digits. */
static void add_rows(const float *picture, int64_t w, int64_t c, tci_span rows, tci_span columns,
                     float *restrict out) {
    float line[LINE];
    for (int64_t first = 0; first < c; first += LINE) {
        int64_t count = c - first < LINE ? c - first : LINE;
        for (int64_t i = rows.begin; i < rows.end; i++) {
            memset(line, 0, sizeof line);
            add_window(picture + first, w, c, count, (tci_span){i, i + 1, 1}, columns, line);
            for (int64_t k = 0; k < count; k++) out[first + k] += line[k];
        }
    }
}

static void avg_row(const tci_avgpool *p, const float *x, float *y, int64_t row) {
    int64_t c = p->c;
    const float *picture = x + row / p->oh * p->h * p->w * c;
    tci_span rows = p->rows[row % p->oh];
    for (int64_t j = 0; j < p->ow; j++) {
        tci_span columns = p->columns[j];
        float *restrict out = y + (row * p->ow + j) * c;
        memset(out, 0, sizeof(float) * (size_t)c);
        if (rows.size * columns.size <= FEW)
            add_window(picture, p->w, c, c, rows, columns, out);
        else
            add_rows(picture, p->w, c, rows, columns, out);
        float factor = 1.0f / (float)(rows.size * columns.size);
        for (int64_t k = 0; k < c; k++) out[k] *= factor;
    }
}

static void avg_backward(const tci_avgpool *p, const float *dy, float *dx, int64_t n, bool accumulate) {
    int64_t c = p->c;
    float *dpicture = dx + n * p->h * p->w * c;
    if (!accumulate) memset(dpicture, 0, sizeof(float) * (size_t)(p->h * p->w * c));
    for (int64_t i = 0; i < p->oh; i++) {
        for (int64_t j = 0; j < p->ow; j++) {
            tci_span rows = p->rows[i], columns = p->columns[j];
            const float *restrict out = dy + ((n * p->oh + i) * p->ow + j) * c;
            float factor = 1.0f / (float)(rows.size * columns.size);
            for (int64_t h = rows.begin; h < rows.end; h++) {
                for (int64_t w = columns.begin; w < columns.end; w++) {
                    float *restrict din = dpicture + (h * p->w + w) * c;
                    for (int64_t k = 0; k < c; k++) din[k] += out[k] * factor;
                }
            }
        }
    }
}

const tci_pooling TCI_TABLE(tci_pooling) = {
    .max_row = max_row,
    .avg_row = avg_row,
    .max_backward = max_backward,
    .avg_backward = avg_backward,
    .max_pair = max_pair,
    .max_pair_backward = max_pair_backward,
};
