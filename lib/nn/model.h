/* model.h - what a model holds; for model.c, init.c and summary.c. */
#ifndef TCI_MODEL_H
#define TCI_MODEL_H

#include "module.h"

typedef struct tci_entry {
    tc_parameter visible;
    tci_declaration declared; /* its name is not kept */
    const tc_module *owner;
} tci_entry;

typedef struct tci_counter {
    const char *name;
    int64_t value;
    int64_t **slot;
} tci_counter;

struct tc_model {
    tc_module *root;
    tc_arena *arena;  /* paths, tensors, and the two blocks */
    tc_arena *frozen; /* weights as inference wants them, or NULL */
    tci_entry *parameters, *buffers;
    tci_counter *counters;
    int parameter_count, buffer_count, counter_count;
    float *gradients; /* of all parameters, one after the other */
    size_t gradient_bytes;
};

#endif
