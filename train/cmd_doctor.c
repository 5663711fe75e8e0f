/* cmd_doctor.c - `tinycnn doctor`: what may be wrong with a data set, before a net learns it. */
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "data.h"
#include "duplicates.h"
#include "folder.h"
#include "grid.h"
#include "report.h"

typedef struct doctor_settings {
    option_list input;
    const char *data, *data_dir, *out;
    int64_t sheet, threads;
    bool near, json;
} doctor_settings;

#define AT(field) .at = offsetof(doctor_settings, field)
static const option doctor_options[] = {
    {"data", "NAME|PATH", OPTION_TEXT, "shapes", AT(data), .help = DATA_HELP, .known = tc_dataset_known},
    {"data-dir", "DIR", OPTION_TEXT, NULL, AT(data_dir),
     .help = "where to look for data first; then $TINYCNN_DATA, then ~/.cache/tinycnn"},
    {"input", "C,H,W", OPTION_LIST, "", .low = 1, .high = 4096, .whole = true, AT(input),
     .help = "channels, height and width that a folder's pictures are made to; without it 3,32,32"},
    {"near", NULL, OPTION_SWITCH, "yes", AT(near),
     .help = "look for near duplicates too, which takes longest"},
    {"out", "DIR", OPTION_TEXT, NULL, AT(out),
     .help = "folder for the contact sheets; without it doctor-DATA"},
    {"sheet", "N", OPTION_INTEGER, "64", .low = 0, .high = 1000, AT(sheet),
     .help = "pictures on the contact sheet of a class; 0: no sheets"},
    {"threads", "P", OPTION_INTEGER, "0", .low = 0, .high = 1024, AT(threads),
     .help = "cores to use; 0: all"},
    {"json", NULL, OPTION_SWITCH, "no", AT(json), .help = "print one JSON object, draw nothing"},
    {0}};

static int run_doctor(int argc, char **argv);
const command command_doctor = {
    .name = "doctor",
    .about =
        "Examines a data set: balance, duplicates, leakage from test to training, colours; draws each class",
    .notes = "Lines that begin with \"warning:\" are findings; the exit code is 0 with and without them. "
             "Near duplicates\n"
             "are pairs whose pictures correlate at least 0.9 and whose fine detail does at least 0.5, "
             "shifted by up\n"
             "to two pixels; mirrored copies and other crops are not found.\n",
    .options = doctor_options,
    .run = run_doctor};

typedef struct channel {
    double mean, deviation; /* 0 .. 1 */
} channel;

/* What was found. */
typedef struct diagnosis {
    const doctor_settings *s;
    const tc_dataset *d;
    int64_t *train, *test; /* (classes): pictures */
    int64_t blank[2];      /* pictures of one colour: train, test */
    channel colors[2][4];
    duplicate_list list;
    /* Pairs: within training, within test, between the two; exact and near; of these, with different labels. */
    int64_t pairs[3][2], conflicts[2];
    int64_t leaked[2]; /* test pictures that have an exact (near) copy in training */
    int warnings;
    char out[3800];
} diagnosis;

static void warn(diagnosis *g, const char *format, ...) TC_PRINTF(2, 3);
static void warn(diagnosis *g, const char *format, ...) {
    va_list arguments;
    g->warnings++;
    if (g->s->json) return;
    va_start(arguments, format);
    printf("warning: ");
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
}

/* ---- Examining ------------------------------------------------------------------------------------------ */

static void measure_colors(const tc_dataset *d, const tc_split *split, channel *colors) {
    int64_t pixels = split->count * d->height * d->width;
    for (int c = 0; c < d->channels; c++) {
        double sum = 0, square = 0;
        for (int64_t i = 0; i < pixels; i++) {
            double v = split->pixels[i * d->channels + c] / 255.0;
            sum += v;
            square += v * v;
        }
        double mean = pixels ? sum / (double)pixels : NAN;
        colors[c] = (channel){mean, sqrt(fmax(square / (double)pixels - mean * mean, 0))};
    }
}

static int64_t count_blank(const tc_dataset *d, const tc_split *split) {
    int64_t blank = 0, pixels = (int64_t)d->height * d->width;
    for (int64_t i = 0; i < split->count; i++) {
        const uint8_t *p = split->pixels + i * pixels * d->channels;
        blank += memcmp(p, p + d->channels, (size_t)((pixels - 1) * d->channels)) == 0;
    }
    return blank;
}

static int64_t count_leaked(const diagnosis *g, bool exact) {
    int64_t train = g->d->train.count, leaked = 0;
    bool *seen = calloc((size_t)g->d->test.count + 1, sizeof *seen);
    for (int64_t i = 0; seen && i < g->list.count; i++) {
        const duplicate_pair *p = &g->list.pairs[i];
        if (p->exact != exact || p->a >= train || p->b < train || seen[p->b - train]) continue;
        seen[p->b - train] = true;
        leaked++;
    }
    free(seen);
    return leaked;
}

static void count_pairs(diagnosis *g) {
    int64_t train = g->d->train.count;
    for (int64_t i = 0; i < g->list.count; i++) {
        const duplicate_pair *p = &g->list.pairs[i];
        int where = p->b < train ? 0 : p->a >= train ? 1 : 2;
        g->pairs[where][!p->exact]++;
        g->conflicts[!p->exact] += duplicate_label(g->d, p->a) != duplicate_label(g->d, p->b);
    }
    for (int near = 0; near < 2; near++) g->leaked[near] = count_leaked(g, !near);
}

static tc_status examine(diagnosis *g) {
    const tc_dataset *d = g->d;
    g->train = calloc((size_t)d->classes, sizeof *g->train);
    g->test = calloc((size_t)d->classes, sizeof *g->test);
    if (!g->train || !g->test) return tc_fail(TC_ERR_MEMORY, "no memory for %d classes", d->classes);
    for (int64_t i = 0; i < d->train.count; i++) g->train[d->train.labels[i]]++;
    for (int64_t i = 0; i < d->test.count; i++) g->test[d->test.labels[i]]++;
    measure_colors(d, &d->train, g->colors[0]);
    measure_colors(d, &d->test, g->colors[1]);
    g->blank[0] = count_blank(d, &d->train);
    g->blank[1] = count_blank(d, &d->test);
    TC_TRY(duplicates_find(d, g->s->near, (int)g->s->threads, &g->list));
    count_pairs(g);
    return TC_OK;
}

/* ---- Findings ------------------------------------------------------------------------------------------- */

static void judge_classes(diagnosis *g) {
    const tc_dataset *d = g->d;
    int64_t least = INT64_MAX, most = 0;
    int lightest = 0, heaviest = 0;
    for (int k = 0; k < d->classes; k++) {
        if (g->train[k] < least) least = g->train[k], lightest = k;
        if (g->train[k] > most) most = g->train[k], heaviest = k;
        if (g->train[k] == 0) warn(g, "class %d (%s) has no training picture", k, d->class_names[k]);
        if (g->test[k] == 0) warn(g, "class %d (%s) has no test picture", k, d->class_names[k]);
        double share = (double)g->train[k] / (double)d->train.count;
        double test = (double)g->test[k] / (double)d->test.count;
        /* Four standard errors of a share that is drawn. */
        double error = sqrt(share * (1 - share) / (double)d->test.count);
        if (g->train[k] && g->test[k] && fabs(test - share) > 4 * error + 0.005)
            warn(g, "class %d (%s) is %.1f%% of training and %.1f%% of test", k, d->class_names[k],
                 100 * share, 100 * test);
    }
    if (least > 0 && most > 2 * least)
        warn(g, "classes are not balanced: %s has %" PRId64 " training pictures, %s %" PRId64,
             d->class_names[heaviest], most, d->class_names[lightest], least);
}

static void judge_pictures(diagnosis *g) {
    static const char *const splits[] = {"training", "test"};
    for (int i = 0; i < 2; i++)
        if (g->blank[i]) warn(g, "%" PRId64 " %s pictures are of one colour", g->blank[i], splits[i]);
    for (int c = 0; c < g->d->channels; c++) {
        const channel *a = &g->colors[0][c], *b = &g->colors[1][c];
        if (fabs(a->mean - b->mean) > 0.05 || fabs(a->deviation - b->deviation) > 0.05)
            warn(g, "channel %d: mean %.3f, deviation %.3f in training, but %.3f, %.3f in test", c, a->mean,
                 a->deviation, b->mean, b->deviation);
    }
}

static void judge_duplicates(diagnosis *g) {
    static const char *const kind[] = {"exact", "near"};
    for (int near = 0; near < 2; near++) {
        if (g->leaked[near])
            warn(g, "%" PRId64 " test pictures (%.2f%%) have %s %s copy in training: they measure memory",
                 g->leaked[near], 100 * (double)g->leaked[near] / (double)g->d->test.count, near ? "a" : "an",
                 kind[near]);
        if (g->pairs[0][near])
            warn(g, "%" PRId64 " pairs of %s copies within training", g->pairs[0][near], kind[near]);
        if (g->pairs[1][near])
            warn(g, "%" PRId64 " pairs of %s copies within test", g->pairs[1][near], kind[near]);
        if (g->conflicts[near])
            warn(g, "%" PRId64 " pairs of %s copies have different labels", g->conflicts[near], kind[near]);
    }
    if (g->list.cut) warn(g, "the list of copies was cut at %d pairs", DUPLICATES_MAX);
}

static void print_tables(const diagnosis *g) {
    const tc_dataset *d = g->d;
    printf("%s: %" PRId64 " training and %" PRId64 " test pictures of %d x %d, %d channel%s, %d classes\n\n",
           d->name, d->train.count, d->test.count, d->height, d->width, d->channels,
           d->channels == 1 ? "" : "s", d->classes);
    printf("  %-24s %9s %7s %9s %7s\n", "class", "training", "", "test", "");
    for (int k = 0; k < d->classes; k++)
        printf("  %-24.24s %9" PRId64 " %6.2f%% %9" PRId64 " %6.2f%%\n", d->class_names[k], g->train[k],
               100 * (double)g->train[k] / (double)d->train.count, g->test[k],
               100 * (double)g->test[k] / (double)d->test.count);
    printf("\n  %-24s %9s %9s %9s %9s\n", "channel, from 0 to 1", "mean", "deviation", "test mean",
           "deviation");
    for (int c = 0; c < d->channels; c++)
        printf("  %-24d %9.4f %9.4f %9.4f %9.4f\n", c, g->colors[0][c].mean, g->colors[0][c].deviation,
               g->colors[1][c].mean, g->colors[1][c].deviation);
    printf("\n  %-24s %9s %9s\n", "pairs of copies", "exact", "near");
    static const char *const places[] = {"within training", "within test", "training and test"};
    for (int i = 0; i < 3; i++) {
        printf("  %-24s %9" PRId64, places[i], g->pairs[i][0]);
        if (g->s->near)
            printf(" %9" PRId64 "\n", g->pairs[i][1]);
        else
            printf(" %9s\n", "-");
    }
    printf("\n");
}

static void print_json(const diagnosis *g) {
    const tc_dataset *d = g->d;
    json_t *classes = json_array(), *colors = json_array(), *pairs = json_array();
    for (int k = 0; k < d->classes; k++)
        json_array_append_new(classes, json_pack("{s:s, s:I, s:I}", "name", d->class_names[k], "train",
                                                 (json_int_t)g->train[k], "test", (json_int_t)g->test[k]));
    for (int c = 0; c < d->channels; c++)
        json_array_append_new(colors, json_pack("{s:[f,f], s:[f,f]}", "train", g->colors[0][c].mean,
                                                g->colors[0][c].deviation, "test", g->colors[1][c].mean,
                                                g->colors[1][c].deviation));
    for (int64_t i = 0; i < g->list.count; i++) {
        const duplicate_pair *p = &g->list.pairs[i];
        json_array_append_new(
            pairs, json_pack("[I,I,b,f]", (json_int_t)p->a, (json_int_t)p->b, (int)p->exact, p->likeness));
    }
    json_t *all =
        json_pack("{s:s, s:I, s:I, s:[i,i,i], s:o, s:o, s:[I,I], s:[I,I], s:i, s:o}", "data", d->name,
                  "train", (json_int_t)d->train.count, "test", (json_int_t)d->test.count, "picture",
                  d->channels, d->height, d->width, "classes", classes, "colors", colors, "blank",
                  (json_int_t)g->blank[0], (json_int_t)g->blank[1], "leaked", (json_int_t)g->leaked[0],
                  (json_int_t)g->leaked[1], "warnings", g->warnings, "pairs", pairs);
    json_dumpf(all, stdout, JSON_REAL_PRECISION(6));
    printf("\n");
    json_decref(all);
}

/* ---- Sheets --------------------------------------------------------------------------------------------- */

/* Draws, writes, frees pictures and cells. */
static tc_status draw_sheet(const diagnosis *g, image *pictures, grid_cell *cells, int count,
                            const grid_options *options, const char *name) {
    char path[4096];
    image sheet = {0};
    snprintf(path, sizeof path, "%s/%s", g->out, name);
    for (char *c = path + strlen(g->out) + 1; *c; c++)
        if (*c == '/' || *c == ' ') *c = '_';
    tc_status status = grid_draw(cells, count, options, &sheet);
    if (status == TC_OK) status = image_write_png(&sheet, path);
    if (status == TC_OK) printf("%s\n", path);
    image_free(&sheet);
    for (int i = 0; i < count; i++) image_free(&pictures[i]);
    return status;
}

static tc_status class_sheet(const diagnosis *g, int k, image *pictures, grid_cell *cells) {
    const tc_dataset *d = g->d;
    size_t bytes = (size_t)d->height * (size_t)d->width * (size_t)d->channels;
    char title[160], name[160];
    int count = 0;
    for (int64_t i = 0; i < d->train.count && count < g->s->sheet; i++) {
        if (d->train.labels[i] != k) continue;
        TC_TRY(image_of_bytes(d->train.pixels + (size_t)i * bytes, d->height, d->width, d->channels,
                              &pictures[count]));
        cells[count] = (grid_cell){&pictures[count], NULL};
        count++;
    }
    if (count == 0) return TC_OK;
    snprintf(title, sizeof title, "%s\n%d of %" PRId64, d->class_names[k], count, g->train[k]);
    snprintf(name, sizeof name, "class-%02d-%.100s.png", k, d->class_names[k]);
    return draw_sheet(g, pictures, cells, count,
                      &(grid_options){.title = title, .tight = true, .scale = d->width < 64 ? 2 : 1}, name);
}

/* The first pairs, each beside its copy. */
static tc_status copies_sheet(const diagnosis *g, image *pictures, grid_cell *cells, char (*labels)[48]) {
    const tc_dataset *d = g->d;
    int64_t shown = g->list.count < g->s->sheet / 2 ? g->list.count : g->s->sheet / 2;
    for (int64_t i = 0; i < shown; i++) {
        const duplicate_pair *p = &g->list.pairs[i];
        for (int side = 0; side < 2; side++) {
            int64_t number = side ? p->b : p->a;
            bool test = number >= d->train.count;
            int64_t at = 2 * i + side;
            TC_TRY(image_of_bytes(duplicate_picture(d, number), d->height, d->width, d->channels,
                                  &pictures[at]));
            snprintf(labels[at], sizeof labels[at], "%s %" PRId64 " %.14s", test ? "test" : "train",
                     test ? number - d->train.count : number, d->class_names[duplicate_label(d, number)]);
            cells[at] = (grid_cell){&pictures[at], labels[at]};
        }
    }
    if (shown == 0) return TC_OK;
    return draw_sheet(g, pictures, cells, (int)(2 * shown),
                      &(grid_options){.title = "copies, each beside the other", .columns = 4}, "copies.png");
}

static tc_status draw_sheets(diagnosis *g) {
    char name[256];
    int length = g->s->out ? snprintf(g->out, sizeof g->out, "%s", g->s->out)
                           : snprintf(g->out, sizeof g->out, "doctor-%s",
                                      folder_last_name(g->d->name, name, sizeof name));
    if (length >= (int)sizeof g->out) return tc_fail(TC_ERR_ARGUMENT, "--out: this path is too long");
    TC_TRY(folder_make(g->out));
    size_t room = (size_t)g->s->sheet + 2;
    image *pictures = calloc(room, sizeof *pictures);
    grid_cell *cells = calloc(room, sizeof *cells);
    char(*labels)[48] = calloc(room, sizeof *labels);
    bool got = pictures && cells && labels;
    tc_status status = got ? TC_OK : tc_fail(TC_ERR_MEMORY, "no memory for a sheet");
    for (int k = 0; status == TC_OK && k < g->d->classes; k++) status = class_sheet(g, k, pictures, cells);
    if (status == TC_OK) status = copies_sheet(g, pictures, cells, labels);
    free(pictures);
    free(cells);
    free(labels);
    return status;
}

/* ---- The command ---------------------------------------------------------------------------------------- */

static tc_status diagnose(diagnosis *g) {
    TC_TRY(examine(g));
    if (!g->s->json) print_tables(g);
    judge_classes(g);
    judge_pictures(g);
    judge_duplicates(g);
    if (g->s->json) {
        print_json(g);
        return TC_OK;
    }
    tc_status status = g->s->sheet > 0 ? draw_sheets(g) : TC_OK;
    if (status == TC_ERR_UNSUPPORTED) {
        printf("(no sheets: %s)\n", tc_last_error());
        status = TC_OK;
    }
    if (status != TC_OK) return status;
    if (g->warnings)
        printf("%s: %d warning%s\n", g->d->name, g->warnings, g->warnings == 1 ? "" : "s");
    else
        printf("%s: nothing to warn of\n", g->d->name);
    return TC_OK;
}

static int run_doctor(int argc, char **argv) {
    doctor_settings s = {0};
    parse_result parsed = options_parse(&command_doctor, argc, argv, &s, NULL);
    if (parsed != PARSE_OK) return parsed == PARSE_HELP ? EXIT_GOOD : EXIT_USAGE;
    tc_dataset *dataset;
    tc_status opened = data_open(s.data, s.data_dir, s.threads, &s.input, &dataset);
    if (opened == TC_ERR_ARGUMENT) return report(EXIT_USAGE, "doctor", "%s", tc_last_error());
    if (opened != TC_OK) return report_failure("doctor");
    diagnosis g = {.s = &s, .d = dataset};
    tc_status status = diagnose(&g);
    duplicates_free(&g.list);
    free(g.train);
    free(g.test);
    tc_dataset_free(dataset);
    return status == TC_OK ? EXIT_GOOD : report_failure("doctor");
}
