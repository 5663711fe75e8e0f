/* vector_math.h - GELU, SiLU and their derivatives on vectors, without calls and without branches.
 *
 * Each element's result is a function of that element alone. NaN gives NaN; f(-inf) is 0 (PyTorch gives NaN:
 * -inf * 0) and f(inf) inf. Beyond the range where a function or slope differs from its limit, a mask puts
 * the limit in the place of whatever the formula gave.
 *
 * The polynomials are minimax fits (Lawson's reweighted least squares in double, 4000 Chebyshev points); the
 * errors given are those with the coefficients rounded to float. The functions are within 1.5e-7 max(1, |x|)
 * of the exact ones, their slopes within 2e-7: tests/unit/test_vector_math.c. */
#ifndef TCI_VECTOR_MATH_H
#define TCI_VECTOR_MATH_H

#include "vectors.h"

typedef uint32_t bits __attribute__((vector_size(4 * WIDTH), aligned(4), may_alias));

#define LOG2_E           1.44269504088896341f
#define SQRT_2_OVER_PI   0.79788456080286536f
#define GELU_TANH_FACTOR 0.044715f

ALWAYS_INLINE vector vector_abs(vector v) {
    return (vector)((mask)v & 0x7fffffff);
}

/* v, or 0 where `beyond` holds. */
ALWAYS_INLINE vector vector_unless(mask beyond, vector v) {
    return (vector)((mask)v & ~beyond);
}

/* c[0] + c[1] x + ... + c[degree] x^degree */
ALWAYS_INLINE vector vector_polynomial(vector x, const float *c, int degree) {
    vector p = c[degree] - (vector){0};
    UNROLL
    for (int i = degree - 1; i >= 0; i--) p = p * x + c[i];
    return p;
}

/* 2^y for |y| <= 125, relative error 1.1e-7; any number elsewhere and for NaN. y = n + f with n whole: adding
 * 1.5 2^23 rounds y to n and leaves n in the low bits, from where it goes into the exponent of 2^f. */
ALWAYS_INLINE vector vector_exp2(vector y) {
    static const float c[] = {1.0f,          0.693147004f,   0.240222424f,
                              0.0555073358f, 0.00967151299f, 0.00132647273f};
    vector rounder = y + 0x1.8p23f;
    vector f = y - (rounder - 0x1.8p23f);
    return (vector)((bits)vector_polynomial(f, c, 5) + ((bits)rounder << 23));
}

/* The slope at x from the slope at -|x|: for f(x) - f(-x) = x, as here, they add up to 1 at x and -x. */
ALWAYS_INLINE vector vector_mirrored_slope(vector x, vector below) {
    mask negative = x < 0.0f;
    return (vector)(((mask)below & negative) | ((mask)(1.0f - below) & ~negative));
}

/* gelu(x) = x P(X <= x), X standard normal, = max(0, x) - a P(X <= -a) with a = |x|.
 * P(X <= -a) = 2^(-1 + a q(a)); its error is below 1.9e-8 / max(1, a). */
ALWAYS_INLINE vector vector_gelu(vector x) {
    static const float q[] = {-1.151106f,       -0.459198296f,   -0.0525336117f,  0.00712686498f,
                              -0.000191703453f, -0.00016129388f, 3.37378297e-05f, -2.3349503e-06f};
    vector a = vector_abs(x);
    a = vector_unless(a > 10.0f, a);
    return vector_relu(x) - 0.5f * a * vector_exp2(a * vector_polynomial(a, q, 7));
}

/* gelu'(x) = P(X <= x) + x density(x); gelu'(-a) = exp(-a^2 / 2) r(a) within 3.4e-8. */
ALWAYS_INLINE vector vector_gelu_slope(vector x) {
    static const float r[] = {0.5f,
                              -0.797883451f,
                              0.24997738f,
                              -0.132824913f,
                              0.061965134f,
                              -0.0255248025f,
                              0.00904665794f,
                              -0.00261228834f,
                              0.000571004348f,
                              -8.62694942e-05f,
                              7.87953104e-06f,
                              -3.23844006e-07f};
    vector a = vector_abs(x);
    vector below = vector_exp2(a * a * (-0.5f * LOG2_E)) * vector_polynomial(a, r, 11);
    return vector_mirrored_slope(x, vector_unless(a > 13.0f, below));
}

/* silu(x) = x / (1 + e) with e = exp(-x) */
ALWAYS_INLINE vector vector_silu(vector x) {
    vector y = vector_unless(x < -85.0f, x);
    return y / (1.0f + vector_unless(x > 85.0f, vector_exp2(y * -LOG2_E)));
}

/* silu'(-a) = e s (1 - a s) with e = exp(-a), s = 1 / (1 + e) */
ALWAYS_INLINE vector vector_silu_slope(vector x) {
    vector a = vector_abs(x), e = vector_exp2(a * -LOG2_E), s = 1.0f / (1.0f + e);
    return vector_mirrored_slope(x, vector_unless(a > 85.0f, e * s * (1.0f - a * s)));
}

/* exp(-2 u) with u = sqrt(2 / pi) (x + 0.044715 x^3) */
ALWAYS_INLINE vector vector_gelu_tanh_exp(vector x) {
    const float c = -2.0f * LOG2_E * SQRT_2_OVER_PI;
    return vector_exp2(x * (c + c * GELU_TANH_FACTOR * (x * x)));
}

/* 0.5 x (1 + tanh u) = x / (1 + e) with e = exp(-2 u) */
ALWAYS_INLINE vector vector_gelu_tanh(vector x) {
    vector y = vector_unless(x < -9.5f, x);
    return y / (1.0f + vector_unless(x > 9.5f, vector_gelu_tanh_exp(y)));
}

/* Its slope at -a is e s (1 - a s 2 u') with e = exp(-2 u), s = 1 / (1 + e), u at a. */
ALWAYS_INLINE vector vector_gelu_tanh_slope(vector x) {
    const float c = 2.0f * SQRT_2_OVER_PI;
    vector a = vector_abs(x), e = vector_gelu_tanh_exp(a), s = 1.0f / (1.0f + e);
    vector au = a * (c + 3.0f * c * GELU_TANH_FACTOR * (a * a));
    return vector_mirrored_slope(x, vector_unless(a > 9.5f, e * s * (1.0f - au * s)));
}

#endif
