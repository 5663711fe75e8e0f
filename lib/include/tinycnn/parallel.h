/* parallel.h - the one place where threads are made.
 *
 * Work is cut into `chunks` whose number must depend on the size of the work alone, never on the number of
 * threads: then a result that is assembled chunk by chunk in a fixed order has the same bits on 1 thread and
 * on 64. */
#ifndef TINYCNN_PARALLEL_H
#define TINYCNN_PARALLEL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Cores that this process may use. */
int tc_threads_available(void);

/* Calls body(context, chunk, worker) once for every chunk in [0, chunks); calls on different workers run side
 * by side. 0 <= worker < threads: two calls with the same worker never overlap, so worker may choose a
 * scratch buffer. */
void tc_parallel_for(int threads, int64_t chunks, void (*body)(void *context, int64_t chunk, int worker),
                     void *context);

#ifdef __cplusplus
}
#endif
#endif
