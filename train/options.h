/* options.h - a command's options as a table: parsing, --help, error messages and config.json all read it.
 *
 *     typedef struct settings { int64_t epochs; bool quiet; } settings;
 *     static const option options[] = {
 *         {"epochs", "N", OPTION_INTEGER, "5", .low = 1, .high = 1e6, .at = offsetof(settings, epochs),
 *          .help = "passes over the training pictures"},
 *         {"quiet", NULL, OPTION_SWITCH, "no", .at = offsetof(settings, quiet), .help = "print nothing"},
 *         {0}};
 *
 * Defaults are text and go through the same parser as what the user types. */
#ifndef TRAIN_OPTIONS_H
#define TRAIN_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "tinycnn.h"

typedef enum option_kind {
    OPTION_SWITCH,  /* bool: --name, --no-name; text form "yes" or "no" */
    OPTION_TEXT,    /* const char *; NULL where there is no default */
    OPTION_CHOICE,  /* int: index into `choices` */
    OPTION_INTEGER, /* int64_t in low .. high */
    OPTION_REAL,    /* double in low .. high; "auto", allowed where it is the default, gives NaN */
    OPTION_LIST     /* option_list of numbers in low .. high */
} option_kind;

/* How long a value is meant to hold. */
typedef enum option_scope {
    SCOPE_RUN,    /* as long as the run: written to config.json, fixed when the run is resumed */
    SCOPE_RECORD, /* written to config.json, may differ at a resume: it changes no result */
    SCOPE_START   /* this start of the program only */
} option_scope;

#define OPTION_LIST_MAX 16
typedef struct option_list {
    int count;
    double values[OPTION_LIST_MAX];
} option_list;

typedef struct option {
    const char *name;     /* without the dashes; NULL ends the table */
    const char *argument; /* what --help calls the value; NULL for a switch */
    option_kind kind;
    const char *initial;             /* the default as a user would type it; NULL: none */
    const char *choices;             /* "sgd|adam|adamw" */
    const char *(*known)(int index); /* OPTION_TEXT: names to choose from, NULL behind the last; or NULL */
    double low, high;
    bool whole;       /* OPTION_LIST: of whole numbers */
    size_t at;        /* offset of the value in the command's settings */
    const char *help; /* one sentence or less; no full stop */
    option_scope scope;
    const char *heading; /* of the options from here on in --help; NULL: the one before */
} option;

#define OPTIONS_MAX 96

/* Words of the command line that are no options. */
typedef struct operand_list {
    int count;
    char **words;
} operand_list;

typedef struct command {
    const char *name;
    const char *about; /* one line */
    const char *notes; /* more for --help, or NULL */
    const option *options;
    int (*run)(int argc, char **argv);        /* argv[0] is the command's name; returns the exit code */
    const char *operands;                     /* what --help calls them, "RUN..."; NULL: there are none */
    size_t operands_at;                       /* offset of their operand_list in the settings */
    const char *(*operands_known)(int index); /* names to choose from; NULL: files */
} command;

typedef enum parse_result { PARSE_OK, PARSE_HELP, PARSE_BAD } parse_result;

/* Sets all defaults, then reads argv[1..]. given[i] (may be NULL) says whether option i was on the command
 * line. --help prints and returns PARSE_HELP; a usage error prints its line and returns PARSE_BAD. Operands are moved to
 * the front of argv. */
parse_result options_parse(const command *cmd, int argc, char **argv, void *settings,
                           bool given[OPTIONS_MAX]);

/* Where in the table the option of that name, which has to be there, stands. */
int option_index(const option *options, const char *name);

/* Sets one option from text. TC_ERR_ARGUMENT says what was expected. `text` must outlive the settings. */
tc_status option_set(const option *o, const char *text, void *settings);

/* The value as text that option_set() reads back to the same value; false where there is none (no text). */
bool option_text(const option *o, const void *settings, char *text, size_t size);

void option_copy(const option *o, const void *from, void *to);

/* The name of a choice. */
const char *option_choice(const option *o, int index, char *text, size_t size);

void options_help(const command *cmd, FILE *stream);

#endif
