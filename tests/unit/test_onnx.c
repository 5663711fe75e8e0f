/* The ONNX exporter: names are one value's or one node's alone whatever the layers are called, weights keep theirs, and
 * options that nothing can be made of are answered by a sentence. The file is read here by its wire format alone. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"
#include "tinycnn.h"

/* ---- Protocol buffers -------------------------------------------------------------------------------------- */

typedef struct span {
    const uint8_t *at, *end;
} span;

static uint64_t varint(span *s) {
    uint64_t value = 0;
    for (int shift = 0; s->at < s->end; shift += 7) {
        value |= (uint64_t)(*s->at & 127) << shift;
        if (*s->at++ < 128) break;
    }
    return value;
}

/* The next field of a message and its bytes (none for a number); 0: there is no other. */
static int next_field(span *s, span *field) {
    if (s->at >= s->end) return 0;
    uint64_t key = varint(s), size = 0;
    *field = (span){s->at, s->at};
    if ((key & 7) == 0)
        varint(s);
    else
        size = (key & 7) == 2 ? varint(s) : (key & 7) == 1 ? 8 : 4;
    ck_assert_uint_le(size, (uint64_t)(s->end - s->at));
    if (size > 0) *field = (span){s->at, s->at + size};
    s->at += size;
    return (int)(key >> 3);
}

static uint8_t *read_whole(const char *path, size_t *size) {
    FILE *in = fopen(path, "rb");
    ck_assert_ptr_nonnull(in);
    ck_assert_int_eq(fseek(in, 0, SEEK_END), 0);
    *size = (size_t)ftell(in);
    uint8_t *bytes = malloc(*size);
    rewind(in);
    ck_assert_uint_eq(fread(bytes, 1, *size, in), *size);
    fclose(in);
    return bytes;
}

/* ---- A model as sets of names ------------------------------------------------------------------------------ */

enum { NAMES_MAX = 400, MODEL_GRAPH = 7, GRAPH_NODE = 1, GRAPH_CONSTANT = 5, GRAPH_INPUT = 11 };
enum { NODE_INPUT = 1, NODE_OUTPUT = 2, NODE_NAME = 3, CONSTANT_NAME = 8, CONSTANT_DATA = 9, VALUE_NAME = 1 };

typedef struct names {
    int count;
    span name[NAMES_MAX], data[NAMES_MAX]; /* data: of constants */
} names;

static int find(const names *n, span name) {
    size_t size = (size_t)(name.end - name.at);
    for (int i = 0; i < n->count; i++)
        if ((size_t)(n->name[i].end - n->name[i].at) == size && memcmp(n->name[i].at, name.at, size) == 0)
            return i;
    return -1;
}

static void add_name(names *n, span name, span data, const char *what) {
    ck_assert_int_lt(n->count, NAMES_MAX);
    ck_assert_msg(find(n, name) < 0, "two %s are called %.*s", what, (int)(name.end - name.at),
                  (const char *)name.at);
    n->name[n->count] = name;
    n->data[n->count++] = data;
}

/* A node reads values that are there, and gives one of its own. */
static void look_at_node(span message, names *values, names *nodes) {
    span field, name = {0}, none = {0};
    for (int tag; (tag = next_field(&message, &field)) != 0;) {
        if (tag == NODE_NAME) name = field;
        if (tag == NODE_INPUT)
            ck_assert_msg(find(values, field) >= 0, "nothing is called %.*s", (int)(field.end - field.at),
                          (const char *)field.at);
        if (tag == NODE_OUTPUT) add_name(values, field, none, "values");
    }
    add_name(nodes, name, none, "nodes");
}

static void add_named(span message, int name_tag, int data_tag, names *values) {
    span field, name = {0}, data = {0};
    for (int tag; (tag = next_field(&message, &field)) != 0;) {
        if (tag == name_tag) name = field;
        if (tag == data_tag) data = field;
    }
    add_name(values, name, data, "values");
}

/* Constants and the input are there before the first node. */
static void look_at_graph(span graph, names *values) {
    static names nodes;
    span rest = graph, field;
    nodes.count = values->count = 0;
    for (int tag; (tag = next_field(&rest, &field)) != 0;) {
        if (tag == GRAPH_CONSTANT) add_named(field, CONSTANT_NAME, CONSTANT_DATA, values);
        if (tag == GRAPH_INPUT) add_named(field, VALUE_NAME, 0, values);
    }
    for (int tag; (tag = next_field(&graph, &field)) != 0;)
        if (tag == GRAPH_NODE) look_at_node(field, values, &nodes);
    const char *logits = "logits";
    ck_assert_int_ge(find(values, (span){(const uint8_t *)logits, (const uint8_t *)logits + 6}), 0);
}

/* ---- Nets whose layers are called alike --------------------------------------------------------------------- */

static tc_module *long_name(size_t length, char last, tc_module *layer) {
    char name[301];
    memset(name, 'x', length - 1);
    name[length - 1] = last;
    name[length] = '\0';
    return tc_named(name, layer);
}

static tc_module *same_conv(void) {
    return tc_nn_conv2d(3, 3, 3, .padding = 1);
}

static tc_module *deep(void) {
    tc_module *net = tc_sequential(same_conv(), tc_nn_relu(), same_conv());
    for (int i = 0; i < 150; i++) net = tc_sequential(net, tc_nn_relu());
    return net;
}

enum { ODD_NETS = 10 };

static tc_module *odd_net(int which) {
    switch (which) {
    case 0: /* body and sum are both "0" */
        return tc_sequential(tc_residual_identity(same_conv()), tc_nn_relu());
    case 1: /* both "" */
        return tc_residual_identity(tc_residual_identity(tc_nn_silu()));
    case 2:
        return tc_sequential(tc_named("act", tc_nn_relu()), same_conv(), tc_named("act", tc_nn_silu()),
                             tc_named("act", tc_nn_gelu(TC_GELU_TANH)));
    case 3:
        return tc_sequential(tc_named("pool", tc_nn_adaptive_avgpool2d(5)),
                             tc_named("pool", tc_nn_adaptive_avgpool2d(3)),
                             tc_named("pool", tc_nn_avgpool2d(2, .padding = 1)),
                             tc_named("pool", tc_nn_avgpool2d(2, .stride = 1, .padding = 1)), tc_nn_relu());
    case 4:
        return tc_sequential(tc_named("picture", same_conv()), tc_named("scaled", tc_nn_relu()),
                             tc_named("centred", tc_nn_silu()), tc_named("input", tc_nn_relu()),
                             tc_named("logits", tc_nn_relu()), tc_named("mean", same_conv()),
                             tc_named("scale", same_conv()), tc_named("number", tc_nn_scale(0.5f)));
    case 5: /* what is made up for one layer is another's name */
        return tc_sequential(tc_named("a", tc_nn_silu()), tc_named("a:0", tc_nn_relu()),
                             tc_named("a", tc_nn_silu()), tc_named("a:0", tc_nn_relu()),
                             tc_named("a:2", tc_nn_relu()), tc_named("/a", tc_nn_relu()), tc_nn_relu());
    case 6: /* a batch norm without weights has the name of a layer that has some */
        return tc_sequential(tc_named("a", tc_nn_batchnorm2d(3, .no_affine = true)),
                             tc_named("a", tc_nn_conv2d(3, 3, 3, .no_bias = true)),
                             tc_nn_batchnorm2d(3, .no_affine = true), tc_nn_relu());
    case 7:
        return tc_sequential(long_name(240, '1', same_conv()), long_name(240, '2', same_conv()));
    case 8:
        return tc_sequential(long_name(300, '1', same_conv()), long_name(300, '2', same_conv()),
                             long_name(300, '2', tc_nn_silu()), long_name(300, '1', tc_nn_silu()));
    default:
        return deep();
    }
}

static const int64_t picture[4] = {1, 3, 8, 8};
static const float middle[3] = {0.4f, 0.5f, 0.6f}, spread[3] = {0.2f, 0.3f, 0.4f};

static tc_model *odd_model(int which) {
    tc_model *model = NULL;
    ck_assert_msg(tc_model_create(odd_net(which), 9, &model) == TC_OK, "%s", tc_last_error());
    return model;
}

static void hold_to_its_constant(const tc_parameter *p, const names *values) {
    float wanted[1000];
    const uint8_t *name = (const uint8_t *)p->name;
    int at = find(values, (span){name, name + strlen(p->name)});
    ck_assert_int_le(tc_numel(p->tensor), 1000);
    tc_tensor_to_nchw(p->tensor, wanted);
    ck_assert_msg(at >= 0, "no constant is called %s", p->name);
    ck_assert_int_eq(values->data[at].end - values->data[at].at,
                     tc_numel(p->tensor) * (int64_t)sizeof(float));
    ck_assert_mem_eq(values->data[at].at, wanted, (size_t)tc_numel(p->tensor) * sizeof(float));
}

/* _i: a net, 0 plain, 1 folded, 2 with preprocessing. */
START_TEST(no_two_values_and_no_two_nodes_share_a_name) {
    static names values;
    tc_model *model = odd_model(_i / 3);
    tc_export_options options = {
        .fold = _i % 3 == 1, .normalised = _i % 3 != 2, .mean = middle, .deviation = spread};
    char path[32];
    snprintf(path, sizeof path, "odd_%d.onnx", _i);
    ck_assert_msg(tc_export_onnx(model, picture, &options, path) == TC_OK, "%s", tc_last_error());
    size_t size;
    uint8_t *bytes = read_whole(path, &size);
    span file = {bytes, bytes + size}, field;
    for (int tag; (tag = next_field(&file, &field)) != 0;)
        if (tag == MODEL_GRAPH) look_at_graph(field, &values);
    for (int i = 0; !options.fold && i < tc_model_parameter_count(model); i++)
        hold_to_its_constant(tc_model_parameter(model, i), &values);
    free(bytes);
    tc_model_free(model);
}
END_TEST

START_TEST(options_that_nothing_can_be_made_of_are_refused) {
    static const float nan_in[3] = {0.5f, NAN, 0.5f}, zero_in[3] = {1, 1, 0};
    static const char *const unnamed[192] = {"a", NULL, "c"};
    const struct {
        tc_export_options options;
        const char *sentence;
    } cases[] = {
        {{.mean = middle}, "refused.onnx: a mean without a deviation"},
        {{.deviation = spread}, "refused.onnx: a deviation without a mean"},
        {{.mean = nan_in, .deviation = spread}, "refused.onnx: the mean of channel 1 is nan"},
        {{.mean = middle, .deviation = nan_in}, "refused.onnx: the deviation of channel 1 is nan"},
        {{.mean = middle, .deviation = zero_in}, "refused.onnx: the deviation of channel 2 is 0"},
        {{.scale = INFINITY}, "refused.onnx: the scale is inf"},
        {{.scale = -1}, "refused.onnx: the scale is -1"},
        {{.classes = 192, .class_names = unnamed}, "refused.onnx: the name of class 1 is NULL"},
        {{.classes = 3, .class_names = unnamed}, "refused.onnx: 3 class names for a net of 192 outputs"},
    };
    tc_model *model = odd_model(0);
    ck_assert_int_eq(tc_export_onnx(model, picture, &cases[_i].options, "refused.onnx"), TC_ERR_ARGUMENT);
    ck_assert_str_eq(tc_last_error(), cases[_i].sentence);
    tc_model_free(model);
}
END_TEST

START_TEST(a_layer_whose_name_is_no_utf8_is_refused) {
    tc_model *model = NULL;
    ck_assert_int_eq(tc_model_create(tc_sequential(tc_named("\xff", tc_nn_relu())), 9, &model), TC_OK);
    ck_assert_int_eq(tc_export_onnx(model, picture, NULL, "refused.onnx"), TC_ERR_FORMAT);
    tc_model_free(model);
}
END_TEST

static void add(TCase *tests) {
    if (!tc_protobuf_version()) return;
    tcase_add_loop_test(tests, no_two_values_and_no_two_nodes_share_a_name, 0, 3 * ODD_NETS);
    tcase_add_loop_test(tests, options_that_nothing_can_be_made_of_are_refused, 0, 9);
    tcase_add_test(tests, a_layer_whose_name_is_no_utf8_is_refused);
}

int main(void) {
    return suite_main("onnx", add);
}
