/* png.c - writes PNG by libpng's simplified interface, which reports failures in place of jumping. */
#include "image.h"

#include <stdlib.h>

#ifdef TC_HAVE_PNG
#include <png.h>

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

#else

const char *image_png_version(void) {
    return NULL;
}

tc_status image_encode_png(const image *im, uint8_t **bytes, size_t *size) {
    (void)im;
    *bytes = NULL;
    *size = 0;
    return tc_fail(TC_ERR_UNSUPPORTED,
                   "PNG pictures are left out of this build, which was made without libpng");
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
