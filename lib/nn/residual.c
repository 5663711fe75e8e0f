/* residual.c - y = body(x) + shortcut(x); He, Zhang, Ren, Sun 2015. The sum is an operation of its own and so
 * has its row in a summary, unlike other containers. */
#include "module.h"
#include "tape_internal.h"

typedef struct residual {
    tc_module base; /* children: the body, then the shortcut if there is one */
    tc_activation activation;
} residual;

/* Two ways met: the sum sees as far as the one that sees farther. */
static tci_field wider(tci_field a, tci_field b) {
    for (int i = 0; i < 2; i++) {
        if (b.size[i] > a.size[i]) a.size[i] = b.size[i];
        if (b.jump[i] > a.jump[i]) a.jump[i] = b.jump[i];
    }
    return a;
}

static tc_tensor *forward(tc_module *module, tci_run *run, tc_tensor *x) {
    residual *self = (residual *)module;
    tc_module *body = module->children[0], *shortcut = module->child_count > 1 ? module->children[1] : NULL;
    tci_field before = run->field;
    tc_tensor *b = tci_module_forward(body, run, x), *s = x;
    if (b && shortcut) {
        tci_field after_body = run->field;
        run->field = before;
        s = tci_module_forward(shortcut, run, x);
        before = run->field;
        run->field = after_body;
    }
    run->field = wider(run->field, before);
    tc_tensor *y = b && s ? tc_add(run->tape, b, s, tci_activation(run, self->activation)) : NULL;
    run->summands[0] = b, run->summands[1] = s;
    if (!y || run->apart) return y;
    if (b != x) tci_tape_release(run->tape, b);
    if (s != x && s != b) tci_tape_release(run->tape, s);
    return y;
}

static bool fuse(tc_module *module, tc_activation activation) {
    residual *self = (residual *)module;
    if (self->activation != TC_ACTIVATION_NONE || activation != TC_ACTIVATION_RELU) return false;
    self->activation = activation;
    return true;
}

static void describe(const tc_module *self, tc_graph_node *node) {
    (void)self;
    node->op = TC_GRAPH_ADD;
}

static const tc_module_type type = {
    .name = "residual", .forward = forward, .describe = describe, .fuse = fuse};

tc_module *tc_residual(tc_module *body, tc_module *shortcut) {
    residual *self = tci_container_new(&type, sizeof *self, (tc_module *const[]){body, shortcut}, 2);
    if (!self) return NULL;
    if (tci_module_default_name(shortcut, "downsample")) return &self->base;
    tc_module_free(&self->base);
    return NULL;
}

tc_module *tc_residual_identity(tc_module *body) {
    return tci_container_new(&type, sizeof(residual), (tc_module *const[]){body}, 1);
}
