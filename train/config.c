/* config.c - settings to JSON and back through the option table, so that a new option needs no line here.
 *
 * The file is written value by value, because numbers shall look as people type them: 0.1, not
 * 0.10000000000000001. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "machine.h"

tc_status config_check(const option *options, const void *settings) {
    for (const option *o = options; o->name; o++) {
        if (o->scope == SCOPE_START || o->kind != OPTION_TEXT) continue;
        const char *value = *(const char *const *)(const void *)((const char *)settings + o->at);
        json_t *string = value ? json_string(value) : json_null();
        if (!string) return tc_fail(TC_ERR_ARGUMENT, "--%s: is not UTF-8 text, as config.json is", o->name);
        json_decref(string);
    }
    return TC_OK;
}

/* Text as a JSON string; false if it is not UTF-8. */
static bool put_string(FILE *out, const char *text) {
    json_t *string = json_string(text);
    bool good = string && json_dumpf(string, out, JSON_ENCODE_ANY) == 0;
    json_decref(string);
    return good;
}

static bool put_value(FILE *out, const option *o, const void *settings) {
    char text[512];
    if (o->kind == OPTION_TEXT) {
        const char *value = *(const char *const *)(const void *)((const char *)settings + o->at);
        return value ? put_string(out, value) : fputs("null", out) >= 0;
    }
    option_text(o, settings, text, sizeof text);
    if (o->kind == OPTION_CHOICE) return put_string(out, text);
    if (o->kind == OPTION_SWITCH) return fputs(strcmp(text, "yes") == 0 ? "true" : "false", out) >= 0;
    return fprintf(out, o->kind == OPTION_LIST ? "[%s]" : "%s", text) >= 0;
}

static bool put_machine(FILE *out) {
    json_t *machine = machine_describe();
    bool good = machine && fputs(",\n  \"machine\": ", out) >= 0 && json_dumpf(machine, out, 0) == 0;
    json_decref(machine);
    return good;
}

tc_status config_write(const char *path, const option *options, const void *settings) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out) return tc_fail(TC_ERR_MEMORY, "%s: out of memory", path);
    bool good = fprintf(out, "{\n  \"tinycnn\": \"%s\"", tc_version()) >= 0;
    for (const option *o = options; o->name && good; o++) {
        if (o->scope == SCOPE_START) continue;
        good = fprintf(out, ",\n  \"%s\": ", o->name) >= 0 && put_value(out, o, settings);
    }
    good = good && put_machine(out) && fputs("\n}\n", out) >= 0;
    good = fclose(out) == 0 && good;
    tc_status status =
        good ? tc_write_file(path, text, size)
             : tc_fail(TC_ERR_MEMORY, "%s: cannot be put into words: out of memory, or not UTF-8", path);
    free(text);
    return status;
}

tc_status config_load(const char *path, json_t **config) {
    json_error_t error;
    *config = json_load_file(path, 0, &error);
    if (!*config && error.line < 1) return tc_fail(TC_ERR_IO, "%s: %s", path, error.text);
    if (!*config) return tc_fail(TC_ERR_FORMAT, "%s: line %d: %s", path, error.line, error.text);
    return TC_OK;
}

/* Reads a number, a switch or a list by way of its text; texts themselves stay where they are. */
static tc_status read_value(const option *o, const json_t *value, void *settings) {
    char text[512] = "";
    if (json_is_string(value)) return option_set(o, json_string_value(value), settings);
    if (o->kind == OPTION_SWITCH && json_is_boolean(value))
        return option_set(o, json_is_true(value) ? "yes" : "no", settings);
    size_t count = json_is_array(value) ? json_array_size(value) : 1;
    for (size_t i = 0, used = 0; i < count && used < sizeof text; i++) {
        const json_t *item = json_is_array(value) ? json_array_get(value, i) : value;
        if (!json_is_number(item)) return tc_fail(TC_ERR_FORMAT, "\"%s\" is not a number", o->name);
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%.17g", i ? "," : "",
                                 json_number_value(item));
    }
    if (o->kind == OPTION_TEXT) return tc_fail(TC_ERR_FORMAT, "\"%s\" is not a string", o->name);
    return option_set(o, text, settings);
}

/* A name that is misspelt shall not mean the default. */
static tc_status check_names(const char *path, json_t *config, const option *options) {
    const char *name;
    json_t *value;
    json_object_foreach(config, name, value) {
        bool known = strcmp(name, "tinycnn") == 0 || strcmp(name, "machine") == 0;
        for (const option *o = options; o->name; o++)
            known = known || (o->scope != SCOPE_START && strcmp(o->name, name) == 0);
        if (!known) return tc_fail(TC_ERR_FORMAT, "%s: \"%s\" is no setting of a run", path, name);
    }
    return TC_OK;
}

tc_status config_read(const char *path, json_t *config, const option *options, void *settings) {
    TC_TRY(check_names(path, config, options));
    for (const option *o = options; o->name; o++) {
        if (o->scope == SCOPE_START) continue;
        const json_t *value = json_object_get(config, o->name);
        /* A run of before this option was there: as it is by default. */
        if (!value && o->initial) TC_TRY(option_set(o, o->initial, settings));
        if (!value && !o->initial) *(const char **)((char *)settings + o->at) = NULL;
        if (!value) continue;
        if (o->kind == OPTION_TEXT && !o->initial && json_is_null(value))
            *(const char **)((char *)settings + o->at) = NULL;
        else if (read_value(o, value, settings) != TC_OK)
            return tc_fail(TC_ERR_FORMAT, "%s: %s", path, tc_last_error());
    }
    return TC_OK;
}
