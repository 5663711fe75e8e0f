/* events.c - framing: TensorFlow's record_writer.cc; fields: event.proto and summary.proto; encoding: protobuf's
 * description of it, of which any field may come in any order. */
#include "events.h"

#include <stdlib.h>
#include <string.h>

/* ---- The checksum ------------------------------------------------------------------------------------- */

/* Polynomials over GF(2), first bit the highest power: the message's bytes come lowest bit first, its first 32 bits and
 * the remainder are complemented, and the remainder's bits are numbered the other way round. */
uint32_t events_crc32c(const unsigned char *bytes, size_t size) {
    uint32_t remainder = 0, reflected = 0;
    for (size_t i = 0; i < 8 * (size + 4); i++) {
        unsigned bit = i < 8 * size ? bytes[i / 8] >> i % 8 & 1u : 0;
        if (i < 32) bit ^= 1;
        unsigned carry = remainder >> 31;
        remainder = remainder << 1 | bit;
        if (carry) remainder ^= 0x1edc6f41;
    }
    for (int i = 0; i < 32; i++) reflected |= (remainder >> i & 1u) << (31 - i);
    return ~reflected;
}

static uint32_t masked(const unsigned char *bytes, size_t size) {
    uint32_t crc = events_crc32c(bytes, size);
    return ((crc >> 15) | (crc << 17)) + 0xa282ead8;
}

static uint64_t little(const unsigned char *bytes, int count) {
    uint64_t value = 0;
    while (count--) value = value << 8 | bytes[count];
    return value;
}

/* ---- Protobuf ----------------------------------------------------------------------------------------- */

typedef struct span {
    const unsigned char *at, *end;
} span;

typedef struct field {
    int number, type;
    uint64_t value; /* of types 0, 1 and 5 */
    span chunk;     /* of type 2 */
} field;

static int varint(span *from, uint64_t *value) {
    *value = 0;
    for (int shift = 0; shift < 64 && from->at < from->end; shift += 7) {
        *value |= (uint64_t)(*from->at & 127) << shift;
        if (*from->at++ < 128) return 1;
    }
    return 0;
}

/* 1: a field, 0: the end, -1: malformed. */
static int next_field(span *from, field *f) {
    uint64_t key, size;
    if (from->at == from->end) return 0;
    if (!varint(from, &key)) return -1;
    f->number = (int)(key >> 3);
    f->type = (int)(key & 7);
    if (f->type == 0) return varint(from, &f->value) ? 1 : -1;
    if (f->type == 2) {
        if (!varint(from, &size)) return -1;
    } else if (f->type == 1 || f->type == 5) {
        size = f->type == 1 ? 8 : 4;
    } else {
        return -1;
    }
    if (size > (uint64_t)(from->end - from->at)) return -1;
    if (f->type == 2)
        f->chunk = (span){from->at, from->at + size};
    else
        f->value = little(from->at, (int)size);
    from->at += size;
    return 1;
}

static void copy(span from, char *text, size_t room) {
    size_t size = (size_t)(from.end - from.at);
    if (size >= room) size = room - 1;
    memcpy(text, from.at, size);
    text[size] = '\0';
}

/* ---- Events ------------------------------------------------------------------------------------------- */

static const char *read_value(span from, events *found, int64_t step, double wall_time) {
    field f;
    int more, has_value = 0;
    if (found->count == EVENTS_MAX) return "too many scalars";
    events_scalar *s = &found->scalars[found->count++];
    *s = (events_scalar){.step = step, .wall_time = wall_time};
    while ((more = next_field(&from, &f)) > 0) {
        if (f.number == 1 && f.type == 2) copy(f.chunk, s->tag, sizeof s->tag);
        if (f.number == 2 && f.type == 5) {
            uint32_t bits = (uint32_t)f.value;
            memcpy(&s->value, &bits, sizeof bits);
            has_value = 1;
        }
    }
    return more < 0 ? "a malformed value" : s->tag[0] && has_value ? NULL : "a value without tag or number";
}

static const char *read_event(span from, events *found) {
    span summary = {0};
    field f;
    int more;
    double wall_time = 0;
    int64_t step = 0;
    while ((more = next_field(&from, &f)) > 0) {
        if (f.number == 1 && f.type == 1) memcpy(&wall_time, &f.value, sizeof wall_time);
        if (f.number == 2 && f.type == 0) step = (int64_t)f.value;
        if (f.number == 3 && f.type == 2) copy(f.chunk, found->version, sizeof found->version);
        if (f.number == 5 && f.type == 2) summary = f.chunk;
        if (f.number == 10 && f.type == 2) {
            span source = f.chunk;
            if (next_field(&source, &f) > 0 && f.number == 1)
                copy(f.chunk, found->writer, sizeof found->writer);
        }
    }
    if (more < 0) return "a malformed event";
    if (wall_time <= 0) return "an event without its time";
    while (summary.at && (more = next_field(&summary, &f)) > 0) {
        if (f.number != 1 || f.type != 2) return "a summary with something else than values";
        const char *fault = read_value(f.chunk, found, step, wall_time);
        if (fault) return fault;
    }
    return more < 0 ? "a malformed summary" : NULL;
}

static const char *read_record(FILE *file, events *found) {
    unsigned char head[12], tail[4], *data = NULL;
    size_t got = fread(head, 1, sizeof head, file);
    if (got == 0) return "";
    if (got != sizeof head) return "a length that is cut off";
    if (masked(head, 8) != little(head + 8, 4)) return "a damaged length";
    size_t size = (size_t)little(head, 8);
    data = malloc(size + 1);
    const char *fault = NULL;
    if (!data || fread(data, 1, size, file) != size || fread(tail, 1, sizeof tail, file) != sizeof tail)
        fault = "data that is cut off";
    else if (masked(data, size) != little(tail, 4))
        fault = "damaged data";
    else
        fault = read_event((span){data, data + size}, found);
    free(data);
    found->records++;
    return fault;
}

void events_read(const char *path, events *found) {
    *found = (events){0};
    FILE *file = fopen(path, "rb");
    const char *fault = file ? NULL : "no such file";
    while (!fault) fault = read_record(file, found);
    if (*fault) snprintf(found->fault, sizeof found->fault, "record %d: %s", found->records, fault);
    if (file) fclose(file);
}
