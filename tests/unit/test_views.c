/* The views of a picture, against PyTorch's padding, cutting and flipping. */
#include <check.h>
#include <stdlib.h>

#include "datasets.h"
#include "golden.h"
#include "pictures.h"

START_TEST(views_are_those_of_airbench) {
    static const tc_tta kinds[] = {TC_TTA_NONE, TC_TTA_MIRROR, TC_TTA_SHIFT};
    golden_file *file = golden_read("picture_views");
    for (int i = 0; i < file->count; i++) {
        const golden_tensor *x = golden_input(&file->cases[i], "x");
        float *picture = picture_of(x), *out = malloc((size_t)x->numel * sizeof *out);
        for (int k = 0; k < 3; k++)
            for (int v = 0; v < tc_tta_views(kinds[k]); v++) {
                char name[] = {'v', 'i', 'e', 'w', (char)('0' + v), '\0'};
                tc_tta_view(kinds[k], v, picture, x->shape[0], (int)x->shape[2], (int)x->shape[3],
                            (int)x->shape[1], out);
                check_picture(&file->cases[i], name, out, 0.0);
            }
        free(picture);
        free(out);
    }
    golden_free(file);
}
END_TEST

START_TEST(weights_add_up_to_one) {
    float x[1] = {5}, out[1];
    ck_assert_int_eq(tc_tta_views(TC_TTA_NONE), 1);
    ck_assert_int_eq(tc_tta_views(TC_TTA_MIRROR), 2);
    ck_assert_int_eq(tc_tta_views(TC_TTA_SHIFT), 6);
    for (tc_tta kind = TC_TTA_NONE; kind <= TC_TTA_SHIFT; kind++) {
        float sum = 0;
        for (int v = 0; v < tc_tta_views(kind); v++) {
            sum += tc_tta_view(kind, v, x, 1, 1, 1, 1, out);
            ck_assert(out[0] == 5.0f); /* all views of a single pixel are the same */
        }
        ck_assert(sum == 1.0f);
    }
    ck_assert(tc_tta_view(TC_TTA_SHIFT, 1, x, 1, 1, 1, 1, out) == 0.25f);
    ck_assert(tc_tta_view(TC_TTA_SHIFT, 2, x, 1, 1, 1, 1, out) == 0.125f);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("views");
    TCase *tests = tcase_create("views");
    tcase_add_test(tests, views_are_those_of_airbench);
    tcase_add_test(tests, weights_add_up_to_one);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
