/* run_dir.c - one run, one folder, never overwritten. */
#include "run_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "folder.h"

tc_status run_dir_name(const char *path, run_dir *run) {
    if (!*path || strlen(path) >= RUN_PATH_MAX)
        return tc_fail(TC_ERR_ARGUMENT, "run folder: a path of %zu bytes, expected 1 to %d", strlen(path),
                       RUN_PATH_MAX - 1);
    snprintf(run->path, sizeof run->path, "%s", path);
    snprintf(run->config, sizeof run->config, "%s/config.json", path);
    snprintf(run->metrics, sizeof run->metrics, "%s/metrics.jsonl", path);
    snprintf(run->table, sizeof run->table, "%s/metrics.csv", path);
    snprintf(run->last, sizeof run->last, "%s/last.safetensors", path);
    snprintf(run->best, sizeof run->best, "%s/best.safetensors", path);
    return TC_OK;
}

static tc_status create_named(const char *path, run_dir *run) {
    TC_TRY(run_dir_name(path, run));
    TC_TRY(folder_make(path));
    if (access(run->config, F_OK) == 0)
        return tc_fail(TC_ERR_STATE,
                       "%s: holds a run already; --resume goes on with it, --out names another folder", path);
    return TC_OK;
}

tc_status run_dir_create(const char *out, const char *model, run_dir *run) {
    if (out) return create_named(out, run);
    char stamp[32], path[256];
    time_t now = time(NULL);
    struct tm local;
    strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", localtime_r(&now, &local));
    snprintf(path, sizeof path, "runs/%s-%.100s", stamp, model);
    TC_TRY(folder_make("runs"));
    for (int i = 2; mkdir(path, 0777) != 0; i++) {
        if (errno != EEXIST || i > 100) return tc_fail(TC_ERR_IO, "%s: %s", path, strerror(errno));
        snprintf(path, sizeof path, "runs/%s-%.100s-%d", stamp, model, i);
    }
    return run_dir_name(path, run);
}

static int open_folder(const run_dir *run) {
    return open(run->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

tc_status run_dir_lock(const run_dir *run, int *lock) {
    *lock = open_folder(run);
    if (*lock < 0) return tc_fail(TC_ERR_IO, "%s: %s", run->path, strerror(errno));
    if (flock(*lock, LOCK_EX | LOCK_NB) == 0) return TC_OK;
    bool taken = errno == EWOULDBLOCK;
    close(*lock);
    *lock = -1;
    return taken ? tc_fail(TC_ERR_STATE, "%s: another process trains this run", run->path) : TC_OK;
}

void run_dir_unlock(int lock) {
    if (lock >= 0) close(lock);
}

bool run_dir_is_locked(const run_dir *run) {
    int folder = open_folder(run);
    bool locked = folder >= 0 && flock(folder, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (folder >= 0) close(folder);
    return locked;
}
