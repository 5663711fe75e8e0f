/* The headers of a tar archive, behind a gzip that is always right; the archive as one of CIFAR-10. */
#include <stdio.h>
#include <zlib.h>

#include "datasets.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    char path[256];
    tc_dataset *d;
    snprintf(path, sizeof path, "%s/a.tar.gz", fuzz_folder());
    gzFile file = gzopen(path, "wb0");
    fuzz_expect(file != NULL, "a file for bytes");
    if (size > 0) gzwrite(file, bytes, (unsigned)size);
    gzclose(file);
    if (tc_cifar10_open(path, &d) == TC_OK) tc_dataset_free(d);
    return 0;
}
