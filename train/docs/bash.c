/* bash.c - a case for each command and option with a value. bash breaks words at = (COMP_WORDBREAKS), so that --name=value
 * comes as three. */
#include "completion.h"
#include "docs.h"

static const char *const how[] = {
    [COMPLETE_NOTHING] = "", [COMPLETE_FILES] = "_tinycnn_files f", [COMPLETE_FOLDERS] = "_tinycnn_files d"};

static const char head[] =
    "# bash completion for tinycnn; made from the program's own table of options.\n"
    "_tinycnn_words() { mapfile -t -O \"${#COMPREPLY[@]}\" COMPREPLY < <(compgen -W \"$1\" -- \"$cur\"); }\n"
    "_tinycnn_files() {\n"
    "  mapfile -t -O \"${#COMPREPLY[@]}\" COMPREPLY < <(compgen -\"$1\" -- \"$cur\")\n"
    "  compopt -o filenames 2>/dev/null\n"
    "}\n"
    "_tinycnn() {\n"
    "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
    "  COMPREPLY=()\n"
    "  if [ \"$cur\" = = ]; then cur='' ; elif [ \"$prev\" = = ]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
    "  if [ \"$COMP_CWORD\" -le 1 ]; then\n";

static void put_option(FILE *out, const command *c, const option *o) {
    char words[512];
    if (o->kind == OPTION_SWITCH) return;
    fprintf(out, "    \"%s --%s\")\n", c->name, o->name);
    if (*completion_words(o, words, sizeof words)) fprintf(out, "      _tinycnn_words \"%s\"\n", words);
    if (completion_of(o->argument) != COMPLETE_NOTHING)
        fprintf(out, "      %s\n", how[completion_of(o->argument)]);
    fputs("      return\n      ;;\n", out);
}

static void put_command(FILE *out, const command *c) {
    fprintf(out, "    %s)\n      if [[ $cur == -* ]]; then\n        _tinycnn_words \"", c->name);
    for (const option *o = c->options; o->name; o++)
        fprintf(out, o->kind == OPTION_SWITCH ? "--%s --no-%s " : "--%s ", o->name, o->name);
    fputs("--help\"\n", out);
    if (c->operands) fputs("      else\n", out);
    if (c->operands_known) {
        fputs("        _tinycnn_words \"", out);
        for (int i = 0; c->operands_known(i); i++) fprintf(out, "%s%s", i ? " " : "", c->operands_known(i));
        fputs("\"\n", out);
    } else if (c->operands) {
        fprintf(out, "        %s\n", how[completion_of(c->operands)]);
    }
    fputs("      fi\n      ;;\n", out);
}

void docs_bash(FILE *out) {
    fputs(head, out);
    fputs("    _tinycnn_words \"", out);
    for (int i = 0; commands[i]; i++) fprintf(out, "%s ", commands[i]->name);
    fputs("--help --version\"\n    return\n  fi\n  case \"${COMP_WORDS[1]} $prev\" in\n", out);
    for (int i = 0; commands[i]; i++)
        for (const option *o = commands[i]->options; o->name; o++) put_option(out, commands[i], o);
    fputs("  esac\n  case \"${COMP_WORDS[1]}\" in\n", out);
    for (int i = 0; commands[i]; i++) put_command(out, commands[i]);
    fputs("  esac\n}\ncomplete -F _tinycnn tinycnn\n", out);
}
