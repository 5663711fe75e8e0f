/* checkpoint_save.c - a model goes to disk tensor by tensor through one small buffer: no second copy of it is
 * made. The header stands before the data and holds the data's CRC, so the bytes are produced twice, first
 * for the CRC alone. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "checkpoint_names.h"
#include "contents.h"
#include "tinycnn/checkpoint.h"

/* ---- From numbers to little-endian bytes -------------------------------------------------------------- */

typedef struct sink {
    tci_file_writer *writer; /* NULL: only the CRC is wanted */
    tc_status status;        /* the first failure */
    uint32_t crc;
    size_t used;
    unsigned char bytes[16384];
} sink;

static void flush(sink *to) {
    to->crc = (uint32_t)crc32(to->crc, to->bytes, (uInt)to->used);
    if (to->writer && to->status == TC_OK)
        to->status = tci_file_writer_write(to->writer, to->bytes, to->used);
    to->used = 0;
}

static void put(sink *to, uint64_t value, size_t size) {
    if (to->used + size > sizeof to->bytes) flush(to);
    for (size_t i = 0; i < size; i++) to->bytes[to->used + i] = (unsigned char)(value >> (8 * i));
    to->used += size;
}

static void put_float(void *context, float *element) {
    uint32_t bits;
    memcpy(&bits, element, sizeof bits);
    put(context, bits, sizeof bits);
}

static tc_status put_all(const tci_contents *contents, tci_file_writer *writer, uint32_t *crc) {
    sink to = {.writer = writer};
    for (size_t i = 0; i < contents->count; i++) {
        const tci_item *item = &contents->items[i];
        if (item->counter) put(&to, (uint64_t)*item->counter, sizeof(int64_t));
        if (item->tensor) tci_walk(item->tensor, put_float, &to);
    }
    flush(&to);
    if (crc) *crc = to.crc;
    return to.status;
}

/* ---- The header --------------------------------------------------------------------------------------- */

static bool is_ours(const char *key) {
    return strcmp(key, TCI_KEY_CRC32) == 0 || strcmp(key, TCI_KEY_OPTIMIZER) == 0 ||
           strcmp(key, TCI_KEY_STEPS) == 0;
}

static tc_status add_users(const char *path, const tc_metadata *metadata, int count, json_t *object) {
    for (int i = 0; i < count; i++) {
        const char *key = metadata[i].key, *value = metadata[i].value;
        if (!key || !value) return tc_fail(TC_ERR_ARGUMENT, "%s: string %d of the metadata is NULL", path, i);
        if (is_ours(key) || json_object_get(object, key))
            return tc_fail(TC_ERR_ARGUMENT, "%s: the key '%s' of the metadata is taken", path, key);
        if (json_object_set_new(object, key, json_string(value)) != 0)
            return tc_fail(TC_ERR_ARGUMENT, "%s: '%s' in the metadata is not UTF-8, or memory is short", path,
                           key);
    }
    return TC_OK;
}

static tc_status add_ours(const char *path, const tc_optimizer *optimizer, uint32_t crc, json_t *object) {
    char digits[32];
    snprintf(digits, sizeof digits, "%08" PRIx32, crc);
    bool fine = json_object_set_new(object, TCI_KEY_CRC32, json_string(digits)) == 0;
    if (optimizer) {
        snprintf(digits, sizeof digits, "%" PRId64, tc_optimizer_steps(optimizer));
        fine =
            fine &&
            json_object_set_new(object, TCI_KEY_OPTIMIZER, json_string(tc_optimizer_name(optimizer))) == 0 &&
            json_object_set_new(object, TCI_KEY_STEPS, json_string(digits)) == 0;
    }
    return fine ? TC_OK : tc_fail(TC_ERR_MEMORY, "%s: no memory for the metadata", path);
}

static tc_status make_header(const char *path, const tci_contents *contents, json_t *metadata, char **header,
                             size_t *size) {
    tci_stored_tensor *stored = calloc(contents->count + 1, sizeof *stored);
    if (!stored) {
        json_decref(metadata);
        return tc_fail(TC_ERR_MEMORY, "%s: no memory for the list of tensors", path);
    }
    size_t place = 0;
    for (size_t i = 0; i < contents->count; i++) {
        stored[i] = tci_item_stored(&contents->items[i], place);
        place = stored[i].end;
    }
    tc_status status = tci_safetensors_header(path, metadata, stored, contents->count, header, size);
    free(stored);
    return status;
}

/* ---- The file ----------------------------------------------------------------------------------------- */

static tc_status write_file(const char *path, const char *header, size_t size, const tci_contents *contents) {
    tci_file_writer writer;
    TC_TRY(tci_file_writer_open(&writer, path));
    tc_status status = tci_file_writer_write(&writer, header, size);
    if (status == TC_OK) status = put_all(contents, &writer, NULL);
    if (status == TC_OK) return tci_file_writer_commit(&writer);
    tci_file_writer_abort(&writer);
    return status;
}

static tc_status save(const char *path, const tci_contents *contents, const tc_optimizer *optimizer,
                      const tc_metadata *metadata, int metadata_count) {
    json_t *object = json_object();
    if (!object) return tc_fail(TC_ERR_MEMORY, "%s: no memory for the metadata", path);
    uint32_t crc = 0;
    tc_status status = add_users(path, metadata, metadata_count, object);
    if (status == TC_OK) status = put_all(contents, NULL, &crc);
    if (status == TC_OK) status = add_ours(path, optimizer, crc, object);
    if (status != TC_OK) {
        json_decref(object);
        return status;
    }
    char *header;
    size_t size;
    TC_TRY(make_header(path, contents, object, &header, &size));
    status = write_file(path, header, size, contents);
    free(header);
    return status;
}

tc_status tc_checkpoint_save(const char *path, tc_model *model, tc_optimizer *optimizer,
                             const tc_metadata *metadata, int metadata_count) {
    tci_contents contents;
    TC_TRY(tci_contents_collect(model, optimizer, &contents));
    tc_status status = save(path, &contents, optimizer, metadata, metadata_count);
    tci_contents_free(&contents);
    return status;
}
