/* ops.h - the differentiable operations.
 *
 * Each takes a tape and tensors and returns a new tensor in the tape's memory, or NULL with the failure kept
 * on the tape. No operation changes its inputs. Options are structs whose zero value is PyTorch's default, so
 * that tc_conv2d(tape, x, weight, bias, &(tc_conv2d_options){.stride = 2}) reads like torch.nn.functional;
 * NULL options mean all defaults. N, C, H, W are as PyTorch speaks of them. */
#ifndef TINYCNN_OPS_H
#define TINYCNN_OPS_H

#include "tinycnn/tape.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An extent for height and width: a plain number (0 .. 32767) means both, TC_HW(height, width) names them
 * apart. */
typedef int32_t tc_hw;
#define TC_HW(height, width) ((tc_hw)(0x40000000 | ((int32_t)(height) << 15) | (int32_t)(width)))
static inline int tc_hw_height(tc_hw v) {
    return v > 0 && v & 0x40000000 ? (v >> 15) & 0x7fff : v;
}
static inline int tc_hw_width(tc_hw v) {
    return v > 0 && v & 0x40000000 ? v & 0x7fff : v;
}
/* padding = TC_SAME: output as large as the input (stride 1 only); an odd total puts the extra row and column
 * at the end. */
#define TC_SAME ((tc_hw)-1)

/* The windows of a convolution or a pooling along one axis. */
typedef struct tc_window {
    int64_t kernel, stride, padding, dilation; /* all but padding at least 1 */
    bool ceil_mode;                            /* as in tc_pool2d_options */
    bool same;                                 /* padding is as much as keeps the size */
} tc_window;

/* How many windows an axis of `in` elements holds: floor((in + 2 padding - dilation (kernel - 1) - 1) / stride) + 1, with
 * ceil_mode rounded up unless the last would begin beyond the axis and its left padding. 0 where none fits. */
int64_t tc_window_out(const tc_window *window, int64_t in);
/* "floor((32 + 2*1 - 1*(3-1) - 1) / 2) + 1 = 16" into `text`; returns text. */
#define TC_WINDOW_TEXT 160
const char *tc_window_text(const tc_window *window, int64_t in, char text[TC_WINDOW_TEXT]);

/* What an operation may apply to its result while that is still in cache. */
typedef enum tc_activation {
    TC_ACTIVATION_NONE,
    TC_ACTIVATION_RELU,
    TC_ACTIVATION_GELU /* the exact form; batchnorm2d only, others refuse it */
} tc_activation;

/* ---- Convolution and linear --------------------------------------------------------------------------- */

typedef struct tc_conv2d_options {
    tc_hw stride;   /* 0: 1 */
    tc_hw padding;  /* zeros on each side; or TC_SAME */
    tc_hw dilation; /* 0: 1 */
    int groups;     /* 0: 1 */
    tc_activation activation;
    bool pool;    /* max_pool2d of the result, 2 x 2 with stride 2, in the same pass */
    bool moments; /* gathers what a batchnorm2d of the result in training wants to know of it */
} tc_conv2d_options;

/* torch.nn.functional.conv2d. x (N, C, H, W), weight (O, C / groups, KH, KW), bias (O) or NULL gives (N, O,
 * OH, OW) with OH = floor((H + 2 padding - dilation (KH - 1) - 1) / stride) + 1; with pool (N, O, floor(OH / 2), floor(OW / 2)).
 * 3 x 3 kernels with stride 1 and many channels go by Winograd's F(4x4, 3x3): as exact as a plain float sum, but
 * an infinity or NaN in a picture reaches the 4 x 4 outputs of its tile. */
tc_tensor *tc_conv2d(tc_tape *tape, tc_tensor *x, tc_tensor *weight, tc_tensor *bias,
                     const tc_conv2d_options *options);

/* torch.nn.functional.linear: x (N, I), weight (O, I), bias (O) or NULL gives x weight^T + bias, (N, O). */
tc_tensor *tc_linear(tc_tape *tape, tc_tensor *x, tc_tensor *weight, tc_tensor *bias,
                     tc_activation activation);

/* ---- Pooling ------------------------------------------------------------------------------------------ */

typedef struct tc_pool2d_options {
    tc_hw kernel_size;
    tc_hw stride;   /* 0: kernel_size */
    tc_hw padding;  /* at most half of the kernel */
    tc_hw dilation; /* 0: 1; max pooling only */
    bool ceil_mode; /* round the output size up; a window that would start in the right or bottom padding is
                       dropped */
    bool count_exclude_pad; /* average pooling: divide by the window's real pixels, not counting padding
                               (PyTorch's count_include_pad=False) */
} tc_pool2d_options;

/* torch.nn.functional.max_pool2d. Padding counts as minus infinity, NaN wins, and of equal values the first
 * in row-major order receives the gradient. */
tc_tensor *tc_maxpool2d(tc_tape *tape, tc_tensor *x, const tc_pool2d_options *options);
/* torch.nn.functional.avg_pool2d. */
tc_tensor *tc_avgpool2d(tc_tape *tape, tc_tensor *x, const tc_pool2d_options *options);
/* torch.nn.functional.adaptive_avg_pool2d: window i of an axis is [floor(i L / out), ceil((i + 1) L / out)).
 */
tc_tensor *tc_adaptive_avgpool2d(tc_tape *tape, tc_tensor *x, tc_hw output_size);
/* (N, C, H, W) to (N, C, 1, 1): the mean of each channel. */
tc_tensor *tc_global_avgpool2d(tc_tape *tape, tc_tensor *x);

/* ---- Activations (any shape) -------------------------------------------------------------------------- */

tc_tensor *tc_relu(tc_tape *tape, tc_tensor *x); /* NaN stays NaN */
tc_tensor *tc_leaky_relu(tc_tape *tape, tc_tensor *x, float negative_slope);
typedef enum tc_gelu_form { TC_GELU_EXACT, TC_GELU_TANH } tc_gelu_form;
tc_tensor *tc_gelu(tc_tape *tape, tc_tensor *x, tc_gelu_form form); /* Hendrycks and Gimpel 2016 */
tc_tensor *tc_silu(tc_tape *tape, tc_tensor *x);

/* ---- Normalisation and regularisation ----------------------------------------------------------------- */

typedef struct tc_batchnorm2d_options {
    float momentum; /* 0: 0.1; weight of the new batch in the running statistics */
    float eps;      /* 0: 1e-5 */
    tc_activation activation;
} tc_batchnorm2d_options;

/* torch.nn.functional.batch_norm (Ioffe and Szegedy 2015) over N, H, W of x (N, C, H, W). weight and bias
 * (C), or both NULL; running_mean and running_var (C), or both NULL. In training mode the batch's statistics
 * are used and mixed into the running ones (variance without bias there); in evaluation mode the running ones
 * are used if they are given. */
tc_tensor *tc_batchnorm2d(tc_tape *tape, tc_tensor *x, tc_tensor *weight, tc_tensor *bias,
                          tc_tensor *running_mean, tc_tensor *running_var,
                          const tc_batchnorm2d_options *options);

/* torch.nn.functional.dropout: in training mode each element is zeroed with probability p, the rest divided
 * by 1 - p. In evaluation mode x itself is returned. 0 <= p <= 1. */
tc_tensor *tc_dropout(tc_tape *tape, tc_tensor *x, float p);

/* ---- Arithmetic and shape ----------------------------------------------------------------------------- */

tc_tensor *tc_add(tc_tape *tape, tc_tensor *a, tc_tensor *b, tc_activation activation); /* same shapes */
tc_tensor *tc_scale(tc_tape *tape, tc_tensor *x, float factor);
/* Concatenation along C of `count` tensors (N, C_i, H, W); torch.cat(dim=1). */
tc_tensor *tc_concat(tc_tape *tape, tc_tensor *const *inputs, int count);
/* (N, C, H, W) to (N, C H W) in C, H, W order, as torch.flatten(x, 1); a 2-D tensor is returned as it is. */
tc_tensor *tc_flatten(tc_tape *tape, tc_tensor *x);

/* ---- Losses ------------------------------------------------------------------------------------------- */

/* torch.nn.functional.log_softmax over dim 1 of x (N, C). */
tc_tensor *tc_log_softmax(tc_tape *tape, tc_tensor *x);

typedef enum tc_reduction { TC_REDUCTION_MEAN, TC_REDUCTION_SUM } tc_reduction;

typedef struct tc_cross_entropy_options {
    float label_smoothing; /* 0 .. 1 */
    tc_reduction reduction;
    /* A mixture of two classes as the target of each row, for mixup and cutmix: (1 - share) of the label, share of the
     * mixed label. (N) both, or both NULL; shares from 0 to 1; they stay until tc_backward() as the labels do. */
    const int32_t *mixed_labels;
    const float *mixed_shares;
} tc_cross_entropy_options;

/* torch.nn.functional.cross_entropy. logits (N, C), labels[N] in 0 .. C - 1 (another label is an error that
 * names it); gives a scalar. The labels must stay until tc_backward(). */
tc_tensor *tc_cross_entropy(tc_tape *tape, tc_tensor *logits, const int32_t *labels,
                            const tc_cross_entropy_options *options);

/* torch.nn.functional.mse_loss; same shapes; gives a scalar. */
tc_tensor *tc_mse_loss(tc_tape *tape, tc_tensor *x, tc_tensor *target, tc_reduction reduction);

#ifdef __cplusplus
}
#endif
#endif
