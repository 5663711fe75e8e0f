/* filters.c - numbers of tensors to colours. */
#include "filters.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double largest(const float *values, int64_t count) {
    double most = 0;
    for (int64_t i = 0; i < count; i++) most = fmax(most, fabs((double)values[i]));
    return most;
}

static uint8_t byte_of(double share) {
    return (uint8_t)lrint(255 * fmin(fmax(isnan(share) ? 0.5 : share, 0), 1));
}

/* Weights lie in memory as (O, KH, KW, C). */
static const float *filter_at(const tc_tensor *weight, int64_t filter) {
    return weight->data + filter * weight->shape[1] * weight->shape[2] * weight->shape[3];
}

tc_status filter_image(const tc_tensor *weight, int64_t filter, image *out) {
    int channels = (int)weight->shape[1], height = (int)weight->shape[2], width = (int)weight->shape[3];
    const float *values = filter_at(weight, filter);
    double most = largest(values, (int64_t)channels * height * width);
    if (channels != 3) {
        /* Planes side by side, a pixel apart. */
        TC_TRY(image_create(channels * (width + 1) - 1, height, COLOR_WHITE, out));
        for (int c = 0; c < channels; c++) {
            image plane;
            tc_status status =
                image_of_values(values + c, channels, height, width, -most, most, SCALE_DIVERGING, &plane);
            if (status == TC_OK) image_paste(out, c * (width + 1), 0, 1, &plane);
            image_free(&plane);
            if (status != TC_OK) return status;
        }
        return TC_OK;
    }
    TC_TRY(image_create(width, height, COLOR_WHITE, out));
    for (int i = 0; i < height * width * 3; i++)
        out->pixels[i] = byte_of(0.5 + (most > 0 ? (double)values[i] / most / 2 : 0));
    return TC_OK;
}

static void free_all(image *pictures, int count) {
    for (int i = 0; pictures && i < count; i++) image_free(&pictures[i]);
    free(pictures);
}

/* Draws `count` pictures with their numbers as labels; frees them. */
static tc_status draw_numbered(image *pictures, int count, const grid_options *options, image *sheet) {
    grid_cell *cells = calloc((size_t)count, sizeof *cells);
    char(*labels)[16] = calloc((size_t)count, sizeof *labels);
    tc_status status =
        cells && labels ? TC_OK : tc_fail(TC_ERR_MEMORY, "no memory for a sheet of %d pictures", count);
    for (int i = 0; status == TC_OK && i < count; i++) {
        snprintf(labels[i], sizeof labels[i], "%d", i);
        cells[i] = (grid_cell){&pictures[i], labels[i]};
    }
    if (status == TC_OK) status = grid_draw(cells, count, options, sheet);
    free(cells);
    free(labels);
    free_all(pictures, count);
    return status;
}

static const tc_parameter *first_convolution(tc_model *model) {
    for (int i = 0; i < tc_model_parameter_count(model); i++) {
        const tc_parameter *p = tc_model_parameter(model, i);
        if (p->layer && strcmp(p->layer, "conv2d") == 0 && p->tensor->ndim == 4) return p;
    }
    return NULL;
}

tc_status filters_draw(tc_model *model, int most, image *sheet) {
    const tc_parameter *p = first_convolution(model);
    *sheet = (image){0};
    if (!p) return tc_fail(TC_ERR_STATE, "this net has no convolution");
    const int64_t *shape = p->tensor->shape;
    int count = most > 0 && most < shape[0] ? most : (int)shape[0];
    image *pictures = calloc((size_t)count, sizeof *pictures);
    tc_status status = pictures ? TC_OK : tc_fail(TC_ERR_MEMORY, "no memory for %d filters", count);
    for (int i = 0; status == TC_OK && i < count; i++) status = filter_image(p->tensor, i, &pictures[i]);
    if (status != TC_OK) {
        free_all(pictures, count);
        return status;
    }
    char title[256];
    snprintf(title, sizeof title, "%s: %d of %lld filters, %lld x %lld,\n%s", p->name, count,
             (long long)shape[0], (long long)shape[2], (long long)shape[3],
             shape[1] == 3 ? "each channel as its colour, 0 is grey"
                           : "a plane a channel: orange < 0 < purple");
    return draw_numbered(pictures, count, &(grid_options){.title = title, .scale = shape[3] < 8 ? 12 : 6},
                         sheet);
}

tc_status planes_draw(const tc_tensor *result, int64_t n, int most, const char *title, image *sheet) {
    int64_t channels = result->shape[1], height = result->shape[2], width = result->shape[3];
    int count = channels < most ? (int)channels : most;
    const float *values = result->data + n * channels * height * width;
    double low = INFINITY, high = -INFINITY;
    for (int64_t i = 0; i < channels * height * width; i++) {
        low = fmin(low, (double)values[i]);
        high = fmax(high, (double)values[i]);
    }
    color_scale scale = low < 0 && high > 0 ? SCALE_DIVERGING : SCALE_SEQUENTIAL;
    if (scale == SCALE_DIVERGING) {
        double reach = fmax(-low, high);
        low = -reach, high = reach;
    }
    image *pictures = calloc((size_t)count, sizeof *pictures);
    tc_status status = pictures ? TC_OK : tc_fail(TC_ERR_MEMORY, "no memory for %d planes", count);
    for (int i = 0; status == TC_OK && i < count; i++)
        status =
            image_of_values(values + i, channels, (int)height, (int)width, low, high, scale, &pictures[i]);
    if (status != TC_OK) {
        free_all(pictures, count);
        return status;
    }
    char text[512];
    snprintf(text, sizeof text, "%s%s%d of %lld planes of %lld x %lld, %s %.3g to %.3g", title ? title : "",
             title ? "\n" : "", count, (long long)channels, (long long)height, (long long)width,
             scale == SCALE_DIVERGING ? "orange to purple:" : "blue to yellow:", low, high);
    int times = width >= 64 ? 1 : (int)(64 / (width > 0 ? width : 1));
    return draw_numbered(pictures, count, &(grid_options){.title = text, .scale = times < 1 ? 1 : times},
                         sheet);
}
