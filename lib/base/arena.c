/* arena.c - a list of large blocks, filled from front to back.
 *
 * A request that does not fit into the current block moves on to the next one, or to a new block at the end
 * of the list. Reset goes back to the first block; the same sequence of requests then finds the same places,
 * so a training step allocates nothing after the first. A block grows with what the arena holds already,
 * which keeps their number logarithmic; memory that was reserved but never touched costs no physical page. */
#if defined(__linux__)
#define _DEFAULT_SOURCE /* madvise() */
#include <sys/mman.h>
#endif

#include "tinycnn/arena.h"

#include <stdint.h>
#include <stdlib.h>

#include "arith.h"
#include "poison.h"
#include "tinycnn/status.h"

/* Large blocks ask for large pages: transforms that write to dozens of places in turn otherwise wait for
 * addresses to be translated. */
enum { ALIGNMENT = 64, SMALLEST_BLOCK = 64 * 1024, HUGE_PAGE = 2 << 20 };

typedef struct block {
    struct block *next;
    unsigned char *bytes;
    size_t size, used;
} block;

struct tc_arena {
    block *first, *current;
    size_t held;
};

tc_arena *tc_arena_create(void) {
    tc_arena *arena = calloc(1, sizeof *arena);
    if (!arena) tc_fail(TC_ERR_MEMORY, "arena: out of memory");
    return arena;
}

void tc_arena_free(tc_arena *arena) {
    if (!arena) return;
    for (block *b = arena->first; b;) {
        block *next = b->next;
        TCI_UNPOISON(b->bytes, b->size);
        free(b->bytes);
        free(b);
        b = next;
    }
    free(arena);
}

static block *block_create(size_t size) {
    block *b = calloc(1, sizeof *b);
    if (!b) return NULL;
    size_t alignment = size < HUGE_PAGE ? ALIGNMENT : HUGE_PAGE, room;
    bool fits = tci_add_size(size, alignment - 1, &room);
    b->bytes = fits ? aligned_alloc(alignment, room / alignment * alignment) : NULL;
    if (!b->bytes) {
        free(b);
        return NULL;
    }
#if defined(__linux__)
    if (size >= HUGE_PAGE) madvise(b->bytes, size, MADV_HUGEPAGE);
#endif
    b->size = size;
    TCI_POISON(b->bytes, b->size);
    return b;
}

/* The first block from the current one on with room for `size`; appended to the list if there is none. */
static block *block_with_room(tc_arena *arena, size_t size) {
    block *last = NULL;
    for (block *b = arena->current; b; last = b, b = b->next) {
        if (b->size - b->used >= size) return b;
    }
    size_t wanted = arena->held / 2 / ALIGNMENT * ALIGNMENT;
    if (wanted < SMALLEST_BLOCK) wanted = SMALLEST_BLOCK;
    if (wanted < size) wanted = size;
    block *b = block_create(wanted);
    if (!b && wanted > size) b = block_create(size);
    if (!b) return NULL;
    if (last)
        last->next = b;
    else
        arena->first = b;
    arena->held += b->size;
    return b;
}

void *tc_arena_alloc(tc_arena *arena, size_t bytes) {
    size_t size;
    if (!tci_add_size(bytes, ALIGNMENT - 1 + (bytes == 0), &size)) {
        tc_fail(TC_ERR_MEMORY, "out of memory: a request of %zu bytes can't be met", bytes);
        return NULL;
    }
    size = size / ALIGNMENT * ALIGNMENT;
    block *b = block_with_room(arena, size);
    if (!b) {
        tc_fail(TC_ERR_MEMORY, "out of memory: %zu bytes wanted, %zu held already", bytes, arena->held);
        return NULL;
    }
    arena->current = b;
    void *memory = b->bytes + b->used;
    b->used += size;
    TCI_UNPOISON(memory, bytes);
    return memory;
}

void tc_arena_reset(tc_arena *arena) {
    for (block *b = arena->first; b; b = b->next) {
        b->used = 0;
        TCI_POISON(b->bytes, b->size);
    }
    arena->current = arena->first;
}

size_t tc_arena_bytes(const tc_arena *arena) {
    return arena->held;
}
