/* saved_net.h - a net read from a checkpoint alone, ready for inference. */
#ifndef TRAIN_SAVED_NET_H
#define TRAIN_SAVED_NET_H

#include "datasets.h"
#include "description.h"

/* TC_ERR_FORMAT where the file is no checkpoint of this program, each time with the file's name. `model` is frozen;
 * free it with tc_model_free(), and `about` with described_free(), also after a failure. */
tc_status saved_net_open(const char *path, described *about, tc_model **model);

/* A data set for the net in `path`; pictures of a folder are made to its size. TC_ERR_SHAPE, with what differs, unless
 * pictures and classes are those of the net. `data` and `data_dir` as in tc_dataset_open(). */
tc_status saved_net_dataset(const char *path, const described *about, const char *data, const char *data_dir,
                            int64_t threads, tc_dataset **dataset);

#endif
