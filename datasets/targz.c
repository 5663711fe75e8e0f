/* targz.c - a streaming reader of POSIX ustar archives behind gzip.
 *
 * A tar file is a row of 512-byte blocks: a header, the member's bytes padded to whole blocks, the next
 * header, ..., and blocks of zeros at the end. A header's checksum is the sum of its 512 bytes with the
 * checksum field itself taken as spaces. Nothing a header says is believed before that sum is right. */
#include "targz.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 512 };

/* The header's fields: offset and length in bytes. */
enum {
    NAME = 0,
    NAME_LENGTH = 100,
    SIZE = 124,
    SIZE_LENGTH = 12,
    CHECKSUM = 148,
    CHECKSUM_LENGTH = 8,
    TYPE = 156,
    MAGIC = 257,
    PREFIX = 345,
    PREFIX_LENGTH = 155
};

tc_status tci_targz_open(tci_targz *archive, const char *path) {
    memset(archive, 0, sizeof *archive);
    archive->path = path;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return tc_fail(TC_ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    struct stat st;
    unsigned char magic[2] = {0, 0};
    tc_status status = TC_OK;
    if (fstat(fd, &st) != 0)
        status = tc_fail(TC_ERR_IO, "%s: cannot be examined: %s", path, strerror(errno));
    else if (!S_ISREG(st.st_mode))
        status = tc_fail(TC_ERR_IO, "%s: is not a file, expected a .tar.gz archive", path);
    else if (st.st_size == 0)
        status = tc_fail(TC_ERR_FORMAT, "%s: is empty, expected a .tar.gz archive", path);
    else if (read(fd, magic, 2) < 0 || lseek(fd, 0, SEEK_SET) != 0)
        status = tc_fail(TC_ERR_IO, "%s: cannot be read: %s", path, strerror(errno));
    else if (magic[0] != 0x1f || magic[1] != 0x8b)
        status = tc_fail(TC_ERR_FORMAT, "%s: is not a gzip file: begins with bytes %02x %02x, expected 1f 8b",
                         path, magic[0], magic[1]);
    else if ((archive->file = gzdopen(fd, "rb")) == NULL)
        status = tc_fail(TC_ERR_MEMORY, "%s: out of memory for reading gzip", path);
    if (status != TC_OK) {
        close(fd);
        return status;
    }
    gzbuffer(archive->file, 1 << 17);
    archive->most = (uint64_t)st.st_size * 1032;
    return TC_OK;
}

void tci_targz_close(tci_targz *archive) {
    if (archive->file != NULL) gzclose_r(archive->file);
    archive->file = NULL;
}

/* Reads up to `bytes`; fewer only where the gzip stream ends properly. */
static tc_status inflate_bytes(tci_targz *archive, void *buffer, size_t bytes, size_t *got) {
    *got = 0;
    while (*got < bytes) {
        size_t want = bytes - *got;
        int n = gzread(archive->file, (char *)buffer + *got, want < 1 << 30 ? (unsigned)want : 1u << 30);
        if (n > 0) *got += (size_t)n;
        if (n > 0 && (size_t)n == want) return TC_OK;
        int code;
        const char *text = gzerror(archive->file, &code);
        const char *within = archive->name[0] != '\0' ? archive->name : "the first header";
        if (code == Z_ERRNO)
            return tc_fail(TC_ERR_IO, "%s: cannot be read: %s", archive->path, strerror(errno));
        if (code == Z_BUF_ERROR)
            return tc_fail(TC_ERR_FORMAT, "%s: is truncated: the gzip data ends early, in or after %s",
                           archive->path, within);
        if (code != Z_OK && code != Z_STREAM_END)
            return tc_fail(TC_ERR_FORMAT, "%s: gzip data is damaged in or after %s: %s", archive->path,
                           within, text);
        if (n == 0) return TC_OK;
    }
    return TC_OK;
}

tc_status tci_targz_read(tci_targz *archive, void *buffer, size_t bytes) {
    size_t got;
    TC_TRY(inflate_bytes(archive, buffer, bytes, &got));
    archive->left -= got;
    if (got == bytes) return TC_OK;
    return tc_fail(TC_ERR_FORMAT, "%s: is truncated: %s has %llu bytes, its header says %llu", archive->path,
                   archive->name, (unsigned long long)(archive->size - archive->left),
                   (unsigned long long)archive->size);
}

static tc_status skip(tci_targz *archive) {
    char buffer[16 * BLOCK];
    archive->left += (uint64_t)archive->padding;
    archive->size += (uint64_t)archive->padding;
    archive->padding = 0;
    while (archive->left > 0)
        TC_TRY(tci_targz_read(archive, buffer,
                              archive->left < sizeof buffer ? (size_t)archive->left : sizeof buffer));
    return TC_OK;
}

/* Reads on to the end of the gzip stream, where zlib compares the checksum. */
static tc_status finish(tci_targz *archive) {
    char buffer[16 * BLOCK];
    size_t got;
    do {
        TC_TRY(inflate_bytes(archive, buffer, sizeof buffer, &got));
    } while (got > 0);
    return TC_OK;
}

/* A number of `length` bytes: octal digits between spaces and zeros, or, if the first bit is set, binary with
 * the most significant byte first (GNU's extension for what octal cannot hold). */
static bool parse_number(const unsigned char *field, int length, uint64_t *value) {
    *value = 0;
    if (field[0] & 0x80) {
        if (field[0] != 0x80) return false; /* negative, or beyond 64 bits */
        for (int i = 1; i < length; i++) {
            if (*value >> 55) return false;
            *value = *value << 8 | field[i];
        }
        return true;
    }
    int i = 0, digits = 0;
    while (i < length && field[i] == ' ') i++;
    for (; i < length && field[i] >= '0' && field[i] <= '7'; i++, digits++)
        *value = *value << 3 | (uint64_t)(field[i] - '0');
    for (; i < length; i++)
        if (field[i] != ' ' && field[i] != '\0') return false;
    return digits > 0;
}

static bool is_zero(const unsigned char *block) {
    for (int i = 0; i < BLOCK; i++)
        if (block[i] != 0) return false;
    return true;
}

/* The end of a name, without "./" in front and with bytes that a terminal must not see replaced. */
static void keep_name(const char *from, size_t length, char name[256]) {
    for (; length > 1 && from[0] == '.' && from[1] == '/'; from += 2) length -= 2;
    size_t kept = length < 255 ? length : 255;
    snprintf(name, 256, "%.*s", (int)kept, from + length - kept);
    for (char *c = name; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7f) *c = '?';
}

static void parse_name(tci_targz *archive, const unsigned char *block) {
    const char *name = (const char *)block + NAME, *prefix = (const char *)block + PREFIX;
    bool ustar = memcmp(block + MAGIC, "ustar", 6) == 0; /* with its zero: old GNU headers have no prefix */
    int prefix_length = ustar ? (int)strnlen(prefix, PREFIX_LENGTH) : 0;
    char whole[PREFIX_LENGTH + NAME_LENGTH + 2];
    int length = snprintf(whole, sizeof whole, "%.*s%s%.*s", prefix_length, prefix,
                          prefix_length > 0 ? "/" : "", NAME_LENGTH, name);
    keep_name(whole, (size_t)length, archive->name);
}

/* GNU: the member's bytes are the name. pax: records "LENGTH path=NAME\n", LENGTH of the whole record. */
static tc_status read_long_name(tci_targz *archive, bool is_pax) {
    char text[4096 + 1];
    size_t size = archive->left < sizeof text - 1 ? (size_t)archive->left : sizeof text - 1;
    TC_TRY(tci_targz_read(archive, text, size));
    text[size] = '\0';
    if (!is_pax) keep_name(text, strlen(text), archive->longer);
    for (char *at = text, *end; is_pax && at < text + size;) {
        long length = strtol(at, &end, 10);
        if (length < 1 || length > text + size - at) break;
        if (strncmp(end, " path=", 6) == 0 && end + 6 < at + length)
            keep_name(end + 6, (size_t)(at + length - 1 - (end + 6)), archive->longer);
        at += length;
    }
    return TC_OK;
}

static tc_status parse_header(tci_targz *archive, const unsigned char *block) {
    const char *after = archive->name[0] != '\0' ? archive->name : "the beginning";
    uint64_t expected, sum = 0;
    for (int i = 0; i < BLOCK; i++) sum += i >= CHECKSUM && i < CHECKSUM + CHECKSUM_LENGTH ? ' ' : block[i];
    if (!parse_number(block + CHECKSUM, CHECKSUM_LENGTH, &expected))
        return tc_fail(TC_ERR_FORMAT, "%s: is not a tar archive: no header where one is expected, after %s",
                       archive->path, after);
    if (sum != expected)
        return tc_fail(TC_ERR_FORMAT, "%s: wrong tar header checksum after %s: found %llu, expected %llu",
                       archive->path, after, (unsigned long long)sum, (unsigned long long)expected);
    parse_name(archive, block);
    if (!parse_number(block + SIZE, SIZE_LENGTH, &archive->size))
        return tc_fail(TC_ERR_FORMAT, "%s: %s: the size in its tar header is not a number of bytes",
                       archive->path, archive->name);
    char type = (char)block[TYPE];
    archive->regular = type == '0' || type == '\0' || type == '7';
    if (type >= '1' && type <= '6') archive->size = 0; /* links, devices and folders have no bytes */
    if (archive->size > archive->most)
        return tc_fail(TC_ERR_FORMAT, "%s: %s: its tar header says %llu bytes, the archive can hold %llu",
                       archive->path, archive->name, (unsigned long long)archive->size,
                       (unsigned long long)archive->most);
    archive->left = archive->size;
    archive->padding = (int)((BLOCK - archive->size % BLOCK) % BLOCK);
    return TC_OK;
}

tc_status tci_targz_next(tci_targz *archive, bool *more) {
    unsigned char block[BLOCK];
    *more = false;
    for (;;) {
        size_t got;
        TC_TRY(skip(archive));
        TC_TRY(inflate_bytes(archive, block, BLOCK, &got));
        if (got == 0) return TC_OK; /* no blocks of zeros: common, and harmless */
        if (got < BLOCK)
            return tc_fail(TC_ERR_FORMAT, "%s: is not a whole tar archive: %zu bytes of a header after %s",
                           archive->path, got, archive->name[0] != '\0' ? archive->name : "the beginning");
        if (is_zero(block)) return finish(archive);
        TC_TRY(parse_header(archive, block));
        if (strchr("xgLK", block[TYPE]) == NULL || block[TYPE] == '\0') break;
        if (block[TYPE] == 'x' || block[TYPE] == 'L') TC_TRY(read_long_name(archive, block[TYPE] == 'x'));
    }
    if (archive->longer[0] != '\0') memcpy(archive->name, archive->longer, sizeof archive->name);
    archive->longer[0] = '\0';
    *more = true;
    return TC_OK;
}
