/* arena.h - memory that is given back all at once.
 *
 * Every tensor belongs to an arena; only arenas are freed. Blocks are 64-byte aligned (one cache line, one
 * AVX-512 register) and poisoned under AddressSanitizer while nobody owns them. An arena serves one thread.
 */
#ifndef TINYCNN_ARENA_H
#define TINYCNN_ARENA_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tc_arena tc_arena;

/* NULL if memory is short. */
tc_arena *tc_arena_create(void);
void tc_arena_free(tc_arena *arena); /* NULL is allowed */

/* `bytes` of uninitialised memory, or NULL (tc_last_error() then says how much was wanted). Zero bytes are a
 * valid request and give a pointer that must not be read. */
void *tc_arena_alloc(tc_arena *arena, size_t bytes);

/* Forgets every allocation but keeps the blocks: repeating the same allocations takes nothing from the
 * system. */
void tc_arena_reset(tc_arena *arena);

/* Bytes that the arena holds from the system, used or not. */
size_t tc_arena_bytes(const tc_arena *arena);

#ifdef __cplusplus
}
#endif
#endif
