/* cmd_recipes.c - `tinycnn recipes`: the recipes that the program holds, as a list or as text. */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "recipe_file.h"
#include "report.h"

typedef struct recipes_settings {
    const char *show;
} recipes_settings;

static const option recipes_options[] = {
    {"show", "NAME", OPTION_TEXT, NULL, .at = offsetof(recipes_settings, show), .known = known_recipe,
     .help = "print this one as it is, to be kept in a file and changed"},
    {0}};

static int run_recipes(int argc, char **argv);
const command command_recipes = {
    .name = "recipes", "Lists the recipes of tinycnn train --recipe", NULL, recipes_options, run_recipes};

static int run_recipes(int argc, char **argv) {
    recipes_settings s = {0};
    parse_result parsed = options_parse(&command_recipes, argc, argv, &s, NULL);
    if (parsed != PARSE_OK) return parsed == PARSE_HELP ? EXIT_GOOD : EXIT_USAGE;
    for (const recipe_text *r = recipe_texts; r->name; r++) {
        char about[160];
        recipe_about(r->text, about, sizeof about);
        if (!s.show) printf("%-16s %s\n", r->name, about);
        if (!s.show || strcmp(s.show, r->name) != 0) continue;
        fputs(r->text, stdout);
        return EXIT_GOOD;
    }
    if (!s.show) return EXIT_GOOD;
    return report(EXIT_USAGE, "recipes", "there is no recipe %s; tinycnn recipes lists them", s.show);
}
