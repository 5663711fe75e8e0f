/* train_step.c - the four lines that every training is made of: forward, loss, backward, update. */
#include <math.h>
#include <stdio.h>

#include "clock.h"
#include "evaluate.h"
#include "recipe.h"
#include "trainer.h"

static bool is_finite(const float *values, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(values[i])) return false;
    return true;
}

/* The name of the first parameter whose values (or gradients) are not all finite, or NULL. */
static const char *find_parameter(const trainer *t, bool gradients) {
    for (int i = 0; i < tc_model_parameter_count(t->model); i++) {
        const tc_parameter *p = tc_model_parameter(t->model, i);
        const float *values = gradients ? p->tensor->grad : p->tensor->data;
        if (values && !is_finite(values, tc_numel(p->tensor))) return p->name;
    }
    return NULL;
}

tc_status train_diverged(const trainer *t, int64_t step, const char *what) {
    const char *op = "", *where = "", *name;
    char result[160] = "", parameter[160] = "";
    if (tc_tape_find_nonfinite(t->tape, &op, &where))
        snprintf(result, sizeof result, "; first the result of %s%s%s", op, *where ? " in layer " : "",
                 where);
    if ((name = find_parameter(t, false)))
        snprintf(parameter, sizeof parameter, "; parameter %s", name);
    else if ((name = find_parameter(t, true)))
        snprintf(parameter, sizeof parameter, "; gradient of %s", name);
    return tc_fail(
        TC_ERR_NUMERIC,
        "training diverged: NaN or infinity at step %lld (epoch %lld) in %s%s%s; try a smaller --lr",
        (long long)step, (long long)t->state.epoch + 1, what, result, parameter);
}

/* One batch forward and backward; gradients add up to `weight` times those of the batch's mean loss. */
static tc_status forward_backward(trainer *t, double weight) {
    train_state *s = &t->state;
    const tc_batch *batch = tc_loader_next(t->from);
    if (!batch)
        return tc_fail(TC_ERR_STATE, "loader: no batch %lld of %lld", (long long)s->batch,
                       (long long)t->batches);
    if (t->start_seconds == 0) t->start_seconds = clock_seconds() - t->began;
    tc_tape_reset(t->tape, (uint64_t)(s->epoch * t->batches + s->batch));
    tc_tensor *x = tc_input(
        t->tape, 4, (int64_t[]){batch->count, t->dataset->channels, batch->height, batch->width}, batch->x);
    tc_tensor *logits = tc_model_forward(t->model, t->tape, x);
    tc_tensor *loss =
        tc_cross_entropy(t->tape, logits, batch->labels,
                         &(tc_cross_entropy_options){.label_smoothing = (float)t->settings->label_smoothing,
                                                     .mixed_labels = batch->mixed_labels,
                                                     .mixed_shares = batch->mixed_shares});
    TC_TRY(tc_tape_status(t->tape));
    if (!isfinite(loss->data[0])) return train_diverged(t, s->step + 1, "the loss");
    s->loss_sum += (double)loss->data[0] * (double)batch->count;
    s->correct += count_correct(logits, batch->labels);
    s->seen += batch->count;
    s->batch++;
    /* A summed loss has the weight of its pictures. */
    if (t->settings->rates != RATES_PLAIN) weight *= (double)batch->count / (double)t->settings->batch;
    return tc_backward(t->tape, weight == 1 ? loss : tc_scale(t->tape, loss, (float)weight));
}

/* Factor of the learning rate of the next step. */
static double next_factor(const trainer *t) {
    int64_t position = t->state.step;
    if (!t->steps) position = (int64_t)(RECIPE_TICKS * trainer_position(t));
    return tc_schedule_factor(&t->schedule, position);
}

/* After a step: the average takes the weights in, and lookahead goes on from it. */
static void average(trainer *t) {
    const train_settings *s = t->settings;
    if (s->average == AVERAGE_NONE || t->state.step % s->average_every != 0) return;
    tc_optimizer_average_update(t->optimizer, pow(s->average_decay, (double)s->average_every) *
                                                  pow(trainer_position(t), s->average_power));
    if (s->average == AVERAGE_LOOKAHEAD) tc_optimizer_average_apply(t->optimizer);
}

tc_status train_step(trainer *t) {
    const train_settings *s = t->settings;
    int64_t group = t->batches - t->state.batch;
    if (group > s->accumulate) group = s->accumulate;
    double factor = next_factor(t);
    recipe_whitening_bias(s, t->model, t->optimizer, (double)t->state.step / (double)t->epoch_steps, factor);
    tc_model_zero_grad(t->model);
    /* The mean over what there is; a summed loss has rates for a whole step's pictures. */
    double weight = 1 / (double)(s->rates == RATES_PLAIN ? group : s->accumulate);
    for (int64_t i = 0; i < group; i++) TC_TRY(forward_backward(t, weight));
    if (s->clip_norm > 0 && !isfinite(tc_clip_grad_norm(t->model, s->clip_norm)))
        return train_diverged(t, t->state.step + 1, "the gradient");
    t->state.lr = recipe_rate(s) * factor;
    tc_optimizer_set_lr(t->optimizer, (float)t->state.lr);
    tc_optimizer_step(t->optimizer);
    t->state.step++;
    average(t);
    return TC_OK;
}
