#include "conformance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const conformance_op *op;
static golden_file *golden;

/* ---- One call, forward and back ----------------------------------------------------------------------- */

typedef struct run {
    const golden_case *golden;
    tc_arena *arena; /* of the inputs */
    tc_tape *tape;
    tc_tensor *inputs[CONFORMANCE_INPUTS];
    tc_tensor *output, *loss;
} run;

tc_tape *conformance_tape(int threads, uint64_t seed) {
    tc_tape *tape = tc_tape_create(&(tc_tape_options){.threads = threads, .seed = seed});
    ck_assert_ptr_nonnull(tape);
    size_t bytes = (size_t)1 << 22;
    void *memory = tc_arena_alloc(tc_tape_arena(tape), bytes);
    ck_assert_ptr_nonnull(memory);
    memset(memory, 0xff, bytes);
    tc_tape_reset(tape, 0);
    return tape;
}

tc_tensor *conformance_tensor(tc_tape *tape, uint32_t seed, int ndim, const int64_t *shape) {
    tc_tensor *tensor = tc_tensor_create(tc_tape_arena(tape), ndim, shape);
    ck_assert_ptr_nonnull(tensor);
    golden_hash_values(seed, 2, 0, tc_numel(tensor), tensor->data);
    return tensor;
}

tc_tensor *conformance_input(const golden_case *c, tc_tensor **inputs, const char *name) {
    int index = golden_input_index(c, name);
    return index < 0 ? NULL : inputs[index];
}

tc_hw conformance_hw(const golden_case *c, const char *key) {
    char name[GOLDEN_NAME];
    snprintf(name, sizeof name, "%s_h", key);
    int height = (int)golden_option(c, name);
    snprintf(name, sizeof name, "%s_w", key);
    int width = (int)golden_option(c, name);
    return height == width ? height : TC_HW(height, width);
}

static bool is_target(const golden_case *c, int index) {
    return strcmp(c->inputs[index].name, "target") == 0 && index == c->input_count - 1 &&
           golden_array(c, "output")->numel != 1;
}

/* The inputs that go into the call: the target of the reduction to a number comes behind them. */
static int input_count(const golden_case *c) {
    return is_target(c, c->input_count - 1) ? c->input_count - 1 : c->input_count;
}

static void set_mode(const golden_case *c, tc_tape *tape) {
    tc_tape_train(tape);
    if (golden_option(c, "eval") != 0) tc_tape_eval(tape);
    tc_tape_record(tape, true);
}

static tc_tensor *tensor_of(tc_arena *arena, const golden_tensor *source) {
    tc_tensor *tensor = tc_tensor_create(arena, source->ndim, source->shape);
    ck_assert_msg(tensor != NULL, "%s", tc_last_error());
    tc_tensor_from_nchw(tensor, source->values);
    tensor->requires_grad = source->grad;
    return tensor;
}

static run begin(const golden_case *c, int threads) {
    run r = {.golden = c, .arena = tc_arena_create(), .tape = conformance_tape(threads, 1)};
    ck_assert_int_le(c->input_count, CONFORMANCE_INPUTS);
    for (int i = 0; i < c->input_count; i++) r.inputs[i] = tensor_of(r.arena, &c->inputs[i]);
    set_mode(c, r.tape);
    return r;
}

static void end(run *r) {
    tc_tape_free(r->tape);
    tc_arena_free(r->arena);
}

static tc_tensor *apply(run *r) {
    tc_tensor *y = op->apply(r->tape, r->inputs, input_count(r->golden), (void *)r->golden);
    ck_assert_msg(y != NULL, "%s: %s", r->golden->name, tc_tape_error(r->tape));
    return y;
}

/* A number whose gradient with respect to y differs from element to element, as in make_golden.py. */
static void reduce(run *r, tc_tensor *y) {
    if (tc_numel(y) == 1)
        r->loss = tc_scale(r->tape, y, 3.0f);
    else
        r->loss = tc_mse_loss(r->tape, y, r->inputs[r->golden->input_count - 1], TC_REDUCTION_SUM);
}

static void go_back(run *r) {
    tc_status status = tc_backward(r->tape, r->loss);
    ck_assert_msg(status == TC_OK, "%s: %s", r->golden->name, tc_tape_error(r->tape));
}

static run complete(const golden_case *c, int threads) {
    run r = begin(c, threads);
    r.output = apply(&r);
    reduce(&r, r.output);
    go_back(&r);
    return r;
}

/* ---- Comparisons -------------------------------------------------------------------------------------- */

static float *copy_of(const float *values, int64_t count) {
    float *copy = malloc((size_t)count * sizeof *copy);
    ck_assert_ptr_nonnull(copy);
    return memcpy(copy, values, (size_t)count * sizeof *copy);
}

/* `values` are in tinycnn's layout. */
static void assert_near(const golden_case *c, const golden_tensor *expected, const float *values,
                        double tolerance) {
    ck_assert_msg(values != NULL, "%s: %s is missing", c->name, expected->name);
    float *rows = copy_of(values, expected->numel);
    tc_layout_to_nchw(expected->ndim, expected->shape, values, rows);
    int64_t where;
    double difference = golden_difference(expected, rows, &where);
    tolerance *= fmax(1, golden_option(c, "condition"));
    ck_assert_msg(difference <= tolerance,
                  "%s: %s[%lld] is %.9g, PyTorch says %.9g: off by %.3g of the largest, %.3g is allowed",
                  c->name, expected->name, (long long)where, (double)rows[where],
                  (double)expected->values[where / expected->step], difference, tolerance);
    free(rows);
}

static void assert_shape(const golden_case *c, const tc_tensor *y) {
    const golden_tensor *expected = golden_array(c, "output");
    char got[TC_SHAPE_TEXT], want[TC_SHAPE_TEXT];
    tc_shape_text(y->ndim, y->shape, got);
    tc_shape_text(expected->ndim, expected->shape, want);
    ck_assert_msg(strcmp(got, want) == 0, "%s: the result has shape %s, PyTorch's %s", c->name, got, want);
}

static const golden_tensor *gradient_of(const golden_case *c, int index) {
    char name[2 * GOLDEN_NAME];
    snprintf(name, sizeof name, "grad.%s", c->inputs[index].name);
    return golden_array(c, name);
}

/* What the running statistics of batch norm should be afterwards; NULL for what must not change. */
static const golden_tensor *after(const golden_case *c, int index) {
    char name[2 * GOLDEN_NAME];
    snprintf(name, sizeof name, "after.%s", c->inputs[index].name);
    return golden_array(c, name);
}

static bool is_finite(const golden_tensor *tensor) {
    for (int64_t i = 0; i < tensor->count; i++)
        if (!isfinite(tensor->values[i])) return false;
    return true;
}

static bool same_bits(const float *a, const float *b, int64_t count) {
    return memcmp(a, b, (size_t)count * sizeof *a) == 0;
}

/* ---- What is shown for every case --------------------------------------------------------------------- */

START_TEST(forward_is_pytorchs) {
    run r = begin(&golden->cases[_i], 2);
    tc_tensor *y = apply(&r);
    assert_shape(r.golden, y);
    assert_near(r.golden, golden_array(r.golden, "output"), y->data, op->forward_tolerance);
    for (int i = 0; i < r.golden->input_count; i++)
        if (after(r.golden, i))
            assert_near(r.golden, after(r.golden, i), r.inputs[i]->data, op->forward_tolerance);
    end(&r);
}
END_TEST

START_TEST(gradients_are_pytorchs) {
    run r = complete(&golden->cases[_i], 2);
    int compared = 0;
    for (int i = 0; i < input_count(r.golden); i++) {
        if (!r.golden->inputs[i].grad) continue;
        assert_near(r.golden, gradient_of(r.golden, i), r.inputs[i]->grad, op->gradient_tolerance);
        compared++;
    }
    ck_assert_int_gt(compared, 0);
    end(&r);
}
END_TEST

START_TEST(gradients_agree_with_finite_differences) {
    run r = begin(&golden->cases[_i], 1);
    int64_t elements = 0;
    for (int i = 0; i < r.golden->input_count; i++) {
        if (!is_finite(&r.golden->inputs[i])) goto done; /* nothing to measure a slope on */
        elements += r.golden->inputs[i].numel;
    }
    if (!is_finite(golden_array(r.golden, "output")) || golden_option(r.golden, "no_slope") != 0) goto done;
    tc_gradcheck_options options = {.training = golden_option(r.golden, "eval") == 0,
                                    .max_elements = elements > 4000 ? 12 : 0};
    tc_gradcheck_report report;
    tc_status status =
        tc_gradcheck(op->apply, r.inputs, input_count(r.golden), (void *)r.golden, &options, &report);
    ck_assert_msg(status == TC_OK, "%s: %s", r.golden->name, tc_last_error());
    ck_assert_int_gt(report.checked, 0);
    if (!op->kinks && golden_option(r.golden, "relu") == 0)
        ck_assert_msg(report.kinks == 0, "%s: %d kinks in a smooth function", r.golden->name, report.kinks);
done:
    end(&r);
}
END_TEST

START_TEST(gradients_add_to_what_a_leaf_holds) {
    run plain = complete(&golden->cases[_i], 2), r = begin(plain.golden, 2);
    for (int i = 0; i < input_count(r.golden); i++) {
        if (!r.golden->inputs[i].grad) continue;
        r.inputs[i]->grad = tc_arena_alloc(r.arena, (size_t)r.golden->inputs[i].numel * sizeof(float));
        golden_hash_values(77, 1, 0, r.golden->inputs[i].numel, r.inputs[i]->grad);
    }
    reduce(&r, apply(&r));
    go_back(&r);
    for (int i = 0; i < input_count(r.golden); i++) {
        if (!r.golden->inputs[i].grad) continue;
        golden_tensor sum = {.name = "accumulated", .numel = r.golden->inputs[i].numel, .step = 1};
        sum.count = sum.numel;
        sum.values = copy_of(plain.inputs[i]->grad, sum.numel);
        sum.ndim = 1;
        sum.shape[0] = sum.numel;
        float *held = copy_of(sum.values, sum.numel);
        golden_hash_values(77, 1, 0, sum.numel, held);
        for (int64_t k = 0; k < sum.numel; k++) sum.values[k] += held[k];
        assert_near(r.golden, &sum, r.inputs[i]->grad, fmax(op->gradient_tolerance, 1e-6));
        free(held);
        free(sum.values);
    }
    end(&plain);
    end(&r);
}
END_TEST

enum { TWICE_AS_MUCH, INPUT_TWICE, OUTPUT_TWICE };

/* 2 f(x) three ways. */
static run doubled(const golden_case *c, int way) {
    run r = begin(c, 2);
    tc_tensor *y = apply(&r);
    if (way == TWICE_AS_MUCH) y = tc_scale(r.tape, y, 2.0f);
    if (way == INPUT_TWICE) y = tc_add(r.tape, y, apply(&r), TC_ACTIVATION_NONE);
    if (way == OUTPUT_TWICE) y = tc_add(r.tape, y, y, TC_ACTIVATION_NONE);
    reduce(&r, y);
    go_back(&r);
    return r;
}

START_TEST(gradients_add_up_through_fan_out) {
    run one = doubled(&golden->cases[_i], TWICE_AS_MUCH);
    for (int way = INPUT_TWICE; way <= OUTPUT_TWICE; way++) {
        run two = doubled(&golden->cases[_i], way);
        for (int i = 0; i < input_count(one.golden); i++) {
            if (!one.golden->inputs[i].grad) continue;
            golden_tensor expected = *gradient_of(one.golden, i);
            expected.values = one.inputs[i]->grad;
            expected.step = 1;
            expected.count = expected.numel;
            expected.ndim = 1; /* both are in memory order */
            expected.shape[0] = expected.numel;
            assert_near(one.golden, &expected, two.inputs[i]->grad, fmax(op->gradient_tolerance, 1e-6));
        }
        end(&two);
    }
    end(&one);
}
END_TEST

START_TEST(inputs_stay_as_they_were) {
    run r = begin(&golden->cases[_i], 2);
    float *before[CONFORMANCE_INPUTS];
    for (int i = 0; i < r.golden->input_count; i++)
        before[i] = copy_of(r.inputs[i]->data, tc_numel(r.inputs[i]));
    r.output = apply(&r);
    float *result = copy_of(r.output->data, tc_numel(r.output));
    reduce(&r, r.output);
    go_back(&r);
    for (int i = 0; i < r.golden->input_count; i++) {
        if (!after(r.golden, i))
            ck_assert_msg(same_bits(before[i], r.inputs[i]->data, tc_numel(r.inputs[i])),
                          "%s: %s has changed", r.golden->name, r.golden->inputs[i].name);
        free(before[i]);
    }
    ck_assert_msg(same_bits(result, r.output->data, tc_numel(r.output)), "%s: going back changed the result",
                  r.golden->name);
    free(result);
    end(&r);
}
END_TEST

START_TEST(inputs_that_want_no_gradient_get_none) {
    run all = complete(&golden->cases[_i], 2);
    int wanted = 0;
    for (int i = 0; i < input_count(all.golden); i++) wanted += all.golden->inputs[i].grad;
    for (int off = 0; off < input_count(all.golden); off++) {
        run r = begin(all.golden, 2);
        wanted -= r.inputs[off]->requires_grad;
        r.inputs[off]->requires_grad = false;
        r.output = apply(&r);
        ck_assert_msg(r.output->requires_grad == (wanted > 0), "%s: the result's requires_grad",
                      r.golden->name);
        if (wanted > 0) {
            reduce(&r, r.output);
            go_back(&r);
            ck_assert_msg(r.inputs[off]->grad == NULL, "%s: %s got a gradient", r.golden->name,
                          r.golden->inputs[off].name);
            for (int i = 0; i < input_count(r.golden); i++)
                if (r.inputs[i]->requires_grad)
                    assert_near(r.golden, gradient_of(r.golden, i), r.inputs[i]->grad,
                                op->gradient_tolerance);
        }
        wanted += all.golden->inputs[off].grad;
        end(&r);
    }
    end(&all);
}
END_TEST

START_TEST(threads_give_the_same_bits) {
    run one = complete(&golden->cases[_i], 1);
    for (int threads = 2; threads <= 4; threads *= 2) {
        run r = complete(one.golden, threads);
        ck_assert_msg(same_bits(one.output->data, r.output->data, tc_numel(one.output)),
                      "%s: the result differs at %d threads", one.golden->name, threads);
        for (int i = 0; i < one.golden->input_count; i++) {
            int64_t count = tc_numel(one.inputs[i]);
            ck_assert_msg(same_bits(one.inputs[i]->data, r.inputs[i]->data, count),
                          "%s: %s differs at %d threads", one.golden->name, one.golden->inputs[i].name,
                          threads);
            if (one.golden->inputs[i].grad)
                ck_assert_msg(same_bits(one.inputs[i]->grad, r.inputs[i]->grad, count),
                              "%s: the gradient of %s differs at %d threads", one.golden->name,
                              one.golden->inputs[i].name, threads);
        }
        end(&r);
    }
    end(&one);
}
END_TEST

START_TEST(without_recording_the_result_is_the_same) {
    run r = begin(&golden->cases[_i], 2);
    r.output = apply(&r);
    float *recorded = copy_of(r.output->data, tc_numel(r.output));
    tc_tape_reset(r.tape, 0);
    tc_tape_record(r.tape, false);
    r.output = apply(&r);
    ck_assert_msg(!r.output->requires_grad || r.output == r.inputs[0], "%s: recorded although told not to",
                  r.golden->name);
    ck_assert_msg(same_bits(recorded, r.output->data, tc_numel(r.output)),
                  "%s: the result depends on recording", r.golden->name);
    free(recorded);
    end(&r);
}
END_TEST

/* ---- What must be refused ----------------------------------------------------------------------------- */

static void assert_refused(tc_tape *tape, const tc_tensor *y, const char *what) {
    ck_assert_msg(y == NULL, "%s: not refused", what);
    ck_assert_msg(tc_tape_status(tape) != TC_OK, "%s: no status", what);
    ck_assert_msg(strncmp(tc_tape_error(tape), op->name, strlen(op->name)) == 0, "%s: the sentence is \"%s\"",
                  what, tc_tape_error(tape));
    tc_tensor *one = conformance_tensor(tape, 1, 0, NULL);
    one->requires_grad = true;
    ck_assert_msg(tc_scale(tape, one, 1) == NULL, "%s: the status is not sticky", what);
    ck_assert_msg(tc_backward(tape, one) == tc_tape_status(tape), "%s: backward doesn't report it", what);
}

START_TEST(null_inputs_are_refused) {
    run r = begin(&golden->cases[0], 1);
    for (int i = 0; i < op->required; i++) {
        tc_tensor *kept = r.inputs[i];
        r.inputs[i] = NULL;
        tc_tensor *y = op->apply(r.tape, r.inputs, input_count(r.golden), (void *)r.golden);
        assert_refused(r.tape, y, r.golden->inputs[i].name);
        r.inputs[i] = kept;
        tc_tape_reset(r.tape, 0);
        ck_assert_int_eq(tc_tape_status(r.tape), TC_OK);
        ck_assert_str_eq(tc_tape_error(r.tape), "");
        apply(&r);
        tc_tape_reset(r.tape, 0);
    }
    end(&r);
}
END_TEST

START_TEST(bad_calls_are_refused) {
    const conformance_refusal *refusal = &op->refusals[_i];
    tc_tape *tape = conformance_tape(2, 1);
    assert_refused(tape, refusal->call(tape), refusal->name);
    ck_assert_msg(tc_tape_status(tape) == refusal->status, "%s: the status is \"%s\" (%s)", refusal->name,
                  tc_status_text(tc_tape_status(tape)), tc_tape_error(tape));
    ck_assert_msg(strstr(tc_tape_error(tape), refusal->sentence) != NULL, "%s: the sentence is \"%s\"",
                  refusal->name, tc_tape_error(tape));
    ck_assert_str_eq(tc_tape_error(tape), tc_last_error());
    tc_tape_reset(tape, 1);
    ck_assert_int_eq(tc_tape_status(tape), TC_OK);
    ck_assert_str_eq(tc_tape_error(tape), "");
    tc_tape_free(tape);
}
END_TEST

START_TEST(kernels_are_the_ones_asked_for) {
    const char *wish = getenv("TINYCNN_ISA");
    if (wish && strcmp(wish, "base") == 0) ck_assert_str_eq(tc_kernel_isa(), "base");
    if (wish && strcmp(wish, "avx2") == 0) ck_assert_str_ne(tc_kernel_isa(), "avx512");
}
END_TEST

int conformance_main(const conformance_op *checked, void (*more)(TCase *tests)) {
    op = checked;
    golden = golden_read(op->name);
    Suite *suite = suite_create(op->name);
    TCase *cases = tcase_create("cases"), *refusals = tcase_create("refusals"),
          *others = tcase_create("more");
    tcase_set_timeout(cases, 120);
    tcase_set_timeout(others, 120);
    tcase_add_loop_test(cases, forward_is_pytorchs, 0, golden->count);
    tcase_add_loop_test(cases, gradients_are_pytorchs, 0, golden->count);
    tcase_add_loop_test(cases, gradients_agree_with_finite_differences, 0, golden->count);
    tcase_add_loop_test(cases, gradients_add_to_what_a_leaf_holds, 0, golden->count);
    tcase_add_loop_test(cases, gradients_add_up_through_fan_out, 0, golden->count);
    tcase_add_loop_test(cases, inputs_stay_as_they_were, 0, golden->count);
    tcase_add_loop_test(cases, inputs_that_want_no_gradient_get_none, 0, golden->count);
    tcase_add_loop_test(cases, threads_give_the_same_bits, 0, golden->count);
    tcase_add_loop_test(cases, without_recording_the_result_is_the_same, 0, golden->count);
    tcase_add_test(others, kernels_are_the_ones_asked_for);
    tcase_add_test(refusals, null_inputs_are_refused);
    int count = 0;
    while (op->refusals && op->refusals[count].name) count++;
    tcase_add_loop_test(refusals, bad_calls_are_refused, 0, count);
    suite_add_tcase(suite, cases);
    suite_add_tcase(suite, refusals);
    suite_add_tcase(suite, others);
    if (more) more(others);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    golden_free(golden);
    return failed != 0;
}
