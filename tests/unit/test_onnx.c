/* The ONNX exporter: options that nothing can be made of are answered by a sentence. */
#include <math.h>

#include "suite.h"
#include "tinycnn.h"

static const int64_t picture[4] = {1, 3, 8, 8};
static const float middle[3] = {0.4f, 0.5f, 0.6f}, spread[3] = {0.2f, 0.3f, 0.4f};

START_TEST(options_that_nothing_can_be_made_of_are_refused) {
    static const float nan_in[3] = {0.5f, NAN, 0.5f}, zero_in[3] = {1, 1, 0};
    static const char *const unnamed[3] = {"a", NULL, "c"};
    const struct {
        tc_export_options options;
        const char *sentence;
    } cases[] = {
        {{.preprocess = true}, "export: a net that normalises pictures wants mean and deviation"},
        {{.mean = middle}, "export: a mean without a deviation"},
        {{.preprocess = true, .deviation = spread}, "export: a deviation without a mean"},
        {{.mean = nan_in, .deviation = spread}, "export: mean of channel 1 is nan"},
        {{.mean = middle, .deviation = nan_in}, "export: deviation of channel 1 is nan, expected not 0"},
        {{.mean = middle, .deviation = zero_in}, "export: deviation of channel 2 is 0, expected not 0"},
        {{.scale = INFINITY}, "export: scale is inf, expected 0 or more"},
        {{.scale = -1}, "export: scale is -1, expected 0 or more"},
        {{.classes = 3, .class_names = unnamed}, "export: class 1 has no name (NULL)"},
    };
    tc_model *model = NULL;
    ck_assert_int_eq(tc_model_create(tc_nn_relu(), 9, &model), TC_OK);
    ck_assert_int_eq(tc_export_onnx(model, picture, &cases[_i].options, "refused.onnx"), TC_ERR_ARGUMENT);
    ck_assert_str_eq(tc_last_error(), cases[_i].sentence);
    tc_model_free(model);
}
END_TEST

static void add(TCase *tests) {
    if (!tc_protobuf_version()) return;
    tcase_add_loop_test(tests, options_that_nothing_can_be_made_of_are_refused, 0, 9);
}

int main(void) {
    return suite_main("onnx", add);
}
