/* config.c - settings to JSON and back through the option table, so that a new option needs no line here. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

static json_t *list_json(const option_list *list) {
    json_t *array = json_array();
    for (int i = 0; i < list->count; i++) json_array_append_new(array, json_real(list->values[i]));
    return array;
}

static json_t *option_json(const option *o, const void *settings) {
    const void *value = (const char *)settings + o->at;
    char text[64];
    switch (o->kind) {
    case OPTION_SWITCH:
        return json_boolean(*(const bool *)value);
    case OPTION_INTEGER:
        return json_integer(*(const int64_t *)value);
    case OPTION_REAL:
        return json_real(*(const double *)value);
    case OPTION_LIST:
        return list_json(value);
    case OPTION_CHOICE:
        return json_string(option_choice(o, *(const int *)value, text, sizeof text));
    case OPTION_TEXT:
        return *(const char *const *)value ? json_string(*(const char *const *)value) : json_null();
    }
    return NULL;
}

tc_status config_write(const char *path, const option *options, const void *settings) {
    json_t *config = json_object();
    int failed = json_object_set_new(config, "tinycnn", json_string(tc_version()));
    for (const option *o = options; o->name; o++)
        if (o->scope != SCOPE_START) failed |= json_object_set_new(config, o->name, option_json(o, settings));
    char *text = failed ? NULL : json_dumps(config, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    json_decref(config);
    /* jansson refuses text that is not UTF-8. */
    if (!text) return tc_fail(TC_ERR_FORMAT, "%s: a setting is not UTF-8 text, or memory is short", path);
    size_t length = strlen(text);
    text[length] = '\n'; /* in the place of the end mark, which the file needs not */
    tc_status status = tc_write_file(path, text, length + 1);
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

tc_status config_read(json_t *config, const option *options, void *settings) {
    for (const option *o = options; o->name; o++) {
        if (o->scope == SCOPE_START) continue;
        const json_t *value = json_object_get(config, o->name);
        if (!value) return tc_fail(TC_ERR_FORMAT, "config.json: \"%s\" is missing", o->name);
        if (o->kind == OPTION_TEXT && json_is_null(value))
            *(const char **)((char *)settings + o->at) = NULL;
        else
            TC_TRY(read_value(o, value, settings));
    }
    return TC_OK;
}
