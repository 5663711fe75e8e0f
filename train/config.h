/* config.h - config.json: the settings of a run, complete, as a JSON object with one member an option, and "machine",
 * which is read by nobody but people and reports. */
#ifndef TRAIN_CONFIG_H
#define TRAIN_CONFIG_H

#include <jansson.h>

#include "options.h"

/* TC_ERR_ARGUMENT where a text is not UTF-8, as JSON is. */
tc_status config_check(const option *options, const void *settings);

/* Options of SCOPE_START are left out. */
tc_status config_write(const char *path, const option *options, const void *settings);

/* The file as JSON; free with json_decref() after the settings that were read from it. */
tc_status config_load(const char *path, json_t **config);

/* An option that the file does not name gets its default; a name that is no option's is an error. Texts point into `config`. TC_ERR_FORMAT begins with
 * `path`, where `config` came from. */
tc_status config_read(const char *path, json_t *config, const option *options, void *settings);

#endif
