/* completion.h - what the two shells' completions have in common. */
#ifndef TRAIN_COMPLETION_H
#define TRAIN_COMPLETION_H

#include "commands.h"

typedef enum completion { COMPLETE_NOTHING, COMPLETE_FILES, COMPLETE_FOLDERS } completion;

/* What, beside known names and choices, a value or operand called `argument` may be: "FILE", "NAME|PATH", "N". */
completion completion_of(const char *argument);
/* "sgd adam adamw": choices, known names; "" if there are none. */
const char *completion_words(const option *o, char *text, size_t size);

#endif
