/* metrics.c - a log that agrees with the checkpoint beside it, and reading it leniently: it may be in the middle of
 * being written. */
#include "metrics.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELD(name, tag)                                                                                     \
    { #name, tag, offsetof(metrics, name) }

const metrics_field metrics_fields[METRICS_FIELDS] = {
    FIELD(train_loss, "loss/train"),
    FIELD(train_acc, "accuracy/train"),
    FIELD(val_loss, "loss/validation"),
    FIELD(val_acc, "accuracy/validation"),
    FIELD(test_loss, "loss/test"),
    FIELD(test_acc, "accuracy/test"),
    FIELD(tta_acc, "accuracy/test_augmented"),
    FIELD(lr, "lr"),
    FIELD(seconds, NULL),
    FIELD(img_per_s, "img_per_s"),
    FIELD(wait_share, NULL),
    FIELD(start_seconds, NULL),
};

double metrics_get(const metrics *m, int field) {
    return *(const double *)(const void *)((const char *)m + metrics_fields[field].at);
}

const char *metrics_text(double value, const char *none, char text[METRICS_TEXT]) {
    if (isfinite(value))
        snprintf(text, METRICS_TEXT, "%.9g", value);
    else
        snprintf(text, METRICS_TEXT, "%s", none);
    return text;
}

/* ---- Writing ------------------------------------------------------------------------------------------ */

static tc_status fail_io(const char *path) {
    return tc_fail(TC_ERR_IO, "%s: %s", path, strerror(errno));
}

/* A line of an epoch. To be freed; NULL: it is none. */
static json_t *parse_line(const char *line) {
    json_t *object = json_loads(line, 0, NULL);
    if (json_is_integer(json_object_get(object, "epoch"))) return object;
    json_decref(object);
    return NULL;
}

/* The offset behind the first `epochs` epochs. */
static tc_status find_epoch(const char *path, int64_t epochs, int64_t *offset) {
    FILE *file = fopen(path, "r");
    if (!file) return fail_io(path);
    char *line = NULL;
    size_t room = 0;
    int64_t found = 0;
    *offset = 0;
    for (ssize_t length; found < epochs && (length = getline(&line, &room, file)) > 0;) {
        json_t *object = parse_line(line);
        found += object != NULL && line[length - 1] == '\n';
        *offset += length;
        json_decref(object);
    }
    tc_status status = ferror(file) ? fail_io(path) : TC_OK;
    free(line);
    fclose(file);
    if (status == TC_OK && found < epochs)
        return tc_fail(TC_ERR_FORMAT, "%s: %lld epochs, the checkpoint was made after %lld", path,
                       (long long)found, (long long)epochs);
    return status;
}

tc_status metrics_open(const char *path, int64_t epochs, log_file *file) {
    int64_t offset = 0;
    if (epochs) TC_TRY(find_epoch(path, epochs, &offset));
    return log_file_open(path, offset, file);
}

tc_status metrics_append(log_file *file, const metrics *m) {
    char line[1024];
    size_t used = (size_t)snprintf(line, sizeof line, "{\"epoch\": %lld, \"step\": %lld", (long long)m->epoch,
                                   (long long)m->step);
    for (int i = 0; i < METRICS_FIELDS; i++) {
        char number[METRICS_TEXT];
        metrics_text(metrics_get(m, i), "null", number); /* JSON knows no NaN and no infinity */
        used +=
            (size_t)snprintf(line + used, sizeof line - used, ", \"%s\": %s", metrics_fields[i].name, number);
    }
    used += (size_t)snprintf(line + used, sizeof line - used, "}\n");
    return log_file_append(file, line, used);
}

/* ---- Reading ------------------------------------------------------------------------------------------ */

static metrics read_epoch(const json_t *object) {
    metrics m = {.epoch = (int64_t)json_integer_value(json_object_get(object, "epoch")),
                 .step = (int64_t)json_integer_value(json_object_get(object, "step"))};
    for (int i = 0; i < METRICS_FIELDS; i++) {
        const json_t *value = json_object_get(object, metrics_fields[i].name);
        *(double *)(void *)((char *)&m + metrics_fields[i].at) =
            json_is_number(value) ? json_number_value(value) : NAN;
    }
    return m;
}

static tc_status add_epoch(const char *path, const json_t *object, metrics_list *list) {
    if ((list->count & (list->count - 1)) == 0) {
        size_t room = list->count ? 2 * (size_t)list->count : 1;
        metrics *larger = realloc(list->epochs, room * sizeof *larger);
        if (!larger) return tc_fail(TC_ERR_MEMORY, "%s: no memory for its epochs", path);
        list->epochs = larger;
    }
    list->epochs[list->count++] = read_epoch(object);
    return TC_OK;
}

tc_status metrics_read(const char *path, metrics_list *list) {
    *list = (metrics_list){0};
    FILE *file = fopen(path, "r");
    if (!file && errno == ENOENT) return TC_OK;
    if (!file) return fail_io(path);
    char *line = NULL;
    size_t room = 0;
    tc_status status = TC_OK;
    while (status == TC_OK && getline(&line, &room, file) > 0) {
        json_t *object = parse_line(line);
        if (object)
            status = add_epoch(path, object, list);
        else
            list->skipped++;
        json_decref(object);
    }
    free(line);
    fclose(file);
    return status;
}

void metrics_list_free(metrics_list *list) {
    free(list->epochs);
    *list = (metrics_list){0};
}
