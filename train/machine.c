/* machine.c - the processor's name from /proc/cpuinfo, where there is one. */
#include "machine.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "tinycnn.h"

static void processor_name(char *name, size_t size) {
    char line[256];
    snprintf(name, size, "unknown");
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (file && fgets(line, sizeof line, file)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !colon) continue;
        snprintf(name, size, "%.*s", (int)strcspn(colon + 1 + strspn(colon + 1, " "), "\n"),
                 colon + 1 + strspn(colon + 1, " "));
        break;
    }
    if (file) fclose(file);
}

json_t *machine_describe(void) {
    char processor[256], system[512] = "unknown";
    struct utsname about;
    processor_name(processor, sizeof processor);
    if (uname(&about) == 0)
        snprintf(system, sizeof system, "%.100s %.100s %.100s", about.sysname, about.release, about.machine);
    long pages = sysconf(_SC_PHYS_PAGES), bytes = sysconf(_SC_PAGESIZE);
    double megabytes = pages > 0 && bytes > 0 ? (double)pages * (double)bytes / 1e6 : 0;
    return json_pack("{s:s, s:i, s:I, s:s, s:s, s:s}", "processor", processor, "cores",
                     tc_threads_available(), "memory_mb", (json_int_t)megabytes, "system", system, "kernels",
                     tc_kernel_isa(), "blas", tc_blas_name());
}
