/* pooling.c - every loop runs over the channels of a pixel, which lie side by side. */
#include "pooling.h"

#include <math.h>
#include <string.h>

static void max_row(const tci_maxpool *p, const float *x, float *y, int64_t row) {
    int64_t c = p->c, i = row % p->oh;
    const float *picture = x + row / p->oh * p->h * p->w * c;
    for (int64_t j = 0; j < p->ow; j++) {
        float *restrict out = y + (row * p->ow + j) * c;
        for (int64_t k = 0; k < c; k++) out[k] = -INFINITY;
        for (int64_t a = 0; a < p->kernel_h; a++) {
            int64_t h = i * p->stride_h - p->pad_h + a * p->dilation_h;
            if (h < 0 || h >= p->h) continue;
            for (int64_t b = 0; b < p->kernel_w; b++) {
                int64_t w = j * p->stride_w - p->pad_w + b * p->dilation_w;
                if (w < 0 || w >= p->w) continue;
                const float *restrict in = picture + (h * p->w + w) * c;
                for (int64_t k = 0; k < c; k++) {
                    bool wins = (in[k] > out[k]) | (in[k] != in[k]);
                    out[k] = wins ? in[k] : out[k];
                }
            }
        }
    }
}

/* Nothing was kept of the forward pass: the first input that equals the output is the one that won. */
enum { TILE = 64 };

static void max_window_backward(const tci_maxpool *p, const float *picture, const float *y, const float *dy,
                                float *dpicture, int64_t i, int64_t j, int64_t tile) {
    int32_t open[TILE]; /* all ones while the channel's winner has not been met */
    for (int64_t k = 0; k < tile; k++) open[k] = -1;
    for (int64_t a = 0; a < p->kernel_h; a++) {
        int64_t h = i * p->stride_h - p->pad_h + a * p->dilation_h;
        if (h < 0 || h >= p->h) continue;
        for (int64_t b = 0; b < p->kernel_w; b++) {
            int64_t w = j * p->stride_w - p->pad_w + b * p->dilation_w;
            if (w < 0 || w >= p->w) continue;
            const float *restrict in = picture + (h * p->w + w) * p->c;
            float *restrict din = dpicture + (h * p->w + w) * p->c;
            for (int64_t k = 0; k < tile; k++) {
                int32_t equal = (in[k] == y[k]) | ((in[k] != in[k]) & (y[k] != y[k]));
                int32_t hit = -equal & open[k];
                din[k] += hit ? dy[k] : 0.0f;
                open[k] &= ~hit;
            }
        }
    }
}

static void max_backward(const tci_maxpool *p, const float *x, const float *y, const float *dy, float *dx,
                         int64_t n, bool accumulate) {
    int64_t c = p->c;
    const float *picture = x + n * p->h * p->w * c;
    float *dpicture = dx + n * p->h * p->w * c;
    if (!accumulate) memset(dpicture, 0, sizeof(float) * (size_t)(p->h * p->w * c));
    for (int64_t i = 0; i < p->oh; i++) {
        for (int64_t j = 0; j < p->ow; j++) {
            int64_t out = ((n * p->oh + i) * p->ow + j) * c;
            for (int64_t k = 0; k < c; k += TILE) {
                max_window_backward(p, picture + k, y + out + k, dy + out + k, dpicture + k, i, j,
                                    c - k < TILE ? c - k : TILE);
            }
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
        for (int64_t h = rows.begin; h < rows.end; h++) {
            for (int64_t w = columns.begin; w < columns.end; w++) {
                const float *restrict in = picture + (h * p->w + w) * c;
                for (int64_t k = 0; k < c; k++) out[k] += in[k];
            }
        }
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
};
