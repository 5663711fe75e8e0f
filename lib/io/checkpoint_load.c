/* checkpoint_load.c - everything is read and checked before the first number of the model changes; from then
 * on nothing can fail. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "checkpoint_names.h"
#include "contents.h"
#include "tinycnn/checkpoint.h"

/* ---- Does the file fit the model? --------------------------------------------------------------------- */

static tci_stored_tensor *find(const tci_safetensors *file, const char *name) {
    for (size_t i = 0; i < file->count; i++) {
        if (strcmp(file->tensors[i].name, name) == 0) return &file->tensors[i];
    }
    return NULL;
}

static bool same_form(const tci_stored_tensor *a, const tci_stored_tensor *b) {
    return a->dtype == b->dtype && a->ndim == b->ndim &&
           memcmp(a->shape, b->shape, sizeof a->shape[0] * (size_t)a->ndim) == 0;
}

enum { FORM_TEXT = TC_SHAPE_TEXT + 4 };

/* The type is named where it is not floats, or not that of `other`, which may be NULL. */
static const char *form_text(const tci_stored_tensor *tensor, const tci_stored_tensor *other,
                             char text[FORM_TEXT]) {
    char shape[TC_SHAPE_TEXT];
    bool differs = other && other->dtype != tensor->dtype;
    snprintf(text, FORM_TEXT, "%s%s",
             tensor->dtype == TCI_I64 ? "I64 "
             : differs                ? "F32 "
                                      : "",
             tc_shape_text(tensor->ndim, tensor->shape, shape));
    return text;
}

/* Finds the place of every item in the file: places[i] belongs to items[i]; and tells of all that does not fit. The state
 * of an optimiser may be left alone as a whole, but not in parts. */
static void compare(const tci_contents *contents, bool with_state, const tci_safetensors *file,
                    const tci_stored_tensor **places, tc_checkpoint_difference tell, void *context) {
    char found_form[FORM_TEXT], wanted_form[FORM_TEXT];
    for (size_t i = 0; i < contents->count; i++) {
        tci_stored_tensor wanted = tci_item_stored(&contents->items[i], 0);
        tci_stored_tensor *found = find(file, wanted.name);
        places[i] = found;
        if (found) found->used = true;
        if (!found || !same_form(found, &wanted))
            tell(context, wanted.name, found ? form_text(found, &wanted, found_form) : NULL,
                 form_text(&wanted, found, wanted_form));
    }
    for (size_t i = 0; i < file->count; i++) {
        const tci_stored_tensor *tensor = &file->tensors[i];
        bool state = strncmp(tensor->name, TCI_OPTIMIZER_PREFIX, strlen(TCI_OPTIMIZER_PREFIX)) == 0;
        if (!tensor->used && (with_state || !state))
            tell(context, tensor->name, form_text(tensor, NULL, found_form), NULL);
    }
}

#define NAMES_SHOWN 4

/* A list of complaints of one sort, as text: the first few in full, of the others the number. */
typedef struct complaints {
    const char *sort;
    size_t count, shown, used;
    char text[280];
} complaints;

enum { MISSING, OTHER, UNEXPECTED, SORTS };

static void complain(void *context, const char *name, const char *found, const char *expected) {
    complaints *list = (complaints *)context + (!found ? MISSING : expected ? OTHER : UNEXPECTED);
    size_t room = sizeof list->text - list->used;
    list->count++;
    if (list->shown == NAMES_SHOWN || list->shown + 1 < list->count) return;
    int written = snprintf(list->text + list->used, room, "%s%.120s%s%s%s%s", list->shown > 0 ? ", " : "",
                           name, found && expected ? " is " : "", found && expected ? found : "",
                           found && expected ? ", expected is " : "", found && expected ? expected : "");
    if ((size_t)written >= room) {
        list->text[list->used] = '\0';
        return;
    }
    list->used += (size_t)written;
    list->shown++;
}

/* "; missing: a, b and 3 more" */
static const char *complaint_text(const complaints *list, char text[340]) {
    text[0] = '\0';
    if (list->count == 0) return text;
    int written = snprintf(text, 340, "; %s: %s", list->sort, list->text);
    if (list->count > list->shown)
        snprintf(text + written, 340 - (size_t)written, " and %zu more", list->count - list->shown);
    return text;
}

static tc_status match(const char *path, const tci_contents *contents, bool with_state,
                       const tci_safetensors *file, const tci_stored_tensor **places) {
    complaints lists[SORTS] = {{.sort = "missing"}, {.sort = "of another shape"}, {.sort = "unexpected"}};
    compare(contents, with_state, file, places, complain, lists);
    if (lists[MISSING].count + lists[OTHER].count + lists[UNEXPECTED].count == 0) return TC_OK;
    char texts[SORTS][340];
    return tc_fail(TC_ERR_SHAPE, "%s: does not fit the model%s%s%s%s", path,
                   with_state ? " and its optimiser" : "", complaint_text(&lists[MISSING], texts[MISSING]),
                   complaint_text(&lists[OTHER], texts[OTHER]),
                   complaint_text(&lists[UNEXPECTED], texts[UNEXPECTED]));
}

tc_status tc_checkpoint_compare(const char *path, tc_model *model, tc_checkpoint_difference tell,
                                void *context) {
    tci_file_reader reader;
    tci_safetensors file;
    size_t data_size;
    TC_TRY(tci_safetensors_open(path, &reader, &file, &data_size));
    tci_file_reader_close(&reader);
    tci_contents contents;
    tc_status status = tci_contents_collect(model, NULL, &contents);
    if (status == TC_OK) {
        const tci_stored_tensor **places = calloc(contents.count + 1, sizeof *places);
        if (places)
            compare(&contents, false, &file, places, tell, context);
        else
            status = tc_fail(TC_ERR_MEMORY, "%s: no memory for %zu tensors", path, contents.count);
        free(places);
        tci_contents_free(&contents);
    }
    tci_safetensors_free(&file);
    return status;
}

/* Is it the state of the same kind of optimiser? Gives the count of steps. */
static tc_status match_optimizer(const char *path, const tc_optimizer *optimizer, const tci_safetensors *file,
                                 int64_t *steps) {
    const char *wanted = tc_optimizer_name(optimizer);
    const char *found = tci_safetensors_metadata(file, TCI_KEY_OPTIMIZER);
    if (!found) return tc_fail(TC_ERR_ARGUMENT, "%s: holds no state of an optimiser", path);
    if (strcmp(found, wanted) != 0)
        return tc_fail(TC_ERR_ARGUMENT, "%s: holds the state of the optimiser '%s', expected is '%s'", path,
                       found, wanted);
    const char *text = tci_safetensors_metadata(file, TCI_KEY_STEPS);
    char *end = NULL;
    errno = 0;
    long long value = text ? strtoll(text, &end, 10) : 0;
    if (!text || end == text || *end != '\0' || errno != 0 || value < 0)
        return tc_fail(TC_ERR_FORMAT, "%s: '" TCI_KEY_STEPS "' is '%s', expected is a count", path,
                       text ? text : "");
    *steps = value;
    return TC_OK;
}

/* ---- Are the bytes what was written? ------------------------------------------------------------------ */

static tc_status check_crc(const char *path, const tci_safetensors *file, const unsigned char *data,
                           size_t size) {
    const char *text = tci_safetensors_metadata(file, TCI_KEY_CRC32);
    if (!text) return TC_OK;
    uLong crc = 0;
    for (size_t done = 0; done < size;) {
        uInt part = size - done < 1u << 30 ? (uInt)(size - done) : 1u << 30;
        crc = crc32(crc, data + done, part);
        done += part;
    }
    char digits[16];
    snprintf(digits, sizeof digits, "%08" PRIx32, (uint32_t)crc);
    if (strcmp(text, digits) == 0) return TC_OK;
    return tc_fail(TC_ERR_FORMAT, "%s: is damaged: the CRC of its tensors is %s, expected is %s", path,
                   digits, text);
}

/* ---- From little-endian bytes to numbers -------------------------------------------------------------- */

static uint64_t get(const unsigned char **from, size_t size) {
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) value |= (uint64_t)(*from)[i] << (8 * i);
    *from += size;
    return value;
}

static void get_float(void *context, float *element) {
    uint32_t bits = (uint32_t)get(context, sizeof bits);
    memcpy(element, &bits, sizeof bits);
}

static void apply(const tci_contents *contents, const tci_stored_tensor *const *places,
                  const unsigned char *data) {
    for (size_t i = 0; i < contents->count; i++) {
        const tci_item *item = &contents->items[i];
        const unsigned char *from = data + places[i]->begin;
        if (item->counter) *item->counter = (int64_t)get(&from, sizeof(int64_t));
        if (item->tensor) tci_walk(item->tensor, get_float, &from);
    }
}

/* ---- Loading ------------------------------------------------------------------------------------------ */

static tc_status read_and_apply(tci_file_reader *reader, const tci_safetensors *file, size_t data_size,
                                const tci_contents *contents, bool with_state,
                                const tci_stored_tensor **places, unsigned char *data) {
    TC_TRY(match(reader->path, contents, with_state, file, places));
    TC_TRY(tci_file_reader_read(reader, data, data_size));
    TC_TRY(check_crc(reader->path, file, data, data_size));
    apply(contents, places, data);
    return TC_OK;
}

/* `reader` stands at the data. */
static tc_status load(tci_file_reader *reader, const tci_safetensors *file, size_t data_size, tc_model *model,
                      tc_optimizer *optimizer) {
    int64_t steps = 0;
    if (optimizer) TC_TRY(match_optimizer(reader->path, optimizer, file, &steps));
    tci_contents contents;
    TC_TRY(tci_contents_collect(model, optimizer, &contents));
    const tci_stored_tensor **places = calloc(contents.count + 1, sizeof *places);
    unsigned char *data = malloc(data_size + 1);
    tc_status status = TC_OK;
    if (!places || !data) {
        status = tc_fail(TC_ERR_MEMORY, "%s: no memory for %zu bytes of tensors", reader->path, data_size);
    } else {
        status = read_and_apply(reader, file, data_size, &contents, optimizer != NULL, places, data);
    }
    if (status == TC_OK && optimizer) tc_optimizer_set_steps(optimizer, steps);
    free(places);
    free(data);
    tci_contents_free(&contents);
    return status;
}

tc_status tc_checkpoint_load(const char *path, tc_model *model, tc_optimizer *optimizer) {
    tci_file_reader reader;
    tci_safetensors file;
    size_t data_size;
    TC_TRY(tci_safetensors_open(path, &reader, &file, &data_size));
    tc_status status = load(&reader, &file, data_size, model, optimizer);
    if (status == TC_OK) tc_model_thaw(model);
    tci_safetensors_free(&file);
    tci_file_reader_close(&reader);
    return status;
}

/* ---- The strings alone -------------------------------------------------------------------------------- */

static char *copy_text(const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);
    if (copy) memcpy(copy, text, size);
    return copy;
}

static tc_status copy_metadata(const char *path, const tci_safetensors *file, tc_metadata **metadata,
                               int *count) {
    tc_metadata *strings = calloc(json_object_size(file->metadata) + 1, sizeof *strings);
    int copied = 0;
    bool fine = strings != NULL;
    const char *key;
    json_t *value;
    json_object_foreach(file->metadata, key, value) {
        if (!fine) break;
        tc_metadata *one = &strings[copied++];
        one->key = copy_text(key);
        one->value = copy_text(json_string_value(value));
        fine = one->key && one->value;
    }
    if (!fine) {
        tc_checkpoint_metadata_free(strings, copied);
        return tc_fail(TC_ERR_MEMORY, "%s: no memory for its metadata", path);
    }
    *metadata = strings;
    *count = copied;
    return TC_OK;
}

tc_status tc_checkpoint_metadata(const char *path, tc_metadata **metadata, int *count) {
    tci_file_reader reader;
    tci_safetensors file;
    size_t data_size;
    *metadata = NULL;
    *count = 0;
    TC_TRY(tci_safetensors_open(path, &reader, &file, &data_size));
    tci_file_reader_close(&reader);
    tc_status status = copy_metadata(path, &file, metadata, count);
    tci_safetensors_free(&file);
    return status;
}

void tc_checkpoint_metadata_free(tc_metadata *metadata, int count) {
    for (int i = 0; i < count; i++) {
        free((char *)metadata[i].key);
        free((char *)metadata[i].value);
    }
    free(metadata);
}
