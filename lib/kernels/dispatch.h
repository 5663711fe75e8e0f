/* dispatch.h - one source, several instruction sets.
 *
 * Every file in kernels/vector/ is compiled once for each instruction set, with TC_ISA set to base, avx2 or
 * avx512. Its functions are static; what it shows is one table of them, const tci_xyz tci_xyz_<isa>.
 * TCI_FAMILY(tci_xyz) in a header declares the tables and tci_xyz_get(), which picks the one for this
 * processor. */
#ifndef TCI_DISPATCH_H
#define TCI_DISPATCH_H

#include "cpu.h"

#if defined(__x86_64__)
#define TCI_FAMILY(type)                                                                                     \
    extern const type type##_base, type##_avx2, type##_avx512;                                               \
    static inline const type *type##_get(void) {                                                             \
        switch (tci_cpu_isa()) {                                                                             \
        case TCI_ISA_AVX512:                                                                                 \
            return &type##_avx512;                                                                           \
        case TCI_ISA_AVX2:                                                                                   \
            return &type##_avx2;                                                                             \
        default:                                                                                             \
            return &type##_base;                                                                             \
        }                                                                                                    \
    }
#else
#define TCI_FAMILY(type)                                                                                     \
    extern const type type##_base;                                                                           \
    static inline const type *type##_get(void) {                                                             \
        return &type##_base;                                                                                 \
    }
#endif

/* Within kernels/vector/: the name of this compilation's table. */
#define TCI_PASTE_NAMES(a, b)  a##_##b
#define TCI_EXPAND_NAMES(a, b) TCI_PASTE_NAMES(a, b)
#define TCI_TABLE(type)        TCI_EXPAND_NAMES(type, TC_ISA)

#endif
