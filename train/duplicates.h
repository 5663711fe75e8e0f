/* duplicates.h - pictures of a data set that are there twice, exactly or nearly. */
#ifndef TRAIN_DUPLICATES_H
#define TRAIN_DUPLICATES_H

#include "datasets.h"

/* Pictures are numbered through: the training pictures, then the test pictures. */
typedef struct duplicate_pair {
    int64_t a, b;    /* a < b */
    bool exact;      /* every byte is the same */
    double likeness; /* correlation of the two at the best shift, 1 for exact ones */
} duplicate_pair;

typedef struct duplicate_list {
    int64_t count;
    duplicate_pair *pairs; /* exact ones first, then by falling likeness */
    bool cut;              /* there were more than DUPLICATES_MAX */
} duplicate_list;

#define DUPLICATES_MAX 100000

/* Exact copies are found by sorting. With `near`, also pairs like each other: of each picture a thumbnail of 8 x 8 with
 * its mean taken away and scaled to norm 1 is compared with all others; pairs whose thumbnails correlate at least 0.95
 * are compared at full size, shifted by up to two pixels, and kept if both the pictures (at least 0.9) and their fine
 * detail, the picture less its blur by 3 x 3 (at least 0.5), correlate: smooth pictures are alike in all but detail.
 * Pictures without contrast (deviation below 2 of 255) are left to the exact comparison. For pictures of 8 x 8 on.
 * `threads` 0: all cores. Free with duplicates_free(). */
tc_status duplicates_find(const tc_dataset *dataset, bool near, int threads, duplicate_list *list);
void duplicates_free(duplicate_list *list);

/* Where a number points to. */
const uint8_t *duplicate_picture(const tc_dataset *dataset, int64_t number);
int duplicate_label(const tc_dataset *dataset, int64_t number);

#endif
