/* The compressed bytes of a .tar.gz as they are: every member read to its end. */
#include "fuzz.h"
#include "targz.h"

static void walk(const char *path) {
    tci_targz archive;
    char buffer[4096];
    bool more;
    if (tci_targz_open(&archive, path) != TC_OK) return;
    while (tci_targz_next(&archive, &more) == TC_OK && more) {
        while (archive.left > 0) {
            size_t some = archive.left < sizeof buffer ? (size_t)archive.left : sizeof buffer;
            if (tci_targz_read(&archive, buffer, some) != TC_OK) goto out;
        }
    }
out:
    tci_targz_close(&archive);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    walk(fuzz_file("a.tar.gz", bytes, size));
    return 0;
}
