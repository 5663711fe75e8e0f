/* pictures.h - golden tensors (N, C, H, W) as the data sets' room keeps pictures: (N, H, W, C). */
#ifndef TC_TEST_PICTURES_H
#define TC_TEST_PICTURES_H

#include "golden.h"

/* The values of a tensor that is there whole, channels last; free() gives them back. */
float *picture_of(const golden_tensor *tensor);

/* Fails the test unless `picture` (N, H, W, C) is the case's array `name`, within `tolerance` of its largest value. */
void check_picture(const golden_case *golden, const char *name, const float *picture, double tolerance);

#endif
