/* decode.h - bytes of picture files to pixels; each function is one format's. */
#ifndef TINYCNN_DATASETS_DECODE_H
#define TINYCNN_DATASETS_DECODE_H

#include "datasets.h"

/* Sentences begin with `path`. TC_ERR_UNSUPPORTED in a build without the library. */
tc_status tci_decode_png(const char *path, const uint8_t *bytes, size_t size, tc_picture *picture);
tc_status tci_decode_jpeg(const char *path, const uint8_t *bytes, size_t size, tc_picture *picture);

/* What Exif's bytes, from the byte order on, say of the orientation: 1 (as it is, also where nothing is said) to 8. */
int tci_exif_orientation(const uint8_t *exif, size_t size);
/* Rows and columns as a person shall see them. */
tc_status tci_exif_turn(const char *path, int orientation, tc_picture *picture);

/* Room for the pixels; TC_ERR_FORMAT where a side or the whole is too large. */
tc_status tci_picture_alloc(const char *path, uint64_t height, uint64_t width, tc_picture *picture);

#endif
