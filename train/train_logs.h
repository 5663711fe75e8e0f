/* train_logs.h - the logs of a run that is being trained: metrics.jsonl, and what was asked for beside it. */
#ifndef TRAIN_TRAIN_LOGS_H
#define TRAIN_TRAIN_LOGS_H

#include "metrics.h"
#include "run_dir.h"
#include "settings.h"

typedef struct train_logs {
    log_file lines, table, events; /* metrics.jsonl, metrics.csv, TensorBoard's; not open where not wanted */
} train_logs;

/* Opens them for appending after the first `lines` epochs, which all of them then hold. */
tc_status train_logs_open(const run_dir *run, const train_settings *settings, int64_t lines,
                          train_logs *logs);
tc_status train_logs_append(train_logs *logs, const metrics *m);
void train_logs_close(train_logs *logs);

#endif
