/* export_c.h - the functions that an exported file of C calls one after the other. */
#ifndef TCI_EXPORT_C_H
#define TCI_EXPORT_C_H

#include <stdio.h>

#include "tinycnn/graph.h"

/* A function that works on each element in place: `name(x, count PARAMETERS)`, x[i] becoming the expression. */
typedef struct tci_c_map {
    tc_graph_op op;
    const char *name, *parameters, *expression;
} tci_c_map;

/* NULL: the operation is none of these. */
const tci_c_map *tci_c_map_of(tc_graph_op op);

/* The functions that the graph needs, those with weights for floats or for 8-bit integers with a step for each output. */
void tci_c_write_helpers(FILE *out, const tc_graph *graph, bool int8);

#endif
