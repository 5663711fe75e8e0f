/* export.h - a trained net in forms that need no tinycnn: a file of C, an ONNX model.
 *
 * Both take a net for one shape of picture and write a file whole or not at all. */
#ifndef TINYCNN_EXPORT_H
#define TINYCNN_EXPORT_H

#include "tinycnn/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tc_export_options {
    const char *name;               /* of the net, for people; NULL: "net" */
    int classes;                    /* of class_names: the net's outputs */
    const char *const *class_names; /* (classes); NULL: none. As C: of 4095 bytes each at most */
    /* (channels), finite: what the net does to a picture's values first, (scale v - mean) / deviation, no deviation 0.
     * NULL, both: pictures come normalised. */
    const float *mean, *deviation;
    float scale;     /* 0: 1, for values 0 .. 1; 1 / 255 for 0 .. 255 */
    bool normalised; /* pictures come normalised all the same: mean and deviation are but noted */
    bool int8;       /* C only: weights as 8-bit integers, see tc_folded_quantize() */
    bool fold;       /* ONNX only: batch norms become part of the convolution before them */
} tc_export_options;

/* ---- Batch norm folded into weights ---------------------------------------------------------------------- */

/* A graph whose batch norms are gone: into the weights of the convolution or linear layer whose result only they read,
 * w' = w g / sqrt(v + eps), b' = (b - m) g / sqrt(v + eps) + b_bn; elsewhere into a scale and a shift of each channel
 * (TC_GRAPH_BATCHNORM2D with running_mean 0, running_var 1, eps 0). Weights are copies in the model's layout. */
typedef struct tc_folded {
    tc_graph graph;
    tc_arena *arena; /* of the new tensors */
} tc_folded;
tc_status tc_folded_create(tc_model *model, const int64_t shape[4], tc_folded *folded);
void tc_folded_free(tc_folded *folded);

/* Rounds the weights of convolutions and linear layers to whole multiples, -127 .. 127, of a step for each output channel:
 * step = largest |w| / 127, or 0 where that is below FLT_MIN. They stay floats, so that the loss of accuracy can be
 * measured. */
void tc_folded_quantize(tc_folded *folded);

/* The result of the graph for x (N, C, H, W) with the shapes that it was made for, but for N; NULL with the failure on the
 * tape. The tape should be in evaluation mode. */
tc_tensor *tc_graph_forward(const tc_graph *graph, tc_tape *tape, tc_tensor *x);

/* ---- C --------------------------------------------------------------------------------------------------- */

/* One file of C99 without dependencies but libm: `void net_predict(const float *nchw, float *logits)`, weights, and
 * static memory, whose size its first lines state; batch norms folded. A file that is there is replaced at the very end:
 * after a failure it is as it was, but that TC_ERR_IO or TC_ERR_MEMORY can also mean that the new one has its name, whole,
 * and a power cut may still undo that. TC_ERR_ARGUMENT: options that contradict each other or make no file, see there. */
tc_status tc_export_c(tc_model *model, const int64_t shape[4], const tc_export_options *options,
                      const char *path);

/* ---- ONNX ------------------------------------------------------------------------------------------------ */

/* A model of operator set 13 with the input "input" (N, C, H, W) and the output "logits" (N, classes), any N; weights have
 * PyTorch's names; "class_names", and of what pictures come normalised by "mean" and "deviation" (JSON arrays), are in the
 * metadata. Operators that set 13 lacks (GELU, SiLU) are written out. Files and failures as above; TC_ERR_UNSUPPORTED where
 * the build has no protobuf-c. */
tc_status tc_export_onnx(tc_model *model, const int64_t shape[4], const tc_export_options *options,
                         const char *path);
/* The version of protobuf-c, or NULL. */
const char *tc_protobuf_version(void);

#ifdef __cplusplus
}
#endif
#endif
