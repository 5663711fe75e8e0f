/* decode_png.c - by libpng's simplified interface, which reports failures in place of jumping. */
#include "decode.h"

#ifdef TC_HAVE_PNG
#include <png.h>

tc_status tci_decode_png(const char *path, const uint8_t *bytes, size_t size, tc_picture *picture) {
    png_image png = {.version = PNG_IMAGE_VERSION};
    if (!png_image_begin_read_from_memory(&png, bytes, size))
        return tc_fail(TC_ERR_FORMAT, "%s: is a damaged PNG: %s", path, png.message);
    /* Numbers of 16 bits without a word about their meaning are as those of 8 bits are. */
    png.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
    png.format = PNG_FORMAT_RGB;
    tc_status status = tci_picture_alloc(path, png.height, png.width, picture);
    if (status != TC_OK) {
        png_image_free(&png);
        return status;
    }
    /* What is transparent lies on white. */
    if (png_image_finish_read(&png, &(png_color){255, 255, 255}, picture->pixels, 0, NULL)) return TC_OK;
    tc_picture_free(picture);
    return tc_fail(TC_ERR_FORMAT, "%s: is a damaged PNG: %s", path, png.message);
}

#else

tc_status tci_decode_png(const char *path, const uint8_t *bytes, size_t size, tc_picture *picture) {
    (void)bytes, (void)size, (void)picture;
    return tc_fail(TC_ERR_UNSUPPORTED, "%s: PNG is left out of this build, which was made without libpng",
                   path);
}

#endif
