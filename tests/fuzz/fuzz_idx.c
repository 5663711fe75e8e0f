/* MNIST's four files: the first byte says which of them the others stand for, and whether with .gz. */
#include <stdio.h>

#include "datasets.h"
#include "fuzz.h"

static const struct {
    const char *name;
    uint8_t bytes[24];
    size_t size;
} files[] = {{"train-images-idx3-ubyte", {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 1, 1, 2, 3, 4}, 20},
             {"train-labels-idx1-ubyte", {0, 0, 8, 1, 0, 0, 0, 2, 0, 1}, 10},
             {"t10k-images-idx3-ubyte", {0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1, 1, 2}, 18},
             {"t10k-labels-idx1-ubyte", {0, 0, 8, 1, 0, 0, 0, 1, 1}, 9}};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    char name[64];
    tc_dataset *d;
    if (size < 1) return 0;
    int which = bytes[0] % 4, is_gz = bytes[0] / 4 % 2;
    for (int i = 0; i < 4; i++) fuzz_file(files[i].name, files[i].bytes, files[i].size);
    snprintf(name, sizeof name, "%s/%s", fuzz_folder(), files[which].name);
    /* A plain file is taken before one with .gz. */
    if (is_gz) remove(name);
    snprintf(name, sizeof name, "%s%s", files[which].name, is_gz ? ".gz" : "");
    const char *path = fuzz_file(name, bytes + 1, size - 1);
    if (tc_mnist_open(fuzz_folder(), false, &d) == TC_OK) tc_dataset_free(d);
    remove(path);
    return 0;
}
