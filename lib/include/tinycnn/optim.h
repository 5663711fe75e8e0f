/* optim.h - optimisers and learning-rate schedules, after torch.optim.
 *
 *     tc_optimizer *optimizer;
 *     tc_sgd_create(model, &(tc_sgd_options){.lr = 0.1f, .momentum = 0.9f}, &optimizer);
 *     for each step: tc_model_zero_grad(model); forward; tc_backward(tape, loss);
 *                    tc_optimizer_set_lr(optimizer, lr of this step); tc_optimizer_step(optimizer);
 *
 * Gradient accumulation: call tc_backward() for several batches before one tc_optimizer_step(). */
#ifndef TINYCNN_OPTIM_H
#define TINYCNN_OPTIM_H

#include "tinycnn/nn.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tc_optimizer tc_optimizer;

/* torch.optim.SGD: g += weight_decay w; v = momentum v + (1 - dampening) g (the first time v = g); then g +
 * momentum v with nesterov, else v; w -= lr that. */
typedef struct tc_sgd_options {
    float lr; /* 0: 0.001 */
    float momentum, dampening, weight_decay;
    bool nesterov;
} tc_sgd_options;
tc_status tc_sgd_create(tc_model *model, const tc_sgd_options *options, tc_optimizer **optimizer);

/* torch.optim.Adam (Kingma and Ba 2014): weight decay is added to the gradient. */
typedef struct tc_adam_options {
    float lr;           /* 0: 0.001 */
    float beta1, beta2; /* 0: 0.9, 0.999 */
    float eps;          /* 0: 1e-8 */
    float weight_decay; /* Adam: as given; AdamW: 0 means PyTorch's 0.01, TC_NO_DECAY none */
} tc_adam_options;
#define TC_NO_DECAY (-1.0f)
tc_status tc_adam_create(tc_model *model, const tc_adam_options *options, tc_optimizer **optimizer);
/* torch.optim.AdamW (Loshchilov and Hutter 2017): w shrinks by lr weight_decay beside the step. */
tc_status tc_adamw_create(tc_model *model, const tc_adam_options *options, tc_optimizer **optimizer);

/* Muon (Keller Jordan 2024, "Muon: An optimizer for hidden layers in neural networks"), for parameters of four
 * dimensions: v = momentum v + g, with nesterov then g + momentum v, else v, as a matrix M (O, I KH KW); w -= lr
 * orthogonal(M). orthogonal: X = M / (|M| + 1e-7), then `steps` times X = a X + (b A + c A A) X with A = X X^T and
 * (a, b, c) = (3.4445, -4.7750, 2.0315) (Newton-Schulz, which drives all singular values towards 1). A parameter of
 * another shape is updated as tc_sgd_create() does, by sgd_momentum with the same nesterov. Weight decay is for those
 * alone. The rates of the two kinds are set apart by tc_optimizer_group(). */
typedef struct tc_muon_options {
    float lr;           /* 0: 0.02 */
    float momentum;     /* of the matrices */
    float sgd_momentum; /* of the others */
    float weight_decay; /* of the others */
    bool nesterov;
    bool rescale; /* before each step a matrix of O rows is scaled to Frobenius norm sqrt(O) */
    int steps;    /* 0: 5 */
} tc_muon_options;
tc_status tc_muon_create(tc_model *model, const tc_muon_options *options, tc_optimizer **optimizer);

void tc_optimizer_free(tc_optimizer *optimizer);

/* A parameter group: every parameter that `match` accepts gets lr times lr_scale, and its own weight decay.
 * Later groups win. Returns TC_ERR_ARGUMENT if no parameter matches. */
typedef struct tc_group_options {
    float lr_scale;     /* 0: 1; TC_FREEZE: not trained */
    float weight_decay; /* 0: the optimiser's; TC_NO_DECAY: none */
} tc_group_options;
#define TC_FREEZE (-1.0f)
tc_status tc_optimizer_group(tc_optimizer *optimizer,
                             bool (*match)(const tc_parameter *parameter, void *context), void *context,
                             const tc_group_options *options);
/* A ready-made match: biases and batch-norm weights, which most recipes do not decay (parameters of one
 * dimension). */
bool tc_match_1d(const tc_parameter *parameter, void *unused);

void tc_optimizer_set_lr(tc_optimizer *optimizer, float lr);
float tc_optimizer_lr(const tc_optimizer *optimizer);
void tc_optimizer_set_threads(tc_optimizer *optimizer, int threads); /* default: all cores */
/* One update from the gradients that the parameters hold. Parameters whose requires_grad is false stay as they
 * are, and their state does. */
void tc_optimizer_step(tc_optimizer *optimizer);

/* ---- Averages of the weights over the steps ------------------------------------------------------------
 *
 * Lookahead (Zhang, Lucas, Hinton, Ba 2019): every few steps tc_optimizer_average_update() and then
 * tc_optimizer_average_apply(). Exponential moving average (Polyak and Juditsky 1992): an update after each step, and
 * tc_optimizer_average_swap() before and after an evaluation. An average is part of the optimiser's state
 * ("average.<name>"), so checkpoints hold it. */

/* Begins an average of all parameters and buffers at their present values. Once an optimiser, TC_ERR_STATE the second
 * time; until then the other three do nothing. Before a checkpoint that holds an average is loaded. */
tc_status tc_optimizer_average(tc_optimizer *optimizer);
/* average = decay average + (1 - decay) value; 0 <= decay <= 1. */
void tc_optimizer_average_update(tc_optimizer *optimizer, double decay);
/* value = average */
void tc_optimizer_average_apply(tc_optimizer *optimizer);
/* Exchanges the two. Both thaw the model. */
void tc_optimizer_average_swap(tc_optimizer *optimizer);

/* Scales all gradients so that their joint 2-norm is at most max_norm; returns the norm before (inf or NaN if
 * a gradient is not finite; then nothing is scaled). torch.nn.utils.clip_grad_norm_. */
double tc_clip_grad_norm(tc_model *model, double max_norm);

/* State, for checkpoints: named tensors ("momentum.<parameter>", "exp_avg.<parameter>", ...) and the count of
 * steps. */
int tc_optimizer_state_count(const tc_optimizer *optimizer);
tc_parameter *tc_optimizer_state(tc_optimizer *optimizer, int index);
int64_t tc_optimizer_steps(const tc_optimizer *optimizer);
void tc_optimizer_set_steps(tc_optimizer *optimizer, int64_t steps);
const char *tc_optimizer_name(const tc_optimizer *optimizer); /* "sgd", "adam", "adamw", "muon" */

/* ---- Schedules: the factor by which the base rate is multiplied, as a pure function of the step ------- */

typedef enum tc_schedule_kind {
    TC_SCHEDULE_CONSTANT,
    TC_SCHEDULE_STEP,       /* gamma ^ floor(step / step_size) */
    TC_SCHEDULE_MULTI_STEP, /* gamma ^ (number of milestones <= step) */
    TC_SCHEDULE_COSINE,     /* linear from warmup_start to 1 over warmup steps, then a half cosine to final at
                               total */
    TC_SCHEDULE_ONE_CYCLE,  /* cosine from 1/div_factor up to 1 at pct_start, then down to 1/(div_factor
                               final_div_factor) at total - 1; torch.optim.lr_scheduler.OneCycleLR with max_lr
                               = base */
    TC_SCHEDULE_PIECEWISE_LINEAR /* through the points (points_step, points_factor), constant outside */
} tc_schedule_kind;

#define TC_SCHEDULE_POINTS 16
typedef struct tc_schedule {
    tc_schedule_kind kind;
    int64_t total;                                  /* cosine, one-cycle: steps in all */
    int64_t step_size;                              /* step */
    double gamma;                                   /* step, multi-step; 0: 0.1 */
    int64_t warmup;                                 /* cosine */
    double warmup_start, final;                     /* cosine */
    double pct_start, div_factor, final_div_factor; /* one-cycle; 0: 0.3, 25, 1e4 */
    int points;                                     /* milestones or points in use */
    int64_t points_step[TC_SCHEDULE_POINTS];
    double points_factor[TC_SCHEDULE_POINTS];
} tc_schedule;

/* TC_ERR_ARGUMENT where the numbers make no schedule (total <= warmup, points out of order, ...). */
tc_status tc_schedule_check(const tc_schedule *schedule);
double tc_schedule_factor(const tc_schedule *schedule, int64_t step);

#ifdef __cplusplus
}
#endif
#endif
