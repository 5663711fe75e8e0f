/* A JPEG, made fit for a net. Three bytes that every JPEG begins with are not left to chance. */
#include <stdlib.h>
#include <string.h>

#include "datasets.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static const uint8_t magic[3] = {0xff, 0xd8, 0xff};
    uint8_t out[3 * 6 * 5], *file = malloc(size + 1);
    tc_picture picture;
    fuzz_expect(file != NULL, "memory");
    if (size > 0) memcpy(file, bytes, size);
    memcpy(file, magic, size < 3 ? size : 3);
    if (tc_picture_read(fuzz_file("a.jpg", file, size), &picture) == TC_OK) {
        fuzz_expect(tc_picture_fit(&picture, 6, 5, 1, out) == TC_OK, "a picture that fits");
        tc_picture_free(&picture);
    }
    free(file);
    return 0;
}
