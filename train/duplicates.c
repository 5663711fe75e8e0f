/* duplicates.c - exact copies by sorting indices by bytes; near ones by products of thumbnails, a block of pictures with
 * a block of pictures at a time, and a second look at what passes. */
#include "duplicates.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 8, BLOCK = 2048, SHIFT = 2 };
static const double THUMBS_ALIKE = 0.95, PICTURES_ALIKE = 0.9, DETAIL_ALIKE = 0.5, NO_CONTRAST = 2;

const uint8_t *duplicate_picture(const tc_dataset *d, int64_t number) {
    size_t bytes = (size_t)d->height * (size_t)d->width * (size_t)d->channels;
    bool test = number >= d->train.count;
    return test ? d->test.pixels + (size_t)(number - d->train.count) * bytes
                : d->train.pixels + (size_t)number * bytes;
}

int duplicate_label(const tc_dataset *d, int64_t number) {
    return number >= d->train.count ? d->test.labels[number - d->train.count] : d->train.labels[number];
}

void duplicates_free(duplicate_list *list) {
    free(list->pairs);
    *list = (duplicate_list){0};
}

static tc_status add(duplicate_list *list, duplicate_pair pair) {
    if (list->count == DUPLICATES_MAX) {
        list->cut = true;
        return TC_OK;
    }
    if ((list->count & (list->count - 1)) == 0) {
        size_t room = list->count ? 2 * (size_t)list->count : 1;
        duplicate_pair *larger = realloc(list->pairs, room * sizeof *larger);
        if (!larger) return tc_fail(TC_ERR_MEMORY, "no memory for a list of duplicates");
        list->pairs = larger;
    }
    list->pairs[list->count++] = pair;
    return TC_OK;
}

/* ---- Exact ones ----------------------------------------------------------------------------------------- */

typedef struct keyed {
    uint64_t key; /* FNV-1a of the bytes */
    int64_t number;
} keyed;

static int by_key(const void *a, const void *b) {
    const keyed *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

static uint64_t hash(const uint8_t *bytes, size_t count) {
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < count; i++) h = (h ^ bytes[i]) * 1099511628211u;
    return h;
}

static tc_status find_exact(const tc_dataset *d, duplicate_list *list) {
    int64_t count = d->train.count + d->test.count;
    size_t bytes = (size_t)d->height * (size_t)d->width * (size_t)d->channels;
    keyed *keys = malloc((size_t)count * sizeof *keys);
    if (!keys) return tc_fail(TC_ERR_MEMORY, "no memory for %lld pictures", (long long)count);
    for (int64_t i = 0; i < count; i++) keys[i] = (keyed){hash(duplicate_picture(d, i), bytes), i};
    qsort(keys, (size_t)count, sizeof *keys, by_key);
    tc_status status = TC_OK;
    /* Each copy is paired with the first of its kind. */
    for (int64_t first = 0, i = 1; i < count && status == TC_OK; i++) {
        if (keys[i].key != keys[first].key)
            first = i;
        else if (memcmp(duplicate_picture(d, keys[i].number), duplicate_picture(d, keys[first].number),
                        bytes) == 0)
            status = add(list, (duplicate_pair){keys[first].number, keys[i].number, true, 1});
    }
    free(keys);
    return status;
}

/* ---- Thumbnails ------------------------------------------------------------------------------------------ */

/* Takes the mean away and scales to norm 1; false, and all zeros, where there is no contrast. */
static bool standardise(float *values, int count, double least) {
    double mean = 0, square = 0;
    for (int i = 0; i < count; i++) mean += (double)values[i];
    mean /= count;
    for (int i = 0; i < count; i++) square += ((double)values[i] - mean) * ((double)values[i] - mean);
    bool contrast = sqrt(square / count) >= least && square > 0;
    for (int i = 0; i < count; i++)
        values[i] = contrast ? (float)(((double)values[i] - mean) / sqrt(square)) : 0;
    return contrast;
}

/* Values of a thumbnail: its pixels have all channels, since a shape in another colour is another picture. */
static int thumb_size(const tc_dataset *d) {
    return SIDE * SIDE * d->channels;
}

typedef struct thumbs {
    const tc_dataset *d;
    float *values; /* (pictures, SIDE, SIDE, channels) */
} thumbs;

static void thumb(void *context, int64_t number, int worker) {
    const thumbs *t = context;
    (void)worker;
    int height = t->d->height, width = t->d->width, channels = t->d->channels, size = thumb_size(t->d);
    float *to = t->values + number * size;
    int counts[SIDE * SIDE] = {0};
    const uint8_t *p = duplicate_picture(t->d, number);
    memset(to, 0, (size_t)size * sizeof *to);
    for (int i = 0; i < height; i++)
        for (int j = 0; j < width; j++) {
            int at = i * SIDE / height * SIDE + j * SIDE / width;
            for (int c = 0; c < channels; c++) to[at * channels + c] += (float)*p++;
            counts[at]++;
        }
    for (int i = 0; i < size; i++) to[i] /= (float)counts[i / channels];
    standardise(to, size, NO_CONTRAST);
}

/* ---- The second look ------------------------------------------------------------------------------------- */

/* Height, width and channels of the pictures, and room to work in: 6 H W C floats. */
typedef struct desk {
    int height, width, channels;
    float *room;
} desk;

/* Copies the part of `from` that stays in view when it is moved by (down, right), standardised; returns its size. */
static int part_of(const desk *k, const float *from, int down, int right, float *to) {
    int rows = k->height - abs(down), row = (k->width - abs(right)) * k->channels;
    for (int i = 0; i < rows; i++) {
        const float *begin =
            from + ((i + (down > 0 ? down : 0)) * k->width + (right > 0 ? right : 0)) * k->channels;
        memcpy(to + i * row, begin, (size_t)row * sizeof *to);
    }
    standardise(to, rows * row, 0);
    return rows * row;
}

static double product(const float *a, const float *b, int count) {
    double sum = 0;
    for (int i = 0; i < count; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

/* The picture less the mean of its 3 x 3 neighbourhood. */
static void detail_of(const desk *k, const float *from, float *to) {
    for (int i = 0; i < k->height; i++)
        for (int j = 0; j < k->width; j++)
            for (int c = 0; c < k->channels; c++) {
                float sum = 0;
                int count = 0, at = (i * k->width + j) * k->channels + c;
                for (int y = i > 0 ? i - 1 : 0; y <= i + 1 && y < k->height; y++)
                    for (int x = j > 0 ? j - 1 : 0; x <= j + 1 && x < k->width; x++, count++)
                        sum += from[(y * k->width + x) * k->channels + c];
                to[at] = from[at] - sum / (float)count;
            }
}

/* How two pictures correlate when one is moved against the other. */
static double correlation(const desk *k, const float *a, const float *b, int down, int right) {
    int values = k->height * k->width * k->channels;
    float *part = k->room + 4 * values, *other = k->room + 5 * values;
    part_of(k, a, down, right, part);
    int count = part_of(k, b, -down, -right, other);
    return product(part, other, count);
}

/* The correlation of two pictures where it is highest, or 0 if they are not near. */
static double likeness(const desk *k, const uint8_t *a, const uint8_t *b) {
    int values = k->height * k->width * k->channels, best_down = 0, best_right = 0;
    float *x = k->room, *y = x + values, *detail_x = y + values, *detail_y = detail_x + values;
    double best = 0;
    for (int i = 0; i < values; i++) x[i] = (float)a[i], y[i] = (float)b[i];
    for (int down = -SHIFT; down <= SHIFT; down++)
        for (int right = -SHIFT; right <= SHIFT; right++) {
            double r = correlation(k, x, y, down, right);
            if (r > best) best = r, best_down = down, best_right = right;
        }
    if (best < PICTURES_ALIKE) return 0;
    detail_of(k, x, detail_x);
    detail_of(k, y, detail_y);
    return correlation(k, detail_x, detail_y, best_down, best_right) >= DETAIL_ALIKE ? best : 0;
}

/* ---- Near ones ------------------------------------------------------------------------------------------- */

typedef struct search {
    const tc_dataset *d;
    const float *thumbs; /* (count, size) */
    int64_t count, size;
    desk desk;
    duplicate_list *list;
} search;

static bool is_exact(const tc_dataset *d, const uint8_t *a, const uint8_t *b) {
    return memcmp(a, b, (size_t)d->height * (size_t)d->width * (size_t)d->channels) == 0;
}

/* All pairs of a block of rows with a block of columns: one matrix product. */
static tc_status search_blocks(const search *s, tc_tape *tape, int64_t row, int64_t column) {
    int64_t rows = s->count - row < BLOCK ? s->count - row : BLOCK;
    int64_t columns = s->count - column < BLOCK ? s->count - column : BLOCK;
    tc_tape_reset(tape, 0);
    tc_tensor *x = tc_input(tape, 2, (int64_t[]){rows, s->size}, (float *)s->thumbs + row * s->size);
    tc_tensor *w = tc_input(tape, 2, (int64_t[]){columns, s->size}, (float *)s->thumbs + column * s->size);
    const tc_tensor *products = tc_linear(tape, x, w, NULL, TC_ACTIVATION_NONE);
    TC_TRY(tc_tape_status(tape));
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = row == column ? i + 1 : 0; j < columns; j++) {
            if (!(products->data[i * columns + j] >= (float)THUMBS_ALIKE)) continue;
            const uint8_t *a = duplicate_picture(s->d, row + i), *b = duplicate_picture(s->d, column + j);
            double r = is_exact(s->d, a, b) ? 0 : likeness(&s->desk, a, b);
            if (r > 0) TC_TRY(add(s->list, (duplicate_pair){row + i, column + j, false, r}));
        }
    return TC_OK;
}

static tc_status find_near(const tc_dataset *d, int threads, duplicate_list *list) {
    search s = {.d = d,
                .count = d->train.count + d->test.count,
                .size = thumb_size(d),
                .desk = {d->height, d->width, d->channels, NULL},
                .list = list};
    float *values = malloc((size_t)(s.count * s.size) * sizeof *values);
    tc_tape *tape = tc_tape_create(&(tc_tape_options){.threads = threads});
    s.desk.room = malloc(6 * (size_t)d->height * (size_t)d->width * (size_t)d->channels * sizeof(float));
    s.thumbs = values;
    bool got = values && tape && s.desk.room;
    tc_status status =
        got ? TC_OK : tc_fail(TC_ERR_MEMORY, "no memory for %lld thumbnails", (long long)s.count);
    if (got) {
        tc_tape_eval(tape);
        tc_parallel_for(tc_tape_threads(tape), s.count, thumb, &(thumbs){d, values});
    }
    for (int64_t row = 0; status == TC_OK && row < s.count; row += BLOCK)
        for (int64_t column = row; status == TC_OK && column < s.count; column += BLOCK)
            status = search_blocks(&s, tape, row, column);
    tc_tape_free(tape);
    free(values);
    free(s.desk.room);
    return status;
}

static int by_likeness(const void *a, const void *b) {
    const duplicate_pair *x = a, *y = b;
    if (x->exact != y->exact) return x->exact ? -1 : 1;
    if (x->likeness != y->likeness) return x->likeness > y->likeness ? -1 : 1;
    if (x->a != y->a) return x->a < y->a ? -1 : 1;
    return x->b < y->b ? -1 : x->b > y->b;
}

tc_status duplicates_find(const tc_dataset *d, bool near, int threads, duplicate_list *list) {
    *list = (duplicate_list){0};
    tc_status status = find_exact(d, list);
    if (status == TC_OK && near && d->height >= SIDE && d->width >= SIDE)
        status = find_near(d, threads, list);
    if (status != TC_OK)
        duplicates_free(list);
    else if (list->count > 0)
        qsort(list->pairs, (size_t)list->count, sizeof *list->pairs, by_likeness);
    return status;
}
