/* pool.c - a list of free buffers in order of address. The smallest that is large enough is taken, and cut if
 * much is left over; one that comes back is joined with free neighbours. Every buffer lies behind a 64-byte
 * head that knows its size. */
#include "pool.h"

#include "arith.h"
#include "poison.h"

typedef struct tci_buffer {
    size_t floats, shares; /* shares: holders beside the first */
    struct tci_buffer *next;
    char align[64 - 2 * sizeof(size_t) - sizeof(void *)];
} tci_buffer;

/* In floats. */
enum { HEAD = sizeof(tci_buffer) / sizeof(float), LEAST_REST = 1024 };

static float *data_of(tci_buffer *buffer) {
    return (float *)(buffer + 1);
}

static tci_buffer *new_buffer(tci_pool *pool, size_t floats) {
    size_t bytes;
    if (!tci_mul_size(floats, sizeof(float), &bytes) || !tci_add_size(bytes, sizeof(tci_buffer), &bytes))
        bytes = SIZE_MAX;
    tci_buffer *buffer = tc_arena_alloc(pool->arena, bytes);
    if (buffer) *buffer = (tci_buffer){.floats = floats};
    return buffer;
}

/* Takes the smallest free buffer of at least so many floats off the list; NULL if there is none. */
static tci_buffer *best_of(tci_pool *pool, size_t floats) {
    tci_buffer **best = NULL;
    for (tci_buffer **b = &pool->free; *b; b = &(*b)->next) {
        if ((*b)->floats >= floats && (!best || (*b)->floats < (*best)->floats)) best = b;
    }
    if (!best) return NULL;
    tci_buffer *buffer = *best;
    *best = buffer->next;
    return buffer;
}

static bool are_neighbours(const tci_buffer *a, const tci_buffer *b) {
    return a && b && (const float *)(a + 1) + a->floats == (const float *)b;
}

/* Makes one of two neighbours. */
static void join(tci_buffer *a, tci_buffer *b) {
    a->floats += HEAD + b->floats;
    a->next = b->next;
    TCI_POISON(b, sizeof *b);
}

static void put_back(tci_pool *pool, tci_buffer *buffer) {
    tci_buffer *before = NULL, *after = pool->free;
    while (after && after < buffer) before = after, after = after->next;
    buffer->next = after;
    if (before)
        before->next = buffer;
    else
        pool->free = buffer;
    if (are_neighbours(buffer, after)) join(buffer, after);
    if (are_neighbours(before, buffer)) join(before, buffer);
}

float *tci_pool_take(tci_pool *pool, size_t floats) {
    size_t room;
    if (!tci_add_size(floats, HEAD - 1, &room)) room = SIZE_MAX;
    room = room / HEAD * HEAD;
    tci_buffer *buffer = best_of(pool, room);
    if (!buffer) buffer = new_buffer(pool, room);
    if (!buffer) return NULL;
    if (buffer->floats - room >= LEAST_REST) {
        tci_buffer *rest = (tci_buffer *)(data_of(buffer) + room);
        TCI_UNPOISON(rest, sizeof *rest);
        *rest = (tci_buffer){.floats = buffer->floats - room - HEAD};
        buffer->floats = room;
        put_back(pool, rest);
    }
    buffer->shares = 0;
    TCI_UNPOISON(data_of(buffer), floats * sizeof(float));
    return data_of(buffer);
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
    put_back(pool, buffer);
}

void tci_pool_forget(tci_pool *pool) {
    pool->free = NULL;
}
