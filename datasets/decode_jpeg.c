/* decode_jpeg.c - by libjpeg-turbo: any JPEG, grey, in colour, CMYK; turned as its Exif orientation says. */
#include "decode.h"

#ifdef TC_HAVE_JPEG
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

/* ---- Decoding --------------------------------------------------------------------------------------------- */

enum { EXIF_HEAD = 6 /* bytes of its marker before Exif begins */, SCANS_MAX = 100 };

typedef struct decoder {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
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

/* Each scan of a progressive JPEG goes over the whole picture, and a small file can hold thousands; encoders write ten. */
static void on_progress(j_common_ptr common) {
    decoder *d = common->client_data;
    if (d->jpeg.input_scan_number <= SCANS_MAX) return;
    snprintf(d->message, sizeof d->message, "more than %d scans", SCANS_MAX);
    longjmp(d->out, 1);
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
        if (d->orientation == 1 && m->data_length > EXIF_HEAD && memcmp(m->data, "Exif\0\0", EXIF_HEAD) == 0)
            d->orientation = tci_exif_orientation(m->data + EXIF_HEAD, m->data_length - EXIF_HEAD);
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
        d->progress.progress_monitor = on_progress;
        d->jpeg.progress = &d->progress;
        d->jpeg.client_data = d;
        decode(d, bytes, size);
    } else {
        d->status = tc_fail(TC_ERR_FORMAT, "%s: is a damaged JPEG: %s", path, d->message);
    }
    jpeg_destroy_decompress(&d->jpeg);
    free(d->row);
    tc_status status = d->status;
    if (status == TC_OK) status = tci_exif_turn(path, d->orientation, &d->picture);
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
