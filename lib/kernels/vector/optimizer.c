/* optimizer.c - SGD: v = mu v + (1 - damping) g; w -= lr (g + mu v) with Nesterov, else w -= lr v.
 * Adam: m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; w -= step m / (sqrt(v) / correction + eps). */
#include "optimizer.h"

#include <math.h>

static void sgd_plain(float *restrict w, const float *restrict g, int64_t n, const tci_sgd_numbers *numbers) {
    float lr = numbers->lr, decay = numbers->weight_decay;
    for (int64_t i = 0; i < n; i++) w[i] -= lr * (g[i] + decay * w[i]);
}

static void sgd_momentum(float *restrict w, float *restrict v, const float *restrict g, int64_t n,
                         const tci_sgd_numbers *numbers) {
    float lr = numbers->lr, decay = numbers->weight_decay;
    float momentum = numbers->momentum, weight = numbers->gradient_weight;
    for (int64_t i = 0; i < n; i++) {
        v[i] = momentum * v[i] + weight * (g[i] + decay * w[i]);
        w[i] -= lr * v[i];
    }
}

static void sgd_nesterov(float *restrict w, float *restrict v, const float *restrict g, int64_t n,
                         const tci_sgd_numbers *numbers) {
    float lr = numbers->lr, decay = numbers->weight_decay;
    float momentum = numbers->momentum, weight = numbers->gradient_weight;
    for (int64_t i = 0; i < n; i++) {
        float gradient = g[i] + decay * w[i];
        v[i] = momentum * v[i] + weight * gradient;
        w[i] -= lr * (gradient + momentum * v[i]);
    }
}

static void sgd(float *w, float *v, const float *g, int64_t n, const tci_sgd_numbers *numbers) {
    if (!v) {
        sgd_plain(w, g, n, numbers);
    } else if (numbers->nesterov) {
        sgd_nesterov(w, v, g, n, numbers);
    } else {
        sgd_momentum(w, v, g, n, numbers);
    }
}

static void adam(float *restrict w, float *restrict m, float *restrict v, const float *restrict g, int64_t n,
                 const tci_adam_numbers *numbers) {
    tci_adam_numbers a = *numbers;
    for (int64_t i = 0; i < n; i++) {
        float gradient = g[i] + a.l2 * w[i];
        m[i] = a.beta1 * m[i] + a.rest1 * gradient;
        v[i] = a.beta2 * v[i] + a.rest2 * gradient * gradient;
        w[i] = a.shrink * w[i] - a.step_size * m[i] / (sqrtf(v[i]) / a.root_correction + a.eps);
    }
}

static void direction(float *restrict v, const float *restrict g, float *restrict m, int64_t n,
                      float momentum, bool nesterov) {
    float own = nesterov ? 1.0f : 0.0f, moved = nesterov ? momentum : 1.0f;
    for (int64_t i = 0; i < n; i++) {
        v[i] = momentum * v[i] + g[i];
        m[i] = own * g[i] + moved * v[i];
    }
}

static void move(float *restrict w, const float *restrict m, int64_t n, float scale, float lr) {
    for (int64_t i = 0; i < n; i++) w[i] = scale * w[i] - lr * m[i];
}

static void blend(float *restrict a, const float *restrict x, int64_t n, float decay, float rest) {
    if (rest < 0.5f) {
        for (int64_t i = 0; i < n; i++) a[i] += rest * (x[i] - a[i]);
    } else {
        for (int64_t i = 0; i < n; i++) a[i] = x[i] - decay * (x[i] - a[i]);
    }
}

static void exchange(float *restrict a, float *restrict b, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        float was = a[i];
        a[i] = b[i];
        b[i] = was;
    }
}

static double sum_of_squares(const float *x, int64_t n) {
    double sum = 0.0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < n; i++) sum += (double)x[i] * (double)x[i];
    return sum;
}

static void shrink(float *x, int64_t n, float factor) {
    for (int64_t i = 0; i < n; i++) x[i] *= factor;
}

const tci_optimizer TCI_TABLE(tci_optimizer) = {.sgd = sgd,
                                                .adam = adam,
                                                .direction = direction,
                                                .move = move,
                                                .blend = blend,
                                                .exchange = exchange,
                                                .sum_of_squares = sum_of_squares,
                                                .shrink = shrink};
