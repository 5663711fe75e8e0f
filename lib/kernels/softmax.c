/* softmax.c - log sum exp x = m + log sum exp(x - m) with m the largest: no exponential overflows. */
#include "softmax.h"

#include <math.h>

double tci_log_sum_exp(const float *x, int64_t c) {
    float largest = x[0];
    for (int64_t i = 0; i < c; i++) {
        if (isnan(x[i])) return (double)x[i];
        largest = x[i] > largest ? x[i] : largest;
    }
    if (isinf(largest)) return largest; /* all are -inf, or one is +inf: differences would be NaN */
    double sum = 0.0;
    for (int64_t i = 0; i < c; i++) sum += exp((double)x[i] - (double)largest);
    return (double)largest + log(sum);
}

void tci_log_softmax_row(const float *x, int64_t c, float *y) {
    double norm = tci_log_sum_exp(x, c);
    for (int64_t i = 0; i < c; i++) y[i] = (float)((double)x[i] - norm);
}

void tci_log_softmax_row_backward(const float *y, const float *dy, int64_t c, float *dx, bool accumulate) {
    double sum = 0.0;
    for (int64_t i = 0; i < c; i++) sum += (double)dy[i];
    for (int64_t i = 0; i < c; i++) {
        float value = (float)((double)dy[i] - exp((double)y[i]) * sum);
        dx[i] = accumulate ? dx[i] + value : value;
    }
}
