/* An .npz. */
#include "datasets.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    tc_dataset *d;
    if (tc_arrays_open(fuzz_file("a.npz", bytes, size), 1, &d) == TC_OK) tc_dataset_free(d);
    return 0;
}
