/* rng.h - random numbers as a pure function of a key and a counter.
 *
 * Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011). There
 * is no hidden state to pass around or to save: the number a sample gets depends on (seed, stream, position)
 * alone, not on who draws it or in which order. */
#ifndef TINYCNN_RNG_H
#define TINYCNN_RNG_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The bare block function: 128 bits of counter and 64 bits of key give 128 random bits. */
void tc_philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* A generator is a value: copy it, keep it on the stack. Two generators that differ in seed or stream are
 * independent. */
typedef struct tc_rng {
    uint64_t seed;
    uint64_t stream;
    uint64_t position; /* index of the next 32-bit number */
    uint32_t block[4]; /* the four numbers around position, once computed */
} tc_rng;

/* `stream` names what the numbers are for; tc_rng_stream() makes one from several integers. */
tc_rng tc_rng_create(uint64_t seed, uint64_t stream);
uint64_t tc_rng_stream(uint64_t a, uint64_t b, uint64_t c);

uint32_t tc_rng_u32(tc_rng *rng);
/* Uniform in [0, 1), 24 bits. */
float tc_rng_uniform(tc_rng *rng);
/* Uniform in {0, ..., bound - 1} without bias; bound >= 1. */
uint32_t tc_rng_below(tc_rng *rng, uint32_t bound);
/* Standard normal (Box-Muller, one value a call). */
float tc_rng_normal(tc_rng *rng);
/* A random permutation of 0 .. n-1 (Fisher-Yates). */
void tc_rng_permutation(tc_rng *rng, uint32_t *out, uint32_t n);

#ifdef __cplusplus
}
#endif
#endif
