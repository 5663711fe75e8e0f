/* A PNG, made fit for a net. What every PNG begins with and its chunks' checksums are not left to chance. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "datasets.h"
#include "fuzz.h"

/* A chunk: length, type, data, CRC-32 of type and data. */
static void repair(uint8_t *file, size_t size) {
    static const uint8_t magic[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    memcpy(file, magic, size < 8 ? size : 8);
    for (size_t at = 8; at + 12 <= size;) {
        uint8_t *chunk = file + at;
        size_t length = (size_t)chunk[0] << 24 | (size_t)chunk[1] << 16 | (size_t)chunk[2] << 8 | chunk[3];
        if (length > size - at - 12) return;
        uint32_t sum = (uint32_t)crc32(0, chunk + 4, (unsigned)length + 4);
        for (int i = 0; i < 4; i++) chunk[8 + length + (size_t)i] = (uint8_t)(sum >> (24 - 8 * i));
        at += 12 + length;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    uint8_t out[3 * 6 * 5], *file = malloc(size + 1);
    tc_picture picture;
    fuzz_expect(file != NULL, "memory");
    if (size > 0) memcpy(file, bytes, size);
    repair(file, size);
    if (tc_picture_read(fuzz_file("a.png", file, size), &picture) == TC_OK) {
        fuzz_expect(tc_picture_fit(&picture, 6, 5, 3, out) == TC_OK, "a picture that fits");
        tc_picture_free(&picture);
    }
    free(file);
    return 0;
}
