/* report.c - one line on stderr, whatever happens: scripts and people read the same sentence. */
#include "report.h"

#include <stdarg.h>
#include <stdio.h>

int report_failure(const char *command) {
    return report(EXIT_FAILED, command, "%s", tc_last_error());
}

int report(int code, const char *command, const char *format, ...) {
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fflush(stdout);
    fprintf(stderr, "tinycnn %s: ", command);
    put_printable(stderr, text);
    fputc('\n', stderr);
    return code;
}

void put_printable(FILE *stream, const char *text) {
    for (; *text; text++) fputc((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text, stream);
}
