/* airbench94.c - Keller Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU", 2024: a 2 x 2 convolution
 * (whose weights that recipe computes from the pictures), three groups of two 3 x 3 convolutions with batch
 * norm and GELU, and a small head. */
#include "models.h"

#define BN_GELU(channels) tc_nn_batchnorm2d(channels), tc_nn_gelu(TC_GELU_EXACT)
#define GROUP(in, out)                                                                                       \
    tc_nn_conv2d(in, out, 3, .padding = 1, .no_bias = true), tc_nn_maxpool2d(2), BN_GELU(out),               \
        tc_nn_conv2d(out, out, 3, .padding = 1, .no_bias = true), BN_GELU(out)

tc_module *tc_airbench94(int channels, int height, int width, int classes) {
    const int whitened = 2 * channels * 2 * 2; /* each patch direction and its negative */
    if (!tc_model_takes("airbench94", height, width, 25)) return NULL;
    int rows = (height - 1) / 2 / 2 / 2 / 3, columns = (width - 1) / 2 / 2 / 2 / 3;
    return tc_sequential(tc_nn_conv2d(channels, whitened, 2), tc_nn_gelu(TC_GELU_EXACT), GROUP(whitened, 64),
                         GROUP(64, 256), GROUP(256, 256), tc_nn_maxpool2d(3), tc_nn_flatten(),
                         tc_nn_linear(256 * rows * columns, classes, .no_bias = true),
                         tc_nn_scale(1.0f / 9.0f));
}
