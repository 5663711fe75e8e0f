/* saved_net.h - a net read from a checkpoint alone, ready for inference. */
#ifndef TRAIN_SAVED_NET_H
#define TRAIN_SAVED_NET_H

#include "datasets.h"
#include "description.h"

/* TC_ERR_FORMAT where the file is no checkpoint of this program, each time with the file's name. `model` is frozen;
 * free it with tc_model_free(), and `about` with described_free(), also after a failure. */
tc_status saved_net_open(const char *path, described *about, tc_model **model);

/* TC_ERR_SHAPE, with what differs, unless the data set's pictures and classes are those of the net in `path`. */
tc_status saved_net_fits(const char *path, const described *about, const tc_dataset *dataset);

#endif
