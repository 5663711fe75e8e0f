/* lesson.c - the net of the lessons: convolve, rectify, pool; twice; then two linear layers. */
#include "models.h"

tc_module *tc_lesson(int channels, int height, int width, int classes) {
    if (!tc_model_takes("lesson", height, width, 4)) return NULL;
    int rows = height / 2 / 2, columns = width / 2 / 2; /* what two poolings leave */
    return tc_sequential(tc_nn_conv2d(channels, 32, 3, .padding = 1), tc_nn_relu(), tc_nn_maxpool2d(2),
                         tc_nn_conv2d(32, 64, 3, .padding = 1), tc_nn_relu(), tc_nn_maxpool2d(2),
                         tc_nn_flatten(), tc_nn_linear(64 * rows * columns, 128), tc_nn_relu(),
                         tc_nn_linear(128, classes));
}
