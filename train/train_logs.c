/* train_logs.c - metrics.jsonl goes first: the others are brought in step with it whenever a run is taken up. */
#include "train_logs.h"

#include "csv_log.h"
#include "tensorboard.h"

static tc_status open_others(const run_dir *run, const train_settings *settings, train_logs *logs) {
    metrics_list list;
    tc_status status = metrics_read(run->metrics, &list);
    if (status == TC_OK && settings->csv) status = csv_log_open(run->table, &list, &logs->table);
    if (status == TC_OK && settings->tensorboard) status = tensorboard_open(run->path, &list, &logs->events);
    metrics_list_free(&list);
    return status;
}

tc_status train_logs_open(const run_dir *run, const train_settings *settings, int64_t lines,
                          train_logs *logs) {
    *logs = (train_logs){0};
    TC_TRY(metrics_open(run->metrics, lines, &logs->lines));
    tc_status status = settings->csv || settings->tensorboard ? open_others(run, settings, logs) : TC_OK;
    if (status != TC_OK) train_logs_close(logs);
    return status;
}

tc_status train_logs_append(train_logs *logs, const metrics *m) {
    TC_TRY(metrics_append(&logs->lines, m));
    if (log_file_is_open(&logs->table)) TC_TRY(csv_log_append(&logs->table, m));
    return log_file_is_open(&logs->events) ? tensorboard_append(&logs->events, m) : TC_OK;
}

void train_logs_close(train_logs *logs) {
    log_file_close(&logs->lines);
    log_file_close(&logs->table);
    log_file_close(&logs->events);
}
