/* test_whitening.c - a first convolution that decorrelates patches, against PyTorch (golden/make_recipe_golden.py).
 */
#define _GNU_SOURCE /* sched_setaffinity(), mmap() */
#include <math.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "golden.h"
#include "suite.h"
#include "tinycnn.h"

static tc_arena *arena;

static void begin(void) {
    arena = tc_arena_create();
}

static void end(void) {
    tc_arena_free(arena);
}

static tc_tensor *from_golden(const golden_tensor *golden) {
    tc_tensor *tensor = tc_tensor_create(arena, golden->ndim, golden->shape);
    tc_tensor_from_nchw(tensor, golden->values);
    return tensor;
}

static tc_tensor *pictures(int64_t n, int64_t c, int64_t h, int64_t w) {
    tc_tensor *x = tc_tensor_new(arena, n, c, h, w);
    golden_hash_values(7, 2, 0.25f, tc_numel(x), x->data);
    return x;
}

START_TEST(filters_as_in_pytorch) {
    golden_file *file = golden_read("whitening");
    ck_assert_int_eq(file->count, 4);
    for (int i = 0; i < file->count; i++) {
        const golden_case *golden = &file->cases[i];
        const golden_tensor *wanted = golden_array(golden, "weight");
        tc_tensor *x = from_golden(golden_input(golden, "x"));
        tc_tensor *weight = tc_tensor_create(arena, 4, wanted->shape);
        ck_assert_msg(tc_init_whitening(weight, x, golden_option(golden, "eps"), 0) == TC_OK, "%s",
                      tc_last_error());
        float *found = tc_arena_alloc(arena, sizeof(float) * (size_t)tc_numel(weight));
        int64_t where = 0;
        tc_tensor_to_nchw(weight, found);
        double off = golden_difference(wanted, found, &where);
        ck_assert_msg(off < 1e-6, "%s: element %lld is off by %g", golden->name, (long long)where, off);
    }
    golden_free(file);
}
END_TEST

/* What it is for: results of equal variance that have nothing in common, pairs of opposite sign. */
START_TEST(results_are_white) {
    tc_tensor *x = pictures(9, 2, 8, 8), *weight = tc_tensor_new(arena, 16, 2, 2, 2);
    ck_assert_int_eq(tc_init_whitening(weight, x, 0, 0), TC_OK);
    tc_tape *tape = tc_tape_create(NULL);
    tc_tensor *y = tc_conv2d(tape, x, weight, NULL, NULL);
    int64_t rows = tc_numel(y) / 16;
    for (int64_t a = 0; a < 16; a++) {
        for (int64_t b = 0; b < 16; b++) {
            double sum = 0;
            for (int64_t r = 0; r < rows; r++)
                sum += (double)y->data[r * 16 + a] * (double)y->data[r * 16 + b];
            double wanted = a == b ? 1 : a % 8 == b % 8 ? -1 : 0;
            ck_assert_double_eq_tol(sum / (double)rows, wanted, 1e-5);
        }
    }
    tc_tape_free(tape);
}
END_TEST

/* Each pixel has one channel, and each channel the same values in another order: all eigenvalues are equal but for
 * the rounding of their sums, which therefore decides on the order of the filters. */
static tc_tensor *pictures_of_equal_channels(void) {
    enum { N = 150, C = 12, PIXELS = 8 * 9 };
    tc_tensor *x = tc_tensor_new(arena, N, C, 8, 9);
    float values[N * PIXELS / C];
    golden_hash_values(3, 2, 0, N * PIXELS / C, values);
    for (int64_t i = 0; i < N * PIXELS; i++)
        x->data[i * C + i % C] = values[(i / C + 71 * (i % C)) % (N * PIXELS / C)];
    return x;
}

/* In a process of its own, for OpenMP counts the cores once. */
static void whiten_on_one_core(const tc_tensor *x, tc_tensor *weight) {
    cpu_set_t all, one;
    int cpu = 0;
    CPU_ZERO(&one);
    if (sched_getaffinity(0, sizeof all, &all) != 0) _exit(1);
    while (!CPU_ISSET(cpu, &all)) cpu++;
    CPU_SET(cpu, &one);
    if (sched_setaffinity(0, sizeof one, &one) != 0 || tc_threads_available() != 1) _exit(2);
    _exit(tc_init_whitening(weight, x, 1e-3, 0) == TC_OK ? 0 : 3);
}

START_TEST(same_bits_on_one_core) {
    tc_tensor *x = pictures_of_equal_channels(), *a = tc_tensor_new(arena, 24, 12, 1, 1), b = *a;
    size_t bytes = sizeof(float) * (size_t)tc_numel(a);
    b.data = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(b.data != MAP_FAILED);
    pid_t child = fork();
    if (child == 0) whiten_on_one_core(x, &b);
    int how = 0;
    ck_assert_int_eq(waitpid(child, &how, 0), child);
    ck_assert_int_eq(how, 0);
    ck_assert_int_eq(tc_init_whitening(a, x, 1e-3, 0), TC_OK);
    ck_assert_mem_eq(a->data, b.data, bytes);
    bool by_channel = true; /* then rounding decides on nothing, and this test proves nothing */
    for (int64_t i = 0; i < 12; i++) by_channel = by_channel && a->data[i * 12 + 11 - i] != 0;
    ck_assert(!by_channel);
}
END_TEST

static void expect_refusal(tc_tensor *weight, const tc_tensor *x, double eps, tc_status status,
                           const char *sentence) {
    if (weight) weight->data[0] = 42;
    ck_assert_int_eq(tc_init_whitening(weight, x, eps, 0), status);
    ck_assert_msg(strstr(tc_last_error(), sentence), "%s", tc_last_error());
    ck_assert(!weight || weight->data[0] == 42);
}

START_TEST(what_cannot_be_done_is_refused) {
    tc_tensor *x = pictures(4, 3, 5, 6), *weight = tc_tensor_new(arena, 24, 3, 2, 2);
    expect_refusal(NULL, x, 0, TC_ERR_ARGUMENT, "NULL");
    expect_refusal(weight, NULL, 0, TC_ERR_ARGUMENT, "NULL");
    expect_refusal(weight, x, -1e-9, TC_ERR_ARGUMENT, "eps is -1e-09");
    expect_refusal(weight, x, NAN, TC_ERR_ARGUMENT, "eps is nan");
    expect_refusal(weight, x, INFINITY, TC_ERR_ARGUMENT, "eps is inf");
    expect_refusal(tc_tensor_new(arena, 25, 3, 2, 2), x, 1, TC_ERR_SHAPE,
                   "25 filters; its 12 directions and their negatives make 24 at most");
    expect_refusal(tc_tensor_new(arena, 4, 1, 2, 2), x, 1, TC_ERR_SHAPE,
                   "(4, 1, 2, 2) and pictures (4, 3, 5, 6)");
    expect_refusal(tc_tensor_new(arena, 4, 12), x, 1, TC_ERR_SHAPE, "(4, 12)");
    expect_refusal(weight, tc_tensor_new(arena, 4, 3), 1, TC_ERR_SHAPE, "(4, 3)");
    expect_refusal(tc_tensor_new(arena, 4, 3, 6, 2), x, 1, TC_ERR_SHAPE, "larger than the pictures");
    expect_refusal(tc_tensor_new(arena, 4, 3, 2, 7), x, 1, TC_ERR_SHAPE, "larger than the pictures");
    const float bad[] = {NAN, INFINITY, -INFINITY};
    const int64_t places[] = {0, 59, tc_numel(x) - 1};
    for (int i = 0; i < 3; i++) {
        float before = x->data[places[i]];
        x->data[places[i]] = bad[i];
        expect_refusal(weight, x, 1, TC_ERR_NUMERIC, "not a finite number");
        x->data[places[i]] = before;
    }
    ck_assert_int_eq(tc_init_whitening(weight, x, 1, 0), TC_OK);
}
END_TEST

/* Black pictures, which have no directions at all. */
START_TEST(without_variance_eps_decides) {
    tc_tensor *x = tc_tensor_new(arena, 4, 3, 5, 6), *weight = tc_tensor_new(arena, 24, 3, 2, 2);
    expect_refusal(weight, x, 0, TC_ERR_NUMERIC, "direction 0 of the patches has no variance");
    ck_assert_int_eq(tc_init_whitening(weight, x, 0.25, 0), TC_OK);
    double squares = 0;
    for (int64_t i = 0; i < 12; i++) squares += (double)weight->data[i] * (double)weight->data[i];
    ck_assert_double_eq_tol(squares, 4, 1e-5);
}
END_TEST

static void add(TCase *tests) {
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, filters_as_in_pytorch);
    tcase_add_test(tests, results_are_white);
    tcase_add_test(tests, same_bits_on_one_core);
    tcase_add_test(tests, what_cannot_be_done_is_refused);
    tcase_add_test(tests, without_variance_eps_decides);
}

int main(void) {
    return suite_main("whitening", add);
}
