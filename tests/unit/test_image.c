/* Pictures, letters, colours, sheets, PNG files. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets.h"
#include "font.h"
#include "grid.h"
#include "suite.h"

static const uint8_t *at(const image *im, int x, int y) {
    return im->pixels + ((size_t)y * (size_t)im->width + (size_t)x) * 3;
}

static void expect_color(const image *im, int x, int y, int r, int g, int b) {
    const uint8_t *p = at(im, x, y);
    ck_assert_msg(p[0] == r && p[1] == g && p[2] == b, "(%d, %d) is %d %d %d, expected %d %d %d", x, y, p[0],
                  p[1], p[2], r, g, b);
}

START_TEST(drawing_is_clipped) {
    image im, small;
    ck_assert_int_eq(image_create(4, 3, COLOR_WHITE, &im), TC_OK);
    image_rectangle(&im, -5, -5, 6, 100, COLOR_BLACK);
    expect_color(&im, 0, 2, 0, 0, 0);
    expect_color(&im, 1, 0, 255, 255, 255);
    ck_assert_int_eq(image_create(2, 2, (color){9, 8, 7}, &small), TC_OK);
    image_paste(&im, 2, 1, 3, &small);
    expect_color(&im, 3, 2, 9, 8, 7);
    expect_color(&im, 3, 0, 255, 255, 255);
    image_text(&im, -2, -2, 2, COLOR_BLACK, "W\xff");
    image_text(&im, 1000, 1000, 2, COLOR_BLACK, "W");
    image_free(&im), image_free(&small);
    ck_assert_int_eq(image_create(0, 3, COLOR_WHITE, &im), TC_ERR_ARGUMENT);
    ck_assert_int_eq(image_create(40000, 3, COLOR_WHITE, &im), TC_ERR_ARGUMENT);
    image_free(&im);
}
END_TEST

START_TEST(no_two_letters_look_the_same) {
    for (int a = '!'; a <= '~'; a++)
        for (int b = ' '; b < a; b++) {
            bool same = true;
            for (int r = 0; r < FONT_HEIGHT; r++)
                for (int c = 0; c < FONT_WIDTH; c++)
                    same = same && font_dot((char)a, r, c) == font_dot((char)b, r, c);
            ck_assert_msg(!same, "%c and %c look the same", a, b);
        }
    ck_assert_int_eq(image_text_width("abc", 2), 36);
}
END_TEST

START_TEST(scales_go_from_end_to_end) {
    color c = color_of(SCALE_GREY, 0.5);
    ck_assert(c.r == 128 && c.g == 128 && c.b == 128);
    c = color_of(SCALE_DIVERGING, 0.5);
    ck_assert(c.r == 255 && c.g == 255 && c.b == 255);
    c = color_of(SCALE_SEQUENTIAL, -3);
    ck_assert(c.r == 68 && c.g == 1 && c.b == 84);
    c = color_of(SCALE_SEQUENTIAL, INFINITY);
    ck_assert(c.r == 253 && c.g == 231 && c.b == 37);
    c = color_of(SCALE_SEQUENTIAL, NAN);
    ck_assert(c.r == COLOR_MISSING.r && c.g == COLOR_MISSING.g);
    /* Viridis is made so that lightness rises evenly: so also in grey. */
    double before = -1;
    for (int i = 0; i <= 20; i++) {
        c = color_of(SCALE_SEQUENTIAL, i / 20.0);
        double light = 0.2126 * c.r + 0.7152 * c.g + 0.0722 * c.b;
        ck_assert_double_gt(light, before);
        before = light;
    }
}
END_TEST

START_TEST(values_and_bytes_become_pictures) {
    const float values[] = {0, 99, 1, 99, -1, 99, NAN, 99}; /* every second one */
    image im;
    ck_assert_int_eq(image_of_values(values, 2, 2, 2, -1, 1, SCALE_GREY, &im), TC_OK);
    expect_color(&im, 0, 0, 128, 128, 128);
    expect_color(&im, 1, 0, 255, 255, 255);
    expect_color(&im, 0, 1, 0, 0, 0);
    expect_color(&im, 1, 1, COLOR_MISSING.r, COLOR_MISSING.g, COLOR_MISSING.b);
    image_free(&im);
    ck_assert_int_eq(image_of_values(values, 2, 1, 1, 3, 3, SCALE_GREY, &im), TC_OK);
    expect_color(&im, 0, 0, 128, 128, 128);
    image_free(&im);
    const uint8_t bytes[] = {1, 2, 3, 4, 5, 6};
    ck_assert_int_eq(image_of_bytes(bytes, 1, 2, 3, &im), TC_OK);
    expect_color(&im, 1, 0, 4, 5, 6);
    image_free(&im);
    ck_assert_int_eq(image_of_bytes(bytes, 2, 3, 1, &im), TC_OK);
    expect_color(&im, 2, 1, 6, 6, 6);
    image_free(&im);
}
END_TEST

START_TEST(a_sheet_has_its_pictures_in_place) {
    image red, blue, sheet;
    ck_assert_int_eq(image_create(8, 8, (color){200, 0, 0}, &red), TC_OK);
    ck_assert_int_eq(image_create(8, 8, (color){0, 0, 200}, &blue), TC_OK);
    grid_cell cells[] = {{&red, NULL}, {&blue, NULL}, {NULL, NULL}, {&red, NULL}};
    ck_assert_int_eq(grid_draw(cells, 4, &(grid_options){.columns = 2, .scale = 2}, &sheet), TC_OK);
    /* 12 margin, 16 picture, 10 gap, 16 picture, 12 margin */
    ck_assert_int_eq(sheet.width, 66);
    ck_assert_int_eq(sheet.height, 66);
    expect_color(&sheet, 12, 12, 200, 0, 0);
    expect_color(&sheet, 27, 27, 200, 0, 0);
    expect_color(&sheet, 38, 12, 0, 0, 200);
    expect_color(&sheet, 20, 46, 255, 255, 255);
    expect_color(&sheet, 53, 53, 200, 0, 0);
    image_free(&sheet);
    /* With a title of two lines, names and labels there is more above and beside. */
    const char *rows[] = {"first row", "second"},
               *headers[] = {"left", "a header that is far too long for its column"};
    cells[0].label = "a label that is too long to stand below so small a picture";
    ck_assert_int_eq(
        grid_draw(cells, 4,
                  &(grid_options){.columns = 2, .title = "two\nlines", .rows = rows, .headers = headers},
                  &sheet),
        TC_OK);
    ck_assert_int_gt(sheet.width, 200);
    image_free(&sheet);
    ck_assert_int_eq(grid_draw(cells, 0, NULL, &sheet), TC_ERR_ARGUMENT);
    ck_assert_int_eq(grid_draw(cells, 4, &(grid_options){.scale = 5000, .columns = 1}, &sheet),
                     TC_ERR_ARGUMENT);
    image_free(&red), image_free(&blue), image_free(&sheet);
}
END_TEST

/* ---- PNG ---------------------------------------------------------------------------------------------- */

START_TEST(png_gives_back_what_was_written) {
    image im;
    tc_picture back;
    ck_assert_int_eq(image_create(17, 5, COLOR_WHITE, &im), TC_OK);
    for (int i = 0; i < 17 * 5 * 3; i++) im.pixels[i] = (uint8_t)(i * 37);
    ck_assert_int_eq(image_write_png(&im, "a.png"), TC_OK);
    ck_assert_int_eq(tc_picture_read("a.png", &back), TC_OK);
    ck_assert_int_eq(back.width, 17);
    ck_assert_int_eq(back.height, 5);
    ck_assert_mem_eq(im.pixels, back.pixels, 17 * 5 * 3);
    image_free(&im), tc_picture_free(&back);
}
END_TEST

static void add(TCase *tests) {
    tcase_add_test(tests, drawing_is_clipped);
    tcase_add_test(tests, no_two_letters_look_the_same);
    tcase_add_test(tests, scales_go_from_end_to_end);
    tcase_add_test(tests, values_and_bytes_become_pictures);
    tcase_add_test(tests, a_sheet_has_its_pictures_in_place);
    if (!image_png_version()) return;
    tcase_add_test(tests, png_gives_back_what_was_written);
}

int main(void) {
    int code = suite_main("image", add);
    remove("a.png");
    return code;
}
