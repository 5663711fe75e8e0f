/* eigen.c - a = V^T diag(values) V by LAPACK's dsyev, which OpenBLAS brings along: Householder reflections make the
 * matrix tridiagonal, implicit QR makes that diagonal. LAPACK stores by columns: its upper triangle is our lower
 * one, and its eigenvectors, columns there, are rows here. */
#include "eigen.h"

#include <limits.h>

#include "gemm.h"

/* Fortran: everything by address, and the lengths of texts at the end. */
void dsyev_(const char *job, const char *triangle, const int *n, double *a, const int *lda, double *values,
            double *work, const int *work_size, int *info, size_t job_length, size_t triangle_length);

/* 3 n are needed; with 32 rows at a time it works in blocks. */
size_t tci_eigen_work(int n) {
    return 34 * (size_t)n;
}

bool tci_eigen(int n, double *a, double *values, double *work) {
    size_t room = tci_eigen_work(n);
    int work_size = room < INT_MAX ? (int)room : INT_MAX, info = 0;
    tci_hold_blas_at_one_thread();
    dsyev_("V", "U", &n, a, &n, values, work, &work_size, &info, 1, 1);
    return info == 0;
}
