/* Checkpoints: the bytes on disk, what comes back, and everything that can be wrong with a file. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "suite.h"
#include "tinycnn.h"

static char folder[64], path[96];

static void make_folder(void) {
    strcpy(folder, "/tmp/tinycnn-checkpoint-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/net.safetensors", folder);
}

static int files_in_folder(void) {
    int count = 0;
    DIR *open = opendir(folder);
    for (struct dirent *entry; (entry = readdir(open));) count += entry->d_name[0] != '.';
    closedir(open);
    return count;
}

static void remove_folder(void) {
    DIR *open = opendir(folder);
    for (struct dirent *entry; (entry = readdir(open));) {
        char name[512];
        snprintf(name, sizeof name, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.') unlink(name);
    }
    closedir(open);
    rmdir(folder);
}

static char *read_file(size_t *size) {
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    char *bytes = malloc(1 << 20);
    *size = fread(bytes, 1, 1 << 20, file);
    fclose(file);
    return bytes;
}

static void write_raw(const void *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

static tc_model *model_of(tc_module *root, uint64_t seed) {
    tc_model *model;
    ck_assert_msg(tc_model_create(root, seed, &model) == TC_OK, "%s", tc_last_error());
    return model;
}

/* All kinds of tensors: 4-D, 2-D, 1-D, buffers and a counter. */
static tc_model *some_model(uint64_t seed) {
    return model_of(tc_sequential(tc_nn_conv2d(3, 2, TC_HW(2, 3)), tc_nn_batchnorm2d(2), tc_nn_linear(4, 3)),
                    seed);
}

static void fill(tc_tensor *tensor, tc_rng *rng) {
    for (int64_t i = 0; i < tc_numel(tensor); i++) tensor->data[i] = tc_rng_normal(rng);
}

/* Everything that a checkpoint holds gets its own value. */
static void scramble(tc_model *model, tc_optimizer *optimizer, uint64_t seed) {
    tc_rng rng = tc_rng_create(seed, 77);
    for (int i = 0; i < tc_model_parameter_count(model); i++)
        fill(tc_model_parameter(model, i)->tensor, &rng);
    for (int i = 0; i < tc_model_buffer_count(model); i++) fill(tc_model_buffer(model, i)->tensor, &rng);
    for (int i = 0; i < tc_model_counter_count(model); i++)
        *tc_model_counter(model, i, NULL) = (int64_t)seed << 33 | 5;
    if (!optimizer) return;
    for (int i = 0; i < tc_optimizer_state_count(optimizer); i++)
        fill(tc_optimizer_state(optimizer, i)->tensor, &rng);
    tc_optimizer_set_steps(optimizer, (int64_t)seed << 34 | 9);
}

static bool same_tensor(const tc_tensor *a, const tc_tensor *b) {
    return memcmp(a->data, b->data, (size_t)tc_numel(a) * sizeof(float)) == 0;
}

static bool same_model(tc_model *a, tc_model *b) {
    bool same = true;
    for (int i = 0; i < tc_model_parameter_count(a); i++)
        same = same && same_tensor(tc_model_parameter(a, i)->tensor, tc_model_parameter(b, i)->tensor);
    for (int i = 0; i < tc_model_buffer_count(a); i++)
        same = same && same_tensor(tc_model_buffer(a, i)->tensor, tc_model_buffer(b, i)->tensor);
    for (int i = 0; i < tc_model_counter_count(a); i++)
        same = same && *tc_model_counter(a, i, NULL) == *tc_model_counter(b, i, NULL);
    return same;
}

static bool same_optimizer(tc_optimizer *a, tc_optimizer *b) {
    bool same = tc_optimizer_steps(a) == tc_optimizer_steps(b);
    for (int i = 0; i < tc_optimizer_state_count(a); i++)
        same = same && same_tensor(tc_optimizer_state(a, i)->tensor, tc_optimizer_state(b, i)->tensor);
    return same;
}

static void save(tc_model *model, tc_optimizer *optimizer) {
    ck_assert_msg(tc_checkpoint_save(path, model, optimizer, NULL, 0) == TC_OK, "%s", tc_last_error());
}

/* ---- What is written ---------------------------------------------------------------------------------- */

/* The file of a convolution without bias, byte for byte: in PyTorch's order, not in that of memory. */
START_TEST(the_bytes_are_safetensors) {
    tc_model *model = model_of(tc_nn_conv2d(2, 1, TC_HW(1, 2), .no_bias = true), 1);
    const float values[4] = {1.5f, -2.0f, 0.25f, 1e-3f};
    tc_tensor_from_nchw(tc_model_find(model, "weight")->tensor, values);
    ck_assert(tc_model_find(model, "weight")->tensor->data[1] == 0.25f);
    tc_metadata note = {"note", "a \"b\""};
    ck_assert_int_eq(tc_checkpoint_save(path, model, NULL, &note, 1), TC_OK);

    const unsigned char data[16] = {0, 0, 0xc0, 0x3f, 0,    0,    0,    0xc0,
                                    0, 0, 0x80, 0x3e, 0x6f, 0x12, 0x83, 0x3a};
    char header[256], wanted[512];
    snprintf(header, sizeof header,
             "{\"__metadata__\":{\"note\":\"a \\\"b\\\"\",\"crc32\":\"%08lx\"},"
             "\"weight\":{\"dtype\":\"F32\",\"shape\":[1,2,1,2],\"data_offsets\":[0,16]}}",
             crc32(0, data, sizeof data));
    while (strlen(header) % 8 != 0) strcat(header, " ");
    size_t length = strlen(header), size;
    memset(wanted, 0, 8);
    wanted[0] = (char)length;
    memcpy(wanted + 8, header, length);
    memcpy(wanted + 8 + length, data, sizeof data);
    char *found = read_file(&size);
    ck_assert_uint_eq(size, 8 + length + sizeof data);
    ck_assert_mem_eq(found, wanted, size);
    free(found);
    tc_model_free(model);
}
END_TEST

START_TEST(everything_comes_back_bit_for_bit) {
    tc_model *saved = some_model(1), *loaded = some_model(2);
    tc_optimizer *from, *to;
    ck_assert_int_eq(tc_adam_create(saved, NULL, &from), TC_OK);
    ck_assert_int_eq(tc_adam_create(loaded, NULL, &to), TC_OK);
    scramble(saved, from, 3);
    tc_model_find(saved, "2.weight")->tensor->data[0] = -0.0f;
    tc_model_find(saved, "2.weight")->tensor->data[1] = 1e-42f; /* subnormal */
    scramble(loaded, to, 4);
    ck_assert(!same_model(saved, loaded) && !same_optimizer(from, to));
    save(saved, from);
    ck_assert_msg(tc_checkpoint_load(path, loaded, to) == TC_OK, "%s", tc_last_error());
    ck_assert(same_model(saved, loaded));
    ck_assert(same_optimizer(from, to));
    /* Without an optimiser its state in the file does not matter. */
    scramble(loaded, to, 5);
    ck_assert_int_eq(tc_checkpoint_load(path, loaded, NULL), TC_OK);
    ck_assert(same_model(saved, loaded));
    ck_assert(!same_optimizer(from, to));
    ck_assert_int_eq(files_in_folder(), 1);
    tc_optimizer_free(from);
    tc_optimizer_free(to);
    tc_model_free(saved);
    tc_model_free(loaded);
}
END_TEST

START_TEST(a_large_tensor_comes_back_too) {
    tc_model *saved = model_of(tc_nn_conv2d(37, 101, 5), 1), *loaded = model_of(tc_nn_conv2d(37, 101, 5), 2);
    save(saved, NULL);
    ck_assert_int_eq(tc_checkpoint_load(path, loaded, NULL), TC_OK);
    ck_assert(same_model(saved, loaded));
    tc_model_free(saved);
    tc_model_free(loaded);
}
END_TEST

START_TEST(metadata_comes_back) {
    tc_model *model = some_model(1);
    tc_optimizer *optimizer;
    ck_assert_int_eq(tc_sgd_create(model, NULL, &optimizer), TC_OK);
    tc_optimizer_set_steps(optimizer, 12);
    const tc_metadata written[] = {{"model", "lesson"}, {"empty", ""}, {"größe", "ü\n\t\\"}};
    ck_assert_int_eq(tc_checkpoint_save(path, model, optimizer, written, 3), TC_OK);
    tc_metadata *found;
    int count;
    ck_assert_int_eq(tc_checkpoint_metadata(path, &found, &count), TC_OK);
    ck_assert_int_eq(count, 6);
    for (int i = 0; i < 3; i++) {
        ck_assert_str_eq(found[i].key, written[i].key);
        ck_assert_str_eq(found[i].value, written[i].value);
    }
    ck_assert_str_eq(found[3].key, "crc32");
    ck_assert_uint_eq(strlen(found[3].value), 8);
    ck_assert_str_eq(found[4].value, "sgd");
    ck_assert_str_eq(found[5].value, "12");
    tc_checkpoint_metadata_free(found, count);
    tc_checkpoint_metadata_free(NULL, 0);
    tc_optimizer_free(optimizer);
    tc_model_free(model);
}
END_TEST

START_TEST(metadata_that_cannot_be_kept_is_refused) {
    tc_model *model = some_model(1);
    const tc_metadata bad[][2] = {{{"crc32", "x"}, {"a", "b"}},
                                  {{"optimizer", "x"}, {"a", "b"}},
                                  {{"optimizer_steps", "x"}, {"a", "b"}},
                                  {{"a", "1"}, {"a", "2"}},
                                  {{NULL, "x"}, {"a", "b"}},
                                  {{"x", NULL}, {"a", "b"}},
                                  {{"x", "\xff\xfe"}, {"a", "b"}}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_int_eq(tc_checkpoint_save(path, model, NULL, bad[i], 2), TC_ERR_ARGUMENT);
        ck_assert_ptr_nonnull(strstr(tc_last_error(), path));
    }
    ck_assert_int_eq(files_in_folder(), 0);
    tc_model_free(model);
}
END_TEST

/* ---- What does not fit -------------------------------------------------------------------------------- */

START_TEST(a_file_of_another_net_is_refused_with_names) {
    tc_model *small = model_of(tc_sequential(tc_nn_linear(3, 2), tc_named("old", tc_nn_linear(2, 2))), 1);
    tc_model *other = model_of(tc_sequential(tc_nn_linear(4, 2), tc_named("new", tc_nn_linear(2, 2))), 2);
    tc_model *untouched = model_of(tc_sequential(tc_nn_linear(4, 2), tc_named("new", tc_nn_linear(2, 2))), 2);
    save(small, NULL);
    ck_assert_int_eq(tc_checkpoint_load(path, other, NULL), TC_ERR_SHAPE);
    char wanted[512];
    snprintf(
        wanted, sizeof wanted,
        "%s: does not fit the model; missing: new.weight, new.bias; of another shape: 0.weight is (2, 3), "
        "expected is (2, 4); unexpected: old.weight, old.bias",
        path);
    ck_assert_str_eq(tc_last_error(), wanted);
    ck_assert(same_model(other, untouched));
    tc_model_free(small);
    tc_model_free(other);
    tc_model_free(untouched);
}
END_TEST

/* (2) and (2, 1) have the same bytes. */
START_TEST(the_number_of_dimensions_matters) {
    tc_model *vector = model_of(tc_nn_batchnorm2d(2, .no_running_stats = true), 1);
    tc_model *matrix = model_of(tc_nn_linear(1, 2), 1);
    save(vector, NULL);
    ck_assert_int_eq(tc_checkpoint_load(path, matrix, NULL), TC_ERR_SHAPE);
    ck_assert_ptr_nonnull(strstr(tc_last_error(), "weight is (2), expected is (2, 1)"));
    save(matrix, NULL);
    ck_assert_int_eq(tc_checkpoint_load(path, vector, NULL), TC_ERR_SHAPE);
    tc_model_free(vector);
    tc_model_free(matrix);
}
END_TEST

START_TEST(a_long_list_of_names_is_cut) {
    tc_module *layers[40];
    for (int i = 0; i < 40; i++) layers[i] = tc_nn_linear(2, 2);
    tc_model *deep = model_of(tc_sequential_from(layers, 40), 1), *shallow = model_of(tc_nn_linear(2, 2), 1);
    save(shallow, NULL);
    ck_assert_int_eq(tc_checkpoint_load(path, deep, NULL), TC_ERR_SHAPE);
    ck_assert_msg(
        strstr(tc_last_error(), "missing: 0.weight, 0.bias, 1.weight, 1.bias and 76 more; unexpected"), "%s",
        tc_last_error());
    tc_model_free(deep);
    tc_model_free(shallow);
}
END_TEST

static void add_difference(void *context, const char *name, const char *found, const char *expected) {
    char *text = context;
    size_t used = strlen(text);
    snprintf(text + used, 1024 - used, "%s: %s, %s\n", name, found ? found : "-", expected ? expected : "-");
}

START_TEST(every_difference_is_told) {
    char text[1024] = "";
    tc_model *saved = model_of(
        tc_sequential(tc_nn_linear(3, 2), tc_nn_batchnorm2d(2), tc_named("old", tc_nn_linear(2, 2))), 1);
    tc_model *other = model_of(
        tc_sequential(tc_nn_linear(4, 2), tc_named("new", tc_nn_linear(2, 2)), tc_nn_batchnorm2d(2)), 1);
    tc_optimizer *sgd;
    ck_assert_int_eq(tc_sgd_create(saved, &(tc_sgd_options){.lr = 0.1f, .momentum = 0.9f}, &sgd), TC_OK);
    save(saved, sgd);
    ck_assert_int_eq(tc_checkpoint_compare(path, saved, add_difference, text), TC_OK);
    ck_assert_str_eq(text, "");
    ck_assert_int_eq(tc_checkpoint_compare(path, other, add_difference, text), TC_OK);
    ck_assert_str_eq(text, "2.num_batches_tracked: -, I64 ()\n"
                           "0.weight: (2, 3), (2, 4)\n"
                           "new.weight: -, (2, 2)\nnew.bias: -, (2)\n"
                           "2.weight: -, (2)\n2.bias: -, (2)\n2.running_mean: -, (2)\n2.running_var: -, (2)\n"
                           "1.num_batches_tracked: I64 (), -\n"
                           "1.weight: (2), -\n1.bias: (2), -\nold.weight: (2, 2), -\nold.bias: (2), -\n"
                           "1.running_mean: (2), -\n1.running_var: (2), -\n");
    ck_assert_int_eq(tc_checkpoint_compare("/nowhere", other, add_difference, text), TC_ERR_IO);
    tc_optimizer_free(sgd);
    tc_model_free(saved);
    tc_model_free(other);
}
END_TEST

START_TEST(the_state_must_be_that_of_the_same_optimiser) {
    tc_model *model = some_model(1), *loaded = some_model(2), *untouched = some_model(2);
    tc_optimizer *adam, *adamw, *momentum;
    ck_assert_int_eq(tc_adam_create(model, NULL, &adam), TC_OK);
    ck_assert_int_eq(tc_adamw_create(loaded, NULL, &adamw), TC_OK);
    ck_assert_int_eq(tc_sgd_create(loaded, &(tc_sgd_options){.momentum = 0.5f}, &momentum), TC_OK);
    save(model, NULL);
    ck_assert_int_eq(tc_checkpoint_load(path, loaded, adamw), TC_ERR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(tc_last_error(), "holds no state"));
    save(model, adam);
    ck_assert_int_eq(tc_checkpoint_load(path, loaded, adamw), TC_ERR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(tc_last_error(), "optimiser 'adam', expected is 'adamw'"));
    tc_optimizer *plain;
    ck_assert_int_eq(tc_sgd_create(model, NULL, &plain), TC_OK);
    save(model, plain);
    ck_assert_int_eq(tc_checkpoint_load(path, loaded, momentum), TC_ERR_SHAPE);
    ck_assert_ptr_nonnull(strstr(tc_last_error(), "missing: optimizer.momentum.0.weight"));
    ck_assert(same_model(loaded, untouched));
    tc_optimizer_free(adam);
    tc_optimizer_free(adamw);
    tc_optimizer_free(momentum);
    tc_optimizer_free(plain);
    tc_model_free(model);
    tc_model_free(loaded);
    tc_model_free(untouched);
}
END_TEST

START_TEST(a_net_called_optimizer_cannot_be_saved) {
    tc_model *model = model_of(tc_sequential(tc_named("optimizer", tc_nn_linear(1, 1))), 1);
    ck_assert_int_eq(tc_checkpoint_save(path, model, NULL, NULL, 0), TC_ERR_ARGUMENT);
    tc_model_free(model);
}
END_TEST

/* ---- Damage ------------------------------------------------------------------------------------------- */

/* Whatever happens to a file: an error that leaves everything as it was, or all tensors right. */
static void expect_error_or_truth(tc_model *truth, tc_optimizer *truth_state, bool may_load) {
    tc_model *model = some_model(8), *before = some_model(8);
    tc_optimizer *state, *state_before;
    ck_assert_int_eq(tc_sgd_create(model, &(tc_sgd_options){.momentum = 0.5f}, &state), TC_OK);
    ck_assert_int_eq(tc_sgd_create(before, &(tc_sgd_options){.momentum = 0.5f}, &state_before), TC_OK);
    if (tc_checkpoint_load(path, model, state) == TC_OK) {
        ck_assert(may_load);
        ck_assert(same_model(model, truth));
        /* The count of steps is a string, not a tensor. */
        tc_optimizer_set_steps(state, tc_optimizer_steps(truth_state));
        ck_assert(same_optimizer(state, truth_state));
    } else {
        ck_assert(strncmp(tc_last_error(), path, strlen(path)) == 0);
        ck_assert(same_model(model, before));
        ck_assert(same_optimizer(state, state_before));
    }
    tc_optimizer_free(state);
    tc_optimizer_free(state_before);
    tc_model_free(model);
    tc_model_free(before);
}

static tc_model *saved_example(tc_optimizer **optimizer) {
    tc_model *model = some_model(1);
    ck_assert_int_eq(tc_sgd_create(model, &(tc_sgd_options){.momentum = 0.5f}, optimizer), TC_OK);
    scramble(model, *optimizer, 1);
    save(model, *optimizer);
    return model;
}

START_TEST(a_file_cut_off_anywhere_is_refused) {
    tc_optimizer *optimizer;
    tc_model *model = saved_example(&optimizer);
    size_t size;
    char *bytes = read_file(&size);
    for (size_t length = 0; length < size; length++) {
        write_raw(bytes, length);
        expect_error_or_truth(model, optimizer, false);
    }
    free(bytes);
    tc_optimizer_free(optimizer);
    tc_model_free(model);
}
END_TEST

START_TEST(a_flipped_byte_never_changes_a_tensor_silently) {
    tc_optimizer *optimizer;
    tc_model *model = saved_example(&optimizer);
    size_t size;
    char *bytes = read_file(&size);
    size_t header = (size_t)(unsigned char)bytes[0] + 256 * (size_t)(unsigned char)bytes[1];
    const unsigned char flips[] = {0x01, 0x10, 0x80};
    for (size_t i = 0; i < size; i++) {
        for (size_t f = 0; f < sizeof flips; f++) {
            bytes[i] = (char)(bytes[i] ^ flips[f]);
            write_raw(bytes, size);
            expect_error_or_truth(model, optimizer, i < 8 + header);
            bytes[i] = (char)(bytes[i] ^ flips[f]);
        }
    }
    free(bytes);
    tc_optimizer_free(optimizer);
    tc_model_free(model);
}
END_TEST

/* Headers over 8 bytes of data, for a model of one parameter "weight" (1, 2); the first is right. */
static const struct {
    const char *header, *complaint;
} headers[] = {
    {"{\"weight\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8]}}", NULL},
    {" {\"weight\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8]}}", "not JSON"},
    {"[]", "not JSON"},
    {"", "not JSON"},
    {"{", "not valid JSON"},
    {"{\"weight\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8]}}x", "not valid JSON"},
    {"{\"weight\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8]},"
     "\"weight\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8]}}",
     "duplicate"},
    {"{}", "has 8 bytes of data, its tensors need 0"},
    {"{\"weight\":3}", "'weight': expected are"},
    {"{\"weight\":{\"dtype\":\"F32\",\"shape\":[1,2]}}", "'weight': expected are"},
    {"{\"weight\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8,16]}}", "expected are"},
    {"{\"weight\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0.0,8.0]}}", "expected are"},
    {"{\"weight\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8],\"x\":1}}", "expected are"},
    {"{\"weight\":{\"dtype\":\"BF16\",\"shape\":[1,4],\"data_offsets\":[0,8]}}", "'weight' is of type BF16"},
    {"{\"weight\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,2],\"data_offsets\":[0,8]}}", "5 dimensions"},
    {"{\"weight\":{\"dtype\":\"F32\",\"shape\":[-1,-2],\"data_offsets\":[0,8]}}", "not made of counts"},
    {"{\"weight\":{\"dtype\":\"F32\",\"shape\":[1,\"2\"],\"data_offsets\":[0,8]}}", "not made of counts"},
    {"{\"weight\":{\"dtype\":\"F32\",\"shape\":[4611686018427387905,2],\"data_offsets\":[0,8]}}",
     "overflows"},
    {"{\"weight\":{\"dtype\":\"F32\",\"shape\":[99999999999999999999],\"data_offsets\":[0,8]}}", "integer"},
    {"{\"weight\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[0,8]}}", "has 8 bytes, its shape and"},
    {"{\"weight\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[8,16]}}", "lies at 8 to 16"},
    {"{\"weight\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[8,0]}}", "lies at 8 to 0"},
    {"{\"weight\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[-8,0]}}", "lies at -8 to 0"},
    {"{\"weight\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", "begins at byte 4"},
    {"{\"weight\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", "its tensors need 4"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
     "\"weight\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8]}}",
     "begins at byte 0 of the data, expected is 8"},
    {"{\"__metadata__\":[],\"weight\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8]}}",
     "not an object"},
    {"{\"__metadata__\":{\"a\":1},\"weight\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8]}}",
     "'a' in __metadata__ is not a string"},
    {"{\"__metadata__\":{\"crc32\":\"00000000\"},"
     "\"weight\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8]}}",
     "is damaged"},
    {"{\"weight\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[0,8]}}",
     "weight is I64 (1), expected is"},
};

START_TEST(a_header_is_believed_only_if_it_is_right) {
    tc_model *model = model_of(tc_nn_linear(2, 1, .no_bias = true), 1);
    const float values[2] = {3, -4};
    char bytes[512] = {0};
    size_t length = strlen(headers[_i].header);
    bytes[0] = (char)(length & 255);
    bytes[1] = (char)(length >> 8);
    memcpy(bytes + 8, headers[_i].header, length);
    memcpy(bytes + 8 + length, values, sizeof values);
    write_raw(bytes, 8 + length + sizeof values);
    tc_status status = tc_checkpoint_load(path, model, NULL);
    tc_tensor *weight = tc_model_find(model, "weight")->tensor;
    if (!headers[_i].complaint) {
        ck_assert_msg(status == TC_OK, "%s", tc_last_error());
        ck_assert_mem_eq(weight->data, values, sizeof values);
    } else {
        ck_assert_int_ne(status, TC_OK);
        ck_assert_msg(strstr(tc_last_error(), headers[_i].complaint), "%s", tc_last_error());
        ck_assert_msg(strstr(tc_last_error(), path), "%s", tc_last_error());
        ck_assert(weight->data[0] != 3);
    }
    tc_model_free(model);
}
END_TEST

START_TEST(a_header_may_not_claim_more_than_there_is) {
    tc_model *model = some_model(1);
    unsigned char bytes[64];
    memset(bytes, 0xff, sizeof bytes);
    write_raw(bytes, sizeof bytes);
    ck_assert_int_eq(tc_checkpoint_load(path, model, NULL), TC_ERR_FORMAT);
    memset(bytes, 0, sizeof bytes);
    bytes[3] = 0x10; /* 256 MB, above the limit: nothing is allocated for it */
    write_raw(bytes, sizeof bytes);
    ck_assert_int_eq(tc_checkpoint_load(path, model, NULL), TC_ERR_FORMAT);
    ck_assert_ptr_nonnull(strstr(tc_last_error(), "268435456"));
    tc_model_free(model);
}
END_TEST

/* ---- The file system ---------------------------------------------------------------------------------- */

START_TEST(files_that_cannot_be_read) {
    tc_model *model = some_model(1);
    tc_metadata *metadata = NULL;
    int count;
    ck_assert_int_eq(tc_checkpoint_load(path, model, NULL), TC_ERR_IO);
    char wanted[256];
    snprintf(wanted, sizeof wanted, "%s: cannot be opened: %s", path, strerror(ENOENT));
    ck_assert_str_eq(tc_last_error(), wanted);
    ck_assert_int_eq(tc_checkpoint_metadata(path, &metadata, &count), TC_ERR_IO);
    ck_assert_ptr_null(metadata);
    ck_assert_int_eq(tc_checkpoint_load(folder, model, NULL), TC_ERR_IO);
    ck_assert_ptr_nonnull(strstr(tc_last_error(), "not a regular file"));
    tc_model_free(model);
}
END_TEST

START_TEST(places_that_cannot_be_written) {
    tc_model *model = some_model(1);
    char nowhere[160];
    snprintf(nowhere, sizeof nowhere, "%s/missing/net.safetensors", folder);
    ck_assert_int_eq(tc_checkpoint_save(nowhere, model, NULL, NULL, 0), TC_ERR_IO);
    ck_assert_ptr_nonnull(strstr(tc_last_error(), nowhere));
    ck_assert_ptr_nonnull(strstr(tc_last_error(), strerror(ENOENT)));
    ck_assert_int_eq(tc_checkpoint_save(folder, model, NULL, NULL, 0), TC_ERR_IO);
    ck_assert_int_eq(tc_checkpoint_save("/dev/full", model, NULL, NULL, 0), TC_ERR_IO);
    ck_assert_ptr_nonnull(strstr(tc_last_error(), "/dev/full: cannot be replaced: it is not a regular file"));
    if (geteuid() != 0) { /* root may write everywhere */
        chmod(folder, 0500);
        ck_assert_int_eq(tc_checkpoint_save(path, model, NULL, NULL, 0), TC_ERR_IO);
        chmod(folder, 0700);
    }
    ck_assert_int_eq(files_in_folder(), 0);
    tc_model_free(model);
}
END_TEST

/* A disk that is full after `limit` bytes, as far as write() can tell. */
static void fill_disk_after(rlim_t limit) {
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit now;
    getrlimit(RLIMIT_FSIZE, &now);
    now.rlim_cur = limit;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &now), 0);
}

START_TEST(a_full_disk_leaves_the_old_file_and_nothing_else) {
    tc_model *old = model_of(tc_nn_linear(300, 100), 1), *new = model_of(tc_nn_linear(300, 100), 2);
    save(old, NULL);
    const rlim_t limits[] = {0, 5, 100, 20000, 100000};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        fill_disk_after(limits[i]);
        tc_status status = tc_checkpoint_save(path, new, NULL, NULL, 0);
        fill_disk_after(RLIM_INFINITY);
        ck_assert_int_eq(status, TC_ERR_IO);
        ck_assert_msg(strstr(tc_last_error(), strerror(EFBIG)), "%s", tc_last_error());
        ck_assert_int_eq(files_in_folder(), 1);
        ck_assert_int_eq(tc_checkpoint_load(path, new, NULL), TC_OK);
        ck_assert(same_model(old, new));
        tc_model_init(new, TC_INIT_PYTORCH, 2);
    }
    fill_disk_after(5);
    tc_status status = tc_write_file(path, "0123456789", 10);
    fill_disk_after(RLIM_INFINITY);
    ck_assert_int_eq(status, TC_ERR_IO);
    ck_assert_int_eq(files_in_folder(), 1);
    tc_model_free(old);
    tc_model_free(new);
}
END_TEST

START_TEST(a_written_file_replaces_the_old_one) {
    size_t size;
    ck_assert_int_eq(tc_write_file(path, "first, and longer", 17), TC_OK);
    ck_assert_int_eq(tc_write_file(path, "second", 6), TC_OK);
    char *bytes = read_file(&size);
    ck_assert_uint_eq(size, 6);
    ck_assert_mem_eq(bytes, "second", 6);
    free(bytes);
    ck_assert_int_eq(tc_write_file(path, "", 0), TC_OK);
    bytes = read_file(&size);
    ck_assert_uint_eq(size, 0);
    free(bytes);
    ck_assert_int_eq(files_in_folder(), 1);
    mode_t mask = umask(0);
    umask(mask);
    struct stat there;
    ck_assert_int_eq(stat(path, &there), 0);
    ck_assert_uint_eq(there.st_mode & 0777, 0666 & ~mask);
}
END_TEST

START_TEST(a_name_without_folder_works) {
    char here[512];
    ck_assert_ptr_nonnull(getcwd(here, sizeof here));
    ck_assert_int_eq(chdir(folder), 0);
    ck_assert_int_eq(tc_write_file("plain", "x", 1), TC_OK);
    ck_assert_int_eq(files_in_folder(), 1);
    ck_assert_int_eq(chdir(here), 0);
}
END_TEST

/* A link stays one; what it leads to is replaced. */
START_TEST(a_link_is_followed) {
    char link[160], text[8] = "";
    struct stat st;
    snprintf(link, sizeof link, "%s-link", path);
    ck_assert_int_eq(symlink(path, link), 0);
    ck_assert_int_eq(tc_write_file(link, "x", 1), TC_ERR_IO);
    ck_assert_ptr_nonnull(strstr(tc_last_error(), "the link leads nowhere"));
    ck_assert_int_eq(tc_write_file(path, "first", 5), TC_OK);
    ck_assert_msg(tc_write_file(link, "other", 5) == TC_OK, "%s", tc_last_error());
    ck_assert_int_eq(lstat(link, &st), 0);
    ck_assert(S_ISLNK(st.st_mode));
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fread(text, 1, sizeof text, file), 5);
    fclose(file);
    ck_assert_str_eq(text, "other");
    ck_assert_int_eq(files_in_folder(), 2);
}
END_TEST

/* Temporary files of a run that was killed are in nobody's way. */
START_TEST(an_old_temporary_file_does_not_matter) {
    char old[160];
    snprintf(old, sizeof old, "%s.tmp-%ld-0", path, (long)getpid());
    ck_assert_int_eq(tc_write_file(old, "x", 1), TC_OK);
    ck_assert_int_eq(tc_write_file(path, "y", 1), TC_OK);
    ck_assert_int_eq(files_in_folder(), 2);
}
END_TEST

static void add(TCase *tests) {
    tcase_add_checked_fixture(tests, make_folder, remove_folder);
    tcase_add_test(tests, the_bytes_are_safetensors);
    tcase_add_test(tests, everything_comes_back_bit_for_bit);
    tcase_add_test(tests, a_large_tensor_comes_back_too);
    tcase_add_test(tests, metadata_comes_back);
    tcase_add_test(tests, metadata_that_cannot_be_kept_is_refused);
    tcase_add_test(tests, a_file_of_another_net_is_refused_with_names);
    tcase_add_test(tests, the_number_of_dimensions_matters);
    tcase_add_test(tests, a_long_list_of_names_is_cut);
    tcase_add_test(tests, every_difference_is_told);
    tcase_add_test(tests, the_state_must_be_that_of_the_same_optimiser);
    tcase_add_test(tests, a_net_called_optimizer_cannot_be_saved);
    tcase_add_test(tests, a_file_cut_off_anywhere_is_refused);
    tcase_add_test(tests, a_flipped_byte_never_changes_a_tensor_silently);
    tcase_add_loop_test(tests, a_header_is_believed_only_if_it_is_right, 0, sizeof headers / sizeof *headers);
    tcase_add_test(tests, a_header_may_not_claim_more_than_there_is);
    tcase_add_test(tests, files_that_cannot_be_read);
    tcase_add_test(tests, places_that_cannot_be_written);
    tcase_add_test(tests, a_full_disk_leaves_the_old_file_and_nothing_else);
    tcase_add_test(tests, a_written_file_replaces_the_old_one);
    tcase_add_test(tests, a_name_without_folder_works);
    tcase_add_test(tests, a_link_is_followed);
    tcase_add_test(tests, an_old_temporary_file_does_not_matter);
}

int main(void) {
    return suite_main("checkpoint", add);
}
