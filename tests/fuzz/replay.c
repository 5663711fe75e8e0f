/* replay.c - runs a target on each file of a folder, cut at every length, and with each byte changed in three ways. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

enum { LARGEST = 1 << 16 };

static int64_t replay(const char *path) {
    static const uint8_t changes[] = {0xff, 0x01, 0x80};
    uint8_t *bytes = malloc(LARGEST);
    FILE *file = fopen(path, "rb");
    if (!file || !bytes) return -1;
    size_t size = fread(bytes, 1, LARGEST, file);
    fclose(file);
    LLVMFuzzerTestOneInput(bytes, size);
    /* Each time a block of its own, so that a step behind its end is seen. */
    for (size_t length = 0; length < size; length++) {
        uint8_t *cut = malloc(length + 1);
        memcpy(cut, bytes, length);
        LLVMFuzzerTestOneInput(cut, length);
        free(cut);
    }
    for (size_t i = 0; i < size; i++)
        for (size_t c = 0; c < sizeof changes; c++) {
            bytes[i] ^= changes[c];
            LLVMFuzzerTestOneInput(bytes, size);
            bytes[i] ^= changes[c];
        }
    free(bytes);
    return (int64_t)(1 + size + size * sizeof changes);
}

int main(int argc, char **argv) {
    char path[4096];
    int64_t files = 0, runs = 0;
    DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
    if (!dir) {
        fprintf(stderr, "usage: replay FOLDER\n");
        return 2;
    }
    for (struct dirent *entry; (entry = readdir(dir)); files++) {
        snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
        if (entry->d_name[0] == '.') {
            files--;
            continue;
        }
        int64_t some = replay(path);
        if (some < 0) {
            fprintf(stderr, "replay: %s cannot be read\n", path);
            return 1;
        }
        runs += some;
    }
    closedir(dir);
    printf("%lld files, %lld runs\n", (long long)files, (long long)runs);
    return files > 0 ? 0 : 1;
}
