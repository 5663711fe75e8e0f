/* nets.c - weights as they are made, and batch norms that do something. */
#include "nets.h"

#include <string.h>

/* A net with every layer that there is, and odd windows. */
static tc_module *everything(void) {
    tc_module *body = tc_sequential(tc_nn_conv2d(8, 8, 3, .padding = 1, .groups = 2, .no_bias = true),
                                    tc_nn_batchnorm2d(8), tc_nn_silu());
    return tc_sequential(tc_nn_conv2d(3, 8, 4, .padding = TC_SAME), tc_nn_batchnorm2d(8), tc_nn_relu(),
                         tc_nn_maxpool2d(3, .stride = 2, .padding = 1, .ceil_mode = true),
                         tc_nn_batchnorm2d(8), tc_named("block", tc_residual(body, tc_nn_conv2d(8, 8, 1))),
                         tc_nn_leaky_relu(0.1f),
                         tc_residual_identity(tc_sequential(
                             tc_nn_conv2d(8, 8, TC_HW(3, 1), .padding = TC_HW(2, 0), .dilation = TC_HW(2, 1)),
                             tc_nn_gelu(TC_GELU_TANH))),
                         tc_nn_avgpool2d(2, .padding = 1, .ceil_mode = true), tc_nn_gelu(TC_GELU_EXACT),
                         tc_nn_avgpool2d(3, .stride = 1, .padding = 1, .count_exclude_pad = true),
                         tc_nn_adaptive_avgpool2d(TC_HW(3, 2)), tc_nn_dropout(0.5f), tc_nn_flatten(),
                         tc_nn_linear(8 * 3 * 2, 12), tc_nn_relu(), tc_nn_linear(12, 7), tc_nn_scale(1.7f),
                         tc_nn_log_softmax());
}

tc_model *sample_net(int which, int64_t shape[4]) {
    tc_model *model = NULL;
    int64_t wanted[2][4] = {{1, 3, 19, 14}, {1, 3, 32, 32}};
    memcpy(shape, wanted[which > 0], sizeof wanted[0]);
    tc_module *net =
        which == 0 ? everything() : tc_model_build(&tc_models[which - 1], tc_net_of(3, 32, 32, 10));
    if (tc_model_create(net, 9, &model) != TC_OK) return NULL;
    /* Batch norms that do something. */
    tc_rng rng = tc_rng_create(4, 4);
    for (int i = 0; i < tc_model_buffer_count(model); i++) {
        tc_parameter *p = tc_model_buffer(model, i);
        bool variance = strstr(p->name, "running_var") != NULL;
        for (int64_t k = 0; k < tc_numel(p->tensor); k++)
            p->tensor->data[k] = variance ? 0.5f + tc_rng_uniform(&rng) : 0.2f * tc_rng_normal(&rng);
    }
    for (int i = 0; i < tc_model_parameter_count(model); i++) {
        tc_parameter *p = tc_model_parameter(model, i);
        if (strcmp(p->layer, "batchnorm2d") != 0) continue;
        for (int64_t k = 0; k < tc_numel(p->tensor); k++) p->tensor->data[k] += 0.3f * tc_rng_normal(&rng);
    }
    return model;
}

tc_tensor *sample_pictures(tc_tape *tape, int64_t n, const int64_t shape[4]) {
    tc_tensor *x = tc_tensor_new(tc_tape_arena(tape), n, shape[1], shape[2], shape[3]);
    tc_rng rng = tc_rng_create(5, 5);
    if (!x) return NULL;
    for (int64_t i = 0; i < tc_numel(x); i++) x->data[i] = tc_rng_normal(&rng);
    return x;
}
