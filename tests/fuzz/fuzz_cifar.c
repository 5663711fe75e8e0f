/* A file of a folder of CIFAR-10 or CIFAR-100: the first byte says which. */
#include <stdio.h>
#include <sys/stat.h>

#include "datasets.h"
#include "fuzz.h"

enum { RECORD = 3074, FILES = 8 };
static const char *const names[FILES] = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                         "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin",
                                         "train.bin",        "test.bin"};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static const uint8_t zeros[RECORD];
    static int is_ready;
    tc_dataset *d;
    if (size < 1) return 0;
    int which = bytes[0] % FILES, is_100 = which >= 6;
    for (int i = 0; !is_ready && i < FILES; i++) fuzz_file(names[i], zeros, i < 6 ? RECORD - 1 : RECORD);
    is_ready = 1;
    fuzz_file(names[which], bytes + 1, size - 1);
    tc_status status = is_100 ? tc_cifar100_open(fuzz_folder(), bytes[0] / FILES % 2, &d)
                              : tc_cifar10_open(fuzz_folder(), &d);
    if (status == TC_OK) tc_dataset_free(d);
    fuzz_file(names[which], zeros, is_100 ? RECORD : RECORD - 1);
    return 0;
}
