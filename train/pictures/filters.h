/* filters.h - what a convolution looks for, and what it answered, as pictures. */
#ifndef PICTURES_FILTERS_H
#define PICTURES_FILTERS_H

#include "grid.h"

/* The filters of the first convolution of a model on one sheet, each on a scale of its own with 0 in the middle: in
 * colour where they read three channels, else a plane for each channel. At most `most` filters are shown (0: all);
 * the title says how many there are. TC_ERR_STATE where the model has no convolution. */
tc_status filters_draw(tc_model *model, int most, image *sheet);

/* One filter (C, KH, KW) of a weight, its largest absolute value at the ends of the scale. */
tc_status filter_image(const tc_tensor *weight, int64_t filter, image *out);

/* The planes of picture `n` of a layer's result (N, C, H, W), at most `most` of them, all on one scale from the least
 * to the largest value; where values of both signs occur 0 is the middle of a diverging scale. `title` may be NULL. */
tc_status planes_draw(const tc_tensor *result, int64_t n, int most, const char *title, image *sheet);

#endif
