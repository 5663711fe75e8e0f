/* sequential.c - y = f_n(... f_2(f_1(x))). */
#include <stdio.h>

#include "module.h"
#include "tape_internal.h"

static tc_tensor *forward(tc_module *self, tci_run *run, tc_tensor *input) {
    tc_tensor *x = input;
    for (int i = 0; i < self->child_count; i++) {
        tc_tensor *y = tci_module_forward(self->children[i], run, x);
        if (!y) return NULL;
        /* Without recording nobody needs x any more. A layer may return its input itself (dropout in
         * evaluation, flatten of two dimensions): then x lives on as y. */
        if (x != input && x != y && !run->apart) tci_tape_release(run->tape, x);
        x = y;
    }
    return x;
}

/* What the last layer can take over, the whole can. */
static bool fuse(tc_module *self, tc_activation activation) {
    tc_module *last = self->children[self->child_count - 1];
    return !last->fused && last->type->fuse && last->type->fuse(last, activation);
}

static const tc_module_type type = {
    .name = "sequential", .container = true, .forward = forward, .fuse = fuse};

/* The first child after i that is not computed by the one before it; NULL if there is none. */
static tc_module *next_of(const tc_module *self, int i) {
    for (i++; i < self->child_count; i++) {
        if (!self->children[i]->fused) return self->children[i];
    }
    return NULL;
}

/* Names the children by their position, and lets each compute what follows it as far as it can: an activation,
 * max pooling, the moments that a batch norm will ask for. */
static bool prepare(tc_module *self) {
    for (int i = 0; i < self->child_count; i++) {
        char position[16];
        snprintf(position, sizeof position, "%d", i);
        if (!tci_module_default_name(self->children[i], position)) return false;
    }
    for (int i = 0; i + 1 < self->child_count; i++) {
        tc_module *child = self->children[i], *next = self->children[i + 1];
        if (child->fused) continue;
        if (next->type->activation != TC_ACTIVATION_NONE && child->type->fuse)
            next->fused = child->type->fuse(child, next->type->activation);
        next = next_of(self, i);
        if (next && child->type->pools && next->type->halves && next->type->halves(next))
            child->pooled = next->fused = true;
        next = next_of(self, i);
        child->normalised = next && child->type->gathers && next->type->normalises;
    }
    return true;
}

tc_module *tc_sequential_from(tc_module *const *children, int count) {
    if (!children || !tci_positive(type.name, "the number of children", count)) return NULL;
    tc_module *self = tci_container_new(&type, sizeof *self, children, count);
    if (!self || prepare(self)) return self;
    tc_module_free(self);
    return NULL;
}
