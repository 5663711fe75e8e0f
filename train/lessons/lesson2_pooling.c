/* Lesson 2: pooling - less to compute, and a net that cares less where exactly a thing is.
 *
 * A convolution answers for every pixel: "how much does this place look like my pattern?" Two questions
 * remain. Neighbouring places give nearly the same answer, so why keep them all? And if the picture moves by
 * a pixel, should the answer of the net change? Pooling deals with both: it lays a grid of windows over the
 * answers and keeps one number a window, the largest (max pooling) or the mean (average pooling).
 *
 * Run it, read it from top to bottom, change a number and run it again. */
#include <stdio.h>
#include <string.h>

#include "tinycnn.h"

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

int main(void) {
    tc_tape *tape = tc_tape_create(NULL);
    tc_status status = tape ? pool_by_hand(tape) : TC_ERR_MEMORY;
    if (status == TC_OK) status = sizes(tape);
    if (status == TC_OK) status = shifts(tape);
    if (status == TC_OK) status = costs();
    tc_tape_free(tape);
    if (status != TC_OK) fprintf(stderr, "lesson2_pooling: %s\n", tc_last_error());
    return status != TC_OK;
}
