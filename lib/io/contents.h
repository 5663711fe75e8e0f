/* contents.h - what of a model and its optimiser goes into a checkpoint, under which name. */
#ifndef TCI_CONTENTS_H
#define TCI_CONTENTS_H

#include "safetensors.h"
#include "tinycnn/optim.h"

/* One tensor (float32) or one counter (int64, no dimensions); the other is NULL. */
typedef struct tci_item {
    char *name;
    tc_tensor *tensor;
    int64_t *counter;
} tci_item;

typedef struct tci_contents {
    tci_item *items;
    size_t count;
} tci_contents;

#define TCI_OPTIMIZER_PREFIX "optimizer."

/* Counters first, so that eight-byte numbers lie on multiples of eight; then parameters, buffers, and the
 * state of the optimizer if it is not NULL. */
tc_status tci_contents_collect(tc_model *model, tc_optimizer *optimizer, tci_contents *contents);
void tci_contents_free(tci_contents *contents);

/* Type, shape and size of an item as a file describes it, at byte `begin` of the data. */
tci_stored_tensor tci_item_stored(const tci_item *item, size_t begin);

/* Visits every element of a tensor in row-major (N, C, H, W) order. */
void tci_walk(tc_tensor *tensor, void (*visit)(void *context, float *element), void *context);

#endif
