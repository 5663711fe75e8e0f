/* tensorboard.h - an event file, which TensorBoard finds by its name and draws as it grows. */
#ifndef TRAIN_TENSORBOARD_H
#define TRAIN_TENSORBOARD_H

#include "metrics.h"

/* Opens the event file of this program in `folder`, or makes one, and brings it in step with the list: records of its
 * epochs stay as they are, what is behind them or damaged is cut off, what is missing is added. */
tc_status tensorboard_open(const char *folder, const metrics_list *list, log_file *file);

/* Appends the scalars of an epoch, by their tags; what is not finite is left out. */
tc_status tensorboard_append(log_file *file, const metrics *m);

/* The checksum of the format: CRC-32C (Castagnoli; RFC 3720, appendix B.4), not masked. */
uint32_t tensorboard_crc32c(const void *bytes, size_t size);

#endif
