/* tc_model_forward_observed: what is seen is what each layer computes, and looking changes nothing. */
#include <math.h>
#include <string.h>

#include "models.h"
#include "suite.h"

enum { SEEN = 128 };

typedef struct seen {
    int count;
    const char *path[SEEN], *type[SEEN];
    tc_tensor *result[SEEN];
    int retain; /* the result whose gradient is to be kept, or -1 */
} seen;

static void see(void *context, const char *path, const char *type, tc_tensor *result) {
    seen *s = context;
    ck_assert_int_lt(s->count, SEEN);
    if (s->count == s->retain) result->retain_grad = true;
    s->path[s->count] = path, s->type[s->count] = type, s->result[s->count++] = result;
}

static tc_tensor *picture(tc_tape *tape, int64_t n, int64_t c, int64_t h, int64_t w) {
    tc_tensor *x = tc_tensor_new(tc_tape_arena(tape), n, c, h, w);
    tc_rng rng = tc_rng_create(5, 5);
    for (int64_t i = 0; i < tc_numel(x); i++) x->data[i] = tc_rng_normal(&rng);
    return x;
}

static void expect_near(const float *a, const float *b, int64_t count, double tolerance) {
    double largest = 0, difference = 0;
    for (int64_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs((double)b[i]));
        difference = fmax(difference, fabs((double)a[i] - (double)b[i]));
    }
    ck_assert(largest > 0);
    ck_assert_double_le(difference, tolerance * largest);
}

static tc_model *model_of(tc_module *net) {
    tc_model *model;
    ck_assert_msg(tc_model_create(net, 3, &model) == TC_OK, "%s", tc_last_error());
    return model;
}

/* `which`: a net of the table. Evaluation, with and without recording, and training. */
START_TEST(the_result_is_that_of_the_plain_forward) {
    const tc_model_entry *entry = &tc_models[_i / 3];
    if (!entry->name) return;
    int mode = _i % 3;
    tc_model *a = model_of(tc_model_build(entry, tc_net_of(3, 32, 32, 10)));
    tc_model *b = model_of(tc_model_build(entry, tc_net_of(3, 32, 32, 10)));
    tc_tape *tape = tc_tape_create(NULL), *other = tc_tape_create(NULL);
    if (mode < 2) tc_tape_eval(tape), tc_tape_eval(other);
    if (mode == 1) tc_tape_record(tape, true);
    if (mode == 1) ck_assert_int_eq(tc_model_freeze(a), TC_OK);
    seen s = {.retain = -1};
    const tc_tensor *y = tc_model_forward_observed(a, tape, picture(tape, 4, 3, 32, 32), see, &s);
    const tc_tensor *z = tc_model_forward(b, other, picture(other, 4, 3, 32, 32));
    ck_assert_msg(y && z, "%s", tc_last_error());
    expect_near(y->data, z->data, 40, 2e-5);
    ck_assert_ptr_eq(s.result[s.count - 1], y);
    ck_assert_str_eq(s.type[s.count - 1], "sequential");
    for (int i = 0; i < s.count; i++) ck_assert_ptr_nonnull(s.result[i]->data);
    tc_tape_free(tape), tc_tape_free(other), tc_model_free(a), tc_model_free(b);
}
END_TEST

static tc_module *small(void) {
    return tc_sequential(tc_named("conv", tc_nn_conv2d(3, 8, 3, .padding = 1)), tc_nn_relu(),
                         tc_nn_maxpool2d(2), tc_nn_batchnorm2d(8), tc_nn_gelu(TC_GELU_EXACT),
                         tc_residual_identity(tc_nn_conv2d(8, 8, 1)), tc_nn_relu(), tc_nn_flatten(),
                         tc_nn_linear(8 * 5 * 5, 4));
}

/* The same net out of operations; results in the order in which they are seen. */
static int by_operations(tc_model *model, tc_tape *tape, tc_tensor *x, tc_tensor **results) {
    int n = 0;
#define P(name) tc_model_find(model, name)->tensor
    results[n++] = tc_conv2d(tape, x, P("conv.weight"), P("conv.bias"), &(tc_conv2d_options){.padding = 1});
    results[n++] = tc_relu(tape, results[0]);
    results[n++] = tc_maxpool2d(tape, results[1], &(tc_pool2d_options){.kernel_size = 2});
    results[n++] = tc_batchnorm2d(tape, results[2], P("3.weight"), P("3.bias"), P("3.running_mean"),
                                  P("3.running_var"), NULL);
    results[n++] = tc_gelu(tape, results[3], TC_GELU_EXACT);
    results[n++] = tc_conv2d(tape, results[4], P("5.weight"), P("5.bias"), NULL);
    results[n++] = tc_add(tape, results[5], results[4], TC_ACTIVATION_NONE);
    results[n++] = tc_relu(tape, results[6]);
    results[n++] = tc_flatten(tape, results[7]);
    results[n++] = tc_linear(tape, results[8], P("8.weight"), P("8.bias"), TC_ACTIVATION_NONE);
#undef P
    return n;
}

static const char *const types[] = {"conv2d",   "relu", "maxpool2d", "batchnorm2d", "gelu",      "conv2d",
                                    "residual", "relu", "flatten",   "linear",      "sequential"};

static tc_status loss_of(tc_tape *tape, tc_tensor *logits) {
    static const int32_t labels[2] = {1, 3};
    return tc_backward(tape, tc_cross_entropy(tape, logits, labels, NULL));
}

/* `which`: whose gradient is compared as well. */
START_TEST(every_layer_shows_its_own_result_and_gradient) {
    tc_model *model = model_of(small());
    tc_tape *tape = tc_tape_create(NULL), *other = tc_tape_create(NULL);
    tc_tape_eval(tape), tc_tape_eval(other);
    tc_tape_record(tape, true), tc_tape_record(other, true);
    seen s = {.retain = _i};
    tc_tensor *results[16];
    tc_tensor *y = tc_model_forward_observed(model, tape, picture(tape, 2, 3, 10, 10), see, &s);
    int count = by_operations(model, other, picture(other, 2, 3, 10, 10), results);
    ck_assert_msg(y && results[count - 1], "%s", tc_last_error());
    ck_assert_int_eq(s.count, count + 1);
    ck_assert_str_eq(s.path[0], "conv");
    for (int i = 0; i < count; i++) {
        ck_assert_str_eq(s.type[i], types[i]);
        ck_assert_mem_eq(s.result[i]->data, results[i]->data, (size_t)tc_numel(results[i]) * sizeof(float));
    }
    results[_i]->retain_grad = true;
    ck_assert_int_eq(loss_of(tape, y), TC_OK);
    ck_assert_int_eq(loss_of(other, results[count - 1]), TC_OK);
    ck_assert_msg(s.result[_i]->grad, "no gradient of %s", types[_i]);
    expect_near(s.result[_i]->grad, results[_i]->grad, tc_numel(results[_i]), 1e-6);
    tc_tape_free(tape), tc_tape_free(other), tc_model_free(model);
}
END_TEST

START_TEST(looking_changes_nothing_of_the_model) {
    tc_model *model = model_of(small()), *untouched = model_of(small());
    tc_tape *tape = tc_tape_create(NULL);
    tc_tape_eval(tape);
    seen s = {.retain = -1};
    tc_tensor *x = picture(tape, 2, 3, 10, 10);
    ck_assert_ptr_nonnull(tc_model_forward_observed(model, tape, x, see, &s));
    for (int i = 0; i < tc_model_buffer_count(model); i++) {
        const tc_tensor *a = tc_model_buffer(model, i)->tensor, *b = tc_model_buffer(untouched, i)->tensor;
        ck_assert_mem_eq(a->data, b->data, (size_t)tc_numel(a) * sizeof(float));
    }
    /* And the plain forward still computes as it did before. */
    tc_tensor *y = tc_model_forward(model, tape, x), *z = tc_model_forward(untouched, tape, x);
    ck_assert_mem_eq(y->data, z->data, 8 * sizeof(float));
    tc_tape_free(tape), tc_model_free(model), tc_model_free(untouched);
}
END_TEST

START_TEST(a_failing_layer_ends_it_with_a_sentence) {
    tc_model *model = model_of(small());
    tc_tape *tape = tc_tape_create(NULL);
    tc_tape_eval(tape);
    seen s = {.retain = -1};
    ck_assert_ptr_null(tc_model_forward_observed(model, tape, picture(tape, 2, 3, 12, 12), see, &s));
    ck_assert_int_eq(tc_tape_status(tape), TC_ERR_SHAPE);
    ck_assert_ptr_nonnull(strstr(tc_tape_error(tape), "layer 8: linear"));
    ck_assert_int_eq(s.count, 9);
    tc_tape_reset(tape, 0);
    ck_assert_ptr_null(tc_model_forward_observed(model, tape, NULL, see, &s));
    tc_tape_free(tape), tc_model_free(model);
}
END_TEST

static void add(TCase *tests) {
    tcase_add_loop_test(tests, the_result_is_that_of_the_plain_forward, 0, 3 * 5);
    tcase_add_loop_test(tests, every_layer_shows_its_own_result_and_gradient, 0, 10);
    tcase_add_test(tests, looking_changes_nothing_of_the_model);
    tcase_add_test(tests, a_failing_layer_ends_it_with_a_sentence);
}

int main(void) {
    return suite_main("observe", add);
}
