// outside.cpp - the headers from C++: the _from functions in the place of the macros, which are C.
#include <cmath>
#include <cstdio>
#include <vector>

#include <tinycnn.h>

static tc_module *make_net() {
    tc_nn_conv2d_args conv{};
    conv.in_channels = 3;
    conv.out_channels = 8;
    conv.kernel_size = 3;
    conv.padding = 1;
    tc_pool2d_options pool{};
    pool.kernel_size = 2;
    tc_nn_linear_args linear{};
    linear.in_features = 8 * 4 * 4;
    linear.out_features = 5;
    const std::vector<tc_module *> layers{tc_nn_conv2d_from(conv), tc_nn_relu(), tc_nn_maxpool2d_from(pool), tc_nn_flatten(),
                                          tc_nn_linear_from(linear), tc_nn_log_softmax()};
    return tc_sequential_from(layers.data(), static_cast<int>(layers.size()));
}

static tc_status run(double *sum) {
    tc_model *model;
    TC_TRY(tc_model_create(make_net(), 1, &model));
    tc_tape *tape = tc_tape_create(nullptr);
    tc_tape_eval(tape);
    const int64_t shape[] = {1, 3, 8, 8};
    const std::vector<float> picture(3 * 8 * 8, 0.5f);
    const tc_tensor *y = tc_model_forward(model, tape, tc_input_nchw(tape, 4, shape, picture.data()));
    for (int k = 0; y && k < 5; k++) *sum += std::exp(static_cast<double>(y->data[k]));
    const tc_status status = tc_tape_status(tape);
    tc_tape_free(tape);
    tc_model_free(model);
    return status;
}

int main() {
    double sum = 0;
    if (run(&sum) != TC_OK) {
        std::fprintf(stderr, "outside: %s\n", tc_last_error());
        return 1;
    }
    std::printf("tinycnn %s: probabilities add up to %.3f\n", tc_version(), sum);
    return std::fabs(sum - 1) < 1e-5 ? 0 : 1;
}
