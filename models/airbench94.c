/* airbench94.c - Keller Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU", 2024: a 2 x 2 convolution
 * (whose weights that recipe computes from the pictures), three groups of two 3 x 3 convolutions with batch
 * norm and GELU, and a small head. */
#include "models.h"

#define BN_GELU(width)                                                                                       \
    tc_nn_batchnorm2d(width, .eps = net->bn_eps, .momentum = net->bn_momentum), tc_nn_gelu(TC_GELU_EXACT)
#define GROUP(in, out)                                                                                       \
    tc_nn_conv2d(in, out, 3, .padding = 1, .no_bias = true), tc_nn_maxpool2d(2), BN_GELU(out),               \
        tc_nn_conv2d(out, out, 3, .padding = 1, .no_bias = true), BN_GELU(out)

tc_module *tc_airbench94(const tc_net *net) {
    const int whitened = 2 * net->channels * 2 * 2; /* each patch direction and its negative */
    const int *w = net->widths;
    if (!tc_model_takes("airbench94", net->height, net->width, 25)) return NULL;
    int rows = (net->height - 1) / 2 / 2 / 2 / 3, columns = (net->width - 1) / 2 / 2 / 2 / 3;
    return tc_sequential(tc_nn_conv2d(net->channels, whitened, 2), tc_nn_gelu(TC_GELU_EXACT),
                         GROUP(whitened, w[0]), GROUP(w[0], w[1]), GROUP(w[1], w[2]), tc_nn_maxpool2d(3),
                         tc_nn_flatten(), tc_nn_linear(w[2] * rows * columns, net->classes, .no_bias = true),
                         tc_nn_scale(net->logit_scale));
}
