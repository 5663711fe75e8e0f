/* png.c - the only file that knows libpng; by its simplified interface, which reports failures in place of jumping. */
#include "image.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef TC_HAVE_PNG
#include <png.h>

enum { PIXELS_MAX = 1 << 26, FILE_MAX = 1 << 29 /* bytes */ };

const char *image_png_version(void) {
    return PNG_LIBPNG_VER_STRING;
}

tc_status image_encode_png(const image *im, uint8_t **bytes, size_t *size) {
    png_image png = {.version = PNG_IMAGE_VERSION,
                     .width = (png_uint_32)im->width,
                     .height = (png_uint_32)im->height,
                     .format = PNG_FORMAT_RGB};
    png_alloc_size_t room = PNG_IMAGE_PNG_SIZE_MAX(png);
    *bytes = malloc(room);
    if (!*bytes)
        return tc_fail(TC_ERR_MEMORY, "no memory for a PNG of %d x %d pixels", im->width, im->height);
    if (png_image_write_to_memory(&png, *bytes, &room, 0, im->pixels, 0, NULL)) {
        *size = room;
        return TC_OK;
    }
    free(*bytes);
    *bytes = NULL;
    return tc_fail(TC_ERR_MEMORY, "a PNG of %d x %d pixels could not be made: %s", im->width, im->height,
                   png.message);
}

/* ---- Reading ------------------------------------------------------------------------------------------ */

static tc_status read_file(const char *path, uint8_t **bytes, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (!file) return tc_fail(TC_ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    size_t room = 1 << 16, used = 0;
    uint8_t *buffer = malloc(room);
    tc_status status = buffer ? TC_OK : tc_fail(TC_ERR_MEMORY, "%s: no memory to read it", path);
    for (size_t got = 1; status == TC_OK && got > 0; used += got) {
        if (used == room && room < FILE_MAX) {
            uint8_t *larger = realloc(buffer, room *= 2);
            if (!larger) status = tc_fail(TC_ERR_MEMORY, "%s: no memory to read it", path);
            if (larger) buffer = larger;
        } else if (used == room) {
            status = tc_fail(TC_ERR_FORMAT, "%s: more than %d bytes, expected a picture", path, FILE_MAX);
        }
        got = status == TC_OK ? fread(buffer + used, 1, room - used, file) : 0;
    }
    if (status == TC_OK && ferror(file))
        status = tc_fail(TC_ERR_IO, "%s: cannot be read: %s", path, strerror(errno));
    fclose(file);
    if (status != TC_OK) {
        free(buffer);
        return status;
    }
    *bytes = buffer;
    *size = used;
    return TC_OK;
}

static tc_status decode(const char *path, const uint8_t *bytes, size_t size, image *out) {
    png_image png = {.version = PNG_IMAGE_VERSION};
    if (size < 8 || png_sig_cmp(bytes, 0, 8) != 0) return tc_fail(TC_ERR_FORMAT, "%s: is no PNG file", path);
    if (!png_image_begin_read_from_memory(&png, bytes, size))
        return tc_fail(TC_ERR_FORMAT, "%s: is a damaged PNG: %s", path, png.message);
    /* Numbers of 16 bits without a word about their meaning are as those of 8 bits are. */
    png.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
    png.format = PNG_FORMAT_RGB;
    tc_status status = TC_OK;
    if (png.width > IMAGE_SIDE_MAX || png.height > IMAGE_SIDE_MAX ||
        (uint64_t)png.width * png.height > PIXELS_MAX)
        status = tc_fail(TC_ERR_FORMAT,
                         "%s: a picture of %u x %u pixels, expected at most %d on a side and %d in all", path,
                         (unsigned)png.width, (unsigned)png.height, IMAGE_SIDE_MAX, PIXELS_MAX);
    if (status == TC_OK) status = image_create((int)png.width, (int)png.height, COLOR_WHITE, out);
    if (status != TC_OK) {
        png_image_free(&png);
        return status;
    }
    if (png_image_finish_read(&png, &(png_color){255, 255, 255}, out->pixels, 0, NULL)) return TC_OK;
    image_free(out);
    return tc_fail(TC_ERR_FORMAT, "%s: is a damaged PNG: %s", path, png.message);
}

tc_status image_read_png(const char *path, image *out) {
    uint8_t *bytes = NULL;
    size_t size = 0;
    *out = (image){0};
    TC_TRY(read_file(path, &bytes, &size));
    tc_status status = decode(path, bytes, size, out);
    free(bytes);
    return status;
}

#else

static tc_status left_out(void) {
    return tc_fail(TC_ERR_UNSUPPORTED,
                   "PNG pictures are left out of this build, which was made without libpng");
}

const char *image_png_version(void) {
    return NULL;
}

tc_status image_encode_png(const image *im, uint8_t **bytes, size_t *size) {
    (void)im;
    *bytes = NULL;
    *size = 0;
    return left_out();
}

tc_status image_read_png(const char *path, image *out) {
    (void)path;
    *out = (image){0};
    return left_out();
}

#endif

tc_status image_write_png(const image *im, const char *path) {
    uint8_t *bytes;
    size_t size;
    TC_TRY(image_encode_png(im, &bytes, &size));
    tc_status status = tc_write_file(path, bytes, size);
    free(bytes);
    return status;
}
