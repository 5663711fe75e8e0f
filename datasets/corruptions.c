/* corruptions.c - pictures made worse by a known amount.
 *
 * All work on floats of the scale 0 .. 255 and round at the end, so that a severity of 0 gives the picture back. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* Any number would do, as long as it stays. */
#define STREAM_NOISE 0x6e6f697365u /* "noise" */

enum { DIRECTIONS = 8, BLUR_MAX = 64 /* pixels from the middle of the kernel */ };

static const struct {
    const char *name, *unit;
} kinds[TC_CORRUPTIONS] = {
    [TC_CORRUPT_SHIFT] = {"shift", "pixels"},
    [TC_CORRUPT_ROTATION] = {"rotation", "degrees"},
    [TC_CORRUPT_BRIGHTNESS] = {"brightness", "of the range"},
    [TC_CORRUPT_CONTRAST] = {"contrast", "lost, of 1"},
    [TC_CORRUPT_NOISE] = {"noise", "deviation, of the range"},
    [TC_CORRUPT_BLUR] = {"blur", "deviation in pixels"},
};

const char *tc_corruption_name(tc_corruption kind) {
    return kinds[kind].name;
}

const char *tc_corruption_unit(tc_corruption kind) {
    return kinds[kind].unit;
}

typedef struct work {
    double severity;
    int direction;
    int64_t index;
    int height, width, channels;
    float *from, *to; /* (H, W, C); the result is left in `to` */
} work;

static int clamp(int value, int limit) {
    return value < 0 ? 0 : value >= limit ? limit - 1 : value;
}

static const float *pixel(const work *w, int row, int column) {
    return w->from + ((size_t)clamp(row, w->height) * (size_t)w->width + (size_t)clamp(column, w->width)) *
                         (size_t)w->channels;
}

static void shift(const work *w) {
    static const int right[DIRECTIONS] = {1, 1, 0, -1, -1, -1, 0, 1},
                     down[DIRECTIONS] = {0, -1, -1, -1, 0, 1, 1, 1};
    int64_t by = (int64_t)w->severity;
    /* The result's pixel comes from where the picture was. */
    tci_shift(w->from, w->to, w->height, w->width, w->channels, -by * down[w->direction],
              -by * right[w->direction], true);
}

/* About the centre, counter-clockwise as in rotation.c, but what lies outside is the nearest pixel of the edge: black
 * corners would be a corruption of their own. */
static void rotate(const work *w) {
    double angle = (w->direction % 2 ? -1 : 1) * w->severity * (3.14159265358979323846 / 180.0);
    double cosine = cos(angle), sine = sin(angle);
    float *target = w->to;
    for (int i = 0; i < w->height; i++)
        for (int j = 0; j < w->width; j++) {
            double u = j - 0.5 * (w->width - 1), v = i - 0.5 * (w->height - 1);
            double column = u * cosine - v * sine + 0.5 * (w->width - 1);
            double row = u * sine + v * cosine + 0.5 * (w->height - 1);
            int left = (int)floor(column), top = (int)floor(row);
            float x = (float)(column - left), y = (float)(row - top);
            for (int c = 0; c < w->channels; c++) {
                float above = (1 - x) * pixel(w, top, left)[c] + x * pixel(w, top, left + 1)[c];
                float below = (1 - x) * pixel(w, top + 1, left)[c] + x * pixel(w, top + 1, left + 1)[c];
                *target++ = (1 - y) * above + y * below;
            }
        }
}

static size_t values_of(const work *w) {
    return (size_t)w->height * (size_t)w->width * (size_t)w->channels;
}

static void brightness(const work *w) {
    float by = (float)((w->direction % 2 ? -255 : 255) * w->severity);
    for (size_t i = 0; i < values_of(w); i++) w->to[i] = w->from[i] + by;
}

static void contrast(const work *w) {
    double sum = 0;
    for (size_t i = 0; i < values_of(w); i++) sum += (double)w->from[i];
    float mean = (float)(sum / (double)values_of(w)), share = (float)fmin(w->severity, 1);
    for (size_t i = 0; i < values_of(w); i++) w->to[i] = w->from[i] + share * (mean - w->from[i]);
}

static void noise(const work *w) {
    tc_rng rng = tc_rng_create(0, tc_rng_stream(STREAM_NOISE, (uint64_t)w->index, 0));
    for (size_t i = 0; i < values_of(w); i++)
        w->to[i] = w->from[i] + (float)(255 * w->severity) * tc_rng_normal(&rng);
}

/* Along the rows into `to`, along the columns back and forth: the kernel exp(-d^2 / 2 s^2) is a product of the two. */
static void blur(const work *w) {
    double weights[BLUR_MAX + 1], total = 0;
    int reach = (int)fmin(ceil(4 * w->severity), BLUR_MAX);
    for (int d = 0; d <= reach; d++) {
        weights[d] = w->severity > 0 ? exp(-0.5 * d * d / (w->severity * w->severity)) : 1;
        total += d == 0 ? weights[d] : 2 * weights[d];
    }
    for (int axis = 0; axis < 2; axis++) {
        float *target = w->to;
        for (int i = 0; i < w->height; i++)
            for (int j = 0; j < w->width; j++)
                for (int c = 0; c < w->channels; c++) {
                    double sum = 0;
                    for (int d = -reach; d <= reach; d++)
                        sum += weights[abs(d)] * (double)pixel(w, axis ? i + d : i, axis ? j : j + d)[c];
                    *target++ = (float)(sum / total);
                }
        if (axis == 0) memcpy(w->from, w->to, values_of(w) * sizeof *w->to);
    }
}

static tc_status check(tc_corruption kind, double severity, int direction, int height, int width) {
    int least = height < width ? height : width;
    if (kind < 0 || kind >= TC_CORRUPTIONS)
        return tc_fail(TC_ERR_ARGUMENT, "corruption: %d is none", (int)kind);
    if (!isfinite(severity) || severity < 0)
        return tc_fail(TC_ERR_ARGUMENT, "%s: a severity of %g, expected a number from 0", kinds[kind].name,
                       severity);
    if (direction < 0 || direction >= DIRECTIONS)
        return tc_fail(TC_ERR_ARGUMENT, "%s: direction %d, expected 0 to %d", kinds[kind].name, direction,
                       DIRECTIONS - 1);
    if (kind == TC_CORRUPT_SHIFT && (severity != floor(severity) || severity >= least))
        return tc_fail(TC_ERR_ARGUMENT,
                       "shift: %g pixels of a picture of %d x %d, expected a whole number below %d", severity,
                       height, width, least);
    return TC_OK;
}

/* `buffer`: 2 H W C floats. */
static void corrupt(tc_corruption kind, work w, float *buffer, const uint8_t *picture, uint8_t *out) {
    static void (*const functions[TC_CORRUPTIONS])(const work *) = {
        [TC_CORRUPT_SHIFT] = shift,           [TC_CORRUPT_ROTATION] = rotate,
        [TC_CORRUPT_BRIGHTNESS] = brightness, [TC_CORRUPT_CONTRAST] = contrast,
        [TC_CORRUPT_NOISE] = noise,           [TC_CORRUPT_BLUR] = blur};
    size_t values = values_of(&w);
    w.from = buffer;
    w.to = buffer + values;
    for (size_t i = 0; i < values; i++) w.from[i] = (float)picture[i];
    functions[kind](&w);
    for (size_t i = 0; i < values; i++) out[i] = (uint8_t)lrintf(fminf(fmaxf(w.to[i], 0), 255));
}

tc_status tc_corrupt(tc_corruption kind, double severity, int direction, int64_t index,
                     const uint8_t *picture, int height, int width, int channels, uint8_t *out) {
    TC_TRY(check(kind, severity, direction, height, width));
    work w = {.severity = severity,
              .direction = direction,
              .index = index,
              .height = height,
              .width = width,
              .channels = channels};
    float *buffer = malloc(2 * values_of(&w) * sizeof *buffer);
    if (!buffer) return tc_fail(TC_ERR_MEMORY, "%s: out of memory", kinds[kind].name);
    corrupt(kind, w, buffer, picture, out);
    free(buffer);
    return TC_OK;
}

/* ---- A whole split ------------------------------------------------------------------------------------- */

enum { CHUNK = 64 /* pictures */ };

typedef struct task {
    const tc_split *split;
    tc_corruption kind;
    work w;
    float *buffers; /* (threads, 2 H W C) */
    uint8_t *out;
} task;

static void corrupt_chunk(void *context, int64_t chunk, int worker) {
    const task *t = context;
    size_t values = values_of(&t->w);
    float *buffer = t->buffers + (size_t)worker * 2 * values;
    for (int64_t i = chunk * CHUNK; i < (chunk + 1) * CHUNK && i < t->split->count; i++) {
        work w = t->w;
        w.index = i;
        corrupt(t->kind, w, buffer, t->split->pixels + (size_t)i * values, t->out + (size_t)i * values);
    }
}

tc_status tc_corrupt_split(const tc_dataset *d, const tc_split *split, tc_corruption kind, double severity,
                           int direction, int threads, uint8_t *out) {
    TC_TRY(check(kind, severity, direction, d->height, d->width));
    if (threads <= 0) threads = tc_threads_available();
    task t = {.split = split,
              .kind = kind,
              .w = {.severity = severity,
                    .direction = direction,
                    .height = d->height,
                    .width = d->width,
                    .channels = d->channels},
              .out = out};
    t.buffers = malloc((size_t)threads * 2 * values_of(&t.w) * sizeof *t.buffers);
    if (!t.buffers) return tc_fail(TC_ERR_MEMORY, "%s: out of memory", kinds[kind].name);
    tc_parallel_for(threads, (split->count + CHUNK - 1) / CHUNK, corrupt_chunk, &t);
    free(t.buffers);
    return TC_OK;
}
