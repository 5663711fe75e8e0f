/* targz.h - walks the members of a .tar.gz from front to back, unpacking nothing to disk.
 *
 *     tci_targz archive;
 *     TC_TRY(tci_targz_open(&archive, path));
 *     while ((status = tci_targz_next(&archive, &more)) == TC_OK && more)
 *         if (wanted(archive.name)) tci_targz_read(&archive, buffer, archive.size);
 *     tci_targz_close(&archive);
 */
#ifndef TINYCNN_DATASETS_TARGZ_H
#define TINYCNN_DATASETS_TARGZ_H

#include <zlib.h>

#include "tinycnn.h"

typedef struct tci_targz {
    const char *path; /* the caller's; must outlive the archive */
    gzFile file;
    uint64_t most; /* no member can be longer: deflate shrinks at most 1032 to 1 */
    /* The current member: */
    char name[256];
    bool regular;     /* a file, not a folder, a link, a device */
    uint64_t size;    /* bytes */
    uint64_t left;    /* bytes not yet read */
    int padding;      /* bytes that fill its last block of 512 */
    char longer[256]; /* what a header before the next member says of its name */
} tci_targz;

tc_status tci_targz_open(tci_targz *archive, const char *path);
void tci_targz_close(tci_targz *archive);

/* Goes to the next member; what is left of the current one is skipped. Of headers that only describe the next
 * member (pax, GNU's long names) its name is taken, the last 255 bytes of it. At the end `more` is false, and the
 * checksum of the whole gzip stream has been verified. */
tc_status tci_targz_next(tci_targz *archive, bool *more);

/* Exactly `bytes` of the current member; `bytes` is at most archive->left. */
tc_status tci_targz_read(tci_targz *archive, void *buffer, size_t bytes);

#endif
