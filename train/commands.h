/* commands.h - the sub-commands; each is defined in its cmd_NAME.c. */
#ifndef TRAIN_COMMANDS_H
#define TRAIN_COMMANDS_H

#include "options.h"

/* Names of the nets that can be asked for: an option's `known`. */
const char *known_model(int index);

extern const command command_train, command_eval, command_summary, command_bench, command_recipes,
    command_explain, command_visualize, command_report, command_doctor, command_shift_test;

#endif
