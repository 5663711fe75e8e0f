/* commands.c - the table of sub-commands, in the order in which people are told of them. */
#include "commands.h"

const command *const commands[] = {
    &command_fetch,   &command_train,   &command_recipes,   &command_eval,       &command_predict,
    &command_summary, &command_explain, &command_visualize, &command_shift_test, &command_doctor,
    &command_report,  &command_export,  &command_import,    &command_bench,      NULL};
