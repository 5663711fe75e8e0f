/* Lesson 1: convolution and filters - a small pattern, laid over every place of a picture.
 *
 * A filter is a few numbers in a square. Lay it over a place of the picture, multiply each number with the pixel under
 * it, add up: a large sum says that this place looks like the filter. Do so at every place, and the sums are a picture
 * themselves, of where the pattern is. That is all that a convolution does. People made such filters by hand for
 * decades, to find edges, to blur, to sharpen; a convolutional net finds its own.
 *
 * Run it, read it from top to bottom, change a number and run it again. Pictures land in the folder that it names. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "classroom.h"
#include "filters.h"

/* ---- 1. By hand ---------------------------------------------------------------------------------------------- */

static void print_numbers(const char *title, const float *values, int height, int width) {
    printf("%s\n", title);
    for (int h = 0; h < height; h++) {
        for (int w = 0; w < width; w++) printf("%5g", (double)values[h * width + w]);
        printf("\n");
    }
}

/* A dark left half (0) beside a bright right half (9), and a filter that asks "is it brighter on the right?":
 *
 *     0 0 0 9 9 9                       at the left all pixels are 0, so is the sum;
 *     0 0 0 9 9 9       -1 0 1          over the border the right column sees 9 + 18 + 9 = 36;
 *     0 0 0 9 9 9   *   -2 0 2    =     further right -9 - 18 - 9 + 9 + 18 + 9 = 0 again.
 *     0 0 0 9 9 9       -1 0 1
 *     0 0 0 9 9 9                       Only the edge answers.
 */
static tc_status by_hand(tc_tape *tape) {
    printf("1. One filter, by hand\n\n");
    float picture[5 * 6];
    for (int i = 0; i < 5 * 6; i++) picture[i] = i % 6 < 3 ? 0 : 9;
    float sobel[9] = {-1, 0, 1, -2, 0, 2, -1, 0, 1};
    tc_tensor *x = tc_input(tape, 4, (int64_t[]){1, 1, 5, 6}, picture);
    tc_tensor *weight = tc_input(tape, 4, (int64_t[]){1, 1, 3, 3}, sobel);
    tc_tensor *y = tc_conv2d(tape, x, weight, NULL, NULL);
    TC_TRY(tc_tape_status(tape));
    print_numbers("picture (5 x 6):", picture, 5, 6);
    print_numbers("filter (3 x 3), Sobel's for vertical edges:", sobel, 3, 3);
    print_numbers("answer (3 x 4):", y->data, (int)y->shape[2], (int)y->shape[3]);
    return TC_OK;
}

/* ---- 2. Filters that people made ----------------------------------------------------------------------------- */

typedef struct filter {
    const char *name;
    float numbers[9];
    bool answers; /* the result has both signs: an answer, not a picture */
} filter;

static const filter handmade[] = {
    /* Sobel and Feldman 1968: the difference of two sides, the middle counted twice. */
    {"Sobel x", {-1, 0, 1, -2, 0, 2, -1, 0, 1}, true},
    {"Sobel y", {-1, -2, -1, 0, 0, 0, 1, 2, 1}, true},
    /* How much a pixel differs from its neighbours; it knows no direction. */
    {"Laplacian", {0, 1, 0, 1, -4, 1, 0, 1, 0}, true},
    /* A weighted mean of the neighbourhood: its numbers add up to 1, so brightness stays. */
    {"blur",
     {1 / 16.f, 2 / 16.f, 1 / 16.f, 2 / 16.f, 4 / 16.f, 2 / 16.f, 1 / 16.f, 2 / 16.f, 1 / 16.f},
     false},
    /* The picture less its Laplacian: what differs, differs more. */
    {"sharpen", {0, -1, 0, -1, 5, -1, 0, -1, 0}, false},
    /* Light from the upper left. */
    {"emboss", {-2, -1, 0, -1, 1, 1, 0, 1, 2}, false},
};
enum { HANDMADE = sizeof handmade / sizeof handmade[0] };

/* All six at once: six output channels of one convolution over one grey channel. PyTorch's order of a weight is
 * (output channels, input channels, height, width). */
static tc_tensor *handmade_weight(tc_tape *tape) {
    float numbers[HANDMADE * 9];
    for (int f = 0; f < HANDMADE; f++)
        memcpy(numbers + 9 * f, handmade[f].numbers, sizeof handmade[f].numbers);
    return tc_input_nchw(tape, 4, (int64_t[]){HANDMADE, 1, 3, 3}, numbers);
}

/* A picture of the data set in grey, values 0 to 1. */
static tc_tensor *grey_picture(const classroom *room, tc_tape *tape, int64_t index) {
    const tc_dataset *d = room->data;
    tc_tensor *x = tc_tensor_new(tc_tape_arena(tape), 1, 1, d->height, d->width);
    const uint8_t *pixels = d->test.pixels + (size_t)index * (size_t)(d->height * d->width * d->channels);
    for (int i = 0; x && i < d->height * d->width; i++) {
        float sum = 0;
        for (int c = 0; c < d->channels; c++) sum += (float)pixels[i * d->channels + c];
        x->data[i] = sum / 255 / (float)d->channels;
    }
    return x;
}

static tc_status answer_image(const tc_tensor *y, int f, image *out) {
    int height = (int)y->shape[2], width = (int)y->shape[3];
    if (!handmade[f].answers)
        return image_of_values(y->data + f, HANDMADE, height, width, 0, 1, SCALE_GREY, out);
    double most = 1e-9;
    for (int i = 0; i < height * width; i++) most = fmax(most, fabs((double)y->data[i * HANDMADE + f]));
    return image_of_values(y->data + f, HANDMADE, height, width, -most, most, SCALE_DIVERGING, out);
}

/* How strong the edge is, whatever its direction: sqrt(Sobel x ^ 2 + Sobel y ^ 2). */
static tc_status edge_image(const tc_tensor *y, image *out) {
    float strength[4096];
    int pixels = (int)(y->shape[2] * y->shape[3]);
    double most = 1e-9;
    if (pixels > 4096)
        return tc_fail(TC_ERR_ARGUMENT, "a picture of %d pixels, expected at most 4096", pixels);
    for (int i = 0; i < pixels; i++) {
        strength[i] = hypotf(y->data[i * HANDMADE], y->data[i * HANDMADE + 1]);
        most = fmax(most, (double)strength[i]);
    }
    return image_of_values(strength, 1, (int)y->shape[2], (int)y->shape[3], 0, most, SCALE_GREY, out);
}

enum { PICTURES = 4, COLUMNS = HANDMADE + 2 };

static tc_status handmade_row(classroom *room, tc_tape *tape, int64_t index, image *row) {
    tc_tape_reset(tape, 0);
    tc_tensor *x = grey_picture(room, tape, index);
    tc_tensor *y = tc_conv2d(tape, x, handmade_weight(tape), NULL, NULL);
    TC_TRY(tc_tape_status(tape));
    TC_TRY(image_of_values(x->data, 1, (int)x->shape[2], (int)x->shape[3], 0, 1, SCALE_GREY, &row[0]));
    for (int f = 0; f < HANDMADE; f++) TC_TRY(answer_image(y, f, &row[1 + f]));
    return edge_image(y, &row[COLUMNS - 1]);
}

static tc_status made_by_people(classroom *room, tc_tape *tape) {
    static const char *headers[COLUMNS] = {"picture", "", "", "", "", "", "", "edges"};
    image pictures[PICTURES * COLUMNS] = {{0}}, sheet = {0};
    grid_cell cells[PICTURES * COLUMNS];
    printf("\n2. Six filters that people made, on pictures of %s\n\n", room->data->name);
    for (int f = 0; f < HANDMADE; f++) {
        double sum = 0;
        for (int i = 0; i < 9; i++) sum += (double)handmade[f].numbers[i];
        headers[1 + f] = handmade[f].name;
        printf("  %-10s numbers add up to %g: %s\n", handmade[f].name, fabs(sum) < 1e-6 ? 0 : sum,
               fabs(sum) < 1e-6 ? "an even surface gives 0, whatever its brightness"
                                : "an even surface stays as it is");
    }
    tc_status status = TC_OK;
    for (int p = 0; status == TC_OK && p < PICTURES; p++)
        status = handmade_row(room, tape, p, pictures + p * COLUMNS);
    for (int i = 0; i < PICTURES * COLUMNS; i++) cells[i] = (grid_cell){&pictures[i], NULL};
    if (status == TC_OK)
        status = grid_draw(cells, PICTURES * COLUMNS,
                           &(grid_options){.title = "Filters made by hand: orange below 0, purple above",
                                           .columns = COLUMNS,
                                           .headers = headers},
                           &sheet);
    if (status == TC_OK) status = classroom_picture(room, &sheet, "handmade.png");
    for (int i = 0; i < PICTURES * COLUMNS; i++) image_free(&pictures[i]);
    image_free(&sheet);
    return status;
}

/* ---- 3. Padding and stride ------------------------------------------------------------------------------------ */

/* The filter has to fit: a side of L pixels has L - K + 1 places for a filter of K. Padding P adds pixels of 0 on each
 * side; stride S looks at every S-th place only:
 *
 *     floor((L + 2 P - D (K - 1) - 1) / S) + 1                      (D: dilation, the distance of the filter's taps) */
static tc_status print_size(tc_tape *tape, tc_tensor *x, const char *what, int kernel, int padding,
                            int stride, int dilation) {
    tc_window window = {.kernel = kernel, .stride = stride, .padding = padding, .dilation = dilation};
    char text[TC_WINDOW_TEXT];
    tc_tensor *weight = tc_tensor_new(tc_tape_arena(tape), 1, 1, kernel, kernel);
    tc_tensor *y =
        tc_conv2d(tape, x, weight, NULL,
                  &(tc_conv2d_options){.padding = padding, .stride = stride, .dilation = dilation});
    TC_TRY(tc_tape_status(tape));
    printf("  %-34s %s\n", what, tc_window_text(&window, x->shape[2], text));
    if (y->shape[2] == tc_window_out(&window, x->shape[2])) return TC_OK;
    return tc_fail(TC_ERR_SHAPE, "the layer disagrees with the formula");
}

/* Padding makes an edge where the picture ends, between its pixels and the zeros: the dark rim of the blur. */
static tc_status padding_and_stride(classroom *room, tc_tape *tape) {
    static const struct {
        const char *label;
        int padding, stride;
    } ways[] = {
        {"no padding", 0, 1}, {"padding 1", 1, 1}, {"padding 8", 8, 1}, {"padding 1, stride 2", 1, 2}};
    image pictures[4] = {{0}}, sheet = {0};
    grid_cell cells[4];
    char labels[4][64];
    printf("\n3. What padding and stride do to the size\n\n");
    tc_tape_reset(tape, 0);
    tc_tensor *x = grey_picture(room, tape, 0);
    if (!x) return TC_ERR_MEMORY;
    TC_TRY(print_size(tape, x, "filter 3, no padding", 3, 0, 1, 1));
    TC_TRY(print_size(tape, x, "filter 3, padding 1", 3, 1, 1, 1));
    TC_TRY(print_size(tape, x, "filter 5, padding 2", 5, 2, 1, 1));
    TC_TRY(print_size(tape, x, "filter 3, padding 1, stride 2", 3, 1, 2, 1));
    TC_TRY(print_size(tape, x, "filter 3, padding 2, dilation 2", 3, 2, 1, 2));
    tc_status status = TC_OK;
    for (int i = 0; status == TC_OK && i < 4; i++) {
        tc_tensor *y = tc_conv2d(tape, x, handmade_weight(tape), NULL,
                                 &(tc_conv2d_options){.padding = ways[i].padding, .stride = ways[i].stride});
        status = tc_tape_status(tape);
        if (status == TC_OK) status = answer_image(y, 3, &pictures[i]);
        if (status == TC_OK)
            snprintf(labels[i], sizeof labels[i], "%s: %d x %d", ways[i].label, (int)y->shape[2],
                     (int)y->shape[3]);
        cells[i] = (grid_cell){&pictures[i], labels[i]};
    }
    if (status == TC_OK)
        status = grid_draw(
            cells, 4,
            &(grid_options){.title = "The blur with different padding and stride", .columns = 4, .scale = 4},
            &sheet);
    if (status == TC_OK) status = classroom_picture(room, &sheet, "padding.png");
    for (int i = 0; i < 4; i++) image_free(&pictures[i]);
    image_free(&sheet);
    return status;
}

/* ---- 4. Filters that a net found ------------------------------------------------------------------------------ */

enum { FILTERS = 32 };

/* A first layer of 32 filters, and just enough behind it to ask them useful questions. */
static tc_module *small_net(const tc_dataset *d) {
    return tc_sequential(tc_nn_conv2d(d->channels, FILTERS, 3, .padding = 1), tc_nn_relu(),
                         tc_nn_maxpool2d(2), tc_nn_conv2d(FILTERS, 64, 3, .padding = 1), tc_nn_relu(),
                         tc_nn_maxpool2d(2), tc_nn_flatten(),
                         tc_nn_linear(64 * (d->height / 4) * (d->width / 4), d->classes));
}

/* How alike two filters are, whatever their strength: the cosine of the angle between them, with their means taken away
 * (so that brightness does not count). 1: the same; -1: the opposite; 0: nothing in common. */
static double cosine(const double *a, const double *b) {
    double mean_a = 0, mean_b = 0, ab = 0, aa = 0, bb = 0;
    for (int i = 0; i < 9; i++) mean_a += a[i] / 9, mean_b += b[i] / 9;
    for (int i = 0; i < 9; i++) {
        ab += (a[i] - mean_a) * (b[i] - mean_b);
        aa += (a[i] - mean_a) * (a[i] - mean_a);
        bb += (b[i] - mean_b) * (b[i] - mean_b);
    }
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
}

/* A learned filter in grey: its channels added up. In memory channels lie side by side. */
static void grey_filter(const tc_tensor *weight, int f, double out[9]) {
    int64_t channels = weight->shape[1];
    for (int i = 0; i < 9; i++) {
        out[i] = 0;
        for (int64_t c = 0; c < channels; c++) out[i] += (double)weight->data[(f * 9 + i) * channels + c];
    }
}

/* Is that more than chance? So many filters of random numbers are made again and again; how near the nearest of them
 * comes to a filter is what luck can do. Returns what it passes in one of twenty trials only. */
static double luck(const double made[9]) {
    enum { TRIALS = 400, RARE = TRIALS / 20 };
    double top[RARE] = {0}; /* the largest so far, rising */
    tc_rng rng = tc_rng_create(1, 1);
    for (int trial = 0; trial < TRIALS; trial++) {
        double random[9], best = 0;
        for (int f = 0; f < FILTERS; f++) {
            for (int i = 0; i < 9; i++) random[i] = (double)tc_rng_normal(&rng);
            best = fmax(best, fabs(cosine(made, random)));
        }
        if (best <= top[0]) continue;
        int place = 0;
        for (; place + 1 < RARE && top[place + 1] < best; place++) top[place] = top[place + 1];
        top[place] = best;
    }
    return top[0];
}

/* For each handmade filter the learned one that is most like it, or like its opposite. */
static void print_likeness(const tc_tensor *weight, int nearest[HANDMADE]) {
    int beyond = 0;
    printf("  %-10s  the nearest of the %d learned filters (1: the same, -1: the opposite, 0: nothing in "
           "common)\n",
           "", FILTERS);
    for (int h = 0; h < HANDMADE; h++) {
        double made[9], learned[9], best = 0;
        for (int i = 0; i < 9; i++) made[i] = (double)handmade[h].numbers[i];
        for (int f = 0; f < (int)weight->shape[0]; f++) {
            grey_filter(weight, f, learned);
            double alike = cosine(made, learned);
            if (fabs(alike) > fabs(best)) best = alike, nearest[h] = f;
        }
        double chance = luck(made);
        beyond += fabs(best) > chance;
        printf("  %-10s  number %2d, %+.2f   (chance passes %.2f in one of twenty cases)\n", handmade[h].name,
               nearest[h], best, chance);
    }
    printf("\n  %d of the %d are nearer than chance would have it. Look at the pictures as well: filters "
           "that look for\n"
           "  colours are like none of the six, which know no colour.\n",
           beyond, HANDMADE);
}

/* The handmade filters above, below each the learned one that is nearest. */
static tc_status draw_likeness(classroom *room, const tc_tensor *weight, const int nearest[HANDMADE]) {
    image pictures[2 * HANDMADE] = {{0}}, sheet = {0};
    grid_cell cells[2 * HANDMADE];
    char labels[HANDMADE][24];
    const char *rows[] = {"handmade", "learned"};
    tc_status status = TC_OK;
    for (int h = 0; status == TC_OK && h < HANDMADE; h++) {
        float most = 0;
        for (int i = 0; i < 9; i++) most = fmaxf(most, fabsf(handmade[h].numbers[i]));
        status = image_of_values(handmade[h].numbers, 1, 3, 3, (double)-most, (double)most, SCALE_GREY,
                                 &pictures[h]);
        if (status == TC_OK) status = filter_image(weight, nearest[h], &pictures[HANDMADE + h]);
        snprintf(labels[h], sizeof labels[h], "number %d", nearest[h]);
        cells[h] = (grid_cell){&pictures[h], handmade[h].name};
        cells[HANDMADE + h] = (grid_cell){&pictures[HANDMADE + h], labels[h]};
    }
    if (status == TC_OK)
        status = grid_draw(cells, 2 * HANDMADE,
                           &(grid_options){.title = "Handmade filters, and the learned ones nearest to them",
                                           .columns = HANDMADE,
                                           .scale = 28,
                                           .rows = rows},
                           &sheet);
    if (status == TC_OK) status = classroom_picture(room, &sheet, "nearest.png");
    for (int i = 0; i < 2 * HANDMADE; i++) image_free(&pictures[i]);
    image_free(&sheet);
    return status;
}

static tc_status found_by_a_net(classroom *room) {
    tc_model *model = NULL;
    image sheet;
    double accuracy = 0, seconds;
    int nearest[HANDMADE] = {0};
    const tc_dataset *d = room->data;
    printf("\n4. Filters that a net found by itself\n\n");
    fflush(stdout);
    TC_TRY(classroom_train(room, "the net", small_net(d),
                           &(classroom_training){.epochs = 2, .weight_decay = 5e-4}, &model, &seconds));
    tc_status status =
        classroom_accuracy(room, model, d->test.pixels, d->test.labels, d->test.count, &accuracy);
    if (status == TC_OK) {
        const tc_tensor *weight = tc_model_parameter(model, 0)->tensor;
        printf("  trained for %.0f s; right on %.1f%% of the test pictures. Nobody told it about edges:\n\n",
               seconds, 100 * accuracy);
        print_likeness(weight, nearest);
        status = filters_draw(model, 0, &sheet);
    }
    if (status == TC_OK) {
        status = classroom_picture(room, &sheet, "learned.png");
        image_free(&sheet);
    }
    if (status == TC_OK) status = draw_likeness(room, tc_model_parameter(model, 0)->tensor, nearest);
    tc_model_free(model);
    return status;
}

int main(int argc, char **argv) {
    classroom room;
    int code =
        classroom_open(argc, argv, "lesson1_filters",
                       "what a convolution does: filters made by hand, and filters that a net finds", &room);
    if (code >= 0) return code;
    tc_tape *tape = tc_tape_create(&(tc_tape_options){.threads = room.threads});
    tc_status status = tape ? by_hand(tape) : TC_ERR_MEMORY;
    if (status == TC_OK) status = made_by_people(&room, tape);
    if (status == TC_OK) status = padding_and_stride(&room, tape);
    if (status == TC_OK) status = found_by_a_net(&room);
    tc_tape_free(tape);
    return classroom_close(&room, status);
}
