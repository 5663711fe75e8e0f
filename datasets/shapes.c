/* shapes.c - pictures of ten kinds of geometric shapes, made as fast as they are needed.
 *
 * A picture is   background + coverage * (foreground - background) + noise   for every pixel and channel.
 *
 * coverage: with (u, v) the pixel in the turned and scaled frame of the shape, an outline function d(u, v) is
 * positive inside, and near the outline about the distance to it; coverage = clamp(d * radius + 1/2) then
 * gives a smooth edge one pixel wide without supersampling.
 *
 * foreground, background: two colours mixed by a texture. Textures are made of phases, 16-bit numbers that
 * grow linearly over the picture and wrap around once a period.
 *
 * All inner loops run over one row of 32 pixels and have no branches, so that the compiler can use vectors.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

enum { SIDE = 32, PICTURE = SIDE * SIDE * 3, CLASSES = 10, CHUNK = 64 };

/* ---- Outlines: d[i] for the row of points (u[i], v[i]) --------------------------------------------------
 */

typedef void outline(const float *u, const float *v, float *d); /* (SIDE) each */

static inline float smaller(float a, float b) {
    return a < b ? a : b;
}

static inline float larger(float a, float b) {
    return a > b ? a : b;
}

static inline float size(float a) {
    return a < 0.0f ? -a : a;
}

static inline float length(float a, float b) {
    return sqrtf(a * a + b * b);
}

static void circle(const float *u, const float *v, float *d) {
    for (int i = 0; i < SIDE; i++) d[i] = 0.95f - length(u[i], v[i]);
}

static void ring(const float *u, const float *v, float *d) {
    for (int i = 0; i < SIDE; i++) d[i] = 0.22f - size(length(u[i], v[i]) - 0.78f);
}

static void square(const float *u, const float *v, float *d) {
    for (int i = 0; i < SIDE; i++) d[i] = 0.85f - larger(size(u[i]), size(v[i]));
}

/* Equilateral: inside three lines. */
static void triangle(const float *u, const float *v, float *d) {
    for (int i = 0; i < SIDE; i++) d[i] = 0.55f - larger(v[i], size(u[i]) * 0.8660254f - v[i] * 0.5f);
}

static void cross(const float *u, const float *v, float *d) {
    for (int i = 0; i < SIDE; i++) {
        float a = size(u[i]), b = size(v[i]);
        d[i] = smaller(1.0f - larger(a, b), 0.3f - smaller(a, b));
    }
}

/* A pentagram: the points that lie outside of at most one of the five lines through its edges. */
static void star(const float *u, const float *v, float *d) {
    static const float nu[5] = {0.0f, 0.9510565f, 0.5877853f, -0.5877853f, -0.9510565f};
    static const float nv[5] = {1.0f, 0.3090170f, -0.8090170f, -0.8090170f, 0.3090170f};
    for (int i = 0; i < SIDE; i++) {
        float least = 9.0f, second = 9.0f;
        for (int k = 0; k < 5; k++) {
            float e = 0.37f - (nu[k] * u[i] + nv[k] * v[i]);
            second = smaller(second, larger(least, e));
            least = smaller(least, e);
        }
        d[i] = second;
    }
}

static void crescent(const float *u, const float *v, float *d) {
    for (int i = 0; i < SIDE; i++)
        d[i] = smaller(1.0f - length(u[i], v[i]), length(u[i] - 0.5f, v[i]) - 0.8f);
}

/* A square on its corner with half discs on its upper sides. */
static void heart(const float *u, const float *v, float *d) {
    for (int i = 0; i < SIDE; i++) {
        float a = (v[i] + u[i]) * 0.7071068f + 0.1f, b = (v[i] - u[i]) * 0.7071068f + 0.1f;
        float diamond = 0.55f - larger(size(a), size(b));
        float discs = larger(0.55f - length(a + 0.55f, b), 0.55f - length(a, b + 0.55f));
        d[i] = larger(diamond, discs);
    }
}

static void arrow(const float *u, const float *v, float *d) {
    for (int i = 0; i < SIDE; i++) {
        float b = size(v[i]);
        float head = smaller(u[i], 0.64f * (1.0f - u[i]) - 0.77f * b);
        float shaft = smaller(smaller(u[i] + 1.0f, 0.2f - u[i]), 0.25f - b);
        d[i] = larger(head, shaft);
    }
}

static void hourglass(const float *u, const float *v, float *d) {
    for (int i = 0; i < SIDE; i++) {
        float b = size(v[i]);
        d[i] = smaller(0.95f - b, 0.7f * (b + 0.08f - size(u[i])));
    }
}

static const struct {
    const char *name;
    outline *outline;
} shapes[CLASSES] = {{"circle", circle},      {"ring", ring},   {"square", square},
                     {"triangle", triangle},  {"cross", cross}, {"star", star},
                     {"crescent", crescent},  {"heart", heart}, {"arrow", arrow},
                     {"hourglass", hourglass}};

/* ---- Textures -------------------------------------------------------------------------------------------
 */

typedef enum pattern { PLAIN, GRADIENT, STRIPES, CHECKS, SPECKLES, PATTERNS } pattern;

/* A number from 0 to 65535 that wraps around: start + x * across + y * down. */
typedef struct phase {
    uint16_t start, across, down;
} phase;

typedef struct texture {
    pattern pattern;
    phase phases[2];
    int16_t colour[3], change[3]; /* a channel is colour + change * t, t from 0 to 1 */
} texture;

static float between(tc_rng *rng, float low, float high) {
    return low + (high - low) * tc_rng_uniform(rng);
}

/* A plane wave in a random direction with a period in pixels. */
static phase random_phase(tc_rng *rng, float shortest, float longest) {
    float step = 65536.0f / between(rng, shortest, longest), angle = between(rng, 0.0f, 6.2831853f);
    return (phase){(uint16_t)tc_rng_u32(rng), (uint16_t)(int32_t)(step * cosf(angle)),
                   (uint16_t)(int32_t)(step * sinf(angle))};
}

static texture random_texture(tc_rng *rng, const float colour[3], float strength) {
    texture t = {.pattern = (pattern)tc_rng_below(rng, PATTERNS)};
    bool slow = t.pattern == GRADIENT;
    for (int k = 0; k < 2; k++) t.phases[k] = random_phase(rng, slow ? 64.0f : 4.0f, slow ? 96.0f : 12.0f);
    for (int c = 0; c < 3; c++) {
        float change = between(rng, -strength, strength);
        t.change[c] = (int16_t)change;
        t.colour[c] = (int16_t)(colour[c] - 0.5f * change);
    }
    return t;
}

/* The texture's row y: how much of `change` there is at each pixel, from 0 to 128. */
static void texture_row(const texture *t, int y, const uint8_t *noise, /* (SIDE) */
                        int16_t *mix) {                                /* (SIDE) */
    uint16_t p[SIDE], q[SIDE];
    for (int x = 0; x < SIDE; x++) {
        p[x] = (uint16_t)(t->phases[0].start + y * t->phases[0].down + x * t->phases[0].across);
        q[x] = (uint16_t)(t->phases[1].start + y * t->phases[1].down + x * t->phases[1].across);
    }
    switch (t->pattern) {
    case GRADIENT: /* a triangle wave: folded in the middle of its period */
        for (int x = 0; x < SIDE; x++) mix[x] = (int16_t)((p[x] < 32768 ? p[x] : 65535 - p[x]) >> 8);
        break;
    case STRIPES:
        for (int x = 0; x < SIDE; x++) mix[x] = (int16_t)((p[x] >> 15) << 7);
        break;
    case CHECKS:
        for (int x = 0; x < SIDE; x++) mix[x] = (int16_t)(((p[x] ^ q[x]) >> 15) << 7);
        break;
    case SPECKLES:
        for (int x = 0; x < SIDE; x++) mix[x] = noise[x] >> 1;
        break;
    default:
        for (int x = 0; x < SIDE; x++) mix[x] = 0;
    }
}

/* ---- A picture ------------------------------------------------------------------------------------------
 */

typedef struct scene {
    outline *outline;
    float radius, u0, v0, across, down; /* u = u0 + x across + y down, v = v0 - x down + y across */
    texture background, foreground;
    int16_t noise; /* amplitude in levels of grey */
} scene;

/* Two colours that differ clearly in at least one channel. */
static void random_colours(tc_rng *rng, float background[3], float foreground[3]) {
    int strong = (int)tc_rng_below(rng, 3);
    for (int c = 0; c < 3; c++) {
        background[c] = between(rng, 30.0f, 225.0f);
        foreground[c] = between(rng, 30.0f, 225.0f);
    }
    float contrast = between(rng, 90.0f, 150.0f);
    foreground[strong] = background[strong] + (background[strong] < 128.0f ? contrast : -contrast);
}

static scene random_scene(tc_rng *rng, int label) {
    scene s = {.outline = shapes[label].outline, .radius = between(rng, 8.0f, 13.0f)};
    float angle = between(rng, -0.4f, 0.4f);
    float x = between(rng, s.radius, SIDE - 1 - s.radius), y = between(rng, s.radius, SIDE - 1 - s.radius);
    s.across = cosf(angle) / s.radius;
    s.down = sinf(angle) / s.radius;
    s.u0 = -(x * s.across + y * s.down);
    s.v0 = x * s.down - y * s.across;
    float background[3], foreground[3];
    random_colours(rng, background, foreground);
    s.background = random_texture(rng, background, 40.0f);
    s.foreground = random_texture(rng, foreground, 40.0f);
    s.noise = (int16_t)between(rng, 4.0f, 24.0f);
    return s;
}

/* Random bits for a picture, 32 a pixel. The first row is drawn, every other one is the row before, moved one
 * step on by Marsaglia's xorshift (2003). */
static void fill_noise(tc_rng *rng, uint32_t words[SIDE][SIDE]) {
    for (int x = 0; x < SIDE; x++) words[0][x] = tc_rng_u32(rng) | 1;
    for (int y = 1; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            uint32_t word = words[y - 1][x];
            word ^= word << 13;
            word ^= word >> 17;
            words[y][x] = word ^ word << 5;
        }
}

static inline int16_t clamp(int16_t value) {
    return (int16_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* One channel of a row. Every intermediate result fits into 16 bits, eight of which share a vector: mixes go
 * to 128, changes and amplitudes stay below 128, colours between -127 and 382, their difference within 255.
 */
static void blend(const texture *background, const int16_t *back, const texture *foreground,
                  const int16_t *front, int channel, const int16_t *coverage, const uint8_t *bits,
                  int16_t amplitude, uint8_t *restrict out) { /* (SIDE) each */
    int16_t b0 = background->colour[channel], b1 = background->change[channel];
    int16_t f0 = foreground->colour[channel], f1 = foreground->change[channel];
    for (int x = 0; x < SIDE; x++) {
        int16_t b = (int16_t)(b0 + ((int16_t)(b1 * back[x]) >> 7));
        int16_t f = (int16_t)(f0 + ((int16_t)(f1 * front[x]) >> 7));
        int16_t noise = (int16_t)((int16_t)(amplitude * (int16_t)(bits[x] - 128)) >> 7);
        int16_t shape = (int16_t)((int16_t)((int16_t)(f - b) * coverage[x]) >> 7);
        out[x] = (uint8_t)clamp((int16_t)(b + shape + noise));
    }
}

static void draw_row(const scene *s, int y, const uint8_t *noise, /* (4, SIDE) */
                     uint8_t *row) {                              /* (SIDE, 3) */
    float u[SIDE], v[SIDE], d[SIDE];
    int16_t coverage[SIDE], back[SIDE], front[SIDE];
    uint8_t planes[3][SIDE];
    for (int x = 0; x < SIDE; x++) {
        u[x] = s->u0 + (float)x * s->across + (float)y * s->down;
        v[x] = s->v0 - (float)x * s->down + (float)y * s->across;
    }
    s->outline(u, v, d);
    for (int x = 0; x < SIDE; x++) {
        int part = (int)(d[x] * (128.0f * s->radius) + 64.0f);
        coverage[x] = (int16_t)(part < 0 ? 0 : part > 128 ? 128 : part);
    }
    texture_row(&s->background, y, noise, back);
    texture_row(&s->foreground, y, noise, front);
    for (int c = 0; c < 3; c++)
        blend(&s->background, back, &s->foreground, front, c, coverage, noise + (c + 1) * SIDE, s->noise,
              planes[c]);
    for (int x = 0; x < SIDE; x++)
        for (int c = 0; c < 3; c++) row[3 * x + c] = planes[c][x];
}

static void draw_picture(uint64_t seed, int split, int64_t index, uint8_t *picture, /* (SIDE, SIDE, 3) */
                         uint8_t *label) {
    tc_rng rng =
        tc_rng_create(seed, tc_rng_stream(0x736861706573 /* "shapes" */, (uint64_t)split, (uint64_t)index));
    union {
        uint32_t words[SIDE][SIDE];
        uint8_t bytes[SIDE][4 * SIDE];
    } noise;
    *label = (uint8_t)(index % CLASSES);
    scene s = random_scene(&rng, *label);
    fill_noise(&rng, noise.words);
    for (int y = 0; y < SIDE; y++) draw_row(&s, y, noise.bytes[y], picture + y * SIDE * 3);
}

/* ---- The data set ----------------------------------------------------------------------------------------
 */

typedef struct drawing {
    const tc_split *split;
    uint64_t seed;
    int which; /* 0: training, 1: test */
} drawing;

static void draw_chunk(void *context, int64_t chunk, int worker) {
    const drawing *d = context;
    (void)worker;
    int64_t last = (chunk + 1) * CHUNK < d->split->count ? (chunk + 1) * CHUNK : d->split->count;
    for (int64_t i = chunk * CHUNK; i < last; i++)
        draw_picture(d->seed, d->which, i, d->split->pixels + i * PICTURE, d->split->labels + i);
}

static tc_status draw_split(const tc_dataset *dataset, int64_t count, uint64_t seed, int which, int threads,
                            tc_split *split) {
    TC_TRY(tci_split_alloc(dataset, count, split));
    drawing d = {split, seed, which};
    tc_parallel_for(threads > 0 ? threads : tc_threads_available(), (count + CHUNK - 1) / CHUNK, draw_chunk,
                    &d);
    return TC_OK;
}

tc_status tc_shapes_open(int64_t train_count, int64_t test_count, uint64_t seed, int threads,
                         tc_dataset **dataset) {
    const char *names[CLASSES];
    *dataset = NULL;
    if (train_count < 1 || test_count < 0)
        return tc_fail(TC_ERR_ARGUMENT,
                       "shapes: %lld training and %lld test pictures, expected at least 1 and 0",
                       (long long)train_count, (long long)test_count);
    for (int i = 0; i < CLASSES; i++) names[i] = shapes[i].name;
    tc_dataset *set;
    TC_TRY(tci_dataset_create("shapes", 3, SIDE, SIDE, CLASSES, names, &set));
    tc_status status = draw_split(set, train_count, seed, 0, threads, &set->train);
    if (status == TC_OK) status = draw_split(set, test_count, seed, 1, threads, &set->test);
    if (status != TC_OK) {
        tc_dataset_free(set);
        return status;
    }
    tci_dataset_measure(set, threads);
    *dataset = set;
    return TC_OK;
}
