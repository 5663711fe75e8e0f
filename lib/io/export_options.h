/* export_options.h - what is asked of the exporters, looked at before they write. */
#ifndef TCI_EXPORT_OPTIONS_H
#define TCI_EXPORT_OPTIONS_H

#include "tinycnn/export.h"

/* Whether the written net normalises pictures. */
bool tci_export_normalises(const tc_export_options *options);

/* TC_ERR_ARGUMENT where the options contradict each other or the graph, whose picture has `channels`; TC_ERR_NUMERIC where
 * the graph has numbers that are none. Sentences begin with `path`. */
tc_status tci_export_check(const char *path, const tc_export_options *options, const tc_graph *graph,
                           int64_t channels);

#endif
