/* onnx_cases.c - nets as ONNX models beside pictures and what tinycnn answers to them, for check_onnx.py and run_onnx.cjs.
 *
 *     onnx_cases FOLDER                                  nets with random weights: every layer, every net of models/, and
 *                                                        nets whose layers are called alike
 *     onnx_cases FOLDER NAME CHECKPOINT DATA COUNT       a trained net, on the first COUNT test pictures
 *
 * writes FOLDER/NAME.plain.onnx, NAME.folded.onnx (both for normalised pictures), NAME.bytes.onnx (folded; for values 0 to
 * 255), and floats in PyTorch's order: NAME.normal.f32, NAME.bytes.f32 (N, C, H, W), NAME.logits.f32 (N, classes). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nets.h"
#include "saved_net.h"

enum { RANDOM_PICTURES = 20 };

static const float middle[4] = {0.4f, 0.45f, 0.5f, 0.5f}, spread[4] = {0.25f, 0.2f, 0.3f, 0.2f};

typedef struct a_case {
    const char *folder, *name;
    tc_model *model;
    const int64_t *shape; /* (1, C, H, W) */
    const float *mean, *deviation;
    int classes;
    const char *const *class_names;
} a_case;

static tc_status write_floats(const a_case *c, const char *what, const float *values, int64_t count) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.%s.f32", c->folder, c->name, what);
    return tc_write_file(path, values, (size_t)count * sizeof *values);
}

static tc_status write_models(const a_case *c) {
    static const char *const kinds[] = {"plain", "folded", "bytes"};
    for (int k = 0; k < 3; k++) {
        char path[4096];
        tc_export_options options = {.name = c->name,
                                     .classes = c->classes,
                                     .class_names = c->class_names,
                                     .fold = k > 0,
                                     .mean = c->mean,
                                     .normalised = k != 2,
                                     .deviation = c->deviation,
                                     .scale = 1 / 255.0f};
        snprintf(path, sizeof path, "%s/%s.%s.onnx", c->folder, c->name, kinds[k]);
        TC_TRY(tc_export_onnx(c->model, c->shape, &options, path));
    }
    return TC_OK;
}

/* x: normalised. */
static tc_status write_case(const a_case *c, tc_tape *tape, tc_tensor *x) {
    int64_t count = tc_numel(x), pixels = x->shape[2] * x->shape[3];
    const tc_tensor *y = tc_model_forward(c->model, tape, x);
    float *values = malloc((size_t)count * sizeof *values);
    tc_status status = y && values ? TC_OK : tc_fail(TC_ERR_MEMORY, "%s: %s", c->name, tc_tape_error(tape));
    if (status == TC_OK) status = write_models(c);
    if (status == TC_OK) {
        tc_tensor_to_nchw(x, values);
        status = write_floats(c, "normal", values, count);
    }
    for (int64_t i = 0; status == TC_OK && i < count; i++) {
        int64_t channel = i / pixels % x->shape[1];
        values[i] = 255 * (values[i] * c->deviation[channel] + c->mean[channel]);
    }
    if (status == TC_OK) status = write_floats(c, "bytes", values, count);
    if (status == TC_OK) status = write_floats(c, "logits", y->data, tc_numel(y));
    free(values);
    return status;
}

/* ---- Nets whose layers are called alike -------------------------------------------------------------------- */

static tc_module *conv(int inputs, int outputs) {
    return tc_nn_conv2d(inputs, outputs, 3, .padding = 1);
}

/* 4 channels of 2 x 2 to 10 classes. */
static tc_module *head(void) {
    return tc_sequential(tc_nn_adaptive_avgpool2d(2), tc_nn_flatten(), tc_nn_linear(16, 10));
}

/* Body and sum have one path. */
static tc_module *residual_net(void) {
    return tc_sequential(conv(3, 4), tc_residual_identity(conv(4, 4)), tc_nn_relu(), head());
}

static tc_module *alike_net(void) {
    return tc_sequential(tc_named("act", tc_nn_silu()), conv(3, 4), tc_named("act", tc_nn_relu()), conv(4, 4),
                         tc_named("act", tc_nn_gelu(TC_GELU_EXACT)),
                         tc_named("pool", tc_nn_adaptive_avgpool2d(9)),
                         tc_named("pool", tc_nn_avgpool2d(2, .padding = 1)),
                         tc_named("pool", tc_nn_adaptive_avgpool2d(3)), head());
}

/* What the model calls its own values. */
static tc_module *reserved_net(void) {
    return tc_sequential(tc_named("picture", conv(3, 4)), tc_named("scaled", tc_nn_relu()),
                         tc_named("centred", tc_nn_silu()), tc_named("input", conv(4, 4)),
                         tc_named("logits", tc_nn_relu()), tc_named("mean", conv(4, 4)), head());
}

/* Names that differ in their last letter alone, the weights in nothing but their values. */
static tc_module *long_net(void) {
    char name[241];
    memset(name, 'x', 240);
    name[240] = '\0';
    tc_module *first = tc_named(name, conv(4, 4));
    name[239] = 'y';
    return tc_sequential(conv(3, 4), first, tc_named(name, conv(4, 4)), head());
}

static const struct {
    const char *name;
    tc_module *(*build)(void);
} odd_nets[] = {
    {"residual", residual_net}, {"alike", alike_net}, {"reserved", reserved_net}, {"long", long_net}};

/* ---- Random weights ---------------------------------------------------------------------------------------- */

/* Takes the model over. */
static tc_status write_random_net(const char *folder, const char *name, tc_model *model,
                                  const int64_t shape[4]) {
    tc_tape *tape = tc_tape_create(NULL);
    if (!model || !tape) return TC_ERR_MEMORY;
    tc_tape_eval(tape);
    a_case c = {
        .folder = folder, .name = name, .model = model, .shape = shape, .mean = middle, .deviation = spread};
    tc_tensor *x = sample_pictures(tape, RANDOM_PICTURES, shape);
    tc_status status = x ? write_case(&c, tape, x) : TC_ERR_MEMORY;
    tc_tape_free(tape);
    tc_model_free(model);
    return status;
}

static tc_status write_random(const char *folder) {
    static const char *const names[SAMPLE_NETS] = {"everything", "lesson",   "lenet5",
                                                   "vgg",        "resnet20", "airbench94"};
    for (int i = 0; i < SAMPLE_NETS; i++) {
        int64_t shape[4];
        tc_model *model = sample_net(i, shape);
        TC_TRY(write_random_net(folder, names[i], model, shape));
    }
    for (size_t i = 0; i < sizeof odd_nets / sizeof *odd_nets; i++) {
        tc_model *model;
        TC_TRY(tc_model_create(odd_nets[i].build(), 9, &model));
        TC_TRY(write_random_net(folder, odd_nets[i].name, model, (int64_t[]){1, 3, 32, 32}));
    }
    return TC_OK;
}

static tc_status write_first_batch(a_case *c, const tc_dataset *d, const described *about, int count,
                                   tc_tape *tape) {
    const char *names[256];
    tc_transform normalize = tc_normalize(about->mean, about->deviation, about->net.channels);
    tc_loader_options options = {.batch_size = count, .transforms = &normalize, .transform_count = 1};
    tc_loader *loader;
    TC_TRY(tc_loader_create(d, &d->test, &options, &loader));
    tc_status status = tc_loader_start(loader, 0, 0);
    const tc_batch *batch = status == TC_OK ? tc_loader_next(loader) : NULL;
    if (batch) {
        int64_t shape[4] = {batch->count, about->net.channels, about->net.height, about->net.width};
        tc_tensor *x = tc_input(tape, 4, shape, batch->x);
        for (int k = 0; k < about->net.classes && k < 256; k++)
            names[k] = json_string_value(json_array_get(about->class_names, (size_t)k));
        shape[0] = 1;
        c->shape = shape;
        c->class_names = names;
        c->classes = about->net.classes;
        status = x ? write_case(c, tape, x) : TC_ERR_MEMORY;
    }
    tc_loader_free(loader);
    return status;
}

static tc_status write_trained(const char *folder, const char *name, const char *checkpoint, const char *data,
                               int count) {
    described about;
    tc_dataset *d;
    a_case c = {.folder = folder, .name = name};
    TC_TRY(saved_net_open(checkpoint, &about, &c.model));
    TC_TRY(saved_net_dataset(checkpoint, &about, data, NULL, 0, &d));
    c.mean = about.mean;
    c.deviation = about.deviation;
    tc_tape *tape = tc_tape_create(NULL);
    if (!tape) return TC_ERR_MEMORY;
    tc_tape_eval(tape);
    tc_status status = write_first_batch(&c, d, &about, count, tape);
    tc_tape_free(tape);
    tc_dataset_free(d);
    tc_model_free(c.model);
    described_free(&about);
    return status;
}

int main(int argc, char **argv) {
    tc_status status = TC_ERR_ARGUMENT;
    if (argc == 2)
        status = write_random(argv[1]);
    else if (argc == 6)
        status = write_trained(argv[1], argv[2], argv[3], argv[4], atoi(argv[5]));
    else
        tc_fail(status, "usage: onnx_cases FOLDER [NAME CHECKPOINT DATA COUNT]");
    if (status != TC_OK) fprintf(stderr, "onnx_cases: %s\n", tc_last_error());
    return status == TC_OK ? 0 : 1;
}
