/* report_page.h - the sections of `tinycnn report`. */
#ifndef TRAIN_REPORT_PAGE_H
#define TRAIN_REPORT_PAGE_H

#include "datasets.h"
#include "page.h"
#include "run_log.h"

/* Which runs, how they stand, how well they did. */
tc_status report_overview(page *p, const run_log *runs, int count);
/* Loss, accuracy, learning rate and throughput over the epochs; of several runs accuracy over the time as well. */
tc_status report_curves(page *p, const run_log *runs, int count);

typedef struct report_options {
    const char *data, *data_dir; /* NULL: what the run's settings say */
    int threads;
} report_options;

/* What the net of a run does with the test pictures (confusion, classes, reliability, the worst mistakes), the net
 * itself, its settings and its machine. Where net or data are not to be had the page says why, and goes on. */
tc_status report_analysis(page *p, const run_log *run, const report_options *options);

#endif
