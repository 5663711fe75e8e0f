/* Folders of pictures as a data set. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data_files.h"
#include "datasets.h"
#include "image.h"
#include "suite.h"

/* A picture of one colour. */
static void write_picture(const char *name, int width, int height, color c) {
    image im;
    ck_assert_int_eq(image_create(width, height, c, &im), TC_OK);
    ck_assert_msg(image_write_png(&im, data_path(name)) == TC_OK, "%s", tc_last_error());
    image_free(&im);
}

/* Two classes, whose order by bytes is not that of a dictionary. */
static void write_all(void) {
    static const char *const folders[] = {"f",           "f/train", "f/train/Zebra",
                                          "f/train/ant", "f/val",   "f/val/ant"};
    for (int i = 0; i < 6; i++) data_make_folder(folders[i]);
    write_picture("f/train/Zebra/b.png", 9, 5, (color){10, 20, 30});
    write_picture("f/train/Zebra/a.PNG", 40, 40, (color){11, 21, 31});
    write_picture("f/train/ant/1.png", 32, 64, (color){200, 100, 50});
    write_picture("f/val/ant/1.png", 3, 3, (color){1, 2, 3});
    data_write("f/train/ant/notes.txt", "no picture", 10);
}

static void setup(void) {
    data_make_place();
    if (image_png_version()) write_all();
}

static void teardown(void) {
    static const char *const folders[] = {"f/val/ant",     "f/val",   "f/train/ant",
                                          "f/train/Zebra", "f/train", "f"};
    for (int i = 0; image_png_version() && i < 6; i++) data_remove(folders[i]);
    data_remove_place();
}

static void expect_color(const tc_dataset *d, const tc_split *split, int64_t i, color c) {
    int64_t pixels = (int64_t)d->height * d->width;
    for (int64_t p = 0; p < pixels; p++) {
        const uint8_t *at = split->pixels + (i * pixels + p) * d->channels;
        if (d->channels == 3)
            ck_assert(at[0] == c.r && at[1] == c.g && at[2] == c.b);
        else
            ck_assert_int_eq(at[0], (int)(0.299 * c.r + 0.587 * c.g + 0.114 * c.b + 0.5));
    }
}

START_TEST(classes_and_pictures_come_in_the_order_of_bytes) {
    tc_dataset *d;
    if (!image_png_version()) return;
    ck_assert_msg(tc_dataset_open(data_path("f"), NULL, &d) == TC_OK, "%s", tc_last_error());
    ck_assert_int_eq(d->classes, 2);
    ck_assert_str_eq(d->class_names[0], "Zebra");
    ck_assert_str_eq(d->class_names[1], "ant");
    ck_assert(d->channels == 3 && d->height == 32 && d->width == 32);
    ck_assert_int_eq(d->train.count, 3);
    ck_assert_int_eq(d->test.count, 1);
    ck_assert_mem_eq(d->train.labels, ((const uint8_t[]){0, 0, 1}), 3);
    ck_assert_int_eq(d->test.labels[0], 1);
    expect_color(d, &d->train, 0, (color){11, 21, 31});
    expect_color(d, &d->train, 1, (color){10, 20, 30});
    expect_color(d, &d->train, 2, (color){200, 100, 50});
    expect_color(d, &d->test, 0, (color){1, 2, 3});
    tc_dataset_free(d);
}
END_TEST

START_TEST(pictures_have_the_wanted_size_on_any_number_of_threads) {
    tc_dataset *one, *two;
    tc_dataset_options options = {.threads = 1, .channels = 1, .height = 5, .width = 7};
    if (!image_png_version()) return;
    ck_assert_int_eq(tc_folder_open(data_path("f"), &options, &one), TC_OK);
    options.threads = 2;
    ck_assert_int_eq(tc_folder_open(data_path("f"), &options, &two), TC_OK);
    ck_assert(one->channels == 1 && one->height == 5 && one->width == 7);
    expect_color(one, &one->train, 2, (color){200, 100, 50});
    ck_assert_mem_eq(one->train.pixels, two->train.pixels, 3 * 5 * 7);
    tc_dataset_free(one);
    tc_dataset_free(two);
    options.channels = 4;
    ck_assert_int_eq(tc_folder_open(data_path("f"), &options, &one), TC_ERR_ARGUMENT);
}
END_TEST

static void expect_refused(const char *what) {
    tc_dataset *d;
    ck_assert_int_ne(tc_dataset_open(data_path("f"), NULL, &d), TC_OK);
    ck_assert_msg(strstr(tc_last_error(), what) != NULL, "\"%s\" is not in: %s", what, tc_last_error());
    ck_assert_ptr_null(d);
}

/* Pictures of folders within count; pipes, which nobody writes into, and links that lead in a circle do not. */
START_TEST(folders_within_are_searched) {
    tc_dataset *d;
    if (!image_png_version()) return;
    char link[4096];
    data_make_folder("f/train/ant/A");
    write_picture("f/train/ant/A/z.png", 5, 5, (color){7, 8, 9});
    ck_assert_int_eq(mkfifo(data_path("f/train/ant/pipe.png"), 0666), 0);
    snprintf(link, sizeof link, "%s", data_path("f/train/ant/circle"));
    ck_assert_int_eq(symlink(data_path("f/train"), link), 0);
    ck_assert_msg(tc_dataset_open(data_path("f"), NULL, &d) == TC_OK, "%s", tc_last_error());
    ck_assert_int_eq(d->train.count, 4);
    expect_color(d, &d->train, 2, (color){200, 100, 50}); /* 1.png is before A/z.png */
    expect_color(d, &d->train, 3, (color){7, 8, 9});
    tc_dataset_free(d);
    data_remove("f/train/ant/circle");
    data_remove("f/train/ant/pipe.png");
    data_remove("f/train/ant/A");
}
END_TEST

START_TEST(what_is_wrong_is_said) {
    if (!image_png_version()) return;
    data_write("f/train/ant/1.png", "no picture", 10);
    expect_refused("f/train/ant/1.png: is neither PNG nor JPEG");
    data_remove("f/train/ant/1.png");
    expect_refused("f/train/ant: holds no .png, .jpg or .jpeg");
    data_remove("f/train/ant");
    expect_refused("f/train: holds 1 folders, expected one of pictures for each of 2 classes or more");
    data_make_folder("f/train/ant");
    write_picture("f/train/ant/1.png", 4, 4, (color){0, 0, 0});
    data_make_folder("f/val/cat");
    write_picture("f/val/cat/1.png", 4, 4, (color){0, 0, 0});
    expect_refused("f/val/cat: no such class in training");
    data_remove("f/val/cat");
    data_remove("f/val/ant");
    expect_refused("f/val: holds no folders");
    data_remove("f/val");
    expect_refused("f: has train/, but neither test/ nor val/ beside it");
    data_make_folder("f/val");
    data_make_folder("f/val/ant");
}
END_TEST

static void add(TCase *tests) {
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, classes_and_pictures_come_in_the_order_of_bytes);
    tcase_add_test(tests, pictures_have_the_wanted_size_on_any_number_of_threads);
    tcase_add_test(tests, folders_within_are_searched);
    tcase_add_test(tests, what_is_wrong_is_said);
}

int main(void) {
    return suite_main("folder", add);
}
