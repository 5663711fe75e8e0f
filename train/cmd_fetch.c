/* cmd_fetch.c - `tinycnn fetch`: data sets from their official places to where `--data` looks for them. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "commands.h"
#include "datasets.h"
#include "download.h"
#include "folder.h"
#include "report.h"
#include "signals.h"

typedef struct fetch_settings {
    const char *data_dir, *from;
    int64_t attempts;
    double stall;
    bool quiet;
    operand_list names;
} fetch_settings;

#define AT(field) .at = offsetof(fetch_settings, field)
static const option fetch_options[] = {
    {"data-dir", "DIR", OPTION_TEXT, NULL, AT(data_dir),
     .help = "where to put it; without it $TINYCNN_DATA, or ~/.cache/tinycnn"},
    {"from", "URL", OPTION_TEXT, NULL, AT(from),
     .help = "a mirror: a folder on a web server with the files in it"},
    {"attempts", "N", OPTION_INTEGER, "5", .low = 1, .high = 1000, AT(attempts),
     .help = "connections in a row that may bring nothing"},
    {"stall-seconds", "S", OPTION_REAL, "30", .low = 1, .high = 86400, AT(stall),
     .help = "how long a server may be silent before it is asked again"},
    {"quiet", NULL, OPTION_SWITCH, "no", AT(quiet), .help = "print nothing but failures"},
    {0}};

static const char *known_set(int index);
static int run_fetch(int argc, char **argv);
const command command_fetch = {
    .name = "fetch",
    .about = "Downloads a data set: cifar10, cifar100, mnist, fashion-mnist",
    .notes =
        "What is there already is not fetched again; what was interrupted goes on where it ended. A file "
        "gets its name\nonly when its published MD5 is right.\n",
    .options = fetch_options,
    .run = run_fetch,
    .operands = "NAME...",
    .operands_at = offsetof(fetch_settings, names),
    .operands_known = known_set};

enum { MOST_FILES = 4, PATH_LENGTH = 4096 };

/* MD5s: https://www.cs.toronto.edu/~kriz/cifar.html; torchvision/datasets/mnist.py, whose mirror stands in for the place of
 * MNIST, which is closed; https://github.com/zalandoresearch/fashion-mnist. */
static const struct set {
    const char *name, *folder, *from;
    struct {
        const char *name, *md5;
        int64_t size;
    } files[MOST_FILES];
} sets[] = {
    {"cifar10",
     "",
     "https://www.cs.toronto.edu/~kriz",
     {{"cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530", 170052171}}},
    {"cifar100",
     "",
     "https://www.cs.toronto.edu/~kriz",
     {{"cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8", 168513733}}},
    {"mnist",
     "mnist",
     "https://ossci-datasets.s3.amazonaws.com/mnist",
     {{"train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873", 9912422},
      {"train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432", 28881},
      {"t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3", 1648877},
      {"t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c", 4542}}},
    {"fashion-mnist",
     "fashion-mnist",
     "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
     {{"train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d", 26421880},
      {"train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe", 29515},
      {"t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79", 4422102},
      {"t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310", 5148}}},
};
enum { SETS = sizeof sets / sizeof sets[0] };

static const char *known_set(int index) {
    return index < SETS ? sets[index].name : NULL;
}

/* ---- What a person sees ------------------------------------------------------------------------------- */

typedef struct bar {
    const char *name;
    bool is_drawn, is_wanted;
    double began, drawn_at;
    int64_t first; /* bytes that were there at the begin; -1: not known yet */
} bar;

static bool draw(void *context, int64_t done, int64_t size) {
    bar *b = context;
    double now = clock_seconds();
    if (b->first < 0 || done < b->first) b->first = done;
    if (!b->is_wanted || now - b->drawn_at < 0.1) return signals_stop();
    double rate = (double)(done - b->first) / (now - b->began + 1e-9);
    int filled = (int)(20 * done / size);
    b->drawn_at = now;
    b->is_drawn = true;
    fprintf(stderr, "\r%-28s [%.*s%*s] %5.1f of %.1f MB, %.1f MB/s\033[K", b->name, filled,
            "####################", 20 - filled, "", (double)done / 1e6, (double)size / 1e6, rate / 1e6);
    return signals_stop();
}

/* ---- Fetching ----------------------------------------------------------------------------------------- */

static tc_status fetch_file(const fetch_settings *s, const struct set *set, int i, const char *folder) {
    char path[2 * PATH_LENGTH], url[PATH_LENGTH];
    const char *name = set->files[i].name, *from = s->from ? s->from : set->from;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    snprintf(url, sizeof url, "%.3000s%s%s", from, from[strlen(from) - 1] == '/' ? "" : "/", name);
    if (access(path, F_OK) == 0) {
        TC_TRY(download_check(path, set->files[i].size, set->files[i].md5));
        if (!s->quiet) printf("%s: is there\n", path);
        return TC_OK;
    }
    bar b = {
        .name = name, .is_wanted = !s->quiet && isatty(STDERR_FILENO), .began = clock_seconds(), .first = -1};
    download d = {.url = url,
                  .path = path,
                  .md5 = set->files[i].md5,
                  .size = set->files[i].size,
                  .attempts = (int)s->attempts,
                  .stall_seconds = s->stall,
                  .pause_seconds = 1,
                  .show = draw,
                  .context = &b};
    tc_status status = download_file(&d);
    if (b.is_drawn) fputs("\r\033[K", stderr);
    TC_TRY(status);
    if (!s->quiet) printf("%s: %.1f MB in %.1f s\n", path, (double)d.size / 1e6, clock_seconds() - b.began);
    return TC_OK;
}

static const struct set *find_set(const char *name) {
    for (int i = 0; i < SETS; i++)
        if (strcmp(sets[i].name, name) == 0) return &sets[i];
    return NULL;
}

static tc_status fetch_set(const fetch_settings *s, const struct set *set) {
    char place[PATH_LENGTH / 2], folder[PATH_LENGTH];
    TC_TRY(tc_dataset_place(s->data_dir, place, sizeof place));
    snprintf(folder, sizeof folder, "%s%s%s", place, set->folder[0] ? "/" : "", set->folder);
    TC_TRY(folder_make(folder));
    for (int i = 0; i < MOST_FILES && set->files[i].name; i++) TC_TRY(fetch_file(s, set, i, folder));
    return TC_OK;
}

static int run_fetch(int argc, char **argv) {
    fetch_settings s = {0};
    parse_result parsed = options_parse(&command_fetch, argc, argv, &s, NULL);
    if (parsed != PARSE_OK) return parsed == PARSE_HELP ? EXIT_GOOD : EXIT_USAGE;
    if (s.names.count == 0)
        return report(EXIT_USAGE, "fetch", "name data sets: cifar10, cifar100, mnist, fashion-mnist");
    for (int i = 0; i < s.names.count; i++)
        if (!find_set(s.names.words[i]))
            return report(EXIT_USAGE, "fetch",
                          "no data set %s, there are cifar10, cifar100, mnist, fashion-mnist",
                          s.names.words[i]);
    if (s.from && !s.from[0]) return report(EXIT_USAGE, "fetch", "--from: expected an address");
    signals_catch();
    for (int i = 0; i < s.names.count; i++)
        if (fetch_set(&s, find_set(s.names.words[i])) != TC_OK)
            return signals_stop() ? report(EXIT_SIGNALLED + signals_number(), "fetch", "%s", tc_last_error())
                                  : report_failure("fetch");
    return EXIT_GOOD;
}
