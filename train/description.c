/* description.c - metadata values are strings, so numbers and lists in them are JSON. */
#include "description.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Takes the reference over. */
static const char *dump(json_t *json) {
    const char *text = json ? json_dumps(json, JSON_ENCODE_ANY | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(json);
    return text;
}

static json_t *floats(const float *values, int count) {
    json_t *array = json_array();
    for (int i = 0; i < count; i++) json_array_append_new(array, json_real((double)values[i]));
    return array;
}

static json_t *names(const tc_dataset *dataset) {
    json_t *array = json_array();
    for (int i = 0; i < dataset->classes; i++)
        json_array_append_new(array, json_string(dataset->class_names[i]));
    return array;
}

tc_status description_create(const train_settings *settings, const tc_dataset *s, description *d) {
    char *model_copy = malloc(strlen(settings->model) + 1);
    if (model_copy) strcpy(model_copy, settings->model);
    json_t *widths = json_array();
    for (int i = 0; i < settings->widths.count; i++)
        json_array_append_new(widths, json_integer((json_int_t)settings->widths.values[i]));
    *d = (description){{
        {"model", model_copy},
        {"input_shape", dump(json_pack("[i,i,i]", s->channels, s->height, s->width))},
        {"classes", dump(json_integer(s->classes))},
        {"mean", dump(floats(s->mean, s->channels))},
        {"deviation", dump(floats(s->deviation, s->channels))},
        {"class_names", dump(names(s))},
        {"widths", dump(widths)},
        {"bn_eps", dump(json_real((double)(float)settings->bn_eps))},
        {"logit_scale", dump(json_real((double)(float)settings->logit_scale))},
    }};
    for (int i = 0; i < DESCRIPTION_STRINGS; i++)
        if (!d->strings[i].value) return tc_fail(TC_ERR_MEMORY, "checkpoint description: out of memory");
    return TC_OK;
}

void description_free(description *d) {
    for (int i = 0; i < DESCRIPTION_STRINGS; i++) free((void *)d->strings[i].value);
    *d = (description){0};
}

const char *metadata_find(const tc_metadata *metadata, int count, const char *key) {
    for (int i = 0; i < count; i++)
        if (strcmp(metadata[i].key, key) == 0) return metadata[i].value;
    return NULL;
}

/* The `count` numbers of the JSON list called `key`; one number may stand alone. */
static tc_status read_list(const char *path, const tc_metadata *metadata, int strings, const char *key,
                           int count, double *values) {
    const char *text = metadata_find(metadata, strings, key);
    json_t *list = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
    bool good =
        json_is_array(list) ? (int)json_array_size(list) == count : count == 1 && json_is_number(list);
    for (int i = 0; good && i < count; i++) {
        const json_t *item = json_is_array(list) ? json_array_get(list, (size_t)i) : list;
        good = json_is_number(item);
        values[i] = json_number_value(item);
    }
    json_decref(list);
    if (good) return TC_OK;
    return tc_fail(TC_ERR_FORMAT, "%s: \"%s\" in its metadata is %s, expected %d number%s", path, key,
                   text ? text : "missing", count, count == 1 ? "" : "s");
}

/* What a net may have other than its own; checkpoints of before do not say it. */
static tc_status read_own_numbers(const char *path, const tc_metadata *metadata, int count, tc_net *net) {
    double eps = 0, scale = 0;
    if (metadata_find(metadata, count, "bn_eps")) TC_TRY(read_list(path, metadata, count, "bn_eps", 1, &eps));
    if (metadata_find(metadata, count, "logit_scale"))
        TC_TRY(read_list(path, metadata, count, "logit_scale", 1, &scale));
    net->bn_eps = (float)eps;
    net->logit_scale = (float)scale;
    const char *text = metadata_find(metadata, count, "widths");
    json_t *widths = text ? json_loads(text, 0, NULL) : NULL;
    size_t found = json_array_size(widths);
    bool good = !text || (json_is_array(widths) && found <= TC_NET_WIDTHS);
    for (size_t i = 0; good && i < found; i++) {
        json_int_t width = json_integer_value(json_array_get(widths, i));
        good = width >= 1 && width <= 65536;
        net->widths[i] = (int)width;
    }
    json_decref(widths);
    if (good) return TC_OK;
    return tc_fail(TC_ERR_FORMAT, "%s: \"widths\" in its metadata is %s, expected up to %d numbers", path,
                   text, TC_NET_WIDTHS);
}

/* Checkpoints of before do not say them. */
static tc_status read_class_names(const char *path, const tc_metadata *metadata, int count, described *d) {
    const char *text = metadata_find(metadata, count, "class_names");
    if (!text) return TC_OK;
    d->class_names = json_loads(text, 0, NULL);
    bool good = json_is_array(d->class_names) && (int)json_array_size(d->class_names) == d->net.classes;
    for (int i = 0; good && i < d->net.classes; i++)
        good = json_is_string(json_array_get(d->class_names, (size_t)i));
    if (good) return TC_OK;
    return tc_fail(TC_ERR_FORMAT, "%s: \"class_names\" in its metadata are not %d strings", path,
                   d->net.classes);
}

static tc_status read_strings(const char *path, const tc_metadata *metadata, int count, described *d) {
    double shape[3], classes, mean[4], deviation[4];
    const char *model = metadata_find(metadata, count, "model");
    if (!model || strlen(model) >= sizeof d->model)
        return tc_fail(TC_ERR_FORMAT, "%s: no model is named in its metadata; was it saved by tinycnn train?",
                       path);
    strcpy(d->model, model);
    TC_TRY(read_list(path, metadata, count, "input_shape", 3, shape));
    TC_TRY(read_list(path, metadata, count, "classes", 1, &classes));
    for (int i = 0; i < 3; i++)
        if (shape[i] < 1 || shape[i] > 32767 || classes < 1 || classes > 1e6 || shape[0] > 4)
            return tc_fail(TC_ERR_FORMAT, "%s: a picture of %g x %g x %g and %g classes", path, shape[0],
                           shape[1], shape[2], classes);
    d->net.channels = (int)shape[0], d->net.height = (int)shape[1], d->net.width = (int)shape[2];
    d->net.classes = (int)classes;
    TC_TRY(read_own_numbers(path, metadata, count, &d->net));
    TC_TRY(read_class_names(path, metadata, count, d));
    TC_TRY(read_list(path, metadata, count, "mean", d->net.channels, mean));
    TC_TRY(read_list(path, metadata, count, "deviation", d->net.channels, deviation));
    for (int c = 0; c < d->net.channels; c++) {
        d->mean[c] = (float)mean[c];
        d->deviation[c] = (float)deviation[c];
    }
    return TC_OK;
}

tc_status description_read(const char *path, described *d) {
    tc_metadata *metadata = NULL;
    int count = 0;
    memset(d, 0, sizeof *d);
    TC_TRY(tc_checkpoint_metadata(path, &metadata, &count));
    tc_status status = read_strings(path, metadata, count, d);
    tc_checkpoint_metadata_free(metadata, count);
    return status;
}

void described_free(described *d) {
    json_decref(d->class_names);
    d->class_names = NULL;
}

const char *described_class(const described *d, int index, char number[CLASS_NUMBER]) {
    const char *name = json_string_value(json_array_get(d->class_names, (size_t)index));
    snprintf(number, CLASS_NUMBER, "%d", index);
    return name ? name : number;
}

int described_class_index(const described *d, const char *name) {
    char number[CLASS_NUMBER], list[512] = "";
    for (int i = 0; i < d->net.classes; i++) {
        const char *class = described_class(d, i, number);
        if (strcmp(class, name) == 0 || strcmp(number, name) == 0) return i;
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", class);
    }
    tc_fail(TC_ERR_ARGUMENT, "there is no class \"%s\"; there are %s", name, list);
    return -1;
}

tc_status described_fits(const described *d, const char *path, const tc_dataset *dataset) {
    char number[CLASS_NUMBER];
    for (int i = 0; d->class_names && i < dataset->classes; i++) {
        const char *name = described_class(d, i, number);
        if (strcmp(name, dataset->class_names[i]) != 0)
            return tc_fail(TC_ERR_SHAPE, "%s: class %d of this net is \"%s\", of %s it is \"%s\"", path, i,
                           name, dataset->name, dataset->class_names[i]);
    }
    return TC_OK;
}
