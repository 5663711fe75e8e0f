/* csv_log.h - metrics.csv: what metrics.jsonl holds, as a table. */
#ifndef TRAIN_CSV_LOG_H
#define TRAIN_CSV_LOG_H

#include "metrics.h"

/* Makes the file anew with a header and a row for each epoch of the list, and opens it for appending. */
tc_status csv_log_open(const char *path, const metrics_list *list, log_file *file);
tc_status csv_log_append(log_file *file, const metrics *m);

#endif
