/* image.h - a picture of 8-bit RGB pixels in memory, and PNG files of it (libpng).
 *
 *     image sheet;
 *     TC_TRY(image_create(200, 100, COLOR_WHITE, &sheet));
 *     image_text(&sheet, 4, 4, 1, COLOR_BLACK, "epoch 3");
 *     tc_status status = image_write_png(&sheet, "sheet.png");
 *     image_free(&sheet);
 *
 * Drawing outside of the picture is clipped. In a build without libpng the PNG functions answer TC_ERR_UNSUPPORTED with a
 * sentence that says so. */
#ifndef PICTURES_IMAGE_H
#define PICTURES_IMAGE_H

#include "tinycnn.h"

#include "colors.h"

#define IMAGE_SIDE_MAX 32767

typedef struct image {
    int width, height;
    uint8_t *pixels; /* (height, width, 3), R G B */
} image;

/* TC_ERR_ARGUMENT unless both sides are 1 .. IMAGE_SIDE_MAX, TC_ERR_MEMORY; then *out is empty and may be freed. */
tc_status image_create(int width, int height, color background, image *out);
void image_free(image *im); /* an empty one too; empties it */

/* A data set's picture, (height, width, channels) bytes; channels 1: grey, 3: RGB; of others the first is shown. */
tc_status image_of_bytes(const uint8_t *pixels, int height, int width, int channels, image *out);
/* A plane of numbers through a scale of colours: value (h, w) is values[(h * width + w) * step]; `low` and `high` are
 * the ends of the scale, what lies outside is clipped, NaN is drawn in COLOR_MISSING. */
tc_status image_of_values(const float *values, int64_t step, int height, int width, double low, double high,
                          color_scale scale, image *out);

void image_rectangle(image *im, int x, int y, int width, int height, color c); /* filled */
/* Draws `from` with its corner at (x, y), every pixel as a square of `scale` x `scale`. */
void image_paste(image *im, int x, int y, int scale, const image *from);
/* The picture mixed over what is there: share 0 .. 1 of `from`; same size as `im`. */
void image_blend(image *im, const image *from, double share);

/* Text in the built-in font, upper left corner at (x, y), each dot `scale` pixels wide. Bytes outside of printable
 * ASCII are drawn as a box. */
void image_text(image *im, int x, int y, int scale, color c, const char *text);
enum { IMAGE_TEXT_WIDTH = 6, IMAGE_TEXT_HEIGHT = 11 }; /* a character's cell at scale 1, gaps included */
int image_text_width(const char *text, int scale);

/* Whole, or not at all (tc_write_file()); TC_ERR_IO names the file. */
tc_status image_write_png(const image *im, const char *path);
/* The bytes of a PNG file; free(*bytes). */
tc_status image_encode_png(const image *im, uint8_t **bytes, size_t *size);
/* Whether this build has libpng; its version for `tinycnn --version`, or NULL. */
const char *image_png_version(void);

#endif
