/* run_log.h - a run's folder as it is, whole or not: settings, epochs, how it stands. */
#ifndef TRAIN_RUN_LOG_H
#define TRAIN_RUN_LOG_H

#include <jansson.h>

#include "metrics.h"
#include "run_dir.h"
#include "train_state.h"

typedef struct run_log {
    run_dir run;
    char name[64];   /* the last part of the path */
    json_t *config;  /* an object */
    int count;       /* epochs */
    metrics *epochs; /* NaN where a number is missing */
    int skipped;     /* lines that are no epoch: a last one half written, say */
    bool running;    /* a process trains it now */
    bool has_state;  /* last.safetensors is there and can be read */
    train_state state;
} run_log;

/* TC_ERR_IO, TC_ERR_FORMAT where `path` is no folder of a run: no config.json, or one that is no JSON object. All else
 * may be missing. Free with run_log_free(), also after a failure. */
tc_status run_log_open(const char *path, run_log *log);
void run_log_free(run_log *log);

/* "finished", "running", "stopped after epoch 3", ... in a buffer of the caller's. */
const char *run_log_standing(const run_log *log, char text[96]);

/* A setting as text; "" where it is not there. */
const char *run_log_setting(const run_log *log, const char *name, char *text, size_t size);

#endif
