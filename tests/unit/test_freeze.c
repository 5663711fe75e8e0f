/* A frozen model computes what a thawed one does. */
#include <stdio.h>
#include <string.h>

#include "suite.h"
#include "tinycnn.h"

static tc_module *net(void) {
    return tc_sequential(tc_nn_conv2d(3, 24, 3, .padding = 1), tc_nn_relu(), tc_nn_maxpool2d(2),
                         tc_nn_conv2d(24, 64, 3, .padding = 1, .no_bias = true), tc_nn_batchnorm2d(64),
                         tc_nn_gelu(TC_GELU_EXACT), tc_nn_conv2d(64, 64, 3, .padding = 1), tc_nn_maxpool2d(2),
                         tc_nn_batchnorm2d(64), tc_nn_relu(), tc_nn_global_avgpool2d(), tc_nn_flatten(),
                         tc_nn_linear(64, 10));
}

static tc_model *model_of(uint64_t seed) {
    tc_model *model;
    ck_assert_msg(tc_model_create(net(), seed, &model) == TC_OK, "%s", tc_last_error());
    return model;
}

static tc_tensor *answer(tc_model *model, tc_tape *tape, int64_t n, int64_t size) {
    tc_tensor *x = tc_tensor_new(tc_tape_arena(tape), n, 3, size, size);
    tc_rng rng = tc_rng_create(5, 5);
    for (int64_t i = 0; i < tc_numel(x); i++) x->data[i] = tc_rng_normal(&rng);
    tc_tape_eval(tape);
    tc_tensor *y = tc_model_forward(model, tape, x);
    ck_assert_msg(y != NULL, "%s", tc_tape_error(tape));
    return y;
}

/* Two models that should hold the same parameters. */
static void expect_same_answer(tc_model *a, tc_model *b, int64_t n, int64_t size) {
    tc_tape *tape = tc_tape_create(&(tc_tape_options){.threads = 2});
    tc_tensor *y = answer(a, tape, n, size), *z = answer(b, tape, n, size);
    ck_assert_mem_eq(y->data, z->data, (size_t)tc_numel(y) * sizeof(float));
    tc_tape_free(tape);
}

static void expect_other_answer(tc_model *a, tc_model *b) {
    tc_tape *tape = tc_tape_create(&(tc_tape_options){.threads = 2});
    tc_tensor *y = answer(a, tape, 2, 16), *z = answer(b, tape, 2, 16);
    ck_assert(memcmp(y->data, z->data, (size_t)tc_numel(y) * sizeof(float)) != 0);
    tc_tape_free(tape);
}

/* Batches and pictures of many sizes ask for different algorithms, and for the same ones again. */
START_TEST(any_batch_gives_the_same_bits) {
    static const int64_t n[] = {1, 40, 2, 1, 33, 3, 40}, size[] = {32, 8, 12, 4, 9, 33, 4};
    tc_model *frozen = model_of(1), *thawed = model_of(1);
    ck_assert_int_eq(tc_model_freeze(frozen), TC_OK);
    ck_assert_int_eq(tc_model_freeze(frozen), TC_OK);
    for (int i = 0; i < 7; i++) expect_same_answer(frozen, thawed, n[i], size[i]);
    tc_model_free(frozen);
    tc_model_free(thawed);
}
END_TEST

START_TEST(init_thaws) {
    tc_model *frozen = model_of(1), *other = model_of(2);
    ck_assert_int_eq(tc_model_freeze(frozen), TC_OK);
    expect_other_answer(frozen, other);
    tc_model_init(frozen, TC_INIT_PYTORCH, 2);
    expect_same_answer(frozen, other, 2, 16);
    tc_model_free(frozen);
    tc_model_free(other);
}
END_TEST

START_TEST(loading_a_checkpoint_thaws) {
    const char *path = "test_freeze.safetensors";
    tc_model *frozen = model_of(1), *other = model_of(2);
    ck_assert_int_eq(tc_model_freeze(frozen), TC_OK);
    expect_other_answer(frozen, other);
    ck_assert_int_eq(tc_checkpoint_save(path, other, NULL, NULL, 0), TC_OK);
    ck_assert_int_eq(tc_checkpoint_load(path, frozen, NULL), TC_OK);
    remove(path);
    expect_same_answer(frozen, other, 2, 16);
    tc_model_free(frozen);
    tc_model_free(other);
}
END_TEST

static void train_one_step(tc_model *model) {
    tc_tape *tape = tc_tape_create(&(tc_tape_options){.threads = 2});
    tc_optimizer *sgd;
    ck_assert_int_eq(tc_sgd_create(model, &(tc_sgd_options){.lr = 0.1f}, &sgd), TC_OK);
    tc_tensor *x = tc_tensor_new(tc_tape_arena(tape), 2, 3, 16, 16);
    for (int64_t i = 0; i < tc_numel(x); i++) x->data[i] = (float)(i % 7) - 3.0f;
    tc_tensor *loss = tc_cross_entropy(tape, tc_model_forward(model, tape, x), (const int32_t[]){1, 2}, NULL);
    tc_model_zero_grad(model);
    ck_assert_int_eq(tc_backward(tape, loss), TC_OK);
    tc_optimizer_step(sgd);
    tc_optimizer_free(sgd);
    tc_tape_free(tape);
}

START_TEST(training_thaws) {
    tc_model *frozen = model_of(1), *thawed = model_of(1);
    ck_assert_int_eq(tc_model_freeze(frozen), TC_OK);
    expect_same_answer(frozen, thawed, 2, 16);
    train_one_step(frozen), train_one_step(thawed);
    expect_same_answer(frozen, thawed, 2, 16);
    tc_model_free(frozen);
    tc_model_free(thawed);
}
END_TEST

static void add(TCase *tests) {
    tcase_add_test(tests, any_batch_gives_the_same_bits);
    tcase_add_test(tests, init_thaws);
    tcase_add_test(tests, loading_a_checkpoint_thaws);
    tcase_add_test(tests, training_thaws);
}

int main(void) {
    return suite_main("freeze", add);
}
