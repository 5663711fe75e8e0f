/* man.c - the manual page. In roff a line that begins with . or ' is an order, a bare - may become a hyphen, and a \ begins
 * an escape. */
#include "commands.h"
#include "docs.h"

static void put(FILE *out, const char *text) {
    for (const char *c = text; *c; c++) {
        bool begins = c == text || c[-1] == '\n';
        if (begins && (*c == '.' || *c == '\'')) fputs("\\&", out);
        if (*c == '\\')
            fputs("\\e", out);
        else if (*c == '-')
            fputs("\\-", out);
        else if (*c == '~')
            fputs("\\(ti", out);
        else if (*c == '\'')
            fputs("\\(aq", out);
        else
            fputc(*c, out);
    }
}

/* In bold (B) or italics (I). */
static void put_in(FILE *out, char font, const char *text) {
    fprintf(out, "\\f%c", font);
    put(out, text);
    fputs("\\fR", out);
}

/* What may be chosen, and the default. */
static void put_values(FILE *out, const option *o) {
    if (o->choices) fputs(" One of ", out);
    for (const char *c = o->choices ? o->choices : ""; *c; c++) {
        const char one[2] = {*c, '\0'};
        put(out, *c == '|' ? ", " : one);
    }
    for (int i = 0; o->known && o->known(i); i++) {
        fputs(i ? ", " : " Names: ", out);
        put(out, o->known(i));
    }
    fputs(o->choices || o->known ? ". Default: " : " Default: ", out);
    put(out, o->initial && *o->initial ? o->initial : "none");
    fputs(".\n", out);
}

static void put_option(FILE *out, const option *o) {
    if (o->heading) {
        fputs(".SS ", out);
        put(out, o->heading);
        fputc('\n', out);
    }
    char name[80];
    snprintf(name, sizeof name, "--%s", o->name);
    fputs(".TP\n", out);
    put_in(out, 'B', name);
    if (o->kind == OPTION_SWITCH) {
        snprintf(name, sizeof name, "--no-%s", o->name);
        fputs(", ", out);
        put_in(out, 'B', name);
    } else {
        fputc(' ', out);
        put_in(out, 'I', o->argument);
    }
    fputc('\n', out);
    put(out, o->help);
    fputc('.', out);
    put_values(out, o);
}

static void put_command(FILE *out, const command *c) {
    fputs(".SH \"TINYCNN ", out);
    for (const char *n = c->name; *n; n++) fputc(*n >= 'a' && *n <= 'z' ? *n - 'a' + 'A' : *n, out);
    fputs("\"\n\\fBtinycnn ", out);
    put(out, c->name);
    fputs("\\fR [\\fIoptions\\fR]", out);
    if (c->operands) {
        fputc(' ', out);
        put_in(out, 'I', c->operands);
    }
    fputs("\n.PP\n", out);
    put(out, c->about);
    fputs(".\n", out);
    if (c->notes) {
        fputs(".PP\n", out);
        put(out, c->notes);
    }
    for (const option *o = c->options; o->name; o++) put_option(out, o);
}

void docs_man(FILE *out) {
    fprintf(out, ".TH TINYCNN 1 \"\" \"tinycnn %s\" \"User Commands\"\n", tc_version());
    /* Names of options and data sets are not to be broken. */
    fputs(".nh\n.ad l\n"
          ".SH NAME\ntinycnn \\- trains convolutional networks on this machine's cores\n"
          ".SH SYNOPSIS\n\\fBtinycnn\\fR \\fICOMMAND\\fR [\\fIoptions\\fR]\n.PP\n"
          "\\fBtinycnn\\fR \\fICOMMAND\\fR \\fB\\-\\-help\\fR\n.PP\n\\fBtinycnn \\-\\-version\\fR\n"
          ".SH COMMANDS\n",
          out);
    for (int i = 0; commands[i]; i++) {
        fputs(".TP\n", out);
        put_in(out, 'B', commands[i]->name);
        fputc('\n', out);
        put(out, commands[i]->about);
        fputs(".\n", out);
    }
    for (int i = 0; commands[i]; i++) put_command(out, commands[i]);
    fputs(".SH ENVIRONMENT\n"
          ".TP\n\\fBTINYCNN_DATA\\fR\na folder in which data sets are looked for.\n"
          ".TP\n\\fBTINYCNN_ISA\\fR\nbase, avx2 or avx512: the newest instructions that kernels may use.\n"
          ".SH FILES\n"
          ".TP\n\\fI\\(ti/.cache/tinycnn\\fR\nwhere data sets are put and looked for.\n"
          ".TP\n\\fIruns/\\fR\nwhere runs land, each in a folder: config.json, metrics.jsonl, "
          "best.safetensors, "
          "last.safetensors.\n"
          ".SH EXIT STATUS\n"
          ".TP\n0\ngood\n.TP\n1\nfailure: one line on standard error says what\n.TP\n2\nusage\n"
          ".TP\n3\ntraining diverged\n"
          ".TP\n130, 143\nstopped by SIGINT or SIGTERM, with everything saved\n"
          ".SH EXAMPLES\n"
          ".TP\n\\fBtinycnn train \\-\\-model lesson \\-\\-data shapes\\fR\ntrains a small net in seconds.\n"
          ".TP\n\\fBtinycnn fetch cifar10 && tinycnn train \\-\\-data cifar10 \\-\\-minutes 5\\fR\n"
          "takes the recipe that promises most in five minutes.\n",
          out);
}
