/* Saliency, Grad-CAM and occlusion beside PyTorch's (golden/make_attribution_golden.py), and on a case that can be
 * worked out by hand. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "attribution.h"
#include "golden.h"
#include "suite.h"

static tc_model *model_of(tc_module *net) {
    tc_model *model;
    ck_assert_msg(tc_model_create(net, 1, &model) == TC_OK, "%s", tc_last_error());
    return model;
}

typedef struct fixture {
    golden_file *file;
    const golden_case *golden;
    tc_model *model;
    float picture[12 * 10 * 3];
    attribution a;
    int label;
} fixture;

static fixture prepare(void) {
    fixture f = {.file = golden_read("attribution")};
    f.golden = &f.file->cases[0];
    f.model =
        model_of(tc_sequential(tc_nn_conv2d(3, 6, 3, .padding = 1), tc_nn_batchnorm2d(6), tc_nn_relu(),
                               tc_nn_maxpool2d(2), tc_nn_conv2d(6, 8, 3, .padding = 1), tc_nn_relu(),
                               tc_sequential(tc_nn_global_avgpool2d(), tc_nn_flatten()), tc_nn_linear(8, 5)));
    for (int i = 0; i < f.golden->input_count; i++) {
        const golden_tensor *from = &f.golden->inputs[i];
        tc_parameter *to = tc_model_find(f.model, from->name);
        if (to) tc_tensor_from_nchw(to->tensor, from->values);
        if (!to) tc_layout_from_nchw(4, from->shape, from->values, f.picture);
    }
    f.label = (int)golden_option(f.golden, "label");
    f.a = (attribution){.model = f.model, .channels = 3, .height = 12, .width = 10, .classes = 5};
    return f;
}

static void finish(fixture *f) {
    tc_model_free(f->model);
    golden_free(f->file);
}

static void expect(const fixture *f, const char *name, const float *values) {
    int64_t where;
    double difference = golden_difference(golden_array(f->golden, name), values, &where);
    ck_assert_msg(difference < 1e-5, "%s: element %lld differs by %g", name, (long long)where, difference);
}

START_TEST(maps_are_those_of_pytorch) {
    fixture f = prepare();
    float map[12 * 10], probabilities[5];
    const char *layer;
    f.a.picture = f.picture;
    if (_i == 1) ck_assert_int_eq(tc_model_freeze(f.model), TC_OK); /* as saved nets are */
    ck_assert_int_eq(attribution_probabilities(&f.a, probabilities), TC_OK);
    expect(&f, "probabilities", probabilities);
    ck_assert_msg(attribution_saliency(&f.a, f.label, map) == TC_OK, "%s", tc_last_error());
    expect(&f, "saliency", map);
    ck_assert_msg(attribution_grad_cam(&f.a, f.label, NULL, map, &layer) == TC_OK, "%s", tc_last_error());
    ck_assert_str_eq(layer, "5");
    expect(&f, "cam", map);
    ck_assert_msg(attribution_occlusion(&f.a, f.label, (int)golden_option(f.golden, "size"),
                                        (int)golden_option(f.golden, "stride"), map) == TC_OK,
                  "%s", tc_last_error());
    expect(&f, "occlusion", map);
    finish(&f);
}
END_TEST

START_TEST(the_model_is_left_as_it_was) {
    fixture f = prepare();
    float map[12 * 10];
    f.a.picture = f.picture;
    tc_tensor *weight = tc_model_find(f.model, "0.weight")->tensor,
              *bias = tc_model_find(f.model, "0.bias")->tensor;
    bias->requires_grad = false;
    weight->grad[3] = 0.25f;
    ck_assert_int_eq(attribution_saliency(&f.a, 0, map), TC_OK);
    ck_assert_int_eq(attribution_grad_cam(&f.a, 0, "2", map, NULL), TC_OK);
    ck_assert(weight->requires_grad && !bias->requires_grad);
    ck_assert(weight->grad[3] == 0.25f && weight->grad[4] == 0);
    finish(&f);
}
END_TEST

START_TEST(what_is_not_there_is_named) {
    fixture f = prepare();
    float map[12 * 10];
    f.a.picture = f.picture;
    ck_assert_int_eq(attribution_grad_cam(&f.a, 0, "conv9", map, NULL), TC_ERR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(tc_last_error(), "there is no layer \"conv9\"; there are 0, 1, 2, 3, 4, 5"));
    ck_assert_int_eq(attribution_grad_cam(&f.a, 0, "7", map, NULL), TC_ERR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(tc_last_error(), "is no picture"));
    ck_assert_int_eq(attribution_saliency(&f.a, 5, map), TC_ERR_ARGUMENT);
    ck_assert_int_eq(attribution_occlusion(&f.a, 0, 2, 3, map), TC_ERR_ARGUMENT);
    finish(&f);
}
END_TEST

/* The logit is 3 x(1, 2): only that pixel has a gradient, and only hiding it changes the answer. */
START_TEST(a_net_that_looks_at_one_pixel) {
    tc_model *model = model_of(tc_sequential(tc_nn_flatten(), tc_nn_linear(16, 2, .no_bias = true)));
    tc_tensor *weight = tc_model_parameter(model, 0)->tensor;
    memset(weight->data, 0, 32 * sizeof(float));
    weight->data[1 * 4 + 2] = -3;
    float picture[16], map[16];
    for (int i = 0; i < 16; i++) picture[i] = 1;
    attribution a = {
        .model = model, .picture = picture, .channels = 1, .height = 4, .width = 4, .classes = 2};
    ck_assert_int_eq(attribution_saliency(&a, 0, map), TC_OK);
    for (int i = 0; i < 16; i++) ck_assert(map[i] == (i == 6 ? 3.0f : 0.0f));
    /* p = 1 / (1 + e^3), without the pixel 1/2: it rises. */
    ck_assert_int_eq(attribution_occlusion(&a, 0, 1, 1, map), TC_OK);
    for (int i = 0; i < 16; i++)
        ck_assert(fabs((double)map[i] - (i == 6 ? 1 / (1 + exp(3.0)) - 0.5 : 0)) < 1e-6);
    ck_assert_int_eq(attribution_grad_cam(&a, 0, NULL, map, NULL), TC_ERR_ARGUMENT);
    tc_model_free(model);
}
END_TEST

static void add(TCase *tests) {
    tcase_add_loop_test(tests, maps_are_those_of_pytorch, 0, 2);
    tcase_add_test(tests, the_model_is_left_as_it_was);
    tcase_add_test(tests, what_is_not_there_is_named);
    tcase_add_test(tests, a_net_that_looks_at_one_pixel);
}

int main(void) {
    return suite_main("attribution", add);
}
