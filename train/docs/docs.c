/* docs.c - the program that builds run: `tinycnn_docs man|bash|zsh` prints one of them. */
#include "docs.h"

#include <string.h>

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        void (*print)(FILE *out);
    } kinds[] = {{"man", docs_man}, {"bash", docs_bash}, {"zsh", docs_zsh}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (argc != 2 || strcmp(argv[1], kinds[i].name) != 0) continue;
        kinds[i].print(stdout);
        return fflush(stdout) != 0 || ferror(stdout) ? 1 : 0;
    }
    fputs("usage: tinycnn_docs man|bash|zsh\n", stderr);
    return 2;
}
