/* test_requires_grad.c - a parameter whose requires_grad is false: no gradient is worked out for it, all others get
 * the same bits as before, and an optimiser leaves it and its state alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conv.h"
#include "suite.h"
#include "tinycnn.h"

/* What the gradient of a frozen parameter holds before, and has to hold afterwards. */
#define UNTOUCHED 0.125f

static void fill(tc_tensor *tensor, float *values, uint64_t stream) {
    tc_rng rng = tc_rng_create(4, stream);
    for (int64_t i = 0; i < tc_numel(tensor); i++) values[i] = tc_rng_normal(&rng);
}

static size_t bytes_of(const tc_tensor *tensor) {
    return (size_t)tc_numel(tensor) * sizeof(float);
}

static bool holds_only(const tc_tensor *tensor, const float *values, float value) {
    for (int64_t i = 0; i < tc_numel(tensor); i++) {
        if (values[i] != value) return false;
    }
    return true;
}

/* ---- One operation: x, weight and bias, of which some are frozen --------------------------------------- */

enum { X, WEIGHT, BIAS, TENSORS };

typedef struct one {
    tc_arena *arena;
    tc_tensor *tensors[TENSORS];
} one;

static one one_of(const int64_t *x, int weight_dims, const int64_t *weight, int64_t channels) {
    one o = {.arena = tc_arena_create()};
    o.tensors[X] = tc_tensor_create(o.arena, 4, x);
    o.tensors[WEIGHT] = tc_tensor_create(o.arena, weight_dims, weight);
    o.tensors[BIAS] = tc_tensor_new(o.arena, channels);
    for (int i = 0; i < TENSORS; i++) {
        fill(o.tensors[i], o.tensors[i]->data, (uint64_t)i);
        o.tensors[i]->grad = tc_arena_alloc(o.arena, bytes_of(o.tensors[i]));
    }
    return o;
}

typedef tc_tensor *(*operation)(tc_tape *tape, const one *o, const void *options);

static void go_back(one *o, operation apply, const void *options, unsigned frozen) {
    tc_tape *tape = tc_tape_create(&(tc_tape_options){.threads = 2});
    for (int i = 0; i < TENSORS; i++) {
        o->tensors[i]->requires_grad = !(frozen >> i & 1);
        for (int64_t e = 0; e < tc_numel(o->tensors[i]); e++) o->tensors[i]->grad[e] = UNTOUCHED;
    }
    tc_tensor *y = apply(tape, o, options);
    ck_assert_msg(y, "%s", tc_tape_error(tape));
    tc_tensor *target = tc_tensor_create(tc_tape_arena(tape), y->ndim, y->shape);
    fill(target, target->data, 9);
    tc_status status = tc_backward(tape, tc_mse_loss(tape, y, target, TC_REDUCTION_SUM));
    ck_assert_int_eq(status, frozen == 7 ? TC_ERR_STATE : TC_OK); /* 7: nothing is left to go back to */
    tc_tape_free(tape);
}

/* Every choice of frozen tensors, beside none. */
static void expect_the_rest_unchanged(one *o, operation apply, const void *options) {
    float *all[TENSORS];
    go_back(o, apply, options, 0);
    for (int i = 0; i < TENSORS; i++) {
        ck_assert(!holds_only(o->tensors[i], o->tensors[i]->grad, UNTOUCHED));
        all[i] = malloc(bytes_of(o->tensors[i]));
        memcpy(all[i], o->tensors[i]->grad, bytes_of(o->tensors[i]));
    }
    for (unsigned frozen = 1; frozen < 8; frozen++) {
        go_back(o, apply, options, frozen);
        for (int i = 0; i < TENSORS; i++) {
            const tc_tensor *tensor = o->tensors[i];
            if (frozen >> i & 1)
                ck_assert(holds_only(tensor, tensor->grad, UNTOUCHED));
            else
                ck_assert_mem_eq(tensor->grad, all[i], bytes_of(tensor));
        }
    }
    for (int i = 0; i < TENSORS; i++) free(all[i]);
    tc_arena_free(o->arena);
}

static tc_tensor *conv2d(tc_tape *tape, const one *o, const void *options) {
    return tc_conv2d(tape, o->tensors[X], o->tensors[WEIGHT], o->tensors[BIAS], options);
}

static const struct {
    const tci_conv_algorithm *algorithm;
    int64_t n, c, size, o, kernel;
    tc_conv2d_options options;
} convolutions[] = {
    {&tci_conv_direct, 3, 3, 9, 6, 2, {0}},
    {&tci_conv_direct, 3, 3, 9, 6, 2, {.activation = TC_ACTIVATION_RELU, .pool = true}},
    {&tci_conv_direct, 3, 5, 9, 6, 3, {.stride = 2, .padding = 1, .pool = true}},
    {&tci_conv_winograd, 4, 16, 9, 24, 3, {.padding = 1}},
    {&tci_conv_winograd, 4, 16, 9, 24, 3, {.padding = 1, .pool = true}},
    {&tci_conv_gathered, 3, 6, 9, 8, 3, {.padding = 1, .groups = 2}},
    {&tci_conv_gathered, 3, 6, 9, 8, 3, {.padding = 1, .groups = 2, .pool = true}},
    {&tci_conv_depthwise, 3, 20, 9, 20, 3, {.padding = 1, .groups = 20}},
    {&tci_conv_pixels, 32, 64, 4, 64, 5, {.padding = 2, .pool = true}},
};
enum { CONVOLUTIONS = sizeof convolutions / sizeof *convolutions };

START_TEST(conv2d_in_every_algorithm) {
    int64_t n = convolutions[_i].n, c = convolutions[_i].c, size = convolutions[_i].size,
            o = convolutions[_i].o;
    int64_t kernel = convolutions[_i].kernel;
    const tc_conv2d_options *options = &convolutions[_i].options;
    int64_t groups = options->groups ? options->groups : 1, stride = options->stride ? options->stride : 1;
    int64_t out = (size + 2 * options->padding - kernel) / stride + 1;
    const tci_conv shape = {.n = n,
                            .c = c,
                            .h = size,
                            .w = size,
                            .o = o,
                            .oh = out,
                            .ow = out,
                            .kh = kernel,
                            .kw = kernel,
                            .stride_h = stride,
                            .stride_w = stride,
                            .pad_h = options->padding,
                            .pad_w = options->padding,
                            .dilation_h = 1,
                            .dilation_w = 1,
                            .groups = groups};
    ck_assert_str_eq(tci_conv_choose(&shape)->name, convolutions[_i].algorithm->name);
    one tensors =
        one_of((const int64_t[]){n, c, size, size}, 4, (const int64_t[]){o, c / groups, kernel, kernel}, o);
    expect_the_rest_unchanged(&tensors, conv2d, options);
}
END_TEST

static tc_tensor *batchnorm2d(tc_tape *tape, const one *o, const void *options) {
    return tc_batchnorm2d(tape, o->tensors[X], o->tensors[WEIGHT], o->tensors[BIAS], NULL, NULL, options);
}

START_TEST(batchnorm2d_as_well) {
    const tc_batchnorm2d_options options[] = {
        {0}, {.activation = TC_ACTIVATION_RELU}, {.activation = TC_ACTIVATION_GELU}};
    for (int i = 0; i < 3; i++) {
        one tensors = one_of((const int64_t[]){4, 5, 6, 7}, 1, (const int64_t[]){5}, 5);
        expect_the_rest_unchanged(&tensors, batchnorm2d, &options[i]);
    }
}
END_TEST

static tc_tensor *linear(tc_tape *tape, const one *o, const void *options) {
    (void)options;
    return tc_linear(tape, tc_flatten(tape, o->tensors[X]), o->tensors[WEIGHT], o->tensors[BIAS],
                     TC_ACTIVATION_RELU);
}

START_TEST(linear_as_well) {
    one tensors = one_of((const int64_t[]){6, 3, 2, 2}, 2, (const int64_t[]){5, 12}, 5);
    expect_the_rest_unchanged(&tensors, linear, NULL);
}
END_TEST

/* ---- A net, with everything that is left to the next layer ---------------------------------------------- */

static tc_module *net(void) {
    return tc_sequential(tc_nn_conv2d(3, 16, 2), tc_nn_gelu(TC_GELU_EXACT),
                         tc_nn_conv2d(16, 24, 3, .padding = 1), tc_nn_maxpool2d(2), tc_nn_batchnorm2d(24),
                         tc_nn_gelu(TC_GELU_EXACT), tc_nn_conv2d(24, 16, 3, .padding = 1, .no_bias = true),
                         tc_nn_batchnorm2d(16), tc_nn_relu(), tc_nn_global_avgpool2d(), tc_nn_flatten(),
                         tc_nn_linear(16, 5));
}

static tc_model *model_of(uint64_t seed) {
    tc_model *model;
    ck_assert_msg(tc_model_create(net(), seed, &model) == TC_OK, "%s", tc_last_error());
    return model;
}

static tc_tensor *parameter(tc_model *model, const char *name) {
    tc_parameter *found = tc_model_find(model, name);
    ck_assert_msg(found, "no %s", name);
    return found->tensor;
}

/* Backward passes of convolutions by the place of their layer in the net. */
typedef struct passes {
    int back[16];
} passes;

static void note(void *context, const char *op, const char *where, bool backward, double seconds) {
    (void)op, (void)seconds;
    if (backward && where[0]) ((passes *)context)->back[atoi(where)]++;
}

static passes step(tc_model *model, float *loss_value) {
    static const int32_t labels[4] = {0, 1, 2, 3};
    passes seen = {{0}};
    tc_tape *tape = tc_tape_create(&(tc_tape_options){.threads = 2});
    tc_tape_observe(tape, note, &seen);
    tc_model_zero_grad(model);
    tc_tensor *x = tc_tensor_new(tc_tape_arena(tape), 4, 3, 12, 12);
    fill(x, x->data, 8);
    tc_tensor *loss = tc_cross_entropy(tape, tc_model_forward(model, tape, x), labels, NULL);
    ck_assert_msg(tc_backward(tape, loss) == TC_OK, "%s", tc_tape_error(tape));
    *loss_value = loss->data[0];
    tc_tape_free(tape);
    return seen;
}

static const struct {
    const char *frozen[6];
    int first; /* layer that is gone back to */
} choices[] = {
    {{"0.weight"}, 0},
    {{"0.weight", "0.bias"}, 2},
    {{"4.weight", "7.weight"}, 0},
    {{"4.weight", "4.bias", "2.weight"}, 0},
    {{"0.weight", "0.bias", "2.weight"}, 2},
    {{"0.weight", "0.bias", "2.weight", "2.bias", "4.weight"}, 4},
    {{"0.weight", "0.bias", "2.weight", "2.bias", "4.weight", "4.bias"}, 6},
};
enum { CHOICES = sizeof choices / sizeof *choices };

START_TEST(a_net_works_out_what_is_trained_and_nothing_else) {
    tc_model *whole = model_of(1), *part = model_of(1);
    float loss, same_loss;
    passes all = step(whole, &loss);
    ck_assert_int_gt(all.back[0], 0);
    for (int i = 0; i < 6 && choices[_i].frozen[i]; i++)
        parameter(part, choices[_i].frozen[i])->requires_grad = false;
    passes seen = step(part, &same_loss);
    ck_assert(loss == same_loss);
    for (int layer = 0; layer < 16; layer++)
        ck_assert_int_eq(seen.back[layer], layer < choices[_i].first ? 0 : all.back[layer]);
    for (int i = 0; i < tc_model_parameter_count(whole); i++) {
        const tc_tensor *a = tc_model_parameter(whole, i)->tensor, *b = tc_model_parameter(part, i)->tensor;
        ck_assert(!holds_only(a, a->grad, 0));
        if (b->requires_grad)
            ck_assert_mem_eq(a->grad, b->grad, bytes_of(a));
        else
            ck_assert(holds_only(b, b->grad, 0));
    }
    tc_model_free(whole);
    tc_model_free(part);
}
END_TEST

/* ---- Optimisers ----------------------------------------------------------------------------------------- */

static tc_optimizer *optimizer_of(tc_model *model, int kind) {
    tc_optimizer *optimizer = NULL;
    tc_sgd_options sgd = {.lr = 0.1f, .momentum = 0.9f, .weight_decay = 0.1f, .nesterov = true};
    tc_adam_options adam = {.weight_decay = 0.1f};
    tc_muon_options muon = {.momentum = 0.6f, .sgd_momentum = 0.9f, .weight_decay = 0.1f, .rescale = true};
    tc_status status = kind == 0   ? tc_sgd_create(model, &sgd, &optimizer)
                       : kind == 1 ? tc_adam_create(model, &adam, &optimizer)
                       : kind == 2 ? tc_adamw_create(model, &adam, &optimizer)
                                   : tc_muon_create(model, &muon, &optimizer);
    ck_assert_int_eq(status, TC_OK);
    return optimizer;
}
enum { OPTIMIZERS = 4 };

static tc_parameter *state_of(tc_optimizer *optimizer, const char *name) {
    for (int i = 0; i < tc_optimizer_state_count(optimizer); i++) {
        const char *dot = strchr(tc_optimizer_state(optimizer, i)->name, '.');
        if (dot && strcmp(dot + 1, name) == 0) return tc_optimizer_state(optimizer, i);
    }
    return NULL;
}

START_TEST(an_optimiser_leaves_them_and_their_state_alone) {
    static const char *const names[] = {"0.weight", "2.weight", "4.bias", "11.weight"};
    tc_model *model = model_of(2), *start = model_of(2);
    tc_optimizer *optimizer = optimizer_of(model, _i);
    for (int i = 0; i < tc_model_parameter_count(model); i++) {
        tc_tensor *tensor = tc_model_parameter(model, i)->tensor;
        fill(tensor, tensor->grad, (uint64_t)i); /* left over from when all were trained */
    }
    for (int i = 0; i < 4; i++) parameter(model, names[i])->requires_grad = false;
    tc_optimizer_step(optimizer);
    for (int i = 0; i < tc_model_parameter_count(model); i++) {
        const tc_parameter *now = tc_model_parameter(model, i), *then = tc_model_parameter(start, i);
        const tc_tensor *state = state_of(optimizer, now->name)->tensor;
        bool same = memcmp(now->tensor->data, then->tensor->data, bytes_of(now->tensor)) == 0;
        ck_assert_msg(same == !now->tensor->requires_grad, "%s", now->name);
        ck_assert_msg(holds_only(state, state->data, 0) == !now->tensor->requires_grad, "%s", now->name);
    }
    tc_optimizer_free(optimizer);
    tc_model_free(model);
    tc_model_free(start);
}
END_TEST

START_TEST(clipping_does_not_count_what_is_left_of_them) {
    tc_model *model = model_of(2);
    for (int i = 0; i < tc_model_parameter_count(model); i++) {
        tc_tensor *tensor = tc_model_parameter(model, i)->tensor;
        tensor->requires_grad = i == 1;
        for (int64_t e = 0; e < tc_numel(tensor); e++) tensor->grad[e] = 3;
    }
    const tc_tensor *trained = tc_model_parameter(model, 1)->tensor;
    ck_assert_int_eq(tc_numel(trained), 16);
    ck_assert_double_eq(tc_clip_grad_norm(model, 6), 12);
    ck_assert_float_eq_tol(trained->grad[15], 1.5f, 1e-6f);
    ck_assert_float_eq(tc_model_parameter(model, 0)->tensor->grad[0], 3);
    tc_model_free(model);
}
END_TEST

START_TEST(parameters_know_their_layer) {
    tc_model *model = model_of(2);
    ck_assert_str_eq(tc_model_find(model, "0.weight")->layer, "conv2d");
    ck_assert_str_eq(tc_model_find(model, "2.bias")->layer, "conv2d");
    ck_assert_str_eq(tc_model_find(model, "4.weight")->layer, "batchnorm2d");
    ck_assert_str_eq(tc_model_find(model, "7.running_var")->layer, "batchnorm2d");
    ck_assert_str_eq(tc_model_find(model, "11.bias")->layer, "linear");
    tc_optimizer *optimizer = optimizer_of(model, 0);
    ck_assert_int_gt(tc_optimizer_state_count(optimizer), 0);
    for (int i = 0; i < tc_optimizer_state_count(optimizer); i++)
        ck_assert_ptr_null(tc_optimizer_state(optimizer, i)->layer);
    tc_optimizer_free(optimizer);
    tc_model_free(model);
}
END_TEST

static void add(TCase *tests) {
    tcase_add_loop_test(tests, conv2d_in_every_algorithm, 0, CONVOLUTIONS);
    tcase_add_test(tests, batchnorm2d_as_well);
    tcase_add_test(tests, linear_as_well);
    tcase_add_loop_test(tests, a_net_works_out_what_is_trained_and_nothing_else, 0, CHOICES);
    tcase_add_loop_test(tests, an_optimiser_leaves_them_and_their_state_alone, 0, OPTIMIZERS);
    tcase_add_test(tests, clipping_does_not_count_what_is_left_of_them);
    tcase_add_test(tests, parameters_know_their_layer);
}

int main(void) {
    return suite_main("requires_grad", add);
}
