/* zsh.c - one call of _arguments for each command. */
#include "completion.h"
#include "docs.h"

/* Within single quotes, and within _arguments' brackets and colons. */
static void put(FILE *out, const char *text) {
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", out);
        else if (*text == '[' || *text == ']' || *text == ':' || *text == '\\')
            fprintf(out, "\\%c", *text);
        else
            fputc(*text, out);
    }
}

static void put_action(FILE *out, const char *words, completion also) {
    static const char *const files[] = {
        [COMPLETE_NOTHING] = "", [COMPLETE_FILES] = "_files", [COMPLETE_FOLDERS] = "_files -/"};
    if (!*words)
        fputs(also == COMPLETE_NOTHING ? " " : files[also], out);
    else if (also == COMPLETE_NOTHING)
        fprintf(out, "(%s)", words);
    else
        /* Both are offered. */
        fprintf(out, "{_alternative \"names\\:name\\:(%s)\" \"files\\:file\\:%s\"}", words, files[also]);
}

static void put_option(FILE *out, const option *o) {
    char words[512];
    if (o->kind == OPTION_SWITCH) {
        fprintf(out, " \\\n        '(--%s --no-%s)--%s[", o->name, o->name, o->name);
        put(out, o->help);
        fprintf(out, "]' \\\n        '(--%s --no-%s)--no-%s[not so]'", o->name, o->name, o->name);
        return;
    }
    fprintf(out, " \\\n        '--%s=[", o->name);
    put(out, o->help);
    fputs("]:", out);
    put(out, o->argument);
    fputc(':', out);
    put_action(out, completion_words(o, words, sizeof words), completion_of(o->argument));
    fputc('\'', out);
}

static void put_command(FILE *out, const command *c) {
    char words[256] = "";
    size_t used = 0;
    fprintf(out, "    %s)\n      _arguments '--help[print a page of help]'", c->name);
    for (const option *o = c->options; o->name; o++) put_option(out, o);
    if (c->operands) {
        for (int i = 0; c->operands_known && c->operands_known(i); i++)
            used += (size_t)snprintf(words + used, sizeof words - used, "%s%s", i ? " " : "",
                                     c->operands_known(i));
        fputs(" \\\n        '*:", out);
        put(out, c->operands);
        fputc(':', out);
        put_action(out, words, c->operands_known ? COMPLETE_NOTHING : completion_of(c->operands));
        fputc('\'', out);
    }
    fputs("\n      ;;\n", out);
}

void docs_zsh(FILE *out) {
    fputs("#compdef tinycnn\n# zsh completion for tinycnn; made from the program's own table of options.\n"
          "_tinycnn() {\n  if ((CURRENT == 2)); then\n    local -a commands\n    commands=(\n",
          out);
    for (int i = 0; commands[i]; i++) {
        fprintf(out, "      '%s:", commands[i]->name);
        put(out, commands[i]->about);
        fputs("'\n", out);
    }
    fputs("    )\n    _describe command commands\n    _arguments '--help[print a page of help]' "
          "'--version[what runs here]'\n"
          "    return\n  fi\n  local command=$words[2]\n  shift words\n  ((CURRENT--))\n  case $command in\n",
          out);
    for (int i = 0; commands[i]; i++) put_command(out, commands[i]);
    fputs("  esac\n}\n_tinycnn \"$@\"\n", out);
}
