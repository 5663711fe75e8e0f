/* Rotation, against torchvision.transforms.functional.rotate(bilinear). */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "golden.h"
#include "internal.h"
#include "pictures.h"

START_TEST(pictures_turn_as_with_torchvision) {
    golden_file *file = golden_read("picture_rotation");
    ck_assert_int_ge(file->count, 37);
    for (int i = 0; i < file->count; i++) {
        const golden_case *golden = &file->cases[i];
        const golden_tensor *x = golden_input(golden, "x");
        float *picture = picture_of(x), *out = malloc((size_t)x->numel * sizeof *out);
        tci_rotate(picture, out, (int)x->shape[2], (int)x->shape[3], (int)x->shape[1],
                   golden_option(golden, "angle"));
        check_picture(golden, "y", out, 5e-6);
        free(picture);
        free(out);
    }
    golden_free(file);
}
END_TEST

/* The corner of a white square tells how far it was turned: every picture is one of those between -30 and 30 degrees,
 * turns go both ways alike, and the ends are reached. */
START_TEST(angles_are_drawn_from_both_sides) {
    enum { SIDE = 9, DRAWS = 2000 };
    tc_transform t = tc_random_rotation(30.0f);
    float white[SIDE * SIDE], least[SIDE * SIDE], picture[SIDE * SIDE], scratch[SIDE * SIDE];
    int left = 0;
    float darkest = 1.0f;
    for (int i = 0; i < SIDE * SIDE; i++) white[i] = i % SIDE < SIDE / 2 ? 0.0f : 1.0f;
    tci_rotate(white, least, SIDE, SIDE, 1, 30.0);
    for (int64_t i = 0; i < DRAWS; i++) {
        tc_sample sample = {.seed = 1, .rng = tc_rng_create(1, (uint64_t)i)};
        memcpy(picture, white, sizeof picture);
        t.apply(&t, picture, scratch, SIDE, SIDE, 1, &sample);
        /* The pixel in the middle of the edge's upper half is brighter the further the edge leans to the left. */
        float seen = picture[SIDE + SIDE / 2 - 1];
        left += seen > 0.0f;
        darkest = picture[SIDE + SIDE / 2] < darkest ? picture[SIDE + SIDE / 2] : darkest;
        ck_assert_float_le(seen, least[SIDE + SIDE / 2 - 1] + 1e-5f);
    }
    ck_assert_int_lt(abs(left - DRAWS / 2), 115); /* 5 standard deviations */
    ck_assert_float_lt(darkest, 0.2f);
}
END_TEST

START_TEST(impossible_angles_are_refused) {
    static const float wrong[] = {-1.0f, 361.0f};
    for (int k = 0; k < 2; k++) {
        tc_transform t = tc_random_rotation(wrong[k]);
        ck_assert_int_eq(tci_transform_check(&t, 3), TC_ERR_ARGUMENT);
        ck_assert_ptr_nonnull(strstr(tc_last_error(), "degrees, expected 0 to 360"));
    }
    tc_transform t = tc_random_rotation(15.0f);
    ck_assert_int_eq(tci_transform_check(&t, 3), TC_OK);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("rotation");
    TCase *tests = tcase_create("rotation");
    tcase_add_test(tests, pictures_turn_as_with_torchvision);
    tcase_add_test(tests, angles_are_drawn_from_both_sides);
    tcase_add_test(tests, impossible_angles_are_refused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
