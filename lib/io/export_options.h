/* export_options.h - what is asked of the exporters, looked at before they write. */
#ifndef TCI_EXPORT_OPTIONS_H
#define TCI_EXPORT_OPTIONS_H

#include "tinycnn/export.h"

/* TC_ERR_ARGUMENT where a pointer that the export of pictures (N, C, H, W) reads is NULL, or where normalising by these
 * numbers cannot give finite ones. */
tc_status tci_export_check(const tc_export_options *options, const int64_t shape[4]);

#endif
