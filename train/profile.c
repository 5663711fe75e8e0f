/* profile.c - times of operations, gathered by layer and set beside the work that they do. */
#include "profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

static profile_row *row_of(profile *p, const char *op, const char *where) {
    for (int i = 0; i < p->count; i++) {
        profile_row *row = &p->rows[i];
        if (strcmp(row->where, where) == 0 && strcmp(row->op, op) == 0) return row;
    }
    if (p->count == PROFILE_ROWS) return NULL;
    profile_row *row = &p->rows[p->count++];
    *row = (profile_row){.where = where, .op = op};
    return row;
}

void profile_observe(void *context, const char *op, const char *where, bool backward, double seconds) {
    profile_row *row = row_of(context, op, where);
    if (!row) return;
    if (backward)
        row->backward += seconds;
    else
        row->forward += seconds;
}

tc_status profile_take_work(profile *p, tc_model *model, const int64_t shape[4]) {
    tc_layer_summary layers[PROFILE_ROWS];
    int count;
    TC_TRY(tc_model_summary(model, shape, layers, PROFILE_ROWS, &count));
    for (int i = 0; i < count && i < PROFILE_ROWS; i++) {
        profile_row *row = layers[i].multiply_adds > 0 ? row_of(p, layers[i].type, layers[i].path) : NULL;
        if (row) row->multiply_adds = (double)layers[i].multiply_adds;
    }
    return TC_OK;
}

enum { GEMM_SIZE = 2048, GEMM_REPEATS = 5 };

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double profile_gemm_rate(int threads) {
    double rates[GEMM_REPEATS] = {0};
    tc_tape *tape = tc_tape_create(&(tc_tape_options){.threads = threads});
    tc_arena *arena = tc_arena_create();
    tc_tensor *a = arena ? tc_tensor_new(arena, GEMM_SIZE, GEMM_SIZE) : NULL;
    for (int i = -1; tape && a && i < GEMM_REPEATS; i++) {
        tc_tape_reset(tape, 0);
        double begin = clock_seconds();
        tc_linear(tape, a, a, NULL, TC_ACTIVATION_NONE);
        if (i >= 0) rates[i] = 2e-9 * GEMM_SIZE * GEMM_SIZE * GEMM_SIZE / (clock_seconds() - begin);
    }
    tc_arena_free(arena);
    tc_tape_free(tape);
    qsort(rates, GEMM_REPEATS, sizeof *rates, by_value);
    return rates[GEMM_REPEATS / 2];
}

/* "  184.2 (170%)": effective GFLOP/s, two for each multiply-add, and their share of the matrix product's. */
static void print_rate(double multiply_adds, double milliseconds, double gemm_rate) {
    if (multiply_adds <= 0 || milliseconds <= 0) {
        printf(" %14s", "");
        return;
    }
    double rate = 2e-6 * multiply_adds / milliseconds;
    printf(" %7.1f (%3.0f%%)", rate, gemm_rate > 0 ? 100 * rate / gemm_rate : 0);
}

void profile_print(const profile *p, int64_t batch, double gemm_rate) {
    double step = 1e3 * p->seconds / p->steps, in_rows = 0;
    printf("a training step of %lld pictures: %.2f ms; a large matrix product: %.0f GFLOP/s\n\n",
           (long long)batch, step, gemm_rate);
    printf("%-18s %-14s %9s %9s %7s  %-14s %-14s\n", "layer", "operation", "fwd ms", "bwd ms", "share",
           "fwd GFLOP/s", "bwd GFLOP/s");
    bool first = true;
    for (int i = 0; i < p->count; i++) {
        const profile_row *row = &p->rows[i];
        double forward = 1e3 * row->forward / p->steps, backward = 1e3 * row->backward / p->steps;
        double work = row->multiply_adds * (double)batch;
        in_rows += forward + backward;
        printf("%-18s %-14s %9.3f %9.3f %6.1f%% ", row->where, row->op, forward, backward,
               100 * (forward + backward) / step);
        print_rate(work, forward, gemm_rate);
        /* Backward makes two such products, the first layer one: pictures get no gradient. */
        print_rate(first ? work : 2 * work, backward, gemm_rate);
        printf("\n");
        if (work > 0) first = false;
    }
    printf("%-18s %-14s %9s %9.3f %6.1f%%\n", "", "optimiser etc.", "", step - in_rows,
           100 * (step - in_rows) / step);
}
