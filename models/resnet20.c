/* resnet20.c - He, Zhang, Ren, Sun 2015, section 4.2, for small pictures: a convolution, three stages of
 * three basic blocks, the mean of each channel, a linear layer. Where a stage halves the picture and doubles
 * the channels, the shortcut is a 1x1 convolution with stride 2 (their option B). Names are torchvision's. */
#include "models.h"

/* bn2(conv2(relu(bn1(conv1(x))))) + shortcut(x); the relu that follows is in the stage. */
static tc_module *basic_block(const char *name, int in, int out, int stride) {
    tc_module *body = tc_sequential(
        tc_named("conv1", tc_nn_conv2d(in, out, 3, .stride = stride, .padding = 1, .no_bias = true)),
        tc_named("bn1", tc_nn_batchnorm2d(out)), tc_named("relu", tc_nn_relu()),
        tc_named("conv2", tc_nn_conv2d(out, out, 3, .padding = 1, .no_bias = true)),
        tc_named("bn2", tc_nn_batchnorm2d(out)));
    if (stride == 1 && in == out) return tc_named(name, tc_residual_identity(body));
    tc_module *shortcut =
        tc_sequential(tc_nn_conv2d(in, out, 1, .stride = stride, .no_bias = true), tc_nn_batchnorm2d(out));
    if (!shortcut) {
        tc_module_free(body);
        return NULL;
    }
    return tc_named(name, tc_residual(body, shortcut));
}

static tc_module *stage(const char *name, int in, int out, int stride) {
    return tc_named(name, tc_sequential(basic_block("0", in, out, stride), tc_named("0-relu", tc_nn_relu()),
                                        basic_block("1", out, out, 1), tc_named("1-relu", tc_nn_relu()),
                                        basic_block("2", out, out, 1), tc_named("2-relu", tc_nn_relu())));
}

tc_module *tc_resnet20(int channels, int height, int width, int classes) {
    if (!tc_model_takes("resnet20", height, width, 1)) return NULL;
    return tc_sequential(tc_named("conv1", tc_nn_conv2d(channels, 16, 3, .padding = 1, .no_bias = true)),
                         tc_named("bn1", tc_nn_batchnorm2d(16)), tc_named("relu", tc_nn_relu()),
                         stage("layer1", 16, 16, 1), stage("layer2", 16, 32, 2), stage("layer3", 32, 64, 2),
                         tc_named("avgpool", tc_nn_global_avgpool2d()), tc_named("flatten", tc_nn_flatten()),
                         tc_named("fc", tc_nn_linear(64, classes)));
}
