/* checkpoint_names.h - the keys of `__metadata__` that belong to tinycnn. */
#ifndef TCI_CHECKPOINT_NAMES_H
#define TCI_CHECKPOINT_NAMES_H

#define TCI_KEY_CRC32     "crc32"           /* of all tensor bytes, eight hex digits */
#define TCI_KEY_OPTIMIZER "optimizer"       /* its kind: "sgd", ... */
#define TCI_KEY_STEPS     "optimizer_steps" /* how many it has done, decimal */

#endif
