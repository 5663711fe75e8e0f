/* nn.h - modules: layers that hold their parameters, and the nets made of them.
 *
 * A net is written as an expression (see models/lesson.c):
 *
 *     tc_module *net = tc_sequential(tc_nn_conv2d(3, 32, 3, .padding = 1), tc_nn_relu(), tc_nn_maxpool2d(2),
 *                                    tc_nn_flatten(), tc_nn_linear(32 * 16 * 16, 10));
 *     tc_model *model;
 *     tc_status status = tc_model_create(net, seed, &model);
 *
 * Constructors only describe; tc_model_create() takes the description over (also when it fails), makes and
 * initialises the parameters. A constructor that fails returns NULL, a container with a NULL child returns
 * NULL, and tc_model_create(NULL, ...) reports what went wrong first: one check for the whole expression.
 *
 * The first argument of a layer is always given by place: its name stands in the macro, which makes the whole
 * a designated initialiser, and those may leave fields out without a warning. */
#ifndef TINYCNN_NN_H
#define TINYCNN_NN_H

#include <stdio.h>

#include "tinycnn/ops.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tc_module tc_module;

/* For a description that is not handed to a container or a model. */
void tc_module_free(tc_module *module);

/* ---- Containers --------------------------------------------------------------------------------------- */

/* Applies its children in turn. Where one follows that can be computed in the same pass (conv2d, linear,
 * batchnorm2d or residual, then relu), it asks for that. Children are called "0", "1", ... in parameter
 * paths, unless named. */
#define tc_sequential(...)                                                                                   \
    tc_sequential_from((tc_module *const[]){__VA_ARGS__},                                                    \
                       (int)(sizeof((tc_module *const[]){__VA_ARGS__}) / sizeof(tc_module *)))
tc_module *tc_sequential_from(tc_module *const *children, int count);

/* body(x) + shortcut(x) (He, Zhang, Ren, Sun 2015). The body's parameters take the path of the block, the shortcut's the path
 * of the block and "downsample", as in torchvision. */
tc_module *tc_residual(tc_module *body, tc_module *shortcut);
/* body(x) + x */
tc_module *tc_residual_identity(tc_module *body);

/* Names a module in the paths of its parameters: tc_named("conv1", tc_nn_conv2d(...)) gives "conv1.weight".
 * The name is copied; no '.' in it. Returns module. */
tc_module *tc_named(const char *name, tc_module *module);

/* ---- Layers: arguments in PyTorch's order, options by name -------------------------------------------- */

typedef struct tc_nn_conv2d_args {
    int in_channels, out_channels;
    tc_hw kernel_size;
    tc_hw stride;   /* 0: 1 */
    tc_hw padding;  /* or TC_SAME */
    tc_hw dilation; /* 0: 1 */
    int groups;     /* 0: 1 */
    bool no_bias;
} tc_nn_conv2d_args;
#define tc_nn_conv2d(...) tc_nn_conv2d_from((tc_nn_conv2d_args){.in_channels = __VA_ARGS__})
tc_module *tc_nn_conv2d_from(tc_nn_conv2d_args args);

typedef struct tc_nn_linear_args {
    int in_features, out_features;
    bool no_bias;
} tc_nn_linear_args;
#define tc_nn_linear(...) tc_nn_linear_from((tc_nn_linear_args){.in_features = __VA_ARGS__})
tc_module *tc_nn_linear_from(tc_nn_linear_args args);

typedef struct tc_nn_batchnorm2d_args {
    int num_features;
    float eps;      /* 0: 1e-5 */
    float momentum; /* 0: 0.1 */
    bool no_affine;
    bool no_running_stats; /* evaluation then uses the batch's statistics too */
} tc_nn_batchnorm2d_args;
#define tc_nn_batchnorm2d(...) tc_nn_batchnorm2d_from((tc_nn_batchnorm2d_args){.num_features = __VA_ARGS__})
tc_module *tc_nn_batchnorm2d_from(tc_nn_batchnorm2d_args args);

#define tc_nn_maxpool2d(...) tc_nn_maxpool2d_from((tc_pool2d_options){.kernel_size = __VA_ARGS__})
#define tc_nn_avgpool2d(...) tc_nn_avgpool2d_from((tc_pool2d_options){.kernel_size = __VA_ARGS__})
tc_module *tc_nn_maxpool2d_from(tc_pool2d_options options);
tc_module *tc_nn_avgpool2d_from(tc_pool2d_options options);
tc_module *tc_nn_adaptive_avgpool2d(tc_hw output_size);
tc_module *tc_nn_global_avgpool2d(void);

tc_module *tc_nn_relu(void);
tc_module *tc_nn_leaky_relu(float negative_slope); /* PyTorch's default: 0.01f */
tc_module *tc_nn_gelu(tc_gelu_form form);
tc_module *tc_nn_silu(void);
tc_module *tc_nn_dropout(float p); /* PyTorch's default: 0.5f */
tc_module *tc_nn_flatten(void);
tc_module *tc_nn_scale(float factor);
tc_module *tc_nn_log_softmax(void); /* over dim 1 */

/* ---- Models ------------------------------------------------------------------------------------------- */

typedef struct tc_model tc_model;

typedef struct tc_parameter {
    const char *name;  /* PyTorch's path: "layer1.0.conv1.weight" */
    const char *layer; /* type of its layer: "conv2d"; NULL for the state of an optimiser */
    tc_tensor *tensor; /* requires_grad false: not trained (buffers, and what a caller froze) */
} tc_parameter;

/* How weights begin. PyTorch's default for conv2d and linear: weight and bias uniform in +-1/sqrt(fan_in)
 * (He's uniform rule with a = sqrt(5)). He: weight normal with deviation sqrt(2 / fan_in), bias 0 (He, Zhang,
 * Ren, Sun 2015). Dirac: as PyTorch's, then the first C filters of a conv2d with C inputs and at least C outputs hand
 * one channel on each (torch.nn.init.dirac_; Zagoruyko and Komodakis 2017). Batch norm: weight 1, bias 0. */
typedef enum tc_init { TC_INIT_PYTORCH, TC_INIT_HE, TC_INIT_DIRAC } tc_init;

/* Takes `root` over in any case. On failure *model is NULL. Parameters begin with TC_INIT_PYTORCH. */
tc_status tc_model_create(tc_module *root, uint64_t seed, tc_model **model);
void tc_model_free(tc_model *model);
/* Draws all parameters anew and resets the buffers; thaws the model. */
void tc_model_init(tc_model *model, tc_init init, uint64_t seed);

/* Sets the weight (O, C, KH, KW) of a first convolution so that its results are decorrelated and of equal variance
 * over the patches of x (N, C, H, W): with K = C KH KW, v and e the eigenvectors and eigenvalues of the patches'
 * second moments E[p p^T] (K, K), filters v / sqrt(e + eps) by falling e, then their negatives, as many as O allows;
 * O is at most 2 K. `threads` 0: all cores. The largest component of each v is positive. TC_ERR_SHAPE where the
 * shapes do not fit, TC_ERR_NUMERIC where a pixel is not finite, or where e + eps is 0; then the weight stays as it
 * was. Page 2018, Jordan 2024. */
tc_status tc_init_whitening(tc_tensor *weight, const tc_tensor *x, double eps, int threads);

/* x in, result of the last layer out; NULL with the failure on the tape. Layers follow the tape's mode. Within the
 * model, batch norm and activations are worked out by the layer after them as it reads, and tc_backward() gives
 * each layer's result back as soon as it has seen it. */
tc_tensor *tc_model_forward(tc_model *model, tc_tape *tape, tc_tensor *x);

/* Sees the result of one layer, containers included (a residual block's sum is the block's); "conv1", "conv2d". */
typedef void (*tc_layer_observer)(void *context, const char *path, const char *type, tc_tensor *result);

/* tc_model_forward() for looking inside: every layer is computed on its own, nothing in the pass of another, and its
 * result is handed to `observe` in the order of computation. Results stay valid until the tape is reset, whether it
 * records or not; one whose retain_grad is set by the observer keeps its gradient after tc_backward(). The numbers
 * are those of tc_model_forward() but for rounding. */
tc_tensor *tc_model_forward_observed(tc_model *model, tc_tape *tape, tc_tensor *x, tc_layer_observer observe,
                                     void *context);

/* For inference: until tc_model_thaw() the parameters will not change, so that in evaluation mode the form in
 * which kernels want the weights is made once and not at every call. tc_model_init(), tc_checkpoint_load() and
 * a forward pass in training mode thaw; whoever writes to a parameter by hand must do so himself. Matters for small
 * batches; takes memory of one to four times the convolutions' weights. Weights are made ready by the first forward
 * pass that wants them: while passes with new shapes may come, the model serves one thread. TC_ERR_MEMORY leaves the
 * model thawed. */
tc_status tc_model_freeze(tc_model *model);
void tc_model_thaw(tc_model *model);

/* Parameters in the order of the net, then the same for buffers. */
int tc_model_parameter_count(const tc_model *model);
tc_parameter *tc_model_parameter(tc_model *model, int index);
int tc_model_buffer_count(const tc_model *model);
tc_parameter *tc_model_buffer(tc_model *model, int index);
/* Counters of batch norm ("...num_batches_tracked"), 64-bit integers in PyTorch. */
int tc_model_counter_count(const tc_model *model);
int64_t *tc_model_counter(tc_model *model, int index, const char **name);
/* By name; NULL if there is none. */
tc_parameter *tc_model_find(tc_model *model, const char *name);
/* All trainable elements. */
int64_t tc_model_parameter_elements(const tc_model *model);
void tc_model_zero_grad(tc_model *model);

/* ---- Summary ------------------------------------------------------------------------------------------ */

typedef struct tc_layer_summary {
    const char *path; /* "layer1.0.conv1" */
    const char *type; /* "conv2d" */
    int ndim;
    int64_t output_shape[TC_MAX_DIMS]; /* for one picture */
    int64_t parameters;
    int64_t multiply_adds;    /* for one picture */
    int64_t activation_bytes; /* what training keeps of this layer for one picture, with max pooling which
                                 pixels won; 0 where it is computed in the pass of the layer before, where
                                 that layer's result is pooled in its own pass, and for batchnorm2d, relu and
                                 the exact gelu of pictures, which are left to the layer after */
    int64_t receptive_field_h,
        receptive_field_w;  /* input pixels that one output element sees; 0 after flatten */
    int64_t jump_h, jump_w; /* input pixels from what one output element sees to what its neighbour sees */
    int64_t input_shape[TC_MAX_DIMS];
    tc_window window[2]; /* of the layer along height and width, if it has one */
    bool slides,
        divides; /* its windows have a size of their own, or divide the picture among them (adaptive and
                              global pooling) */
} tc_layer_summary;

/* Runs one picture of `shape` (1, C, H, W) through the net and writes a row a layer into `rows` (at most
 * `capacity`); *count is the number of layers. Where a layer fails, rows and *count are those that ran before it; the
 * sentence names it. */
tc_status tc_model_summary(tc_model *model, const int64_t shape[4], tc_layer_summary *rows, int capacity,
                           int *count);
/* The same as a table with totals. TC_ERR_IO if the stream fails. */
tc_status tc_model_summary_write(tc_model *model, const int64_t shape[4], FILE *stream);

#ifdef __cplusplus
}
#endif
#endif
