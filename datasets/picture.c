/* picture.c - pictures from files, of any size, made fit for a net. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "internal.h"

enum { SIDE_MAX = 32767, PIXELS_MAX = 1 << 26, FILE_MAX = 1 << 28 /* bytes */ };

tc_status tci_picture_alloc(const char *path, uint64_t height, uint64_t width, tc_picture *picture) {
    if (height < 1 || width < 1 || height > SIDE_MAX || width > SIDE_MAX || height * width > PIXELS_MAX)
        return tc_fail(TC_ERR_FORMAT,
                       "%s: a picture of %llu x %llu pixels, expected at most %d on a side and %d in all",
                       path, (unsigned long long)width, (unsigned long long)height, SIDE_MAX, PIXELS_MAX);
    uint8_t *pixels = malloc((size_t)(height * width * 3));
    if (!pixels)
        return tc_fail(TC_ERR_MEMORY, "%s: no memory for %llu x %llu pixels", path, (unsigned long long)width,
                       (unsigned long long)height);
    *picture = (tc_picture){(int)height, (int)width, pixels};
    return TC_OK;
}

void tc_picture_free(tc_picture *picture) {
    free(picture->pixels);
    *picture = (tc_picture){0};
}

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

tc_status tc_picture_read(const char *path, tc_picture *picture) {
    static const uint8_t png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    uint8_t *bytes = NULL;
    size_t size = 0;
    *picture = (tc_picture){0};
    TC_TRY(read_file(path, &bytes, &size));
    tc_status status;
    if (size >= sizeof png && memcmp(bytes, png, sizeof png) == 0)
        status = tci_decode_png(path, bytes, size, picture);
    else if (size >= 3 && bytes[0] == 0xff && bytes[1] == 0xd8 && bytes[2] == 0xff)
        status = tci_decode_jpeg(path, bytes, size, picture);
    else
        status = tc_fail(TC_ERR_FORMAT, "%s: is neither PNG nor JPEG", path);
    free(bytes);
    return status;
}

/* ---- Making it fit ---------------------------------------------------------------------------------------- */

/* A part of the picture as floats (rows, columns, channels). Of one channel: luma (ITU-R BT.601), as Pillow's
 * convert("L"). */
static void cut(const tc_picture *p, int top, int left, int rows, int columns, int channels, float *out) {
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) {
            const uint8_t *from = p->pixels + ((size_t)(top + i) * (size_t)p->width + (size_t)(left + j)) * 3;
            if (channels == 3)
                for (int c = 0; c < 3; c++) *out++ = (float)from[c];
            else
                *out++ = 0.299f * (float)from[0] + 0.587f * (float)from[1] + 0.114f * (float)from[2];
        }
}

tc_status tc_picture_fit(const tc_picture *p, int height, int width, int channels, uint8_t *out) {
    if (channels != 1 && channels != 3)
        return tc_fail(TC_ERR_ARGUMENT, "picture: %d channels wanted, expected 1 or 3", channels);
    /* As large a part as has the wanted ratio. */
    int rows = p->height, columns = (int)lrint((double)p->height * width / height);
    if (columns > p->width) columns = p->width, rows = (int)lrint((double)p->width * height / width);
    rows = rows < 1 ? 1 : rows > p->height ? p->height : rows;
    columns = columns < 1 ? 1 : columns;
    int top = (p->height - rows) / 2, left = (p->width - columns) / 2;
    tc_arena *arena = tc_arena_create();
    tci_resize *resize = arena ? tci_resize_create(arena, rows, columns, channels, height, width) : NULL;
    if (!resize) {
        tc_arena_free(arena);
        return tc_fail(TC_ERR_MEMORY, "picture: out of memory");
    }
    /* As floats the whole picture would take four times its memory: a row takes the few that it is made of. */
    int first, taps;
    tci_resize_band(resize, 0, &first, &taps);
    size_t values = (size_t)width * (size_t)channels, line = (size_t)columns * (size_t)channels;
    float *band = tc_arena_alloc(arena, (size_t)taps * line * sizeof *band);
    float *row = tc_arena_alloc(arena, line * sizeof *row);
    float *target = tc_arena_alloc(arena, values * sizeof *target);
    bool ready = band && row && target;
    for (int i = 0; ready && i < height; i++, out += values) {
        tci_resize_band(resize, i, &first, &taps);
        cut(p, top + first, left, taps, columns, channels, band);
        tci_resize_row(resize, i, band, row, target);
        for (size_t k = 0; k < values; k++) out[k] = (uint8_t)lrintf(fminf(fmaxf(target[k], 0), 255));
    }
    tc_arena_free(arena);
    return ready ? TC_OK : tc_fail(TC_ERR_MEMORY, "picture: out of memory");
}

tc_status tc_picture_load(const char *path, int height, int width, int channels, uint8_t *out) {
    tc_picture picture;
    if (channels != 1 && channels != 3)
        return tc_fail(TC_ERR_SHAPE, "%s: the net takes %d channels, which no picture has", path, channels);
    TC_TRY(tc_picture_read(path, &picture));
    tc_status status = tc_picture_fit(&picture, height, width, channels, out);
    tc_picture_free(&picture);
    return status;
}
