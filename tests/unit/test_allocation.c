/* From the second step of training on, nothing is allocated.
 *
 * This program brings its own malloc and its kin, which count and hand on to the C library's. The dynamic
 * linker prefers a program's own functions, so calls from within the OpenMP runtime count as well. Calls from
 * within OpenBLAS do not: its product of small matrices takes a buffer for odd columns at each call, which is
 * not in our hands. AddressSanitizer brings its own malloc; there only what the tape holds is compared. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "golden.h"
#include "models.h"
#include "suite.h"

static atomic_long allocations;
static atomic_bool counting;

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

#ifndef SANITIZED
static void note(void *caller) {
    Dl_info from;
    if (!counting) return;
    if (dladdr(caller, &from) && from.dli_fname && strstr(from.dli_fname, "openblas")) return;
    allocations++;
}
#define NOTE() note(__builtin_return_address(0))

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size) {
    NOTE();
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    NOTE();
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
    NOTE();
    return __libc_realloc(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    NOTE();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
    NOTE();
    *memory = __libc_memalign(alignment, size);
    return *memory ? 0 : ENOMEM;
}

void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
    NOTE();
    return (void *)syscall(SYS_mmap, address, length, protection, flags, fd, offset);
}
#endif

enum { BATCH = 4, STEPS = 4 };

typedef struct training {
    tc_model *model;
    tc_optimizer *optimizer;
    tc_tape *tape;
    float *pictures;
    int32_t labels[BATCH];
} training;

static tc_module *everything(void) {
    tc_module *body =
        tc_sequential(tc_nn_conv2d(16, 16, 3, .padding = 1, .no_bias = true), tc_nn_batchnorm2d(16),
                      tc_nn_silu(), tc_nn_conv2d(16, 16, 3, .padding = 1, .groups = 16));
    return tc_sequential(
        tc_nn_conv2d(3, 16, 3, .stride = 2, .padding = 1), tc_nn_relu(), tc_residual_identity(body),
        tc_nn_relu(), tc_nn_conv2d(16, 24, 3, .padding = TC_SAME, .groups = 2, .dilation = 2),
        tc_nn_gelu(TC_GELU_EXACT), tc_nn_avgpool2d(3, .stride = 2, .ceil_mode = true), tc_nn_dropout(0.2f),
        tc_nn_scale(1.5f), tc_nn_conv2d(24, 40, 1, .no_bias = true), tc_nn_leaky_relu(0.01f),
        tc_nn_adaptive_avgpool2d(TC_HW(3, 2)), tc_nn_flatten(), tc_nn_linear(40 * 6, 10));
}

/* Both return false on failure; Check's assertions allocate, so none is within. */
static bool step(training *t, uint64_t number) {
    tc_tape_reset(t->tape, number);
    tc_tape_train(t->tape);
    tc_model_zero_grad(t->model);
    tc_tensor *x = tc_input_nchw(t->tape, 4, (const int64_t[]){BATCH, 3, 32, 32}, t->pictures);
    tc_tensor *loss = tc_cross_entropy(t->tape, tc_model_forward(t->model, t->tape, x), t->labels, NULL);
    if (tc_backward(t->tape, loss) != TC_OK) return false;
    tc_clip_grad_norm(t->model, 1);
    tc_optimizer_step(t->optimizer);
    return true;
}

static bool evaluate(training *t) {
    tc_tape_reset(t->tape, 0);
    tc_tape_eval(t->tape);
    tc_tensor *x = tc_input_nchw(t->tape, 4, (const int64_t[]){BATCH, 3, 32, 32}, t->pictures);
    return tc_model_forward(t->model, t->tape, x) != NULL;
}

static training begin(tc_module *net, int kind, int threads) {
    training t = {0};
    ck_assert_msg(tc_model_create(net, 1, &t.model) == TC_OK, "%s", tc_last_error());
    if (kind == 0)
        tc_sgd_create(t.model, &(tc_sgd_options){.lr = 0.01f, .momentum = 0.9f, .nesterov = true},
                      &t.optimizer);
    else if (kind == 1)
        tc_adamw_create(t.model, NULL, &t.optimizer);
    else
        tc_muon_create(t.model, NULL, &t.optimizer);
    ck_assert_ptr_nonnull(t.optimizer);
    tc_optimizer_set_threads(t.optimizer, threads);
    t.tape = tc_tape_create(&(tc_tape_options){.threads = threads, .seed = 1});
    t.pictures = malloc(sizeof(float) * BATCH * 3 * 32 * 32);
    golden_hash_values(1, 2, 0, BATCH * 3 * 32 * 32, t.pictures);
    for (int i = 0; i < BATCH; i++) t.labels[i] = i % 10;
    return t;
}

static void end(training *t) {
    tc_tape_free(t->tape);
    tc_optimizer_free(t->optimizer);
    tc_model_free(t->model);
    free(t->pictures);
}

/* Net number `index`, from 0: the one above, then the table of models. */
static tc_module *net(int index) {
    return index == 0 ? everything() : tc_model_build(&tc_models[index - 1], tc_net_of(3, 32, 32, 10));
}
enum { NETS = 6 };

/* 1 and 2 threads, SGD, AdamW and Muon, evaluation between. */
START_TEST(later_steps_allocate_nothing) {
    training t = begin(net(_i / 6), _i % 3, _i / 3 % 2 + 1);
    counting = true;
    long before = allocations;
    ck_assert_msg(step(&t, 0) && evaluate(&t), "%s", tc_last_error());
#ifndef SANITIZED
    ck_assert_msg(allocations > before, "the count doesn't count");
#endif
    size_t held = tc_arena_bytes(tc_tape_arena(t.tape));
    before = allocations;
    bool good = true;
    for (uint64_t number = 1; number < STEPS; number++) good = good && step(&t, number);
    good = good && evaluate(&t) && step(&t, STEPS);
    long made = allocations - before;
    counting = false;
    ck_assert_msg(good, "%s", tc_last_error());
    ck_assert_int_eq(made, 0);
    ck_assert_uint_eq(tc_arena_bytes(tc_tape_arena(t.tape)), held);
    end(&t);
}
END_TEST

static void add(TCase *tests) {
    tcase_add_loop_test(tests, later_steps_allocate_nothing, 0, 6 * NETS);
}

int main(void) {
    return suite_main("allocation", add);
}
