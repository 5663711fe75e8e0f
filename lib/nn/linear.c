/* linear.c - torch.nn.Linear. */
#include "module.h"

typedef struct linear {
    tc_module base;
    tc_nn_linear_args args;
    tc_activation activation;
    tc_tensor *weight; /* (O, I) */
    tc_tensor *bias;   /* (O) or NULL */
} linear;

static tc_status declare(tc_module *module, tc_model *model) {
    linear *self = (linear *)module;
    int in = self->args.in_features, out = self->args.out_features;
    TC_TRY(tci_declare(model, module,
                       &(tci_declaration){.name = "weight",
                                          .ndim = 2,
                                          .shape = {out, in},
                                          .rule = TCI_RULE_WEIGHT,
                                          .fan_in = in,
                                          .slot = &self->weight}));
    if (self->args.no_bias) return TC_OK;
    return tci_declare(model, module,
                       &(tci_declaration){.name = "bias",
                                          .ndim = 1,
                                          .shape = {out},
                                          .rule = TCI_RULE_BIAS,
                                          .fan_in = in,
                                          .slot = &self->bias});
}

static tc_tensor *forward(tc_module *module, tci_run *run, tc_tensor *x) {
    linear *self = (linear *)module;
    return tc_linear(run->tape, x, self->weight, self->bias, tci_activation(run, self->activation));
}

static bool fuse(tc_module *module, tc_activation activation) {
    linear *self = (linear *)module;
    if (self->activation != TC_ACTIVATION_NONE || activation != TC_ACTIVATION_RELU) return false;
    self->activation = activation;
    return true;
}

static int64_t multiply_adds(const tc_module *module, const tc_tensor *y) {
    return tc_numel(y) * ((const linear *)module)->args.in_features;
}

static void describe(const tc_module *module, tc_graph_node *node) {
    node->op = TC_GRAPH_LINEAR;
    node->weight = ((const linear *)module)->weight;
    node->bias = ((const linear *)module)->bias;
}

static const tc_module_type type = {.name = "linear",
                                    .global = true,
                                    .forward = forward,
                                    .declare = declare,
                                    .describe = describe,
                                    .fuse = fuse,
                                    .multiply_adds = multiply_adds};

tc_module *tc_nn_linear_from(tc_nn_linear_args args) {
    if (!tci_positive("linear", "in_features", args.in_features) ||
        !tci_positive("linear", "out_features", args.out_features))
        return NULL;
    linear *self = tci_module_new(&type, sizeof *self);
    if (!self) return NULL;
    self->args = args;
    return &self->base;
}
