/* gemm.c - OpenBLAS, one thread at a time.
 *
 * The cores are shared out by our own parallel loops, so BLAS must not start threads of its own: whichever
 * variant is installed (pthread, openmp, serial), it is set to one thread whenever it is found at another
 * number. */
#include "gemm.h"

#include <cblas.h>
#include <pthread.h>

#include "arith.h"
#include "tinycnn/parallel.h"
#include "tinycnn/version.h"

/* The setter is not safe to call from several workers at once in every variant. */
void tci_hold_blas_at_one_thread(void) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    if (openblas_get_num_threads() == 1) return;
    pthread_mutex_lock(&lock);
    if (openblas_get_num_threads() != 1) openblas_set_num_threads(1);
    pthread_mutex_unlock(&lock);
}

void tci_gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const float *a,
              int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc) {
    tci_hold_blas_at_one_thread();
    if (m == 1 && transpose_b) { /* without packing B, of which each element is used once */
        cblas_sgemv(CblasRowMajor, CblasNoTrans, (blasint)n, (blasint)k, 1.0f, b, (blasint)ldb, a,
                    transpose_a ? (blasint)lda : 1, beta, c, 1);
        return;
    }
    cblas_sgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans,
                transpose_b ? CblasTrans : CblasNoTrans, (blasint)m, (blasint)n, (blasint)k, 1.0f, a,
                (blasint)lda, b, (blasint)ldb, beta, c, (blasint)ldc);
}

typedef struct product {
    bool transpose_a, transpose_b;
    int64_t m, n, k;
    const float *a, *b;
    float beta, *c;
    int64_t piece; /* rows or columns of C in a chunk */
} product;

static void gemm_rows(void *context, int64_t chunk, int worker) {
    const product *p = context;
    (void)worker;
    int64_t first = chunk * p->piece, rows = tci_min(p->piece, p->m - first);
    const float *a = p->transpose_a ? p->a + first : p->a + first * p->k;
    tci_gemm(p->transpose_a, p->transpose_b, rows, p->n, p->k, a, p->transpose_a ? p->m : p->k, p->b,
             p->transpose_b ? p->k : p->n, p->beta, p->c + first * p->n, p->n);
}

static void gemm_columns(void *context, int64_t chunk, int worker) {
    const product *p = context;
    (void)worker;
    int64_t first = chunk * p->piece, columns = tci_min(p->piece, p->n - first);
    const float *b = p->transpose_b ? p->b + first * p->k : p->b + first;
    tci_gemm(p->transpose_a, p->transpose_b, p->m, columns, p->k, p->a, p->transpose_a ? p->m : p->k, b,
             p->transpose_b ? p->k : p->n, p->beta, p->c + first, p->n);
}

/* At most 16 pieces of at least 64, in whole multiples of 16. */
static int64_t piece_of(int64_t extent) {
    return tci_max(64, tci_ceil_div(extent, 16 * 16) * 16);
}

void tci_gemm_parallel(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const float *a,
                       const float *b, float beta, float *c, int threads) {
    product p = {transpose_a, transpose_b, m, n, k, a, b, beta, c, 0};
    int64_t extent = m >= n ? m : n;
    p.piece = piece_of(extent);
    tc_parallel_for(threads, tci_ceil_div(extent, p.piece), m >= n ? gemm_rows : gemm_columns, &p);
}

const char *tc_blas_name(void) {
    return openblas_get_config();
}
