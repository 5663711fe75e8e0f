/* export_options.c - numbers that pictures can be normalised by, and names for all classes. */
#include "export_options.h"

#include <math.h>

tc_status tci_export_check(const tc_export_options *o, const int64_t shape[4]) {
    if (!o->mean != !o->deviation)
        return tc_fail(TC_ERR_ARGUMENT, "export: a %s without a %s", o->mean ? "mean" : "deviation",
                       o->mean ? "deviation" : "mean");
    if (o->preprocess && !o->mean)
        return tc_fail(TC_ERR_ARGUMENT, "export: a net that normalises pictures wants mean and deviation");
    if (!isfinite(o->scale) || o->scale < 0)
        return tc_fail(TC_ERR_ARGUMENT, "export: scale is %g, expected 0 or more", (double)o->scale);
    for (int64_t c = 0; o->mean && c < shape[1]; c++) {
        if (!isfinite(o->mean[c]))
            return tc_fail(TC_ERR_ARGUMENT, "export: mean of channel %lld is %g", (long long)c,
                           (double)o->mean[c]);
        if (!isfinite(o->deviation[c]) || o->deviation[c] == 0)
            return tc_fail(TC_ERR_ARGUMENT, "export: deviation of channel %lld is %g, expected not 0",
                           (long long)c, (double)o->deviation[c]);
    }
    for (int k = 0; o->class_names && k < o->classes; k++)
        if (!o->class_names[k]) return tc_fail(TC_ERR_ARGUMENT, "export: class %d has no name (NULL)", k);
    return TC_OK;
}
