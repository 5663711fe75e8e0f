/* Learning-rate schedules, against torch.optim.lr_scheduler (golden/make_optim_golden.py). */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "suite.h"
#include "tinycnn.h"

static const char *const kinds[] = {
    [TC_SCHEDULE_CONSTANT] = "constant",     [TC_SCHEDULE_STEP] = "step",
    [TC_SCHEDULE_MULTI_STEP] = "multi_step", [TC_SCHEDULE_COSINE] = "cosine",
    [TC_SCHEDULE_ONE_CYCLE] = "one_cycle",   [TC_SCHEDULE_PIECEWISE_LINEAR] = "piecewise_linear"};

static double number(const json_t *entry, const char *key) {
    return json_number_value(json_object_get(entry, key));
}

static tc_schedule schedule_of(const json_t *entry) {
    tc_schedule schedule = {.total = (int64_t)number(entry, "total"),
                            .step_size = (int64_t)number(entry, "step_size"),
                            .gamma = number(entry, "gamma"),
                            .warmup = (int64_t)number(entry, "warmup"),
                            .warmup_start = number(entry, "warmup_start"),
                            .final = number(entry, "final"),
                            .pct_start = number(entry, "pct_start"),
                            .div_factor = number(entry, "div_factor"),
                            .final_div_factor = number(entry, "final_div_factor")};
    for (int kind = 0; kind < (int)(sizeof kinds / sizeof *kinds); kind++) {
        if (strcmp(kinds[kind], json_string_value(json_object_get(entry, "kind"))) == 0)
            schedule.kind = (tc_schedule_kind)kind;
    }
    const json_t *steps = json_object_get(entry, "points_step");
    const json_t *factors = json_object_get(entry, "points_factor");
    schedule.points = (int)json_array_size(steps);
    for (size_t i = 0; i < json_array_size(steps); i++) {
        schedule.points_step[i] = json_integer_value(json_array_get(steps, i));
        schedule.points_factor[i] = json_number_value(json_array_get(factors, i));
    }
    return schedule;
}

START_TEST(every_step_as_in_pytorch) {
    json_error_t error;
    json_t *root = json_load_file(TC_GOLDEN_DIR "/optim.json", 0, &error), *entry;
    ck_assert_msg(root, "optim.json: %s", error.text);
    size_t index;
    json_array_foreach(json_object_get(root, "schedules"), index, entry) {
        tc_schedule schedule = schedule_of(entry);
        ck_assert_int_ne(schedule.kind, TC_SCHEDULE_CONSTANT);
        ck_assert_msg(tc_schedule_check(&schedule) == TC_OK, "%s", tc_last_error());
        const json_t *factors = json_object_get(entry, "factors");
        for (size_t step = 0; step < json_array_size(factors); step++) {
            double wanted = json_number_value(json_array_get(factors, step));
            double found = tc_schedule_factor(&schedule, (int64_t)step);
            ck_assert_msg(fabs(found - wanted) < 1e-12, "%s at step %zu: %.15g, PyTorch has %.15g",
                          kinds[schedule.kind], step, found, wanted);
        }
        ck_assert_uint_gt(json_array_size(factors), 10);
    }
    ck_assert_uint_eq(index, 8);
    json_decref(root);
}
END_TEST

START_TEST(the_ends_hold) {
    tc_schedule constant = {0};
    ck_assert_int_eq(tc_schedule_check(&constant), TC_OK);
    ck_assert_double_eq(tc_schedule_factor(&constant, 1000), 1);
    tc_schedule cosine = {.kind = TC_SCHEDULE_COSINE, .total = 10, .final = 0.5};
    ck_assert_double_eq(tc_schedule_factor(&cosine, -5), 1);
    ck_assert_double_eq(tc_schedule_factor(&cosine, 10), 0.5);
    ck_assert_double_eq(tc_schedule_factor(&cosine, 1000), 0.5);
    tc_schedule cycle = {.kind = TC_SCHEDULE_ONE_CYCLE, .total = 100};
    ck_assert_double_eq_tol(tc_schedule_factor(&cycle, 0), 1 / 25.0, 1e-15);
    ck_assert_double_eq_tol(tc_schedule_factor(&cycle, 29), 1, 1e-15);
    ck_assert_double_eq_tol(tc_schedule_factor(&cycle, 99), 1 / 25e4, 1e-15);
    ck_assert_double_eq(tc_schedule_factor(&cycle, 5000), tc_schedule_factor(&cycle, 99));
    tc_schedule line = {
        .kind = TC_SCHEDULE_PIECEWISE_LINEAR, .points = 1, .points_step = {5}, .points_factor = {0.25}};
    ck_assert_int_eq(tc_schedule_check(&line), TC_OK);
    ck_assert_double_eq(tc_schedule_factor(&line, 0), 0.25);
    ck_assert_double_eq(tc_schedule_factor(&line, 9), 0.25);
}
END_TEST

static const tc_schedule impossible[] = {
    {.kind = (tc_schedule_kind)77},
    {.kind = TC_SCHEDULE_STEP},
    {.kind = TC_SCHEDULE_STEP, .step_size = 3, .gamma = NAN},
    {.kind = TC_SCHEDULE_MULTI_STEP},
    {.kind = TC_SCHEDULE_MULTI_STEP, .points = TC_SCHEDULE_POINTS + 1},
    {.kind = TC_SCHEDULE_MULTI_STEP, .points = 2, .points_step = {5, 5}},
    {.kind = TC_SCHEDULE_COSINE},
    {.kind = TC_SCHEDULE_COSINE, .total = 5, .warmup = 5},
    {.kind = TC_SCHEDULE_COSINE, .total = 5, .warmup = -1},
    {.kind = TC_SCHEDULE_COSINE, .total = 5, .final = INFINITY},
    {.kind = TC_SCHEDULE_ONE_CYCLE},
    {.kind = TC_SCHEDULE_ONE_CYCLE, .total = 3},
    {.kind = TC_SCHEDULE_ONE_CYCLE, .total = 100, .pct_start = 1},
    {.kind = TC_SCHEDULE_ONE_CYCLE, .total = 100, .pct_start = -0.1},
    {.kind = TC_SCHEDULE_ONE_CYCLE, .total = 100, .div_factor = -1},
    {.kind = TC_SCHEDULE_PIECEWISE_LINEAR},
    {.kind = TC_SCHEDULE_PIECEWISE_LINEAR, .points = 2, .points_step = {5, 4}},
    {.kind = TC_SCHEDULE_PIECEWISE_LINEAR, .points = 1, .points_factor = {NAN}},
};

START_TEST(numbers_that_make_no_schedule_are_refused) {
    ck_assert_int_eq(tc_schedule_check(&impossible[_i]), TC_ERR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(tc_last_error(), "schedule: "));
}
END_TEST

static void add(TCase *tests) {
    tcase_add_test(tests, every_step_as_in_pytorch);
    tcase_add_test(tests, the_ends_hold);
    tcase_add_loop_test(tests, numbers_that_make_no_schedule_are_refused, 0,
                        sizeof impossible / sizeof *impossible);
}

int main(void) {
    return suite_main("schedule", add);
}
