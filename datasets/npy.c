/* npy.c - the header is the text of a Python dictionary, as numpy.save writes it:
 *
 *     {'descr': '|u1', 'fortran_order': False, 'shape': (60000, 28, 28), } */
#include "npy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_MAX = 4096 };

tc_status tci_npy_read(tci_npy *a, void *to, size_t size) {
    for (size_t done = 0; done < size;) {
        int64_t got = a->read(a->from, (char *)to + done, size - done);
        if (got < 0) return tc_fail(TC_ERR_IO, "%s: cannot be read, or its checksum is wrong", a->name);
        if (got == 0) return tc_fail(TC_ERR_FORMAT, "%s: ends too early", a->name);
        done += (size_t)got;
    }
    return TC_OK;
}

/* What stands behind 'key': in the dictionary; NULL if nothing does. */
static const char *value_of(const char *text, const char *key) {
    char quoted[32];
    snprintf(quoted, sizeof quoted, "'%s':", key);
    const char *at = strstr(text, quoted);
    return at ? at + strlen(quoted) + strspn(at + strlen(quoted), " ") : NULL;
}

/* '<f4' */
static bool parse_type(tci_npy *a, const char *text) {
    if (!text || text[0] != '\'' || !strchr("<>|=", text[1])) return false;
    char *end;
    a->big_endian = text[1] == '>';
    a->kind = text[2];
    if (!text[2]) return false;
    long item = strtol(text + 3, &end, 10);
    a->item = (int)item;
    return *end == '\'' && item >= 1 && item <= 16;
}

/* (60000, 28, 28) or (5,) */
static bool parse_shape(tci_npy *a, const char *text) {
    if (!text || *text++ != '(') return false;
    for (a->ndim = 0; *text != ')'; a->ndim++) {
        char *end;
        if (a->ndim == NPY_DIMS || *text < '0' || *text > '9') return false;
        a->shape[a->ndim] = strtoll(text, &end, 10);
        text = end + (*end == ',');
        text += *text == ' ';
    }
    return true;
}

/* Whether values of that shape fill exactly `bytes`. */
static bool fills(const tci_npy *a, uint64_t bytes) {
    uint64_t each = (uint64_t)a->item;
    for (int i = 0; i < a->ndim; i++) {
        if (a->shape[i] == 0) return bytes == 0;
        if (each > bytes / (uint64_t)a->shape[i]) return false;
        each *= (uint64_t)a->shape[i];
    }
    return each == bytes;
}

static tc_status read_header(tci_npy *a, char text[HEADER_MAX + 1], uint64_t *length) {
    uint8_t head[12];
    TC_TRY(tci_npy_read(a, head, 10));
    if (memcmp(head, "\x93NUMPY", 6) != 0)
        return tc_fail(TC_ERR_FORMAT, "%s: does not begin as NumPy's arrays do", a->name);
    if (head[6] < 1 || head[6] > 3)
        return tc_fail(TC_ERR_UNSUPPORTED, "%s: version %d of the format, readable are 1 to 3", a->name,
                       head[6]);
    uint64_t size = (uint64_t)head[8] + 256u * head[9], before = 10;
    if (head[6] > 1) {
        TC_TRY(tci_npy_read(a, head + 10, 2));
        size += 65536u * head[10] + 16777216u * (uint64_t)head[11];
        before = 12;
    }
    if (size > HEADER_MAX)
        return tc_fail(TC_ERR_FORMAT, "%s: a header of %llu bytes, expected at most %d", a->name,
                       (unsigned long long)size, HEADER_MAX);
    TC_TRY(tci_npy_read(a, text, (size_t)size));
    text[size] = '\0';
    *length = before + size;
    return TC_OK;
}

tc_status tci_npy_open(tci_npy *a, const char *name, int64_t (*read)(void *from, void *to, uint64_t size),
                       void *from, uint64_t size) {
    char text[HEADER_MAX + 1];
    uint64_t length = 0;
    *a = (tci_npy){.name = name, .read = read, .from = from};
    TC_TRY(read_header(a, text, &length));
    const char *order = value_of(text, "fortran_order");
    if (!parse_type(a, value_of(text, "descr")) || !order || !parse_shape(a, value_of(text, "shape")))
        return tc_fail(TC_ERR_FORMAT, "%s: the header says no simple type, order and shape: %.*s", name,
                       (int)strcspn(text, "}") + 1, text);
    if (!strchr("biufc", a->kind))
        return tc_fail(TC_ERR_UNSUPPORTED, "%s: values of type %c%d, expected numbers", name, a->kind,
                       a->item);
    if (strncmp(order, "False", 5) != 0)
        return tc_fail(TC_ERR_UNSUPPORTED, "%s: in Fortran's order, expected C's (numpy.ascontiguousarray)",
                       name);
    if (size < length || !fills(a, size - length))
        return tc_fail(TC_ERR_FORMAT, "%s: %llu bytes of values, which is not what its shape and type need",
                       name, (unsigned long long)(size - (size < length ? size : length)));
    return TC_OK;
}
