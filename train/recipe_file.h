/* recipe_file.h - settings as text: a line each, "name = value"; '#' begins a comment, and the first comment says
 * what the recipe is. "recipe = NAME" takes another one's settings over, which the lines below it then change. A '#' can't be
 * part of a value; paths are taken from where the program runs. The files in train/recipes are part of the program. */
#ifndef TRAIN_RECIPE_FILE_H
#define TRAIN_RECIPE_FILE_H

#include "settings.h"

/* One that the program holds. */
typedef struct recipe_text {
    const char *name; /* of the file, without its ending */
    const char *text;
} recipe_text;

/* In the order of their files' names; ends with a NULL name. Generated from train/recipes. */
extern const recipe_text recipe_texts[];

/* Where texts of settings that came from recipes lie: as many as are based on each other. */
enum { RECIPE_DEPTH = 8 };
typedef struct recipe_memory {
    char *texts[RECIPE_DEPTH];
    int count;
} recipe_memory;

/* Sets what the recipe says, but for options that are `given`. `memory` (zeroed before) has to outlive the settings.
 * TC_ERR_ARGUMENT: no such recipe, or a line that is wrong: it names recipe and line. */
tc_status recipe_apply(const char *name_or_path, const bool given[OPTIONS_MAX], train_settings *settings,
                       recipe_memory *memory);
void recipe_memory_free(recipe_memory *memory);

/* The recipe's first comment. */
void recipe_about(const char *text, char *about, size_t size);

#endif
