/* resnet20.c - He, Zhang, Ren, Sun 2015, section 4.2, for small pictures: a convolution, three stages of
 * three basic blocks, the mean of each channel, a linear layer. Where a stage halves the picture and doubles
 * the channels, the shortcut is a 1x1 convolution with stride 2 (their option B). Names are torchvision's. */
#include "models.h"

static tc_module *batchnorm(const tc_net *net, int width) {
    return tc_nn_batchnorm2d(width, .eps = net->bn_eps, .momentum = net->bn_momentum);
}

/* bn2(conv2(relu(bn1(conv1(x))))) + shortcut(x); the relu that follows is in the stage. */
static tc_module *basic_block(const tc_net *net, const char *name, int in, int out, int stride) {
    tc_module *body = tc_sequential(
        tc_named("conv1", tc_nn_conv2d(in, out, 3, .stride = stride, .padding = 1, .no_bias = true)),
        tc_named("bn1", batchnorm(net, out)), tc_named("relu", tc_nn_relu()),
        tc_named("conv2", tc_nn_conv2d(out, out, 3, .padding = 1, .no_bias = true)),
        tc_named("bn2", batchnorm(net, out)));
    if (stride == 1 && in == out) return tc_named(name, tc_residual_identity(body));
    tc_module *shortcut =
        tc_sequential(tc_nn_conv2d(in, out, 1, .stride = stride, .no_bias = true), batchnorm(net, out));
    if (!shortcut) {
        tc_module_free(body);
        return NULL;
    }
    return tc_named(name, tc_residual(body, shortcut));
}

static tc_module *stage(const tc_net *net, const char *name, int in, int out, int stride) {
    return tc_named(name,
                    tc_sequential(basic_block(net, "0", in, out, stride), tc_named("0-relu", tc_nn_relu()),
                                  basic_block(net, "1", out, out, 1), tc_named("1-relu", tc_nn_relu()),
                                  basic_block(net, "2", out, out, 1), tc_named("2-relu", tc_nn_relu())));
}

tc_module *tc_resnet20(const tc_net *net) {
    const int *w = net->widths;
    if (!tc_model_takes("resnet20", net->height, net->width, 1)) return NULL;
    return tc_sequential(
        tc_named("conv1", tc_nn_conv2d(net->channels, w[0], 3, .padding = 1, .no_bias = true)),
        tc_named("bn1", batchnorm(net, w[0])), tc_named("relu", tc_nn_relu()),
        stage(net, "layer1", w[0], w[0], 1), stage(net, "layer2", w[0], w[1], 2),
        stage(net, "layer3", w[1], w[2], 2), tc_named("avgpool", tc_nn_global_avgpool2d()),
        tc_named("flatten", tc_nn_flatten()), tc_named("fc", tc_nn_linear(w[2], net->classes)));
}
