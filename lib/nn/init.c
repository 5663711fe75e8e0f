/* init.c - how parameters begin.
 *
 * PyTorch's default draws weight and bias from U(-b, b) with b = 1 / sqrt(fan_in). He et al. 2015 draw the
 * weight from N(0, 2 / fan_in). A Dirac filter is 1 at the centre of one channel and 0 elsewhere. Numbers are
 * handed out in the row-major (O, I, H, W) order of PyTorch, and each parameter has a stream of its own: neither
 * memory layout nor other parameters change what it gets. */
#include <math.h>
#include <string.h>

#include "model.h"

/* Sets this use of a seed apart from dropout, shuffling, ... */
#define STREAM_INIT 0x696e6974u /* "init" */

typedef struct source {
    tc_rng rng;
    bool normal;
    float scale; /* half the width of the uniform distribution, or the deviation of the normal one */
} source;

static float draw(source *from) {
    if (from->normal) return from->scale * tc_rng_normal(&from->rng);
    return from->scale * (2.0f * tc_rng_uniform(&from->rng) - 1.0f);
}

static void fill_random(tc_tensor *tensor, source *from) {
    if (tensor->ndim != 4) {
        for (int64_t i = 0, count = tc_numel(tensor); i < count; i++) tensor->data[i] = draw(from);
        return;
    }
    for (int64_t o = 0; o < tensor->shape[0]; o++)
        for (int64_t c = 0; c < tensor->shape[1]; c++)
            for (int64_t h = 0; h < tensor->shape[2]; h++)
                for (int64_t w = 0; w < tensor->shape[3]; w++) *tc_at(tensor, o, c, h, w) = draw(from);
}

static void fill(tc_tensor *tensor, float value) {
    for (int64_t i = 0, count = tc_numel(tensor); i < count; i++) tensor->data[i] = value;
}

/* Filter c hands on channel c, for all channels. */
static void fill_dirac(tc_tensor *weight) {
    int64_t channels = weight->shape[1], row = weight->shape[2] / 2, column = weight->shape[3] / 2;
    memset(weight->data, 0, sizeof(float) * (size_t)(tc_numel(weight) / weight->shape[0] * channels));
    for (int64_t c = 0; c < channels; c++) *tc_at(weight, c, c, row, column) = 1.0f;
}

static void begin(tci_entry *entry, tc_init init, tc_rng rng) {
    tc_tensor *tensor = entry->visible.tensor;
    tci_rule rule = entry->declared.rule;
    double fan_in = (double)entry->declared.fan_in;
    if (rule == TCI_RULE_ONES) {
        fill(tensor, 1.0f);
    } else if (rule == TCI_RULE_ZEROS || (rule == TCI_RULE_BIAS && init == TC_INIT_HE)) {
        fill(tensor, 0.0f);
    } else if (init == TC_INIT_HE) {
        fill_random(tensor, &(source){.rng = rng, .normal = true, .scale = (float)sqrt(2.0 / fan_in)});
    } else {
        fill_random(tensor, &(source){.rng = rng, .normal = false, .scale = (float)(1.0 / sqrt(fan_in))});
        if (init == TC_INIT_DIRAC && entry->declared.hands_on) fill_dirac(tensor);
    }
}

void tc_model_init(tc_model *model, tc_init init, uint64_t seed) {
    tc_model_thaw(model);
    for (int i = 0; i < model->parameter_count; i++)
        begin(&model->parameters[i], init, tc_rng_create(seed, tc_rng_stream(STREAM_INIT, (uint64_t)i, 0)));
    for (int i = 0; i < model->buffer_count; i++) begin(&model->buffers[i], init, tc_rng_create(seed, 0));
    for (int i = 0; i < model->counter_count; i++) model->counters[i].value = 0;
}
