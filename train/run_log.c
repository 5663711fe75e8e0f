/* run_log.c - reads leniently what may be in the middle of being written. */
#include "run_log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "folder.h"

static tc_status read_epochs(run_log *log) {
    metrics_list list;
    tc_status status = metrics_read(log->run.metrics, &list);
    log->count = list.count;
    log->epochs = list.epochs;
    log->skipped = list.skipped;
    return status;
}

tc_status run_log_open(const char *path, run_log *log) {
    struct stat info;
    *log = (run_log){0};
    TC_TRY(run_dir_name(path, &log->run));
    folder_last_name(path, log->name, sizeof log->name);
    if (stat(path, &info) != 0) return tc_fail(TC_ERR_IO, "%s: %s", path, strerror(errno));
    if (!S_ISDIR(info.st_mode))
        return tc_fail(TC_ERR_FORMAT, "%s: is not a folder, expected that of a run", path);
    if (access(log->run.config, F_OK) != 0)
        return tc_fail(TC_ERR_FORMAT, "%s: holds no run: there is no config.json", path);
    TC_TRY(config_load(log->run.config, &log->config));
    if (!json_is_object(log->config)) return tc_fail(TC_ERR_FORMAT, "%s: is no JSON object", log->run.config);
    TC_TRY(read_epochs(log));
    log->running = run_dir_is_locked(&log->run);
    log->has_state =
        access(log->run.last, F_OK) == 0 && train_state_read(log->run.last, &log->state) == TC_OK;
    return TC_OK;
}

void run_log_free(run_log *log) {
    json_decref(log->config);
    free(log->epochs);
    log->config = NULL;
    log->epochs = NULL;
    log->count = 0;
}

const char *run_log_standing(const run_log *log, char text[96]) {
    int epochs = log->count ? (int)log->epochs[log->count - 1].epoch : 0;
    if (log->has_state && log->state.finished)
        snprintf(text, 96, "finished");
    else if (log->running)
        snprintf(text, 96, "running, %d epoch%s done", epochs, epochs == 1 ? "" : "s");
    else if (log->has_state)
        snprintf(text, 96, "stopped after %d epoch%s, can be resumed", epochs, epochs == 1 ? "" : "s");
    else
        snprintf(text, 96, "stopped before anything was saved");
    return text;
}

const char *run_log_setting(const run_log *log, const char *name, char *text, size_t size) {
    const json_t *value = json_object_get(log->config, name);
    text[0] = '\0';
    if (json_is_string(value)) {
        snprintf(text, size, "%s", json_string_value(value));
    } else if (value && !json_is_null(value)) {
        char *dumped = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(9));
        snprintf(text, size, "%s", dumped ? dumped : "");
        free(dumped);
    }
    return text;
}
