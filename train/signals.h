/* signals.h - SIGINT and SIGTERM ask the training loop to save and stop. */
#ifndef TRAIN_SIGNALS_H
#define TRAIN_SIGNALS_H

#include <stdbool.h>

/* From now on the first SIGINT or SIGTERM only raises a flag; a second one ends the program at once. */
void signals_catch(void);

/* Whether one has come, and which (0: none). */
bool signals_stop(void);
int signals_number(void);

#endif
