/* eigen.h - eigenvectors of symmetric matrices, the only door to LAPACK. */
#ifndef TCI_EIGEN_H
#define TCI_EIGEN_H

#include <stdbool.h>
#include <stddef.h>

/* a (n, n), symmetric, of which the lower triangle is read, becomes the matrix whose rows are its eigenvectors of
 * length 1, in order of their rising eigenvalues, values (n). work holds tci_eigen_work(n) numbers. False if the
 * iteration does not converge. */
bool tci_eigen(int n, double *a, double *values, double *work);
size_t tci_eigen_work(int n);

#endif
