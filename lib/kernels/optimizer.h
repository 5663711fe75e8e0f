/* optimizer.h - the inner loops of optimisers. All arrays hold n floats; gradients are only read. */
#ifndef TCI_OPTIMIZER_H
#define TCI_OPTIMIZER_H

#include <stdbool.h>
#include <stdint.h>

#include "dispatch.h"

/* The numbers of one update, worked out in double precision beforehand. */
typedef struct tci_sgd_numbers {
    float lr, weight_decay;
    float momentum, gradient_weight; /* v = momentum v + gradient_weight g */
    bool nesterov;
} tci_sgd_numbers;

typedef struct tci_adam_numbers {
    float l2;           /* weight decay that is added to the gradient */
    float shrink;       /* factor of the weight before the step: decoupled weight decay */
    float beta1, rest1; /* rest = 1 - beta */
    float beta2, rest2;
    float step_size;       /* lr / (1 - beta1^t) */
    float root_correction; /* sqrt(1 - beta2^t) */
    float eps;
} tci_adam_numbers;

typedef struct tci_optimizer {
    /* v: the momentum, NULL for plain gradient descent */
    void (*sgd)(float *w, float *v, const float *g, int64_t n, const tci_sgd_numbers *numbers);
    /* m, v: running means of the gradient and of its square */
    void (*adam)(float *w, float *m, float *v, const float *g, int64_t n, const tci_adam_numbers *numbers);
    /* Muon: v = momentum v + g, m = g + momentum v with nesterov, else v; and w = scale w - lr m. */
    void (*direction)(float *v, const float *g, float *m, int64_t n, float momentum, bool nesterov);
    void (*move)(float *w, const float *m, int64_t n, float scale, float lr);
    /* a = decay a + rest x with rest = 1 - decay; and a and b trade places. */
    void (*blend)(float *a, const float *x, int64_t n, float decay, float rest);
    void (*exchange)(float *a, float *b, int64_t n);
    double (*sum_of_squares)(const float *x, int64_t n);
    /* x = factor x */
    void (*shrink)(float *x, int64_t n, float factor);
} tci_optimizer;

TCI_FAMILY(tci_optimizer)

#endif
