/* gemm.h - matrix products, the only door to BLAS. Row-major; ld is the distance between rows. */
#ifndef TCI_GEMM_H
#define TCI_GEMM_H

#include <stdbool.h>
#include <stdint.h>

/* C = A B + beta C on the calling thread. op(A) is (m, k): A itself, or its transpose if transpose_a; op(B)
 * is (k, n). */
void tci_gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const float *a,
              int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc);

/* The same for dense matrices, cut along the longer side of C into pieces for `threads` threads. */
void tci_gemm_parallel(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const float *a,
                       const float *b, float beta, float *c, int threads);

/* Before any other call into BLAS or LAPACK. */
void tci_hold_blas_at_one_thread(void);

#endif
