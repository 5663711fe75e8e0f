/* recipe_file.c - a recipe's lines go through the same table and parser as the command line. */
#include "recipe_file.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Finding ------------------------------------------------------------------------------------------ */

static tc_status read_file(const char *path, char **text) {
    enum { MOST = 1 << 16 };
    FILE *file = fopen(path, "rb");
    if (!file) return tc_fail(TC_ERR_ARGUMENT, "recipe %s: %s", path, strerror(errno));
    *text = malloc(MOST);
    size_t size = *text ? fread(*text, 1, MOST, file) : 0;
    bool failed = ferror(file) != 0;
    int error = errno;
    fclose(file);
    if (!*text) return tc_fail(TC_ERR_MEMORY, "recipe %s: out of memory", path);
    if (failed) return tc_fail(TC_ERR_ARGUMENT, "recipe %s: %s", path, strerror(error));
    if (size == MOST || memchr(*text, '\0', size))
        return tc_fail(TC_ERR_ARGUMENT, "recipe %s: is no text of less than %d bytes", path, MOST);
    (*text)[size] = '\0';
    return TC_OK;
}

static tc_status find(const char *name, char **text) {
    char known[512] = "";
    size_t used = 0;
    for (const recipe_text *r = recipe_texts; r->name; r++) {
        if (strcmp(r->name, name) == 0) {
            *text = malloc(strlen(r->text) + 1);
            if (!*text) return tc_fail(TC_ERR_MEMORY, "recipe %s: out of memory", name);
            strcpy(*text, r->text);
            return TC_OK;
        }
        if (used < sizeof known)
            used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", used ? ", " : "", r->name);
    }
    if (strchr(name, '/') || strchr(name, '.')) return read_file(name, text);
    return tc_fail(TC_ERR_ARGUMENT,
                   "there is no recipe %s; known are %s, and files (with a / or . in the name)", name, known);
}

/* ---- Reading ------------------------------------------------------------------------------------------ */

/* Cuts blanks off both ends, in place. */
static char *trim(char *text) {
    while (isspace((unsigned char)*text)) text++;
    char *end = text + strlen(text);
    while (end > text && isspace((unsigned char)end[-1])) *--end = '\0';
    return text;
}

typedef struct reading {
    const bool *given;
    bool set[OPTIONS_MAX]; /* by this recipe, not by the one it is based on */
    bool based, told;      /* on another one; that one's failure has been put into words */
    train_settings *settings;
    recipe_memory *memory;
} reading;

static tc_status set_option(reading *r, const char *name, const char *value) {
    for (int i = 0; train_options[i].name; i++) {
        const option *o = &train_options[i];
        if (strcmp(o->name, name) != 0 || o->scope != SCOPE_RUN) continue;
        if (r->set[i]) return tc_fail(TC_ERR_ARGUMENT, "%s is set twice", name);
        r->set[i] = true;
        /* A value that is not wanted must still be a good one. */
        train_settings unused = *r->settings;
        return option_set(o, value, r->given[i] ? &unused : r->settings);
    }
    return tc_fail(TC_ERR_ARGUMENT, "\"%s\" is no setting of a recipe", name);
}

static tc_status base_on(reading *r, const char *name) {
    bool first = !r->based;
    for (int i = 0; train_options[i].name; i++) first = first && !r->set[i];
    if (!first) return tc_fail(TC_ERR_ARGUMENT, "the recipe to begin from has to come first");
    r->based = true;
    /* What is wrong there is told with that recipe's name and line alone. */
    tc_status status = recipe_apply(name, r->given, r->settings, r->memory);
    r->told = status != TC_OK;
    return status;
}

static tc_status read_line(reading *r, char *line) {
    char *comment = strchr(line, '#');
    if (comment) *comment = '\0';
    line = trim(line);
    if (!*line) return TC_OK;
    char *equals = strchr(line, '=');
    if (!equals) return tc_fail(TC_ERR_ARGUMENT, "\"%s\" is not \"name = value\"", line);
    *equals = '\0';
    const char *name = trim(line), *value = trim(equals + 1);
    return strcmp(name, "recipe") == 0 ? base_on(r, value) : set_option(r, name, value);
}

tc_status recipe_apply(const char *name, const bool given[OPTIONS_MAX], train_settings *settings,
                       recipe_memory *memory) {
    reading r = {.given = given, .settings = settings, .memory = memory};
    if (memory->count == RECIPE_DEPTH)
        return tc_fail(TC_ERR_ARGUMENT, "recipe %s: more than %d recipes based on each other", name,
                       RECIPE_DEPTH);
    char *text = NULL;
    tc_status status = find(name, &text);
    memory->texts[memory->count++] = text;
    TC_TRY(status);
    int number = 1;
    for (char *line = text, *next; line; line = next, number++) {
        next = strchr(line, '\n');
        if (next) *next++ = '\0';
        status = read_line(&r, line);
        if (status == TC_OK) continue;
        if (r.told) return status;
        char why[512];
        snprintf(why, sizeof why, "%s", tc_last_error());
        return tc_fail(TC_ERR_ARGUMENT, "recipe %s, line %d: %s", name, number, why);
    }
    return TC_OK;
}

void recipe_memory_free(recipe_memory *memory) {
    for (int i = 0; i < memory->count; i++) free(memory->texts[i]);
    *memory = (recipe_memory){0};
}

void recipe_about(const char *text, char *about, size_t size) {
    const char *begin = strchr(text, '#');
    begin = begin ? begin + 1 : "";
    while (*begin == ' ') begin++;
    snprintf(about, size, "%.*s", (int)strcspn(begin, "\n"), begin);
}
