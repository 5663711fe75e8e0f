/* Resizing, against torch.nn.functional.interpolate(mode="bilinear", antialias=True, align_corners=False). */
#include <check.h>
#include <stdlib.h>

#include "golden.h"
#include "internal.h"
#include "pictures.h"

START_TEST(sizes_change_as_with_pytorch) {
    golden_file *file = golden_read("picture_resize");
    ck_assert_int_ge(file->count, 12);
    for (int i = 0; i < file->count; i++) {
        const golden_case *golden = &file->cases[i];
        const golden_tensor *x = golden_input(golden, "x");
        int height = (int)x->shape[2], width = (int)x->shape[3], channels = (int)x->shape[1];
        int out_height = (int)golden_option(golden, "height"),
            out_width = (int)golden_option(golden, "width");
        tc_arena *arena = tc_arena_create();
        tci_resize *resize = tci_resize_create(arena, height, width, channels, out_height, out_width);
        ck_assert_ptr_nonnull(resize);
        /* Blocks of their exact sizes, so that the address sanitizer sees a step too far. */
        float *picture = picture_of(x), *row = malloc((size_t)(width * channels) * sizeof *row);
        float *out = malloc((size_t)(out_height * out_width * channels) * sizeof *out);
        tci_resize_run(resize, picture, row, out);
        check_picture(golden, "y", out, 1e-6);
        free(picture);
        free(row);
        free(out);
        tc_arena_free(arena);
    }
    golden_free(file);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("resize");
    TCase *tests = tcase_create("resize");
    tcase_add_test(tests, sizes_change_as_with_pytorch);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
