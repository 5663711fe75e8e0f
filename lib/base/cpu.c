/* cpu.c - asks the processor once. */
#include "cpu.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tinycnn/version.h"

static const char *const names[] = {"base", "avx2", "avx512"};

static tci_isa chosen;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static tci_isa newest_supported(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return TCI_ISA_BASE;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        return TCI_ISA_AVX512;
    return TCI_ISA_AVX2;
#else
    return TCI_ISA_BASE;
#endif
}

static void choose(void) {
    chosen = newest_supported();
    const char *wish = getenv("TINYCNN_ISA");
    for (tci_isa isa = TCI_ISA_BASE; wish && isa < chosen; isa++) {
        if (strcmp(wish, names[isa]) == 0) chosen = isa;
    }
}

tci_isa tci_cpu_isa(void) {
    pthread_once(&once, choose);
    return chosen;
}

const char *tc_kernel_isa(void) {
    return names[tci_cpu_isa()];
}

const char *tc_version(void) {
    return TC_VERSION;
}
