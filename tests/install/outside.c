/* outside.c - trains a tiny net through the installed headers and library: the loss must fall. */
#include <stdio.h>
#include <tinycnn.h>

static tc_status train(double *first, double *last) {
    enum { PICTURES = 8, SIDE = 8, CLASSES = 2, STEPS = 30 };
    float x[PICTURES * SIDE * SIDE]; /* (N, 1, H, W): bright or dark pictures */
    int32_t labels[PICTURES];
    for (int i = 0; i < PICTURES * SIDE * SIDE; i++) x[i] = i / (SIDE * SIDE) % 2 ? 1.0f : -1.0f;
    for (int n = 0; n < PICTURES; n++) labels[n] = n % 2;

    tc_model *model;
    tc_optimizer *sgd;
    TC_TRY(
        tc_model_create(tc_sequential(tc_nn_conv2d(1, 4, 3, .padding = 1), tc_nn_relu(), tc_nn_maxpool2d(2),
                                      tc_nn_flatten(), tc_nn_linear(4 * 4 * 4, CLASSES)),
                        1, &model));
    TC_TRY(tc_sgd_create(model, &(tc_sgd_options){.lr = 0.05f, .momentum = 0.9f}, &sgd));
    tc_tape *tape = tc_tape_create(NULL);
    for (int step = 0; step < STEPS; step++) {
        tc_tape_reset(tape, (uint64_t)step);
        tc_tensor *input = tc_input_nchw(tape, 4, (int64_t[]){PICTURES, 1, SIDE, SIDE}, x);
        tc_tensor *loss = tc_cross_entropy(tape, tc_model_forward(model, tape, input), labels, NULL);
        tc_model_zero_grad(model);
        TC_TRY(tc_backward(tape, loss));
        tc_optimizer_step(sgd);
        *(step ? last : first) = (double)loss->data[0];
    }
    tc_tape_free(tape);
    tc_optimizer_free(sgd);
    tc_model_free(model);
    return TC_OK;
}

int main(void) {
    double first = 0, last = 0;
    if (train(&first, &last) != TC_OK) {
        fprintf(stderr, "outside: %s\n", tc_last_error());
        return 1;
    }
    printf("tinycnn %s: loss %.3f, then %.3f\n", tc_version(), first, last);
    return last < 0.1 * first ? 0 : 1;
}
