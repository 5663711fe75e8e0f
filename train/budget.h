/* budget.h - which recipe to take for so many minutes on this machine, and what to promise. */
#ifndef TRAIN_BUDGET_H
#define TRAIN_BUDGET_H

#include "datasets.h"
#include "settings.h"

typedef struct budget {
    const char *recipe;
    double img_per_s; /* measured just now, over the whole of the training */
    double epochs;    /* that fit in */
    double accuracy;  /* on the test pictures, as the table of measured recipes has it */
    bool measured;    /* the table has runs as short as this; else `accuracy` is a guess from below */
} budget;

/* Takes a few training steps by each recipe of the table, which takes some seconds, and picks the one that promises
 * most; `asked` are the settings of the command line, not resolved. A signal ends it early, with the best so far or
 * with no recipe at all. TC_ERR_ARGUMENT: what is `given` contradicts a recipe. */
tc_status budget_choose(const train_settings *asked, const bool given[OPTIONS_MAX], const tc_dataset *dataset,
                        budget *result);

#endif
