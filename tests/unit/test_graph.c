/* The graph of a net, run anew: what it says is what the net computes; folded, quantised, and written as C. */
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "nets.h"
#include "suite.h"

static double difference(const float *a, const float *b, int64_t count) {
    double largest = 0, most = 0;
    for (int64_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs((double)b[i]));
        most = fmax(most, fabs((double)a[i] - (double)b[i]));
    }
    return most / largest;
}

START_TEST(the_graph_computes_what_the_net_computes) {
    int64_t shape[4];
    tc_graph graph;
    tc_folded folded;
    tc_model *model = sample_net(_i, shape);
    ck_assert_msg(tc_graph_create(model, shape, &graph) == TC_OK, "%s", tc_last_error());
    ck_assert_msg(tc_folded_create(model, shape, &folded) == TC_OK, "%s", tc_last_error());
    tc_tape *tape = tc_tape_create(NULL);
    tc_tape_eval(tape);
    tc_tensor *x = sample_pictures(tape, 3, shape);
    const tc_tensor *wanted = tc_model_forward(model, tape, x), *y = tc_graph_forward(&graph, tape, x);
    const tc_tensor *z = tc_graph_forward(&folded.graph, tape, x);
    ck_assert_msg(wanted && y && z, "%s", tc_last_error());
    ck_assert_double_le(difference(y->data, wanted->data, tc_numel(wanted)), 1e-5);
    ck_assert_double_le(difference(z->data, wanted->data, tc_numel(wanted)), 2e-5);
    /* Folding took batch norms away, and nothing from the model. */
    const tc_tensor *again = tc_model_forward(model, tape, x);
    ck_assert_mem_eq(again->data, wanted->data, (size_t)tc_numel(wanted) * sizeof(float));
    int before = 0, after = 0;
    for (int i = 0; i < graph.count; i++) before += graph.nodes[i].op == TC_GRAPH_BATCHNORM2D;
    for (int i = 0; i < folded.graph.count; i++) after += folded.graph.nodes[i].op == TC_GRAPH_BATCHNORM2D;
    ck_assert_int_le(after, before == 0 ? 0 : before - 1);
    /* Quantised, it is near, but another. */
    tc_folded_quantize(&folded);
    z = tc_graph_forward(&folded.graph, tape, x);
    double off = difference(z->data, wanted->data, tc_numel(wanted));
    ck_assert(off > 0 && off < 0.1);
    tc_graph_free(&graph);
    tc_folded_free(&folded);
    tc_tape_free(tape);
    tc_model_free(model);
}
END_TEST

/* ---- As C ---------------------------------------------------------------------------------------------- */

static const char caller[] = "#include <stdio.h>\n"
                             "#include \"net.c\"\n"
                             "static float x[%lld], y[%lld];\n"
                             "int main(void) {\n"
                             "    int n;\n"
                             "    FILE *in = fopen(\"pictures\", \"rb\"), *out = fopen(\"logits\", \"wb\");\n"
                             "    for (n = 0; n < 3; n++) {\n"
                             "        if (fread(x, sizeof x, 1, in) != 1) return 1;\n"
                             "        net_predict(x, y);\n"
                             "        if (fwrite(y, sizeof y, 1, out) != 1) return 1;\n"
                             "    }\n"
                             "    return fclose(out);\n"
                             "}\n";

static void write_bytes(const char *name, const void *bytes, size_t size) {
    FILE *f = fopen(name, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, size, f), size);
    fclose(f);
}

/* Writes net.c, compiles it, lets it answer the pictures (3, C, H, W in PyTorch's order). */
static void answer_in_c(const float *x, int64_t each, int64_t classes, float *logits) {
    char text[2048];
    snprintf(text, sizeof text, caller, (long long)each, (long long)classes);
    write_bytes("caller.c", text, strlen(text));
    write_bytes("pictures", x, 3 * (size_t)each * sizeof *x);
    ck_assert_int_eq(
        system("cc -std=c99 -Wall -Wextra -Werror -pedantic -O1 caller.c -o caller -lm && ./caller"), 0);
    FILE *f = fopen("logits", "rb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fread(logits, sizeof *logits, 3 * (size_t)classes, f), 3 * (size_t)classes);
    fclose(f);
    static const char *const files[] = {"caller.c", "caller", "pictures", "logits", "net.c"};
    for (int i = 0; i < 5; i++) remove(files[i]);
}

/* `_i`: a net; the last ones with 8 bits, and with pixels from 0 to 1. */
START_TEST(the_file_of_c_computes_it_too) {
    int64_t shape[4];
    tc_folded folded;
    tc_model *model = sample_net(_i % SAMPLE_NETS, shape);
    bool int8 = _i >= SAMPLE_NETS, preprocess = _i % 2 == 1;
    static const float mean[] = {0.4f, 0.5f, 0.6f}, deviation[] = {0.2f, 0.25f, 0.3f};
    static const char *const names[] = {"a", "b \"quoted\"", "\xc3\xa4?\?/", "d", "e", "f", "g", "h", "i",
                                        "j"};
    tc_export_options options = {.name = "test",
                                 .classes = _i % SAMPLE_NETS == 0 ? 7 : 10,
                                 .class_names = names,
                                 .int8 = int8,
                                 .mean = mean,
                                 .normalised = !preprocess,
                                 .deviation = deviation};
    ck_assert_msg(tc_export_c(model, shape, &options, "net.c") == TC_OK, "%s", tc_last_error());
    ck_assert_int_eq(tc_folded_create(model, shape, &folded), TC_OK);
    if (int8) tc_folded_quantize(&folded);
    tc_tape *tape = tc_tape_create(NULL);
    tc_tape_eval(tape);
    tc_tensor *x = sample_pictures(tape, 3, shape);
    const tc_tensor *wanted = tc_graph_forward(&folded.graph, tape, x);
    int64_t each = shape[1] * shape[2] * shape[3], classes = wanted->shape[1];
    float *nchw = malloc(3 * (size_t)each * sizeof *nchw),
          *logits = malloc(3 * (size_t)classes * sizeof *logits);
    tc_tensor_to_nchw(x, nchw);
    for (int64_t i = 0; preprocess && i < 3 * each; i++) {
        int64_t c = i / (shape[2] * shape[3]) % shape[1];
        nchw[i] = nchw[i] * deviation[c] + mean[c];
    }
    answer_in_c(nchw, each, classes, logits);
    ck_assert_double_le(difference(logits, wanted->data, 3 * classes), int8 || preprocess ? 1e-4 : 2e-5);
    free(nchw), free(logits);
    tc_folded_free(&folded);
    tc_tape_free(tape);
    tc_model_free(model);
}
END_TEST

/* A file's text, to be freed. */
static char *file_text(const char *name) {
    FILE *f = fopen(name, "rb");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fseek(f, 0, SEEK_END), 0);
    size_t size = (size_t)ftell(f);
    char *text = calloc(size + 1, 1);
    ck_assert_ptr_nonnull(text);
    rewind(f);
    ck_assert_uint_eq(fread(text, 1, size, f), size);
    fclose(f);
    return text;
}

/* A locale with nothing in it but a decimal comma, made here, because a machine may have none. */
static bool take_decimal_comma(void) {
    static const char comma[] = "LC_NUMERIC\ndecimal_point \",\"\nthousands_sep \"\"\ngrouping -1\n"
                                "END LC_NUMERIC\n";
    write_bytes("comma", comma, sizeof comma - 1);
    /* It warns of everything that is not there. */
    int status = system("localedef -c -f ANSI_X3.4-1968 -i ./comma ./xx_XX >comma.log 2>&1");
    setenv("LOCPATH", ".", 1);
    bool good = status >= 0 && setlocale(LC_NUMERIC, "xx_XX") && *localeconv()->decimal_point == ',';
    unsetenv("LOCPATH");
    status = system("rm -rf comma comma.log xx_XX");
    return good && status == 0;
}

START_TEST(a_host_with_a_decimal_comma_writes_the_same_file) {
    int64_t shape[4];
    tc_model *model = sample_net(0, shape);
    static const float mean[] = {0.4f, 0.5f, 0.6f}, deviation[] = {0.2f, 0.25f, 0.3f};
    for (int preprocess = 0; preprocess < 2; preprocess++) {
        tc_export_options options = {
            .mean = mean, .deviation = deviation, .scale = 1 / 255.0f, .normalised = !preprocess};
        ck_assert_int_eq(tc_export_c(model, shape, &options, "net.c"), TC_OK);
        char *wanted = file_text("net.c");
        if (!take_decimal_comma()) {
            puts("no locale with a decimal comma can be made here: skipped");
            free(wanted);
            break;
        }
        ck_assert_int_eq(tc_export_c(model, shape, &options, "net.c"), TC_OK);
        char text[8];
        snprintf(text, sizeof text, "%.1f", 1.5);
        ck_assert_str_eq(text, "1,5"); /* The host keeps its own. */
        setlocale(LC_NUMERIC, "C");
        char *found = file_text("net.c");
        ck_assert_msg(strcmp(found, wanted) == 0, "the file differs");
        free(found), free(wanted);
    }
    remove("net.c");
    tc_model_free(model);
}
END_TEST

/* `_i`: the largest weight's 127th part is no float of full precision, or no float at all. */
START_TEST(weights_too_small_for_8_bits_are_zero) {
    static const float units[] = {1.40129846e-45f, 1e-39f};
    const int64_t shape[4] = {1, 3, 5, 4};
    tc_folded folded;
    tc_model *model;
    ck_assert_int_eq(tc_model_create(tc_sequential(tc_nn_conv2d(3, 2, 3), tc_nn_flatten()), 1, &model),
                     TC_OK);
    /* The first output's; the other's are as they were made. */
    float *row = tc_model_find(model, "0.weight")->tensor->data;
    for (int k = 0; k < 27; k++) row[k] = units[_i] * (float)(190 - k);
    ck_assert_int_eq(tc_folded_create(model, shape, &folded), TC_OK);
    tc_folded_quantize(&folded);
    for (int k = 0; k < 27; k++) ck_assert_float_eq(folded.graph.nodes[0].weight->data[k], 0);
    ck_assert_float_ne(folded.graph.nodes[0].weight->data[27], 0);
    tc_tape *tape = tc_tape_create(NULL);
    tc_tape_eval(tape);
    tc_tensor *x = sample_pictures(tape, 3, shape);
    const tc_tensor *wanted = tc_graph_forward(&folded.graph, tape, x);
    float nchw[3 * 60], logits[3 * 12];
    tc_tensor_to_nchw(x, nchw);
    ck_assert_int_eq(tc_export_c(model, shape, &(tc_export_options){.int8 = true}, "net.c"), TC_OK);
    answer_in_c(nchw, 60, 12, logits);
    ck_assert_double_le(difference(logits, wanted->data, 3 * 12), 2e-5);
    tc_folded_free(&folded);
    tc_tape_free(tape);
    tc_model_free(model);
}
END_TEST

enum { NETS_OF_ONE = 8 };

static tc_module *net_of_one(int which) {
    switch (which) {
    case 0:
        return tc_sequential(tc_nn_relu());
    case 1:
        return tc_sequential(tc_nn_leaky_relu(0.1f));
    case 2:
        return tc_sequential(tc_nn_gelu(TC_GELU_EXACT));
    case 3:
        return tc_sequential(tc_nn_gelu(TC_GELU_TANH));
    case 4:
        return tc_sequential(tc_nn_silu());
    case 5:
        return tc_sequential(tc_nn_maxpool2d(2));
    case 6:
        return tc_sequential(tc_nn_flatten(), tc_nn_log_softmax());
    default:
        /* A window at a corner has nothing but padding in it: minus infinity. */
        return tc_sequential(tc_nn_maxpool2d(2, .stride = 3, .padding = 1, .dilation = 5), tc_nn_relu());
    }
}

/* `_i`: which net; NaN in the first picture, one infinity in each of the others. */
START_TEST(infinities_and_nan_go_the_same_way_in_c) {
    static const float first[16] = {NAN, 1, -INFINITY, -INFINITY, 2, -3,       -INFINITY, -INFINITY,
                                    5,   3, INFINITY,  0,         1, INFINITY, NAN,       -200};
    const int64_t shape[4] = {1, 1, 4, 4};
    tc_model *model;
    ck_assert_int_eq(tc_model_create(net_of_one(_i), 1, &model), TC_OK);
    tc_tape *tape = tc_tape_create(NULL);
    tc_tape_eval(tape);
    /* Of one channel: the order is the caller's too. */
    tc_tensor *x = tc_tensor_new(tc_tape_arena(tape), 3, 1, 4, 4);
    for (int i = 0; i < 16; i++) {
        x->data[i] = first[i];
        x->data[16 + i] = i == 5 ? INFINITY : (float)(i - 8) / 2;
        x->data[32 + i] = i == 5 ? -INFINITY : (float)(i - 8) * 10;
    }
    const tc_tensor *wanted = tc_model_forward(model, tape, x);
    ck_assert_msg(wanted, "%s", tc_last_error());
    float logits[48];
    int64_t count = tc_numel(wanted);
    ck_assert_int_eq(tc_export_c(model, shape, NULL, "net.c"), TC_OK);
    answer_in_c(x->data, 16, count / 3, logits);
    for (int64_t i = 0; i < count; i++) {
        float y = wanted->data[i];
        bool same = isnan(y)   ? isnan(logits[i])
                    : isinf(y) ? logits[i] == y
                               : fabsf(logits[i] - y) <= 1e-6f * fmaxf(1, fabsf(y));
        ck_assert_msg(same, "element %d: %g instead of %g", (int)i, (double)logits[i], (double)y);
    }
    tc_tape_free(tape);
    tc_model_free(model);
}
END_TEST

START_TEST(no_name_ends_a_comment) {
    static const char name[] = "*/ int x; /*/\n*?\?/\n/ \xc3\xa4\xff \xe2\x80\xae\x7f \\";
    const int64_t shape[4] = {1, 1, 3, 3};
    static const float x[27] = {1};
    float logits[3];
    tc_model *model;
    ck_assert_int_eq(
        tc_model_create(tc_sequential(tc_named(name, tc_nn_conv2d(1, 1, 3)), tc_nn_flatten()), 1, &model),
        TC_OK);
    ck_assert_int_eq(tc_export_c(model, shape, &(tc_export_options){.name = name}, "net.c"), TC_OK);
    answer_in_c(x, 9, 1, logits);
    tc_model_free(model);
}
END_TEST

START_TEST(options_that_make_no_file_are_refused) {
    static const float some[] = {1, 2}, zero[] = {1, 0}, infinite[] = {INFINITY, 1}, none[] = {0, NAN};
    static char longest[4096 + 1];
    memset(longest, 'a', 4096);
    const char *names[] = {"a", NULL}, *long_names[] = {"a", longest}, *good[] = {"a", longest + 1};
    const struct {
        tc_export_options options;
        const char *complaint;
    } bad[] = {
        {{.class_names = good}, "net.c: 0 class names for a net of 2 outputs"},
        {{.class_names = good, .classes = -1}, "net.c: -1 class names for a net of 2 outputs"},
        {{.class_names = names, .classes = 2}, "net.c: the name of class 1 is NULL"},
        {{.class_names = long_names, .classes = 2},
         "net.c: the name of class 1 has 4096 bytes, a string in C has at most 4095"},
        {{.mean = some}, "net.c: a mean without a deviation"},
        {{.deviation = some}, "net.c: a deviation without a mean"},
        {{.mean = none, .deviation = some}, "net.c: the mean of channel 1 is nan"},
        {{.mean = some, .deviation = infinite}, "net.c: the deviation of channel 0 is inf"},
        {{.mean = some, .deviation = zero}, "net.c: the deviation of channel 1 is 0"},
        {{.scale = INFINITY}, "net.c: the scale is inf"},
        {{.scale = -1}, "net.c: the scale is -1"},
    };
    const int64_t shape[4] = {1, 2, 4, 4};
    tc_model *model;
    ck_assert_int_eq(tc_model_create(tc_sequential(tc_nn_conv2d(2, 2, 4), tc_nn_flatten()), 1, &model),
                     TC_OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_msg(tc_export_c(model, shape, &bad[i].options, "net.c") == TC_ERR_ARGUMENT, "%s",
                      bad[i].complaint);
        ck_assert_str_eq(tc_last_error(), bad[i].complaint);
        ck_assert_msg(remove("net.c") != 0, "%s: a file is there", bad[i].complaint);
    }
    /* The longest name that is good is one that a compiler takes. */
    static const float x[3 * 32] = {1};
    float logits[6];
    tc_export_options options = {.class_names = good, .classes = 2, .mean = some, .deviation = some};
    ck_assert_msg(tc_export_c(model, shape, &options, "net.c") == TC_OK, "%s", tc_last_error());
    answer_in_c(x, 32, 2, logits);
    tc_model_free(model);
}
END_TEST

START_TEST(the_head_tells_weights_from_factors) {
    const int64_t shape[4] = {1, 3, 6, 5};
    tc_model *model;
    ck_assert_int_eq(tc_model_create(tc_sequential(tc_nn_batchnorm2d(3), tc_nn_conv2d(3, 4, 3)), 1, &model),
                     TC_OK);
    for (int int8 = 0; int8 < 2; int8++) {
        ck_assert_int_eq(tc_export_c(model, shape, &(tc_export_options){.int8 = int8}, "net.c"), TC_OK);
        char *text = file_text("net.c");
        ck_assert_ptr_nonnull(strstr(text, int8 ? " * 108 weights, 8 bits each with a step for each output "
                                                  "channel, 3 factors of batch norms. "
                                                : " * 108 weights, 3 factors of batch norms. "));
        free(text);
    }
    remove("net.c");
    tc_model_free(model);
}
END_TEST

/* Numbers that make no net: none is written. */
START_TEST(a_variance_below_0_is_refused) {
    tc_model *model;
    const int64_t shape[4] = {1, 2, 4, 4};
    ck_assert_int_eq(tc_model_create(tc_sequential(tc_nn_batchnorm2d(2), tc_nn_flatten()), 1, &model), TC_OK);
    ck_assert_int_eq(tc_export_c(model, shape, NULL, "net.c"), TC_OK);
    for (int i = 0; i < tc_model_buffer_count(model); i++)
        if (strstr(tc_model_buffer(model, i)->name, "running_var"))
            tc_model_buffer(model, i)->tensor->data[1] = -1;
    tc_graph graph;
    ck_assert_int_eq(tc_graph_create(model, shape, &graph), TC_OK);
    ck_assert_int_eq(tc_graph_check(&graph), TC_ERR_NUMERIC);
    ck_assert_str_eq(tc_last_error(), "0.running_var: holds -1, expected 0 or more");
    tc_graph_free(&graph);
    remove("net.c");
    ck_assert_int_eq(tc_export_c(model, shape, NULL, "net.c"), TC_ERR_NUMERIC);
    ck_assert_msg(strncmp(tc_last_error(), "net.c: 0.weight: holds ", 23) == 0, "%s", tc_last_error());
    ck_assert_int_ne(remove("net.c"), 0);
    tc_model_free(model);
}
END_TEST

START_TEST(what_cannot_be_written_is_said) {
    tc_model *model;
    tc_graph graph;
    ck_assert_int_eq(
        tc_model_create(tc_sequential(tc_nn_conv2d(3, 4, 3), tc_nn_batchnorm2d(4, .no_running_stats = true)),
                        1, &model),
        TC_OK);
    ck_assert_int_eq(tc_graph_create(model, (int64_t[]){1, 3, 8, 8}, &graph), TC_ERR_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(tc_last_error(), "layer 1: a batch norm without running statistics"));
    ck_assert_int_eq(tc_graph_create(model, (int64_t[]){1, 3, 2, 2}, &graph), TC_ERR_SHAPE);
    ck_assert_int_eq(tc_graph_create(model, (int64_t[]){1, 5, 8, 8}, &graph), TC_ERR_SHAPE);
    tc_graph_free(&graph);
    tc_model_free(model);
    int64_t shape[4];
    model = sample_net(1, shape);
    ck_assert_int_eq(tc_export_c(model, shape, NULL, "nowhere/net.c"), TC_ERR_IO);
    shape[0] = 2;
    ck_assert_int_eq(tc_export_c(model, shape, NULL, "net.c"), TC_ERR_ARGUMENT);
    tc_model_free(model);
}
END_TEST

static void add(TCase *tests) {
    tcase_add_loop_test(tests, the_graph_computes_what_the_net_computes, 0, SAMPLE_NETS);
    tcase_add_loop_test(tests, the_file_of_c_computes_it_too, 0, SAMPLE_NETS + 2);
    tcase_add_test(tests, a_host_with_a_decimal_comma_writes_the_same_file);
    tcase_add_loop_test(tests, weights_too_small_for_8_bits_are_zero, 0, 2);
    tcase_add_loop_test(tests, infinities_and_nan_go_the_same_way_in_c, 0, NETS_OF_ONE);
    tcase_add_test(tests, no_name_ends_a_comment);
    tcase_add_test(tests, options_that_make_no_file_are_refused);
    tcase_add_test(tests, the_head_tells_weights_from_factors);
    tcase_add_test(tests, a_variance_below_0_is_refused);
    tcase_add_test(tests, what_cannot_be_written_is_said);
}

int main(void) {
    return suite_main("graph", add);
}
