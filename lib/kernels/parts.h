/* parts.h - long sums, the same bits on any number of threads.
 *
 * The items 0 .. count-1 of a sum are cut into a number of parts that depends on the shapes alone. Each part
 * is summed on its own, in order; then the parts are added in order. */
#ifndef TCI_PARTS_H
#define TCI_PARTS_H

#include <stdbool.h>
#include <stdint.h>

/* How many parts a sum of `items` items into `floats` numbers is cut into: at most 16, fewer where the parts
 * themselves would be costly to hold and to add. */
int64_t tci_parts(int64_t items, int64_t floats);

/* Part p takes the items [p * items / parts, (p + 1) * items / parts). */
static inline int64_t tci_part_begin(int64_t items, int64_t parts, int64_t p) {
    return p * items / parts;
}

/* total[i] (+)= the sum over p of parts[p * n + i]. */
void tci_parts_sum(const float *parts, int64_t count, int64_t n, float *total, bool accumulate, int threads);

/* sums (C) (+)= the column sums of x (rows, C); scratch holds tci_column_sums_scratch() floats. */
int64_t tci_column_sums_scratch(int64_t rows, int64_t c);
void tci_column_sums(const float *x, int64_t rows, int64_t c, float *sums, bool accumulate, float *scratch,
                     int threads);

#endif
