/* lesson.c - the net of the lessons: convolve, rectify, pool; twice; then two linear layers. */
#include "models.h"

tc_module *tc_lesson(const tc_net *net) {
    if (!tc_model_takes("lesson", net->height, net->width, 4)) return NULL;
    const int *w = net->widths;
    int rows = net->height / 2 / 2, columns = net->width / 2 / 2; /* what two poolings leave */
    return tc_sequential(tc_nn_conv2d(net->channels, w[0], 3, .padding = 1), tc_nn_relu(), tc_nn_maxpool2d(2),
                         tc_nn_conv2d(w[0], w[1], 3, .padding = 1), tc_nn_relu(), tc_nn_maxpool2d(2),
                         tc_nn_flatten(), tc_nn_linear(w[1] * rows * columns, w[2]), tc_nn_relu(),
                         tc_nn_linear(w[2], net->classes));
}
