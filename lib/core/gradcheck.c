/* gradcheck.c - central differences against backward.
 *
 * The function's result y is reduced to L = sum of w[i] y[i] with fixed w in +-1, summed in double. For an
 * input element x the slope (L(x + h) - L(x - h)) / 2h must agree with dL/dx. Where it doesn't, other steps
 * are tried: a smaller one brings a kink nearby out of reach, a larger one rises above rounding. At a kink
 * itself the slopes to the left and to the right differ however small h is; differences can't judge such an
 * element, it is counted and left out. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "arith.h"
#include "tape_internal.h"

static const double step_factors[] = {1.0, 8.0, 1.0 / 8, 1.0 / 64};
enum { STEPS = sizeof step_factors / sizeof *step_factors };

static float weight_of(int64_t i) {
    uint32_t out[4];
    tc_philox4x32((uint32_t[]){(uint32_t)(i >> 2), 0, 0, 0}, (uint32_t[]){0x6772u, 0x6164u}, out);
    return (float)(out[i & 3] >> 8) * 0x1p-23f - 1.0f;
}

/* L = sum of w[i] y[i] as an operation, so that backward can begin with it. */
static void weighted_sum_backward(tc_tape *tape, const tci_node *node) {
    tci_gradient g = tci_gradient_of(tape, node->inputs[0]);
    if (!g.data) return;
    for (int64_t i = 0; i < tc_numel(node->inputs[0]); i++) {
        float value = weight_of(i) * node->output->grad[0];
        g.data[i] = g.accumulate ? g.data[i] + value : value;
    }
}

static const tci_op weighted_sum_op = {"weighted_sum", weighted_sum_backward};

static double weighted_sum(const tc_tensor *y) {
    double sum = 0.0;
    for (int64_t i = 0; i < tc_numel(y); i++) sum += (double)weight_of(i) * (double)y->data[i];
    return sum;
}

typedef struct check {
    tc_function function;
    tc_tensor **inputs;
    int count;
    void *context;
    tc_gradcheck_options options;
    tc_tape *tape;
    tc_gradcheck_report report;
} check;

static tc_tensor *evaluate(check *c, bool record) {
    tc_tape_reset(c->tape, 0);
    if (c->options.training)
        tc_tape_train(c->tape);
    else
        tc_tape_eval(c->tape);
    tc_tape_record(c->tape, record);
    tc_tensor *y = c->function(c->tape, c->inputs, c->count, c->context);
    if (!y && tc_tape_status(c->tape) == TC_OK)
        tci_tape_fail(c->tape, TC_ERR_ARGUMENT, "gradcheck: the function returned NULL");
    return y;
}

static tc_status loss_at(check *c, float *x, float value, double *loss) {
    float was = *x;
    *x = value;
    const tc_tensor *y = evaluate(c, false);
    if (y) *loss = weighted_sum(y); /* before x is set back: y may be x itself */
    *x = was;
    return y ? TC_OK : tc_fail(tc_tape_status(c->tape), "%s", tc_tape_error(c->tape));
}

/* Slopes at x: across, to the left, to the right. */
typedef struct slopes {
    double across, left, right;
} slopes;

static tc_status slopes_at(check *c, float *x, double middle, double step, slopes *out) {
    float above = (float)(*x + step), below = (float)(*x - step);
    double loss_above, loss_below;
    TC_TRY(loss_at(c, x, above, &loss_above));
    TC_TRY(loss_at(c, x, below, &loss_below));
    out->across = (loss_above - loss_below) / ((double)above - (double)below);
    out->right = (loss_above - middle) / ((double)above - (double)*x);
    out->left = (middle - loss_below) / ((double)*x - (double)below);
    return TC_OK;
}

/* Compares one element; scale is the largest gradient of its input. */
static tc_status check_element(check *c, int input, int64_t element, double analytic, double scale) {
    float *x = c->inputs[input]->data + element;
    double allowed = c->options.tolerance * scale, middle, best = INFINITY, numeric = 0.0, gap = 0.0,
           gap_before = 0.0;
    TC_TRY(loss_at(c, x, *x, &middle));
    c->report.checked++;
    for (int i = 0; i < STEPS && !(best <= allowed); i++) {
        slopes s;
        TC_TRY(slopes_at(c, x, middle, c->options.step * step_factors[i], &s));
        gap_before = gap;
        gap = fabs(s.right - s.left);
        if (fabs(s.across - analytic) >= best) continue;
        best = fabs(s.across - analytic);
        numeric = s.across;
    }
    /* The gap of a smooth function shrinks with the step, that of a kink stays. */
    if (best > allowed && gap > 2 * allowed && gap > gap_before / 2) {
        c->report.kinks++;
        return TC_OK;
    }
    if (best / scale >= c->report.worst) {
        c->report.worst = best / scale;
        c->report.input = input;
        c->report.element = element;
        c->report.analytic = analytic;
        c->report.numeric = numeric;
    }
    if (best <= allowed) return TC_OK;
    return tc_fail(
        TC_ERR_NUMERIC,
        "gradcheck: input %d, element %lld: backward gives %g, differences give %g (largest gradient %g)",
        input, (long long)element, analytic, numeric, scale);
}

static tc_status check_input(check *c, int input, const float *gradient) {
    int64_t count = tc_numel(c->inputs[input]);
    double scale = 0.0;
    for (int64_t i = 0; i < count; i++) {
        if (!isfinite(gradient[i]))
            return tc_fail(TC_ERR_NUMERIC, "gradcheck: input %d, element %lld: backward gives %g", input,
                           (long long)i, (double)gradient[i]);
        scale = fmax(scale, fabs((double)gradient[i]));
    }
    if (scale == 0.0)
        return tc_fail(TC_ERR_NUMERIC,
                       "gradcheck: the gradient of input %d is zero everywhere, which proves nothing", input);
    int64_t tried = tci_min(count, c->options.max_elements);
    for (int64_t i = 0; i < tried; i++) {
        int64_t element = i * count / tried;
        TC_TRY(check_element(c, input, element, gradient[element], scale));
    }
    return TC_OK;
}

/* One backward pass; gradients[i] is a copy of input i's gradient, or NULL if it wants none. */
static tc_status analytic_gradients(check *c, float **gradients) {
    tc_tensor *y = evaluate(c, true);
    tc_tensor *loss = y ? tci_result(c->tape, 0, NULL) : NULL;
    if (loss) loss->data[0] = (float)weighted_sum(y);
    loss = loss ? tci_record(c->tape, &weighted_sum_op, loss, NULL, y) : NULL;
    tc_status status = tc_backward(c->tape, loss);
    for (int i = 0; i < c->count && status == TC_OK; i++) {
        const tc_tensor *x = c->inputs[i];
        if (!x || !x->requires_grad) continue;
        size_t bytes = sizeof(float) * (size_t)tc_numel(x);
        gradients[i] = x->grad ? malloc(bytes) : calloc(1, bytes);
        if (!gradients[i])
            status = tc_fail(TC_ERR_MEMORY, "gradcheck: out of memory");
        else if (x->grad)
            memcpy(gradients[i], x->grad, bytes);
    }
    return status;
}

static tc_status run(check *c, float **gradients, float **kept) {
    /* The inputs' own gradients are set aside, so that backward begins from nothing. */
    for (int i = 0; i < c->count; i++) {
        if (!c->inputs[i]) continue;
        kept[i] = c->inputs[i]->grad;
        c->inputs[i]->grad = NULL;
    }
    tc_status status = analytic_gradients(c, gradients);
    for (int i = 0; i < c->count && status == TC_OK; i++) {
        if (gradients[i]) status = check_input(c, i, gradients[i]);
    }
    tc_tape_reset(c->tape, 0);
    for (int i = 0; i < c->count; i++) {
        if (c->inputs[i]) c->inputs[i]->grad = kept[i];
        free(gradients[i]);
    }
    if (status == TC_OK && c->report.checked > 0 && c->report.kinks == c->report.checked)
        return tc_fail(TC_ERR_NUMERIC, "gradcheck: all %d elements sit on kinks, which proves nothing",
                       c->report.checked);
    if (status == TC_OK && c->report.checked == 0)
        return tc_fail(TC_ERR_ARGUMENT, "gradcheck: no input requires a gradient");
    return status;
}

tc_status tc_gradcheck(tc_function function, tc_tensor **inputs, int count, void *context,
                       const tc_gradcheck_options *options, tc_gradcheck_report *report) {
    if (!function || !inputs || count <= 0)
        return tc_fail(TC_ERR_ARGUMENT, "gradcheck: no function or no inputs");
    check c = {.function = function, .inputs = inputs, .count = count, .context = context};
    if (options) c.options = *options;
    if (c.options.step <= 0) c.options.step = 1e-2;
    if (c.options.tolerance <= 0) c.options.tolerance = 1e-2;
    if (c.options.max_elements <= 0) c.options.max_elements = 200;
    c.tape = tc_tape_create(
        &(tc_tape_options){.threads = c.options.threads > 0 ? c.options.threads : 1, .seed = 1});
    float **buffers = calloc(2 * (size_t)count, sizeof *buffers);
    tc_status status = TC_ERR_MEMORY;
    if (c.tape && buffers)
        status = run(&c, buffers, buffers + count);
    else
        tc_fail(TC_ERR_MEMORY, "gradcheck: out of memory");
    free(buffers);
    tc_tape_free(c.tape);
    if (report) *report = c.report;
    return status;
}
