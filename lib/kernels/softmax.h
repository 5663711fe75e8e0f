/* softmax.h - one row of logits. Exponentials and their sum are in double: a row is short, and a loss that is
 * compared to 1e-5 deserves it. */
#ifndef TCI_SOFTMAX_H
#define TCI_SOFTMAX_H

#include <stdbool.h>
#include <stdint.h>

/* log(sum of exp(x[i])) of c logits, without overflow; NaN if one of them is NaN. */
double tci_log_sum_exp(const float *x, int64_t c);

/* y[i] = x[i] - log_sum_exp(x) */
void tci_log_softmax_row(const float *x, int64_t c, float *y);
/* dx[i] = dy[i] - exp(y[i]) sum of dy, or += it */
void tci_log_softmax_row_backward(const float *y, const float *dy, int64_t c, float *dx, bool accumulate);

#endif
