/* activations.c - relu, leaky_relu, gelu, silu: each element for itself. */
#include "module.h"

static tc_tensor *relu_forward(tc_module *self, tci_run *run, tc_tensor *x) {
    (void)self;
    return tc_relu(run->tape, x);
}

static void relu_describe(const tc_module *self, tc_graph_node *node) {
    (void)self;
    node->op = TC_GRAPH_RELU;
}

static const tc_module_type relu = {.name = "relu",
                                    .describe = relu_describe,
                                    .activation = TC_ACTIVATION_RELU,
                                    .deferred = true,
                                    .forward = relu_forward};

tc_module *tc_nn_relu(void) {
    return tci_module_new(&relu, sizeof(tc_module));
}

typedef struct leaky {
    tc_module base;
    float negative_slope;
} leaky;

static tc_tensor *leaky_forward(tc_module *self, tci_run *run, tc_tensor *x) {
    return tc_leaky_relu(run->tape, x, ((leaky *)self)->negative_slope);
}

static void leaky_describe(const tc_module *self, tc_graph_node *node) {
    node->op = TC_GRAPH_LEAKY_RELU;
    node->number = ((const leaky *)self)->negative_slope;
}

static const tc_module_type leaky_relu = {
    .name = "leaky_relu", .forward = leaky_forward, .describe = leaky_describe};

tc_module *tc_nn_leaky_relu(float negative_slope) {
    leaky *self = tci_module_new(&leaky_relu, sizeof *self);
    if (!self) return NULL;
    self->negative_slope = negative_slope;
    return &self->base;
}

typedef struct gelu {
    tc_module base;
    tc_gelu_form form;
} gelu;

static tc_tensor *gelu_forward(tc_module *self, tci_run *run, tc_tensor *x) {
    return tc_gelu(run->tape, x, ((gelu *)self)->form);
}

static void gelu_describe(const tc_module *self, tc_graph_node *node) {
    node->op = ((const gelu *)self)->form == TC_GELU_EXACT ? TC_GRAPH_GELU : TC_GRAPH_GELU_TANH;
}

static const tc_module_type gelu_type = {.name = "gelu",
                                         .describe = gelu_describe,
                                         .activation = TC_ACTIVATION_GELU,
                                         .deferred = true,
                                         .forward = gelu_forward};
static const tc_module_type gelu_tanh_type = {
    .name = "gelu", .forward = gelu_forward, .describe = gelu_describe};

tc_module *tc_nn_gelu(tc_gelu_form form) {
    if (form != TC_GELU_EXACT && form != TC_GELU_TANH) {
        tc_fail(TC_ERR_ARGUMENT, "gelu: %d is neither TC_GELU_EXACT nor TC_GELU_TANH", (int)form);
        return NULL;
    }
    gelu *self = tci_module_new(form == TC_GELU_EXACT ? &gelu_type : &gelu_tanh_type, sizeof *self);
    if (!self) return NULL;
    self->form = form;
    return &self->base;
}

static tc_tensor *silu_forward(tc_module *self, tci_run *run, tc_tensor *x) {
    (void)self;
    return tc_silu(run->tape, x);
}

static void silu_describe(const tc_module *self, tc_graph_node *node) {
    (void)self;
    node->op = TC_GRAPH_SILU;
}

static const tc_module_type silu = {.name = "silu", .forward = silu_forward, .describe = silu_describe};

tc_module *tc_nn_silu(void) {
    return tci_module_new(&silu, sizeof(tc_module));
}
