/* module.c - what all modules share: birth, names, ownership, the forward call. */
#include "module.h"

#include <stdlib.h>
#include <string.h>

#include "tape_internal.h"

void *tci_module_new(const tc_module_type *type, size_t size) {
    tc_module *module = calloc(1, size);
    if (!module) {
        tc_fail(TC_ERR_MEMORY, "%s: no memory for a layer of %zu bytes", type->name, size);
        return NULL;
    }
    module->type = type;
    return module;
}

void tc_module_free(tc_module *module) {
    if (!module) return;
    for (int i = 0; i < module->child_count; i++) tc_module_free(module->children[i]);
    free(module->children);
    free(module->name);
    free(module);
}

/* Frees what a container could not take over. */
static void drop(tc_module *const *children, int count) {
    for (int i = 0; i < count; i++) {
        bool seen = false;
        for (int j = 0; j < i; j++) seen = seen || children[j] == children[i];
        if (!seen && children[i] && !children[i]->owned) tc_module_free(children[i]);
    }
}

/* False if a child is not to be had. */
static bool adopt(tc_module *self, tc_module *child, int position) {
    const char *type = self->type->name;
    if (child && !child->owned) {
        child->owned = true;
        self->children[self->child_count++] = child;
        return true;
    }
    if (child) {
        tc_fail(TC_ERR_ARGUMENT, "%s: child %d is part of a net already", type, position);
    } else if (tc_last_error()[0] == '\0') { /* else the constructor that gave NULL has said why */
        tc_fail(TC_ERR_ARGUMENT, "%s: child %d is NULL", type, position);
    }
    return false;
}

void *tci_container_new(const tc_module_type *type, size_t size, tc_module *const *children, int count) {
    tc_module *self = tci_module_new(type, size);
    if (self) self->children = calloc((size_t)count, sizeof(*self->children));
    if (!self || !self->children) {
        drop(children, count);
        tc_module_free(self);
        tc_fail(TC_ERR_MEMORY, "%s: no memory for %d children", type->name, count);
        return NULL;
    }
    bool fine = true;
    for (int i = 0; i < count; i++) fine = adopt(self, children[i], i) && fine;
    if (fine) return self;
    tc_module_free(self);
    return NULL;
}

static bool set_name(tc_module *module, const char *name) {
    size_t size = strlen(name) + 1;
    char *copy = malloc(size);
    if (!copy) {
        tc_fail(TC_ERR_MEMORY, "%s: no memory for the name '%s'", module->type->name, name);
        return false;
    }
    memcpy(copy, name, size);
    free(module->name);
    module->name = copy;
    return true;
}

bool tci_module_default_name(tc_module *module, const char *name) {
    return module->name || set_name(module, name);
}

tc_module *tc_named(const char *name, tc_module *module) {
    if (!module) return NULL;
    bool usable = name && name[0] != '\0' && !strchr(name, '.');
    if (!usable) {
        tc_fail(TC_ERR_ARGUMENT, "named: '%s' is no name for a module: wanted is some text without '.'",
                name ? name : "NULL");
    }
    if (usable && set_name(module, name)) return module;
    if (!module->owned) tc_module_free(module);
    return NULL;
}

tc_tensor *tci_module_forward(tc_module *module, tci_run *run, tc_tensor *x) {
    tc_tensor *y = x;
    /* A summary wants to see what pooling does to the shape. */
    bool runs = !module->fused || run->apart || (run->observe && module->type->halves);
    if (runs) {
        const char *outer = tci_tape_scope(run->tape, module->path);
        y = module->type->forward(module, run, x);
        tci_tape_scope(run->tape, outer);
    }
    if (y && run->observe) run->observe(run, module, x, y);
    if (y && run->seen) run->seen(run->seen_context, module->path, module->type->name, y);
    return y;
}

bool tci_positive(const char *layer, const char *what, int64_t value) {
    if (value > 0) return true;
    tc_fail(TC_ERR_ARGUMENT, "%s: %s is %lld, expected is at least 1", layer, what, (long long)value);
    return false;
}

bool tci_extent(const char *layer, const char *what, tc_hw value, int least) {
    int height = value < 0 ? value : tc_hw_height(value), width = value < 0 ? value : tc_hw_width(value);
    if (height >= least && width >= least && height <= 32767) return true;
    tc_fail(TC_ERR_ARGUMENT, "%s: %s is (%d, %d), expected are numbers from %d to 32767", layer, what, height,
            width, least);
    return false;
}

tci_reach tci_reach_of(tc_hw kernel, tc_hw stride, tc_hw padding, tc_hw dilation, bool ceil_mode) {
    bool same = padding == TC_SAME;
    return (tci_reach){{{.kernel = tc_hw_height(kernel),
                         .stride = tc_hw_height(stride),
                         .padding = same ? 0 : tc_hw_height(padding),
                         .dilation = tc_hw_height(dilation),
                         .ceil_mode = ceil_mode,
                         .same = same},
                        {.kernel = tc_hw_width(kernel),
                         .stride = tc_hw_width(stride),
                         .padding = same ? 0 : tc_hw_width(padding),
                         .dilation = tc_hw_width(dilation),
                         .ceil_mode = ceil_mode,
                         .same = same}},
                       false};
}
