/* options.c - reads a command line by the command's table. */
#include "options.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

int option_index(const option *options, const char *name) {
    int i = 0;
    while (strcmp(options[i].name, name) != 0) i++;
    return i;
}

/* ---- One value ---------------------------------------------------------------------------------------- */

static tc_status parse_number(const option *o, const char *text, bool whole, double *number) {
    char *end;
    if (o->initial && strcmp(o->initial, "auto") == 0 && strcmp(text, "auto") == 0) {
        *number = NAN;
        return TC_OK;
    }
    double value = strtod(text, &end);
    if (end == text || *end || isnan(value) || (whole && value != floor(value)))
        return tc_fail(TC_ERR_ARGUMENT, "--%s: \"%s\" is not a %snumber", o->name, text,
                       whole ? "whole " : "");
    if (value < o->low || value > o->high)
        return tc_fail(TC_ERR_ARGUMENT, "--%s: %s is not in the range %.10g to %.10g", o->name, text, o->low,
                       o->high);
    *number = value;
    return TC_OK;
}

static tc_status parse_choice(const option *o, const char *text, int *index) {
    const char *choice = o->choices;
    for (int i = 0; *choice; i++) {
        size_t length = strcspn(choice, "|");
        if (strlen(text) == length && strncmp(text, choice, length) == 0) {
            *index = i;
            return TC_OK;
        }
        choice += length + (choice[length] == '|');
    }
    return tc_fail(TC_ERR_ARGUMENT, "--%s: \"%s\" is not one of %s", o->name, text, o->choices);
}

static tc_status parse_list(const option *o, const char *text, option_list *list) {
    option_list read = {0};
    while (*text) {
        char item[32];
        size_t length = strcspn(text, ",");
        if (read.count == OPTION_LIST_MAX)
            return tc_fail(TC_ERR_ARGUMENT, "--%s: more than %d numbers", o->name, OPTION_LIST_MAX);
        if (length >= sizeof item) return tc_fail(TC_ERR_ARGUMENT, "--%s: \"%s\"", o->name, text);
        memcpy(item, text, length);
        item[length] = '\0';
        TC_TRY(parse_number(o, item, o->whole, &read.values[read.count++]));
        text += length;
        if (text[0] == ',' && text[1] == '\0')
            return tc_fail(TC_ERR_ARGUMENT, "--%s: a number is expected behind the last comma", o->name);
        text += text[0] == ',';
    }
    *list = read;
    return TC_OK;
}

static tc_status parse_switch(const option *o, const char *text, bool *on) {
    if (strcmp(text, "yes") != 0 && strcmp(text, "no") != 0)
        return tc_fail(TC_ERR_ARGUMENT, "--%s: \"%s\" is neither yes nor no", o->name, text);
    *on = text[0] == 'y';
    return TC_OK;
}

tc_status option_set(const option *o, const char *text, void *settings) {
    void *value = (char *)settings + o->at;
    double number = 0;
    switch (o->kind) {
    case OPTION_SWITCH:
        return parse_switch(o, text, value);
    case OPTION_TEXT:
        *(const char **)value = text;
        return TC_OK;
    case OPTION_CHOICE:
        return parse_choice(o, text, value);
    case OPTION_INTEGER:
        TC_TRY(parse_number(o, text, true, &number));
        *(int64_t *)value = (int64_t)number;
        return TC_OK;
    case OPTION_REAL:
        return parse_number(o, text, false, value);
    case OPTION_LIST:
        return parse_list(o, text, value);
    }
    return TC_OK;
}

const char *option_choice(const option *o, int index, char *text, size_t size) {
    const char *choice = o->choices;
    for (; index > 0; index--) choice += strcspn(choice, "|") + 1;
    snprintf(text, size, "%.*s", (int)strcspn(choice, "|"), choice);
    return text;
}

/* As few digits as give the same number back. */
static void real_text(double value, char *text, size_t size) {
    snprintf(text, size, "%.15g", value);
    if (strtod(text, NULL) != value) snprintf(text, size, "%.17g", value);
}

bool option_text(const option *o, const void *settings, char *text, size_t size) {
    const void *value = (const char *)settings + o->at;
    switch (o->kind) {
    case OPTION_SWITCH:
        snprintf(text, size, "%s", *(const bool *)value ? "yes" : "no");
        break;
    case OPTION_TEXT:
        if (!*(const char *const *)value) return false;
        snprintf(text, size, "%s", *(const char *const *)value);
        break;
    case OPTION_CHOICE:
        option_choice(o, *(const int *)value, text, size);
        break;
    case OPTION_INTEGER:
        snprintf(text, size, "%lld", (long long)*(const int64_t *)value);
        break;
    case OPTION_REAL:
        real_text(*(const double *)value, text, size);
        break;
    case OPTION_LIST: {
        const option_list *list = value;
        size_t used = 0;
        text[0] = '\0';
        for (int i = 0; i < list->count; i++) {
            char number[32];
            real_text(list->values[i], number, sizeof number);
            snprintf(text + used, size - used, "%s%s", i ? "," : "", number);
            used += strlen(text + used);
        }
        break;
    }
    }
    return true;
}

void option_copy(const option *o, const void *from, void *to) {
    static const size_t size[] = {[OPTION_SWITCH] = sizeof(bool), [OPTION_TEXT] = sizeof(const char *),
                                  [OPTION_CHOICE] = sizeof(int),  [OPTION_INTEGER] = sizeof(int64_t),
                                  [OPTION_REAL] = sizeof(double), [OPTION_LIST] = sizeof(option_list)};
    memcpy((char *)to + o->at, (const char *)from + o->at, size[o->kind]);
}

/* ---- The command line --------------------------------------------------------------------------------- */

/* Levenshtein's distance between two names: how many letters to add, drop or change. */
static int edit_distance(const char *a, const char *b) {
    enum { LONGEST = 64 };
    int row[LONGEST + 1];
    int width = (int)strlen(b);
    if (width > LONGEST) return LONGEST;
    for (int j = 0; j <= width; j++) row[j] = j;
    for (int i = 1; a[i - 1]; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= width; j++) {
            int best = diagonal + (a[i - 1] != b[j - 1]);
            if (row[j] + 1 < best) best = row[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[width];
}

/* NULL: none is near. */
static const char *nearest_option(const option *options, const char *name) {
    const char *nearest = NULL;
    int distance = (int)strlen(name) / 2 + 1;
    if (edit_distance(name, "help") < distance) {
        nearest = "help";
        distance = edit_distance(name, nearest);
    }
    for (const option *o = options; o->name; o++) {
        int d = edit_distance(name, o->name);
        if (d < distance) {
            distance = d;
            nearest = o->name;
        }
    }
    return nearest;
}

/* The option that is called `name` (`length` letters long), or whose switch "no-NAME" turns off. */
static const option *find_option(const option *options, const char *name, size_t length, bool *off) {
    for (const option *o = options; o->name; o++) {
        size_t n = strlen(o->name);
        *off = false;
        if (n == length && strncmp(o->name, name, n) == 0) return o;
        *off = true;
        if (o->kind == OPTION_SWITCH && n + 3 == length && strncmp(name, "no-", 3) == 0 &&
            strncmp(o->name, name + 3, n) == 0)
            return o;
    }
    return NULL;
}

static parse_result bad_usage(const command *cmd) {
    report(EXIT_USAGE, cmd->name, "%s", tc_last_error());
    return PARSE_BAD;
}

static void add_operand(const command *cmd, char *word, void *settings) {
    operand_list *operands = (operand_list *)(void *)((char *)settings + cmd->operands_at);
    operands->words[operands->count++] = word;
}

/* Reads the option at argv[*i] and moves *i to its last word. */
static tc_status parse_one(const command *cmd, int argc, char **argv, int *i, void *settings, bool *given) {
    const char *word = argv[*i];
    if (cmd->operands && strncmp(word, "--", 2) != 0) {
        add_operand(cmd, argv[*i], settings);
        return TC_OK;
    }
    if (strncmp(word, "--", 2) != 0)
        return tc_fail(TC_ERR_ARGUMENT, "unexpected argument \"%s\" (options begin with --)", word);
    const char *name = word + 2;
    size_t length = strcspn(name, "=");
    bool off;
    const option *o = find_option(cmd->options, name, length, &off);
    if (!o) {
        char unknown[65];
        snprintf(unknown, sizeof unknown, "%.*s", (int)length, name);
        const char *nearest = nearest_option(cmd->options, unknown);
        return tc_fail(TC_ERR_ARGUMENT, "unknown option --%s; %s%s", unknown,
                       nearest ? "the nearest is --" : "--help lists them", nearest ? nearest : "");
    }
    if (given) given[o - cmd->options] = true;
    if (o->kind == OPTION_SWITCH) {
        if (name[length]) return tc_fail(TC_ERR_ARGUMENT, "--%s takes no value", o->name);
        return option_set(o, off ? "no" : "yes", settings);
    }
    if (name[length]) return option_set(o, name + length + 1, settings);
    if (*i + 1 == argc) return tc_fail(TC_ERR_ARGUMENT, "--%s needs a value: %s", o->name, o->argument);
    return option_set(o, argv[++*i], settings);
}

parse_result options_parse(const command *cmd, int argc, char **argv, void *settings,
                           bool given[OPTIONS_MAX]) {
    for (const option *o = cmd->options; o->name; o++) {
        if (given) given[o - cmd->options] = false;
        if (o->initial && option_set(o, o->initial, settings) != TC_OK) return bad_usage(cmd);
    }
    if (cmd->operands)
        *(operand_list *)(void *)((char *)settings + cmd->operands_at) = (operand_list){0, argv + 1};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            options_help(cmd, stdout);
            return PARSE_HELP;
        }
        /* What follows is no option, whatever it begins with. */
        if (cmd->operands && strcmp(argv[i], "--") == 0) {
            while (++i < argc) add_operand(cmd, argv[i], settings);
            break;
        }
        if (parse_one(cmd, argc, argv, &i, settings, given) != TC_OK) return bad_usage(cmd);
    }
    return PARSE_OK;
}

/* ---- Help --------------------------------------------------------------------------------------------- */

/* Prints `text` folded at column 100, continuation lines indented to `indent`. */
static void print_folded(FILE *stream, const char *text, int indent) {
    int column = indent;
    while (*text) {
        int length = (int)strcspn(text, " ");
        if (column > indent && column + 1 + length > 100) {
            fprintf(stream, "\n%*s", indent, "");
            column = indent;
        } else if (column > indent) {
            fputc(' ', stream);
            column++;
        }
        fprintf(stream, "%.*s", length, text);
        column += length;
        text += length;
        while (*text == ' ') text++;
    }
    fputc('\n', stream);
}

/* What the option does, what it may be, and its default. */
static void help_text(const option *o, char *text, size_t size) {
    snprintf(text, size, "%s%s%s", o->help, o->choices ? ": " : "", o->choices ? o->choices : "");
    for (int i = 0; o->known && o->known(i); i++) {
        size_t used = strlen(text);
        snprintf(text + used, size - used, "%s%s", i ? "|" : ": ", o->known(i));
    }
    size_t used = strlen(text);
    snprintf(text + used, size - used, " [%s]", o->initial && *o->initial ? o->initial : "none");
}

void options_help(const command *cmd, FILE *stream) {
    enum { INDENT = 28 };
    fprintf(stream, "Usage: tinycnn %s [options]%s%s\n\n%s.\n\nOptions (defaults in brackets):\n", cmd->name,
            cmd->operands ? " " : "", cmd->operands ? cmd->operands : "", cmd->about);
    for (const option *o = cmd->options; o->name; o++) {
        char left[80], right[600];
        if (o->kind == OPTION_SWITCH)
            snprintf(left, sizeof left, "--[no-]%s", o->name);
        else
            snprintf(left, sizeof left, "--%s %s", o->name, o->argument);
        help_text(o, right, sizeof right);
        if (o->heading) fprintf(stream, "\n%s\n", o->heading);
        fprintf(stream, "  %-*s", INDENT - 2, left);
        if ((int)strlen(left) > INDENT - 4) fprintf(stream, "\n%*s", INDENT, "");
        print_folded(stream, right, INDENT);
    }
    fprintf(stream, "  %-*s%s\n", INDENT - 2, "--help", "print this page");
    if (cmd->notes) fprintf(stream, "\n%s", cmd->notes);
}
