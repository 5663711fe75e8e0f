/* cpu.h - which of the compiled instruction sets this processor runs. */
#ifndef TCI_CPU_H
#define TCI_CPU_H

/* From plain to newest; the vector kernels exist once for each (those of x86 only there). */
typedef enum tci_isa { TCI_ISA_BASE, TCI_ISA_AVX2, TCI_ISA_AVX512 } tci_isa;

/* The newest that the processor supports, or an older one that $TINYCNN_ISA names (base, avx2, avx512). */
tci_isa tci_cpu_isa(void);

#endif
