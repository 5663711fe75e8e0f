/* image.c - drawing: rectangles, other pictures, letters; all of it clipped to the picture. */
#include "image.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "font.h"

tc_status image_create(int width, int height, color background, image *out) {
    *out = (image){0};
    if (width < 1 || height < 1 || width > IMAGE_SIDE_MAX || height > IMAGE_SIDE_MAX)
        return tc_fail(TC_ERR_ARGUMENT, "picture of %d x %d pixels, expected sides of 1 to %d", width, height,
                       IMAGE_SIDE_MAX);
    uint8_t *pixels = malloc((size_t)width * (size_t)height * 3);
    if (!pixels) return tc_fail(TC_ERR_MEMORY, "no memory for a picture of %d x %d pixels", width, height);
    *out = (image){width, height, pixels};
    image_rectangle(out, 0, 0, width, height, background);
    return TC_OK;
}

void image_free(image *im) {
    free(im->pixels);
    *im = (image){0};
}

static uint8_t *pixel(const image *im, int x, int y) {
    return im->pixels + ((size_t)y * (size_t)im->width + (size_t)x) * 3;
}

static void set(uint8_t *p, color c) {
    p[0] = c.r, p[1] = c.g, p[2] = c.b;
}

tc_status image_of_bytes(const uint8_t *pixels, int height, int width, int channels, image *out) {
    TC_TRY(image_create(width, height, COLOR_BLACK, out));
    for (size_t i = 0; i < (size_t)width * (size_t)height; i++) {
        const uint8_t *from = pixels + i * (size_t)channels;
        set(out->pixels + i * 3,
            channels == 3 ? (color){from[0], from[1], from[2]} : (color){from[0], from[0], from[0]});
    }
    return TC_OK;
}

tc_status image_of_values(const float *values, int64_t step, int height, int width, double low, double high,
                          color_scale scale, image *out) {
    TC_TRY(image_create(width, height, COLOR_BLACK, out));
    for (int64_t i = 0; i < (int64_t)width * height; i++) {
        double value = (double)values[i * step];
        /* A scale without extent has all values in its middle. */
        double place = high > low ? (value - low) / (high - low) : isnan(value) ? NAN : 0.5;
        set(out->pixels + i * 3, color_of(scale, place));
    }
    return TC_OK;
}

static int clip(int value, int limit) {
    return value < 0 ? 0 : value > limit ? limit : value;
}

void image_rectangle(image *im, int x, int y, int width, int height, color c) {
    int left = clip(x, im->width), right = clip(x + width, im->width);
    int bottom = clip(y + height, im->height);
    for (int row = clip(y, im->height); row < bottom; row++)
        for (int column = left; column < right; column++) set(pixel(im, column, row), c);
}

void image_paste(image *im, int x, int y, int scale, const image *from) {
    for (int row = 0; row < from->height; row++)
        for (int column = 0; column < from->width; column++) {
            const uint8_t *p = pixel(from, column, row);
            image_rectangle(im, x + column * scale, y + row * scale, scale, scale, (color){p[0], p[1], p[2]});
        }
}

void image_blend(image *im, const image *from, double share) {
    size_t bytes = (size_t)im->width * (size_t)im->height * 3;
    for (size_t i = 0; i < bytes; i++)
        im->pixels[i] = (uint8_t)lrint((1 - share) * im->pixels[i] + share * from->pixels[i]);
}

void image_text(image *im, int x, int y, int scale, color c, const char *text) {
    for (; *text; text++, x += IMAGE_TEXT_WIDTH * scale)
        for (int row = 0; row < FONT_HEIGHT; row++)
            for (int column = 0; column < FONT_WIDTH; column++)
                if (font_dot(*text, row, column))
                    image_rectangle(im, x + column * scale, y + row * scale, scale, scale, c);
}

int image_text_width(const char *text, int scale) {
    return (int)strlen(text) * IMAGE_TEXT_WIDTH * scale;
}
