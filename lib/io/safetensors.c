/* safetensors.c - a header is believed only after every number in it has been checked against the others. */
#include "safetensors.h"

#include <stdlib.h>
#include <string.h>

#include "arith.h"

static const char *const dtype_names[] = {[TCI_F32] = "F32", [TCI_I64] = "I64"};
static const size_t dtype_bytes[] = {[TCI_F32] = 4, [TCI_I64] = 8};

#define METADATA "__metadata__"

/* ---- Reading one tensor's entry ----------------------------------------------------------------------- */

static tc_status parse_dtype(const char *path, const char *text, tci_stored_tensor *tensor) {
    for (int i = 0; i < (int)(sizeof dtype_names / sizeof *dtype_names); i++) {
        if (strcmp(text, dtype_names[i]) != 0) continue;
        tensor->dtype = (tci_dtype)i;
        return TC_OK;
    }
    return tc_fail(TC_ERR_UNSUPPORTED, "%s: tensor '%s' is of type %.16s, readable are F32 and I64", path,
                   tensor->name, text);
}

/* Also gives the number of bytes that the shape stands for. */
static tc_status parse_shape(const char *path, const json_t *shape, tci_stored_tensor *tensor,
                             size_t *bytes) {
    if (json_array_size(shape) > 4)
        return tc_fail(TC_ERR_UNSUPPORTED, "%s: tensor '%s' has %zu dimensions, readable are at most 4", path,
                       tensor->name, json_array_size(shape));
    tensor->ndim = (int)json_array_size(shape);
    *bytes = dtype_bytes[tensor->dtype];
    for (int i = 0; i < tensor->ndim; i++) {
        const json_t *extent = json_array_get(shape, (size_t)i);
        json_int_t value = json_integer_value(extent);
        if (!json_is_integer(extent) || value < 0)
            return tc_fail(TC_ERR_FORMAT, "%s: tensor '%s': the shape is not made of counts", path,
                           tensor->name);
        tensor->shape[i] = value;
        if ((uintmax_t)value > SIZE_MAX || !tci_mul_size(*bytes, (size_t)value, bytes))
            return tc_fail(TC_ERR_FORMAT, "%s: tensor '%s': the size of its shape overflows", path,
                           tensor->name);
    }
    return TC_OK;
}

static tc_status parse_tensor(const char *path, const char *name, const json_t *entry, size_t data_size,
                              tci_stored_tensor *tensor) {
    *tensor = (tci_stored_tensor){.name = name};
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    const json_t *shape = json_object_get(entry, "shape"), *offsets = json_object_get(entry, "data_offsets");
    const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
    if (!dtype || !json_is_array(shape) || json_array_size(offsets) != 2 || !json_is_integer(begin) ||
        !json_is_integer(end) || json_object_size(entry) != 3)
        return tc_fail(TC_ERR_FORMAT,
                       "%s: tensor '%s': expected are \"dtype\", \"shape\" and two \"data_offsets\"", path,
                       name);
    TC_TRY(parse_dtype(path, dtype, tensor));
    size_t bytes = 0;
    TC_TRY(parse_shape(path, shape, tensor, &bytes));
    json_int_t first = json_integer_value(begin), last = json_integer_value(end);
    if (first < 0 || last < first || (uintmax_t)last > data_size)
        return tc_fail(TC_ERR_FORMAT, "%s: tensor '%s' lies at %lld to %lld, the data has %zu bytes", path,
                       name, (long long)first, (long long)last, data_size);
    tensor->begin = (size_t)first;
    tensor->end = (size_t)last;
    if (tensor->end - tensor->begin != bytes)
        return tc_fail(TC_ERR_FORMAT, "%s: tensor '%s' has %zu bytes, its shape and type need %zu", path,
                       name, tensor->end - tensor->begin, bytes);
    return TC_OK;
}

/* ---- Reading a header --------------------------------------------------------------------------------- */

static int by_place(const void *left, const void *right) {
    const tci_stored_tensor *a = left, *b = right;
    if (a->begin != b->begin) return a->begin < b->begin ? -1 : 1;
    return (a->end > b->end) - (a->end < b->end);
}

static tc_status check_coverage(const char *path, const tci_safetensors *file, size_t data_size) {
    size_t covered = 0;
    for (size_t i = 0; i < file->count; i++) {
        const tci_stored_tensor *tensor = &file->tensors[i];
        if (tensor->begin != covered)
            return tc_fail(TC_ERR_FORMAT, "%s: tensor '%s' begins at byte %zu of the data, expected is %zu",
                           path, tensor->name, tensor->begin, covered);
        covered = tensor->end;
    }
    if (covered != data_size)
        return tc_fail(TC_ERR_FORMAT, "%s: has %zu bytes of data, its tensors need %zu", path, data_size,
                       covered);
    return TC_OK;
}

static tc_status check_metadata(const char *path, json_t *metadata) {
    const char *key;
    json_t *value;
    if (!json_is_object(metadata)) return tc_fail(TC_ERR_FORMAT, "%s: " METADATA " is not an object", path);
    json_object_foreach(metadata, key, value) {
        if (!json_is_string(value))
            return tc_fail(TC_ERR_FORMAT, "%s: '%s' in " METADATA " is not a string", path, key);
    }
    return TC_OK;
}

static tc_status parse_entries(const char *path, size_t data_size, tci_safetensors *file) {
    file->tensors = calloc(json_object_size(file->header) + 1, sizeof *file->tensors);
    if (!file->tensors) return tc_fail(TC_ERR_MEMORY, "%s: no memory for the list of tensors", path);
    const char *name;
    json_t *entry;
    json_object_foreach(file->header, name, entry) {
        if (strcmp(name, METADATA) == 0) {
            TC_TRY(check_metadata(path, entry));
            file->metadata = entry;
        } else {
            TC_TRY(parse_tensor(path, name, entry, data_size, &file->tensors[file->count]));
            file->count++;
        }
    }
    qsort(file->tensors, file->count, sizeof *file->tensors, by_place);
    return check_coverage(path, file, data_size);
}

tc_status tci_safetensors_parse(const char *path, const char *text, size_t size, size_t data_size,
                                tci_safetensors *file) {
    *file = (tci_safetensors){0};
    if (size == 0 || text[0] != '{') return tc_fail(TC_ERR_FORMAT, "%s: the header is not JSON", path);
    json_error_t error;
    file->header = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (!file->header)
        return tc_fail(TC_ERR_FORMAT, "%s: the header is not valid JSON: %s at byte %d", path, error.text,
                       error.position);
    tc_status status = parse_entries(path, data_size, file);
    if (status != TC_OK) tci_safetensors_free(file);
    return status;
}

static tc_status read_header(const char *path, tci_file_reader *reader, tci_safetensors *file,
                             size_t *data_size) {
    unsigned char field[8];
    if (reader->size < sizeof field)
        return tc_fail(TC_ERR_FORMAT, "%s: has %zu bytes, a safetensors file has at least 8", path,
                       reader->size);
    TC_TRY(tci_file_reader_read(reader, field, sizeof field));
    uint64_t length = 0;
    for (int i = 7; i >= 0; i--) length = length << 8 | field[i];
    if (length > TCI_MAX_HEADER || length > reader->size - sizeof field)
        return tc_fail(TC_ERR_FORMAT,
                       "%s: no safetensors file or cut off: a header of %llu bytes in a file of %zu", path,
                       (unsigned long long)length, reader->size);
    *data_size = reader->size - sizeof field - (size_t)length;
    char *text = malloc((size_t)length + 1);
    if (!text) return tc_fail(TC_ERR_MEMORY, "%s: no memory for its header", path);
    tc_status status = tci_file_reader_read(reader, text, (size_t)length);
    if (status == TC_OK) status = tci_safetensors_parse(path, text, (size_t)length, *data_size, file);
    free(text);
    return status;
}

tc_status tci_safetensors_open(const char *path, tci_file_reader *reader, tci_safetensors *file,
                               size_t *data_size) {
    TC_TRY(tci_file_reader_open(reader, path));
    tc_status status = read_header(path, reader, file, data_size);
    if (status != TC_OK) tci_file_reader_close(reader);
    return status;
}

void tci_safetensors_free(tci_safetensors *file) {
    json_decref(file->header);
    free(file->tensors);
    *file = (tci_safetensors){0};
}

const char *tci_safetensors_metadata(const tci_safetensors *file, const char *key) {
    return json_string_value(json_object_get(file->metadata, key));
}

/* ---- Writing ------------------------------------------------------------------------------------------ */

/* False if memory is short or a name is not UTF-8. */
static bool add_tensor(json_t *header, const tci_stored_tensor *tensor) {
    json_t *shape = json_array();
    for (int i = 0; i < tensor->ndim; i++) json_array_append_new(shape, json_integer(tensor->shape[i]));
    json_t *entry = json_pack("{s:s, s:o, s:[I, I]}", "dtype", dtype_names[tensor->dtype], "shape", shape,
                              "data_offsets", (json_int_t)tensor->begin, (json_int_t)tensor->end);
    return json_object_set_new(header, tensor->name, entry) == 0;
}

/* Length field, text, and spaces up to a multiple of 8. */
static char *frame(const char *text, size_t *size) {
    size_t length = (strlen(text) + 7) & ~(size_t)7;
    *size = 8 + length;
    char *bytes = malloc(*size);
    if (!bytes) return NULL;
    for (int i = 0; i < 8; i++) bytes[i] = (char)(uint64_t)((uint64_t)length >> (8 * i));
    memset(bytes + 8, ' ', length);
    memcpy(bytes + 8, text, strlen(text));
    return bytes;
}

tc_status tci_safetensors_header(const char *path, json_t *metadata, const tci_stored_tensor *tensors,
                                 size_t count, char **bytes, size_t *size) {
    json_t *header = json_object();
    bool fine = json_object_set_new(header, METADATA, metadata) == 0;
    for (size_t i = 0; i < count && fine; i++) fine = add_tensor(header, &tensors[i]);
    char *text = fine ? json_dumps(header, JSON_COMPACT) : NULL;
    json_decref(header);
    *bytes = text ? frame(text, size) : NULL;
    free(text);
    return *bytes ? TC_OK : tc_fail(TC_ERR_MEMORY, "%s: the header cannot be made", path);
}
