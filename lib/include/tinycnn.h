/* tinycnn.h - everything, and where to begin.
 *
 * WHAT A TENSOR IS. An array of float32 with a shape of up to four extents. Shapes are spoken of as in
 * PyTorch: (N, C, H, W) for a batch of N pictures with C channels. In memory the channels of a pixel lie side
 * by side (N, H, W, C), because then convolution copies whole runs, a matrix product writes its result in
 * place, and pooling and batch norm work on vectors of channels. You meet the difference only if you touch
 * `data` yourself: tc_at() and tc_tensor_from_nchw() / tc_tensor_to_nchw() are the doors.
 *
 * WHO OWNS IT. Tensors belong to arenas, and only arenas are freed. There are two: the model's (parameters,
 * as long as the model lives) and the tape's (everything that one step computes, forgotten by
 * tc_tape_reset()). From the second step on, nothing is allocated.
 *
 * HOW GRADIENTS COME ABOUT. Each operation computes its result at once and appends a node to the tape. Order
 * of creation is an order in which every result comes after what it was made of, so tc_backward() is one loop
 * from the last node to the first, each handing the gradient of its result on to its inputs. A tensor used
 * twice receives two gradients, which add up.
 *
 * FROM C++. Macros that take options by name (tc_nn_conv2d(), tc_sequential(), tc_tensor_new()) are C; the functions behind
 * them (tc_nn_conv2d_from(), tc_sequential_from(), tc_tensor_create()) are for both.
 *
 * WHAT GOES WRONG. Functions return a tc_status, and tc_last_error() has the sentence. Operations on a tape
 * return NULL once something failed, accept NULL, and the tape remembers the first failure: one check at the
 * end is enough.
 *
 * A WHOLE NET, trained (batch_x, batch_y and STEPS are yours):
 *
 *     tc_model *model;
 *     tc_optimizer *sgd;
 *     TC_TRY(tc_model_create(
 *         tc_sequential(tc_nn_conv2d(3, 16, 3, .padding = 1), tc_nn_relu(), tc_nn_maxpool2d(2),
 *                       tc_nn_flatten(), tc_nn_linear(16 * 16 * 16, 10)), 1, &model));
 *     TC_TRY(tc_sgd_create(model, &(tc_sgd_options){.lr = 0.05f, .momentum = 0.9f}, &sgd));
 *     tc_tape *tape = tc_tape_create(NULL);
 *     for (int step = 0; step < STEPS; step++) {
 *         tc_tape_reset(tape, step);
 *         tc_tensor *x = tc_input_nchw(tape, 4, (int64_t[]){64, 3, 32, 32}, batch_x(step));
 *         tc_tensor *logits = tc_model_forward(model, tape, x);
 *         tc_tensor *loss = tc_cross_entropy(tape, logits, batch_y(step), NULL);
 *         tc_model_zero_grad(model);
 *         TC_TRY(tc_backward(tape, loss));
 *         tc_optimizer_step(sgd);
 *         printf("%d %f\n", step, loss->data[0]);
 *     }
 *     tc_checkpoint_save("net.safetensors", model, sgd, NULL, 0);
 *     tc_tape_free(tape), tc_optimizer_free(sgd), tc_model_free(model);
 *
 * SAME BITS. Work is cut by shape, not by thread count, and sums are added in a fixed order: one seed gives
 * one result on any number of threads. */
#ifndef TINYCNN_H
#define TINYCNN_H

#include "tinycnn/arena.h"
#include "tinycnn/checkpoint.h"
#include "tinycnn/export.h"
#include "tinycnn/graph.h"
#include "tinycnn/nn.h"
#include "tinycnn/ops.h"
#include "tinycnn/optim.h"
#include "tinycnn/parallel.h"
#include "tinycnn/rng.h"
#include "tinycnn/status.h"
#include "tinycnn/tape.h"
#include "tinycnn/tensor.h"
#include "tinycnn/version.h"

#endif
