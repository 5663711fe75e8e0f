/* Pictures from files: PNG and JPEG of every kind, damaged ones, hostile ones; and what is cut out of them for a net. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "datasets.h"
#include "suite.h"

static void write_bytes(const char *path, const uint8_t *bytes, size_t size) {
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, size, f), size);
    fclose(f);
}

static uint8_t *read_bytes(const char *path, size_t *size) {
    uint8_t *bytes = malloc(1 << 16);
    FILE *f = fopen(path, "rb");
    ck_assert_msg(f != NULL, "%s", path);
    *size = fread(bytes, 1, 1 << 16, f);
    fclose(f);
    return bytes;
}

static bool is_same(const tc_picture *a, const tc_picture *b) {
    return a->width == b->width && a->height == b->height &&
           memcmp(a->pixels, b->pixels, (size_t)a->width * (size_t)a->height * 3) == 0;
}

/* Cut at every length, and each byte changed: a sentence with the file's name, or a picture; `wanted`, if that is not NULL,
 * as in a format with checksums. */
static void expect_no_harm(const uint8_t *original, size_t size, const tc_picture *wanted) {
    tc_picture picture;
    uint8_t *bytes = malloc(size);
    memcpy(bytes, original, size);
    for (size_t length = 0; length < size; length++) {
        write_bytes("damaged", bytes, length);
        if (tc_picture_read("damaged", &picture) != TC_OK)
            ck_assert_ptr_nonnull(strstr(tc_last_error(), "damaged"));
        else
            ck_assert_msg(!wanted || is_same(&picture, wanted), "another picture, unseen");
        tc_picture_free(&picture);
    }
    for (size_t i = 0; i < size; i++) {
        bytes[i] ^= 0x41;
        write_bytes("damaged", bytes, size);
        if (tc_picture_read("damaged", &picture) != TC_OK)
            ck_assert_ptr_nonnull(strstr(tc_last_error(), "damaged"));
        else
            ck_assert_msg(!wanted || is_same(&picture, wanted), "another picture, unseen");
        tc_picture_free(&picture);
        bytes[i] ^= 0x41;
    }
    free(bytes);
    remove("damaged");
}

/* ---- PNG ------------------------------------------------------------------------------------------------- */

/* Pictures of 2 x 1 of every kind, written by Pillow 9.4 (golden/make_png_kinds.py) with the pixels (255, 0, 0) and
 * (0, 128, 255), of grey 0 and 200; the last with alpha 0 and 255, whose first lies on white. */
static const struct {
    const char *what;
    int size;
    uint8_t bytes[160];
    uint8_t pixels[6];
} kinds[] = {
#include "png_kinds.inc"
};

START_TEST(every_kind_of_png_is_read) {
    tc_picture picture;
    write_bytes("kind.png", kinds[_i].bytes, (size_t)kinds[_i].size);
    ck_assert_msg(tc_picture_read("kind.png", &picture) == TC_OK, "%s: %s", kinds[_i].what, tc_last_error());
    ck_assert_int_eq(picture.width, 2);
    ck_assert_int_eq(picture.height, 1);
    for (int i = 0; i < 6; i++)
        ck_assert_msg(picture.pixels[i] == kinds[_i].pixels[i], "%s: value %d is %d, expected %d",
                      kinds[_i].what, i, picture.pixels[i], kinds[_i].pixels[i]);
    expect_no_harm(kinds[_i].bytes, (size_t)kinds[_i].size, &picture);
    tc_picture_free(&picture);
    remove("kind.png");
}
END_TEST

/* A header that speaks of 30000 x 30000 pixels, its checksum right, is refused before memory is asked for. */
START_TEST(a_huge_png_is_refused) {
    uint8_t bytes[64] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x75\x30\0\0\x75\x30\x08\x02\0\0\0";
    uint32_t sum = (uint32_t)crc32(0, bytes + 12, 17);
    tc_picture picture;
    for (int i = 0; i < 4; i++) bytes[29 + i] = (uint8_t)(sum >> (24 - 8 * i));
    memcpy(bytes + 33, "\0\0\0\0IDAT\x35\xaf\x06\x1e\0\0\0\0IEND\xae\x42\x60\x82", 24);
    write_bytes("huge.png", bytes, 57);
    ck_assert_int_eq(tc_picture_read("huge.png", &picture), TC_ERR_FORMAT);
    ck_assert_msg(strstr(tc_last_error(), "a picture of 30000 x 30000 pixels") != NULL, "%s",
                  tc_last_error());
    remove("huge.png");
}
END_TEST

/* ---- JPEG ------------------------------------------------------------------------------------------------ */

static const char *const jpegs[] = {"orientation1", "orientation2", "orientation3", "orientation4",
                                    "orientation5", "orientation6", "orientation7", "orientation8",
                                    "progressive",  "cmyk",         "grey"};
enum { JPEGS = sizeof jpegs / sizeof jpegs[0] };

/* The middle of each quarter; JPEG loses a little. */
static void expect_quarters(const tc_picture *p, bool grey) {
    static const uint8_t colors[4][3] = {{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {255, 255, 0}};
    static const uint8_t greys[] = {40, 100, 160, 220};
    ck_assert_int_eq(p->width, 48);
    ck_assert_int_eq(p->height, 32);
    for (int q = 0; q < 4; q++)
        for (int c = 0; c < 3; c++) {
            int found = p->pixels[((q / 2 * 16 + 8) * 48 + q % 2 * 24 + 12) * 3 + c];
            int wanted = grey ? greys[q] : colors[q][c];
            ck_assert_msg(abs(found - wanted) <= 6, "quarter %d, channel %d: %d, expected %d", q, c, found,
                          wanted);
        }
}

START_TEST(every_kind_of_jpeg_is_read_and_turned) {
    tc_picture picture;
    char path[512];
    size_t size;
    snprintf(path, sizeof path, "%s/jpeg/%s.jpg", TC_GOLDEN_DIR, jpegs[_i]);
    ck_assert_msg(tc_picture_read(path, &picture) == TC_OK, "%s", tc_last_error());
    expect_quarters(&picture, _i == JPEGS - 1);
    tc_picture_free(&picture);
    uint8_t *bytes = read_bytes(path, &size);
    expect_no_harm(bytes, size, NULL);
    free(bytes);
}
END_TEST

/* A grey picture of one block whose scan of all but its mean comes `scans` times. */
static size_t make_scans(int scans, uint8_t *bytes) {
    static const uint8_t frame[] = {0xff, 0xc2, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0};
    static const uint8_t first[] = {0xff, 0xda, 0, 8, 1, 1, 0, 0, 0, 0, 0x7f};
    static const uint8_t scan[] = {0xff, 0xda, 0, 8, 1, 1, 0, 1, 63, 0, 0x7f};
    uint8_t *at = bytes;
    memcpy(at, "\xff\xd8\xff\xdb\0\x43", 7), at += 7; /* every step of quantisation is 1 */
    memset(at, 1, 64), at += 64;
    memcpy(at, frame, sizeof frame), at += sizeof frame;
    for (int table = 0; table < 2;
         table++) { /* Huffman's tables, of means and of the rest: one bit, a zero */
        memset(at, 0, 22);
        at[0] = 0xff, at[1] = 0xc4, at[3] = 20, at[4] = (uint8_t)(0x10 * table), at[5] = 1, at += 22;
    }
    memcpy(at, first, sizeof first), at += sizeof first;
    for (int i = 0; i < scans; i++) memcpy(at, scan, sizeof scan), at += sizeof scan;
    *at++ = 0xff, *at++ = 0xd9;
    return (size_t)(at - bytes);
}

/* Each takes as long as the whole picture. */
START_TEST(thousands_of_scans_are_refused) {
    tc_picture picture;
    uint8_t *bytes = malloc(1 << 16);
    write_bytes("scans.jpg", bytes, make_scans(50, bytes));
    ck_assert_msg(tc_picture_read("scans.jpg", &picture) == TC_OK, "%s", tc_last_error());
    ck_assert_int_eq(picture.pixels[0], 128);
    tc_picture_free(&picture);
    write_bytes("scans.jpg", bytes, make_scans(1000, bytes));
    ck_assert_int_eq(tc_picture_read("scans.jpg", &picture), TC_ERR_FORMAT);
    ck_assert_msg(strstr(tc_last_error(), "scans.jpg: is a damaged JPEG: more than 100 scans") != NULL, "%s",
                  tc_last_error());
    free(bytes);
    remove("scans.jpg");
}
END_TEST

START_TEST(what_is_no_picture_is_said) {
    tc_picture picture;
    write_bytes("no.png", (const uint8_t *)"GIF89a..", 8);
    ck_assert_int_eq(tc_picture_read("no.png", &picture), TC_ERR_FORMAT);
    ck_assert_ptr_nonnull(strstr(tc_last_error(), "no.png: is neither PNG nor JPEG"));
    ck_assert_int_eq(tc_picture_read("nowhere.png", &picture), TC_ERR_IO);
    ck_assert_int_eq(tc_picture_read(".", &picture), TC_ERR_IO);
    remove("no.png");
}
END_TEST

/* ---- Fitting --------------------------------------------------------------------------------------------- */

static tc_picture made(int height, int width) {
    tc_picture p = {height, width, malloc((size_t)height * (size_t)width * 3)};
    for (int i = 0; i < height * width * 3; i++) p.pixels[i] = (uint8_t)(i * 37 % 251);
    return p;
}

START_TEST(in_its_own_size_a_picture_stays) {
    tc_picture p = made(7, 9);
    uint8_t out[7 * 9 * 3];
    ck_assert_int_eq(tc_picture_fit(&p, 7, 9, 3, out), TC_OK);
    ck_assert_mem_eq(out, p.pixels, sizeof out);
    tc_picture_free(&p);
}
END_TEST

/* Of 4 x 12 a square net sees columns 4 to 7; twice as small, each value is what the triangle of four pixels weighs. */
START_TEST(the_middle_is_cut_out) {
    tc_picture p = {4, 12, malloc(4 * 12 * 3)};
    uint8_t out[4 * 4 * 3];
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 12; j++)
            for (int c = 0; c < 3; c++) p.pixels[(i * 12 + j) * 3 + c] = (uint8_t)(20 * j + c);
    ck_assert_int_eq(tc_picture_fit(&p, 4, 4, 3, out), TC_OK);
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) ck_assert_int_eq(out[(i * 4 + j) * 3 + 1], 20 * (j + 4) + 1);
    /* Weights 1, 3, 3, 1 of columns 3, 4, 5, 6 of which the first is cut away: (3 * 80 + 3 * 100 + 120) / 7 = 94.3. */
    ck_assert_int_eq(tc_picture_fit(&p, 2, 2, 3, out), TC_OK);
    ck_assert_int_eq(out[0], 94);
    ck_assert_int_eq(out[3], 126);
    /* Grey: 0.299 R + 0.587 G + 0.114 B. */
    ck_assert_int_eq(tc_picture_fit(&p, 4, 4, 1, out), TC_OK);
    ck_assert_int_eq(out[0], (int)lrint(80 * 0.299 + 81 * 0.587 + 82 * 0.114));
    ck_assert_int_eq(tc_picture_fit(&p, 4, 4, 2, out), TC_ERR_ARGUMENT);
    /* And larger than it is, and of a line. */
    uint8_t large[64 * 64];
    ck_assert_int_eq(tc_picture_fit(&p, 64, 64, 1, large), TC_OK);
    tc_picture_free(&p);
    p = made(1, 300);
    ck_assert_int_eq(tc_picture_fit(&p, 64, 64, 1, large), TC_OK);
    tc_picture_free(&p);
    p = made(300, 1);
    ck_assert_int_eq(tc_picture_fit(&p, 64, 64, 1, large), TC_OK);
    tc_picture_free(&p);
}
END_TEST

static bool has(const char *format) {
    tc_picture picture;
    static const uint8_t png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'}, jpeg[] = {0xff, 0xd8, 0xff};
    bool is_png = strcmp(format, "png") == 0;
    FILE *f = fopen("probe", "wb");
    if (!f) return false;
    fwrite(is_png ? png : jpeg, 1, is_png ? sizeof png : sizeof jpeg, f);
    fclose(f);
    tc_status status = tc_picture_read("probe", &picture);
    remove("probe");
    return status != TC_ERR_UNSUPPORTED;
}

static void add(TCase *tests) {
    tcase_add_test(tests, what_is_no_picture_is_said);
    tcase_add_test(tests, in_its_own_size_a_picture_stays);
    tcase_add_test(tests, the_middle_is_cut_out);
    if (has("png")) {
        tcase_add_loop_test(tests, every_kind_of_png_is_read, 0, sizeof kinds / sizeof kinds[0]);
        tcase_add_test(tests, a_huge_png_is_refused);
    }
    if (has("jpeg")) {
        tcase_add_loop_test(tests, every_kind_of_jpeg_is_read_and_turned, 0, JPEGS);
        tcase_add_test(tests, thousands_of_scans_are_refused);
    }
}

int main(void) {
    return suite_main("picture", add);
}
