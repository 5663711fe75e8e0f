/* run_dir.h - the folder of a run: config.json, metrics.jsonl, last.safetensors, best.safetensors, and other logs
 * if they are asked for. */
#ifndef TRAIN_RUN_DIR_H
#define TRAIN_RUN_DIR_H

#include <stdbool.h>

#include "tinycnn.h"

#define RUN_PATH_MAX 4096

typedef struct run_dir {
    char path[RUN_PATH_MAX];
    char config[RUN_PATH_MAX + 32], metrics[RUN_PATH_MAX + 32], table[RUN_PATH_MAX + 32];
    char last[RUN_PATH_MAX + 32], best[RUN_PATH_MAX + 32];
} run_dir;

/* Makes the folder, with its parents; `out` NULL: "runs/<time>-<model>", made unique. A folder that holds a
 * run already (has a config.json) is refused. */
tc_status run_dir_create(const char *out, const char *model, run_dir *run);

/* The names alone. */
tc_status run_dir_name(const char *path, run_dir *run);

/* Holds the folder as long as *lock is open or the process lives: nobody else can train there. TC_ERR_STATE where
 * another process does; where the file system knows no locks, *lock is -1 and all is well. */
tc_status run_dir_lock(const run_dir *run, int *lock);
void run_dir_unlock(int lock);
bool run_dir_is_locked(const run_dir *run);

#endif
