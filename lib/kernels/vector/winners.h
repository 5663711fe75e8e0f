/* winners.h - 2 x 2 max pooling: the largest of four and its number, 0 to 3, kept in a byte. */
#ifndef TCI_WINNERS_H
#define TCI_WINNERS_H

#include "vectors.h"

typedef uint8_t bytes __attribute__((vector_size(WIDTH), aligned(1), may_alias));

ALWAYS_INLINE mask load_winners(const uint8_t *p, int64_t lanes) {
    bytes b = {0};
    if (lanes >= WIDTH)
        b = *(const bytes *)p;
    else
        memcpy(&b, p, (size_t)lanes);
    return __builtin_convertvector(b, mask);
}

ALWAYS_INLINE void store_winners(uint8_t *p, mask winners, int64_t lanes) {
    bytes b = __builtin_convertvector(winners, bytes);
    if (lanes >= WIDTH)
        *(bytes *)p = b;
    else
        memcpy(p, &b, (size_t)lanes);
}

/* Of equal ones the first. */
ALWAYS_INLINE vector vector_max_of_four(const vector *v, mask *winner) {
    vector best = v[0];
    *winner = (mask){0};
    UNROLL
    for (int i = 1; i < 4; i++) {
        mask wins = vector_wins(v[i], best);
        best = vector_select(wins, v[i], best);
        *winner = (*winner & ~wins) | (wins & i);
    }
    return best;
}

#endif
