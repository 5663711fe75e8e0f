/* adam.c - torch.optim.Adam and AdamW: m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2;
 * w -= lr / (1 - b1^t) m / (sqrt(v) / sqrt(1 - b2^t) + eps).
 * Adam adds weight_decay w to g; AdamW takes lr weight_decay w off the weight itself. */
#include <math.h>

#include "optimizer.h"
#include "optimizer_internal.h"

static void update(const tc_optimizer *optimizer, const tci_slot *slot, int64_t first, int64_t count) {
    const tc_tensor *weight = slot->parameter->tensor;
    double beta1 = optimizer->u.adam.beta1, beta2 = optimizer->u.adam.beta2;
    double lr = optimizer->lr * slot->lr_scale, t = (double)optimizer->steps;
    bool decoupled = optimizer->u.adam.decoupled;
    tci_adam_numbers numbers = {.l2 = decoupled ? 0.0f : (float)slot->weight_decay,
                                .shrink = decoupled ? (float)(1 - lr * slot->weight_decay) : 1.0f,
                                .beta1 = (float)beta1,
                                .rest1 = (float)(1 - beta1),
                                .beta2 = (float)beta2,
                                .rest2 = (float)(1 - beta2),
                                .step_size = (float)(lr / (1 - pow(beta1, t))),
                                .root_correction = (float)sqrt(1 - pow(beta2, t)),
                                .eps = (float)optimizer->u.adam.eps};
    tci_optimizer_get()->adam(weight->data + first, slot->state[0]->data + first,
                              slot->state[1]->data + first, weight->grad + first, count, &numbers);
}

static const tci_optimizer_kind adam = {
    .name = "adam", .state_names = {"exp_avg", "exp_avg_sq"}, .update = update};
static const tci_optimizer_kind adamw = {
    .name = "adamw", .state_names = {"exp_avg", "exp_avg_sq"}, .update = update};

static tc_status create(tc_model *model, const tci_optimizer_kind *kind, const tc_adam_options *options,
                        tc_optimizer **optimizer) {
    tc_adam_options o = options ? *options : (tc_adam_options){0};
    *optimizer = NULL;
    bool decoupled = kind == &adamw;
    double beta1 = o.beta1 == 0 ? 0.9 : o.beta1, beta2 = o.beta2 == 0 ? 0.999 : o.beta2;
    double weight_decay = o.weight_decay == 0 && decoupled ? 0.01 : o.weight_decay;
    if (o.lr == 0) o.lr = 0.001f;
    if (o.weight_decay == TC_NO_DECAY) weight_decay = 0;
    /* Written so that NaN fails. */
    if (!(o.lr >= 0) || !(o.eps >= 0) || !(weight_decay >= 0))
        return tc_fail(TC_ERR_ARGUMENT,
                       "%s: lr %g, eps %g, weight_decay %g: expected are numbers of at least 0", kind->name,
                       (double)o.lr, (double)o.eps, weight_decay);
    if (!(beta1 >= 0 && beta1 < 1) || !(beta2 >= 0 && beta2 < 1))
        return tc_fail(TC_ERR_ARGUMENT, "%s: betas %g and %g, expected are numbers from 0 to less than 1",
                       kind->name, beta1, beta2);
    TC_TRY(tci_optimizer_new(model, kind, 2, o.lr, weight_decay, optimizer));
    (*optimizer)->u.adam.beta1 = beta1;
    (*optimizer)->u.adam.beta2 = beta2;
    (*optimizer)->u.adam.eps = o.eps == 0 ? 1e-8 : o.eps;
    (*optimizer)->u.adam.decoupled = decoupled;
    return TC_OK;
}

tc_status tc_adam_create(tc_model *model, const tc_adam_options *options, tc_optimizer **optimizer) {
    return create(model, &adam, options, optimizer);
}

tc_status tc_adamw_create(tc_model *model, const tc_adam_options *options, tc_optimizer **optimizer) {
    return create(model, &adamw, options, optimizer);
}
