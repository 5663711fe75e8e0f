/* report.h - how the program ends: exit codes and the one line that says why. */
#ifndef TRAIN_REPORT_H
#define TRAIN_REPORT_H

#include <stdio.h>

#include "tinycnn.h"

enum {
    EXIT_GOOD = 0,
    EXIT_FAILED = 1,     /* data, input/output, memory */
    EXIT_USAGE = 2,      /* the command line */
    EXIT_DIVERGED = 3,   /* a NaN or an infinity in training */
    EXIT_SIGNALLED = 128 /* plus the signal's number: stopped by SIGINT or SIGTERM, everything saved */
};

/* Prints tc_last_error() as "tinycnn COMMAND: ..." on stderr and returns EXIT_FAILED. */
int report_failure(const char *command);

/* The same with a message of its own; returns `code`. */
int report(int code, const char *command, const char *format, ...) TC_PRINTF(3, 4);

/* Names come from files and may hold what a terminal must not see: control characters are printed as '?'. */
void put_printable(FILE *stream, const char *text);

#endif
