/* One of the four .npy files of a data set: the first byte says which. */
#include <stdio.h>
#include <string.h>

#include "datasets.h"
#include "fuzz.h"

static const char *const names[4] = {"x_train.npy", "y_train.npy", "x_test.npy", "y_test.npy"};
static const char *const shapes[4] = {"(2, 2, 2)", "(2,)", "(1, 2, 2)", "(1,)"};

/* Values 0, 1, ... */
static void write_good(int i) {
    uint8_t file[256] = "\x93NUMPY\1";
    int length = snprintf((char *)file + 10, 128, "{'descr': '|u1', 'fortran_order': False, 'shape': %s, }\n",
                          shapes[i]);
    file[8] = (uint8_t)length;
    size_t values = i == 0 ? 8 : i == 1 ? 2 : i == 2 ? 4 : 1;
    for (size_t k = 0; k < values; k++) file[10 + (size_t)length + k] = (uint8_t)k;
    fuzz_file(names[i], file, 10 + (size_t)length + values);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    tc_dataset *d;
    if (size < 1) return 0;
    for (int i = 0; i < 4; i++)
        if (i != bytes[0] % 4) write_good(i);
    fuzz_file(names[bytes[0] % 4], bytes + 1, size - 1);
    if (tc_arrays_open(fuzz_folder(), 1, &d) == TC_OK) tc_dataset_free(d);
    return 0;
}
