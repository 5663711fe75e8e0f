/* batchnorm2d.c - torch.nn.BatchNorm2d. */
#include "module.h"

typedef struct batchnorm2d {
    tc_module base;
    tc_nn_batchnorm2d_args args;
    tc_activation activation;
    tc_tensor *weight, *bias;              /* (C), or both NULL */
    tc_tensor *running_mean, *running_var; /* (C), or both NULL */
    int64_t *num_batches_tracked;          /* batches that went into the running statistics, or NULL */
} batchnorm2d;

static tc_status declare_vector(tc_module *module, tc_model *model, const char *name, tci_rule rule,
                                bool buffer, tc_tensor **slot) {
    int channels = ((batchnorm2d *)module)->args.num_features;
    return tci_declare(
        model, module,
        &(tci_declaration){
            .name = name, .ndim = 1, .shape = {channels}, .rule = rule, .buffer = buffer, .slot = slot});
}

static tc_status declare(tc_module *module, tc_model *model) {
    batchnorm2d *self = (batchnorm2d *)module;
    if (!self->args.no_affine) {
        TC_TRY(declare_vector(module, model, "weight", TCI_RULE_ONES, false, &self->weight));
        TC_TRY(declare_vector(module, model, "bias", TCI_RULE_ZEROS, false, &self->bias));
    }
    if (self->args.no_running_stats) return TC_OK;
    TC_TRY(declare_vector(module, model, "running_mean", TCI_RULE_ZEROS, true, &self->running_mean));
    TC_TRY(declare_vector(module, model, "running_var", TCI_RULE_ONES, true, &self->running_var));
    return tci_declare_counter(model, module, "num_batches_tracked", &self->num_batches_tracked);
}

static tc_tensor *forward(tc_module *module, tci_run *run, tc_tensor *x) {
    batchnorm2d *self = (batchnorm2d *)module;
    tc_tensor *y =
        tc_batchnorm2d(run->tape, x, self->weight, self->bias, self->running_mean, self->running_var,
                       &(tc_batchnorm2d_options){.momentum = self->args.momentum,
                                                 .eps = self->args.eps,
                                                 .activation = tci_activation(run, self->activation)});
    if (y && self->num_batches_tracked && tc_tape_is_training(run->tape)) ++*self->num_batches_tracked;
    return y;
}

static bool fuse(tc_module *module, tc_activation activation) {
    batchnorm2d *self = (batchnorm2d *)module;
    if (self->activation != TC_ACTIVATION_NONE) return false;
    self->activation = activation;
    return true;
}

static void describe(const tc_module *module, tc_graph_node *node) {
    const batchnorm2d *self = (const batchnorm2d *)module;
    node->op = TC_GRAPH_BATCHNORM2D;
    node->weight = self->weight;
    node->bias = self->bias;
    node->running_mean = self->running_mean;
    node->running_var = self->running_var;
    /* 0 stands for the default. */
    node->number = self->args.eps != 0 ? self->args.eps : 1e-5f;
}

static const tc_module_type type = {.name = "batchnorm2d",
                                    .forward = forward,
                                    .declare = declare,
                                    .describe = describe,
                                    .fuse = fuse,
                                    .normalises = true,
                                    .deferred = true};

tc_module *tc_nn_batchnorm2d_from(tc_nn_batchnorm2d_args args) {
    if (!tci_positive("batchnorm2d", "num_features", args.num_features)) return NULL;
    /* Written so that NaN fails. */
    if (!(args.eps >= 0 && args.eps < 1) || !(args.momentum >= 0 && args.momentum <= 1)) {
        tc_fail(TC_ERR_ARGUMENT, "batchnorm2d: eps %g and momentum %g, expected are numbers from 0 to 1",
                (double)args.eps, (double)args.momentum);
        return NULL;
    }
    batchnorm2d *self = tci_module_new(&type, sizeof *self);
    if (!self) return NULL;
    self->args = args;
    return &self->base;
}
