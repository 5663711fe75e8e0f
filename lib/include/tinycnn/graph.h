/* graph.h - a net as a list of operations with their numbers, for whoever writes it down in another form.
 *
 *     tc_graph graph;
 *     TC_TRY(tc_graph_create(model, (int64_t[]){1, 3, 32, 32}, &graph));
 *     for (int i = 0; i < graph.count; i++) write(&graph.nodes[i]);
 *     tc_graph_free(&graph);
 *
 * The net is one in evaluation mode: dropout is not in the list, batch norm uses its running statistics. */
#ifndef TINYCNN_GRAPH_H
#define TINYCNN_GRAPH_H

#include "tinycnn/nn.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum tc_graph_op {
    TC_GRAPH_CONV2D,             /* weight, bias or NULL, window, groups */
    TC_GRAPH_LINEAR,             /* weight, bias or NULL */
    TC_GRAPH_BATCHNORM2D,        /* weight and bias or NULL, running_mean, running_var, number: eps */
    TC_GRAPH_MAXPOOL2D,          /* window */
    TC_GRAPH_AVGPOOL2D,          /* window, count_exclude_pad */
    TC_GRAPH_ADAPTIVE_AVGPOOL2D, /* to the shape of the result; global_avgpool2d is one to 1 x 1 */
    TC_GRAPH_RELU,
    TC_GRAPH_LEAKY_RELU, /* number: negative slope */
    TC_GRAPH_GELU,
    TC_GRAPH_GELU_TANH,
    TC_GRAPH_SILU,
    TC_GRAPH_ADD,        /* of two inputs */
    TC_GRAPH_SCALE,      /* number: factor */
    TC_GRAPH_FLATTEN,    /* in C, H, W order */
    TC_GRAPH_LOG_SOFTMAX /* over dimension 1 */
} tc_graph_op;

enum { TC_GRAPH_PICTURE = -1 /* as an input: the picture */ };

typedef struct tc_graph_node {
    tc_graph_op op;
    const char *type, *path; /* "conv2d", "layer1.0.conv1" */
    int inputs[2];           /* indices of nodes before it, or TC_GRAPH_PICTURE */
    int input_count;
    int input_ndim, output_ndim;
    int64_t input_shape[TC_MAX_DIMS], output_shape[TC_MAX_DIMS]; /* of the first input, and of the result */
    const tc_tensor *weight, *bias, *running_mean, *running_var; /* the model's */
    tc_window window[2];                                         /* along height and width */
    int groups;
    bool count_exclude_pad;
    float number;
} tc_graph_node;

typedef struct tc_graph {
    int count;
    tc_graph_node *nodes; /* in an order in which they can be computed; the last is the net's result */
} tc_graph;

/* Runs the net once on zeros of `shape` (N, C, H, W). Names and tensors stay the model's. On failure, e.g. a layer whose
 * shapes do not fit or a batch norm without running statistics, nothing is left to free. */
tc_status tc_graph_create(tc_model *model, const int64_t shape[4], tc_graph *graph);
void tc_graph_free(tc_graph *graph);

/* TC_ERR_NUMERIC with the tensor's name where one holds a value that is not finite, or a running variance below 0. */
tc_status tc_graph_check(const tc_graph *graph);

#ifdef __cplusplus
}
#endif
#endif
