/* Lesson 2: pooling - less to compute, and a net that cares less where exactly a thing is.
 *
 * A convolution answers for every pixel: "how much does this place look like my pattern?" Two questions
 * remain. Neighbouring places give nearly the same answer, so why keep them all? And if the picture moves by
 * a pixel, should the answer of the net change? Pooling deals with both: it lays a grid of windows over the
 * answers and keeps one number a window, the largest (max pooling) or the mean (average pooling).
 *
 * Run it, read it from top to bottom, change a number and run it again. Pictures land in the folder that it names. */
#include <stdio.h>
#include <string.h>

#include "classroom.h"
#include "filters.h"

/* ---- 1. Four numbers in, the largest out -----------------------------------------------------------------
 */

static void print_picture(const char *title, const float *values, int height, int width) {
    printf("%s\n", title);
    for (int h = 0; h < height; h++) {
        for (int w = 0; w < width; w++) printf("%4g", (double)values[h * width + w]);
        printf("\n");
    }
}

/* Windows of 2 x 2 that touch but do not overlap (stride 2) make a 2 x 2 picture out of a 4 x 4 one:
 *
 *     1 3 | 2 4
 *     5 6 | 7 8      the largest of 1 3 5 6 is 6, of 2 4 7 8 is 8,
 *     ----+----
 *     9 2 | 1 3      of 9 2 4 5 is 9, and of 1 3 6 7 is 7.
 *     4 5 | 6 7
 */
static tc_status pool_by_hand(tc_tape *tape) {
    printf("1. Max pooling, windows of 2 x 2\n\n");
    float picture[16] = {1, 3, 2, 4, 5, 6, 7, 8, 9, 2, 1, 3, 4, 5, 6, 7};
    tc_tensor *x = tc_input(tape, 4, (int64_t[]){1, 1, 4, 4}, picture);
    x->requires_grad = true;

    tc_tensor *y = tc_maxpool2d(tape, x, &(tc_pool2d_options){.kernel_size = 2});
    TC_TRY(tc_tape_status(tape));
    print_picture("picture (4 x 4):", x->data, 4, 4);
    print_picture("pooled (2 x 2):", y->data, 2, 2);

    /* Learning runs backwards. Only the winner of a window had a say in the result, so only the winner hears
     * what should have been different: with a gradient of 1 for every pooled number, each winner gets 1. (The
     * loss sum (y - t)^2 has the gradient 2 (y - t), which is 1 where the target t lies half a unit below y.)
     */
    tc_tensor *sum = tc_mse_loss(tape, y, tc_input(tape, 4, y->shape, (float[4]){5.5f, 7.5f, 8.5f, 6.5f}),
                                 TC_REDUCTION_SUM);
    TC_TRY(tc_backward(tape, sum));
    print_picture("gradient of the picture, when each pooled number has gradient 1:", x->grad, 4, 4);
    return TC_OK;
}

/* ---- 2. How large is the result? -------------------------------------------------------------------------
 */

/* One formula serves convolution and pooling. With extent L, kernel K, stride S, padding P on each side and
 * dilation D (the distance of the kernel's taps), the result has
 *
 *     floor((L + 2 P - D (K - 1) - 1) / S) + 1
 *
 * elements: the first window begins at the padded edge, D (K - 1) + 1 pixels wide; every further S pixels of
 * room are good for one more. */
static int output_size(int length, int kernel, int stride, int padding, int dilation) {
    return (length + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1;
}

static void print_size(const char *layer, int length, int kernel, int stride, int padding, int dilation) {
    printf("  %-28s floor((%d + 2*%d - %d*(%d-1) - 1) / %d) + 1 = %d\n", layer, length, padding, dilation,
           kernel, stride, output_size(length, kernel, stride, padding, dilation));
}

static void print_shape(const char *what, const tc_tensor *x) {
    char text[TC_SHAPE_TEXT];
    printf("  %-28s %s\n", what, tc_shape_text(x->ndim, x->shape, text));
}

/* Four colour pictures of 32 x 32 through a convolution with 32 filters, relu and pooling. */
static tc_status sizes(tc_tape *tape) {
    printf("\n2. The size of the result: floor((L + 2P - D(K-1) - 1) / S) + 1\n\n");
    tc_tape_reset(tape, 0);
    tc_arena *arena = tc_tape_arena(tape);
    tc_tensor *x = tc_tensor_new(arena, 4, 3, 32, 32);
    tc_tensor *weight = tc_tensor_new(arena, 32, 3, 3, 3);
    tc_tensor *bias = tc_tensor_new(arena, 32);
    if (!x || !weight || !bias) return TC_ERR_MEMORY;

    tc_tensor *conv = tc_conv2d(tape, x, weight, bias, &(tc_conv2d_options){.padding = 1});
    tc_tensor *relu = tc_relu(tape, conv);
    tc_tensor *pool = tc_maxpool2d(tape, relu, &(tc_pool2d_options){.kernel_size = 2, .stride = 2});
    TC_TRY(tc_tape_status(tape));
    print_shape("batch", x);
    print_shape("conv(3, 32, 3, padding 1)", conv);
    print_shape("relu", relu);
    print_shape("maxpool(2, 2)", pool);
    printf("\n");
    print_size("conv 3, padding 1", 32, 3, 1, 1, 1);
    print_size("pool 2, stride 2", 32, 2, 2, 0, 1);
    print_size("pool 2, stride 2, odd size", 33, 2, 2, 0, 1);
    print_size("pool 3, stride 2, padding 1", 32, 3, 2, 1, 1);
    print_size("conv 3, dilation 2", 32, 3, 1, 0, 2);
    /* The formula is a claim about this library, so hold the library to it. */
    if (pool->shape[2] != output_size(32, 2, 2, 0, 1) || conv->shape[2] != output_size(32, 3, 1, 1, 1))
        return tc_fail(TC_ERR_SHAPE, "the layers disagree with the formula");
    return TC_OK;
}

/* ---- 3. What survives a shift? ---------------------------------------------------------------------------
 */

/* The test pattern is what a filter answers around the place it was made for: strong in the middle, weaker
 * beside it. It is put at every place of a 16 x 16 picture, each picture is pooled, and the pooled pictures
 * of two places are compared:
 *
 *     similarity(a, b) = sum min(a_i, b_i) / sum max(a_i, b_i)
 *
 * is 1 if nothing changed and 0 if nothing stayed where it was. */
enum { SIDE = 16, PATTERN = 3, PLACES = SIDE - PATTERN + 1, FARTHEST = 3 };

static const float pattern[PATTERN][PATTERN] = {{1, 2, 1}, {2, 4, 2}, {1, 2, 1}};

/* All places at once, as a batch: picture y * PLACES + x has the pattern's corner at (y, x). */
static tc_tensor *pattern_everywhere(tc_arena *arena) {
    tc_tensor *pictures = tc_tensor_new(arena, PLACES * PLACES, 1, SIDE, SIDE);
    if (!pictures) return NULL;
    for (int y = 0; y < PLACES; y++)
        for (int x = 0; x < PLACES; x++)
            for (int i = 0; i < PATTERN; i++)
                for (int j = 0; j < PATTERN; j++)
                    *tc_at(pictures, y * PLACES + x, 0, y + i, x + j) = pattern[i][j];
    return pictures;
}

static double similarity(const float *a, const float *b, int64_t count) {
    double smaller = 0, larger = 0;
    for (int64_t i = 0; i < count; i++) {
        smaller += (double)(a[i] < b[i] ? a[i] : b[i]);
        larger += (double)(a[i] < b[i] ? b[i] : a[i]);
    }
    return smaller / larger;
}

/* The mean over the 8 x 8 places in the middle (so that every position within a window is met equally often)
 * and over all shifts by `distance` pixels: straight, aslant, and everything between. */
static double survival(const tc_tensor *pooled, int distance) {
    int64_t size = tc_numel(pooled) / pooled->shape[0];
    double sum = 0;
    int pairs = 0;
    for (int y = FARTHEST; y < PLACES - FARTHEST; y++)
        for (int x = FARTHEST; x < PLACES - FARTHEST; x++)
            for (int dy = -distance; dy <= distance; dy++)
                for (int dx = -distance; dx <= distance; dx++) {
                    if (dy != distance && dy != -distance && dx != distance && dx != -distance) continue;
                    const float *here = pooled->data + (y * PLACES + x) * size;
                    const float *there = pooled->data + ((y + dy) * PLACES + x + dx) * size;
                    sum += similarity(here, there, size);
                    pairs++;
                }
    return sum / pairs;
}

static tc_status shifts(tc_tape *tape) {
    printf("\n3. How much of a feature survives a shift (1: all, 0: nothing)\n\n");
    tc_tape_reset(tape, 0);
    tc_tensor *pictures = pattern_everywhere(tc_tape_arena(tape));
    tc_tensor *pooled[] = {
        pictures,
        tc_maxpool2d(tape, pictures, &(tc_pool2d_options){.kernel_size = 2}),
        tc_avgpool2d(tape, pictures, &(tc_pool2d_options){.kernel_size = 2}),
        tc_maxpool2d(tape, pictures, &(tc_pool2d_options){.kernel_size = 4}),
        tc_global_avgpool2d(tape, pictures),
    };
    TC_TRY(tc_tape_status(tape));
    printf("  shift by   no pooling   max 2x2   average 2x2   max 4x4   global average\n");
    for (int distance = 0; distance <= FARTHEST; distance++)
        printf("  %d pixel%s   %10.3f   %7.3f   %11.3f   %7.3f   %14.3f\n", distance,
               distance == 1 ? " " : "s", survival(pooled[0], distance), survival(pooled[1], distance),
               survival(pooled[2], distance), survival(pooled[3], distance), survival(pooled[4], distance));
    printf("\n  The larger the window, the less the result cares where in it the feature lies. The price is\n"
           "  knowledge: global averaging forgets the place altogether.\n");
    return TC_OK;
}

/* ---- 4. What does it cost? -------------------------------------------------------------------------------
 */

/* The same three convolutions, made smaller in three ways: by pooling, by a convolution that looks at every
 * second place only (stride 2), or not at all. */
static tc_module *with_pooling(void) {
    return tc_sequential(tc_nn_conv2d(3, 32, 3, .padding = 1), tc_nn_relu(), tc_nn_maxpool2d(2),
                         tc_nn_conv2d(32, 64, 3, .padding = 1), tc_nn_relu(), tc_nn_maxpool2d(2),
                         tc_nn_conv2d(64, 128, 3, .padding = 1), tc_nn_relu(), tc_nn_maxpool2d(2),
                         tc_nn_flatten(), tc_nn_linear(128 * 4 * 4, 10));
}

static tc_module *with_stride(void) {
    return tc_sequential(tc_nn_conv2d(3, 32, 3, .padding = 1, .stride = 2), tc_nn_relu(),
                         tc_nn_conv2d(32, 64, 3, .padding = 1, .stride = 2), tc_nn_relu(),
                         tc_nn_conv2d(64, 128, 3, .padding = 1, .stride = 2), tc_nn_relu(), tc_nn_flatten(),
                         tc_nn_linear(128 * 4 * 4, 10));
}

static tc_module *with_neither(void) {
    return tc_sequential(tc_nn_conv2d(3, 32, 3, .padding = 1), tc_nn_relu(),
                         tc_nn_conv2d(32, 64, 3, .padding = 1), tc_nn_relu(),
                         tc_nn_conv2d(64, 128, 3, .padding = 1), tc_nn_relu(), tc_nn_flatten(),
                         tc_nn_linear(128 * 32 * 32, 10));
}

/* Adds up what the summary says of each layer, for one picture of 32 x 32. */
static tc_status print_cost(const char *name, tc_module *net) {
    enum { LAYERS = 16 };
    tc_layer_summary rows[LAYERS];
    tc_model *model;
    int count = 0;
    TC_TRY(tc_model_create(net, 1, &model));
    tc_status status = tc_model_summary(model, (int64_t[]){1, 3, 32, 32}, rows, LAYERS, &count);
    int64_t multiply_adds = 0, bytes = 0, field = 0;
    for (int i = 0; i < count && status == TC_OK; i++) {
        multiply_adds += rows[i].multiply_adds;
        bytes += rows[i].activation_bytes;
        if (rows[i].receptive_field_h > field && strcmp(rows[i].type, "linear") != 0)
            field = rows[i].receptive_field_h;
    }
    if (status == TC_OK)
        printf("  %-10s %13lld %15lld %12lld %13lld x %lld\n", name, (long long)multiply_adds,
               (long long)bytes, (long long)tc_model_parameter_elements(model), (long long)field,
               (long long)field);
    tc_model_free(model);
    return status;
}

static tc_status costs(void) {
    printf("\n4. What a net of three convolutions costs, for one picture\n\n");
    printf("  made smaller by    multiply-adds   bytes kept   parameters   sees pixels\n");
    TC_TRY(print_cost("pooling", with_pooling()));
    TC_TRY(print_cost("stride 2", with_stride()));
    TC_TRY(print_cost("nothing", with_neither()));
    printf(
        "\n  Stride 2 is cheapest because it never computes what pooling throws away; pooling computes\n"
        "  everything and keeps the best. Without either, the last layers work on full pictures, and still\n"
        "  an answer of theirs sees only a small part of the picture.\n");
    return TC_OK;
}

/* ---- 5. What does pooling keep of a picture? ---------------------------------------------------------------- */

/* The experiment's nets: three convolutions again, narrower, made smaller in four ways. All end in a linear layer that
 * sees every place by itself: whatever tolerance of position they have does not come from the head. */
typedef enum way { MAX_POOL, AVERAGE_POOL, STRIDE, NOTHING, WAYS } way;
static const char *const way_names[WAYS] = {"max pooling", "average pooling", "stride 2", "nothing"};

static tc_module *stage(way w, int in, int out) {
    if (w == STRIDE) return tc_sequential(tc_nn_conv2d(in, out, 3, .padding = 1, .stride = 2), tc_nn_relu());
    if (w == NOTHING) return tc_sequential(tc_nn_conv2d(in, out, 3, .padding = 1), tc_nn_relu());
    return tc_sequential(tc_nn_conv2d(in, out, 3, .padding = 1), tc_nn_relu(),
                         w == MAX_POOL ? tc_nn_maxpool2d(2) : tc_nn_avgpool2d(2));
}

static tc_module *net_with(way w, const tc_dataset *d) {
    int smaller = w == NOTHING ? 1 : 8;
    return tc_sequential(stage(w, d->channels, 16), stage(w, 16, 32), stage(w, 32, 64), tc_nn_flatten(),
                         tc_nn_linear(64 * (d->height / smaller) * (d->width / smaller), d->classes));
}

/* Four answers of the first layer to a picture, in full and made smaller; and what the stride-2 net, which computes every
 * second place only, has in their place. */
enum { SHOWN = 4, COLUMNS = 4 };

static tc_status shrink(const classroom *room, tc_model *models[WAYS], tc_tape *tape,
                        tc_tensor *results[COLUMNS]) {
    const tc_dataset *d = room->data;
    const float *mean = d->mean, *deviation = d->deviation;
    tc_tape_eval(tape);
    tc_tape_reset(tape, 0);
    tc_tensor *x = tc_tensor_new(tc_tape_arena(tape), 1, d->channels, d->height, d->width);
    if (!x) return TC_ERR_MEMORY;
    for (int64_t i = 0; i < tc_numel(x); i++) {
        int64_t c = i % d->channels;
        x->data[i] = ((float)d->test.pixels[i] / 255 - mean[c]) / deviation[c];
    }
    tc_tensor *weight = tc_model_parameter(models[MAX_POOL], 0)->tensor;
    tc_tensor *bias = tc_model_parameter(models[MAX_POOL], 1)->tensor;
    tc_conv2d_options plain = {.padding = 1, .activation = TC_ACTIVATION_RELU};
    tc_conv2d_options strided = {.padding = 1, .activation = TC_ACTIVATION_RELU, .stride = 2};
    results[0] = tc_conv2d(tape, x, weight, bias, &plain);
    results[1] = tc_maxpool2d(tape, results[0], &(tc_pool2d_options){.kernel_size = 2});
    results[2] = tc_avgpool2d(tape, results[0], &(tc_pool2d_options){.kernel_size = 2});
    results[3] = tc_conv2d(tape, x, weight, bias, &strided);
    return tc_tape_status(tape);
}

static tc_status draw_shrunk(classroom *room, tc_model *models[WAYS], tc_tape *tape) {
    static const char *const headers[COLUMNS] = {"in full", "max pooling", "average pooling", "stride 2"};
    tc_tensor *results[COLUMNS];
    image pictures[SHOWN * COLUMNS] = {{0}}, sheet = {0};
    grid_cell cells[SHOWN * COLUMNS];
    tc_status status = shrink(room, models, tape, results);
    for (int i = 0; status == TC_OK && i < SHOWN * COLUMNS; i++) {
        const tc_tensor *y = results[i % COLUMNS], *full = results[0];
        int f = i / COLUMNS;
        float high = 1e-6f;
        for (int64_t k = f; k < tc_numel(full); k += full->shape[1])
            if (full->data[k] > high) high = full->data[k];
        image small;
        status = image_of_values(y->data + f, y->shape[1], (int)y->shape[2], (int)y->shape[3], 0,
                                 (double)high, SCALE_SEQUENTIAL, &small);
        int scale = status == TC_OK ? (int)(full->shape[2] / y->shape[2]) : 1;
        if (status == TC_OK)
            status = image_create(small.width * scale, small.height * scale, COLOR_WHITE, &pictures[i]);
        if (status == TC_OK) image_paste(&pictures[i], 0, 0, scale, &small);
        image_free(&small);
        cells[i] = (grid_cell){&pictures[i], NULL};
    }
    if (status == TC_OK)
        status = grid_draw(cells, SHOWN * COLUMNS,
                           &(grid_options){.title = "Four answers of a first layer, and what is kept of them",
                                           .columns = COLUMNS,
                                           .scale = 4,
                                           .headers = headers},
                           &sheet);
    if (status == TC_OK) status = classroom_picture(room, &sheet, "kept.png");
    for (int i = 0; i < SHOWN * COLUMNS; i++) image_free(&pictures[i]);
    image_free(&sheet);
    return status;
}

/* ---- 6. Is it true of whole nets? ----------------------------------------------------------------------------- */

/* The claim was: with pooling a net cares less where a thing is. So train the four nets alike, without augmentation
 * (which would teach all of them to bear shifts), and shift the test pictures. */
static const double pixels[] = {0, 1, 2, 3, 4, 6};
enum { SHIFTS = sizeof pixels / sizeof pixels[0] };

typedef struct outcome {
    double accuracy[SHIFTS]; /* means over eight directions */
    double seconds, multiply_adds;
    int64_t parameters;
} outcome;

static tc_status count_cost(const classroom *room, tc_model *model, outcome *o) {
    enum { LAYERS = 32 };
    tc_layer_summary rows[LAYERS];
    int count;
    const tc_dataset *d = room->data;
    TC_TRY(tc_model_summary(model, (int64_t[]){1, d->channels, d->height, d->width}, rows, LAYERS, &count));
    for (int i = 0; i < count; i++) o->multiply_adds += (double)rows[i].multiply_adds;
    o->parameters = tc_model_parameter_elements(model);
    return TC_OK;
}

static void print_outcomes(const outcome *all) {
    printf("\n  %-16s %9s %10s %9s   accuracy at a shift of\n  %-16s %9s %10s %9s", "made smaller by",
           "million", "", "training", "", "mult-adds", "parameters", "seconds");
    for (int s = 0; s < SHIFTS; s++) printf("%7g px", pixels[s]);
    printf("\n");
    for (int w = 0; w < WAYS; w++) {
        printf("  %-16s %9.2f %10lld %9.1f", way_names[w], all[w].multiply_adds / 1e6,
               (long long)all[w].parameters, all[w].seconds);
        for (int s = 0; s < SHIFTS; s++) printf("%9.2f%%", 100 * all[w].accuracy[s]);
        printf("\n");
    }
    printf("\n  kept of the accuracy without a shift:\n");
    for (int w = 0; w < WAYS; w++) {
        printf("  %-16s %9s %10s %9s", way_names[w], "", "", "");
        for (int s = 0; s < SHIFTS; s++) printf("%9.1f%%", 100 * all[w].accuracy[s] / all[w].accuracy[0]);
        printf("\n");
    }
}

/* Which net bears a shift of 2 pixels best and worst: said by the numbers, not beforehand. */
static void print_verdict(const outcome *all) {
    enum { TWO = 2 };
    int best = 0, worst = 0;
    for (int w = 1; w < WAYS; w++) {
        double kept = all[w].accuracy[TWO] / all[w].accuracy[0];
        if (kept > all[best].accuracy[TWO] / all[best].accuracy[0]) best = w;
        if (kept < all[worst].accuracy[TWO] / all[worst].accuracy[0]) worst = w;
    }
    printf("\n  In this run the net with %s bears a shift of 2 pixels best (it keeps %.1f%% of its "
           "accuracy), the one\n"
           "  with %s worst (%.1f%%). Other seeds (--seed) move such figures by a point or so: believe only "
           "what\n"
           "  stays. Pooling is one reason among several: the training pictures, too, show things at many "
           "places.\n",
           way_names[best], 100 * all[best].accuracy[TWO] / all[best].accuracy[0], way_names[worst],
           100 * all[worst].accuracy[TWO] / all[worst].accuracy[0]);
}

static tc_status write_outcomes(classroom *room, const outcome *all) {
    page p;
    chart_series accuracy[WAYS], kept[WAYS];
    double shares[WAYS][SHIFTS];
    for (int w = 0; w < WAYS; w++) {
        for (int s = 0; s < SHIFTS; s++) shares[w][s] = all[w].accuracy[s] / all[w].accuracy[0];
        accuracy[w] = (chart_series){way_names[w], pixels, all[w].accuracy, SHIFTS};
        kept[w] = (chart_series){way_names[w], pixels, shares[w], SHIFTS};
    }
    chart chart_accuracy = {.title = "Accuracy against shift",
                            .x_label = "shift (pixels)",
                            .y_label = "share of right answers",
                            .series = accuracy,
                            .count = WAYS,
                            .percent = true};
    chart chart_kept = {.title = "What is kept of it",
                        .x_label = "shift (pixels)",
                        .y_label = "share of the accuracy at 0",
                        .series = kept,
                        .count = WAYS,
                        .percent = true};
    TC_TRY(page_begin(&p, "Pooling and position", 0));
    page_paragraph(
        &p,
        "The same net made smaller in four ways, trained on %s without augmentation; test pictures shifted "
        "in eight directions, means over them.",
        room->data->name);
    fputs("<div class=\"charts\">", p.html);
    chart_write(p.html, &chart_accuracy);
    chart_write(p.html, &chart_kept);
    fputs("</div>\n", p.html);
    page_table(&p, "What it costs", "made smaller by", "million multiply-adds a picture", "parameters",
               "seconds of training", "accuracy without a shift", NULL);
    for (int w = 0; w < WAYS; w++) {
        char cells[4][32];
        snprintf(cells[0], sizeof cells[0], "%.2f", all[w].multiply_adds / 1e6);
        snprintf(cells[1], sizeof cells[1], "%lld", (long long)all[w].parameters);
        snprintf(cells[2], sizeof cells[2], "%.1f", all[w].seconds);
        snprintf(cells[3], sizeof cells[3], "%.2f%%", 100 * all[w].accuracy[0]);
        page_row(&p, way_names[w], cells[0], cells[1], cells[2], cells[3], NULL);
    }
    page_table_end(&p);
    return classroom_page(room, &p, "shift.html");
}

static tc_status train_and_shift(classroom *room, tc_model *models[WAYS], outcome *all) {
    classroom_training how = {.epochs = 6, .weight_decay = 5e-4};
    for (int w = 0; w < WAYS; w++) {
        TC_TRY(classroom_train(room, way_names[w], net_with((way)w, room->data), &how, &models[w],
                               &all[w].seconds));
        TC_TRY(count_cost(room, models[w], &all[w]));
        TC_TRY(classroom_robustness(room, models[w], TC_CORRUPT_SHIFT, pixels, SHIFTS, 8, all[w].accuracy));
        printf("  the net with %s is trained: %.2f%% right without a shift\n", way_names[w],
               100 * all[w].accuracy[0]);
        fflush(stdout);
    }
    return TC_OK;
}

static tc_status experiment(classroom *room, tc_tape *tape) {
    tc_model *models[WAYS] = {NULL};
    outcome all[WAYS] = {{{0}, 0, 0, 0}};
    printf(
        "\n5. and 6. The same net made smaller in four ways, trained on %s, then shown shifted pictures\n\n",
        room->data->name);
    fflush(stdout);
    tc_status status = train_and_shift(room, models, all);
    if (status == TC_OK) {
        print_outcomes(all);
        print_verdict(all);
        status = draw_shrunk(room, models, tape);
    }
    if (status == TC_OK) status = write_outcomes(room, all);
    for (int w = 0; w < WAYS; w++) tc_model_free(models[w]);
    return status;
}

int main(int argc, char **argv) {
    classroom room;
    int code = classroom_open(argc, argv, "lesson2_pooling",
                              "what pooling does: sizes, tolerance of position, cost; measured", &room);
    if (code >= 0) return code;
    tc_tape *tape = tc_tape_create(&(tc_tape_options){.threads = room.threads});
    tc_status status = tape ? pool_by_hand(tape) : TC_ERR_MEMORY;
    if (status == TC_OK) status = sizes(tape);
    if (status == TC_OK) status = shifts(tape);
    if (status == TC_OK) status = costs();
    if (status == TC_OK) status = experiment(&room, tape);
    tc_tape_free(tape);
    return classroom_close(&room, status);
}
