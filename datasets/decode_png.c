/* decode_png.c - by libpng's simplified interface, which reports failures in place of jumping; turned as its Exif
 * orientation says, which that interface leaves out. */
#include "decode.h"

#ifdef TC_HAVE_PNG
#include <png.h>
#include <string.h>
#include <zlib.h>

static uint32_t read_u32(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Chunks up to IEND: length, type, data, CRC-32 of type and data. libpng leaves out an optional one whose checksum is
 * wrong, and so shows another picture; here it is damage. The chunk eXIf (PNG 3, 11.3.4.5) gives the orientation. */
static tc_status check_chunks(const char *path, const uint8_t *bytes, size_t size, int *orientation) {
    for (size_t at = 8; size - at >= 12;) {
        const uint8_t *chunk = bytes + at;
        uint32_t length = read_u32(chunk);
        if (length > size - at - 12) break;
        if (crc32(0, chunk + 4, length + 4) != read_u32(chunk + 8 + length))
            return tc_fail(TC_ERR_FORMAT, "%s: is a damaged PNG: wrong checksum of the chunk at byte %zu",
                           path, at);
        if (memcmp(chunk + 4, "IEND", 4) == 0) return TC_OK;
        if (memcmp(chunk + 4, "eXIf", 4) == 0) *orientation = tci_exif_orientation(chunk + 8, length);
        at += 12 + (size_t)length;
    }
    return tc_fail(TC_ERR_FORMAT, "%s: is a damaged PNG: ends early", path);
}

tc_status tci_decode_png(const char *path, const uint8_t *bytes, size_t size, tc_picture *picture) {
    png_image png = {.version = PNG_IMAGE_VERSION};
    int orientation = 1;
    /* Before libpng, which asks for as much memory as a chunk says that it is long. */
    TC_TRY(check_chunks(path, bytes, size, &orientation));
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
    status = png_image_finish_read(&png, &(png_color){255, 255, 255}, picture->pixels, 0, NULL)
                 ? tci_exif_turn(path, orientation, picture)
                 : tc_fail(TC_ERR_FORMAT, "%s: is a damaged PNG: %s", path, png.message);
    if (status != TC_OK) tc_picture_free(picture);
    return status;
}

#else

tc_status tci_decode_png(const char *path, const uint8_t *bytes, size_t size, tc_picture *picture) {
    (void)bytes, (void)size, (void)picture;
    return tc_fail(TC_ERR_UNSUPPORTED, "%s: PNG is left out of this build, which was made without libpng",
                   path);
}

#endif
