/* golden.h - PyTorch's answers, as tests/golden/make_golden.py wrote them.
 *
 * A file holds cases. A case holds its options as numbers, the tensors it starts from and the tensors that
 * should come out. Values are in row-major (N, C, H, W) order. */
#ifndef TC_TEST_GOLDEN_H
#define TC_TEST_GOLDEN_H

#include <stdbool.h>
#include <stdint.h>

#define GOLDEN_NAME    64
#define GOLDEN_OPTIONS 16

typedef struct golden_tensor {
    char name[GOLDEN_NAME];
    int ndim;
    int64_t shape[4];
    int64_t numel;
    bool grad;     /* of an input: its gradient is asked for */
    int64_t count; /* values that are here: elements 0, step, 2 step, ... */
    int64_t step;
    double quantum; /* values are rounded to multiples of it; 0: they are not */
    float *values;
} golden_tensor;

typedef struct golden_case {
    char name[GOLDEN_NAME];
    struct {
        char key[GOLDEN_NAME];
        double value;
    } options[GOLDEN_OPTIONS];
    int option_count;
    golden_tensor *inputs;
    int input_count;
    golden_tensor *arrays;
    int array_count;
} golden_case;

typedef struct golden_file {
    golden_case *cases;
    int count;
} golden_file;

/* Reads golden/<name>.gz. Ends the program with a sentence where that can't be done. */
golden_file *golden_read(const char *name);
void golden_free(golden_file *file);

/* 0 where the case doesn't set it. */
double golden_option(const golden_case *golden, const char *key);
/* By name among the inputs, and among what should come out; NULL if there is none. */
const golden_tensor *golden_input(const golden_case *golden, const char *name);
const golden_tensor *golden_array(const golden_case *golden, const char *name);
/* The input's place in the order of the call, -1 if there is none. */
int golden_input_index(const golden_case *golden, const char *name);

/* The numbers that both sides start from: uniform in offset +- scale / 2. */
uint32_t golden_hash(uint32_t seed, uint32_t index);
void golden_hash_values(uint32_t seed, float scale, float offset, int64_t count, float *values);

/* How far `values` (row-major, whole) is from what should be: the largest difference, in units of the largest
 * finite value that should be. Infinite where NaN or an infinity stands on one side only. `where` gets the
 * element. */
double golden_difference(const golden_tensor *expected, const float *values, int64_t *where);

#endif
