/* data.h - a data set as options of a command name it. */
#ifndef TRAIN_DATA_H
#define TRAIN_DATA_H

#include "datasets.h"
#include "options.h"

/* `input`: empty, or channels, height and width, which a folder's pictures are made to; TC_ERR_ARGUMENT for a data set
 * whose pictures have another size of their own, TC_ERR_FORMAT where the name of a class cannot be written down.
 * `data_dir` may be NULL, `threads` 0: all cores. */
tc_status data_open(const char *data, const char *data_dir, int64_t threads, const option_list *input,
                    tc_dataset **dataset);

#endif
