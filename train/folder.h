/* folder.h - folders that commands write into, and what things in folders are called. */
#ifndef TRAIN_FOLDER_H
#define TRAIN_FOLDER_H

#include <stddef.h>

#include "tinycnn.h"

/* mkdir -p: a folder that is there already is good. TC_ERR_IO with the first that cannot be made. */
tc_status folder_make(const char *path);

/* The last name of a path, cut to the room; returns `name`. */
const char *folder_last_name(const char *path, char *name, size_t size);

#endif
