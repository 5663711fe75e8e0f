/* progress.h - what a person sees while training: a bar on a terminal, one line an epoch anywhere. */
#ifndef TRAIN_PROGRESS_H
#define TRAIN_PROGRESS_H

#include "metrics.h"

typedef struct progress {
    bool quiet;      /* print nothing */
    bool terminal;   /* stderr is one: draw the bar there */
    bool drawn;      /* a bar stands on the current line */
    double drawn_at; /* when */
} progress;

typedef struct progress_view {
    int64_t epoch, epochs;  /* from 1; epochs 0: as many as the time allows */
    int64_t batch, batches; /* done, in an epoch */
    double loss, accuracy;  /* of this epoch so far */
    double img_per_s;
    double seconds_left;
} progress_view;

progress progress_create(bool quiet);

/* Whether it is time to draw again (at most ten times a second). */
bool progress_due(const progress *p, double now);
void progress_bar(progress *p, const progress_view *view, double now);

/* The bar makes room for a line of text, or for the end. */
void progress_clear(progress *p);
void progress_epoch(progress *p, const metrics *m, int64_t epochs);

#endif
