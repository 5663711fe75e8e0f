/* tensorboard.c - the format is TFRecord around protobuf, of which five fields are needed:
 *
 *     record: length (u64), masked CRC of the length (u32), data, masked CRC of the data (u32); little-endian
 *     mask:   (crc >> 15 | crc << 17) + 0xa282ead8
 *     data:   Event {double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5;
 *                    SourceMetadata source_metadata = 10 {string writer = 1}}
 *             Summary {repeated Value value = 1 {string tag = 1; float simple_value = 2}}
 *
 * (tensorflow/core/util/event.proto, tensorflow/core/framework/summary.proto, tensorflow/core/lib/io/record_writer.cc).
 *
 * One file holds the whole run, however often it was resumed: other readers than TensorBoard itself know nothing of a
 * second file that takes back what the first one says. The writer's name in the first event tells our file from others
 * that lie in the folder. */
#include "tensorboard.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { DATA_MAX = 1024, FRAME = 16 }; /* bytes of an event of ours at most, and what a record adds to it */

/* ---- Bytes -------------------------------------------------------------------------------------------- */

typedef struct message {
    size_t size;
    unsigned char bytes[DATA_MAX + FRAME];
} message;

static void put_bytes(message *to, const void *bytes, size_t size) {
    memcpy(to->bytes + to->size, bytes, size);
    to->size += size;
}

static void put_little(message *to, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; i++) to->bytes[to->size++] = (unsigned char)(value >> 8 * i);
}

static void put_varint(message *to, uint64_t value) {
    for (; value > 127; value >>= 7) to->bytes[to->size++] = (unsigned char)(value | 128);
    to->bytes[to->size++] = (unsigned char)value;
}

enum { VARINT = 0, FIXED64 = 1, CHUNK = 2, FIXED32 = 5 };

static void put_key(message *to, int field, int type) {
    put_varint(to, (uint64_t)(field << 3 | type));
}

static void put_chunk(message *to, int field, const void *bytes, size_t size) {
    put_key(to, field, CHUNK);
    put_varint(to, size);
    put_bytes(to, bytes, size);
}

static uint64_t get_little(const unsigned char *from, int bytes) {
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++) value |= (uint64_t)from[i] << 8 * i;
    return value;
}

/* ---- Records ------------------------------------------------------------------------------------------ */

/* Bit by bit: a record an epoch needs no table. */
uint32_t tensorboard_crc32c(const void *bytes, size_t size) {
    const unsigned char *byte = bytes;
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < size; i++) {
        crc ^= byte[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
    }
    return ~crc;
}

static uint32_t masked_crc(const void *bytes, size_t size) {
    uint32_t crc = tensorboard_crc32c(bytes, size);
    return (crc >> 15 | crc << 17) + 0xa282ead8;
}

static void frame(const message *data, message *record) {
    record->size = 0;
    put_little(record, data->size, 8);
    put_little(record, masked_crc(record->bytes, 8), 4);
    put_bytes(record, data->bytes, data->size);
    put_little(record, masked_crc(data->bytes, data->size), 4);
}

/* The next record's data; false at the end and where there is none of ours. */
static bool read_record(FILE *file, message *data) {
    unsigned char head[12], tail[4];
    if (fread(head, 1, sizeof head, file) != sizeof head || masked_crc(head, 8) != get_little(head + 8, 4))
        return false;
    uint64_t size = get_little(head, 8);
    if (size > DATA_MAX) return false;
    data->size = (size_t)size;
    return fread(data->bytes, 1, data->size, file) == data->size &&
           fread(tail, 1, sizeof tail, file) == sizeof tail &&
           masked_crc(data->bytes, data->size) == get_little(tail, 4);
}

/* ---- Events ------------------------------------------------------------------------------------------- */

enum { STEP_AT = 9 }; /* behind the wall time, where all events of ours have their step */

static double wall_clock(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void begin_event(message *event, double wall_time) {
    uint64_t bits;
    memcpy(&bits, &wall_time, sizeof bits);
    event->size = 0;
    put_key(event, 1, FIXED64);
    put_little(event, bits, 8);
}

static void first_event(message *event, double wall_time) {
    static const char version[] = "brain.Event:2", writer[] = "tinycnn";
    message source = {0};
    put_chunk(&source, 1, writer, sizeof writer - 1);
    begin_event(event, wall_time);
    put_chunk(event, 3, version, sizeof version - 1);
    put_chunk(event, 10, source.bytes, source.size);
}

static void put_scalar(message *summary, const char *tag, double number) {
    message value = {0};
    float single = (float)number;
    uint32_t bits;
    memcpy(&bits, &single, sizeof bits);
    put_chunk(&value, 1, tag, strlen(tag));
    put_key(&value, 2, FIXED32);
    put_little(&value, bits, 4);
    put_chunk(summary, 1, value.bytes, value.size);
}

static void put_step(message *event, int64_t step) {
    put_key(event, 2, VARINT);
    put_varint(event, (uint64_t)step);
}

static tc_status append(log_file *file, const metrics *m, double wall_time) {
    message event, summary = {0}, record;
    for (int i = 0; i < METRICS_FIELDS; i++) {
        double value = metrics_get(m, i);
        if (metrics_fields[i].tag && isfinite(value)) put_scalar(&summary, metrics_fields[i].tag, value);
    }
    begin_event(&event, wall_time);
    put_step(&event, m->step);
    put_chunk(&event, 5, summary.bytes, summary.size);
    frame(&event, &record);
    return log_file_append(file, record.bytes, record.size);
}

tc_status tensorboard_append(log_file *file, const metrics *m) {
    return append(file, m, wall_clock());
}

/* ---- The file ----------------------------------------------------------------------------------------- */

static bool is_ours(FILE *file) {
    message first, expected;
    first_event(&expected, 0);
    return read_record(file, &first) && first.size == expected.size &&
           memcmp(first.bytes + STEP_AT, expected.bytes + STEP_AT, expected.size - STEP_AT) == 0;
}

static bool is_of_step(const message *event, int64_t step) {
    message expected = {0};
    put_step(&expected, step);
    return event->size > STEP_AT + expected.size &&
           memcmp(event->bytes + STEP_AT, expected.bytes, expected.size) == 0;
}

/* How many epochs of the list the file begins with, and the offset behind them; false if the file is not ours. */
static bool look_through(const char *path, const metrics_list *list, int *epochs, int64_t *offset) {
    FILE *file = fopen(path, "rb");
    bool ours = file && is_ours(file);
    *epochs = 0;
    if (ours) {
        message event;
        *offset = ftell(file);
        while (*epochs < list->count && read_record(file, &event) &&
               is_of_step(&event, list->epochs[*epochs].step)) {
            *offset = ftell(file);
            ++*epochs;
        }
    }
    if (file) fclose(file);
    return ours;
}

#define NAME_BEGIN "events.out.tfevents."

/* Looks for a file of ours; `path` is empty where there is none. */
static tc_status find(const char *folder, const metrics_list *list, char path[LOG_PATH_MAX], int *epochs,
                      int64_t *offset) {
    path[0] = '\0';
    DIR *entries = opendir(folder);
    if (!entries) return tc_fail(TC_ERR_IO, "%s: %s", folder, strerror(errno));
    bool found = false;
    for (struct dirent *entry; !found && (entry = readdir(entries));) {
        if (strncmp(entry->d_name, NAME_BEGIN, strlen(NAME_BEGIN)) != 0) continue;
        int size = snprintf(path, LOG_PATH_MAX, "%s/%s", folder, entry->d_name);
        found = size < LOG_PATH_MAX && look_through(path, list, epochs, offset);
    }
    closedir(entries);
    if (!found) path[0] = '\0';
    return TC_OK;
}

/* Epochs of which no event was written had their times in the past, by the clock of the training. */
static double time_of(const metrics_list *list, int epoch) {
    double now = wall_clock();
    double ago =
        epoch < list->count ? list->epochs[list->count - 1].seconds - list->epochs[epoch].seconds : 0;
    return ago > 0 ? now - ago : now;
}

/* A new file, which holds its first event. */
static tc_status create(const char *folder, const metrics_list *list, char path[LOG_PATH_MAX],
                        int64_t *size) {
    char host[64] = "localhost";
    message event, record;
    double began = time_of(list, 0);
    if (gethostname(host, sizeof host - 1) != 0 || !host[0] || strchr(host, '/'))
        snprintf(host, sizeof host, "localhost");
    for (int i = 0, length; i == 0 || access(path, F_OK) == 0; i++) {
        length =
            snprintf(path, LOG_PATH_MAX, "%s/" NAME_BEGIN "%010lld.%s.%d", folder, (long long)began, host, i);
        if (length >= LOG_PATH_MAX) return tc_fail(TC_ERR_IO, "%s: the path is too long", folder);
    }
    first_event(&event, began);
    frame(&event, &record);
    *size = (int64_t)record.size;
    return tc_write_file(path, record.bytes, record.size);
}

tc_status tensorboard_open(const char *folder, const metrics_list *list, log_file *file) {
    char path[LOG_PATH_MAX];
    int epochs = 0;
    int64_t keep = 0;
    TC_TRY(find(folder, list, path, &epochs, &keep));
    if (!path[0]) TC_TRY(create(folder, list, path, &keep));
    TC_TRY(log_file_open(path, keep, file));
    tc_status status = TC_OK;
    for (int i = epochs; i < list->count && status == TC_OK; i++)
        status = append(file, &list->epochs[i], time_of(list, i));
    if (status != TC_OK) log_file_close(file);
    return status;
}
