/* tensorboard.h - an event file as TensorBoard reads it: numbers under tags, at steps. */
#ifndef TRAIN_TENSORBOARD_H
#define TRAIN_TENSORBOARD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef struct tensorboard_scalar {
    const char
        *tag; /* "loss/train": TensorBoard shows those with one beginning side by side; under 64 bytes */
    float value;
} tensorboard_scalar;

enum { TENSORBOARD_SCALARS = 16 };

/* The record that an event file begins with. `wall_time`: seconds since 1970. Failures are left in ferror(file). */
void tensorboard_begin(FILE *file, double wall_time);
/* One record of up to TENSORBOARD_SCALARS numbers. */
void tensorboard_append(FILE *file, double wall_time, int64_t step, const tensorboard_scalar *scalars,
                        int count);
/* Leaves the file behind its first `records` records; false where there are fewer. */
bool tensorboard_skip(FILE *file, int64_t records);

#endif
