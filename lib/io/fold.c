/* fold.c - y = g (x - m) / sqrt(v + eps) + b is a straight line for each channel, and so is what a convolution does to its
 * result; one line after another is one line. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "export_c.h"
#include "tinycnn/export.h"

/* How many nodes read the result of node i. */
static int readers(const tc_graph *g, int i) {
    int count = 0;
    for (int k = 0; k < g->count; k++)
        for (int j = 0; j < g->nodes[k].input_count; j++) count += g->nodes[k].inputs[j] == i;
    return count;
}

static tc_tensor *copy_of(tc_arena *arena, const tc_tensor *t) {
    tc_tensor *copy = tc_tensor_create(arena, t->ndim, t->shape);
    if (copy) memcpy(copy->data, t->data, (size_t)tc_numel(t) * sizeof(float));
    return copy;
}

/* Weights are changed in copies; a layer with a bias or a batch norm behind it gets one of its own. */
static tc_status own_weights(tc_folded *f) {
    for (int i = 0; i < f->graph.count; i++) {
        tc_graph_node *n = &f->graph.nodes[i];
        if (n->op != TC_GRAPH_CONV2D && n->op != TC_GRAPH_LINEAR) continue;
        n->weight = copy_of(f->arena, n->weight);
        n->bias = n->bias ? copy_of(f->arena, n->bias) : tc_tensor_new(f->arena, n->weight->shape[0]);
        if (!n->weight || !n->bias) return TC_ERR_MEMORY;
    }
    return TC_OK;
}

/* The line of channel c. */
static void line_of(const tc_graph_node *bn, int64_t c, double *factor, double *shift) {
    double weight = bn->weight ? (double)bn->weight->data[c] : 1,
           bias = bn->bias ? (double)bn->bias->data[c] : 0;
    *factor = weight / sqrt((double)bn->running_var->data[c] + (double)bn->number);
    *shift = bias - (double)bn->running_mean->data[c] * *factor;
}

static void fold_into(tc_graph_node *layer, const tc_graph_node *bn) {
    int64_t outputs = layer->weight->shape[0], values = tc_numel(layer->weight) / outputs;
    for (int64_t o = 0; o < outputs; o++) {
        double factor, shift;
        line_of(bn, o, &factor, &shift);
        /* In the layout of the model the values of an output lie side by side. */
        for (int64_t k = 0; k < values; k++) {
            float *w = &layer->weight->data[o * values + k];
            *w = (float)((double)*w * factor);
        }
        layer->bias->data[o] = (float)((double)layer->bias->data[o] * factor + shift);
    }
}

/* A batch norm that stays alone: only its line is left of it. */
static tc_status straighten(tc_folded *f, tc_graph_node *bn) {
    int64_t channels = bn->running_mean->shape[0];
    tc_tensor *weight = tc_tensor_new(f->arena, channels), *bias = tc_tensor_new(f->arena, channels);
    tc_tensor *mean = tc_tensor_new(f->arena, channels), *variance = tc_tensor_new(f->arena, channels);
    if (!weight || !bias || !mean || !variance) return TC_ERR_MEMORY;
    for (int64_t c = 0; c < channels; c++) {
        double factor, shift;
        line_of(bn, c, &factor, &shift);
        weight->data[c] = (float)factor;
        bias->data[c] = (float)shift;
        variance->data[c] = 1;
    }
    bn->weight = weight, bn->bias = bias, bn->running_mean = mean, bn->running_var = variance;
    bn->number = 0;
    return TC_OK;
}

/* Node i is gone; who read it reads `instead`. */
static void remove_node(tc_graph *g, int i, int instead) {
    memmove(g->nodes + i, g->nodes + i + 1, (size_t)(g->count - i - 1) * sizeof *g->nodes);
    g->count--;
    for (int k = 0; k < g->count; k++)
        for (int j = 0; j < g->nodes[k].input_count; j++) {
            int *input = &g->nodes[k].inputs[j];
            if (*input == i)
                *input = instead;
            else if (*input > i)
                --*input;
        }
}

static tc_status fold(tc_folded *f) {
    tc_graph *g = &f->graph;
    TC_TRY(own_weights(f));
    for (int i = 0; i < g->count; i++) {
        tc_graph_node *bn = &g->nodes[i];
        if (bn->op != TC_GRAPH_BATCHNORM2D) continue;
        int from = bn->inputs[0];
        bool folds = from >= 0 && readers(g, from) == 1 &&
                     (g->nodes[from].op == TC_GRAPH_CONV2D || g->nodes[from].op == TC_GRAPH_LINEAR);
        if (!folds) {
            TC_TRY(straighten(f, bn));
            continue;
        }
        fold_into(&g->nodes[from], bn);
        remove_node(g, i--, from);
    }
    return TC_OK;
}

tc_status tc_folded_create(tc_model *model, const int64_t shape[4], tc_folded *folded) {
    *folded = (tc_folded){0};
    TC_TRY(tc_graph_create(model, shape, &folded->graph));
    folded->arena = tc_arena_create();
    tc_status status = folded->arena ? fold(folded) : tc_fail(TC_ERR_MEMORY, "export: out of memory");
    if (status != TC_OK) tc_folded_free(folded);
    return status;
}

void tc_folded_free(tc_folded *folded) {
    tc_graph_free(&folded->graph);
    tc_arena_free(folded->arena);
    *folded = (tc_folded){0};
}

/* Below the normal numbers a quotient is so coarse that a weight may be more than 127 of it. */
float tci_int8_step(const float *values, int64_t count) {
    float most = 0;
    for (int64_t k = 0; k < count; k++) most = fmaxf(most, fabsf(values[k]));
    return most / 127 < FLT_MIN ? 0 : most / 127;
}

/* Rounding down, if that is the host's mode, may lead just past 127. */
float tci_int8(float value, float step) {
    float steps = step > 0 ? rintf(value / step) : 0 * value;
    return steps > 127 ? 127 : steps < -127 ? -127 : steps;
}

void tc_folded_quantize(tc_folded *folded) {
    for (int i = 0; i < folded->graph.count; i++) {
        const tc_tensor *w = folded->graph.nodes[i].weight;
        tc_graph_op op = folded->graph.nodes[i].op;
        if (op != TC_GRAPH_CONV2D && op != TC_GRAPH_LINEAR) continue;
        int64_t values = tc_numel(w) / w->shape[0];
        for (int64_t o = 0; o < w->shape[0]; o++) {
            float *row = w->data + o * values, step = tci_int8_step(row, values);
            for (int64_t k = 0; k < values; k++) row[k] = tci_int8(row[k], step) * step;
        }
    }
}

/* ---- Running it ------------------------------------------------------------------------------------------ */

static tc_tensor *run_node(const tc_graph_node *n, tc_tape *tape, tc_tensor *x, tc_tensor *second) {
    const tc_window *h = &n->window[0], *w = &n->window[1];
    tc_tensor *weight = (tc_tensor *)n->weight, *bias = (tc_tensor *)n->bias;
#define PAIR(field) TC_HW(h->field, w->field)
    tc_pool2d_options pool = {.kernel_size = PAIR(kernel),
                              .stride = PAIR(stride),
                              .padding = PAIR(padding),
                              .dilation = PAIR(dilation),
                              .ceil_mode = h->ceil_mode,
                              .count_exclude_pad = n->count_exclude_pad};
    switch (n->op) {
    case TC_GRAPH_CONV2D:
        return tc_conv2d(tape, x, weight, bias,
                         &(tc_conv2d_options){.stride = PAIR(stride),
                                              .padding = h->same ? TC_SAME : PAIR(padding),
                                              .dilation = PAIR(dilation),
                                              .groups = n->groups});
    case TC_GRAPH_LINEAR:
        return tc_linear(tape, x, weight, bias, TC_ACTIVATION_NONE);
    case TC_GRAPH_BATCHNORM2D: {
        /* An eps of 0 would mean the default; the least float stands for it. */
        float eps = n->number > 0 ? n->number : 1e-38f;
        return tc_batchnorm2d(tape, x, weight, bias, (tc_tensor *)n->running_mean,
                              (tc_tensor *)n->running_var, &(tc_batchnorm2d_options){.eps = eps});
    }
    case TC_GRAPH_MAXPOOL2D:
        return tc_maxpool2d(tape, x, &pool);
    case TC_GRAPH_AVGPOOL2D:
        return tc_avgpool2d(tape, x, &pool);
    case TC_GRAPH_ADAPTIVE_AVGPOOL2D:
        return tc_adaptive_avgpool2d(tape, x, TC_HW(n->output_shape[2], n->output_shape[3]));
    case TC_GRAPH_RELU:
        return tc_relu(tape, x);
    case TC_GRAPH_LEAKY_RELU:
        return tc_leaky_relu(tape, x, n->number);
    case TC_GRAPH_GELU:
        return tc_gelu(tape, x, TC_GELU_EXACT);
    case TC_GRAPH_GELU_TANH:
        return tc_gelu(tape, x, TC_GELU_TANH);
    case TC_GRAPH_SILU:
        return tc_silu(tape, x);
    case TC_GRAPH_ADD:
        return tc_add(tape, x, second, TC_ACTIVATION_NONE);
    case TC_GRAPH_SCALE:
        return tc_scale(tape, x, n->number);
    case TC_GRAPH_FLATTEN:
        return tc_flatten(tape, x);
    case TC_GRAPH_LOG_SOFTMAX:
        return tc_log_softmax(tape, x);
    }
    return NULL;
#undef PAIR
}

tc_tensor *tc_graph_forward(const tc_graph *graph, tc_tape *tape, tc_tensor *x) {
    tc_tensor **results = tc_arena_alloc(tc_tape_arena(tape), (size_t)graph->count * sizeof *results);
    if (!results) return NULL;
    for (int i = 0; i < graph->count; i++) {
        const tc_graph_node *n = &graph->nodes[i];
        tc_tensor *first = n->inputs[0] == TC_GRAPH_PICTURE ? x : results[n->inputs[0]];
        tc_tensor *second = n->input_count < 2                 ? NULL
                            : n->inputs[1] == TC_GRAPH_PICTURE ? x
                                                               : results[n->inputs[1]];
        results[i] = run_node(n, tape, first, second);
        if (!results[i]) return NULL;
    }
    return results[graph->count - 1];
}
