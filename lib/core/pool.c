/* pool.c - a list of free buffers, each behind a 64-byte head that knows its size. */
#include "pool.h"

#include "arith.h"
#include "poison.h"

typedef struct tci_buffer {
    size_t floats, shares; /* shares: holders beside the first */
    struct tci_buffer *next;
    char align[64 - 2 * sizeof(size_t) - sizeof(void *)];
} tci_buffer;

/* A buffer more than this many times too large is left for others. */
enum { SLACK = 4 };

float *tci_pool_take(tci_pool *pool, size_t floats) {
    tci_buffer **best = NULL;
    for (tci_buffer **b = &pool->free; *b; b = &(*b)->next) {
        if ((*b)->floats < floats || (*b)->floats / SLACK > floats) continue;
        if (!best || (*b)->floats < (*best)->floats) best = b;
    }
    tci_buffer *buffer;
    if (best) {
        buffer = *best;
        *best = buffer->next;
    } else {
        size_t bytes;
        if (!tci_mul_size(floats, sizeof(float), &bytes) || !tci_add_size(bytes, sizeof *buffer, &bytes))
            bytes = SIZE_MAX;
        buffer = tc_arena_alloc(pool->arena, bytes);
        if (!buffer) return NULL;
        buffer->floats = floats;
    }
    buffer->shares = 0;
    float *data = (float *)(buffer + 1);
    TCI_UNPOISON(data, floats * sizeof(float));
    return data;
}

void tci_pool_share(float *data) {
    ((tci_buffer *)data - 1)->shares++;
}

void tci_pool_give(tci_pool *pool, float *data) {
    tci_buffer *buffer = (tci_buffer *)data - 1;
    if (buffer->shares > 0) {
        buffer->shares--;
        return;
    }
    TCI_POISON(data, buffer->floats * sizeof(float));
    buffer->next = pool->free;
    pool->free = buffer;
}

void tci_pool_forget(tci_pool *pool) {
    pool->free = NULL;
}
