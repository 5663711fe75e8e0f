/* test_vector_math.c - the smooth activations of the vector kernels beside the same functions in double.
 *
 * An error is |difference| / max(1, |x|) of a function, and |difference| of a slope. TC_VERBOSE=1 prints the
 * largest. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "activation.h"
#include "suite.h"

static const double sqrt_half = 0.70710678118654752, inv_sqrt_2pi = 0.39894228040143268,
                    sqrt_2_over_pi = 0.79788456080286536;

static double gelu(double x) {
    return x * 0.5 * erfc(-x * sqrt_half);
}

static double gelu_slope(double x) {
    return 0.5 * erfc(-x * sqrt_half) + x * inv_sqrt_2pi * exp(-0.5 * x * x);
}

static double gelu_tanh(double x) {
    return x / (1 + exp(-2 * sqrt_2_over_pi * (x + 0.044715 * x * x * x)));
}

static double gelu_tanh_slope(double x) {
    double e = exp(-2 * sqrt_2_over_pi * (x + 0.044715 * x * x * x)), s = 1 / (1 + e);
    return e > 1e100 ? 0 : s + x * s * s * e * 2 * sqrt_2_over_pi * (1 + 3 * 0.044715 * x * x);
}

static double silu(double x) {
    return x / (1 + exp(-x));
}

static double silu_slope(double x) {
    double e = exp(-x), s = 1 / (1 + e);
    return e > 1e100 ? 0 : s + x * s * s * e;
}

typedef void forward(const float *x, float *y, int64_t n);
typedef void backward(const float *x, const float *dy, float *dx, int64_t n, bool accumulate);

typedef struct activation {
    const char *name;
    forward *f;
    backward *b;
    double (*exact)(double), (*exact_slope)(double);
} activation;

enum { ACTIVATIONS = 3 };

static activation activation_of(int i) {
    const tci_activation *k = tci_activation_get();
    return (const activation[ACTIVATIONS]){
        {"gelu", k->gelu, k->gelu_backward, gelu, gelu_slope},
        {"gelu_tanh", k->gelu_tanh, k->gelu_tanh_backward, gelu_tanh, gelu_tanh_slope},
        {"silu", k->silu, k->silu_backward, silu, silu_slope},
    }[i];
}

/* Evenly over -16 .. 16 and -128 .. 128, then both signs of 64 numbers in every binade down to the denormals. */
enum { EVEN = 1 << 19, BINADES = 276, SWEEP = 2 * EVEN + 2 * 64 * BINADES };

static float sweep(int i) {
    if (i < EVEN) return (float)(i - EVEN / 2) * (32.0f / EVEN);
    if (i < 2 * EVEN) return (float)(i - EVEN - EVEN / 2) * (256.0f / EVEN);
    int k = (i - 2 * EVEN) / 2;
    float x = ldexpf(1 + (float)(k % 64) / 64, k / 64 - 148);
    return i % 2 ? -x : x;
}

START_TEST(is_the_function_in_double_to_the_last_places) {
    activation a = activation_of(_i);
    float *x = malloc(sizeof(float) * SWEEP), *y = malloc(sizeof(float) * SWEEP);
    float *ones = malloc(sizeof(float) * SWEEP), *slope = malloc(sizeof(float) * SWEEP);
    for (int i = 0; i < SWEEP; i++) x[i] = sweep(i), ones[i] = 1.0f;
    a.f(x, y, SWEEP);
    a.b(x, ones, slope, SWEEP, false);
    double worst = 0, worst_slope = 0;
    float at = 0, slope_at = 0;
    for (int i = 0; i < SWEEP; i++) {
        double error = fabs((double)y[i] - a.exact((double)x[i])) / fmax(1.0, fabs((double)x[i]));
        double slope_error = fabs((double)slope[i] - a.exact_slope((double)x[i]));
        if (!(error <= worst)) worst = error, at = x[i];
        if (!(slope_error <= worst_slope)) worst_slope = slope_error, slope_at = x[i];
    }
    if (getenv("TC_VERBOSE"))
        printf("%s: error %.2g at %g; of the slope %.2g at %g\n", a.name, worst, (double)at, worst_slope,
               (double)slope_at);
    ck_assert_double_le(worst, 1.5e-7);
    ck_assert_double_le(worst_slope, 2e-7);
    free(x), free(y), free(ones), free(slope);
}
END_TEST

static float value_at(const activation *a, float x) {
    float y;
    a->f(&x, &y, 1);
    return y;
}

static float slope_at(const activation *a, float x) {
    float one = 1.0f, dx;
    a->b(&x, &one, &dx, 1, false);
    return dx;
}

START_TEST(has_its_limits_and_hands_nan_on) {
    activation a = activation_of(_i);
    ck_assert_float_eq(value_at(&a, 0.0f), 0.0f);
    ck_assert_float_eq(slope_at(&a, 0.0f), 0.5f);
    ck_assert_float_eq(value_at(&a, INFINITY), INFINITY);
    ck_assert_float_eq(value_at(&a, FLT_MAX), FLT_MAX);
    ck_assert_float_eq(slope_at(&a, INFINITY), 1.0f);
    ck_assert_float_eq(slope_at(&a, FLT_MAX), 1.0f);
    ck_assert_float_eq(value_at(&a, -INFINITY), 0.0f);
    ck_assert_float_eq(value_at(&a, -FLT_MAX), 0.0f);
    ck_assert_float_eq(slope_at(&a, -INFINITY), 0.0f);
    ck_assert_float_eq(slope_at(&a, -FLT_MAX), 0.0f);
    for (uint32_t sign = 0; sign < 2; sign++) {
        for (uint32_t payload = 0; payload < 1u << 22; payload += payload < 1024 ? 1 : 12345) {
            uint32_t bits = sign << 31 | 0x7fc00000u | payload;
            float nan;
            memcpy(&nan, &bits, sizeof nan);
            if (!isnan(value_at(&a, nan)) || !isnan(slope_at(&a, nan)))
                ck_abort_msg("%s of the NaN %#x is a number", a.name, bits);
        }
    }
}
END_TEST

START_TEST(an_element_does_not_depend_on_its_place) {
    enum { N = 77, AROUND = 20 };
    activation a = activation_of(_i);
    float x[N], dy[N], whole[N], whole_back[N], part[N + AROUND], back[N + AROUND];
    for (int i = 0; i < N; i++) x[i] = sinf((float)i) * 4, dy[i] = cosf((float)i * 3);
    for (int accumulate = 0; accumulate < 2; accumulate++) {
        for (int i = 0; i < N; i++) whole_back[i] = (float)i;
        a.f(x, whole, N);
        a.b(x, dy, whole_back, N, accumulate);
        for (int first = 0; first < N; first++) {
            for (int n = 0; first + n <= N; n++) {
                for (int i = 0; i < n + AROUND; i++) part[i] = back[i] = (float)(first + i);
                a.f(x + first, part, n);
                a.b(x + first, dy + first, back, n, accumulate);
                ck_assert(memcmp(part, whole + first, sizeof(float) * (size_t)n) == 0);
                ck_assert(memcmp(back, whole_back + first, sizeof(float) * (size_t)n) == 0);
                for (int i = n; i < n + AROUND; i++)
                    if (part[i] != (float)(first + i) || back[i] != (float)(first + i))
                        ck_abort_msg("element %d of %d was written", i, n);
            }
        }
    }
}
END_TEST

static void add(TCase *tests) {
    tcase_add_loop_test(tests, is_the_function_in_double_to_the_last_places, 0, ACTIVATIONS);
    tcase_add_loop_test(tests, has_its_limits_and_hands_nan_on, 0, ACTIVATIONS);
    tcase_add_loop_test(tests, an_element_does_not_depend_on_its_place, 0, ACTIVATIONS);
}

int main(void) {
    return suite_main("vector_math", add);
}
