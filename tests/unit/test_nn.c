/* Modules: names, containers, what is computed in one pass, ownership, and what is refused. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "suite.h"
#include "tinycnn.h"

static tc_model *model_of(tc_module *root) {
    tc_model *model;
    ck_assert_msg(tc_model_create(root, 7, &model) == TC_OK, "%s", tc_last_error());
    return model;
}

/* A picture with values of both signs, the same for the same shape. */
static tc_tensor *picture(tc_tape *tape, int64_t n, int64_t c, int64_t h, int64_t w) {
    tc_tensor *x = tc_tensor_new(tc_tape_arena(tape), n, c, h, w);
    tc_rng rng = tc_rng_create(5, 5);
    for (int64_t i = 0; i < tc_numel(x); i++) x->data[i] = tc_rng_normal(&rng);
    return x;
}

static void expect_same(const tc_tensor *a, const tc_tensor *b) {
    ck_assert(a && b);
    ck_assert_int_eq(a->ndim, b->ndim);
    ck_assert_mem_eq(a->shape, b->shape, sizeof a->shape);
    ck_assert_mem_eq(a->data, b->data, (size_t)tc_numel(a) * sizeof(float));
}

/* ---- Names -------------------------------------------------------------------------------------------- */

static void expect_names(tc_model *model, const char *const *names, int count) {
    ck_assert_int_eq(tc_model_parameter_count(model), count);
    for (int i = 0; i < count; i++) ck_assert_str_eq(tc_model_parameter(model, i)->name, names[i]);
}

START_TEST(sequential_numbers_its_children) {
    tc_model *model = model_of(tc_sequential(tc_nn_conv2d(3, 4, 3), tc_nn_relu(), tc_nn_batchnorm2d(4),
                                             tc_sequential(tc_nn_conv2d(4, 4, 1, .no_bias = true)),
                                             tc_named("head", tc_nn_linear(4, 2))));
    const char *names[] = {"0.weight",   "0.bias",      "2.weight", "2.bias",
                           "3.0.weight", "head.weight", "head.bias"};
    expect_names(model, names, 7);
    ck_assert_int_eq(tc_model_buffer_count(model), 2);
    ck_assert_str_eq(tc_model_buffer(model, 0)->name, "2.running_mean");
    ck_assert_str_eq(tc_model_buffer(model, 1)->name, "2.running_var");
    const char *counter;
    ck_assert_int_eq(tc_model_counter_count(model), 1);
    ck_assert_int_eq(*tc_model_counter(model, 0, &counter), 0);
    ck_assert_str_eq(counter, "2.num_batches_tracked");
    tc_model_free(model);
}
END_TEST

START_TEST(residual_gives_its_own_path_to_the_body) {
    tc_module *body = tc_sequential(tc_named("conv1", tc_nn_conv2d(2, 2, 3, .padding = 1)), tc_nn_relu());
    tc_module *shortcut = tc_sequential(tc_nn_conv2d(2, 2, 1, .no_bias = true), tc_nn_batchnorm2d(2));
    tc_model *model = model_of(tc_sequential(tc_named("block", tc_residual(body, shortcut))));
    const char *names[] = {"block.conv1.weight", "block.conv1.bias", "block.downsample.0.weight",
                           "block.downsample.1.weight", "block.downsample.1.bias"};
    expect_names(model, names, 5);
    tc_model_free(model);
}
END_TEST

START_TEST(a_single_layer_is_a_model) {
    tc_model *model = model_of(tc_nn_linear(3, 2));
    const char *names[] = {"weight", "bias"};
    expect_names(model, names, 2);
    ck_assert_ptr_eq(tc_model_find(model, "bias"), tc_model_parameter(model, 1));
    ck_assert_ptr_null(tc_model_find(model, "biases"));
    ck_assert_int_eq(tc_model_parameter_elements(model), 8);
    tc_model_free(model);
}
END_TEST

START_TEST(shapes_are_those_of_pytorch) {
    tc_model *model = model_of(tc_sequential(tc_nn_conv2d(6, 4, TC_HW(3, 5), .groups = 2), tc_nn_linear(7, 9),
                                             tc_nn_batchnorm2d(11)));
    const int64_t conv[] = {4, 3, 3, 5}, linear[] = {9, 7, 1, 1}, norm[] = {11, 1, 1, 1};
    tc_tensor *weight = tc_model_find(model, "0.weight")->tensor;
    ck_assert_int_eq(weight->ndim, 4);
    ck_assert_mem_eq(weight->shape, conv, sizeof conv);
    ck_assert_mem_eq(tc_model_find(model, "1.weight")->tensor->shape, linear, sizeof linear);
    ck_assert_mem_eq(tc_model_find(model, "2.running_var")->tensor->shape, norm, sizeof norm);
    ck_assert(weight->requires_grad);
    ck_assert(!tc_model_find(model, "2.running_var")->tensor->requires_grad);
    tc_model_free(model);
}
END_TEST

/* ---- Memory ------------------------------------------------------------------------------------------- */

START_TEST(parameters_are_aligned_and_side_by_side) {
    tc_model *model = model_of(tc_sequential(tc_nn_conv2d(3, 5, 3), tc_nn_linear(7, 3), tc_nn_linear(1, 1)));
    for (int i = 0; i < tc_model_parameter_count(model); i++) {
        tc_tensor *tensor = tc_model_parameter(model, i)->tensor;
        ck_assert_uint_eq((uintptr_t)tensor->data % 64, 0);
        ck_assert_uint_eq((uintptr_t)tensor->grad % 64, 0);
        if (i == 0) continue;
        tc_tensor *before = tc_model_parameter(model, i - 1)->tensor;
        ck_assert_int_lt(tensor->data - before->data, tc_numel(before) + 16);
        ck_assert_int_ge(tensor->data - before->data, tc_numel(before));
        ck_assert_int_eq(tensor->data - before->data, tensor->grad - before->grad);
    }
    tc_model_free(model);
}
END_TEST

START_TEST(zero_grad_clears_every_gradient) {
    tc_model *model = model_of(tc_sequential(tc_nn_conv2d(3, 5, 3), tc_nn_linear(7, 3)));
    for (int i = 0; i < tc_model_parameter_count(model); i++) {
        tc_tensor *tensor = tc_model_parameter(model, i)->tensor;
        for (int64_t e = 0; e < tc_numel(tensor); e++) tensor->grad[e] = 1;
    }
    tc_model_zero_grad(model);
    for (int i = 0; i < tc_model_parameter_count(model); i++) {
        tc_tensor *tensor = tc_model_parameter(model, i)->tensor;
        for (int64_t e = 0; e < tc_numel(tensor); e++) ck_assert(tensor->grad[e] == 0);
    }
    tc_model_free(model);
}
END_TEST

/* ---- Forward ------------------------------------------------------------------------------------------ */

/* The net `layer`, with a relu that it computes itself, against the layer followed by the operation. */
static void expect_fused_relu(tc_module *(*layer)(void)) {
    tc_model *fused = model_of(tc_sequential(layer(), tc_nn_relu())),
             *plain = model_of(tc_sequential(layer()));
    tc_tape *tape = tc_tape_create(NULL);
    tc_tensor *x = picture(tape, 2, 4, 5, 6);
    tc_tensor *whole = tc_model_forward(fused, tape, x);
    tc_tensor *before = tc_model_forward(plain, tape, x), *parts = tc_relu(tape, before);
    expect_same(whole, parts);
    bool clipped = false, passed = false;
    for (int64_t i = 0; i < tc_numel(before); i++) {
        clipped = clipped || before->data[i] < 0;
        passed = passed || before->data[i] > 0;
    }
    ck_assert_msg(clipped && passed, "this input tests nothing");
    tc_tape_free(tape);
    tc_model_free(fused);
    tc_model_free(plain);
}

static tc_module *a_conv2d(void) {
    return tc_nn_conv2d(4, 3, 3, .padding = 1);
}
static tc_module *a_batchnorm2d(void) {
    return tc_nn_batchnorm2d(4);
}
static tc_module *a_residual(void) {
    return tc_residual_identity(tc_nn_conv2d(4, 4, 3, .padding = 1));
}
static tc_module *a_linear(void) {
    return tc_sequential(tc_nn_flatten(), tc_nn_linear(120, 5));
}
static tc_module *a_pooling(void) {
    return tc_nn_avgpool2d(2);
}
static tc_module *(*const before_relu[])(void) = {a_conv2d, a_batchnorm2d, a_residual, a_linear, a_pooling};

START_TEST(relu_in_the_same_pass_gives_the_same_bits) {
    expect_fused_relu(before_relu[_i]);
}
END_TEST

START_TEST(every_layer_computes_its_operation) {
    tc_tape *tape = tc_tape_create(NULL);
    tc_tensor *x = picture(tape, 2, 3, 8, 9);
    tc_pool2d_options pool = {.kernel_size = TC_HW(3, 2), .stride = 2, .padding = 1};
    tc_module *layers[] = {tc_nn_maxpool2d(TC_HW(3, 2), .stride = 2, .padding = 1),
                           tc_nn_avgpool2d(TC_HW(3, 2), .stride = 2, .padding = 1),
                           tc_nn_adaptive_avgpool2d(TC_HW(3, 4)),
                           tc_nn_global_avgpool2d(),
                           tc_nn_relu(),
                           tc_nn_leaky_relu(0.25f),
                           tc_nn_gelu(TC_GELU_EXACT),
                           tc_nn_gelu(TC_GELU_TANH),
                           tc_nn_silu(),
                           tc_nn_flatten(),
                           tc_nn_scale(2.5f)};
    tc_tensor *results[] = {tc_maxpool2d(tape, x, &pool),
                            tc_avgpool2d(tape, x, &pool),
                            tc_adaptive_avgpool2d(tape, x, TC_HW(3, 4)),
                            tc_global_avgpool2d(tape, x),
                            tc_relu(tape, x),
                            tc_leaky_relu(tape, x, 0.25f),
                            tc_gelu(tape, x, TC_GELU_EXACT),
                            tc_gelu(tape, x, TC_GELU_TANH),
                            tc_silu(tape, x),
                            tc_flatten(tape, x),
                            tc_scale(tape, x, 2.5f)};
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        tc_model *model = model_of(layers[i]);
        expect_same(tc_model_forward(model, tape, x), results[i]);
        tc_model_free(model);
    }
    tc_tape_free(tape);
}
END_TEST

START_TEST(options_reach_the_operations) {
    tc_model *conv = model_of(
        tc_nn_conv2d(4, 6, TC_HW(3, 2), .stride = TC_HW(2, 1), .padding = 1, .dilation = 2, .groups = 2));
    tc_model *norm = model_of(tc_nn_batchnorm2d(4, .eps = 0.5f, .momentum = 0.75f));
    tc_tape *tape = tc_tape_create(NULL);
    tc_tensor *x = picture(tape, 2, 4, 9, 10);
    tc_tensor *wanted =
        tc_conv2d(tape, x, tc_model_find(conv, "weight")->tensor, tc_model_find(conv, "bias")->tensor,
                  &(tc_conv2d_options){.stride = TC_HW(2, 1), .padding = 1, .dilation = 2, .groups = 2});
    expect_same(tc_model_forward(conv, tape, x), wanted);
    tc_tensor *mean = tc_tensor_new(tc_tape_arena(tape), 4), *var = tc_tensor_new(tc_tape_arena(tape), 4);
    for (int i = 0; i < 4; i++) var->data[i] = 1;
    wanted =
        tc_batchnorm2d(tape, x, tc_model_find(norm, "weight")->tensor, tc_model_find(norm, "bias")->tensor,
                       mean, var, &(tc_batchnorm2d_options){.eps = 0.5f, .momentum = 0.75f});
    expect_same(tc_model_forward(norm, tape, x), wanted);
    expect_same(tc_model_find(norm, "running_mean")->tensor, mean);
    expect_same(tc_model_find(norm, "running_var")->tensor, var);
    ck_assert(mean->data[0] != 0);
    tc_tape_free(tape);
    tc_model_free(conv);
    tc_model_free(norm);
}
END_TEST

START_TEST(residual_adds_body_and_shortcut) {
    tc_model *plain = model_of(tc_residual_identity(tc_nn_scale(3)));
    tc_model *both = model_of(tc_residual(tc_nn_scale(3), tc_nn_scale(-2)));
    tc_tape *tape = tc_tape_create(NULL);
    tc_tensor *x = picture(tape, 1, 2, 3, 3);
    tc_tensor *four = tc_model_forward(plain, tape, x), *one = tc_model_forward(both, tape, x);
    for (int64_t i = 0; i < tc_numel(x); i++) {
        ck_assert_float_eq_tol(four->data[i], 4 * x->data[i], 1e-5);
        ck_assert_float_eq_tol(one->data[i], x->data[i], 1e-5);
    }
    tc_tape_free(tape);
    tc_model_free(plain);
    tc_model_free(both);
}
END_TEST

START_TEST(batches_are_counted_in_training_only) {
    tc_model *model = model_of(tc_sequential(tc_nn_batchnorm2d(3), tc_nn_batchnorm2d(3, .no_affine = true),
                                             tc_nn_batchnorm2d(3, .no_running_stats = true)));
    ck_assert_int_eq(tc_model_parameter_count(model), 4);
    ck_assert_int_eq(tc_model_buffer_count(model), 4);
    ck_assert_int_eq(tc_model_counter_count(model), 2);
    tc_tape *tape = tc_tape_create(NULL);
    for (int step = 0; step < 3; step++) {
        tc_tape_reset(tape, (uint64_t)step);
        ck_assert_ptr_nonnull(tc_model_forward(model, tape, picture(tape, 2, 3, 4, 4)));
    }
    tc_tape_eval(tape);
    ck_assert_ptr_nonnull(tc_model_forward(model, tape, picture(tape, 2, 3, 4, 4)));
    ck_assert_int_eq(*tc_model_counter(model, 0, NULL), 3);
    ck_assert_int_eq(*tc_model_counter(model, 1, NULL), 3);
    tc_model_init(model, TC_INIT_HE, 1);
    ck_assert_int_eq(*tc_model_counter(model, 1, NULL), 0);
    ck_assert_float_eq(tc_model_find(model, "0.running_mean")->tensor->data[0], 0);
    ck_assert_float_eq(tc_model_find(model, "0.running_var")->tensor->data[0], 1);
    tc_tape_free(tape);
    tc_model_free(model);
}
END_TEST

/* Layers that hand their input on (dropout, flatten of two dimensions) must not lose it in evaluation. */
static tc_module *net_that_hands_on(void) {
    return tc_sequential(
        tc_nn_dropout(0.5f), tc_nn_conv2d(3, 4, 3), tc_nn_dropout(0.5f), tc_nn_relu(), tc_nn_dropout(0.5f),
        tc_residual_identity(tc_nn_dropout(0.5f)), tc_residual(tc_nn_dropout(0.5f), tc_nn_dropout(0.5f)),
        tc_residual_identity(tc_residual_identity(tc_nn_dropout(0.5f))),
        tc_residual(tc_nn_scale(2), tc_nn_silu()), tc_nn_flatten(), tc_nn_flatten(), tc_nn_dropout(0.5f));
}

START_TEST(evaluation_gives_the_result_of_recording) {
    tc_model *model = model_of(net_that_hands_on());
    tc_tape *tape = tc_tape_create(NULL), *recording = tc_tape_create(NULL);
    tc_tape_eval(tape);
    tc_tape_eval(recording);
    tc_tape_record(recording, true);
    tc_tensor *x = picture(tape, 2, 3, 8, 8);
    tc_tensor *y = tc_model_forward(model, tape, x);
    tc_tensor *wanted = tc_model_forward(model, recording, picture(recording, 2, 3, 8, 8));
    expect_same(y, wanted);
    expect_same(x, picture(recording, 2, 3, 8, 8));
    tc_tape_free(tape);
    tc_tape_free(recording);
    tc_model_free(model);
}
END_TEST

static tc_module *a_silu(void) {
    return tc_nn_silu();
}
static tc_module *two_ways(void) {
    return tc_residual(tc_sequential(tc_nn_silu(), tc_nn_silu()), tc_nn_silu());
}

/* Bytes that the tape holds after one pass through `depth` such layers. */
static size_t bytes_of_a_pass(tc_module *(*layer)(void), int depth, bool training) {
    tc_module *layers[32];
    for (int i = 0; i < depth; i++) layers[i] = layer();
    tc_model *model = model_of(tc_sequential_from(layers, depth));
    tc_tape *tape = tc_tape_create(NULL);
    if (!training) tc_tape_eval(tape);
    tc_tensor *x = picture(tape, 1, 4, 128, 128);
    x->requires_grad = true;
    ck_assert_ptr_nonnull(tc_model_forward(model, tape, x));
    size_t bytes = tc_arena_bytes(tc_tape_arena(tape));
    tc_tape_free(tape);
    tc_model_free(model);
    return bytes;
}

START_TEST(evaluation_needs_no_more_memory_for_a_deeper_net) {
    tc_module *(*const kinds[])(void) = {a_silu, two_ways};
    for (int i = 0; i < 2; i++) {
        ck_assert_uint_eq(bytes_of_a_pass(kinds[i], 4, false), bytes_of_a_pass(kinds[i], 32, false));
        ck_assert_uint_lt(4 * bytes_of_a_pass(kinds[i], 4, true), bytes_of_a_pass(kinds[i], 32, true));
    }
}
END_TEST

START_TEST(gradients_reach_every_parameter) {
    tc_model *model = model_of(tc_sequential(
        tc_nn_conv2d(3, 4, 3, .padding = 1, .no_bias = true), tc_nn_batchnorm2d(4), tc_nn_relu(),
        tc_residual(tc_sequential(tc_nn_conv2d(4, 4, 3, .padding = 1), tc_nn_silu(), tc_nn_conv2d(4, 4, 1)),
                    tc_nn_conv2d(4, 4, 1)),
        tc_nn_relu(), tc_nn_maxpool2d(2), tc_nn_flatten(), tc_nn_linear(64, 5)));
    tc_tape *tape = tc_tape_create(NULL);
    tc_tensor *logits = tc_model_forward(model, tape, picture(tape, 3, 3, 8, 8));
    tc_tensor *loss = tc_cross_entropy(tape, logits, (const int32_t[]){0, 3, 1}, NULL);
    tc_model_zero_grad(model);
    ck_assert_msg(tc_backward(tape, loss) == TC_OK, "%s", tc_tape_error(tape));
    for (int i = 0; i < tc_model_parameter_count(model); i++) {
        tc_parameter *parameter = tc_model_parameter(model, i);
        float largest = 0;
        for (int64_t e = 0; e < tc_numel(parameter->tensor); e++)
            largest = fmaxf(largest, fabsf(parameter->tensor->grad[e]));
        ck_assert_msg(largest > 1e-6f, "%s has no gradient", parameter->name);
    }
    tc_tape_free(tape);
    tc_model_free(model);
}
END_TEST

/* ---- What goes wrong ---------------------------------------------------------------------------------- */

START_TEST(a_failing_layer_is_named) {
    tc_model *model = model_of(tc_sequential(
        tc_nn_relu(),
        tc_named("block", tc_residual_identity(tc_sequential(tc_nn_silu(), tc_nn_conv2d(5, 5, 3))))));
    tc_tape *tape = tc_tape_create(NULL);
    ck_assert_ptr_null(tc_model_forward(model, tape, picture(tape, 1, 3, 4, 4)));
    ck_assert_int_eq(tc_tape_status(tape), TC_ERR_SHAPE);
    ck_assert_msg(strstr(tc_tape_error(tape), "block.1"), "%s", tc_tape_error(tape));
    tc_tape_reset(tape, 1);
    ck_assert_ptr_null(tc_model_forward(model, tape, NULL));
    ck_assert_int_eq(tc_tape_status(tape), TC_ERR_ARGUMENT);
    ck_assert_ptr_null(tc_model_forward(model, NULL, NULL));
    ck_assert_msg(strstr(tc_last_error(), "model: the tape is NULL"), "%s", tc_last_error());
    /* Outside of the net the path is gone. */
    tc_tape_reset(tape, 2);
    tc_model *fine = model_of(tc_sequential(tc_named("block", tc_nn_silu())));
    ck_assert_ptr_nonnull(tc_model_forward(fine, tape, picture(tape, 1, 3, 4, 4)));
    ck_assert_ptr_null(
        tc_add(tape, picture(tape, 1, 1, 2, 2), picture(tape, 1, 1, 2, 3), TC_ACTIVATION_NONE));
    ck_assert_msg(!strstr(tc_tape_error(tape), "layer"), "%s", tc_tape_error(tape));
    tc_model_free(fine);
    tc_tape_free(tape);
    tc_model_free(model);
}
END_TEST

/* Each gives NULL, and a sentence that holds `text`. */
#define EXPECT_REFUSED(text, expression)                                                                     \
    do {                                                                                                     \
        tc_fail(TC_ERR_ARGUMENT, "an old sentence");                                                         \
        tc_module *refused = (expression);                                                                   \
        ck_assert_msg(!refused, "%s was accepted", #expression);                                             \
        ck_assert_msg(strstr(tc_last_error(), text), "%s: '%s'", #expression, tc_last_error());              \
    } while (0)

START_TEST(impossible_arguments_are_refused) {
    EXPECT_REFUSED("in_channels is 0", tc_nn_conv2d(0, 1, 1));
    EXPECT_REFUSED("out_channels is -4", tc_nn_conv2d(1, -4, 1));
    EXPECT_REFUSED("kernel_size is (0, 0)", tc_nn_conv2d(1, 1, 0));
    EXPECT_REFUSED("kernel_size is (-1, -1)", tc_nn_conv2d(1, 1, -1));
    EXPECT_REFUSED("stride is (0, 2)", tc_nn_conv2d(1, 1, 1, .stride = TC_HW(0, 2)));
    EXPECT_REFUSED("stride is (-2, -2)", tc_nn_conv2d(1, 1, 1, .stride = -2));
    EXPECT_REFUSED("padding is (-3, -3)", tc_nn_conv2d(1, 1, 1, .padding = -3));
    EXPECT_REFUSED("padding is (40000, 40000)", tc_nn_conv2d(1, 1, 1, .padding = 40000));
    EXPECT_REFUSED("dilation", tc_nn_conv2d(1, 1, 1, .dilation = -1));
    EXPECT_REFUSED("groups is -1", tc_nn_conv2d(1, 1, 1, .groups = -1));
    EXPECT_REFUSED("multiples of groups 3", tc_nn_conv2d(6, 4, 1, .groups = 3));
    EXPECT_REFUSED("multiples of groups 3", tc_nn_conv2d(4, 6, 1, .groups = 3));
    EXPECT_REFUSED("TC_SAME needs stride 1", tc_nn_conv2d(1, 1, 3, .padding = TC_SAME, .stride = 2));
    EXPECT_REFUSED("in_features is 0", tc_nn_linear(0, 1));
    EXPECT_REFUSED("out_features is -1", tc_nn_linear(1, -1));
    EXPECT_REFUSED("num_features is 0", tc_nn_batchnorm2d(0));
    EXPECT_REFUSED("eps -1", tc_nn_batchnorm2d(1, .eps = -1));
    EXPECT_REFUSED("momentum 1.5", tc_nn_batchnorm2d(1, .momentum = 1.5f));
    EXPECT_REFUSED("kernel_size is (0, 0)", tc_nn_maxpool2d(0));
    EXPECT_REFUSED("more than half", tc_nn_maxpool2d(3, .padding = 2));
    EXPECT_REFUSED("more than half", tc_nn_avgpool2d(TC_HW(4, 3), .padding = 2));
    EXPECT_REFUSED("no dilation", tc_nn_avgpool2d(2, .dilation = 2));
    EXPECT_REFUSED("output_size is (0, 0)", tc_nn_adaptive_avgpool2d(0));
    EXPECT_REFUSED("p is 1.5", tc_nn_dropout(1.5f));
    EXPECT_REFUSED("p is -0.5", tc_nn_dropout(-0.5f));
    EXPECT_REFUSED("p is nan", tc_nn_dropout(NAN));
    EXPECT_REFUSED("neither", tc_nn_gelu((tc_gelu_form)5));
    EXPECT_REFUSED("'a.b' is no name", tc_named("a.b", tc_nn_relu()));
    EXPECT_REFUSED("'' is no name", tc_named("", tc_nn_relu()));
    EXPECT_REFUSED("'NULL' is no name", tc_named(NULL, tc_nn_relu()));
    EXPECT_REFUSED("children is 0", tc_sequential_from((tc_module *const[]){NULL}, 0));
}
END_TEST

START_TEST(a_whole_expression_needs_one_check) {
    tc_module *net = tc_sequential(
        tc_nn_conv2d(3, 8, 3),
        tc_residual(tc_sequential(tc_nn_relu(), tc_named("bad", tc_nn_dropout(7))), tc_nn_relu()),
        tc_nn_linear(8, 8));
    ck_assert_ptr_null(net);
    tc_model *model = (tc_model *)&net;
    ck_assert_int_eq(tc_model_create(net, 1, &model), TC_ERR_ARGUMENT);
    ck_assert_ptr_null(model);
    ck_assert_msg(strstr(tc_last_error(), "dropout: p is 7"), "%s", tc_last_error());
}
END_TEST

START_TEST(a_shortcut_that_failed_is_no_identity) {
    ck_assert_ptr_null(tc_residual(tc_nn_relu(), tc_nn_dropout(7)));
    ck_assert_msg(strstr(tc_last_error(), "dropout: p is 7"), "%s", tc_last_error());
}
END_TEST

START_TEST(log_softmax_is_the_operation) {
    tc_model *model = model_of(tc_sequential(tc_nn_flatten(), tc_nn_log_softmax()));
    tc_tape *tape = tc_tape_create(NULL);
    tc_tensor *x = tc_input_nchw(tape, 2, (const int64_t[]){1, 2}, (const float[]){1, 3});
    const tc_tensor *y = tc_model_forward(model, tape, x);
    ck_assert_ptr_nonnull(y);
    ck_assert_float_eq_tol(y->data[0], -2.126928f, 1e-6f);
    ck_assert_float_eq_tol(y->data[1], -0.126928f, 1e-6f);
    tc_tape_free(tape);
    tc_model_free(model);
}
END_TEST

START_TEST(a_module_has_one_place) {
    tc_module *relu = tc_nn_relu();
    ck_assert_ptr_null(tc_sequential(relu, tc_nn_silu(), relu));
    ck_assert_ptr_nonnull(strstr(tc_last_error(), "child 2 is part of a net already"));
    tc_module *inner = tc_nn_relu(), *outer = tc_sequential(inner);
    ck_assert_ptr_nonnull(outer);
    ck_assert_ptr_null(tc_sequential(tc_nn_silu(), inner));
    tc_model *model;
    ck_assert_int_eq(tc_model_create(inner, 1, &model), TC_ERR_ARGUMENT);
    tc_module_free(outer);
    tc_module_free(NULL);
    tc_model_free(NULL);
}
END_TEST

START_TEST(a_path_belongs_to_one_parameter) {
    tc_model *model;
    tc_module *net = tc_sequential(tc_named("a", tc_nn_linear(2, 2)), tc_named("a", tc_nn_linear(2, 2)));
    ck_assert_int_eq(tc_model_create(net, 1, &model), TC_ERR_ARGUMENT);
    ck_assert_ptr_null(model);
    ck_assert_ptr_nonnull(strstr(tc_last_error(), "'a.weight'"));
    net = tc_sequential(tc_nn_linear(2, 2), tc_named("0", tc_nn_batchnorm2d(2)));
    ck_assert_int_eq(tc_model_create(net, 1, &model), TC_ERR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(tc_last_error(), "'0.weight'"));
}
END_TEST

START_TEST(a_parameter_beyond_memory_is_refused) {
    tc_model *model;
    tc_module *net = tc_nn_conv2d(2147483647, 2147483647, 32767);
    ck_assert_int_eq(tc_model_create(net, 1, &model), TC_ERR_SHAPE);
    ck_assert_ptr_nonnull(strstr(tc_last_error(), "overflows"));
    ck_assert_ptr_null(model);
    ck_assert_int_eq(tc_model_create(tc_nn_linear(2147483647, 2147483647), 1, &model), TC_ERR_MEMORY);
    ck_assert_ptr_null(model);
}
END_TEST

static void add(TCase *tests) {
    tcase_add_test(tests, sequential_numbers_its_children);
    tcase_add_test(tests, residual_gives_its_own_path_to_the_body);
    tcase_add_test(tests, a_single_layer_is_a_model);
    tcase_add_test(tests, shapes_are_those_of_pytorch);
    tcase_add_test(tests, parameters_are_aligned_and_side_by_side);
    tcase_add_test(tests, zero_grad_clears_every_gradient);
    tcase_add_loop_test(tests, relu_in_the_same_pass_gives_the_same_bits, 0,
                        sizeof before_relu / sizeof *before_relu);
    tcase_add_test(tests, every_layer_computes_its_operation);
    tcase_add_test(tests, options_reach_the_operations);
    tcase_add_test(tests, residual_adds_body_and_shortcut);
    tcase_add_test(tests, batches_are_counted_in_training_only);
    tcase_add_test(tests, evaluation_gives_the_result_of_recording);
    tcase_add_test(tests, evaluation_needs_no_more_memory_for_a_deeper_net);
    tcase_add_test(tests, gradients_reach_every_parameter);
    tcase_add_test(tests, a_failing_layer_is_named);
    tcase_add_test(tests, impossible_arguments_are_refused);
    tcase_add_test(tests, a_whole_expression_needs_one_check);
    tcase_add_test(tests, a_shortcut_that_failed_is_no_identity);
    tcase_add_test(tests, log_softmax_is_the_operation);
    tcase_add_test(tests, a_module_has_one_place);
    tcase_add_test(tests, a_path_belongs_to_one_parameter);
    tcase_add_test(tests, a_parameter_beyond_memory_is_refused);
}

int main(void) {
    return suite_main("nn", add);
}
