/* vgg.c - after Simonyan and Zisserman 2014: pairs of 3x3 convolutions, pooled after each pair. Batch norm
 * has a shift of its own, so the convolutions go without bias. */
#include "models.h"

#define CONV_BN_RELU(in, out)                                                                                \
    tc_nn_conv2d(in, out, 3, .padding = 1, .no_bias = true), tc_nn_batchnorm2d(out), tc_nn_relu()

tc_module *tc_vgg(int channels, int height, int width, int classes) {
    if (!tc_model_takes("vgg", height, width, 8)) return NULL;
    int rows = height / 2 / 2 / 2, columns = width / 2 / 2 / 2; /* what three poolings leave */
    return tc_sequential(CONV_BN_RELU(channels, 32), CONV_BN_RELU(32, 32), tc_nn_maxpool2d(2),
                         CONV_BN_RELU(32, 64), CONV_BN_RELU(64, 64), tc_nn_maxpool2d(2),
                         CONV_BN_RELU(64, 128), CONV_BN_RELU(128, 128), tc_nn_maxpool2d(2), tc_nn_flatten(),
                         tc_nn_linear(128 * rows * columns, 256), tc_nn_relu(), tc_nn_linear(256, classes));
}
