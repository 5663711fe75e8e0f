/* sgd.c - torch.optim.SGD: g += weight_decay w; v = momentum v + (1 - dampening) g, the first time v = g;
 * w -= lr (g + momentum v) with Nesterov, else w -= lr v, and w -= lr g without momentum. */
#include "optimizer.h"
#include "optimizer_internal.h"

static void update(const tc_optimizer *optimizer, const tci_slot *slot, int64_t first, int64_t count) {
    const tc_tensor *weight = slot->parameter->tensor;
    double dampening = optimizer->steps == 1 ? 0 : optimizer->u.sgd.dampening;
    tci_sgd_numbers numbers = {.lr = (float)(optimizer->lr * slot->lr_scale),
                               .weight_decay = (float)slot->weight_decay,
                               .momentum = (float)optimizer->u.sgd.momentum,
                               .gradient_weight = (float)(1 - dampening),
                               .nesterov = optimizer->u.sgd.nesterov};
    float *velocity = slot->state[0] ? slot->state[0]->data + first : NULL;
    tci_optimizer_get()->sgd(weight->data + first, velocity, weight->grad + first, count, &numbers);
}

static const tci_optimizer_kind kind = {.name = "sgd", .state_names = {"momentum"}, .update = update};

tc_status tc_sgd_create(tc_model *model, const tc_sgd_options *options, tc_optimizer **optimizer) {
    tc_sgd_options o = options ? *options : (tc_sgd_options){0};
    *optimizer = NULL;
    if (o.lr == 0) o.lr = 0.001f;
    if (o.weight_decay == TC_NO_DECAY) o.weight_decay = 0;
    /* Written so that NaN fails. */
    if (!(o.lr >= 0) || !(o.momentum >= 0) || !(o.weight_decay >= 0))
        return tc_fail(TC_ERR_ARGUMENT,
                       "sgd: lr %g, momentum %g, weight_decay %g: expected are numbers of at least 0",
                       (double)o.lr, (double)o.momentum, (double)o.weight_decay);
    if (o.nesterov && (o.momentum == 0 || o.dampening != 0))
        return tc_fail(
            TC_ERR_ARGUMENT,
            "sgd: nesterov needs momentum and no dampening, found are momentum %g and dampening %g",
            (double)o.momentum, (double)o.dampening);
    TC_TRY(tci_optimizer_new(model, &kind, o.momentum != 0, o.lr, o.weight_decay, optimizer));
    (*optimizer)->u.sgd.momentum = o.momentum;
    (*optimizer)->u.sgd.dampening = o.dampening;
    (*optimizer)->u.sgd.nesterov = o.nesterov;
    return TC_OK;
}
