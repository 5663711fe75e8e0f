/* recipe_optimizer.c - the optimiser and its groups.
 *
 * Gradients are of the mean loss over a batch of B pictures. Rates meant for the summed loss are therefore multiplied
 * by B, and decoupled ones by B / (1024 (1 + 1 / (1 - momentum))): with Nesterov's momentum a constant gradient makes
 * steps 1 + 1 / (1 - momentum) times as large as the rate says (Jordan 2024, after Page 2018). A decay that is not to
 * be multiplied by the rate is divided by it here. */
#include <string.h>

#include "recipe.h"

typedef enum role { ROLE_OTHER, ROLE_FILTER, ROLE_NORM_BIAS, ROLE_HEAD } role;

/* What the optimiser's match function looks for. */
typedef struct wanted {
    tc_model *model;
    role role;
} wanted;

static role role_of(tc_model *model, const tc_parameter *p) {
    const char *name = strrchr(p->name, '.');
    if (p->tensor->ndim == 4) return ROLE_FILTER;
    if (p == recipe_head(model)) return ROLE_HEAD;
    if (strcmp(p->layer, "batchnorm2d") == 0 && name && strcmp(name, ".bias") == 0) return ROLE_NORM_BIAS;
    return ROLE_OTHER;
}

static bool matches(const tc_parameter *parameter, void *context) {
    const wanted *w = context;
    return role_of(w->model, parameter) == w->role;
}

/* What a rate of the settings is multiplied by. */
static double unit(const train_settings *s) {
    double pictures = (double)(s->batch * s->accumulate);
    if (s->rates == RATES_SUM) return pictures;
    if (s->rates == RATES_DECOUPLED) return pictures / (1024 * (1 + 1 / (1 - s->momentum)));
    return 1;
}

double recipe_rate(const train_settings *s) {
    return s->lr * unit(s);
}

/* The decay, as the optimiser wants it, of a group with that rate. */
static float decay_of(const train_settings *s, double rate) {
    double decay = s->rates == RATES_PLAIN ? s->weight_decay : s->weight_decay / rate;
    return decay > 0 ? (float)decay : TC_NO_DECAY;
}

static tc_status create(const train_settings *s, tc_model *model, tc_optimizer **optimizer) {
    float lr = (float)recipe_rate(s), decay = decay_of(s, s->lr), momentum = (float)s->momentum;
    tc_sgd_options sgd = {.lr = lr, .momentum = momentum, .weight_decay = decay, .nesterov = s->nesterov};
    tc_muon_options muon = {.lr = lr,
                            .momentum = (float)s->muon_momentum,
                            .sgd_momentum = momentum,
                            .weight_decay = decay,
                            .nesterov = s->nesterov,
                            .rescale = s->muon_rescale,
                            .steps = (int)s->muon_steps};
    tc_adam_options adam = {.lr = lr, .weight_decay = decay};
    if (s->optimizer == OPTIMIZER_MUON) return tc_muon_create(model, &muon, optimizer);
    if (s->optimizer == OPTIMIZER_SGD) return tc_sgd_create(model, &sgd, optimizer);
    if (s->optimizer == OPTIMIZER_ADAM) return tc_adam_create(model, &adam, optimizer);
    return tc_adamw_create(model, &adam, optimizer);
}

/* A group of a role that the net may not have. */
static tc_status group(tc_model *model, tc_optimizer *optimizer, role wanted_role, double scale,
                       float decay) {
    bool found = false;
    for (int i = 0; i < tc_model_parameter_count(model); i++)
        found = found || role_of(model, tc_model_parameter(model, i)) == wanted_role;
    if (!found) return TC_OK;
    return tc_optimizer_group(optimizer, matches, &(wanted){model, wanted_role},
                              &(tc_group_options){.lr_scale = (float)scale, .weight_decay = decay});
}

tc_status recipe_optimizer(const train_settings *s, tc_model *model, tc_optimizer **optimizer) {
    TC_TRY(create(s, model, optimizer));
    if (!s->decay_all)
        TC_TRY(tc_optimizer_group(*optimizer, tc_match_1d, NULL,
                                  &(tc_group_options){.weight_decay = TC_NO_DECAY}));
    TC_TRY(group(model, *optimizer, ROLE_NORM_BIAS, s->norm_bias_lr / s->lr,
                 s->decay_all ? decay_of(s, s->norm_bias_lr) : TC_NO_DECAY));
    TC_TRY(group(model, *optimizer, ROLE_HEAD, s->head_lr / s->lr, decay_of(s, s->head_lr)));
    if (s->optimizer == OPTIMIZER_MUON)
        TC_TRY(group(model, *optimizer, ROLE_FILTER, s->muon_lr / recipe_rate(s), TC_NO_DECAY));
    if (s->average != AVERAGE_NONE) TC_TRY(tc_optimizer_average(*optimizer));
    if (s->threads) tc_optimizer_set_threads(*optimizer, (int)s->threads);
    return TC_OK;
}

static bool is_same(const tc_parameter *parameter, void *context) {
    return parameter == context;
}

void recipe_whitening_bias(const train_settings *s, tc_model *model, tc_optimizer *optimizer, double epochs,
                           double factor) {
    tc_parameter *bias = tc_model_parameter_count(model) > 1 ? tc_model_parameter(model, 1) : NULL;
    if (!s->whiten || !bias || strcmp(bias->layer, "conv2d") != 0 || bias->tensor->ndim != 1) return;
    bias->tensor->requires_grad = epochs < s->whiten_bias_epochs;
    if (!bias->tensor->requires_grad || !s->whiten_bias_fall || factor <= 0) return;
    double own = 1 - epochs / s->whiten_bias_epochs;
    tc_optimizer_group(optimizer, is_same, bias,
                       &(tc_group_options){.lr_scale = (float)(own / factor),
                                           .weight_decay = s->decay_all ? decay_of(s, s->lr) : TC_NO_DECAY});
}
