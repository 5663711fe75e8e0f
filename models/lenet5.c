/* lenet5.c - LeCun, Bottou, Bengio, Haffner 1998, with today's ReLU and max pooling in the place of tanh and
 * trained subsampling. */
#include "models.h"

tc_module *tc_lenet5(const tc_net *net) {
    if (!tc_model_takes("lenet5", net->height, net->width, 16)) return NULL;
    const int *w = net->widths;
    int rows = ((net->height - 4) / 2 - 4) / 2,
        columns = ((net->width - 4) / 2 - 4) / 2; /* 5 x 5 of 32 x 32 */
    return tc_sequential(tc_nn_conv2d(net->channels, w[0], 5), tc_nn_relu(), tc_nn_maxpool2d(2),
                         tc_nn_conv2d(w[0], w[1], 5), tc_nn_relu(), tc_nn_maxpool2d(2), tc_nn_flatten(),
                         tc_nn_linear(w[1] * rows * columns, w[2]), tc_nn_relu(), tc_nn_linear(w[2], w[3]),
                         tc_nn_relu(), tc_nn_linear(w[3], net->classes));
}
