/* statistics.c - mean = sum x / n, deviation^2 = sum (x - mean)^2 / (n - 1), half = t(n - 1) deviation / sqrt(n) with
 * the 97.5% quantile t of Student's distribution. */
#include "statistics.h"

#include <math.h>

/* From the usual table up to 10 degrees of freedom; beyond, the expansion in 1 / degrees about the normal quantile
 * (Abramowitz and Stegun 26.7.5), which is right to four digits there. */
static double quantile(int degrees) {
    static const double few[] = {12.7062, 4.3027, 3.1824, 2.7764, 2.5706,
                                 2.4469,  2.3646, 2.3060, 2.2622, 2.2281};
    if (degrees <= 10) return few[degrees - 1];
    const double z = 1.959964, n = degrees;
    double first = (pow(z, 3) + z) / 4;
    double second = (5 * pow(z, 5) + 16 * pow(z, 3) + 3 * z) / 96;
    double third = (3 * pow(z, 7) + 19 * pow(z, 5) + 17 * pow(z, 3) - 15 * z) / 384;
    return z + first / n + second / (n * n) + third / (n * n * n);
}

statistics statistics_of(const double *values, int count) {
    double sum = 0, squares = 0;
    for (int i = 0; i < count; i++) sum += values[i];
    double mean = sum / count;
    for (int i = 0; i < count; i++) squares += (values[i] - mean) * (values[i] - mean);
    statistics s = {.count = count, .mean = mean, .deviation = NAN, .half = NAN};
    if (count < 2) return s;
    s.deviation = sqrt(squares / (count - 1));
    s.half = quantile(count - 1) * s.deviation / sqrt(count);
    return s;
}
