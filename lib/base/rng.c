/* rng.c - streams and distributions on top of Philox. */
#include "tinycnn/rng.h"

#include <math.h>

#include "philox.h"

void tc_philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
    tci_philox4x32(counter, key, out);
}

tc_rng tc_rng_create(uint64_t seed, uint64_t stream) {
    return (tc_rng){.seed = seed, .stream = stream};
}

uint64_t tc_rng_stream(uint64_t a, uint64_t b, uint64_t c) {
    /* Two Philox blocks chain the three numbers; a change of any bit of any of them changes the stream. */
    uint32_t block[4];
    tc_philox4x32((uint32_t[]){(uint32_t)a, (uint32_t)(a >> 32), (uint32_t)b, (uint32_t)(b >> 32)},
                  (uint32_t[]){0x74696E79u, 0x636E6E21u}, block);
    tc_philox4x32(block, (uint32_t[]){(uint32_t)c, (uint32_t)(c >> 32)}, block);
    return (uint64_t)block[1] << 32 | block[0];
}

uint32_t tc_rng_u32(tc_rng *rng) {
    uint32_t lane = (uint32_t)(rng->position & 3);
    if (lane == 0) {
        uint64_t index = rng->position >> 2;
        tc_philox4x32((uint32_t[]){(uint32_t)index, (uint32_t)(index >> 32), (uint32_t)rng->stream,
                                   (uint32_t)(rng->stream >> 32)},
                      (uint32_t[]){(uint32_t)rng->seed, (uint32_t)(rng->seed >> 32)}, rng->block);
    }
    rng->position++;
    return rng->block[lane];
}

float tc_rng_uniform(tc_rng *rng) {
    return (float)(tc_rng_u32(rng) >> 8) * 0x1p-24f;
}

uint32_t tc_rng_below(tc_rng *rng, uint32_t bound) {
    /* Lemire 2019: the high half of a product, redrawn where the low half falls into the uneven rest. */
    uint64_t product = (uint64_t)tc_rng_u32(rng) * bound;
    if ((uint32_t)product < bound) {
        uint32_t rest = (0u - bound) % bound;
        while ((uint32_t)product < rest) product = (uint64_t)tc_rng_u32(rng) * bound;
    }
    return (uint32_t)(product >> 32);
}

float tc_rng_normal(tc_rng *rng) {
    double u = ((double)tc_rng_u32(rng) + 1.0) * 0x1p-32; /* (0, 1]: the logarithm stays finite */
    double v = (double)tc_rng_u32(rng) * 0x1p-32;
    return (float)(sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v));
}

void tc_rng_permutation(tc_rng *rng, uint32_t *out, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        uint32_t j = tc_rng_below(rng, i + 1);
        if (j != i) out[i] = out[j];
        out[j] = i;
    }
}
