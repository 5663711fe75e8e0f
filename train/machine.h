/* machine.h - what a run was computed on, for its config.json and for reports. */
#ifndef TRAIN_MACHINE_H
#define TRAIN_MACHINE_H

#include <jansson.h>

/* An object of strings and numbers: processor, cores (that this process may use), memory_mb, system, kernels, blas.
 * NULL if memory is short. */
json_t *machine_describe(void);

#endif
