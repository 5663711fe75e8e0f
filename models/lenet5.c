/* lenet5.c - LeCun, Bottou, Bengio, Haffner 1998, with today's ReLU and max pooling in the place of tanh and
 * trained subsampling. */
#include "models.h"

tc_module *tc_lenet5(int channels, int height, int width, int classes) {
    if (!tc_model_takes("lenet5", height, width, 16)) return NULL;
    int rows = ((height - 4) / 2 - 4) / 2, columns = ((width - 4) / 2 - 4) / 2; /* 5 x 5 of 32 x 32 */
    return tc_sequential(tc_nn_conv2d(channels, 6, 5), tc_nn_relu(), tc_nn_maxpool2d(2),
                         tc_nn_conv2d(6, 16, 5), tc_nn_relu(), tc_nn_maxpool2d(2), tc_nn_flatten(),
                         tc_nn_linear(16 * rows * columns, 120), tc_nn_relu(), tc_nn_linear(120, 84),
                         tc_nn_relu(), tc_nn_linear(84, classes));
}
