#include "data_files.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { BLOCK = 512 };

const char *const data_batch_names[DATA_BATCHES] = {"data_batch_1.bin", "data_batch_2.bin",
                                                    "data_batch_3.bin", "data_batch_4.bin",
                                                    "data_batch_5.bin", "test_batch.bin"};

static char place[256];

/* A test that cannot write its files proves nothing. */
static void insist(int good, const char *what) {
    if (good) return;
    perror(what);
    exit(99);
}

void data_make_place(void) {
    const char *base = getenv("TMPDIR");
    snprintf(place, sizeof place, "%s/tinycnn-test-XXXXXX", base != NULL && base[0] != '\0' ? base : "/tmp");
    insist(mkdtemp(place) != NULL, place);
}

static void remove_tree(const char *path) {
    DIR *folder = opendir(path);
    if (folder != NULL) {
        for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
            char inner[1024];
            if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
            snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
            remove_tree(inner);
        }
        closedir(folder);
    }
    remove(path);
}

void data_remove_place(void) {
    remove_tree(place);
}

const char *data_path(const char *name) {
    static char texts[8][1024];
    static int next;
    char *text = texts[next++ % 8];
    snprintf(text, sizeof texts[0], "%s/%s", place, name);
    return text;
}

void data_write(const char *name, const void *bytes, size_t size) {
    FILE *file = fopen(data_path(name), "wb");
    insist(file != NULL && fwrite(bytes, 1, size, file) == size && fclose(file) == 0, name);
}

void data_make_folder(const char *name) {
    insist(mkdir(data_path(name), 0700) == 0, name);
}

void data_remove(const char *name) {
    remove_tree(data_path(name));
}

uint8_t *data_batch(int batch, int count) {
    uint8_t *bytes = malloc((size_t)count * DATA_RECORD);
    uint32_t state = 77u + (uint32_t)batch;
    insist(bytes != NULL, "memory");
    for (int i = 0; i < count * DATA_RECORD; i++) {
        state = state * 1664525u + 1013904223u;
        bytes[i] = i % DATA_RECORD == 0 ? (uint8_t)((i / DATA_RECORD + batch) % 10) : (uint8_t)(state >> 24);
    }
    return bytes;
}

int data_cifar_count(int batch) {
    return 1 + batch % 3;
}

void data_make_cifar(const char *folder) {
    data_make_folder(folder);
    for (int i = 0; i < DATA_BATCHES; i++) {
        char name[128];
        uint8_t *bytes = data_batch(i, data_cifar_count(i));
        snprintf(name, sizeof name, "%s/%s", folder, data_batch_names[i]);
        data_write(name, bytes, (size_t)data_cifar_count(i) * DATA_RECORD);
        free(bytes);
    }
}

/* `size` bytes of zeros at the end; returns where they begin. */
static size_t grow(data_tar *tar, size_t size) {
    size_t offset = tar->size;
    tar->bytes = realloc(tar->bytes, offset + size);
    insist(tar->bytes != NULL, "memory");
    memset(tar->bytes + offset, 0, size);
    tar->size += size;
    return offset;
}

void data_tar_sum(data_tar *tar, size_t offset) {
    char *header = (char *)tar->bytes + offset;
    unsigned sum = 0;
    memset(header + 148, ' ', 8);
    for (int i = 0; i < BLOCK; i++) sum += (unsigned char)header[i];
    snprintf(header + 148, 8, "%06o", sum);
}

size_t data_tar_add(data_tar *tar, const char *name, char type, const void *bytes, size_t size) {
    size_t offset = grow(tar, BLOCK + (size + BLOCK - 1) / BLOCK * BLOCK);
    char *header = (char *)tar->bytes + offset;
    snprintf(header, 100, "%s", name);
    memcpy(header + 100, "0000644", 7);
    snprintf(header + 124, 12, "%011o", (unsigned)size);
    header[156] = type;
    memcpy(header + 257, "ustar\00000", 8);
    if (size > 0) memcpy(header + BLOCK, bytes, size);
    data_tar_sum(tar, offset);
    return offset;
}

void data_tar_cifar(data_tar *tar, const char *prefix) {
    for (int i = 0; i < DATA_BATCHES; i++) {
        char name[100];
        uint8_t *bytes = data_batch(i, data_cifar_count(i));
        snprintf(name, sizeof name, "%s%s", prefix, data_batch_names[i]);
        data_tar_add(tar, name, '0', bytes, (size_t)data_cifar_count(i) * DATA_RECORD);
        free(bytes);
    }
}

void data_tar_end(data_tar *tar) {
    grow(tar, 2 * BLOCK);
}

void data_tar_free(data_tar *tar) {
    free(tar->bytes);
    *tar = (data_tar){0};
}

void data_tar_write(const data_tar *tar, const char *name) {
    gzFile file = gzopen(data_path(name), "wb1");
    insist(file != NULL && gzwrite(file, tar->bytes, (unsigned)tar->size) == (int)tar->size &&
               gzclose(file) == Z_OK,
           name);
}
