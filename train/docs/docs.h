/* docs.h - what is made from the table of commands besides --help. */
#ifndef TRAIN_DOCS_H
#define TRAIN_DOCS_H

#include <stdio.h>

/* tinycnn.1, for man. */
void docs_man(FILE *out);
/* A function for bash's `complete`, which needs no bash-completion. */
void docs_bash(FILE *out);
/* A function for zsh's completion system, _tinycnn. */
void docs_zsh(FILE *out);

#endif
