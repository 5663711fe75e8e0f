/* test_deferred.c - within tc_model_forward() element-wise layers are left to the next one and convolutions pool
 * and gather moments; here each net is run beside the same operations called one by one. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "suite.h"
#include "tinycnn.h"

/* ---- The operations one by one ------------------------------------------------------------------------ */

/* The model whose parameters the operations take, by path. */
typedef struct hand {
    tc_model *model;
    tc_tape *tape;
} hand;

static tc_tensor *part(const hand *h, const char *path, const char *name) {
    char whole[64];
    snprintf(whole, sizeof whole, "%s.%s", path, name);
    tc_parameter *parameter = tc_model_find(h->model, whole);
    return parameter ? parameter->tensor : NULL;
}

static tc_tensor *conv_with(const hand *h, const char *path, tc_tensor *x, tc_conv2d_options options) {
    return tc_conv2d(h->tape, x, part(h, path, "weight"), part(h, path, "bias"), &options);
}

static tc_tensor *conv(const hand *h, const char *path, tc_tensor *x, tc_hw padding) {
    return conv_with(h, path, x, (tc_conv2d_options){.padding = padding});
}

static tc_tensor *norm(const hand *h, const char *path, tc_tensor *x) {
    return tc_batchnorm2d(h->tape, x, part(h, path, "weight"), part(h, path, "bias"),
                          part(h, path, "running_mean"), part(h, path, "running_var"), NULL);
}

static tc_tensor *pool(const hand *h, tc_tensor *x) {
    return tc_maxpool2d(h->tape, x, &(tc_pool2d_options){.kernel_size = 2});
}

static tc_tensor *relu(const hand *h, tc_tensor *x) {
    return tc_relu(h->tape, x);
}

static tc_tensor *gelu(const hand *h, tc_tensor *x) {
    return tc_gelu(h->tape, x, TC_GELU_EXACT);
}

static tc_tensor *sum(const hand *h, tc_tensor *a, tc_tensor *b) {
    return tc_add(h->tape, a, b, TC_ACTIVATION_NONE);
}

static tc_tensor *linear(const hand *h, const char *path, tc_tensor *x) {
    return tc_linear(h->tape, tc_flatten(h->tape, x), part(h, path, "weight"), part(h, path, "bias"),
                     TC_ACTIVATION_NONE);
}

/* Without a bias: before a batch norm in training its gradient is zero, but for rounding. */
static tc_module *conv3x3(int in_channels, int out_channels) {
    return tc_nn_conv2d(in_channels, out_channels, 3, .padding = 1, .no_bias = true);
}

/* ---- The nets, each in both ways ---------------------------------------------------------------------- */

static tc_module *mixed(void) {
    return tc_sequential(conv3x3(3, 16), tc_nn_batchnorm2d(16), tc_nn_relu(), tc_nn_maxpool2d(2),
                         conv3x3(16, 20), tc_nn_batchnorm2d(20), tc_nn_gelu(TC_GELU_EXACT), conv3x3(20, 24),
                         tc_nn_maxpool2d(2), tc_nn_batchnorm2d(24), tc_nn_gelu(TC_GELU_EXACT),
                         tc_nn_flatten(), tc_nn_linear(24 * 4 * 4, 7));
}
static tc_tensor *mixed_by_hand(const hand *h, tc_tensor *x) {
    x = pool(h, relu(h, norm(h, "1", conv(h, "0", x, 1))));
    x = gelu(h, norm(h, "5", conv(h, "4", x, 1)));
    x = gelu(h, norm(h, "9", pool(h, conv(h, "7", x, 1))));
    return linear(h, "12", x);
}

static tc_module *preactivation(void) {
    tc_module *same = tc_sequential(tc_nn_batchnorm2d(16), tc_nn_relu(), conv3x3(16, 16),
                                    tc_nn_batchnorm2d(16), tc_nn_relu(), conv3x3(16, 16));
    tc_module *half = tc_sequential(tc_nn_batchnorm2d(16), tc_nn_relu(),
                                    tc_nn_conv2d(16, 24, 3, .stride = 2, .padding = 1, .no_bias = true));
    return tc_sequential(
        conv3x3(3, 16), tc_named("a", tc_residual_identity(same)),
        tc_named("b", tc_residual(half, tc_nn_conv2d(16, 24, 1, .stride = 2, .no_bias = true))),
        tc_nn_batchnorm2d(24), tc_nn_relu(), tc_nn_global_avgpool2d(), tc_nn_flatten());
}
static tc_tensor *preactivation_by_hand(const hand *h, tc_tensor *x) {
    x = conv(h, "0", x, 1);
    tc_tensor *y = conv(h, "a.2", relu(h, norm(h, "a.0", x)), 1);
    x = sum(h, conv(h, "a.5", relu(h, norm(h, "a.3", y)), 1), x);
    y = conv_with(h, "b.2", relu(h, norm(h, "b.0", x)), (tc_conv2d_options){.stride = 2, .padding = 1});
    x = sum(h, y, conv_with(h, "b.downsample", x, (tc_conv2d_options){.stride = 2}));
    return tc_flatten(h->tape, tc_global_avgpool2d(h->tape, relu(h, norm(h, "3", x))));
}

static tc_module *averaged(void) {
    return tc_sequential(tc_nn_conv2d(3, 18, 3, .no_bias = true), tc_nn_batchnorm2d(18),
                         tc_nn_global_avgpool2d());
}
static tc_tensor *averaged_by_hand(const hand *h, tc_tensor *x) {
    return tc_global_avgpool2d(h->tape, norm(h, "1", conv(h, "0", x, 0)));
}

static tc_module *norm_at_the_end(void) {
    return tc_sequential(conv3x3(3, 6), tc_nn_batchnorm2d(6));
}
static tc_tensor *norm_at_the_end_by_hand(const hand *h, tc_tensor *x) {
    return norm(h, "1", conv(h, "0", x, 1));
}

/* Batch norm with the activation in it has to keep its result's gradient and another one. */
static tc_module *norm_and_gelu_at_the_end(void) {
    return tc_sequential(conv3x3(3, 6), tc_nn_batchnorm2d(6), tc_nn_gelu(TC_GELU_EXACT));
}
static tc_tensor *norm_and_gelu_at_the_end_by_hand(const hand *h, tc_tensor *x) {
    return gelu(h, norm(h, "1", conv(h, "0", x, 1)));
}

static tc_module *gelu_at_the_start(void) {
    return tc_sequential(tc_nn_gelu(TC_GELU_EXACT), tc_nn_conv2d(3, 5, 3), tc_nn_relu());
}
static tc_tensor *gelu_at_the_start_by_hand(const hand *h, tc_tensor *x) {
    return relu(h, conv(h, "1", gelu(h, x), 0));
}

static tc_module *norm_alone(void) {
    return tc_sequential(tc_named("n", tc_nn_batchnorm2d(3)));
}
static tc_tensor *norm_alone_by_hand(const hand *h, tc_tensor *x) {
    return norm(h, "n", x);
}

/* One deferred result for two convolutions; for a sum and a convolution; for a layer that reads through the map
 * and then one for which it is settled; twice in the same sum. */
static tc_module *used_twice(void) {
    tc_pool2d_options window = {.kernel_size = 3, .stride = 1, .padding = 1};
    return tc_sequential(
        conv3x3(3, 16), tc_nn_batchnorm2d(16), tc_nn_relu(),
        tc_named("a", tc_residual(conv3x3(16, 16), tc_nn_conv2d(16, 16, 5, .padding = 2, .no_bias = true))),
        tc_nn_batchnorm2d(16), tc_named("b", tc_residual_identity(conv3x3(16, 16))),
        tc_nn_gelu(TC_GELU_EXACT), tc_residual(tc_nn_maxpool2d_from(window), tc_nn_avgpool2d_from(window)),
        tc_nn_batchnorm2d(16), tc_named("c", tc_residual(tc_nn_batchnorm2d(16), tc_nn_gelu(TC_GELU_EXACT))),
        tc_nn_relu());
}
static tc_tensor *used_twice_by_hand(const hand *h, tc_tensor *x) {
    tc_pool2d_options window = {.kernel_size = 3, .stride = 1, .padding = 1};
    x = relu(h, norm(h, "1", conv(h, "0", x, 1)));
    x = norm(h, "4", sum(h, conv(h, "a", x, 1), conv(h, "a.downsample", x, 2)));
    x = gelu(h, sum(h, conv(h, "b", x, 1), x));
    x = norm(h, "8", sum(h, tc_maxpool2d(h->tape, x, &window), tc_avgpool2d(h->tape, x, &window)));
    return relu(h, sum(h, norm(h, "c", x), gelu(h, x)));
}

static tc_module *strided(void) {
    return tc_sequential(tc_nn_conv2d(3, 18, 3, .stride = 2, .padding = 1, .no_bias = true),
                         tc_nn_maxpool2d(2), tc_nn_batchnorm2d(18), tc_nn_relu(),
                         tc_nn_conv2d(18, 5, 3, .padding = 4), tc_nn_relu(), tc_nn_maxpool2d(2));
}
static tc_tensor *strided_by_hand(const hand *h, tc_tensor *x) {
    x = relu(h, norm(h, "2", pool(h, conv_with(h, "0", x, (tc_conv2d_options){.stride = 2, .padding = 1}))));
    return pool(h, relu(h, conv(h, "4", x, 4)));
}

static tc_module *grouped(void) {
    return tc_sequential(tc_nn_conv2d(3, 18, 3, .padding = 1, .groups = 3), tc_nn_relu(), tc_nn_maxpool2d(2),
                         tc_nn_batchnorm2d(18),
                         tc_nn_conv2d(18, 18, 3, .padding = 1, .groups = 18, .no_bias = true),
                         tc_nn_maxpool2d(2), tc_nn_batchnorm2d(18));
}
static tc_tensor *grouped_by_hand(const hand *h, tc_tensor *x) {
    x = norm(h, "3", pool(h, relu(h, conv_with(h, "0", x, (tc_conv2d_options){.padding = 1, .groups = 3}))));
    return norm(h, "6", pool(h, conv_with(h, "4", x, (tc_conv2d_options){.padding = 1, .groups = 18})));
}

/* Small pictures with many channels go pixel by pixel, which can't read through maps. */
static tc_module *small_pictures(void) {
    return tc_sequential(tc_nn_conv2d(3, 64, 4, .stride = 4, .no_bias = true), tc_nn_batchnorm2d(64),
                         tc_nn_relu(), tc_nn_conv2d(64, 64, 5, .padding = 2, .no_bias = true),
                         tc_nn_maxpool2d(2), tc_nn_batchnorm2d(64));
}
static tc_tensor *small_pictures_by_hand(const hand *h, tc_tensor *x) {
    x = relu(h, norm(h, "1", conv_with(h, "0", x, (tc_conv2d_options){.stride = 4})));
    return norm(h, "5", pool(h, conv(h, "3", x, 2)));
}

/* Layers for which a map is always settled. */
static tc_module *settled(void) {
    return tc_sequential(tc_nn_batchnorm2d(3), tc_nn_silu(), tc_nn_batchnorm2d(3), tc_nn_leaky_relu(0.1f),
                         tc_nn_batchnorm2d(3), tc_nn_gelu(TC_GELU_TANH), tc_nn_batchnorm2d(3), tc_nn_scale(2),
                         tc_nn_batchnorm2d(3), tc_nn_dropout(0.5f), tc_nn_relu(), tc_nn_dropout(0.5f),
                         tc_nn_relu(), tc_nn_avgpool2d(2));
}
static tc_tensor *settled_by_hand(const hand *h, tc_tensor *x) {
    x = tc_leaky_relu(h->tape, norm(h, "2", tc_silu(h->tape, norm(h, "0", x))), 0.1f);
    x = tc_scale(h->tape, norm(h, "6", tc_gelu(h->tape, norm(h, "4", x), TC_GELU_TANH)), 2);
    x = relu(h, tc_dropout(h->tape, relu(h, tc_dropout(h->tape, norm(h, "8", x), 0.5f)), 0.5f));
    return tc_avgpool2d(h->tape, x, &(tc_pool2d_options){.kernel_size = 2});
}

static const struct {
    tc_module *(*net)(void);
    tc_tensor *(*by_hand)(const hand *h, tc_tensor *x);
    int pictures;
} nets[] = {
    {mixed, mixed_by_hand, 8},
    {preactivation, preactivation_by_hand, 4},
    {averaged, averaged_by_hand, 4},
    {norm_at_the_end, norm_at_the_end_by_hand, 2},
    {norm_and_gelu_at_the_end, norm_and_gelu_at_the_end_by_hand, 2},
    {gelu_at_the_start, gelu_at_the_start_by_hand, 2},
    {norm_alone, norm_alone_by_hand, 2},
    {used_twice, used_twice_by_hand, 3},
    {strided, strided_by_hand, 3},
    {grouped, grouped_by_hand, 3},
    {small_pictures, small_pictures_by_hand, 32},
    {settled, settled_by_hand, 3},
};
enum { NETS = sizeof nets / sizeof *nets };

/* ---- Beside each other -------------------------------------------------------------------------------- */

enum { SIZE = 16 };

/* A model whose batch norms are no longer the identity. */
static tc_model *model_of(tc_module *root) {
    tc_model *model;
    ck_assert_msg(tc_model_create(root, 7, &model) == TC_OK, "%s", tc_last_error());
    tc_rng rng = tc_rng_create(2, 2);
    for (int i = 0; i < tc_model_parameter_count(model); i++) {
        tc_tensor *tensor = tc_model_parameter(model, i)->tensor;
        for (int64_t e = 0; tensor->ndim == 1 && e < tc_numel(tensor); e++)
            tensor->data[e] += 0.3f * tc_rng_normal(&rng);
    }
    for (int i = 0; i < tc_model_buffer_count(model); i++) {
        tc_tensor *tensor = tc_model_buffer(model, i)->tensor;
        for (int64_t e = 0; e < tc_numel(tensor); e++) tensor->data[e] += 0.3f * tc_rng_uniform(&rng);
    }
    return model;
}

static tc_tensor *picture(tc_tape *tape, uint64_t stream, const tc_tensor *like) {
    tc_tensor *x = tc_tensor_create(tc_tape_arena(tape), like->ndim, like->shape);
    tc_rng rng = tc_rng_create(5, stream);
    for (int64_t i = 0; i < tc_numel(x); i++) x->data[i] = tc_rng_normal(&rng);
    return x;
}

typedef enum mode { TRAINING, EVALUATION, RECORDED_EVALUATION, MODES } mode;

static tc_tape *tape_in(mode m) {
    tc_tape *tape = tc_tape_create(&(tc_tape_options){.threads = 2, .seed = 3});
    if (m != TRAINING) tc_tape_eval(tape);
    if (m == RECORDED_EVALUATION) tc_tape_record(tape, true);
    return tape;
}

/* What a run leaves, in the memory of its tape. */
typedef struct outcome {
    tc_tape *tape;
    tc_tensor *x, *y;
    tc_tensor **gradients, **buffers; /* of the model */
} outcome;

static tc_tensor *copy(tc_tape *tape, const tc_tensor *from, const float *data) {
    tc_tensor *to = tc_tensor_create(tc_tape_arena(tape), from->ndim, from->shape);
    memcpy(to->data, data, sizeof *data * (size_t)tc_numel(from));
    return to;
}

/* Runs the net in one of both ways; the model's running statistics are then as before. `wants`: the input's
 * gradient is asked for; `retains`: that of the result. */
static outcome run(tc_model *model, int net, mode m, bool by_hand, bool wants, bool retains) {
    outcome o = {.tape = tape_in(m)};
    tc_tensor like = {.ndim = 4, .shape = {nets[net].pictures, 3, SIZE, SIZE}};
    int parameters = tc_model_parameter_count(model), buffers = tc_model_buffer_count(model);
    o.gradients = tc_arena_alloc(tc_tape_arena(o.tape), sizeof(tc_tensor *) * (size_t)(parameters + 1));
    o.buffers = tc_arena_alloc(tc_tape_arena(o.tape), sizeof(tc_tensor *) * (size_t)(buffers + 1));
    for (int i = 0; i < buffers; i++) {
        const tc_tensor *buffer = tc_model_buffer(model, i)->tensor;
        o.buffers[i] = copy(o.tape, buffer, buffer->data);
    }
    o.x = picture(o.tape, 1, &like);
    o.x->requires_grad = wants;
    o.y = by_hand ? nets[net].by_hand(&(hand){model, o.tape}, o.x) : tc_model_forward(model, o.tape, o.x);
    ck_assert_msg(o.y, "%s", tc_tape_error(o.tape));
    if (m != EVALUATION) {
        tc_model_zero_grad(model);
        o.y->retain_grad = retains;
        tc_tensor *loss = tc_mse_loss(o.tape, o.y, picture(o.tape, 2, o.y), TC_REDUCTION_SUM);
        ck_assert_msg(tc_backward(o.tape, loss) == TC_OK, "%s", tc_tape_error(o.tape));
        for (int i = 0; i < parameters; i++) {
            const tc_tensor *parameter = tc_model_parameter(model, i)->tensor;
            o.gradients[i] = copy(o.tape, parameter, parameter->grad);
        }
    }
    for (int i = 0; i < buffers; i++) {
        tc_tensor *buffer = tc_model_buffer(model, i)->tensor, *before = o.buffers[i];
        o.buffers[i] = copy(o.tape, buffer, buffer->data);
        memcpy(buffer->data, before->data, sizeof(float) * (size_t)tc_numel(buffer));
    }
    return o;
}

static void expect_near(const char *what, const float *got, const float *expected, int64_t size,
                        double bound) {
    double largest = 0.0, worst = 0.0;
    for (int64_t i = 0; i < size; i++) {
        double off = fabs((double)got[i] - (double)expected[i]);
        largest = fmax(largest, fabs((double)expected[i]));
        worst = off > worst || isnan(off) ? off : worst;
    }
    ck_assert_msg(largest > 0.0, "%s is zero everywhere", what);
    ck_assert_msg(worst <= bound * largest, "%s: off by %.2e of the largest", what, worst / largest);
}

/* The data of a tensor, which has none left to be done to it. */
static void expect_same_result(const tc_tensor *got, const tc_tensor *expected) {
    ck_assert_ptr_null(got->map);
    ck_assert_int_eq(got->ndim, expected->ndim);
    ck_assert_mem_eq(got->shape, expected->shape, sizeof got->shape);
    /* Two ways of summing the moments, two roundings. */
    expect_near("the result", got->data, expected->data, tc_numel(expected), 3e-6);
}

static void compare(int net, mode m, bool wants, bool retains) {
    tc_model *model = model_of(nets[net].net());
    outcome got = run(model, net, m, false, wants, retains), by_hand = run(model, net, m, true, wants, true);
    expect_same_result(got.y, by_hand.y);
    tc_tensor *untouched = picture(got.tape, 1, got.x);
    ck_assert_mem_eq(got.x->data, untouched->data, sizeof(float) * (size_t)tc_numel(got.x));
    for (int i = 0; i < tc_model_buffer_count(model); i++)
        expect_near(tc_model_buffer(model, i)->name, got.buffers[i]->data, by_hand.buffers[i]->data,
                    tc_numel(got.buffers[i]), 1e-6);
    if (m != EVALUATION) {
        for (int i = 0; i < tc_model_parameter_count(model); i++)
            expect_near(tc_model_parameter(model, i)->name, got.gradients[i]->data,
                        by_hand.gradients[i]->data, tc_numel(got.gradients[i]), 1e-5);
        if (wants) expect_near("the input's gradient", got.x->grad, by_hand.x->grad, tc_numel(got.x), 1e-5);
        if (retains)
            expect_near("the result's gradient", got.y->grad, by_hand.y->grad, tc_numel(got.y), 1e-5);
        else
            ck_assert_ptr_null(got.y->grad);
    }
    tc_tape_free(got.tape);
    tc_tape_free(by_hand.tape);
    tc_model_free(model);
}

START_TEST(a_net_gives_what_its_operations_give) {
    compare(_i / MODES, _i % MODES, false, false);
}
END_TEST

START_TEST(a_net_gives_its_input_the_gradient_that_its_operations_give) {
    compare(_i, TRAINING, true, false);
    compare(_i, RECORDED_EVALUATION, true, false);
}
END_TEST

START_TEST(a_retained_gradient_is_kept_and_changes_no_other) {
    compare(_i, TRAINING, true, true);
    compare(_i, RECORDED_EVALUATION, true, true);
}
END_TEST

START_TEST(a_net_gives_the_same_bits_with_and_without_recording) {
    tc_model *model = model_of(nets[_i].net());
    outcome plain = run(model, _i, EVALUATION, false, false, false),
            recorded = run(model, _i, RECORDED_EVALUATION, false, false, false);
    ck_assert_mem_eq(plain.y->data, recorded.y->data, sizeof(float) * (size_t)tc_numel(plain.y));
    tc_tape_free(plain.tape);
    tc_tape_free(recorded.tape);
    tc_model_free(model);
}
END_TEST

/* ---- Memory ------------------------------------------------------------------------------------------- */

static tc_module *plain_block(void) {
    return tc_sequential(tc_nn_batchnorm2d(16), tc_nn_gelu(TC_GELU_EXACT), conv3x3(16, 16));
}
static tc_module *preactivation_block(void) {
    return tc_residual_identity(tc_sequential(tc_nn_batchnorm2d(16), tc_nn_relu(), conv3x3(16, 16),
                                              tc_nn_batchnorm2d(16), tc_nn_relu(), conv3x3(16, 16)));
}
static tc_module *postactivation_block(void) {
    return tc_sequential(tc_residual(tc_sequential(conv3x3(16, 16), tc_nn_batchnorm2d(16)),
                                     tc_sequential(tc_nn_conv2d(16, 16, 1), tc_nn_batchnorm2d(16))),
                         tc_nn_relu());
}
static tc_module *pooling_block(void) {
    return tc_sequential(tc_nn_batchnorm2d(16), tc_nn_relu(), tc_nn_maxpool2d(3, .stride = 1, .padding = 1));
}
static tc_module *settled_block(void) {
    return tc_sequential(tc_nn_batchnorm2d(16), tc_nn_relu(), tc_nn_batchnorm2d(16),
                         tc_nn_avgpool2d(3, .stride = 1, .padding = 1));
}
static tc_module *(*const blocks[])(void) = {plain_block, preactivation_block, postactivation_block,
                                             pooling_block, settled_block};

static size_t bytes_of_a_pass(tc_module *(*block)(void), int depth) {
    tc_module *layers[32];
    for (int i = 0; i < depth; i++) layers[i] = block();
    tc_model *model = model_of(tc_sequential_from(layers, depth));
    tc_tape *tape = tape_in(EVALUATION);
    tc_tensor *x = picture(tape, 1, &(tc_tensor){.ndim = 4, .shape = {2, 16, 64, 64}});
    ck_assert_ptr_nonnull(tc_model_forward(model, tape, x));
    size_t bytes = tc_arena_bytes(tc_tape_arena(tape));
    tc_tape_free(tape);
    tc_model_free(model);
    return bytes;
}

/* A layer may leave its description behind, and the arena grows by half at a time: nothing beside the eightfold
 * of results that are not given back. */
START_TEST(evaluation_needs_no_more_memory_for_a_deeper_net) {
    size_t shallow = bytes_of_a_pass(blocks[_i], 4), deep = bytes_of_a_pass(blocks[_i], 32);
    ck_assert_uint_lt(deep, 2 * shallow);
}
END_TEST

static void add(TCase *tests) {
    tcase_add_loop_test(tests, a_net_gives_what_its_operations_give, 0, NETS * MODES);
    tcase_add_loop_test(tests, a_net_gives_its_input_the_gradient_that_its_operations_give, 0, NETS);
    tcase_add_loop_test(tests, a_retained_gradient_is_kept_and_changes_no_other, 0, NETS);
    tcase_add_loop_test(tests, a_net_gives_the_same_bits_with_and_without_recording, 0, NETS);
    tcase_add_loop_test(tests, evaluation_needs_no_more_memory_for_a_deeper_net, 0,
                        sizeof blocks / sizeof *blocks);
}

int main(void) {
    return suite_main("deferred", add);
}
