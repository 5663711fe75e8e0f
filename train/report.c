/* report.c - one line on stderr, whatever happens: scripts and people read the same sentence. */
#include "report.h"

#include <stdarg.h>
#include <stdio.h>

int report_failure(const char *command) {
    return report(EXIT_FAILED, command, "%s", tc_last_error());
}

int report(int code, const char *command, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fflush(stdout);
    fprintf(stderr, "tinycnn %s: ", command);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return code;
}
