/* profile.h - where the time of a training step goes: a row a layer. */
#ifndef TRAIN_PROFILE_H
#define TRAIN_PROFILE_H

#include "tinycnn.h"

enum { PROFILE_ROWS = 512 };

typedef struct profile_row {
    const char *where, *op;   /* path of the layer; operation */
    double forward, backward; /* seconds in all steps */
    double multiply_adds;     /* of one picture, forward; 0 where there are none worth counting */
} profile_row;

typedef struct profile {
    profile_row rows[PROFILE_ROWS];
    int count;
    double steps, seconds; /* whole training steps, with what is not an operation (optimiser, zeroing) */
} profile;

/* The observer for tc_tape_observe(); its context is a profile. */
void profile_observe(void *context, const char *op, const char *where, bool backward, double seconds);
/* Takes the multiply-adds of the model's layers for pictures of `shape` (1, C, H, W). */
tc_status profile_take_work(profile *p, tc_model *model, const int64_t shape[4]);
/* GFLOP/s of a large matrix product of this library on so many threads: the median of a few. */
double profile_gemm_rate(int threads);
void profile_print(const profile *p, int64_t batch, double gemm_rate);

#endif
