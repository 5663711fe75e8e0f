/* export_options.c - numbers that pictures can be normalised by, and a name for each class. */
#include "export_options.h"

#include <math.h>

bool tci_export_normalises(const tc_export_options *o) {
    return o->mean && !o->normalised;
}

static tc_status check_numbers(const char *path, const tc_export_options *o, int64_t channels) {
    if (!o->mean != !o->deviation)
        return tc_fail(TC_ERR_ARGUMENT, "%s: a %s without a %s", path, o->mean ? "mean" : "deviation",
                       o->mean ? "deviation" : "mean");
    if (!isfinite(o->scale) || o->scale < 0)
        return tc_fail(TC_ERR_ARGUMENT, "%s: the scale is %g", path, (double)o->scale);
    for (int64_t c = 0; o->mean && c < channels; c++) {
        if (!isfinite(o->mean[c]))
            return tc_fail(TC_ERR_ARGUMENT, "%s: the mean of channel %lld is %g", path, (long long)c,
                           (double)o->mean[c]);
        if (!isfinite(o->deviation[c]) || (tci_export_normalises(o) && o->deviation[c] == 0))
            return tc_fail(TC_ERR_ARGUMENT, "%s: the deviation of channel %lld is %g", path, (long long)c,
                           (double)o->deviation[c]);
    }
    return TC_OK;
}

static tc_status check_names(const char *path, const tc_export_options *o, const tc_graph *graph) {
    const tc_graph_node *last = &graph->nodes[graph->count - 1];
    int64_t outputs = 1;
    for (int i = 1; i < last->output_ndim; i++) outputs *= last->output_shape[i];
    if (o->class_names && o->classes != outputs)
        return tc_fail(TC_ERR_ARGUMENT, "%s: %d class names for a net of %lld outputs", path, o->classes,
                       (long long)outputs);
    for (int k = 0; o->class_names && k < o->classes; k++)
        if (!o->class_names[k]) return tc_fail(TC_ERR_ARGUMENT, "%s: the name of class %d is NULL", path, k);
    return TC_OK;
}

tc_status tci_export_check(const char *path, const tc_export_options *o, const tc_graph *graph,
                           int64_t channels) {
    TC_TRY(check_numbers(path, o, channels));
    TC_TRY(check_names(path, o, graph));
    tc_status status = tc_graph_check(graph);
    return status == TC_OK ? TC_OK : tc_fail(status, "%s: %s", path, tc_last_error());
}
