/* moments.h - mean and variance of each channel, gathered in parts while the values are at hand.
 *
 * A part holds, for each channel, how its values lie around some number `shift` near their mean: sums around
 * a far-away number would cancel. */
#ifndef TCI_MOMENTS_H
#define TCI_MOMENTS_H

#include <stdint.h>

typedef struct tci_moments {
    int64_t parts, c;
    int64_t *count;               /* (parts): values in a part */
    float *shift, *sum, *squares; /* (parts, C): shift; sum of x - shift; sum of (x - shift)^2 */
} tci_moments;

/* Mean and variance (of the population) of channel k over all parts, which meet in double and in order (Chan,
 * Golub, LeVeque 1979). */
static inline void tci_moments_of(const tci_moments *m, int64_t k, double *mean, double *variance) {
    double count = 0.0, m2 = 0.0;
    *mean = 0.0;
    for (int64_t p = 0; p < m->parts; p++) {
        int64_t at = p * m->c + k;
        if (m->count[p] == 0) continue;
        double n = (double)m->count[p], rest = (double)m->sum[at];
        double delta = (double)m->shift[at] + rest / n - *mean;
        *mean += delta * n / (count + n);
        m2 += (double)m->squares[at] - rest * rest / n + delta * delta * count * n / (count + n);
        count += n;
    }
    *variance = m2 / count;
}

#endif
