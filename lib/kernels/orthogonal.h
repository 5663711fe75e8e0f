/* orthogonal.h - the orthogonal matrix next to a given one, nearly. */
#ifndef TCI_ORTHOGONAL_H
#define TCI_ORTHOGONAL_H

#include <stdint.h>

/* x (rows, columns), rows <= columns: x / (|x| + 1e-7), then `steps` of Newton and Schulz. Returns where the result
 * lies, x itself or within scratch, which holds tci_orthogonal_scratch(rows, columns) floats. Zeros stay zeros. */
float *tci_orthogonal(float *x, int64_t rows, int64_t columns, int steps, float *scratch, int threads);
int64_t tci_orthogonal_scratch(int64_t rows, int64_t columns);

#endif
