/* main.c - the program `tinycnn`: hands the command line to a sub-command. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "download.h"
#include "image.h"
#include "report.h"

static void print_help(FILE *stream) {
    fprintf(stream,
            "tinycnn %s - trains convolutional networks on this machine's cores\n\n"
            "Usage: tinycnn COMMAND [options]\n\nCommands:\n",
            tc_version());
    for (int i = 0; commands[i]; i++) fprintf(stream, "  %-12s%s\n", commands[i]->name, commands[i]->about);
    fprintf(
        stream,
        "\ntinycnn COMMAND --help lists a command's options; tinycnn --version what runs here.\n"
        "Exit codes: 0 good, 1 failure (a line on stderr says what), 2 usage, 3 training diverged,\n"
        "130 and 143 training stopped by SIGINT or SIGTERM with everything saved.\n"
        "Environment: TINYCNN_DATA, the folder of data sets; TINYCNN_ISA, base, avx2 or avx512: the newest\n"
        "instructions that kernels may use.\n");
}

static void print_version(void) {
    const char *components[][2] = {{"libpng", image_png_version()},
                                   {"libjpeg", tc_jpeg_version()},
                                   {"libzip", tc_zip_version()},
                                   {"protobuf-c", tc_protobuf_version()},
                                   {"libcurl", download_curl_version()}};
    const char *between = " ";
    printf("tinycnn %s\nkernels: %s\nBLAS: %s\noptional components:", tc_version(), tc_kernel_isa(),
           tc_blas_name());
    for (size_t i = 0; i < sizeof components / sizeof components[0]; i++) {
        if (!components[i][1]) continue;
        printf("%s%s %s", between, components[i][0], components[i][1]);
        between = ", ";
    }
    printf("%s\n", between[0] == ',' ? "" : " none");
}

/* A wish that is misspelt shall not mean the newest. */
static bool is_isa_known(const char *wish) {
    return !wish || !*wish || strcmp(wish, "base") == 0 || strcmp(wish, "avx2") == 0 ||
           strcmp(wish, "avx512") == 0;
}

static int run(int argc, char **argv) {
    const char *name = argc > 1 ? argv[1] : "--help";
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_help(stdout);
        return EXIT_GOOD;
    }
    if (!is_isa_known(getenv("TINYCNN_ISA"))) {
        fprintf(stderr, "tinycnn: TINYCNN_ISA is \"%s\", expected base, avx2 or avx512\n",
                getenv("TINYCNN_ISA"));
        return EXIT_USAGE;
    }
    if (strcmp(name, "--version") == 0) {
        print_version();
        return EXIT_GOOD;
    }
    for (int i = 0; commands[i]; i++)
        if (strcmp(name, commands[i]->name) == 0) return commands[i]->run(argc - 1, argv + 1);
    fprintf(stderr, "tinycnn: unknown command \"%s\"; tinycnn --help lists the commands\n", name);
    return EXIT_USAGE;
}

int main(int argc, char **argv) {
    int code = run(argc, argv);
    /* A full disk behind a redirection shows only now. */
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == EXIT_GOOD) {
        fprintf(stderr, "tinycnn: stdout: %s\n", strerror(errno));
        code = EXIT_FAILED;
    }
    return code;
}
