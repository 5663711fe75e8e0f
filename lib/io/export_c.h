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

/* Weights of one output as 8-bit integers (fold.c): value = step * tci_int8(value, step), nearly. The step is 0, and so is
 * every integer, where the largest |value| / 127 would be no normal number. */
float tci_int8_step(const float *values, int64_t count);
float tci_int8(float value, float step); /* a whole number, -127 .. 127; NaN stays */

#endif
