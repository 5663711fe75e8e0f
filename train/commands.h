/* commands.h - the sub-commands; each is defined in its cmd_NAME.c. */
#ifndef TRAIN_COMMANDS_H
#define TRAIN_COMMANDS_H

#include "datasets.h"
#include "options.h"

/* What --data says of itself; its names follow. */
#define DATA_HELP                                                                                            \
    "a data set by name, or a path: of a folder or .tar.gz of CIFAR's files, a folder of IDX files, of "     \
    "pictures "                                                                                              \
    "(train/CLASS/..., test/CLASS/...) or of .npy files (x_train, y_train, x_test, y_test), an .npz of "     \
    "these"

/* Names of the nets that can be asked for: an option's `known`. */
const char *known_model(int index);
/* Names of the recipes that the program holds. */
const char *known_recipe(int index);

extern const command command_train, command_eval, command_summary, command_bench, command_recipes,
    command_explain, command_visualize, command_report, command_doctor, command_shift_test, command_predict,
    command_export, command_import, command_fetch;

/* All of them; NULL behind the last. --help, the man page and the completions are made from it. */
extern const command *const commands[];

#endif
