/* parallel.c - one OpenMP loop.
 *
 * num_threads is always given: some OpenBLAS builds change OpenMP's default when they are told to use one
 * thread. */
#include "tinycnn/parallel.h"

#include <omp.h>

int tc_threads_available(void) {
    return omp_get_num_procs();
}

void tc_parallel_for(int threads, int64_t chunks, void (*body)(void *context, int64_t chunk, int worker),
                     void *context) {
    if (threads > chunks) threads = (int)chunks;
    if (threads <= 1) {
        for (int64_t chunk = 0; chunk < chunks; chunk++) body(context, chunk, 0);
        return;
    }
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
    for (int64_t chunk = 0; chunk < chunks; chunk++) body(context, chunk, omp_get_thread_num());
}
