/* export_options.c - numbers that pictures can be normalised by, and names for all classes. */
#include "export_options.h"

#include <math.h>

tc_status tci_export_check(const tc_export_options *o, const int64_t shape[4]) {
    if (o->preprocess && (!o->mean || !o->deviation))
        return tc_fail(TC_ERR_ARGUMENT, "export: preprocess needs a mean and a deviation");
    if (!o->mean != !o->deviation)
        return tc_fail(TC_ERR_ARGUMENT, "export: a %s without a %s", o->mean ? "mean" : "deviation",
                       o->mean ? "deviation" : "mean");
    if (!isfinite(o->scale) || o->scale < 0)
        return tc_fail(TC_ERR_ARGUMENT, "export: the scale is %g", (double)o->scale);
    for (int64_t c = 0; o->mean && c < shape[1]; c++) {
        if (!isfinite(o->mean[c]))
            return tc_fail(TC_ERR_ARGUMENT, "export: the mean of channel %lld is %g", (long long)c,
                           (double)o->mean[c]);
        if (!isfinite(o->deviation[c]) || o->deviation[c] == 0)
            return tc_fail(TC_ERR_ARGUMENT, "export: the deviation of channel %lld is %g", (long long)c,
                           (double)o->deviation[c]);
    }
    if (o->class_names && o->classes < 1)
        return tc_fail(TC_ERR_ARGUMENT, "export: class names, but %d classes", o->classes);
    for (int k = 0; o->class_names && k < o->classes; k++)
        if (!o->class_names[k]) return tc_fail(TC_ERR_ARGUMENT, "export: the name of class %d is NULL", k);
    return TC_OK;
}
