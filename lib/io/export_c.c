/* export_c.c - a net as one file of C99: functions (export_c_helpers.c), weights, and a net_predict() that calls one after
 * the other.
 *
 * Planes lie one after the other (C, H, W), as the caller's picture does. Results live in buffers that are used again as
 * soon as nobody reads them any more; element-wise operations work in place. */
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export_c.h"
#include "export_options.h"
#include "tinycnn/checkpoint.h"
#include "tinycnn/export.h"
#include "tinycnn/version.h"

/* C99 promises a string literal no more, and compilers warn of it. */
enum { LITERAL_MAX = 4095 };

static tc_status check_literals(const char *path, const tc_export_options *o) {
    for (int k = 0; o->class_names && k < o->classes; k++)
        if (strlen(o->class_names[k]) > LITERAL_MAX)
            return tc_fail(TC_ERR_ARGUMENT,
                           "%s: the name of class %d has %zu bytes, a string in C has at most %d", path, k,
                           strlen(o->class_names[k]), LITERAL_MAX);
    return TC_OK;
}

/* ---- Names ----------------------------------------------------------------------------------------------- */

/* Bytes that are no plain letters, and the special ones, as octal numbers. */
static void write_byte(FILE *out, unsigned char c, const char *special) {
    if (c < ' ' || c >= 127 || strchr(special, c))
        fprintf(out, "\\%03o", c);
    else
        fputc(c, out);
}

/* A name within a comment, which it neither ends nor seems to begin anew. */
static void write_name(FILE *out, const char *name) {
    for (const char *c = name; *c; c++) {
        write_byte(out, (unsigned char)*c, "");
        if ((c[0] == '*' && c[1] == '/') || (c[0] == '/' && c[1] == '*')) fputc(' ', out);
    }
}

/* ---- Numbers --------------------------------------------------------------------------------------------- */

/* A float that C reads back to the same bits. */
static void write_float(FILE *out, float value) {
    char text[32];
    snprintf(text, sizeof text, "%.9g", (double)value);
    fprintf(out, "%s%sf", text, strpbrk(text, ".e") ? "" : ".0");
}

static void write_floats(FILE *out, const char *name, int node, const float *values, int64_t count) {
    fprintf(out, "static const float %s_%d[%lld] = {", name, node, (long long)count);
    for (int64_t i = 0; i < count; i++) {
        fputs(i % 8 == 0 ? "\n    " : " ", out);
        write_float(out, values[i]);
        fputc(',', out);
    }
    fputs("\n};\n", out);
}

/* The values of a weight in PyTorch's order; NULL if memory is short. */
static float *in_order(const tc_tensor *weight) {
    float *values = malloc((size_t)tc_numel(weight) * sizeof *values);
    if (values) tc_tensor_to_nchw(weight, values);
    return values;
}

/* The steps take the place of values that are written already. */
static void write_int8(FILE *out, int node, float *values, int64_t outputs, int64_t each) {
    fprintf(out, "static const signed char weight_%d[%lld] = {", node, (long long)(outputs * each));
    for (int64_t o = 0; o < outputs; o++) {
        float step = tci_int8_step(values + o * each, each);
        for (int64_t k = 0; k < each; k++)
            fprintf(out, "%s%d,", (o * each + k) % 20 == 0 ? "\n    " : " ",
                    (int)tci_int8(values[o * each + k], step));
        values[o] = step;
    }
    fputs("\n};\n", out);
    write_floats(out, "step", node, values, outputs);
}

static tc_status write_weights(FILE *out, const tc_graph *g, bool int8) {
    for (int i = 0; i < g->count; i++) {
        const tc_graph_node *n = &g->nodes[i];
        if (!n->weight) continue;
        fputs("\n/* ", out);
        write_name(out, n->path);
        fprintf(out, " %s */\n", n->type);
        if (n->op == TC_GRAPH_BATCHNORM2D) {
            write_floats(out, "factor", i, n->weight->data, tc_numel(n->weight));
            write_floats(out, "shift", i, n->bias->data, tc_numel(n->bias));
            continue;
        }
        float *values = in_order(n->weight);
        if (!values) return tc_fail(TC_ERR_MEMORY, "export: out of memory");
        int64_t outputs = n->weight->shape[0], count = tc_numel(n->weight);
        if (int8)
            write_int8(out, i, values, outputs, count / outputs);
        else
            write_floats(out, "weight", i, values, count);
        free(values);
        write_floats(out, "bias", i, n->bias->data, tc_numel(n->bias));
    }
    return TC_OK;
}

/* ---- Buffers --------------------------------------------------------------------------------------------- */

enum { BUFFERS_MAX = 64 };

typedef struct plan {
    int *buffer; /* of each node's result */
    int64_t size[BUFFERS_MAX];
    int count;
} plan;

static int64_t floats_of(const tc_graph_node *n) {
    int64_t count = 1;
    for (int i = 1; i < n->output_ndim; i++) count *= n->output_shape[i];
    return count;
}

static bool is_in_place(tc_graph_op op) {
    return tci_c_map_of(op) || op == TC_GRAPH_BATCHNORM2D || op == TC_GRAPH_LOG_SOFTMAX ||
           op == TC_GRAPH_FLATTEN;
}

/* The last node that reads node i's result; i itself if none does. */
static int last_reader(const tc_graph *g, int i) {
    int last = i;
    for (int k = i + 1; k < g->count; k++)
        for (int j = 0; j < g->nodes[k].input_count; j++)
            if (g->nodes[k].inputs[j] == i) last = k;
    return last;
}

/* Whether at node k some result in buffer b is still wanted by k or later, but for node `except`. */
static bool is_busy(const tc_graph *g, const plan *p, int b, int k, int except) {
    for (int i = 0; i < k; i++)
        if (i != except && p->buffer[i] == b && last_reader(g, i) >= k) return true;
    return false;
}

static tc_status make_plan(const tc_graph *g, plan *p) {
    *p = (plan){.buffer = malloc((size_t)g->count * sizeof(int))};
    if (!p->buffer) return tc_fail(TC_ERR_MEMORY, "export: out of memory");
    for (int k = 0; k < g->count; k++) {
        const tc_graph_node *n = &g->nodes[k];
        int from = n->inputs[0], chosen = -1;
        if (is_in_place(n->op) && from >= 0 && last_reader(g, from) == k &&
            !is_busy(g, p, p->buffer[from], k, from) && !(n->input_count == 2 && n->inputs[1] == from))
            chosen = p->buffer[from];
        for (int b = 0; b < p->count && chosen < 0; b++)
            if (!is_busy(g, p, b, k, -1)) chosen = b;
        if (chosen < 0) chosen = p->count++;
        if (p->count > BUFFERS_MAX)
            return tc_fail(TC_ERR_UNSUPPORTED, "export: more than %d results live at a time", BUFFERS_MAX);
        p->buffer[k] = chosen;
        if (floats_of(n) > p->size[chosen]) p->size[chosen] = floats_of(n);
    }
    return TC_OK;
}

/* ---- The function ------------------------------------------------------------------------------------------ */

static void write_result(FILE *out, const plan *p, int i) {
    if (i == TC_GRAPH_PICTURE)
        fputs("picture", out);
    else
        fprintf(out, "buffer_%d", p->buffer[i]);
}

/* Padding before the first element. */
static int64_t before(const tc_window *w) {
    return w->same ? w->dilation * (w->kernel - 1) / 2 : w->padding;
}

static void write_conv(FILE *out, const tc_graph_node *n, const plan *p, int i, bool int8) {
    const tc_window *h = &n->window[0], *w = &n->window[1];
    const int64_t *a = n->input_shape, *b = n->output_shape;
    fprintf(out,
            "    {\n        static const int k[] = {%d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, "
            "%d};\n",
            (int)a[1], (int)a[2], (int)a[3], (int)b[1], (int)b[2], (int)b[3], (int)h->kernel, (int)w->kernel,
            (int)h->stride, (int)w->stride, (int)before(h), (int)before(w), (int)h->dilation,
            (int)w->dilation, n->groups);
    fputs("        conv2d(", out);
    write_result(out, p, n->inputs[0]);
    fprintf(out, ", weight_%d, ", i);
    if (int8) fprintf(out, "step_%d, ", i);
    fprintf(out, "bias_%d, buffer_%d, k);\n    }\n", i, p->buffer[i]);
}

static void write_pool(FILE *out, const tc_graph_node *n, const plan *p, int i) {
    const tc_window *h = &n->window[0], *w = &n->window[1];
    fprintf(
        out,
        "    {\n        static const int k[] = {%d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d};\n",
        (int)n->input_shape[1], (int)n->input_shape[2], (int)n->input_shape[3], (int)n->output_shape[2],
        (int)n->output_shape[3], (int)h->kernel, (int)w->kernel, (int)h->stride, (int)w->stride,
        (int)h->padding, (int)w->padding, (int)h->dilation, (int)w->dilation, n->count_exclude_pad ? 0 : 1);
    fprintf(out, "        %s(", n->op == TC_GRAPH_MAXPOOL2D ? "maxpool2d" : "avgpool2d");
    write_result(out, p, n->inputs[0]);
    fprintf(out, ", buffer_%d, k);\n    }\n", p->buffer[i]);
}

/* What works in place gets a copy first where it may not write into its input. */
static void write_copy(FILE *out, const tc_graph_node *n, const plan *p, int i) {
    if (n->inputs[0] >= 0 && p->buffer[n->inputs[0]] == p->buffer[i]) return;
    fprintf(out, "    memcpy(buffer_%d, ", p->buffer[i]);
    write_result(out, p, n->inputs[0]);
    fprintf(out, ", %lld * sizeof(float));\n", (long long)floats_of(n));
}

static void write_map(FILE *out, const tc_graph_node *n, const plan *p, int i) {
    const tci_c_map *map = tci_c_map_of(n->op);
    write_copy(out, n, p, i);
    fprintf(out, "    %s(buffer_%d, %lld", map->name, p->buffer[i], (long long)floats_of(n));
    if (n->op == TC_GRAPH_ADD) {
        fputs(", ", out);
        write_result(out, p, n->inputs[1]);
    } else if (map->parameters[0]) {
        fputs(", ", out);
        write_float(out, n->number);
    }
    fputs(");\n", out);
}

static void write_node(FILE *out, const tc_graph_node *n, const plan *p, int i, bool int8) {
    fputs("    /* ", out);
    write_name(out, n->path);
    fprintf(out, " %s */\n", n->type);
    switch (n->op) {
    case TC_GRAPH_CONV2D:
        write_conv(out, n, p, i, int8);
        break;
    case TC_GRAPH_LINEAR:
        fputs("    linear(", out);
        write_result(out, p, n->inputs[0]);
        fprintf(out, ", weight_%d, ", i);
        if (int8) fprintf(out, "step_%d, ", i);
        fprintf(out, "bias_%d, buffer_%d, %lld, %lld);\n", i, p->buffer[i], (long long)n->input_shape[1],
                (long long)n->output_shape[1]);
        break;
    case TC_GRAPH_MAXPOOL2D:
    case TC_GRAPH_AVGPOOL2D:
        write_pool(out, n, p, i);
        break;
    case TC_GRAPH_ADAPTIVE_AVGPOOL2D:
        fputs("    adaptive_avgpool2d(", out);
        write_result(out, p, n->inputs[0]);
        fprintf(out, ", buffer_%d, %lld, %lld, %lld, %lld, %lld);\n", p->buffer[i],
                (long long)n->input_shape[1], (long long)n->input_shape[2], (long long)n->input_shape[3],
                (long long)n->output_shape[2], (long long)n->output_shape[3]);
        break;
    case TC_GRAPH_BATCHNORM2D:
        write_copy(out, n, p, i);
        fprintf(out, "    scale_shift(buffer_%d, factor_%d, shift_%d, %lld, %lld);\n", p->buffer[i], i, i,
                (long long)n->output_shape[1], (long long)(n->output_shape[2] * n->output_shape[3]));
        break;
    case TC_GRAPH_LOG_SOFTMAX:
        write_copy(out, n, p, i);
        fprintf(out, "    log_softmax(buffer_%d, %lld);\n", p->buffer[i], (long long)floats_of(n));
        break;
    case TC_GRAPH_FLATTEN:
        /* Planes lie in C, H, W order already. */
        write_copy(out, n, p, i);
        break;
    default:
        write_map(out, n, p, i);
    }
}

/* How pictures are to be normalised, where that is not done and known. */
static void write_numbers(FILE *out, const tc_export_options *o, int64_t channels) {
    if (tci_export_normalises(o) || !o->mean) return;
    const float *lists[] = {o->mean, o->deviation};
    for (int i = 0; i < 2; i++) {
        fputs(i == 0 ? " *       normalised: (v - mean) / deviation for values from 0 to 1, mean"
                     : "; deviation",
              out);
        for (int64_t c = 0; c < channels; c++) fprintf(out, "%s %.9g", c ? "," : "", (double)lists[i][c]);
    }
    fputs(".\n", out);
}

static void write_head(FILE *out, const tc_graph *g, const plan *p, const int64_t shape[4],
                       const tc_export_options *o) {
    int64_t memory = 0, weights = 0, factors = 0, classes = floats_of(&g->nodes[g->count - 1]);
    for (int b = 0; b < p->count; b++) memory += p->size[b] * (int64_t)sizeof(float);
    if (tci_export_normalises(o)) memory += shape[1] * shape[2] * shape[3] * (int64_t)sizeof(float);
    for (int i = 0; i < g->count; i++)
        if (g->nodes[i].weight)
            *(g->nodes[i].op == TC_GRAPH_BATCHNORM2D ? &factors : &weights) += tc_numel(g->nodes[i].weight);
    fputs("/* ", out);
    write_name(out, o->name ? o->name : "net");
    fprintf(out,
            ": a convolutional net as one file of C99, exported by tinycnn %s.\n"
            " *\n"
            " *     void net_predict(const float *nchw, float *logits);\n"
            " *\n"
            " * nchw: one picture, %lld planes of %lld rows of %lld pixels, %s.\n",
            tc_version(), (long long)shape[1], (long long)shape[2], (long long)shape[3],
            !tci_export_normalises(o)      ? "normalised"
            : o->scale > 0 && o->scale < 1 ? "values from 0 to 255"
                                           : "values from 0 to 1");
    write_numbers(out, o, shape[1]);
    fprintf(out,
            " * logits: %lld numbers, the largest is the class%s.\n"
            " *\n"
            " * %lld weights%s",
            (long long)classes, o->class_names ? ", see net_class_names" : "", (long long)weights,
            o->int8 ? ", 8 bits each with a step for each output channel" : "");
    if (factors) fprintf(out, ", %lld factors of batch norms", (long long)factors);
    fprintf(out,
            ". Static memory: %lld bytes, which two threads must not use at a time. No allocation. Link with "
            "-lm. */\n"
            "#include <math.h>\n#include <string.h>\n\n"
            "void net_predict(const float *nchw, float *logits);\n\n",
            (long long)memory);
}

static void write_class_names(FILE *out, const tc_export_options *o) {
    if (!o->class_names) return;
    fprintf(out, "extern const char *const net_class_names[%d];\nconst char *const net_class_names[%d] = {",
            o->classes, o->classes);
    for (int k = 0; k < o->classes; k++) {
        fprintf(out, "%s\"", k % 8 == 0 ? "\n    " : " ");
        for (const unsigned char *c = (const unsigned char *)o->class_names[k]; *c; c++)
            write_byte(out, *c, "\"\\?");
        fputs("\",", out);
    }
    fputs("\n};\n", out);
}

static void write_function(FILE *out, const tc_graph *g, const plan *p, const int64_t shape[4],
                           const tc_export_options *o) {
    int64_t pixels = shape[2] * shape[3];
    fputc('\n', out);
    for (int b = 0; b < p->count; b++)
        fprintf(out, "static float buffer_%d[%lld];\n", b, (long long)p->size[b]);
    if (tci_export_normalises(o)) {
        write_floats(out, "mean", 0, o->mean, shape[1]);
        write_floats(out, "deviation", 0, o->deviation, shape[1]);
        fprintf(out, "static float normal[%lld];\n", (long long)(shape[1] * pixels));
    }
    fputs("\nvoid net_predict(const float *nchw, float *logits) {\n", out);
    if (tci_export_normalises(o)) {
        fprintf(
            out,
            "    const float *picture = normal;\n    int i;\n    for (i = 0; i < %lld; i++) normal[i] = (",
            (long long)(shape[1] * pixels));
        if (o->scale > 0 && o->scale != 1) {
            write_float(out, o->scale);
            fputs(" * ", out);
        }
        fprintf(out, "nchw[i] - mean_0[i / %lld]) / deviation_0[i / %lld];\n", (long long)pixels,
                (long long)pixels);
    } else {
        fputs("    const float *picture = nchw;\n", out);
    }
    for (int i = 0; i < g->count; i++) write_node(out, &g->nodes[i], p, i, o->int8);
    fprintf(out, "    memcpy(logits, buffer_%d, %lld * sizeof(float));\n}\n", p->buffer[g->count - 1],
            (long long)floats_of(&g->nodes[g->count - 1]));
}

static tc_status write_all(FILE *out, const tc_graph *g, const int64_t shape[4], const tc_export_options *o) {
    plan p;
    tc_status status = make_plan(g, &p);
    if (status == TC_OK) {
        write_head(out, g, &p, shape, o);
        tci_c_write_helpers(out, g, o->int8);
        write_class_names(out, o);
        status = write_weights(out, g, o->int8);
    }
    if (status == TC_OK) write_function(out, g, &p, shape, o);
    free(p.buffer);
    return status;
}

/* The host's locale may have another decimal point than C has. */
static tc_status write_with_points(FILE *out, const tc_graph *g, const int64_t shape[4],
                                   const tc_export_options *o) {
    locale_t plain = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    if (!plain) return tc_fail(TC_ERR_MEMORY, "export: out of memory");
    locale_t hosts = uselocale(plain);
    tc_status status = write_all(out, g, shape, o);
    uselocale(hosts);
    freelocale(plain);
    return status;
}

tc_status tc_export_c(tc_model *model, const int64_t shape[4], const tc_export_options *options,
                      const char *path) {
    static const tc_export_options none = {0};
    const tc_export_options *o = options ? options : &none;
    tc_folded folded;
    char *text = NULL;
    size_t size = 0;
    if (shape[0] != 1)
        return tc_fail(TC_ERR_ARGUMENT, "export: the shape has %lld pictures, expected is one",
                       (long long)shape[0]);
    TC_TRY(tc_folded_create(model, shape, &folded));
    /* The net has taken the shape: there are as many channels as it says. */
    tc_status status = tci_export_check(path, o, &folded.graph, shape[1]);
    if (status == TC_OK) status = check_literals(path, o);
    FILE *out = status == TC_OK ? open_memstream(&text, &size) : NULL;
    if (status == TC_OK)
        status = out ? write_with_points(out, &folded.graph, shape, o)
                     : tc_fail(TC_ERR_MEMORY, "%s: out of memory", path);
    bool is_whole = out && !ferror(out);
    if (out && fclose(out) != 0) is_whole = false;
    if (!is_whole && status == TC_OK) status = tc_fail(TC_ERR_MEMORY, "%s: out of memory", path);
    if (status == TC_OK) status = tc_write_file(path, text, size);
    free(text);
    tc_folded_free(&folded);
    return status;
}
