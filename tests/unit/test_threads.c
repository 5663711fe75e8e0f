/* The same bits on 1, 2 and 4 threads: every operation at sizes that are cut into many chunks, and whole
 * steps of training. */
#include <stdlib.h>
#include <string.h>

#include "conformance.h"
#include "suite.h"

enum { MOST_INPUTS = 5, BATCH = 40 };

typedef struct large_op {
    const char *name;
    tc_tensor *(*apply)(tc_tape *tape, tc_tensor **inputs);
    int count;
    struct {
        int ndim;
        int64_t shape[4];
    } inputs[MOST_INPUTS];
} large_op;

static tc_tensor *conv2d(tc_tape *tape, tc_tensor **in) {
    return tc_conv2d(tape, in[0], in[1], in[2], &(tc_conv2d_options){.padding = 1});
}

static tc_tensor *conv2d_strided_relu(tc_tape *tape, tc_tensor **in) {
    return tc_conv2d(tape, in[0], in[1], in[2],
                     &(tc_conv2d_options){.stride = 2, .padding = 1, .activation = TC_ACTIVATION_RELU});
}

static tc_tensor *conv2d_pointwise(tc_tape *tape, tc_tensor **in) {
    return tc_conv2d(tape, in[0], in[1], NULL, NULL);
}

static tc_tensor *conv2d_grouped(tc_tape *tape, tc_tensor **in) {
    return tc_conv2d(tape, in[0], in[1], in[2], &(tc_conv2d_options){.padding = 1, .groups = 4});
}

static tc_tensor *conv2d_depthwise(tc_tape *tape, tc_tensor **in) {
    return tc_conv2d(tape, in[0], in[1], in[2], &(tc_conv2d_options){.padding = 1, .groups = 32});
}

static tc_tensor *linear(tc_tape *tape, tc_tensor **in) {
    return tc_linear(tape, in[0], in[1], in[2], TC_ACTIVATION_RELU);
}

static tc_tensor *maxpool2d(tc_tape *tape, tc_tensor **in) {
    return tc_maxpool2d(tape, in[0], &(tc_pool2d_options){.kernel_size = 3, .stride = 2, .padding = 1});
}

static tc_tensor *avgpool2d(tc_tape *tape, tc_tensor **in) {
    return tc_avgpool2d(tape, in[0], &(tc_pool2d_options){.kernel_size = 3, .stride = 2, .padding = 1});
}

static tc_tensor *adaptive_avgpool2d(tc_tape *tape, tc_tensor **in) {
    return tc_adaptive_avgpool2d(tape, in[0], 5);
}

static tc_tensor *global_avgpool2d(tc_tape *tape, tc_tensor **in) {
    return tc_global_avgpool2d(tape, in[0]);
}

static tc_tensor *relu(tc_tape *tape, tc_tensor **in) {
    return tc_relu(tape, in[0]);
}

static tc_tensor *leaky_relu(tc_tape *tape, tc_tensor **in) {
    return tc_leaky_relu(tape, in[0], 0.01f);
}

static tc_tensor *gelu(tc_tape *tape, tc_tensor **in) {
    return tc_gelu(tape, in[0], TC_GELU_EXACT);
}

static tc_tensor *gelu_tanh(tc_tape *tape, tc_tensor **in) {
    return tc_gelu(tape, in[0], TC_GELU_TANH);
}

static tc_tensor *silu(tc_tape *tape, tc_tensor **in) {
    return tc_silu(tape, in[0]);
}

static tc_tensor *batchnorm2d(tc_tape *tape, tc_tensor **in) {
    return tc_batchnorm2d(tape, in[0], in[1], in[2], NULL, NULL,
                          &(tc_batchnorm2d_options){.activation = TC_ACTIVATION_RELU});
}

static tc_tensor *dropout(tc_tape *tape, tc_tensor **in) {
    return tc_dropout(tape, in[0], 0.3f);
}

static tc_tensor *add(tc_tape *tape, tc_tensor **in) {
    return tc_add(tape, in[0], in[1], TC_ACTIVATION_RELU);
}

static tc_tensor *scale(tc_tape *tape, tc_tensor **in) {
    return tc_scale(tape, in[0], 1.7f);
}

static tc_tensor *concat(tc_tape *tape, tc_tensor **in) {
    return tc_concat(tape, in, 2);
}

static tc_tensor *flatten(tc_tape *tape, tc_tensor **in) {
    return tc_flatten(tape, in[0]);
}

static tc_tensor *log_softmax(tc_tape *tape, tc_tensor **in) {
    return tc_log_softmax(tape, in[0]);
}

static tc_tensor *cross_entropy(tc_tape *tape, tc_tensor **in) {
    int32_t *labels = tc_arena_alloc(tc_tape_arena(tape), sizeof *labels * (size_t)in[0]->shape[0]);
    for (int64_t i = 0; i < in[0]->shape[0]; i++) labels[i] = (int32_t)(i * 7 % in[0]->shape[1]);
    return tc_cross_entropy(tape, in[0], labels, &(tc_cross_entropy_options){.label_smoothing = 0.1f});
}

static tc_tensor *mse_loss(tc_tape *tape, tc_tensor **in) {
    return tc_mse_loss(tape, in[0], in[1], TC_REDUCTION_MEAN);
}

#define PICTURES                                                                                             \
    {                                                                                                        \
        4, {                                                                                                 \
            17, 32, 21, 19                                                                                   \
        }                                                                                                    \
    }

static const large_op ops[] = {
    {"conv2d", conv2d, 3, {PICTURES, {4, {48, 32, 3, 3}}, {1, {48}}}},
    {"conv2d of few channels", conv2d, 3, {{4, {33, 3, 32, 32}}, {4, {32, 3, 3, 3}}, {1, {32}}}},
    {"conv2d, strided, relu", conv2d_strided_relu, 3, {PICTURES, {4, {40, 32, 3, 3}}, {1, {40}}}},
    {"conv2d, pointwise", conv2d_pointwise, 2, {PICTURES, {4, {24, 32, 1, 1}}}},
    {"conv2d, grouped", conv2d_grouped, 3, {PICTURES, {4, {40, 8, 3, 3}}, {1, {40}}}},
    {"conv2d, depthwise", conv2d_depthwise, 3, {PICTURES, {4, {32, 1, 3, 3}}, {1, {32}}}},
    {"linear", linear, 3, {{2, {129, 1031}}, {2, {257, 1031}}, {1, {257}}}},
    {"linear of one row", linear, 3, {{2, {1, 4096}}, {2, {515, 4096}}, {1, {515}}}},
    {"maxpool2d", maxpool2d, 1, {PICTURES}},
    {"avgpool2d", avgpool2d, 1, {PICTURES}},
    {"adaptive_avgpool2d", adaptive_avgpool2d, 1, {PICTURES}},
    {"global_avgpool2d", global_avgpool2d, 1, {PICTURES}},
    {"relu", relu, 1, {PICTURES}},
    {"leaky_relu", leaky_relu, 1, {PICTURES}},
    {"gelu", gelu, 1, {PICTURES}},
    {"gelu, tanh", gelu_tanh, 1, {PICTURES}},
    {"silu", silu, 1, {PICTURES}},
    {"batchnorm2d", batchnorm2d, 3, {PICTURES, {1, {32}}, {1, {32}}}},
    {"batchnorm2d of few channels", batchnorm2d, 3, {{4, {64, 3, 32, 31}}, {1, {3}}, {1, {3}}}},
    {"dropout", dropout, 1, {PICTURES}},
    {"add", add, 2, {PICTURES, PICTURES}},
    {"scale", scale, 1, {PICTURES}},
    {"concat", concat, 2, {PICTURES, {4, {17, 5, 21, 19}}}},
    {"flatten", flatten, 1, {PICTURES}},
    {"log_softmax", log_softmax, 1, {{2, {1031, 100}}}},
    {"cross_entropy", cross_entropy, 1, {{2, {1031, 100}}}},
    {"mse_loss", mse_loss, 2, {PICTURES, PICTURES}},
};

/* Everything that comes out, one after the other: the result and the gradients. */
typedef struct outcome {
    float *values;
    int64_t count;
} outcome;

static void append(outcome *o, const float *values, int64_t count) {
    o->values = realloc(o->values, sizeof(float) * (size_t)(o->count + count));
    ck_assert_ptr_nonnull(o->values);
    memcpy(o->values + o->count, values, sizeof(float) * (size_t)count);
    o->count += count;
}

static void assert_same(const outcome *one, const outcome *other, const char *name, int threads) {
    ck_assert_int_eq(one->count, other->count);
    for (int64_t i = 0; i < one->count; i++)
        if (memcmp(one->values + i, other->values + i, sizeof(float)) != 0)
            ck_abort_msg("%s: value %lld of %lld differs at %d threads", name, (long long)i,
                         (long long)one->count, threads);
}

static outcome run_op(const large_op *op, int threads) {
    tc_tape *tape = conformance_tape(threads, 9);
    tc_tensor *inputs[MOST_INPUTS];
    for (int i = 0; i < op->count; i++) {
        inputs[i] = conformance_tensor(tape, (uint32_t)i + 1, op->inputs[i].ndim, op->inputs[i].shape);
        inputs[i]->requires_grad = true;
    }
    tc_tensor *y = op->apply(tape, inputs);
    ck_assert_msg(y != NULL, "%s", tc_tape_error(tape));
    outcome o = {0};
    append(&o, y->data, tc_numel(y));
    tc_tensor *loss = y;
    if (tc_numel(y) != 1)
        loss = tc_mse_loss(tape, y, conformance_tensor(tape, 8, y->ndim, y->shape), TC_REDUCTION_SUM);
    ck_assert_msg(tc_backward(tape, loss) == TC_OK, "%s", tc_tape_error(tape));
    append(&o, loss->data, 1);
    for (int i = 0; i < op->count; i++) append(&o, inputs[i]->grad, tc_numel(inputs[i]));
    tc_tape_free(tape);
    return o;
}

START_TEST(operations_give_the_same_bits) {
    const large_op *op = &ops[_i];
    outcome one = run_op(op, 1);
    for (int threads = 2; threads <= 4; threads *= 2) {
        outcome other = run_op(op, threads);
        assert_same(&one, &other, op->name, threads);
        free(other.values);
    }
    free(one.values);
}
END_TEST

/* ---- Training ----------------------------------------------------------------------------------------- */

static tc_module *net(void) {
    tc_module *body =
        tc_sequential(tc_nn_conv2d(16, 16, 3, .padding = 1, .no_bias = true), tc_nn_batchnorm2d(16),
                      tc_nn_silu(), tc_nn_conv2d(16, 16, 3, .padding = 1, .groups = 16));
    return tc_sequential(tc_nn_conv2d(3, 16, 3, .padding = 1, .no_bias = true), tc_nn_batchnorm2d(16),
                         tc_nn_relu(), tc_nn_maxpool2d(2), tc_residual_identity(body), tc_nn_relu(),
                         tc_nn_conv2d(16, 24, 1), tc_nn_gelu(TC_GELU_TANH), tc_nn_avgpool2d(2),
                         tc_nn_dropout(0.2f), tc_nn_flatten(), tc_nn_linear(24 * 8 * 8, 64),
                         tc_nn_leaky_relu(0.01f), tc_nn_linear(64, 10));
}

static tc_optimizer *optimizer_of(tc_model *model, int kind) {
    tc_optimizer *optimizer = NULL;
    if (kind == 0)
        tc_sgd_create(
            model, &(tc_sgd_options){.lr = 0.05f, .momentum = 0.9f, .weight_decay = 5e-4f, .nesterov = true},
            &optimizer);
    if (kind == 1) tc_adam_create(model, NULL, &optimizer);
    if (kind == 2) tc_adamw_create(model, NULL, &optimizer);
    ck_assert_ptr_nonnull(optimizer);
    return optimizer;
}

/* Losses and gradient norms of five steps, then every parameter and buffer. */
static outcome train(int threads, int kind) {
    tc_model *model;
    ck_assert_int_eq(tc_model_create(net(), 3, &model), TC_OK);
    tc_optimizer *optimizer = optimizer_of(model, kind);
    tc_optimizer_set_threads(optimizer, threads);
    tc_tape *tape = conformance_tape(threads, 4);
    int32_t labels[BATCH];
    for (int i = 0; i < BATCH; i++) labels[i] = i % 10;
    outcome o = {0};
    for (uint64_t step = 0; step < 5; step++) {
        tc_tape_reset(tape, step);
        tc_model_zero_grad(model);
        tc_tensor *x = CONFORMANCE_TENSOR(tape, (uint32_t)step, BATCH, 3, 32, 32);
        tc_tensor *loss = tc_cross_entropy(tape, tc_model_forward(model, tape, x), labels, NULL);
        ck_assert_msg(tc_backward(tape, loss) == TC_OK, "%s", tc_tape_error(tape));
        float norm = (float)tc_clip_grad_norm(model, 1);
        append(&o, loss->data, 1);
        append(&o, &norm, 1);
        tc_optimizer_step(optimizer);
    }
    for (int i = 0; i < tc_model_parameter_count(model); i++) {
        tc_tensor *t = tc_model_parameter(model, i)->tensor;
        append(&o, t->data, tc_numel(t));
    }
    for (int i = 0; i < tc_model_buffer_count(model); i++) {
        tc_tensor *t = tc_model_buffer(model, i)->tensor;
        append(&o, t->data, tc_numel(t));
    }
    tc_tape_free(tape);
    tc_optimizer_free(optimizer);
    tc_model_free(model);
    return o;
}

START_TEST(training_gives_the_same_bits) {
    static const char *const names[] = {"SGD", "Adam", "AdamW"};
    outcome one = train(1, _i);
    ck_assert(one.values[0] > 1.5f && one.values[0] < 5.0f);
    for (int threads = 2; threads <= 4; threads *= 2) {
        outcome other = train(threads, _i);
        assert_same(&one, &other, names[_i], threads);
        free(other.values);
    }
    free(one.values);
}
END_TEST

static void add_tests(TCase *tests) {
    tcase_add_loop_test(tests, operations_give_the_same_bits, 0, sizeof ops / sizeof *ops);
    tcase_add_loop_test(tests, training_gives_the_same_bits, 0, 3);
}

int main(void) {
    return suite_main("threads", add_tests);
}
