/* checkpoint.h - saving and loading, in the safetensors format.
 *
 * A file is 8 bytes of little-endian header length, a JSON header, and the tensors' bytes. Tensors are in
 * PyTorch's layout (N, C, H, W order) and under PyTorch's names; batch norm's counters are I64. The
 * optimiser's state follows under "optimizer.". `__metadata__` holds the caller's strings and "crc32", the
 * CRC-32 of all tensor bytes, eight hex digits.
 *
 * A file is written beside its name, synced, and renamed: whoever looks sees the old file or the new one,
 * whole. */
#ifndef TINYCNN_CHECKPOINT_H
#define TINYCNN_CHECKPOINT_H

#include "tinycnn/optim.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One string of `__metadata__`. */
typedef struct tc_metadata {
    const char *key;
    const char *value;
} tc_metadata;

/* optimizer may be NULL. TC_ERR_IO names the file and the system's reason. */
tc_status tc_checkpoint_save(const char *path, tc_model *model, tc_optimizer *optimizer,
                             const tc_metadata *metadata, int metadata_count);

/* Reads every parameter, buffer and counter of the model, and the optimiser's state if optimizer is not NULL.
 * Missing or mis-shaped tensors and unexpected ones (also of the optimiser's state, unless optimizer is NULL)
 * are an error that names the first of them. On any failure model and optimiser are unchanged. A file without "crc32" (one
 * saved by another program) is accepted, a wrong one is not. */
tc_status tc_checkpoint_load(const char *path, tc_model *model, tc_optimizer *optimizer);

/* Compares the file's tensors with the model's by name and form, and calls `tell` for each that differs: missing in the
 * file (found NULL), unexpected (expected NULL; an optimiser's state is not), of another form. Forms are texts, "(16, 3, 3,
 * 3)"; whole numbers begin with "I64 ". The model's come first and in its order. Fails only where the file can't be
 * read. */
typedef void (*tc_checkpoint_difference)(void *context, const char *name, const char *found,
                                         const char *expected);
tc_status tc_checkpoint_compare(const char *path, tc_model *model, tc_checkpoint_difference tell,
                                void *context);

/* The strings of `__metadata__`, without touching the tensors. Free with tc_checkpoint_metadata_free(). */
tc_status tc_checkpoint_metadata(const char *path, tc_metadata **metadata, int *count);
void tc_checkpoint_metadata_free(tc_metadata *metadata, int count);

/* Writes a whole file in the same safe way; for what lies beside a checkpoint. */
tc_status tc_write_file(const char *path, const void *bytes, size_t size);

#ifdef __cplusplus
}
#endif
#endif
