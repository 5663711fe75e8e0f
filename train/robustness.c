/* robustness.c - corrupts, asks the net, counts. */
#include "robustness.h"

#include <stdlib.h>
#include <string.h>

#include "predictions.h"

robustness robustness_plan(tc_corruption kind, int height, int width) {
    static const double severities[TC_CORRUPTIONS][SEVERITIES_MAX] = {
        [TC_CORRUPT_SHIFT] = {0, 1, 2, 3, 4, 6, 8},
        [TC_CORRUPT_ROTATION] = {0, 5, 10, 15, 20, 30, 45},
        [TC_CORRUPT_BRIGHTNESS] = {0, 0.1, 0.2, 0.3, 0.4},
        [TC_CORRUPT_CONTRAST] = {0, 0.2, 0.4, 0.6, 0.8},
        [TC_CORRUPT_NOISE] = {0, 0.02, 0.05, 0.1, 0.15, 0.2},
        [TC_CORRUPT_BLUR] = {0, 0.5, 0.75, 1, 1.5, 2},
    };
    robustness r = {.kind = kind};
    int least = height < width ? height : width;
    for (int i = 0; i < SEVERITIES_MAX; i++) {
        double s = severities[kind][i];
        if ((i > 0 && s == 0) || (kind == TC_CORRUPT_SHIFT && s >= least)) break;
        r.severity[r.count++] = s;
    }
    return r;
}

static int directions_of(tc_corruption kind) {
    if (kind == TC_CORRUPT_SHIFT) return 8;
    return kind == TC_CORRUPT_ROTATION || kind == TC_CORRUPT_BRIGHTNESS ? 2 : 1;
}

static tc_status measure_at(tc_model *model, const described *about, const tc_dataset *d,
                            const tc_split *part, int threads, const predictions *plain, uint8_t *worse,
                            int i, robustness *r) {
    int directions = directions_of(r->kind);
    for (int direction = 0; direction < directions; direction++) {
        predictions p;
        TC_TRY(tc_corrupt_split(d, part, r->kind, r->severity[i], direction, threads, worse));
        TC_TRY(predictions_make(model, about, worse, part->labels, part->count, threads, &p));
        int64_t same = 0;
        for (int64_t n = 0; n < p.count; n++) same += p.decided[n] == plain->decided[n];
        r->accuracy[i] += p.accuracy / directions;
        r->consistency[i] += (double)same / (double)p.count / directions;
        predictions_free(&p);
    }
    return TC_OK;
}

tc_status robustness_measure(tc_model *model, const described *about, const tc_dataset *d, int64_t count,
                             int threads, robustness *r) {
    tc_split part = d->test;
    if (count < part.count) part.count = count;
    uint8_t *worse = malloc((size_t)part.count * (size_t)d->height * (size_t)d->width * (size_t)d->channels);
    predictions plain = {0};
    tc_status status =
        worse ? TC_OK : tc_fail(TC_ERR_MEMORY, "no memory for %lld pictures", (long long)part.count);
    if (status == TC_OK)
        status = predictions_make(model, about, part.pixels, part.labels, part.count, threads, &plain);
    r->accuracy[0] = plain.accuracy;
    r->consistency[0] = 1;
    for (int i = 1; status == TC_OK && i < r->count; i++)
        status = measure_at(model, about, d, &part, threads, &plain, worse, i, r);
    predictions_free(&plain);
    free(worse);
    return status;
}
