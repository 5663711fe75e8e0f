/* exif.c - how a picture was held when it was taken (Exif 2.3, 4.6.4 A: tag 0x0112 of the first directory). */
#include <string.h>

#include "decode.h"

static unsigned read_u16(const uint8_t *p, bool little) {
    return little ? p[0] | (unsigned)p[1] << 8 : p[1] | (unsigned)p[0] << 8;
}

static uint32_t read_u32(const uint8_t *p, bool little) {
    return little ? read_u16(p, true) | (uint32_t)read_u16(p + 2, true) << 16
                  : read_u16(p + 2, false) | (uint32_t)read_u16(p, false) << 16;
}

int tci_exif_orientation(const uint8_t *p, size_t size) {
    if (size < 8) return 1;
    bool little = p[0] == 'I';
    uint32_t directory = read_u32(p + 4, little);
    if (directory > size - 2) return 1;
    unsigned entries = read_u16(p + directory, little);
    for (unsigned i = 0; i < entries && directory + 2 + 12 * (size_t)(i + 1) <= size; i++) {
        const uint8_t *entry = p + directory + 2 + 12 * (size_t)i;
        unsigned value = read_u16(entry + 8, little);
        if (read_u16(entry, little) == 0x0112) return value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 1;
}

tc_status tci_exif_turn(const char *path, int orientation, tc_picture *picture) {
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
