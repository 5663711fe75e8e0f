/* schedule.c - learning-rate factors as pure functions of the step: nothing to save, nothing to resume. */
#include <inttypes.h>
#include <math.h>

#include "tinycnn/optim.h"

#define PI 3.14159265358979323846

/* ---- Defaults of PyTorch where a number is 0 ---------------------------------------------------------- */

static double or_default(double value, double standard) {
    return value == 0 ? standard : value;
}

static double gamma_of(const tc_schedule *schedule) {
    return or_default(schedule->gamma, 0.1);
}

/* One-cycle: the step, not always whole, at which the rate is highest. */
static double peak(const tc_schedule *schedule) {
    return or_default(schedule->pct_start, 0.3) * (double)schedule->total - 1;
}

/* ---- Checks ------------------------------------------------------------------------------------------- */

static tc_status check_points(const tc_schedule *schedule, const char *name) {
    if (schedule->points < 1 || schedule->points > TC_SCHEDULE_POINTS)
        return tc_fail(TC_ERR_ARGUMENT, "%s schedule: %d points, expected are 1 to %d", name,
                       schedule->points, TC_SCHEDULE_POINTS);
    for (int i = 1; i < schedule->points; i++) {
        if (schedule->points_step[i] <= schedule->points_step[i - 1])
            return tc_fail(TC_ERR_ARGUMENT,
                           "%s schedule: step %" PRId64 " follows step %" PRId64 ", expected is a larger one",
                           name, schedule->points_step[i], schedule->points_step[i - 1]);
    }
    for (int i = 0; i < schedule->points; i++) {
        if (!isfinite(schedule->points_factor[i]))
            return tc_fail(TC_ERR_ARGUMENT, "%s schedule: factor %d is not a finite number", name, i);
    }
    return TC_OK;
}

static tc_status check_one_cycle(const tc_schedule *schedule) {
    double start = or_default(schedule->pct_start, 0.3);
    if (!(start > 0 && start < 1) || !(peak(schedule) > 0))
        return tc_fail(TC_ERR_ARGUMENT,
                       "one-cycle schedule: total %" PRId64
                       " and pct_start %g, expected is a peak after the first step and before the end",
                       schedule->total, start);
    if (!(or_default(schedule->div_factor, 25) > 0) || !(or_default(schedule->final_div_factor, 1e4) > 0))
        return tc_fail(
            TC_ERR_ARGUMENT,
            "one-cycle schedule: div_factor %g and final_div_factor %g, expected are positive ones",
            schedule->div_factor, schedule->final_div_factor);
    return TC_OK;
}

tc_status tc_schedule_check(const tc_schedule *schedule) {
    switch (schedule->kind) {
    case TC_SCHEDULE_CONSTANT:
        return TC_OK;
    case TC_SCHEDULE_STEP:
        if (schedule->step_size < 1)
            return tc_fail(TC_ERR_ARGUMENT, "step schedule: step_size %" PRId64 ", expected is at least 1",
                           schedule->step_size);
        break;
    case TC_SCHEDULE_MULTI_STEP:
        TC_TRY(check_points(schedule, "multi-step"));
        break;
    case TC_SCHEDULE_COSINE:
        if (schedule->warmup < 0 || schedule->total <= schedule->warmup)
            return tc_fail(TC_ERR_ARGUMENT,
                           "cosine schedule: total %" PRId64 " and warmup %" PRId64
                           ", expected is 0 <= warmup < total",
                           schedule->total, schedule->warmup);
        if (!isfinite(schedule->warmup_start) || !isfinite(schedule->final))
            return tc_fail(TC_ERR_ARGUMENT, "cosine schedule: warmup_start and final must be finite numbers");
        return TC_OK;
    case TC_SCHEDULE_ONE_CYCLE:
        return check_one_cycle(schedule);
    case TC_SCHEDULE_PIECEWISE_LINEAR:
        return check_points(schedule, "piecewise linear");
    default:
        return tc_fail(TC_ERR_ARGUMENT, "schedule: there is no kind %d", (int)schedule->kind);
    }
    if (!isfinite(schedule->gamma))
        return tc_fail(TC_ERR_ARGUMENT, "schedule: gamma must be a finite number");
    return TC_OK;
}

/* ---- Factors ------------------------------------------------------------------------------------------ */

/* From `begin` at 0 to `end` at 1 along half a cosine. */
static double half_cosine(double begin, double end, double part) {
    return end + (begin - end) / 2 * (1 + cos(PI * part));
}

static double cosine(const tc_schedule *schedule, int64_t step) {
    double start = schedule->warmup_start;
    if (step < schedule->warmup) return start + (1 - start) * (double)step / (double)schedule->warmup;
    double part = (double)(step - schedule->warmup) / (double)(schedule->total - schedule->warmup);
    return half_cosine(1, schedule->final, part < 1 ? part : 1);
}

static double one_cycle(const tc_schedule *schedule, int64_t step) {
    double first = 1 / or_default(schedule->div_factor, 25);
    double last = first / or_default(schedule->final_div_factor, 1e4);
    double top = peak(schedule), end = (double)schedule->total - 1;
    double now = (double)step < end ? (double)step : end;
    if (now <= top) return half_cosine(first, 1, now / top);
    return half_cosine(1, last, (now - top) / (end - top));
}

static double piecewise_linear(const tc_schedule *schedule, int64_t step) {
    const int64_t *at = schedule->points_step;
    const double *factor = schedule->points_factor;
    if (step <= at[0]) return factor[0];
    for (int i = 1; i < schedule->points; i++) {
        if (step > at[i]) continue;
        double part = (double)(step - at[i - 1]) / (double)(at[i] - at[i - 1]);
        return factor[i - 1] + (factor[i] - factor[i - 1]) * part;
    }
    return factor[schedule->points - 1];
}

static int milestones_passed(const tc_schedule *schedule, int64_t step) {
    int passed = 0;
    while (passed < schedule->points && schedule->points_step[passed] <= step) passed++;
    return passed;
}

double tc_schedule_factor(const tc_schedule *schedule, int64_t step) {
    if (step < 0) step = 0;
    switch (schedule->kind) {
    case TC_SCHEDULE_STEP:
        return pow(gamma_of(schedule), (double)(step / schedule->step_size));
    case TC_SCHEDULE_MULTI_STEP:
        return pow(gamma_of(schedule), milestones_passed(schedule, step));
    case TC_SCHEDULE_COSINE:
        return cosine(schedule, step);
    case TC_SCHEDULE_ONE_CYCLE:
        return one_cycle(schedule, step);
    case TC_SCHEDULE_PIECEWISE_LINEAR:
        return piecewise_linear(schedule, step);
    default:
        return 1;
    }
}
