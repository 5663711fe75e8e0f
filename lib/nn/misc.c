/* misc.c - dropout, flatten, scale, log-softmax. */
#include "module.h"

typedef struct dropout {
    tc_module base;
    float p;
} dropout;

static tc_tensor *dropout_forward(tc_module *self, tci_run *run, tc_tensor *x) {
    return tc_dropout(run->tape, x, ((dropout *)self)->p);
}

static const tc_module_type dropout_type = {.name = "dropout", .forward = dropout_forward};

tc_module *tc_nn_dropout(float p) {
    if (!(p >= 0 && p <= 1)) { /* written so that NaN fails */
        tc_fail(TC_ERR_ARGUMENT, "dropout: p is %g, expected is a probability from 0 to 1", (double)p);
        return NULL;
    }
    dropout *self = tci_module_new(&dropout_type, sizeof *self);
    if (!self) return NULL;
    self->p = p;
    return &self->base;
}

static tc_tensor *flatten_forward(tc_module *self, tci_run *run, tc_tensor *x) {
    (void)self;
    return tc_flatten(run->tape, x);
}

/* Two dimensions pass as they are. */
static int64_t flatten_kept_bytes(const tc_module *self, const tc_tensor *x, const tc_tensor *y) {
    (void)self;
    return x == y ? 0 : tc_numel(y) * (int64_t)sizeof(float);
}

static void flatten_describe(const tc_module *self, tc_graph_node *node) {
    (void)self;
    node->op = TC_GRAPH_FLATTEN;
}

static const tc_module_type flatten = {.name = "flatten",
                                       .describe = flatten_describe,
                                       .global = true,
                                       .forward = flatten_forward,
                                       .kept_bytes = flatten_kept_bytes};

tc_module *tc_nn_flatten(void) {
    return tci_module_new(&flatten, sizeof(tc_module));
}

typedef struct scale {
    tc_module base;
    float factor;
} scale;

static tc_tensor *scale_forward(tc_module *self, tci_run *run, tc_tensor *x) {
    return tc_scale(run->tape, x, ((scale *)self)->factor);
}

static void scale_describe(const tc_module *self, tc_graph_node *node) {
    node->op = TC_GRAPH_SCALE;
    node->number = ((const scale *)self)->factor;
}

static const tc_module_type scale_type = {
    .name = "scale", .forward = scale_forward, .describe = scale_describe};

tc_module *tc_nn_scale(float factor) {
    scale *self = tci_module_new(&scale_type, sizeof *self);
    if (!self) return NULL;
    self->factor = factor;
    return &self->base;
}

static tc_tensor *log_softmax_forward(tc_module *self, tci_run *run, tc_tensor *x) {
    (void)self;
    return tc_log_softmax(run->tape, x);
}

static void log_softmax_describe(const tc_module *self, tc_graph_node *node) {
    (void)self;
    node->op = TC_GRAPH_LOG_SOFTMAX;
}

static const tc_module_type log_softmax = {
    .name = "log_softmax", .describe = log_softmax_describe, .global = true, .forward = log_softmax_forward};

tc_module *tc_nn_log_softmax(void) {
    return tci_module_new(&log_softmax, sizeof(tc_module));
}
