/* nets.h - nets for tests of what reads or writes a whole net. */
#ifndef TESTS_NETS_H
#define TESTS_NETS_H

#include "models.h"

/* 0: a net with every layer that there is, and odd windows; then those of models/. */
enum { SAMPLE_NETS = 6 };

/* `shape` (N = 1, C, H, W) is that of its pictures. NULL: tc_last_error() tells why. */
tc_model *sample_net(int which, int64_t shape[4]);

/* `n` pictures of normal random numbers, the tape's. */
tc_tensor *sample_pictures(tc_tape *tape, int64_t n, const int64_t shape[4]);

#endif
