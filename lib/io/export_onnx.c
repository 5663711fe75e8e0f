/* export_onnx.c - each layer as the operators that ONNX has for it.
 *
 * What one layer needs several operators for has nodes "path:0", "path:1", ... and values "/path:0", "/path:1", ... in
 * between. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "export_options.h"
#include "onnx.h"
#include "onnx_names.h"
#include "tinycnn/checkpoint.h"
#include "tinycnn/export.h"

#ifdef TC_HAVE_ONNX
#include <protobuf-c/protobuf-c.h>

/* The most operators and constants that one layer takes. */
enum { OPERATORS_PER_LAYER = 10, CONSTANTS_PER_LAYER = 8, PREPROCESSING = 4 };

typedef struct writer {
    onnx_model *onnx;
    const tc_graph *graph;
    const char *picture; /* the value that the first layer reads */
    onnx_names names;
    tc_status status;
} writer;

/* Where the result of node i lies. */
static const char *value_of(const writer *w, int i) {
    return i == TC_GRAPH_PICTURE ? w->picture : w->names.layers[i].value;
}

/* ---- A chain of operators within one layer ----------------------------------------------------------------- */

typedef struct chain {
    writer *w;
    int node, steps;
    const char *at; /* the value that the chain has come to */
} chain;

static chain chain_from(writer *w, int node, int input) {
    return (chain){.w = w, .node = node, .at = value_of(w, w->graph->nodes[node].inputs[input])};
}

/* The chain's value (before `other`, if that is not NULL) goes through `op`; `is_last`: into the layer's result. */
static onnx_node *then_named(chain *c, const char *op, const char *other, const char *third,
                             const char *fourth, const char *fifth, bool is_last) {
    writer *w = c->w;
    const onnx_layer_names *l = &w->names.layers[c->node];
    const char *name = l->node, *output = l->value;
    if (c->steps > 0 || !is_last) name = tci_onnx_node(&w->names, c->node, "%s:%d", l->node, c->steps);
    if (!is_last) output = tci_onnx_value(&w->names, c->node, "/%s:%d", l->node, c->steps);
    c->steps++;
    onnx_node *node = tci_onnx_add(w->onnx, op, name,
                                   (const char *const[]){c->at, other, third, fourth, fifth, NULL}, output);
    c->at = output;
    return node;
}

static onnx_node *then(chain *c, const char *op, const char *other, bool is_last) {
    return then_named(c, op, other, NULL, NULL, NULL, is_last);
}

/* `op` with a number on its right. */
static void then_number(chain *c, const char *op, float number, bool is_last) {
    then(c, op, tci_onnx_number(c->w->onnx, number), is_last);
}

/* ---- Constants --------------------------------------------------------------------------------------------- */

static void add_tensor(writer *w, const char *name, const tc_tensor *t) {
    float *values = malloc((size_t)tc_numel(t) * sizeof *values);
    if (!values) {
        w->status = tc_fail(TC_ERR_MEMORY, "export: out of memory");
        return;
    }
    tc_tensor_to_nchw(t, values);
    tci_onnx_constant(w->onnx, name, t->ndim, t->shape, values);
    free(values);
}

/* `count` times the same number. */
static void add_constant(writer *w, const char *name, int64_t count, float number) {
    float *values = malloc((size_t)count * sizeof *values);
    if (!values) {
        w->status = tc_fail(TC_ERR_MEMORY, "export: out of memory");
        return;
    }
    for (int64_t i = 0; i < count; i++) values[i] = number;
    tci_onnx_constant(w->onnx, name, 1, &count, values);
    free(values);
}

/* A layer's weight, and its bias if it has one. */
static void add_weights(writer *w, const tc_graph_node *n, const onnx_layer_names *l) {
    add_tensor(w, l->weight, n->weight);
    if (n->bias) add_tensor(w, l->bias, n->bias);
}

/* ---- Layers ------------------------------------------------------------------------------------------------ */

/* Padding behind the last pixel, with which a rounded-down count of windows is `outputs`. */
static int64_t padding_behind(const tc_window *w, int64_t inputs, int64_t outputs, int64_t before) {
    int64_t reach = (outputs - 1) * w->stride + w->dilation * (w->kernel - 1) + 1;
    int64_t behind = reach - inputs - before;
    return behind > before ? behind : before;
}

static void set_window(onnx_node *node, const tc_graph_node *n, const int64_t pads[4], bool is_dilated) {
    const tc_window *h = &n->window[0], *w = &n->window[1];
    tci_onnx_ints(node, "kernel_shape", 2, (int64_t[]){h->kernel, w->kernel});
    tci_onnx_ints(node, "strides", 2, (int64_t[]){h->stride, w->stride});
    if (is_dilated) tci_onnx_ints(node, "dilations", 2, (int64_t[]){h->dilation, w->dilation});
    tci_onnx_ints(node, "pads", 4, pads);
}

static void write_conv(writer *w, const tc_graph_node *n, int i) {
    const onnx_layer_names *l = &w->names.layers[i];
    int64_t pads[4];
    for (int axis = 0; axis < 2; axis++) {
        const tc_window *v = &n->window[axis];
        int64_t both = v->same ? v->dilation * (v->kernel - 1) : 2 * v->padding;
        pads[axis] = both / 2;
        pads[axis + 2] = both - both / 2;
    }
    chain c = chain_from(w, i, 0);
    add_weights(w, n, l);
    onnx_node *node = then_named(&c, "Conv", l->weight, l->bias, NULL, NULL, true);
    set_window(node, n, pads, true);
    tci_onnx_int(node, "group", n->groups);
}

static void write_linear(writer *w, const tc_graph_node *n, int i) {
    const onnx_layer_names *l = &w->names.layers[i];
    chain c = chain_from(w, i, 0);
    add_weights(w, n, l);
    tci_onnx_int(then_named(&c, "Gemm", l->weight, l->bias, NULL, NULL, true), "transB", 1);
}

static void write_batchnorm(writer *w, const tc_graph_node *n, int i) {
    const onnx_layer_names *l = &w->names.layers[i];
    int64_t channels = tc_numel(n->running_mean);
    chain c = chain_from(w, i, 0);
    if (n->weight)
        add_tensor(w, l->weight, n->weight);
    else
        add_constant(w, l->weight, channels, 1);
    if (n->bias)
        add_tensor(w, l->bias, n->bias);
    else
        add_constant(w, l->bias, channels, 0);
    add_tensor(w, l->running_mean, n->running_mean);
    add_tensor(w, l->running_var, n->running_var);
    onnx_node *node =
        then_named(&c, "BatchNormalization", l->weight, l->bias, l->running_mean, l->running_var, true);
    tci_onnx_float(node, "epsilon", n->number);
}

/* A rounded-up count of windows is written as padding behind the picture: what the operators make of ceil_mode differs
 * from one runtime to the next. */
static void write_pool(writer *w, const tc_graph_node *n, int i) {
    chain c = chain_from(w, i, 0);
    int64_t pads[4], more[4];
    for (int axis = 0; axis < 2; axis++) {
        pads[axis] = n->window[axis].padding;
        pads[axis + 2] =
            padding_behind(&n->window[axis], n->input_shape[2 + axis], n->output_shape[2 + axis], pads[axis]);
        more[axis] = 0;
        more[axis + 2] = pads[axis + 2] - pads[axis];
    }
    if (n->op == TC_GRAPH_MAXPOOL2D) {
        set_window(then(&c, "MaxPool", NULL, true), n, pads, true);
    } else if (n->count_exclude_pad || (pads[0] == 0 && pads[1] == 0)) {
        set_window(then(&c, "AveragePool", NULL, true), n, pads, false);
    } else {
        /* Padding counts as zeros, but not what rounding up adds behind it. */
        const int64_t zeros[8] = {0, 0, pads[0], pads[1], 0, 0, pads[0], pads[1]};
        const char *around = tci_onnx_value(&w->names, i, "%s:padding", w->names.layers[i].node);
        tci_onnx_constant_ints(w->onnx, around, 8, zeros);
        then(&c, "Pad", around, false);
        set_window(then(&c, "AveragePool", NULL, true), n, more, false);
    }
}

/* Means of windows along an axis as a matrix: (outputs, inputs), or its transpose. */
static void add_means(writer *w, const char *name, int64_t inputs, int64_t outputs, bool is_transposed) {
    float *values = calloc((size_t)(inputs * outputs), sizeof *values);
    if (!values) {
        w->status = tc_fail(TC_ERR_MEMORY, "export: out of memory");
        return;
    }
    for (int64_t o = 0; o < outputs; o++) {
        int64_t begin = o * inputs / outputs, end = ((o + 1) * inputs + outputs - 1) / outputs;
        for (int64_t k = begin; k < end; k++)
            values[is_transposed ? k * outputs + o : o * inputs + k] = 1 / (float)(end - begin);
    }
    tci_onnx_constant(w->onnx, name, 2,
                      is_transposed ? (int64_t[]){inputs, outputs} : (int64_t[]){outputs, inputs}, values);
    free(values);
}

/* ONNX has no adaptive pooling but the global one; its windows are those of two products, rows x and x columns. */
static void write_adaptive(writer *w, const tc_graph_node *n, int i) {
    chain c = chain_from(w, i, 0);
    if (n->output_shape[2] == 1 && n->output_shape[3] == 1) {
        then(&c, "GlobalAveragePool", NULL, true);
        return;
    }
    const char *rows = tci_onnx_value(&w->names, i, "%s:rows", w->names.layers[i].node);
    const char *columns = tci_onnx_value(&w->names, i, "%s:columns", w->names.layers[i].node);
    const char *input = c.at;
    add_means(w, rows, n->input_shape[2], n->output_shape[2], false);
    add_means(w, columns, n->input_shape[3], n->output_shape[3], true);
    c.at = rows;
    then(&c, "MatMul", input, false);
    then(&c, "MatMul", columns, true);
}

/* x / 2 (1 + erf(x / sqrt 2)), or with tanh(sqrt(2 / pi) (x + 0.044715 x^3)) in the place of erf. */
static void write_gelu(writer *w, const tc_graph_node *n, int i) {
    chain c = chain_from(w, i, 0);
    const char *x = c.at;
    if (n->op == TC_GRAPH_GELU) {
        then_number(&c, "Mul", 0.70710678f, false);
        then(&c, "Erf", NULL, false);
    } else {
        then(&c, "Mul", x, false);
        then(&c, "Mul", x, false);
        then_number(&c, "Mul", 0.044715f, false);
        then(&c, "Add", x, false);
        then_number(&c, "Mul", 0.79788456f, false);
        then(&c, "Tanh", NULL, false);
    }
    then_number(&c, "Add", 1, false);
    then(&c, "Mul", x, false);
    then_number(&c, "Mul", 0.5f, true);
}

static void write_node(writer *w, int i) {
    const tc_graph_node *n = &w->graph->nodes[i];
    chain c = chain_from(w, i, 0);
    const char *x = c.at;
    switch (n->op) {
    case TC_GRAPH_CONV2D:
        write_conv(w, n, i);
        break;
    case TC_GRAPH_LINEAR:
        write_linear(w, n, i);
        break;
    case TC_GRAPH_BATCHNORM2D:
        write_batchnorm(w, n, i);
        break;
    case TC_GRAPH_MAXPOOL2D:
    case TC_GRAPH_AVGPOOL2D:
        write_pool(w, n, i);
        break;
    case TC_GRAPH_ADAPTIVE_AVGPOOL2D:
        write_adaptive(w, n, i);
        break;
    case TC_GRAPH_RELU:
        then(&c, "Relu", NULL, true);
        break;
    case TC_GRAPH_LEAKY_RELU:
        tci_onnx_float(then(&c, "LeakyRelu", NULL, true), "alpha", n->number);
        break;
    case TC_GRAPH_GELU:
    case TC_GRAPH_GELU_TANH:
        write_gelu(w, n, i);
        break;
    case TC_GRAPH_SILU:
        then(&c, "Sigmoid", NULL, false);
        then(&c, "Mul", x, true);
        break;
    case TC_GRAPH_ADD:
        then(&c, "Add", value_of(w, n->inputs[1]), true);
        break;
    case TC_GRAPH_SCALE:
        then_number(&c, "Mul", n->number, true);
        break;
    case TC_GRAPH_FLATTEN:
        tci_onnx_int(then(&c, "Flatten", NULL, true), "axis", 1);
        break;
    case TC_GRAPH_LOG_SOFTMAX:
        tci_onnx_int(then(&c, "LogSoftmax", NULL, true), "axis", 1);
        break;
    }
}

/* ---- The model ------------------------------------------------------------------------------------------- */

static void add_step(writer *w, const char *op, const char *from, const char *constant, const char *to) {
    tci_onnx_reserve_node(&w->names, to);
    tci_onnx_reserve_value(&w->names, to);
    tci_onnx_add(w->onnx, op, to, (const char *const[]){from, constant, NULL}, to);
}

/* "input" becomes "picture": (scale v - mean) / deviation. */
static void write_preprocessing(writer *w, const int64_t shape[4], const tc_export_options *o) {
    const int64_t by_channel[4] = {1, shape[1], 1, 1};
    const float scale = o->scale > 0 ? o->scale : 1;
    if (!tci_export_normalises(o)) return;
    tci_onnx_constant(w->onnx, tci_onnx_reserve_value(&w->names, "scale"), 0, NULL, &scale);
    tci_onnx_constant(w->onnx, tci_onnx_reserve_value(&w->names, "mean"), 4, by_channel, o->mean);
    tci_onnx_constant(w->onnx, tci_onnx_reserve_value(&w->names, "deviation"), 4, by_channel, o->deviation);
    add_step(w, "Mul", "input", "scale", "scaled");
    add_step(w, "Sub", "scaled", "mean", "centred");
    add_step(w, "Div", "centred", "deviation", "picture");
}

/* Takes the array over; `bad`: it is not whole. */
static tc_status write_note(writer *w, const char *key, json_t *array, bool bad) {
    char *text = bad ? NULL : json_dumps(array, JSON_COMPACT | JSON_REAL_PRECISION(9));
    json_decref(array);
    if (!text) return tc_fail(TC_ERR_FORMAT, "export: %s: not UTF-8, or out of memory", key);
    tci_onnx_metadata(w->onnx, key, text);
    free(text);
    return TC_OK;
}

static tc_status write_numbers(writer *w, const char *key, const float *values, int64_t count) {
    json_t *array = json_array();
    bool bad = false;
    for (int64_t i = 0; values && i < count; i++)
        bad |= json_array_append_new(array, json_real((double)values[i])) != 0;
    if (values) return write_note(w, key, array, bad);
    json_decref(array);
    return TC_OK;
}

static tc_status write_metadata(writer *w, const int64_t shape[4], const tc_export_options *o) {
    /* What the net does by itself nobody shall do a second time. */
    if (!tci_export_normalises(o)) {
        TC_TRY(write_numbers(w, "mean", o->mean, shape[1]));
        TC_TRY(write_numbers(w, "deviation", o->deviation, shape[1]));
    }
    if (!o->class_names) return TC_OK;
    json_t *names = json_array();
    bool bad = false;
    for (int k = 0; k < o->classes; k++)
        bad |= json_array_append_new(names, json_string(o->class_names[k])) != 0;
    return write_note(w, "class_names", names, bad);
}

static tc_status write_model(writer *w, const int64_t shape[4], const tc_export_options *o,
                             const char *path) {
    const tc_graph *g = w->graph;
    const tc_graph_node *last = &g->nodes[g->count - 1];
    const void *bytes;
    size_t size;
    w->onnx = tci_onnx_create(w->names.arena, g->count * OPERATORS_PER_LAYER + PREPROCESSING,
                              g->count * CONSTANTS_PER_LAYER + PREPROCESSING);
    if (!w->onnx) return TC_ERR_MEMORY;
    tci_onnx_input(w->onnx, tci_onnx_reserve_value(&w->names, "input"), 4, shape);
    tci_onnx_output(w->onnx, tci_onnx_reserve_value(&w->names, "logits"), last->output_ndim,
                    last->output_shape);
    write_preprocessing(w, shape, o);
    tci_onnx_name_layers(&w->names);
    for (int i = 0; i < g->count; i++) write_node(w, i);
    TC_TRY(w->names.status);
    TC_TRY(w->status);
    TC_TRY(write_metadata(w, shape, o));
    TC_TRY(tci_onnx_finish(w->onnx, o->name ? o->name : "net", &bytes, &size));
    return tc_write_file(path, bytes, size);
}

static tc_status write_graph(const tc_graph *g, const int64_t shape[4], const tc_export_options *o,
                             const char *path) {
    writer w = {.graph = g, .picture = tci_export_normalises(o) ? "picture" : "input"};
    tc_arena *arena = tc_arena_create();
    if (!arena) return tc_fail(TC_ERR_MEMORY, "%s: out of memory", path);
    tc_status status = tci_onnx_names_create(g, arena, &w.names);
    if (status == TC_OK) status = write_model(&w, shape, o, path);
    tci_onnx_names_free(&w.names);
    tc_arena_free(arena);
    return status;
}

tc_status tc_export_onnx(tc_model *model, const int64_t shape[4], const tc_export_options *options,
                         const char *path) {
    static const tc_export_options none = {0};
    const tc_export_options *o = options ? options : &none;
    tc_folded net = {0};
    if (o->fold)
        TC_TRY(tc_folded_create(model, shape, &net));
    else
        TC_TRY(tc_graph_create(model, shape, &net.graph));
    tc_status status = tci_export_check(path, o, &net.graph, shape[1]);
    if (status == TC_OK) status = write_graph(&net.graph, shape, o, path);
    tc_folded_free(&net);
    return status;
}

const char *tc_protobuf_version(void) {
    return protobuf_c_version();
}
#else
tc_status tc_export_onnx(tc_model *model, const int64_t shape[4], const tc_export_options *options,
                         const char *path) {
    (void)model, (void)shape, (void)options;
    return tc_fail(TC_ERR_UNSUPPORTED, "%s: this build has no protobuf-c, which writes ONNX", path);
}

const char *tc_protobuf_version(void) {
    return NULL;
}
#endif
