/* tensorboard.c - TFRecords of tensorflow.Event messages.
 *
 * A record is its length (8 bytes, least first), a checksum of that, the message, a checksum of that. The checksum is
 * CRC-32C (RFC 3720, appendix B.4), turned and shifted: ((c >> 15) | (c << 17)) + 0xa282ead8 (TensorFlow,
 * core/lib/hash/crc32c.h and core/lib/io/record_writer.cc). zlib has another CRC-32.
 *
 * Of the message (TensorFlow, core/util/event.proto, core/framework/summary.proto) five fields are needed, which is why
 * they are written by hand:
 *
 *     Event: double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5;
 *     Summary: repeated Value value = 1;    Value: string tag = 1; float simple_value = 2; */
#include "tensorboard.h"

#include <string.h>

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 }; /* how a field is encoded */
enum { MESSAGE_MAX = 2048, VALUE_MAX = 96 };

typedef struct message {
    uint8_t bytes[MESSAGE_MAX];
    size_t size;
} message;

/* ---- Messages: protocol buffers ------------------------------------------------------------------------ */

static void put_varint(message *m, uint64_t value) {
    for (; value >= 128; value >>= 7) m->bytes[m->size++] = (uint8_t)(value | 128);
    m->bytes[m->size++] = (uint8_t)value;
}

static void put_key(message *m, int field, int encoding) {
    put_varint(m, (uint64_t)(field << 3 | encoding));
}

static void put_fixed(message *m, const void *value, size_t size) {
    uint64_t bits = 0;
    memcpy(&bits, value, size);
    for (size_t i = 0; i < size; i++) m->bytes[m->size++] = (uint8_t)(bits >> 8 * i);
}

static void put_bytes(message *m, int field, const void *bytes, size_t size) {
    put_key(m, field, BYTES);
    put_varint(m, size);
    memcpy(m->bytes + m->size, bytes, size);
    m->size += size;
}

static message event_at(double wall_time) {
    message m = {.size = 0};
    put_key(&m, 1, FIXED64);
    put_fixed(&m, &wall_time, sizeof wall_time);
    return m;
}

/* ---- Records ------------------------------------------------------------------------------------------- */

static uint32_t checksum(const uint8_t *bytes, size_t size) {
    uint32_t c = ~0u;
    for (size_t i = 0; i < size; i++) {
        c ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) c = c >> 1 ^ (c & 1 ? 0x82f63b78u : 0);
    }
    c = ~c;
    return (c >> 15 | c << 17) + 0xa282ead8u;
}

static void write_number(FILE *file, uint64_t value, size_t size) {
    for (size_t i = 0; i < size; i++) fputc((int)(value >> 8 * i & 255), file);
}

static void write_record(FILE *file, const message *m) {
    uint8_t length[8];
    for (int i = 0; i < 8; i++) length[i] = (uint8_t)((uint64_t)m->size >> 8 * i);
    fwrite(length, 1, sizeof length, file);
    write_number(file, checksum(length, sizeof length), 4);
    fwrite(m->bytes, 1, m->size, file);
    write_number(file, checksum(m->bytes, m->size), 4);
}

void tensorboard_begin(FILE *file, double wall_time) {
    static const char version[] = "brain.Event:2";
    message event = event_at(wall_time);
    put_bytes(&event, 3, version, sizeof version - 1);
    write_record(file, &event);
}

void tensorboard_append(FILE *file, double wall_time, int64_t step, const tensorboard_scalar *scalars,
                        int count) {
    message event = event_at(wall_time), summary = {.size = 0};
    for (int i = 0; i < count && i < TENSORBOARD_SCALARS; i++) {
        message value = {.size = 0};
        put_bytes(&value, 1, scalars[i].tag, strnlen(scalars[i].tag, VALUE_MAX - 32));
        put_key(&value, 2, FIXED32);
        put_fixed(&value, &scalars[i].value, sizeof scalars[i].value);
        put_bytes(&summary, 1, value.bytes, value.size);
    }
    put_key(&event, 2, VARINT);
    put_varint(&event, (uint64_t)step);
    put_bytes(&event, 5, summary.bytes, summary.size);
    write_record(file, &event);
}

bool tensorboard_skip(FILE *file, int64_t records) {
    for (; records > 0; records--) {
        uint8_t head[12], body[MESSAGE_MAX + 4];
        uint64_t size = 0;
        if (fread(head, 1, sizeof head, file) != sizeof head) return false;
        for (int i = 7; i >= 0; i--) size = size << 8 | head[i];
        if (size > MESSAGE_MAX || fread(body, 1, (size_t)size + 4, file) != size + 4) return false;
    }
    return true;
}
