/* events.h - reads TensorBoard's event files, knowing nothing of how the program writes them. */
#ifndef TESTS_EVENTS_H
#define TESTS_EVENTS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* CRC-32C, as long division of the reflected message by the polynomial 0x11edc6f41. */
uint32_t events_crc32c(const unsigned char *bytes, size_t size);

typedef struct events_scalar {
    int64_t step;
    double wall_time;
    char tag[64];
    float value;
} events_scalar;

#define EVENTS_MAX 4096
typedef struct events {
    int records, count; /* count: of scalars */
    events_scalar scalars[EVENTS_MAX];
    char version[32], writer[32]; /* of the first record */
    char fault[128];              /* what is wrong with the file; "" if nothing */
} events;

void events_read(const char *path, events *found);

#endif
