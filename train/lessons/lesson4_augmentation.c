/* Lesson 4: data augmentation - more pictures out of the ones there are.
 *
 * A cat mirrored is a cat, a cat moved by two pixels is a cat. A net does not know that unless it is told, and the way to
 * tell it is to show it: each time a picture comes up it is changed a little, at random, in a way that does not change
 * what it shows. The net never sees the same picture twice and can learn none by heart. Which changes are harmless is
 * knowledge about the task: a mirrored 3 is no 3.
 *
 * Run it, read it from top to bottom, change a number and run it again. Pictures land in the folder that it names. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "classroom.h"
#include "grid.h"

/* ---- 1. What the transforms do ------------------------------------------------------------------------------- */

enum { STRENGTHS = 4, SAMPLES = 2, COLUMNS = 1 + STRENGTHS * SAMPLES };

/* A transform at four strengths. */
typedef struct row {
    const char *name;
    tc_transform strengths[STRENGTHS];
    float numbers[STRENGTHS];
} row;

static int make_rows(row rows[16]) {
    int n = 0;
    rows[n++] = (row){
        "crop, pixels",
        {tc_random_crop(2, true), tc_random_crop(4, true), tc_random_crop(8, true), tc_random_crop(8, false)},
        {2, 4, 8, 8}};
    rows[n++] = (row){"flip, chance",
                      {tc_random_horizontal_flip(0), tc_random_horizontal_flip(0.5f),
                       tc_random_horizontal_flip(0.5f), tc_random_horizontal_flip(1)},
                      {0, 0.5f, 0.5f, 1}};
    rows[n++] =
        (row){"cutout, pixels", {tc_cutout(4), tc_cutout(8), tc_cutout(12), tc_cutout(16)}, {4, 8, 12, 16}};
    rows[n++] = (row){
        "erasing, chance",
        {tc_random_erasing(0.25f), tc_random_erasing(0.5f), tc_random_erasing(0.75f), tc_random_erasing(1)},
        {0.25f, 0.5f, 0.75f, 1}};
    rows[n++] =
        (row){"rotation, degrees",
              {tc_random_rotation(5), tc_random_rotation(15), tc_random_rotation(30), tc_random_rotation(90)},
              {5, 15, 30, 90}};
    for (int part = 0; part < 4; part++) {
        static const char *const names[] = {"brightness", "contrast", "saturation", "hue, of a circle"};
        static const float numbers[] = {0.1f, 0.25f, 0.5f, 1};
        row r = {.name = names[part]};
        for (int s = 0; s < STRENGTHS; s++) {
            float by[4] = {0};
            by[part] = r.numbers[s] = part == 3 ? numbers[s] / 2 : numbers[s];
            r.strengths[s] = tc_color_jitter(by[0], by[1], by[2], by[3]);
        }
        rows[n++] = r;
    }
    return n;
}

/* The picture `index` as a loader would hand it out in epoch `epoch`: the transform is given its own random numbers. */
static tc_status transformed(const classroom *room, const tc_transform *t, int64_t index, int64_t epoch,
                             image *out) {
    const tc_dataset *d = room->data;
    size_t values = (size_t)(d->height * d->width * d->channels);
    const uint8_t *from = d->train.pixels + (size_t)index * values;
    float *picture = malloc(2 * values * sizeof *picture);
    uint8_t *bytes = malloc(values);
    tc_status status = picture && bytes ? TC_OK : tc_fail(TC_ERR_MEMORY, "no memory for a picture");
    if (status == TC_OK) {
        tc_sample sample = {.seed = room->seed, .epoch = epoch, .index = index};
        sample.rng = tc_rng_create(room->seed, tc_rng_stream((uint64_t)epoch, (uint64_t)index, 4));
        for (size_t i = 0; i < values; i++) picture[i] = (float)from[i] / 255;
        if (t) t->apply(t, picture, picture + values, d->height, d->width, d->channels, &sample);
        for (size_t i = 0; i < values; i++) bytes[i] = (uint8_t)lrintf(255 * fminf(fmaxf(picture[i], 0), 1));
        status = image_of_bytes(bytes, d->height, d->width, d->channels, out);
    }
    free(picture);
    free(bytes);
    return status;
}

static tc_status contact_sheet(classroom *room) {
    row rows[16];
    int count = make_rows(rows);
    image pictures[16 * COLUMNS] = {{0}}, sheet = {0};
    grid_cell cells[16 * COLUMNS];
    char labels[16 * COLUMNS][24];
    const char *names[16];
    printf("1. What the transforms do\n\n");
    tc_status status = TC_OK;
    for (int i = 0; status == TC_OK && i < count * COLUMNS; i++) {
        int r = i / COLUMNS, c = i % COLUMNS, s = (c - 1) / SAMPLES;
        const tc_transform *t = c == 0 ? NULL : &rows[r].strengths[s];
        status = transformed(room, t, r, c, &pictures[i]);
        labels[i][0] = '\0';
        if (c == 0) snprintf(labels[i], sizeof labels[i], "as it is");
        if (c > 0) snprintf(labels[i], sizeof labels[i], "%g", (double)rows[r].numbers[s]);
        cells[i] = (grid_cell){&pictures[i], labels[i]};
        names[r] = rows[r].name;
    }
    if (status == TC_OK)
        status = grid_draw(cells, count * COLUMNS,
                           &(grid_options){.title = "Each transform at four strengths, two draws of each",
                                           .columns = COLUMNS,
                                           .scale = 2,
                                           .rows = names},
                           &sheet);
    if (status == TC_OK) status = classroom_picture(room, &sheet, "transforms.png");
    for (int i = 0; i < 16 * COLUMNS; i++) image_free(&pictures[i]);
    image_free(&sheet);
    return status;
}

/* Mixup and cutmix mix two pictures of a batch and their labels: half a cat and half a dog is to be called just that.
 * The loader does it, so a loader is asked. */
static tc_status mixed_sheet(classroom *room) {
    enum { KINDS = 2, SHOWN = 8 };
    static const char *const rows[] = {"mixup", "cutmix"};
    const tc_dataset *d = room->data;
    image pictures[KINDS * SHOWN] = {{0}}, sheet = {0};
    grid_cell cells[KINDS * SHOWN] = {{0}};
    char labels[KINDS * SHOWN][64];
    tc_status status = TC_OK;
    for (int kind = 0; status == TC_OK && kind < KINDS; kind++) {
        tc_loader *loader;
        tc_loader_options options = {.batch_size = SHOWN,
                                     .shuffle = true,
                                     .seed = room->seed,
                                     .mixup = kind == 0 ? 1 : 0,
                                     .cutmix = kind == 1 ? 1 : 0};
        status = tc_loader_create(d, &d->train, &options, &loader);
        if (status != TC_OK) break;
        status = tc_loader_start(loader, 0, 0);
        const tc_batch *batch = status == TC_OK ? tc_loader_next(loader) : NULL;
        for (int i = 0; status == TC_OK && batch && i < SHOWN && i < batch->count; i++) {
            int at = kind * SHOWN + i;
            size_t values = (size_t)(d->height * d->width * d->channels);
            uint8_t *bytes = malloc(values);
            if (!bytes) status = tc_fail(TC_ERR_MEMORY, "no memory for a picture");
            for (size_t k = 0; bytes && k < values; k++)
                bytes[k] = (uint8_t)lrintf(255 * fminf(fmaxf(batch->x[(size_t)i * values + k], 0), 1));
            if (bytes) status = image_of_bytes(bytes, d->height, d->width, d->channels, &pictures[at]);
            free(bytes);
            snprintf(labels[at], sizeof labels[at], "%.0f%% %.8s", 100 * (1 - (double)batch->mixed_shares[i]),
                     d->class_names[batch->labels[i]]);
            cells[at] = (grid_cell){&pictures[at], labels[at]};
        }
        tc_loader_free(loader);
    }
    if (status == TC_OK)
        status = grid_draw(
            cells, KINDS * SHOWN,
            &(grid_options){
                .title = "Two pictures in one, and two labels", .columns = SHOWN, .scale = 3, .rows = rows},
            &sheet);
    if (status == TC_OK) status = classroom_picture(room, &sheet, "mixed.png");
    for (int i = 0; i < KINDS * SHOWN; i++) image_free(&pictures[i]);
    image_free(&sheet);
    return status;
}

/* ---- 2. Trained with and without ----------------------------------------------------------------------------- */

static tc_module *net(const tc_dataset *d) {
    return tc_sequential(tc_nn_conv2d(d->channels, 32, 3, .padding = 1, .no_bias = true),
                         tc_nn_batchnorm2d(32), tc_nn_relu(), tc_nn_maxpool2d(2),
                         tc_nn_conv2d(32, 64, 3, .padding = 1, .no_bias = true), tc_nn_batchnorm2d(64),
                         tc_nn_relu(), tc_nn_maxpool2d(2), tc_nn_flatten(),
                         tc_nn_linear(64 * (d->height / 4) * (d->width / 4), 128), tc_nn_relu(),
                         tc_nn_linear(128, d->classes));
}

enum { PLAIN, AUGMENTED, NETS };
static const char *const net_names[NETS] = {"without", "with augmentation"};

typedef struct outcome {
    double train, test; /* accuracy */
    double worse[TC_CORRUPTIONS][8];
} outcome;

/* What is tried: severities in units of the corruption's own. */
typedef struct trial {
    tc_corruption kind;
    int count, directions;
    double severity[8];
} trial;
static const trial trials[TC_CORRUPTIONS] = {
    {TC_CORRUPT_SHIFT, 5, 8, {0, 1, 2, 4, 6}},         {TC_CORRUPT_ROTATION, 5, 2, {0, 5, 10, 20, 30}},
    {TC_CORRUPT_BRIGHTNESS, 4, 2, {0, 0.1, 0.2, 0.3}}, {TC_CORRUPT_CONTRAST, 4, 1, {0, 0.3, 0.5, 0.7}},
    {TC_CORRUPT_NOISE, 4, 1, {0, 0.03, 0.06, 0.12}},   {TC_CORRUPT_BLUR, 4, 1, {0, 0.5, 1, 1.5}},
};

/* Both see the same number of pictures, from the same few thousand, which is where augmentation matters. */
static tc_status train_both(classroom *room, tc_model *models[NETS], outcome *all) {
    const tc_dataset *d = room->data;
    int64_t pictures = room->is_shapes ? 2000 : 10000;
    tc_transform augmentation[] = {tc_color_jitter(0.3f, 0.3f, 0.3f, 0), tc_random_crop(4, true),
                                   tc_random_horizontal_flip(0.5f), tc_random_rotation(10)};
    classroom_training how[NETS] = {
        {.epochs = room->is_shapes ? 40 : 20, .weight_decay = 5e-4, .pictures = pictures}};
    how[AUGMENTED] = how[PLAIN];
    how[AUGMENTED].transforms = augmentation;
    how[AUGMENTED].transform_count = sizeof augmentation / sizeof augmentation[0];
    printf("\n2. The same net, trained on %lld pictures of %s without augmentation and with it\n\n",
           (long long)pictures, d->name);
    printf("  %-20s %22s %22s\n", "", "right on those", "right on test pictures");
    for (int n = 0; n < NETS; n++) {
        fflush(stdout);
        TC_TRY(classroom_train(room, net_names[n], net(d), &how[n], &models[n], NULL));
        TC_TRY(
            classroom_accuracy(room, models[n], d->train.pixels, d->train.labels, pictures, &all[n].train));
        TC_TRY(
            classroom_accuracy(room, models[n], d->test.pixels, d->test.labels, d->test.count, &all[n].test));
        printf("  %-20s %21.2f%% %21.2f%%   apart by %.1f points\n", net_names[n], 100 * all[n].train,
               100 * all[n].test, 100 * (all[n].train - all[n].test));
    }
    return TC_OK;
}

/* ---- 3. Pictures that are worse than any it has seen ----------------------------------------------------------- */

static void print_trial(const trial *t, const outcome *all) {
    printf("\n  %-20s", tc_corruption_name(t->kind));
    for (int i = 0; i < t->count; i++) printf("%9g", t->severity[i]);
    printf("   %s\n", tc_corruption_unit(t->kind));
    for (int n = 0; n < NETS; n++) {
        printf("  %-20s", net_names[n]);
        for (int i = 0; i < t->count; i++) printf("%8.2f%%", 100 * all[n].worse[t->kind][i]);
        printf("\n");
    }
}

/* Where augmentation helped at the worst severity, and where it did not: by the numbers of this run. */
static void print_verdict(const outcome *all) {
    char better[160] = "", not_better[160] = "";
    for (int k = 0; k < TC_CORRUPTIONS; k++) {
        int last = trials[k].count - 1;
        bool helped = all[AUGMENTED].worse[k][last] > all[PLAIN].worse[k][last];
        char *list = helped ? better : not_better;
        size_t used = strlen(list);
        snprintf(list + used, sizeof better - used, "%s%s", used ? ", " : "",
                 tc_corruption_name(trials[k].kind));
    }
    printf("\n  At the worst severity augmentation helped against: %s; not against: %s.\n"
           "  A net bears what it was shown. What it was not shown it may bear better or worse.\n",
           *better ? better : "nothing", *not_better ? not_better : "nothing");
}

static tc_status write_page(classroom *room, const outcome *all) {
    page p;
    TC_TRY(page_begin(&p, "With and without augmentation", 0));
    page_paragraph(
        &p,
        "The same net, trained on the same few pictures of %s; accuracy on the test pictures made worse. "
        "Shifts are means over eight directions, rotation and brightness over two.",
        room->data->name);
    fputs("<div class=\"charts\">", p.html);
    for (int k = 0; k < TC_CORRUPTIONS; k++) {
        char label[64];
        chart_series series[NETS];
        snprintf(label, sizeof label, "%s (%s)", tc_corruption_name(trials[k].kind),
                 tc_corruption_unit(trials[k].kind));
        for (int n = 0; n < NETS; n++)
            series[n] = (chart_series){net_names[n], trials[k].severity, all[n].worse[k], trials[k].count};
        chart_write(p.html, &(chart){.title = tc_corruption_name(trials[k].kind),
                                     .x_label = label,
                                     .y_label = "share of right answers",
                                     .series = series,
                                     .count = NETS,
                                     .percent = true,
                                     .y_from_zero = true});
    }
    fputs("</div>\n", p.html);
    return classroom_page(room, &p, "robustness.html");
}

static tc_status make_worse(classroom *room, tc_model *models[NETS], outcome *all) {
    printf("\n3. Accuracy on pictures that are worse than any they have seen\n");
    for (int k = 0; k < TC_CORRUPTIONS; k++) {
        for (int n = 0; n < NETS; n++)
            TC_TRY(classroom_robustness(room, models[n], trials[k].kind, trials[k].severity, trials[k].count,
                                        trials[k].directions, all[n].worse[k]));
        print_trial(&trials[k], all);
        fflush(stdout);
    }
    print_verdict(all);
    return write_page(room, all);
}

int main(int argc, char **argv) {
    classroom room;
    int code =
        classroom_open(argc, argv, "lesson4_augmentation",
                       "what each transform does to a picture, and what it does for a net; measured", &room);
    if (code >= 0) return code;
    tc_model *models[NETS] = {NULL};
    outcome all[NETS] = {{0, 0, {{0}}}};
    tc_status status = contact_sheet(&room);
    if (status == TC_OK) status = mixed_sheet(&room);
    if (status == TC_OK) status = train_both(&room, models, all);
    if (status == TC_OK) status = make_worse(&room, models, all);
    for (int n = 0; n < NETS; n++) tc_model_free(models[n]);
    return classroom_close(&room, status);
}
