/* pool.h - buffers within an arena that are used again before the arena is reset.
 *
 * Gradients and scratch buffers live for a moment each; taking each from the arena anew would make the peak
 * of a step the sum of all of them. The pool keeps what was given back and hands it out again. */
#ifndef TCI_POOL_H
#define TCI_POOL_H

#include "tinycnn/arena.h"

typedef struct tci_pool {
    tc_arena *arena;
    struct tci_buffer *free;
} tci_pool;

/* 64-byte aligned; NULL if memory is short. */
float *tci_pool_take(tci_pool *pool, size_t floats);
/* One more holder: the buffer is free when each has given it back. */
void tci_pool_share(float *buffer);
void tci_pool_give(tci_pool *pool, float *buffer);
/* To be called when the arena is reset. */
void tci_pool_forget(tci_pool *pool);

#endif
