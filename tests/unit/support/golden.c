#include "golden.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static _Noreturn void give_up(const char *name, const char *what) {
    fprintf(stderr, "golden/%s.gz: %s\n", name, what);
    exit(1);
}

static void *zeroed(size_t count, size_t size) {
    void *memory = calloc(count ? count : 1, size);
    if (!memory) give_up("", "out of memory");
    return memory;
}

uint32_t golden_hash(uint32_t seed, uint32_t index) {
    uint32_t x = index * 0x9E3779B9u + seed * 0x85EBCA6Bu + 0x27D4EB2Fu;
    x ^= x >> 16;
    x *= 0x21F0AAADu;
    x ^= x >> 15;
    x *= 0xD35A2D97u;
    x ^= x >> 15;
    return x;
}

void golden_hash_values(uint32_t seed, float scale, float offset, int64_t count, float *values) {
    for (int64_t i = 0; i < count; i++) {
        double unit = ((double)(golden_hash(seed, (uint32_t)i) >> 8) - 8388608.0) / 16777216.0;
        values[i] = (float)(unit * (double)scale + (double)offset);
    }
}

/* Reads the extents after `text`'s NDIM; returns what follows them, NULL if the text is malformed. */
static char *read_shape(char *text, golden_tensor *tensor) {
    tensor->ndim = (int)strtol(text, &text, 10);
    if (tensor->ndim < 0 || tensor->ndim > 4) return NULL;
    tensor->numel = 1;
    for (int i = 0; i < 4; i++) {
        tensor->shape[i] = i < tensor->ndim ? strtoll(text, &text, 10) : 1;
        tensor->numel *= tensor->shape[i];
    }
    tensor->values = zeroed((size_t)tensor->numel, sizeof(float));
    tensor->step = 1;
    tensor->count = tensor->numel;
    return text + strspn(text, " ");
}

static bool read_bytes(gzFile stream, void *target, size_t size) {
    return gzread(stream, target, (unsigned)size) == (int)size;
}

/* "NAME GRAD NDIM EXTENT... hash SEED SCALE OFFSET" or "... data" */
static bool read_input(gzFile stream, char *text, golden_tensor *tensor) {
    int grad, used;
    if (sscanf(text, "%63s %d %n", tensor->name, &grad, &used) != 2) return false;
    tensor->grad = grad != 0;
    text = read_shape(text + used, tensor);
    if (!text) return false;
    if (strncmp(text, "data", 4) == 0)
        return read_bytes(stream, tensor->values, (size_t)tensor->numel * sizeof(float));
    unsigned seed;
    float scale, offset;
    if (sscanf(text, "hash %u %f %f", &seed, &scale, &offset) != 3) return false;
    golden_hash_values(seed, scale, offset, tensor->numel, tensor->values);
    return true;
}

/* "NAME NDIM EXTENT... f32 STEP COUNT" or "... i16 QUANTUM COUNT" */
static bool read_array(gzFile stream, char *text, golden_tensor *tensor) {
    int used;
    char kind[8];
    double number;
    long long count;
    if (sscanf(text, "%63s %n", tensor->name, &used) != 1) return false;
    text = read_shape(text + used, tensor);
    if (!text || sscanf(text, "%7s %lf %lld", kind, &number, &count) != 3 || count > tensor->numel)
        return false;
    tensor->count = count;
    if (strcmp(kind, "f32") == 0) {
        tensor->step = (int64_t)number;
        return read_bytes(stream, tensor->values, (size_t)count * sizeof(float));
    }
    tensor->quantum = number;
    int16_t *packed = zeroed((size_t)count, sizeof *packed);
    bool ok = read_bytes(stream, packed, (size_t)count * sizeof *packed);
    for (int64_t i = 0; i < count; i++) tensor->values[i] = (float)(packed[i] * number);
    free(packed);
    return ok;
}

/* One more element at the end of an array. */
static void *grown(void *array, int count, size_t size) {
    char *larger = realloc(array, (size_t)(count + 1) * size);
    if (!larger) give_up("", "out of memory");
    memset(larger + (size_t)count * size, 0, size);
    return larger;
}

static bool read_record(gzFile stream, char *line, golden_file *file) {
    if (strncmp(line, "case ", 5) == 0) {
        file->cases = grown(file->cases, file->count, sizeof *file->cases);
        return sscanf(line, "case %63s", file->cases[file->count++].name) == 1;
    }
    if (file->count == 0) return false;
    golden_case *golden = &file->cases[file->count - 1];
    if (strncmp(line, "set ", 4) == 0) {
        int slot = golden->option_count++;
        return slot < GOLDEN_OPTIONS &&
               sscanf(line, "set %63s %lf", golden->options[slot].key, &golden->options[slot].value) == 2;
    }
    if (strncmp(line, "input ", 6) == 0) {
        golden->inputs = grown(golden->inputs, golden->input_count, sizeof *golden->inputs);
        return read_input(stream, line + 6, &golden->inputs[golden->input_count++]);
    }
    if (strncmp(line, "array ", 6) == 0) {
        golden->arrays = grown(golden->arrays, golden->array_count, sizeof *golden->arrays);
        return read_array(stream, line + 6, &golden->arrays[golden->array_count++]);
    }
    return false;
}

golden_file *golden_read(const char *name) {
    char path[1024], line[512];
    snprintf(path, sizeof path, "%s/%s.gz", TC_GOLDEN_DIR, name);
    gzFile stream = gzopen(path, "rb");
    if (!stream) give_up(name, "can't be opened");
    golden_file *file = zeroed(1, sizeof *file);
    while (gzgets(stream, line, sizeof line))
        if (!read_record(stream, line, file)) give_up(name, "malformed record");
    if (!gzeof(stream) || file->count == 0) give_up(name, "truncated or empty");
    gzclose(stream);
    return file;
}

static void free_tensors(golden_tensor *tensors, int count) {
    for (int i = 0; i < count; i++) free(tensors[i].values);
    free(tensors);
}

void golden_free(golden_file *file) {
    for (int i = 0; i < file->count; i++) {
        free_tensors(file->cases[i].inputs, file->cases[i].input_count);
        free_tensors(file->cases[i].arrays, file->cases[i].array_count);
    }
    free(file->cases);
    free(file);
}

double golden_option(const golden_case *golden, const char *key) {
    for (int i = 0; i < golden->option_count; i++)
        if (strcmp(golden->options[i].key, key) == 0) return golden->options[i].value;
    return 0;
}

static int index_of(const golden_tensor *tensors, int count, const char *name) {
    for (int i = 0; i < count; i++)
        if (strcmp(tensors[i].name, name) == 0) return i;
    return -1;
}

int golden_input_index(const golden_case *golden, const char *name) {
    return index_of(golden->inputs, golden->input_count, name);
}

const golden_tensor *golden_input(const golden_case *golden, const char *name) {
    int index = golden_input_index(golden, name);
    return index < 0 ? NULL : &golden->inputs[index];
}

const golden_tensor *golden_array(const golden_case *golden, const char *name) {
    int index = index_of(golden->arrays, golden->array_count, name);
    return index < 0 ? NULL : &golden->arrays[index];
}

double golden_difference(const golden_tensor *expected, const float *values, int64_t *where) {
    double largest = 0, worst = 0;
    for (int64_t i = 0; i < expected->count; i++)
        if (isfinite(expected->values[i])) largest = fmax(largest, fabs((double)expected->values[i]));
    *where = 0;
    for (int64_t i = 0; i < expected->count; i++) {
        float want = expected->values[i], got = values[i * expected->step];
        double difference;
        if (want == got || (isnan(want) && isnan(got)))
            difference = 0;
        else if (isfinite(want) && isfinite(got) && largest > 0)
            difference = fabs((double)want - (double)got) / largest;
        else
            difference = INFINITY;
        if (difference > worst) {
            worst = difference;
            *where = i * expected->step;
        }
    }
    return worst;
}
