/* attribution.c - gradients with respect to the picture and to what lies between; and pictures with a hole. */
#include "attribution.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- One forward pass that is watched -------------------------------------------------------------------- */

typedef struct watch {
    const char *layer; /* wanted; NULL: the last picture */
    tc_tensor *found;  /* its result */
    const char *path;  /* its path */
    bool known;        /* a layer of that name ran */
    char names[700];   /* of all layers whose results are pictures */
} watch;

static void look(void *context, const char *path, const char *type, tc_tensor *result) {
    watch *w = context;
    bool fits = result->ndim == 4 && (w->layer || result->shape[2] * result->shape[3] > 1);
    if (strcmp(type, "sequential") == 0) return;
    if (w->layer && strcmp(w->layer, path) == 0) w->known = true;
    if (result->ndim == 4) {
        size_t used = strlen(w->names);
        snprintf(w->names + used, sizeof w->names - used, "%s%s", used ? ", " : "", path);
    }
    if (!fits || (w->layer && strcmp(w->layer, path) != 0)) return;
    w->found = result;
    w->path = path;
}

/* Which parameters want gradients; all of them are told not to while the picture does. */
static bool *freeze_parameters(tc_model *model) {
    int count = tc_model_parameter_count(model);
    bool *wanted = calloc((size_t)count + 1, sizeof *wanted);
    for (int i = 0; wanted && i < count; i++) {
        tc_tensor *t = tc_model_parameter(model, i)->tensor;
        wanted[i] = t->requires_grad;
        t->requires_grad = false;
    }
    return wanted;
}

static void thaw_parameters(tc_model *model, bool *wanted) {
    for (int i = 0; i < tc_model_parameter_count(model); i++)
        tc_model_parameter(model, i)->tensor->requires_grad = wanted[i];
    free(wanted);
}

static tc_tensor *picture_on(const attribution *a, tc_tape *tape) {
    /* tc_input() promises not to write. */
    return tc_input(tape, 4, (int64_t[]){1, a->channels, a->height, a->width}, (float *)a->picture);
}

/* Sends a gradient of 1 from the logit of `label` back to x, and to w->found where that is retained. */
static tc_status backward(const attribution *a, tc_tape *tape, tc_tensor *logits, int label) {
    if (!logits) return tc_fail(tc_tape_status(tape), "%s", tc_tape_error(tape));
    tc_tensor *pick = tc_tensor_new(tc_tape_arena(tape), 1, a->classes);
    if (!pick) return TC_ERR_MEMORY;
    pick->data[label] = 1;
    return tc_backward(tape, tc_linear(tape, logits, pick, NULL, TC_ACTIVATION_NONE));
}

static tc_tape *new_tape(const attribution *a) {
    tc_tape *tape = tc_tape_create(&(tc_tape_options){.threads = a->threads});
    if (tape) tc_tape_eval(tape);
    return tape;
}

static tc_status check_label(const attribution *a, int label) {
    if (label >= 0 && label < a->classes) return TC_OK;
    return tc_fail(TC_ERR_ARGUMENT, "class %d, expected 0 to %d", label, a->classes - 1);
}

/* ---- Probabilities and saliency ---------------------------------------------------------------------------- */

static void softmax(const float *logits, int count, float *probabilities) {
    double most = (double)logits[0], sum = 0;
    for (int i = 1; i < count; i++) most = fmax(most, (double)logits[i]);
    for (int i = 0; i < count; i++) sum += exp((double)logits[i] - most);
    for (int i = 0; i < count; i++) probabilities[i] = (float)(exp((double)logits[i] - most) / sum);
}

tc_status attribution_probabilities(const attribution *a, float *probabilities) {
    tc_tape *tape = new_tape(a);
    if (!tape) return TC_ERR_MEMORY;
    const tc_tensor *logits = tc_model_forward(a->model, tape, picture_on(a, tape));
    if (logits) softmax(logits->data, a->classes, probabilities);
    tc_status status = tc_tape_status(tape);
    tc_tape_free(tape);
    return status;
}

static tc_status saliency(const attribution *a, tc_tape *tape, int label, float *map) {
    tc_tape_record(tape, true);
    tc_tensor *x = picture_on(a, tape);
    if (!x) return tc_tape_status(tape);
    x->requires_grad = true;
    TC_TRY(backward(a, tape, tc_model_forward(a->model, tape, x), label));
    for (int i = 0; i < a->height * a->width; i++) {
        map[i] = 0;
        for (int c = 0; c < a->channels; c++) map[i] = fmaxf(map[i], fabsf(x->grad[i * a->channels + c]));
    }
    return TC_OK;
}

/* Runs one of the two that go back, with the parameters left out. */
static tc_status without_parameters(const attribution *a, int label,
                                    tc_status (*run)(const attribution *, tc_tape *, int, float *),
                                    float *map) {
    TC_TRY(check_label(a, label));
    tc_tape *tape = new_tape(a);
    bool *wanted = tape ? freeze_parameters(a->model) : NULL;
    tc_status status =
        wanted ? run(a, tape, label, map) : tc_fail(TC_ERR_MEMORY, "attribution: out of memory");
    if (wanted) thaw_parameters(a->model, wanted);
    tc_tape_free(tape);
    return status;
}

tc_status attribution_saliency(const attribution *a, int label, float *map) {
    return without_parameters(a, label, saliency, map);
}

/* ---- Grad-CAM --------------------------------------------------------------------------------------------- */

/* Between pixel centres, the edge repeated. */
static void resize(const float *from, int from_height, int from_width, float *to, int height, int width) {
    for (int i = 0; i < height; i++)
        for (int j = 0; j < width; j++) {
            double y = fmax((i + 0.5) * from_height / height - 0.5, 0),
                   x = fmax((j + 0.5) * from_width / width - 0.5, 0);
            int top = (int)y, left = (int)x;
            int bottom = top + 1 < from_height ? top + 1 : top,
                right = left + 1 < from_width ? left + 1 : left;
            double v = y - top, u = x - left;
            double above =
                (1 - u) * (double)from[top * from_width + left] + u * (double)from[top * from_width + right];
            double below = (1 - u) * (double)from[bottom * from_width + left] +
                           u * (double)from[bottom * from_width + right];
            to[i * width + j] = (float)((1 - v) * above + v * below);
        }
}

static void weigh(const tc_tensor *result, float *plane) {
    int64_t channels = result->shape[1], pixels = result->shape[2] * result->shape[3];
    for (int64_t p = 0; p < pixels; p++) plane[p] = 0;
    for (int64_t c = 0; c < channels; c++) {
        double weight = 0;
        for (int64_t p = 0; p < pixels; p++) weight += (double)result->grad[p * channels + c];
        weight /= (double)pixels;
        for (int64_t p = 0; p < pixels; p++) plane[p] += (float)weight * result->data[p * channels + c];
    }
    for (int64_t p = 0; p < pixels; p++) plane[p] = fmaxf(plane[p], 0);
}

static tc_status check_watch(const watch *w, const char *layer) {
    if (w->found) return TC_OK;
    if (!layer) return tc_fail(TC_ERR_ARGUMENT, "no layer of this net has a picture as its result");
    if (w->known)
        return tc_fail(TC_ERR_ARGUMENT, "the result of layer \"%s\" is no picture; those that are: %s", layer,
                       w->names);
    return tc_fail(TC_ERR_ARGUMENT, "there is no layer \"%s\"; there are %s", layer, w->names);
}

/* The layer is found in a first pass; its result keeps its gradient in the second, which the observer prepares. */
static void retain(void *context, const char *path, const char *type, tc_tensor *result) {
    watch *w = context;
    if (strcmp(type, "sequential") == 0 || strcmp(w->path, path) != 0) return;
    result->requires_grad = result->retain_grad = true;
    w->found = result;
}

static tc_status grad_cam(const attribution *a, tc_tape *tape, int label, watch *w, float *map) {
    char text[TC_SHAPE_TEXT];
    if (!tc_model_forward_observed(a->model, tape, picture_on(a, tape), look, w))
        return tc_fail(tc_tape_status(tape), "%s", tc_tape_error(tape));
    TC_TRY(check_watch(w, w->layer));
    tc_tape_reset(tape, 0);
    tc_tape_record(tape, true);
    tc_tensor *x = picture_on(a, tape);
    if (!x) return tc_tape_status(tape);
    x->requires_grad = true; /* or nothing would be recorded */
    TC_TRY(backward(a, tape, tc_model_forward_observed(a->model, tape, x, retain, w), label));
    const tc_tensor *result = w->found;
    if (!result->grad)
        return tc_fail(TC_ERR_STATE, "layer %s, result %s: the class has no gradient there", w->path,
                       tc_shape_text(result->ndim, result->shape, text));
    float *plane = malloc((size_t)(result->shape[2] * result->shape[3]) * sizeof *plane);
    if (!plane) return tc_fail(TC_ERR_MEMORY, "grad-cam: out of memory");
    weigh(result, plane);
    resize(plane, (int)result->shape[2], (int)result->shape[3], map, a->height, a->width);
    free(plane);
    return TC_OK;
}

tc_status attribution_grad_cam(const attribution *a, int label, const char *layer, float *map,
                               const char **used) {
    watch w = {.layer = layer};
    TC_TRY(check_label(a, label));
    tc_tape *tape = new_tape(a);
    bool *wanted = tape ? freeze_parameters(a->model) : NULL;
    tc_status status =
        wanted ? grad_cam(a, tape, label, &w, map) : tc_fail(TC_ERR_MEMORY, "grad-cam: out of memory");
    if (wanted) thaw_parameters(a->model, wanted);
    tc_tape_free(tape);
    if (status == TC_OK && used) *used = w.path;
    return status;
}

/* ---- Occlusion -------------------------------------------------------------------------------------------- */

enum { BATCH = 64 };

/* The corner of place number i of `places` along an axis: a square may reach over the edge. */
static int corner(int i, int stride, int size) {
    return i * stride - (size - 1) / 2;
}

static void cover(float *picture, const attribution *a, int top, int left, int size) {
    for (int i = top < 0 ? 0 : top; i < top + size && i < a->height; i++)
        for (int j = left < 0 ? 0 : left; j < left + size && j < a->width; j++)
            memset(picture + (size_t)(i * a->width + j) * (size_t)a->channels, 0,
                   (size_t)a->channels * sizeof *picture);
}

typedef struct scan {
    int size, stride, rows, columns;
    float *pictures; /* (BATCH, H, W, C) */
    int *covers;     /* (H, W): squares over a pixel */
} scan;

/* Adds the fall of the probability to the pixels under squares number `first` on; returns how many there were. */
static tc_status scan_batch(const attribution *a, const scan *s, tc_tape *tape, int first, int count,
                            int label, float whole, float *map) {
    size_t values = (size_t)a->height * (size_t)a->width * (size_t)a->channels;
    for (int k = 0; k < count; k++) {
        memcpy(s->pictures + (size_t)k * values, a->picture, values * sizeof(float));
        cover(s->pictures + (size_t)k * values, a, corner((first + k) / s->columns, s->stride, s->size),
              corner((first + k) % s->columns, s->stride, s->size), s->size);
    }
    tc_tape_reset(tape, 0);
    tc_tensor *x = tc_input(tape, 4, (int64_t[]){count, a->channels, a->height, a->width}, s->pictures);
    const tc_tensor *logits = tc_model_forward(a->model, tape, x);
    if (!logits) return tc_fail(tc_tape_status(tape), "%s", tc_tape_error(tape));
    float *probabilities = tc_arena_alloc(tc_tape_arena(tape), (size_t)a->classes * sizeof *probabilities);
    if (!probabilities) return TC_ERR_MEMORY;
    for (int k = 0; k < count; k++) {
        softmax(logits->data + k * a->classes, a->classes, probabilities);
        int top = corner((first + k) / s->columns, s->stride, s->size);
        int left = corner((first + k) % s->columns, s->stride, s->size);
        for (int i = top < 0 ? 0 : top; i < top + s->size && i < a->height; i++)
            for (int j = left < 0 ? 0 : left; j < left + s->size && j < a->width; j++) {
                map[i * a->width + j] += whole - probabilities[label];
                s->covers[i * a->width + j]++;
            }
    }
    return TC_OK;
}

static tc_status run_scan(const attribution *a, const scan *s, int label, float whole, float *map) {
    int pixels = a->height * a->width, places = s->rows * s->columns;
    tc_tape *tape = new_tape(a);
    if (!tape) return TC_ERR_MEMORY;
    memset(map, 0, (size_t)pixels * sizeof *map);
    tc_status status = TC_OK;
    for (int first = 0; status == TC_OK && first < places; first += BATCH)
        status =
            scan_batch(a, s, tape, first, places - first < BATCH ? places - first : BATCH, label, whole, map);
    for (int i = 0; i < pixels; i++)
        if (s->covers[i] > 0) map[i] /= (float)s->covers[i];
    tc_tape_free(tape);
    return status;
}

tc_status attribution_occlusion(const attribution *a, int label, int size, int stride, float *map) {
    TC_TRY(check_label(a, label));
    if (size < 1 || stride < 1 || stride > size)
        return tc_fail(
            TC_ERR_ARGUMENT,
            "occlusion: a square of %d, every %d pixels; expected 1 or more, and squares that touch", size,
            stride);
    size_t values = (size_t)a->height * (size_t)a->width * (size_t)a->channels;
    float *probabilities = malloc((size_t)a->classes * sizeof *probabilities);
    scan s = {.size = size,
              .stride = stride,
              .rows = (a->height - 1) / stride + 1,
              .columns = (a->width - 1) / stride + 1,
              .pictures = malloc(BATCH * values * sizeof(float)),
              .covers = calloc((size_t)a->height * (size_t)a->width, sizeof(int))};
    bool got = probabilities && s.pictures && s.covers;
    tc_status status = got ? attribution_probabilities(a, probabilities)
                           : tc_fail(TC_ERR_MEMORY, "occlusion: out of memory");
    if (status == TC_OK) status = run_scan(a, &s, label, probabilities[label], map);
    free(probabilities);
    free(s.pictures);
    free(s.covers);
    return status;
}
