/* conv2d.c - torch.nn.Conv2d. */
#include "module.h"

typedef struct conv2d {
    tc_module base;
    tc_nn_conv2d_args args;
    tc_activation activation;
    tc_tensor *weight; /* (O, C / groups, KH, KW) */
    tc_tensor *bias;   /* (O) or NULL */
} conv2d;

/* Inputs that one output element is a sum of. */
static int64_t fan_in(const tc_nn_conv2d_args *args) {
    return (int64_t)(args->in_channels / args->groups) * tc_hw_height(args->kernel_size) *
           tc_hw_width(args->kernel_size);
}

static tc_status declare(tc_module *module, tc_model *model) {
    conv2d *self = (conv2d *)module;
    const tc_nn_conv2d_args *args = &self->args;
    TC_TRY(tci_declare(
        model, module,
        &(tci_declaration){.name = "weight",
                           .ndim = 4,
                           .shape = {args->out_channels, args->in_channels / args->groups,
                                     tc_hw_height(args->kernel_size), tc_hw_width(args->kernel_size)},
                           .rule = TCI_RULE_WEIGHT,
                           .fan_in = fan_in(args),
                           .hands_on = args->groups == 1 && args->out_channels >= args->in_channels,
                           .slot = &self->weight}));
    if (args->no_bias) return TC_OK;
    return tci_declare(model, module,
                       &(tci_declaration){.name = "bias",
                                          .ndim = 1,
                                          .shape = {args->out_channels},
                                          .rule = TCI_RULE_BIAS,
                                          .fan_in = fan_in(args),
                                          .slot = &self->bias});
}

static tc_tensor *forward(tc_module *module, tci_run *run, tc_tensor *x) {
    conv2d *self = (conv2d *)module;
    return tc_conv2d(run->tape, x, self->weight, self->bias,
                     &(tc_conv2d_options){.stride = self->args.stride,
                                          .padding = self->args.padding,
                                          .dilation = self->args.dilation,
                                          .groups = self->args.groups,
                                          .activation = tci_activation(run, self->activation),
                                          .pool = module->pooled && !run->observe && !run->apart,
                                          .moments = module->normalised && tc_tape_is_training(run->tape)});
}

static bool fuse(tc_module *module, tc_activation activation) {
    conv2d *self = (conv2d *)module;
    if (self->activation != TC_ACTIVATION_NONE || activation != TC_ACTIVATION_RELU) return false;
    self->activation = activation;
    return true;
}

static int64_t multiply_adds(const tc_module *module, const tc_tensor *y) {
    return tc_numel(y) * fan_in(&((const conv2d *)module)->args);
}

static tci_reach window(const tc_module *module, const tc_tensor *x) {
    (void)x;
    const tc_nn_conv2d_args *args = &((const conv2d *)module)->args;
    return tci_reach_of(args->kernel_size, args->stride, args->padding, args->dilation, false);
}

static void describe(const tc_module *module, tc_graph_node *node) {
    const conv2d *self = (const conv2d *)module;
    node->op = TC_GRAPH_CONV2D;
    node->weight = self->weight;
    node->bias = self->bias;
    node->groups = self->args.groups;
}

static const tc_module_type type = {.name = "conv2d",
                                    .forward = forward,
                                    .declare = declare,
                                    .describe = describe,
                                    .fuse = fuse,
                                    .pools = true,
                                    .gathers = true,
                                    .multiply_adds = multiply_adds,
                                    .window = window};

/* `args` with its defaults filled in. */
static bool check(const tc_nn_conv2d_args *args) {
    if (!tci_positive("conv2d", "in_channels", args->in_channels) ||
        !tci_positive("conv2d", "out_channels", args->out_channels) ||
        !tci_positive("conv2d", "groups", args->groups) ||
        !tci_extent("conv2d", "kernel_size", args->kernel_size, 1) ||
        !tci_extent("conv2d", "stride", args->stride, 1) ||
        !tci_extent("conv2d", "dilation", args->dilation, 1))
        return false;
    if (args->padding != TC_SAME && !tci_extent("conv2d", "padding", args->padding, 0)) return false;
    if (args->in_channels % args->groups != 0 || args->out_channels % args->groups != 0) {
        tc_fail(TC_ERR_ARGUMENT, "conv2d: in_channels %d and out_channels %d must be multiples of groups %d",
                args->in_channels, args->out_channels, args->groups);
        return false;
    }
    if (args->padding == TC_SAME && (tc_hw_height(args->stride) != 1 || tc_hw_width(args->stride) != 1)) {
        tc_fail(TC_ERR_ARGUMENT, "conv2d: padding TC_SAME needs stride 1, stride is (%d, %d)",
                tc_hw_height(args->stride), tc_hw_width(args->stride));
        return false;
    }
    return true;
}

tc_module *tc_nn_conv2d_from(tc_nn_conv2d_args args) {
    args.stride = tci_or_one(args.stride);
    args.dilation = tci_or_one(args.dilation);
    args.groups = tci_or_one(args.groups);
    if (!check(&args)) return NULL;
    conv2d *self = tci_module_new(&type, sizeof *self);
    if (!self) return NULL;
    self->args = args;
    return &self->base;
}
