/* Ten steps of training with each net beside PyTorch in float64: every loss within 1e-5, every gradient of
 * the first step within 1e-4 of its tensor's largest, the running statistics after the last. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "golden.h"
#include "models.h"
#include "suite.h"

enum { MOST_BATCH = 64, PIXELS = 3 * 32 * 32 };

typedef struct training {
    golden_file *file;
    const golden_case *golden;
    tc_model *model;
    tc_optimizer *optimizer;
    tc_tape *tape;
    int batch;
    uint32_t seed;
    float *pictures;
    int32_t labels[MOST_BATCH];
} training;

/* The nets' parameters begin at the golden file's numbers, and none is left over on either side. */
static void load_parameters(training *t) {
    ck_assert_int_eq(tc_model_parameter_count(t->model), t->golden->input_count);
    for (int i = 0; i < t->golden->input_count; i++) {
        const golden_tensor *source = &t->golden->inputs[i];
        tc_parameter *parameter = tc_model_find(t->model, source->name);
        ck_assert_msg(parameter != NULL, "there is no %s", source->name);
        ck_assert_msg(parameter->tensor->requires_grad, "%s is not trained", source->name);
        ck_assert_int_eq(parameter->tensor->ndim, source->ndim);
        ck_assert_mem_eq(parameter->tensor->shape, source->shape, sizeof source->shape);
        tc_tensor_from_nchw(parameter->tensor, source->values);
    }
}

static training begin(const char *net) {
    char name[64];
    snprintf(name, sizeof name, "train_%s", net);
    training t = {.file = golden_read(name)};
    t.golden = &t.file->cases[0];
    t.batch = (int)golden_option(t.golden, "batch");
    t.seed = (uint32_t)golden_option(t.golden, "seed") * 100000;
    ck_assert_int_le(t.batch, MOST_BATCH);
    const tc_model_entry *entry = tc_model_entry_find(net);
    ck_assert_msg(entry != NULL, "%s", tc_last_error());
    tc_status status = tc_model_create(tc_model_build(entry, tc_net_of(3, 32, 32, 10)), 1, &t.model);
    ck_assert_msg(status == TC_OK, "%s", tc_last_error());
    load_parameters(&t);
    tc_sgd_options options = {.lr = (float)golden_option(t.golden, "lr"),
                              .momentum = 0.9f,
                              .weight_decay = 5e-4f,
                              .nesterov = true};
    ck_assert_int_eq(tc_sgd_create(t.model, &options, &t.optimizer), TC_OK);
    t.tape = tc_tape_create(NULL);
    ck_assert_ptr_nonnull(t.tape);
    t.pictures = malloc(sizeof(float) * PIXELS * (size_t)t.batch);
    ck_assert_ptr_nonnull(t.pictures);
    return t;
}

static void end(training *t) {
    tc_tape_free(t->tape);
    tc_optimizer_free(t->optimizer);
    tc_model_free(t->model);
    free(t->pictures);
    golden_free(t->file);
}

/* Forward and back; the loss. */
static double forward_and_back(training *t, int step) {
    uint32_t seed = t->seed + 1000 + (uint32_t)step;
    golden_hash_values(seed, 4, 0, (int64_t)PIXELS * t->batch, t->pictures);
    for (int i = 0; i < t->batch; i++) t->labels[i] = (int32_t)(golden_hash(seed + 500, (uint32_t)i) % 10);
    tc_tape_reset(t->tape, (uint64_t)step);
    tc_model_zero_grad(t->model);
    tc_tensor *x = tc_input_nchw(t->tape, 4, (const int64_t[]){t->batch, 3, 32, 32}, t->pictures);
    tc_tensor *loss = tc_cross_entropy(t->tape, tc_model_forward(t->model, t->tape, x), t->labels, NULL);
    tc_status status = tc_backward(t->tape, loss);
    ck_assert_msg(status == TC_OK, "%s", tc_tape_error(t->tape));
    return (double)loss->data[0];
}

static double difference(const golden_tensor *expected, const float *values) {
    float *rows = malloc(sizeof(float) * (size_t)expected->numel);
    ck_assert_ptr_nonnull(rows);
    int64_t where;
    tc_layout_to_nchw(expected->ndim, expected->shape, values, rows);
    double worst = golden_difference(expected, rows, &where);
    free(rows);
    return worst;
}

static void compare_gradients(training *t) {
    for (int i = 0; i < t->golden->input_count; i++) {
        char name[80];
        snprintf(name, sizeof name, "grad.%s", t->golden->inputs[i].name);
        const tc_tensor *tensor = tc_model_find(t->model, t->golden->inputs[i].name)->tensor;
        ck_assert_ptr_nonnull(tensor->grad);
        double worst = difference(golden_array(t->golden, name), tensor->grad);
        ck_assert_msg(worst <= 1e-4, "%s is off by %.3g of its scale", name, worst);
    }
}

/* Running statistics follow the weights of all ten steps. They agree to 2e-6 until, in some step, a relu's
 * input lies within rounding of 0 and its gradient goes the other way; one such element moves them by up to
 * 1e-3 (seen with sums in another order, all of them right). Exact tests of their update are in
 * test_batchnorm2d.c. */
static const double buffer_tolerance = 3e-3;

static void compare_buffers(training *t) {
    int compared = 0;
    for (int i = 0; i < t->golden->array_count; i++) {
        const golden_tensor *expected = &t->golden->arrays[i];
        if (strncmp(expected->name, "after.", 6) != 0) continue;
        tc_parameter *buffer = tc_model_find(t->model, expected->name + 6);
        ck_assert_msg(buffer != NULL, "there is no %s", expected->name + 6);
        double worst = difference(expected, buffer->tensor->data);
        ck_assert_msg(worst <= buffer_tolerance, "%s after ten steps is off by %.3g", expected->name + 6,
                      worst);
        compared++;
    }
    ck_assert_int_eq(compared, tc_model_buffer_count(t->model));
    for (int i = 0; i < tc_model_counter_count(t->model); i++)
        ck_assert_int_eq(*tc_model_counter(t->model, i, NULL), (int64_t)golden_option(t->golden, "steps"));
}

static const char *const nets[] = {"lesson", "vgg", "resnet20"};

START_TEST(ten_steps_are_pytorchs) {
    training t = begin(nets[_i]);
    const golden_tensor *losses = golden_array(t.golden, "losses");
    ck_assert_int_eq(losses->count, (int64_t)golden_option(t.golden, "steps"));
    for (int step = 0; step < (int)losses->count; step++) {
        double loss = forward_and_back(&t, step), expected = (double)losses->values[step];
        ck_assert_msg(fabs(loss / expected - 1) <= 1e-5, "%s: loss %d is %.8g, PyTorch says %.8g", nets[_i],
                      step, loss, expected);
        if (step == 0) compare_gradients(&t);
        tc_optimizer_step(t.optimizer);
    }
    compare_buffers(&t);
    end(&t);
}
END_TEST

static void add(TCase *tests) {
    tcase_add_loop_test(tests, ten_steps_are_pytorchs, 0, 3);
}

int main(void) {
    return suite_main("train_golden", add);
}
