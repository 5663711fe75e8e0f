/* decode_jpeg.c - by libjpeg-turbo: any JPEG, grey, in colour, CMYK; turned as its Exif orientation says. */
#include "decode.h"

#ifdef TC_HAVE_JPEG
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

/* ---- Exif orientation (Exif 2.3, 4.6.4 A: tag 0x0112 of the first directory) ------------------------------- */

static unsigned read_u16(const uint8_t *p, bool little) {
    return little ? p[0] | (unsigned)p[1] << 8 : p[1] | (unsigned)p[0] << 8;
}

static uint32_t read_u32(const uint8_t *p, bool little) {
    return little ? read_u16(p, true) | (uint32_t)read_u16(p + 2, true) << 16
                  : read_u16(p + 2, false) | (uint32_t)read_u16(p, false) << 16;
}

/* 1 to 8; 1, as it is, where nothing is said. */
static int orientation_of(const uint8_t *p, size_t size) {
    if (size < 14 || memcmp(p, "Exif\0\0", 6) != 0) return 1;
    p += 6, size -= 6; /* offsets count from here */
    bool little = p[0] == 'I';
    uint32_t directory = read_u32(p + 4, little);
    if (directory > size - 2 || size < 2) return 1;
    unsigned entries = read_u16(p + directory, little);
    for (unsigned i = 0; i < entries && directory + 2 + 12 * (size_t)(i + 1) <= size; i++) {
        const uint8_t *entry = p + directory + 2 + 12 * (size_t)i;
        unsigned value = read_u16(entry + 8, little);
        if (read_u16(entry, little) == 0x0112) return value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 1;
}

/* Rows and columns as a person shall see them. */
static tc_status turn(const char *path, int orientation, tc_picture *picture) {
    if (orientation == 1) return TC_OK;
    tc_picture turned;
    int height = picture->height, width = picture->width;
    bool swapped = orientation >= 5;
    TC_TRY(tci_picture_alloc(path, (uint64_t)(swapped ? width : height), (uint64_t)(swapped ? height : width),
                             &turned));
    for (int i = 0; i < turned.height; i++)
        for (int j = 0; j < turned.width; j++) {
            int row = swapped ? j : i, column = swapped ? i : j;
            if (orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8)
                column = width - 1 - column;
            if (orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7)
                row = height - 1 - row;
            memcpy(turned.pixels + ((size_t)i * (size_t)turned.width + (size_t)j) * 3,
                   picture->pixels + ((size_t)row * (size_t)width + (size_t)column) * 3, 3);
        }
    tc_picture_free(picture);
    *picture = turned;
    return TC_OK;
}

/* ---- Decoding --------------------------------------------------------------------------------------------- */

typedef struct decoder {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    jmp_buf out;
    char message[JMSG_LENGTH_MAX];
    const char *path;
    uint8_t *row; /* (width, components) */
    tc_picture picture;
    int orientation; /* of Exif */
    tc_status status;
} decoder;

static void on_error(j_common_ptr common) {
    decoder *d = common->client_data;
    common->err->format_message(common, d->message);
    longjmp(d->out, 1);
}

/* A warning is damage too: what it warns of would be pixels that nobody wrote. */
static void on_message(j_common_ptr common, int level) {
    if (level < 0) on_error(common);
}

static void keep_row(decoder *d, unsigned at) {
    uint8_t *to = d->picture.pixels + (size_t)at * (size_t)d->picture.width * 3;
    int components = d->jpeg.output_components;
    for (int j = 0; j < d->picture.width; j++, to += 3) {
        const uint8_t *p = d->row + j * components;
        for (int c = 0; c < 3; c++) {
            /* Adobe writes CMYK upside down: 255 is no ink. */
            if (components == 4)
                to[c] = (uint8_t)(d->jpeg.saw_Adobe_marker ? p[c] * p[3] / 255
                                                           : (255 - p[c]) * (255 - p[3]) / 255);
            else
                to[c] = components == 3 ? p[c] : p[0];
        }
    }
}

static void decode(decoder *d, const uint8_t *bytes, size_t size) {
    jpeg_mem_src(&d->jpeg, bytes, (unsigned long)size);
    jpeg_save_markers(&d->jpeg, JPEG_APP0 + 1, 0xffff);
    jpeg_read_header(&d->jpeg, TRUE);
    for (jpeg_saved_marker_ptr m = d->jpeg.marker_list; m; m = m->next)
        if (d->orientation == 1) d->orientation = orientation_of(m->data, m->data_length);
    if (d->jpeg.jpeg_color_space == JCS_CMYK || d->jpeg.jpeg_color_space == JCS_YCCK)
        d->jpeg.out_color_space = JCS_CMYK;
    else
        d->jpeg.out_color_space = d->jpeg.jpeg_color_space == JCS_GRAYSCALE ? JCS_GRAYSCALE : JCS_RGB;
    d->status = tci_picture_alloc(d->path, d->jpeg.image_height, d->jpeg.image_width, &d->picture);
    if (d->status != TC_OK) return;
    jpeg_start_decompress(&d->jpeg);
    d->row = malloc((size_t)d->jpeg.output_width * (size_t)d->jpeg.output_components);
    if (!d->row) {
        d->status = tc_fail(TC_ERR_MEMORY, "%s: out of memory", d->path);
        return;
    }
    while (d->jpeg.output_scanline < d->jpeg.output_height) {
        JSAMPROW rows[1] = {d->row};
        unsigned at = d->jpeg.output_scanline;
        if (jpeg_read_scanlines(&d->jpeg, rows, 1) == 1) keep_row(d, at);
    }
    jpeg_finish_decompress(&d->jpeg);
}

#define TEXT_OF(x) #x
#define TEXT(x)    TEXT_OF(x)

const char *tc_jpeg_version(void) {
    return TEXT(LIBJPEG_TURBO_VERSION);
}

tc_status tci_decode_jpeg(const char *path, const uint8_t *bytes, size_t size, tc_picture *picture) {
    decoder *d = calloc(1, sizeof *d); /* not on the stack, whose values a longjmp may lose */
    if (!d) return tc_fail(TC_ERR_MEMORY, "%s: out of memory", path);
    d->path = path;
    d->orientation = 1;
    d->jpeg.err = jpeg_std_error(&d->errors);
    d->errors.error_exit = on_error;
    d->errors.emit_message = on_message;
    d->jpeg.client_data = d;
    if (setjmp(d->out) == 0) {
        jpeg_create_decompress(&d->jpeg);
        d->jpeg.client_data = d;
        decode(d, bytes, size);
    } else {
        d->status = tc_fail(TC_ERR_FORMAT, "%s: is a damaged JPEG: %s", path, d->message);
    }
    jpeg_destroy_decompress(&d->jpeg);
    free(d->row);
    tc_status status = d->status;
    if (status == TC_OK) status = turn(path, d->orientation, &d->picture);
    if (status != TC_OK) tc_picture_free(&d->picture);
    *picture = d->picture;
    free(d);
    return status;
}

#else

const char *tc_jpeg_version(void) {
    return NULL;
}

tc_status tci_decode_jpeg(const char *path, const uint8_t *bytes, size_t size, tc_picture *picture) {
    (void)bytes, (void)size, (void)picture;
    return tc_fail(TC_ERR_UNSUPPORTED, "%s: JPEG is left out of this build, which was made without libjpeg",
                   path);
}

#endif
