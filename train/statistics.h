/* statistics.h - what a few figures say about the many that could have been. */
#ifndef TRAIN_STATISTICS_H
#define TRAIN_STATISTICS_H

typedef struct statistics {
    int count;
    double mean;
    double deviation; /* of the figures, with count - 1; NaN for one figure */
    double half;      /* half the 95% confidence interval of the mean, by Student's t; NaN for one figure */
} statistics;

statistics statistics_of(const double *values, int count);

#endif
