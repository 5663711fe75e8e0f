/* concat.c - tensors (N, C_i, H, W) side by side along C: in memory, the channel runs of each pixel one after
 * another. */
#include <string.h>

#include "common.h"
#include "tinycnn/parallel.h"

typedef struct work {
    int64_t from_channels, to_channels,
        pixels;      /* channels of a pixel in `in` and in `out`; pixels of a picture */
    int64_t run;     /* channels that are moved */
    const float *in; /* first channel to read */
    float *out;      /* first channel to write */
    bool accumulate;
} work;

static void move_picture(void *context, int64_t n, int worker) {
    const work *w = context;
    (void)worker;
    const float *in = w->in + n * w->pixels * w->from_channels;
    float *out = w->out + n * w->pixels * w->to_channels;
    for (int64_t p = 0; p < w->pixels; p++, in += w->from_channels, out += w->to_channels) {
        if (w->accumulate) {
            for (int64_t c = 0; c < w->run; c++) out[c] += in[c];
        } else {
            memcpy(out, in, sizeof(float) * (size_t)w->run);
        }
    }
}

static void concat_backward(tc_tape *tape, const tci_node *node) {
    const tc_tensor *y = node->output;
    int64_t at = 0;
    for (int i = 0; i < node->input_count; i++) {
        tc_tensor *x = node->inputs[i];
        tci_gradient g = tci_gradient_of(tape, x);
        if (g.data)
            tc_parallel_for(tc_tape_threads(tape), x->shape[0], move_picture,
                            &(work){y->shape[1], x->shape[1], x->shape[2] * x->shape[3], x->shape[1],
                                    y->grad + at, g.data, g.accumulate});
        at += x->shape[1];
    }
}

static const tci_op concat_op = {"concat", concat_backward};

tc_tensor *tc_concat(tc_tape *tape, tc_tensor *const *inputs, int count) {
    if (tape && tc_tape_status(tape) == TC_OK && (!inputs || count < 1))
        return tci_tape_fail(tape, TC_ERR_ARGUMENT, "concat: no inputs");
    if (!tci_begin_with(tape, "concat", inputs, count)) return NULL;
    int64_t shape[4] = {inputs[0]->shape[0], 0, inputs[0]->shape[2], inputs[0]->shape[3]};
    for (int i = 0; i < count; i++) {
        const tc_tensor *x = inputs[i];
        char first[TC_SHAPE_TEXT], other[TC_SHAPE_TEXT];
        if (!tci_is_4d(tape, "concat", x)) return NULL;
        if (x->shape[0] != shape[0] || x->shape[2] != shape[2] || x->shape[3] != shape[3])
            return tci_tape_fail(tape, TC_ERR_SHAPE, "concat: shapes %s and %s differ in more than C",
                                 TCI_SHAPE(inputs[0], first), TCI_SHAPE(x, other));
        shape[1] += x->shape[1];
    }
    tc_tensor *y = tci_result(tape, 4, shape);
    if (!y) return NULL;
    int64_t at = 0;
    for (int i = 0; i < count; at += inputs[i++]->shape[1])
        tc_parallel_for(tc_tape_threads(tape), shape[0], move_picture,
                        &(work){inputs[i]->shape[1], shape[1], shape[2] * shape[3], inputs[i]->shape[1],
                                inputs[i]->data, y->data + at, false});
    return tci_record_with(tape, &concat_op, y, NULL, inputs, count);
}
