/* graph.c - lets the net run once, every layer on its own, and takes down what ran; which tensor came from which node
 * tells the edges. */
#include "tinycnn/graph.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

typedef struct recorder {
    tc_graph graph;
    const tc_tensor **results; /* of each node */
    int room;
    tc_status status;
} recorder;

static int node_of(const recorder *r, const tc_tensor *t) {
    for (int i = r->graph.count - 1; i >= 0; i--)
        if (r->results[i] == t) return i;
    return TC_GRAPH_PICTURE;
}

static bool make_room(recorder *r) {
    if (r->graph.count < r->room) return true;
    int room = r->room ? 2 * r->room : 32;
    tc_graph_node *nodes = realloc(r->graph.nodes, (size_t)room * sizeof *nodes);
    if (nodes) r->graph.nodes = nodes;
    const tc_tensor **results = realloc(r->results, (size_t)room * sizeof *results);
    if (results) r->results = results;
    if (nodes && results) r->room = room;
    return nodes && results;
}

static void take_down(tci_run *run, const tc_module *module, const tc_tensor *x, const tc_tensor *y) {
    recorder *r = run->context;
    /* What hands its input on (dropout in evaluation, flatten of two dimensions) is no operation. */
    if (module->type->container || x == y || r->status != TC_OK) return;
    if (!module->type->describe || !make_room(r)) {
        r->status = module->type->describe
                        ? tc_fail(TC_ERR_MEMORY, "graph: out of memory")
                        : tc_fail(TC_ERR_UNSUPPORTED, "graph: layer %s: %s cannot be described", module->path,
                                  module->type->name);
        return;
    }
    tc_graph_node *node = &r->graph.nodes[r->graph.count];
    *node = (tc_graph_node){.type = module->type->name,
                            .path = module->path,
                            .inputs = {node_of(r, x), 0},
                            .input_count = 1,
                            .input_ndim = x->ndim,
                            .output_ndim = y->ndim,
                            .groups = 1};
    memcpy(node->input_shape, x->shape, sizeof node->input_shape);
    memcpy(node->output_shape, y->shape, sizeof node->output_shape);
    module->type->describe(module, node);
    if (node->op == TC_GRAPH_ADD) {
        node->input_count = 2;
        node->inputs[0] = node_of(r, run->summands[0]);
        node->inputs[1] = node_of(r, run->summands[1]);
    }
    if (module->type->window) {
        tci_reach reach = module->type->window(module, x);
        memcpy(node->window, reach.axis, sizeof node->window);
    }
    if (node->op == TC_GRAPH_BATCHNORM2D && !node->running_mean)
        r->status = tc_fail(TC_ERR_UNSUPPORTED, "graph: layer %s: a batch norm without running statistics",
                            module->path);
    r->results[r->graph.count++] = y;
}

tc_status tc_graph_create(tc_model *model, const int64_t shape[4], tc_graph *graph) {
    *graph = (tc_graph){0};
    tc_tape *tape = tc_tape_create(NULL);
    if (!tape) return TC_ERR_MEMORY;
    tc_tape_eval(tape);
    recorder r = {.status = TC_OK};
    tci_run run = {.tape = tape, .observe = take_down, .context = &r, .apart = true};
    tc_tensor *x = tc_tensor_create(tc_tape_arena(tape), 4, shape);
    tc_status status = x ? TC_OK : TC_ERR_SHAPE;
    if (x && !tci_module_forward(model->root, &run, x))
        status = tc_fail(tc_tape_status(tape), "%s", tc_tape_error(tape));
    if (status == TC_OK) status = r.status;
    if (status == TC_OK && r.graph.count == 0)
        status = tc_fail(TC_ERR_STATE, "graph: this net computes nothing");
    tc_tape_free(tape);
    free(r.results);
    if (status == TC_OK)
        *graph = r.graph;
    else
        free(r.graph.nodes);
    return status;
}

void tc_graph_free(tc_graph *graph) {
    free(graph->nodes);
    *graph = (tc_graph){0};
}

static tc_status check_values(const tc_graph_node *n, const char *name, const tc_tensor *t, float least) {
    for (int64_t i = 0; t && i < tc_numel(t); i++)
        if (!isfinite(t->data[i]) || t->data[i] < least)
            return tc_fail(TC_ERR_NUMERIC, "%s%s%s: holds %g, expected %s", n->path, *n->path ? "." : "",
                           name, (double)t->data[i], least == 0 ? "0 or more" : "finite numbers");
    return TC_OK;
}

tc_status tc_graph_check(const tc_graph *graph) {
    for (const tc_graph_node *n = graph->nodes; n < graph->nodes + graph->count; n++) {
        TC_TRY(check_values(n, "weight", n->weight, -INFINITY));
        TC_TRY(check_values(n, "bias", n->bias, -INFINITY));
        TC_TRY(check_values(n, "running_mean", n->running_mean, -INFINITY));
        TC_TRY(check_values(n, "running_var", n->running_var, 0));
    }
    return TC_OK;
}
