/* classroom.c - the command line, data and folder of a lesson. */
#include "classroom.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { GO_ON = -1, GOOD = 0, FAILED = 1, USAGE = 2 };

typedef struct wishes {
    const char *data, *data_dir, *out;
} wishes;

static void print_help(const char *lesson, const char *about) {
    printf(
        "%s - %s\n\n"
        "Usage: %s [options]\n\n"
        "  --data NAME|PATH   shapes, cifar10, or a path (default: cifar10 where it is found, else shapes)\n"
        "  --data-dir DIR     where to look for data first; then $TINYCNN_DATA, then ~/.cache/tinycnn\n"
        "  --effort X         trains X times as long as usual (default 1); below 1 also tests on fewer\n"
        "  --seed N           seed of weights and order (default 1)\n"
        "  --threads P        cores to use (default: all)\n"
        "  --out DIR          folder for pictures and pages (default runs/%s)\n"
        "  --help             this\n",
        lesson, about, lesson, lesson);
}

/* The number that `text` is, whole; false with a line on stderr. */
static bool read_number(const char *lesson, const char *option, const char *text, double low, double high,
                        bool whole, double *value) {
    char *end;
    errno = 0;
    *value = strtod(text, &end);
    bool good = *text && !*end && errno == 0 && *value >= low && *value <= high;
    if (good && (!whole || *value == (double)(int64_t)*value)) return true;
    fprintf(stderr, "%s: --%s: \"%s\", expected a %snumber from %g to %g\n", lesson, option, text,
            whole ? "whole " : "", low, high);
    return false;
}

static int read_options(int argc, char **argv, const char *about, classroom *room, wishes *w) {
    static const struct option options[] = {
        {"data", required_argument, NULL, 'd'},    {"data-dir", required_argument, NULL, 'D'},
        {"effort", required_argument, NULL, 'e'},  {"seed", required_argument, NULL, 's'},
        {"threads", required_argument, NULL, 't'}, {"out", required_argument, NULL, 'o'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0}};
    double seed = 1, threads = 0;
    room->effort = 1;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        bool good = true;
        if (c == 'd') w->data = optarg;
        if (c == 'D') w->data_dir = optarg;
        if (c == 'o') w->out = optarg;
        if (c == 'e') good = read_number(room->lesson, "effort", optarg, 0.001, 1000, false, &room->effort);
        if (c == 's') good = read_number(room->lesson, "seed", optarg, 0, 1e15, true, &seed);
        if (c == 't') good = read_number(room->lesson, "threads", optarg, 0, 1024, true, &threads);
        if (c == 'h') {
            print_help(room->lesson, about);
            return GOOD;
        }
        if (!good || c == '?') return USAGE;
    }
    if (optind < argc) {
        fprintf(stderr, "%s: \"%s\" is no option; --help lists them\n", room->lesson, argv[optind]);
        return USAGE;
    }
    room->seed = (uint64_t)seed;
    room->threads = (int)threads;
    return GO_ON;
}

/* Makes a folder and those that it lies in. */
static tc_status make_folder(const char *path) {
    char part[sizeof((classroom *)0)->out];
    for (const char *slash = path; slash;) {
        slash = strchr(slash + 1, '/');
        snprintf(part, sizeof part, "%.*s", slash ? (int)(slash - path) : (int)strlen(path), path);
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            return tc_fail(TC_ERR_IO, "%s: cannot be made: %s", part, strerror(errno));
    }
    struct stat st;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) return TC_OK;
    return tc_fail(TC_ERR_IO, "%s: is no folder", path);
}

static tc_status prepare(classroom *room, const wishes *w) {
    int length = w->out ? snprintf(room->out, sizeof room->out, "%s", w->out)
                        : snprintf(room->out, sizeof room->out, "runs/%s", room->lesson);
    const tc_dataset_options options = {.data_dir = w->data_dir, .threads = room->threads};
    if (length >= (int)sizeof room->out) return tc_fail(TC_ERR_ARGUMENT, "--out: this path is too long");
    if (w->data) {
        TC_TRY(tc_dataset_open(w->data, &options, &room->data));
    } else if (tc_dataset_open("cifar10", &options, &room->data) != TC_OK) {
        TC_TRY(tc_dataset_open("shapes", &options, &room->data));
        printf(
            "CIFAR-10 is not here (--data-dir says where it is); the generated shapes take its place.\n\n");
    }
    room->is_shapes = strcmp(room->data->name, "shapes") == 0;
    return make_folder(room->out);
}

int classroom_open(int argc, char **argv, const char *lesson, const char *about, classroom *room) {
    wishes w = {0};
    char name[64];
    *room = (classroom){.lesson = lesson};
    snprintf(name, sizeof name, "%s", lesson);
    argv[0] = name; /* getopt's sentences begin with it */
    int code = read_options(argc, argv, about, room, &w);
    if (code != GO_ON) return code;
    if (prepare(room, &w) == TC_OK) return GO_ON;
    return classroom_close(room, TC_ERR_IO);
}

int classroom_close(classroom *room, tc_status status) {
    fflush(stdout);
    if (status != TC_OK) fprintf(stderr, "%s: %s\n", room->lesson, tc_last_error());
    tc_dataset_free(room->data);
    *room = (classroom){.lesson = room->lesson};
    return status == TC_OK ? GOOD : FAILED;
}

const char *classroom_path(classroom *room, const char *name) {
    snprintf(room->path, sizeof room->path, "%s/%s", room->out, name);
    return room->path;
}

tc_status classroom_picture(classroom *room, const image *im, const char *name) {
    tc_status status = image_write_png(im, classroom_path(room, name));
    if (status == TC_OK) printf("  picture: %s\n", room->path);
    if (status == TC_ERR_UNSUPPORTED) {
        printf("  (no picture %s: %s)\n", name, tc_last_error());
        status = TC_OK;
    }
    return status;
}

tc_status classroom_page(classroom *room, page *p, const char *name) {
    TC_TRY(page_end(p, classroom_path(room, name)));
    printf("  page: %s\n", room->path);
    return TC_OK;
}
