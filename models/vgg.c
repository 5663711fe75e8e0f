/* vgg.c - after Simonyan and Zisserman 2014: pairs of 3x3 convolutions, pooled after each pair. Batch norm
 * has a shift of its own, so the convolutions go without bias. */
#include "models.h"

#define CONV_BN_RELU(in, out)                                                                                \
    tc_nn_conv2d(in, out, 3, .padding = 1, .no_bias = true),                                                 \
        tc_nn_batchnorm2d(out, .eps = net->bn_eps, .momentum = net->bn_momentum), tc_nn_relu()

tc_module *tc_vgg(const tc_net *net) {
    if (!tc_model_takes("vgg", net->height, net->width, 8)) return NULL;
    const int *w = net->widths;
    int rows = net->height / 2 / 2 / 2, columns = net->width / 2 / 2 / 2; /* what three poolings leave */
    return tc_sequential(CONV_BN_RELU(net->channels, w[0]), CONV_BN_RELU(w[0], w[0]), tc_nn_maxpool2d(2),
                         CONV_BN_RELU(w[0], w[1]), CONV_BN_RELU(w[1], w[1]), tc_nn_maxpool2d(2),
                         CONV_BN_RELU(w[1], w[2]), CONV_BN_RELU(w[2], w[2]), tc_nn_maxpool2d(2),
                         tc_nn_flatten(), tc_nn_linear(w[2] * rows * columns, w[3]), tc_nn_relu(),
                         tc_nn_linear(w[3], net->classes));
}
