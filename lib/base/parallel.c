/* parallel.c - one OpenMP loop.
 *
 * num_threads is always given: some OpenBLAS builds change OpenMP's default when they are told to use one
 * thread. Workers take the next chunk themselves: for schedule(dynamic) LLVM's runtime allocates at every
 * loop. */
#include "tinycnn/parallel.h"

#include <omp.h>
#include <stdatomic.h>

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
    atomic_int_fast64_t next = 0;
#pragma omp parallel num_threads(threads)
    for (int64_t chunk; (chunk = atomic_fetch_add_explicit(&next, 1, memory_order_relaxed)) < chunks;)
        body(context, chunk, omp_get_thread_num());
}
