/* cmd_visualize.c - `tinycnn visualize`: what a saved net looks for, what its layers answer to a picture, and which
 * pixels its decision hangs on; as PNG sheets in a folder. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "attribution.h"
#include "commands.h"
#include "filters.h"
#include "folder.h"
#include "report.h"
#include "saved_net.h"

typedef struct visualize_settings {
    const char *checkpoint, *data, *data_dir, *out, *class_name, *layer;
    option_list index;
    int64_t occlusion_size, occlusion_stride, planes, threads;
    operand_list images;
} visualize_settings;

#define AT(field) .at = offsetof(visualize_settings, field)
static const option visualize_options[] = {
    {"checkpoint", "FILE", OPTION_TEXT, NULL, AT(checkpoint),
     .help = "the saved net, e.g. best.safetensors of a run (needed)"},
    {"data", "NAME|PATH", OPTION_TEXT, NULL, AT(data),
     .help = "a data set whose test pictures are looked at, in the place of or beside IMAGE files"},
    {"data-dir", "DIR", OPTION_TEXT, NULL, AT(data_dir),
     .help = "where to look for data first; then $TINYCNN_DATA, then ~/.cache/tinycnn"},
    {"index", "I,I,...", OPTION_LIST, "0,1,2,3", .low = 0, .high = 1e9, .whole = true, AT(index),
     .help = "which test pictures, counted from 0"},
    {"class", "NAME|NUMBER", OPTION_TEXT, NULL, AT(class_name),
     .help = "the class whose evidence is shown; without it the one that the net decides for"},
    {"layer", "PATH", OPTION_TEXT, NULL, AT(layer),
     .help = "layer of Grad-CAM; without it the last whose result has more than one pixel"},
    {"occlusion-size", "N", OPTION_INTEGER, "8", .low = 1, .high = 4096, AT(occlusion_size),
     .help = "side of the square that hides a part of the picture, in pixels"},
    {"occlusion-stride", "N", OPTION_INTEGER, "2", .low = 1, .high = 4096, AT(occlusion_stride),
     .help = "pixels from one place of the square to the next, at most its size"},
    {"planes", "N", OPTION_INTEGER, "64", .low = 1, .high = 4096, AT(planes),
     .help = "most feature maps of a layer that are drawn"},
    {"out", "DIR", OPTION_TEXT, NULL, AT(out), .help = "folder for the pictures; without it visualize-MODEL"},
    {"threads", "P", OPTION_INTEGER, "0", .low = 0, .high = 1024, AT(threads),
     .help = "cores to use; 0: all"},
    {0}};

static int run_visualize(int argc, char **argv);
const command command_visualize = {
    .name = "visualize",
    .about = "Draws the filters of a saved net, its feature maps, and which pixels its answers hang on",
    .notes = "IMAGE: PNG or JPEG files of any size, cut and resized as by predict. Written are filters.png; "
             "for the "
             "first picture\n"
             "features-NUMBER-LAYER.png; and attribution.png with a row a picture: the picture, saliency "
             "(gradient\n"
             "of the class's logit), Grad-CAM, occlusion (how much the probability falls).\n",
    .options = visualize_options,
    .run = run_visualize,
    .operands = "[IMAGE...]",
    .operands_at = offsetof(visualize_settings, images)};

/* A picture that is looked at. */
typedef struct subject {
    char name[96];
    int label; /* its true class; -1: not known */
    image shown;
    float *x; /* (H, W, C), normalised */
} subject;

typedef struct visit {
    const visualize_settings *s;
    described about;
    tc_model *model;
    char out[3800];
    subject *subjects;
    int count;
} visit;

/* ---- Pictures ----------------------------------------------------------------------------------------- */

static tc_status normalise(const visit *v, const uint8_t *pixels, subject *to) {
    const tc_net *net = &v->about.net;
    size_t count = (size_t)net->height * (size_t)net->width * (size_t)net->channels;
    to->x = malloc(count * sizeof *to->x);
    if (!to->x) return tc_fail(TC_ERR_MEMORY, "no memory for a picture");
    for (size_t i = 0; i < count; i++) {
        size_t c = i % (size_t)net->channels;
        to->x[i] = ((float)pixels[i] / 255.0f - v->about.mean[c]) / v->about.deviation[c];
    }
    return image_of_bytes(pixels, net->height, net->width, net->channels, &to->shown);
}

static tc_status take_image(const visit *v, const char *path, subject *to) {
    const tc_net *net = &v->about.net;
    const char *slash = strrchr(path, '/');
    snprintf(to->name, sizeof to->name, "%s", slash ? slash + 1 : path);
    to->label = -1;
    uint8_t *pixels = malloc((size_t)net->height * (size_t)net->width * (size_t)net->channels);
    tc_status status = pixels ? tc_picture_load(path, net->height, net->width, net->channels, pixels)
                              : tc_fail(TC_ERR_MEMORY, "%s: out of memory", path);
    if (status == TC_OK) status = normalise(v, pixels, to);
    free(pixels);
    return status;
}

static tc_status take_test_picture(const visit *v, const tc_dataset *d, int64_t index, subject *to) {
    if (index >= d->test.count)
        return tc_fail(TC_ERR_ARGUMENT, "--index: %lld, %s has test pictures 0 to %lld", (long long)index,
                       d->name, (long long)d->test.count - 1);
    size_t bytes = (size_t)d->height * (size_t)d->width * (size_t)d->channels;
    snprintf(to->name, sizeof to->name, "%s %lld", d->name, (long long)index);
    to->label = d->test.labels[index];
    return normalise(v, d->test.pixels + (size_t)index * bytes, to);
}

static tc_status take_all(visit *v) {
    const visualize_settings *s = v->s;
    int from_data = s->data ? s->index.count : 0;
    v->subjects = calloc((size_t)(s->images.count + from_data) + 1, sizeof *v->subjects);
    if (!v->subjects) return tc_fail(TC_ERR_MEMORY, "no memory for the pictures");
    for (int i = 0; i < s->images.count; i++)
        TC_TRY(take_image(v, s->images.words[i], &v->subjects[v->count++]));
    if (from_data == 0) return TC_OK;
    tc_dataset *d;
    TC_TRY(saved_net_dataset(s->checkpoint, &v->about, s->data, s->data_dir, s->threads, &d));
    tc_status status = TC_OK;
    for (int i = 0; status == TC_OK && i < from_data; i++)
        status = take_test_picture(v, d, (int64_t)s->index.values[i], &v->subjects[v->count++]);
    tc_dataset_free(d);
    return status;
}

/* ---- Sheets ------------------------------------------------------------------------------------------- */

/* Writes and frees the sheet. */
static tc_status keep(const visit *v, image *sheet, const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", v->out, name);
    tc_status status = image_write_png(sheet, path);
    image_free(sheet);
    if (status == TC_OK) printf("%s\n", path);
    return status;
}

typedef struct features {
    const visit *v;
    int number;
    tc_status status; /* the first failure */
} features;

static void draw_features(void *context, const char *path, const char *type, tc_tensor *result) {
    features *f = context;
    char title[256], name[200], shape[TC_SHAPE_TEXT], file[140];
    int number = f->number;
    if (strcmp(type, "sequential") == 0) return;
    f->number++;
    if (f->status != TC_OK || result->ndim != 4 || result->shape[2] * result->shape[3] < 2) return;
    snprintf(title, sizeof title, "%s %s %s of %s", path, type, tc_shape_text(3, result->shape + 1, shape),
             f->v->subjects[0].name);
    snprintf(file, sizeof file, "%s", path);
    for (char *c = file; *c; c++)
        if (*c == '/') *c = '_';
    snprintf(name, sizeof name, "features-%02d-%s-%s.png", number, file, type);
    image sheet;
    f->status = planes_draw(result, 0, (int)f->v->s->planes, title, &sheet);
    if (f->status == TC_OK) f->status = keep(f->v, &sheet, name);
}

static tc_status draw_layers(const visit *v) {
    const tc_net *net = &v->about.net;
    features f = {.v = v};
    tc_tape *tape = tc_tape_create(&(tc_tape_options){.threads = (int)v->s->threads});
    if (!tape) return TC_ERR_MEMORY;
    tc_tape_eval(tape);
    tc_tensor *x =
        tc_input(tape, 4, (int64_t[]){1, net->channels, net->height, net->width}, v->subjects[0].x);
    tc_model_forward_observed(v->model, tape, x, draw_features, &f);
    tc_status status =
        tc_tape_status(tape) != TC_OK ? tc_fail(tc_tape_status(tape), "%s", tc_tape_error(tape)) : f.status;
    tc_tape_free(tape);
    return status;
}

/* ---- Attribution -------------------------------------------------------------------------------------- */

enum { COLUMNS = 4 };

static double highest(const float *map, int count) {
    double most = 0;
    for (int i = 0; i < count; i++) most = fmax(most, fabs((double)map[i]));
    return most;
}

/* A map over the grey picture, so that one sees where it lies. */
static tc_status overlay(const subject *p, const float *map, int height, int width, double low, double high,
                         color_scale scale, image *out) {
    image colors;
    TC_TRY(image_of_values(map, 1, height, width, low, high, scale, &colors));
    tc_status status = image_create(width, height, COLOR_WHITE, out);
    for (int i = 0; status == TC_OK && i < height * width; i++) {
        const uint8_t *c = p->shown.pixels + (size_t)i * 3;
        uint8_t grey = (uint8_t)((c[0] + c[1] + c[2]) / 3);
        memset(out->pixels + (size_t)i * 3, grey, 3);
    }
    if (status == TC_OK) image_blend(out, &colors, 0.65);
    image_free(&colors);
    return status;
}

typedef struct row {
    image pictures[COLUMNS];
    char labels[COLUMNS][96];
} row;

static tc_status decide(const visit *v, const attribution *a, const subject *p, row *r, int *label) {
    char number[CLASS_NUMBER];
    float *probabilities = malloc((size_t)a->classes * sizeof *probabilities);
    tc_status status = probabilities ? attribution_probabilities(a, probabilities)
                                     : tc_fail(TC_ERR_MEMORY, "no memory for %d probabilities", a->classes);
    int best = 0;
    for (int i = 1; status == TC_OK && i < a->classes; i++)
        if (probabilities[i] > probabilities[best]) best = i;
    if (status == TC_OK && *label < 0) *label = best;
    if (status == TC_OK) {
        int length = snprintf(r->labels[0], sizeof r->labels[0], "%.20s %.0f%%%s",
                              described_class(&v->about, best, number), 100 * (double)probabilities[best],
                              p->label < 0       ? ""
                              : p->label == best ? ", right"
                                                 : ", it is ");
        if (p->label >= 0 && p->label != best)
            snprintf(r->labels[0] + length, sizeof r->labels[0] - (size_t)length, "%.20s",
                     described_class(&v->about, p->label, number));
        const char *text = described_class(&v->about, *label, number);
        snprintf(r->labels[1], sizeof r->labels[1], "of %.30s", text);
        snprintf(r->labels[3], sizeof r->labels[3], "p(%.20s) %.2f", text, (double)probabilities[*label]);
    }
    free(probabilities);
    return status;
}

/* Fills the row; what it has drawn is freed by the caller in any case. */
static tc_status explain_picture(const visit *v, const subject *p, int label, float *map, row *r) {
    const tc_net *net = &v->about.net;
    int height = net->height, width = net->width, size = (int)v->s->occlusion_size;
    int stride = (int)v->s->occlusion_stride < size ? (int)v->s->occlusion_stride : size;
    attribution a = {.model = v->model,
                     .picture = p->x,
                     .channels = net->channels,
                     .height = height,
                     .width = width,
                     .classes = net->classes,
                     .threads = (int)v->s->threads};
    const char *layer;
    TC_TRY(decide(v, &a, p, r, &label));
    TC_TRY(image_create(width, height, COLOR_WHITE, &r->pictures[0]));
    image_paste(&r->pictures[0], 0, 0, 1, &p->shown);
    TC_TRY(attribution_saliency(&a, label, map));
    TC_TRY(image_of_values(map, 1, height, width, 0, highest(map, height * width), SCALE_SEQUENTIAL,
                           &r->pictures[1]));
    TC_TRY(attribution_grad_cam(&a, label, v->s->layer, map, &layer));
    TC_TRY(
        overlay(p, map, height, width, 0, highest(map, height * width), SCALE_SEQUENTIAL, &r->pictures[2]));
    snprintf(r->labels[2], sizeof r->labels[2], "layer %.60s", layer);
    TC_TRY(attribution_occlusion(&a, label, size, stride, map));
    double most = highest(map, height * width);
    size_t used = strlen(r->labels[3]);
    snprintf(r->labels[3] + used, sizeof r->labels[3] - used, ", +-%.2f", most);
    return overlay(p, map, height, width, -most, most, SCALE_DIVERGING, &r->pictures[3]);
}

static tc_status draw_attribution(const visit *v) {
    static const char *const headers[COLUMNS] = {"picture", "saliency", "Grad-CAM", "occlusion"};
    int label = -1;
    if (v->s->class_name && (label = described_class_index(&v->about, v->s->class_name)) < 0)
        return TC_ERR_ARGUMENT;
    row *rows = calloc((size_t)v->count, sizeof *rows);
    grid_cell *cells = calloc((size_t)v->count * COLUMNS, sizeof *cells);
    const char **names = calloc((size_t)v->count, sizeof *names);
    float *map = malloc((size_t)v->about.net.height * (size_t)v->about.net.width * sizeof *map);
    bool got = rows && cells && names && map;
    tc_status status = got ? TC_OK : tc_fail(TC_ERR_MEMORY, "no memory for %d rows", v->count);
    for (int i = 0; status == TC_OK && i < v->count; i++) {
        status = explain_picture(v, &v->subjects[i], label, map, &rows[i]);
        names[i] = v->subjects[i].name;
        for (int c = 0; c < COLUMNS; c++)
            cells[i * COLUMNS + c] = (grid_cell){&rows[i].pictures[c], rows[i].labels[c]};
    }
    image sheet = {0};
    const char *title =
        "Which pixels the answer hangs on\nblue little, yellow much; purple: hiding it lowers p";
    if (status == TC_OK)
        status = grid_draw(cells, v->count * COLUMNS,
                           &(grid_options){.title = title,
                                           .columns = COLUMNS,
                                           .scale = v->about.net.width <= 48 ? 5 : 0,
                                           .rows = names,
                                           .headers = headers},
                           &sheet);
    for (int i = 0; rows && i < v->count; i++)
        for (int c = 0; c < COLUMNS; c++) image_free(&rows[i].pictures[c]);
    free(rows);
    free(cells);
    free(names);
    free(map);
    return status == TC_OK ? keep(v, &sheet, "attribution.png") : status;
}

/* ---- The command -------------------------------------------------------------------------------------- */

static tc_status make_out(visit *v) {
    int length = v->s->out ? snprintf(v->out, sizeof v->out, "%s", v->s->out)
                           : snprintf(v->out, sizeof v->out, "visualize-%s", v->about.model);
    if (length >= (int)sizeof v->out) return tc_fail(TC_ERR_ARGUMENT, "--out: this path is too long");
    return folder_make(v->out);
}

static tc_status visualize(visit *v) {
    image sheet;
    TC_TRY(saved_net_open(v->s->checkpoint, &v->about, &v->model));
    TC_TRY(take_all(v));
    TC_TRY(filters_draw(v->model, 256, &sheet));
    tc_status status = make_out(v);
    if (status == TC_OK)
        status = keep(v, &sheet, "filters.png");
    else
        image_free(&sheet);
    if (status != TC_OK || v->count == 0) return status;
    TC_TRY(draw_attribution(v));
    return draw_layers(v);
}

static int run_visualize(int argc, char **argv) {
    visualize_settings s = {0};
    parse_result parsed = options_parse(&command_visualize, argc, argv, &s, NULL);
    if (parsed != PARSE_OK) return parsed == PARSE_HELP ? EXIT_GOOD : EXIT_USAGE;
    if (!s.checkpoint) return report(EXIT_USAGE, "visualize", "--checkpoint FILE is needed");
    visit v = {.s = &s};
    tc_status status = visualize(&v);
    for (int i = 0; i < v.count; i++) {
        image_free(&v.subjects[i].shown);
        free(v.subjects[i].x);
    }
    free(v.subjects);
    tc_model_free(v.model);
    described_free(&v.about);
    if (status != TC_OK) return report_failure("visualize");
    if (v.count == 0)
        printf("Name PNG files, or --data and --index, to see what its layers answer to pictures.\n");
    return EXIT_GOOD;
}
