/* Recipes as text: what a line may be, what is said of one that is wrong, where recipes are looked for. */
#include "recipe_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data_files.h"
#include "suite.h"

typedef struct applied {
    train_settings settings;
    bool given[OPTIONS_MAX];
    recipe_memory memory;
    const char *path;
} applied;

/* Settings as the program has them before a recipe. */
static applied begin(void) {
    applied a = {0};
    for (int i = 0; train_options[i].name; i++) {
        const option *o = &train_options[i];
        if (o->initial) ck_assert_int_eq(option_set(o, o->initial, &a.settings), TC_OK);
    }
    return a;
}

static void give(applied *a, const char *name, const char *value) {
    int index = option_index(train_options, name);
    a->given[index] = true;
    ck_assert_int_eq(option_set(&train_options[index], value, &a->settings), TC_OK);
}

static tc_status apply_bytes(applied *a, const char *bytes, size_t size) {
    data_write("recipe.txt", bytes, size);
    a->path = data_path("recipe.txt");
    return recipe_apply(a->path, a->given, &a->settings, &a->memory);
}

static tc_status apply(applied *a, const char *text) {
    return apply_bytes(a, text, strlen(text));
}

/* Fails, with the recipe's path, `line` and `why`. */
static void is_refused(const char *text, int line, const char *why) {
    char expected[2048];
    applied a = begin();
    ck_assert_int_eq(apply(&a, text), TC_ERR_ARGUMENT);
    snprintf(expected, sizeof expected, "recipe %s, line %d: %s", a.path, line, why);
    ck_assert_str_eq(tc_last_error(), expected);
    recipe_memory_free(&a.memory);
}

/* ---- Lines -------------------------------------------------------------------------------------------- */

START_TEST(every_kind_of_value_is_set) {
    applied a = begin();
    ck_assert_int_eq(apply(&a, "model = vgg\n"
                               "batch = 77\n"
                               "lr = 0.125\n"
                               "optimizer = adamw\n"
                               "whiten = yes\n"
                               "nesterov = no\n"
                               "widths = 8,12,16\n"
                               "weight-decay = auto\n"),
                     TC_OK);
    ck_assert_str_eq(a.settings.model, "vgg");
    ck_assert_int_eq(a.settings.batch, 77);
    ck_assert(a.settings.lr == 0.125);
    ck_assert_int_eq(a.settings.optimizer, OPTIMIZER_ADAMW);
    ck_assert(a.settings.whiten && !a.settings.nesterov);
    ck_assert_int_eq(a.settings.widths.count, 3);
    ck_assert(a.settings.widths.values[2] == 16);
    ck_assert(isnan(a.settings.weight_decay));
    recipe_memory_free(&a.memory);
}
END_TEST

START_TEST(comments_blanks_and_line_ends_do_not_matter) {
    applied a = begin();
    ck_assert_int_eq(apply(&a, "# about\n"
                               "\n"
                               "   \t \n"
                               "batch=9# a comment behind a value\n"
                               "\t epochs   =\t2.5  \r\n"
                               "# lr = 3\n"
                               "model = vgg"),
                     TC_OK);
    ck_assert_int_eq(a.settings.batch, 9);
    ck_assert(a.settings.epochs == 2.5);
    ck_assert(isnan(a.settings.lr));
    ck_assert_str_eq(a.settings.model, "vgg");
    recipe_memory_free(&a.memory);
}
END_TEST

START_TEST(an_empty_recipe_changes_nothing) {
    applied a = begin();
    train_settings before = a.settings;
    ck_assert_int_eq(apply(&a, ""), TC_OK);
    ck_assert_mem_eq(&a.settings, &before, sizeof before);
    recipe_memory_free(&a.memory);
}
END_TEST

START_TEST(what_was_given_wins) {
    applied a = begin();
    give(&a, "batch", "50");
    give(&a, "data", "cifar10");
    ck_assert_int_eq(apply(&a, "batch = 9\nepochs = 3\ndata = elsewhere\n"), TC_OK);
    ck_assert_int_eq(a.settings.batch, 50);
    ck_assert(a.settings.epochs == 3);
    ck_assert_str_eq(a.settings.data, "cifar10");
    recipe_memory_free(&a.memory);
}
END_TEST

/* ---- Mistakes ----------------------------------------------------------------------------------------- */

START_TEST(lines_that_are_wrong_are_named) {
    is_refused("batch = 9\n\nfoo = 1\n", 3, "\"foo\" is no setting of a recipe");
    is_refused("batch 9\n", 1, "\"batch 9\" is not \"name = value\"");
    is_refused("= 9\n", 1, "\"\" is no setting of a recipe");
    is_refused("# about\nbatch = nine\n", 2, "--batch: \"nine\" is not a whole number");
    is_refused("batch =\n", 1, "--batch: \"\" is not a whole number");
    is_refused("batch = 0\n", 1, "--batch: 0 is not in the range 1 to 65536");
    is_refused("optimizer = foo\n", 1, "--optimizer: \"foo\" is not one of sgd|adam|adamw|muon");
    is_refused("whiten = maybe\n", 1, "--whiten: \"maybe\" is neither yes nor no");
    is_refused("batch = 9\nlr = 1\nbatch = 9\n", 3, "batch is set twice");
}
END_TEST

/* These hold for a start of the program, not for a training. */
START_TEST(settings_of_a_start_are_no_settings_of_a_recipe) {
    is_refused("batch = 2\nrecipe = airbench94\n", 2, "the recipe to begin from has to come first");
    is_refused("out = runs/x\n", 1, "\"out\" is no setting of a recipe");
    is_refused("resume = runs/x\n", 1, "\"resume\" is no setting of a recipe");
    is_refused("threads = 2\n", 1, "\"threads\" is no setting of a recipe");
    is_refused("data-dir = /tmp\n", 1, "\"data-dir\" is no setting of a recipe");
    is_refused("quiet = yes\n", 1, "\"quiet\" is no setting of a recipe");
}
END_TEST

START_TEST(a_value_that_is_not_wanted_must_be_good) {
    applied a = begin();
    give(&a, "batch", "50");
    ck_assert_int_eq(apply(&a, "batch = nine\n"), TC_ERR_ARGUMENT);
    ck_assert_int_eq(apply(&a, "batch = 9\nbatch = 9\n"), TC_ERR_ARGUMENT);
    ck_assert_int_eq(a.settings.batch, 50);
    recipe_memory_free(&a.memory);
}
END_TEST

/* ---- Where recipes are -------------------------------------------------------------------------------- */

static void is_not_found(const char *name, const char *message) {
    applied a = begin();
    ck_assert_int_eq(recipe_apply(name, a.given, &a.settings, &a.memory), TC_ERR_ARGUMENT);
    ck_assert_msg(strstr(tc_last_error(), message) != NULL, "%s", tc_last_error());
    ck_assert_msg(strstr(tc_last_error(), name) != NULL, "%s", tc_last_error());
    recipe_memory_free(&a.memory);
}

START_TEST(unknown_names_are_answered_by_the_known_ones) {
    is_not_found("airbench", "there is no recipe airbench; known are ");
    for (const recipe_text *r = recipe_texts; r->name; r++) is_not_found("airbench", r->name);
    is_not_found("", "there is no recipe ; known are ");
}
END_TEST

START_TEST(files_that_can_not_be_read_are_named) {
    static char text[70000];
    is_not_found(data_path("nothing.txt"), ": No such file or directory");
    is_not_found(data_path(""), ": Is a directory");
    memset(text, '\n', sizeof text);
    data_write("long", text, sizeof text);
    is_not_found(data_path("long"), ": is no text of less than 65536 bytes");
    data_write("binary", "batch\0 = 9", 10);
    is_not_found(data_path("binary"), ": is no text of less than 65536 bytes");
}
END_TEST

/* A name with a dot and without a slash is a path too. */
START_TEST(names_with_a_dot_are_files) {
    is_not_found("nothing.txt", "recipe nothing.txt: No such file or directory");
}
END_TEST

START_TEST(a_recipe_changes_the_one_that_it_is_based_on) {
    applied a = begin();
    give(&a, "lr", "7");
    ck_assert_int_eq(apply(&a, "recipe = airbench94\nbatch = 9\n"), TC_OK);
    ck_assert_int_eq(a.settings.batch, 9);
    ck_assert(a.settings.epochs == 9.9);
    ck_assert(a.settings.lr == 7);
    ck_assert_str_eq(a.settings.model, "airbench94");
    ck_assert_int_eq(a.memory.count, 2);
    recipe_memory_free(&a.memory);
}
END_TEST

/* ---- Those that the program holds --------------------------------------------------------------------- */

START_TEST(held_recipes_are_good_and_say_what_they_are) {
    int count = 0;
    for (const recipe_text *r = recipe_texts; r->name; r++, count++) {
        char about[160];
        applied a = begin();
        tc_status status = recipe_apply(r->name, a.given, &a.settings, &a.memory);
        if (status == TC_OK) status = settings_resolve(&a.settings);
        ck_assert_msg(status == TC_OK, "%s: %s", r->name, tc_last_error());
        recipe_about(r->text, about, sizeof about);
        ck_assert_msg(strlen(about) > 10 && strlen(about) < sizeof about - 1, "%s: \"%s\"", r->name, about);
        recipe_memory_free(&a.memory);
    }
    ck_assert_int_ge(count, 2);
}
END_TEST

START_TEST(about_is_the_first_comment) {
    char about[32], few[4];
    recipe_about("batch = 9\n#  What it is \nlr = 1\n# other\n", about, sizeof about);
    ck_assert_str_eq(about, "What it is ");
    recipe_about("#What", about, sizeof about);
    ck_assert_str_eq(about, "What");
    recipe_about("batch = 9\n", about, sizeof about);
    ck_assert_str_eq(about, "");
    recipe_about("# What it is\n", few, sizeof few);
    ck_assert_str_eq(few, "Wha");
}
END_TEST

static void add(TCase *tests) {
    tcase_add_unchecked_fixture(tests, data_make_place, data_remove_place);
    tcase_add_test(tests, every_kind_of_value_is_set);
    tcase_add_test(tests, comments_blanks_and_line_ends_do_not_matter);
    tcase_add_test(tests, an_empty_recipe_changes_nothing);
    tcase_add_test(tests, what_was_given_wins);
    tcase_add_test(tests, lines_that_are_wrong_are_named);
    tcase_add_test(tests, settings_of_a_start_are_no_settings_of_a_recipe);
    tcase_add_test(tests, a_value_that_is_not_wanted_must_be_good);
    tcase_add_test(tests, unknown_names_are_answered_by_the_known_ones);
    tcase_add_test(tests, files_that_can_not_be_read_are_named);
    tcase_add_test(tests, names_with_a_dot_are_files);
    tcase_add_test(tests, a_recipe_changes_the_one_that_it_is_based_on);
    tcase_add_test(tests, held_recipes_are_good_and_say_what_they_are);
    tcase_add_test(tests, about_is_the_first_comment);
}

int main(void) {
    return suite_main("recipe_file", add);
}
