/* vectors.h - the widest vector of the instruction set that this compilation is for, in the compiler's vector extension. */
#ifndef TCI_VECTORS_H
#define TCI_VECTORS_H

#include <stdint.h>
#include <string.h>
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
enum { WIDTH = 16 };
#elif defined(__AVX__)
enum { WIDTH = 8 };
#else
enum { WIDTH = 4 };
#endif

typedef float vector __attribute__((vector_size(4 * WIDTH), aligned(4), may_alias));
typedef int32_t mask __attribute__((vector_size(4 * WIDTH), aligned(4), may_alias));

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* Before a loop whose bounds are constants: arrays that it indexes can then live in registers. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 36")
#endif

/* The first `lanes` floats; the rest is zero, or not stored. Where there are no masked instructions, piece by
 * piece in powers of two: a memcpy of changing length would be a call. */
ALWAYS_INLINE vector load(const float *p, int64_t lanes) {
    if (lanes >= WIDTH) return *(const vector *)p;
#if defined(__AVX512F__)
    return (vector)_mm512_maskz_loadu_ps((__mmask16)((1 << lanes) - 1), p);
#else
    vector v = {0};
    int64_t at = 0;
    UNROLL
    for (int half = WIDTH / 2; half > 0; half /= 2) {
        if (!(lanes & half)) continue;
        memcpy((float *)&v + at, p + at, sizeof(float) * (size_t)half);
        at += half;
    }
    return v;
#endif
}

ALWAYS_INLINE void store(float *p, vector v, int64_t lanes) {
    if (lanes >= WIDTH) {
        *(vector *)p = v;
        return;
    }
#if defined(__AVX512F__)
    _mm512_mask_storeu_ps(p, (__mmask16)((1 << lanes) - 1), (__m512)v);
#else
    int64_t at = 0;
    UNROLL
    for (int half = WIDTH / 2; half > 0; half /= 2) {
        if (!(lanes & half)) continue;
        memcpy(p + at, (float *)&v + at, sizeof(float) * (size_t)half);
        at += half;
    }
#endif
}

/* max(0, v); NaN stays. */
ALWAYS_INLINE vector vector_relu(vector v) {
    return (vector)((mask)v & ~(v < 0.0f));
}

/* Lane by lane: yes where m is all ones, no where it is zero. */
ALWAYS_INLINE vector vector_select(mask m, vector yes, vector no) {
    return (vector)(((mask)yes & m) | ((mask)no & ~m));
}

/* Where v takes the place of the largest so far in a maximum: it is larger, or the first NaN. */
ALWAYS_INLINE mask vector_wins(vector v, vector best) {
    return (v > best) | ((v != v) & (best == best));
}

#endif
