/* cmd_bench.c - `tinycnn bench`: how fast a net trains and answers on this machine.
 *
 * Speed is the median over several timed windows, each of many whole steps; spread is the distance between
 * the fastest and the slowest window, as a share of the median. Pictures are random: speed does not depend on
 * what they show, and no loader takes part. */
#include <stdlib.h>
#include <sys/resource.h>

#include "clock.h"
#include "commands.h"
#include "models.h"
#include "profile.h"
#include "report.h"

enum { CHANNELS = 3, HEIGHT = 32, WIDTH = 32, CLASSES = 10, WINDOWS = 7 };

typedef struct bench_settings {
    const char *model;
    int64_t batch, threads;
    double seconds;
    bool json, profile;
} bench_settings;

#define AT(field) .at = offsetof(bench_settings, field)
static const option bench_options[] = {
    {"model", "NAME", OPTION_TEXT, "lesson", AT(model), .known = known_model, .help = "the net"},
    {"batch", "B", OPTION_INTEGER, "128", .low = 1, .high = 65536, AT(batch), .help = "pictures in a batch"},
    {"threads", "P", OPTION_INTEGER, "0", .low = 0, .high = 1024, AT(threads),
     .help = "cores to use; 0: all"},
    {"seconds", "T", OPTION_REAL, "5", .low = 0.001, .high = 3600, AT(seconds),
     .help = "how long to measure training, and as long inference"},
    {"json", NULL, OPTION_SWITCH, "no", AT(json), .help = "print one JSON object"},
    {"profile", NULL, OPTION_SWITCH, "no", AT(profile),
     .help = "print instead where the time of a training step goes, layer by layer"},
    {0}};

static int run_bench(int argc, char **argv);
const command command_bench = {
    .name = "bench",
    "Measures pictures a second of training and of inference",
    "Pictures are (3, 32, 32) and random, classes 10. A training step is forward, loss, backward and the\n"
    "optimiser's update. --json prints model, batch, threads, train_img_per_s, train_spread,\n"
    "infer_img_per_s, infer_spread, peak_rss_mb (10^6 bytes, of training), kernels, blas.\n",
    bench_options,
    run_bench};

typedef struct bench {
    tc_model *model;
    tc_optimizer *optimizer;
    tc_tape *tape;
    tc_arena *arena;
    float *x;        /* (batch, H, W, C) */
    int32_t *labels; /* (batch) */
    int64_t batch;
} bench;

typedef struct speed {
    double img_per_s, spread;
} speed;

static tc_status bench_create(const bench_settings *s, const tc_model_entry *entry, bench *b) {
    *b = (bench){.batch = s->batch, .arena = tc_arena_create()};
    TC_TRY(tc_model_create(tc_model_build(entry, tc_net_of(CHANNELS, HEIGHT, WIDTH, CLASSES)), 1, &b->model));
    /* The rate is small, so that weights stay ordinary numbers however long the measuring takes. */
    TC_TRY(tc_sgd_create(b->model, &(tc_sgd_options){.lr = 1e-4f, .momentum = 0.9f, .nesterov = true},
                         &b->optimizer));
    if (s->threads) tc_optimizer_set_threads(b->optimizer, (int)s->threads);
    b->tape = tc_tape_create(&(tc_tape_options){.threads = (int)s->threads});
    if (!b->tape || !b->arena) return TC_ERR_MEMORY;
    int64_t pixels = s->batch * CHANNELS * HEIGHT * WIDTH;
    b->x = tc_arena_alloc(b->arena, (size_t)pixels * sizeof *b->x);
    b->labels = tc_arena_alloc(b->arena, (size_t)s->batch * sizeof *b->labels);
    if (!b->x || !b->labels) return TC_ERR_MEMORY;
    tc_rng rng = tc_rng_create(1, 0);
    for (int64_t i = 0; i < pixels; i++) b->x[i] = tc_rng_normal(&rng);
    for (int64_t i = 0; i < s->batch; i++) b->labels[i] = (int32_t)tc_rng_below(&rng, CLASSES);
    return TC_OK;
}

static void bench_free(bench *b) {
    tc_tape_free(b->tape);
    tc_optimizer_free(b->optimizer);
    tc_model_free(b->model);
    tc_arena_free(b->arena);
}

static tc_status train_once(bench *b) {
    tc_tape_reset(b->tape, 0);
    tc_tensor *x = tc_input(b->tape, 4, (int64_t[]){b->batch, CHANNELS, HEIGHT, WIDTH}, b->x);
    tc_tensor *loss = tc_cross_entropy(b->tape, tc_model_forward(b->model, b->tape, x), b->labels, NULL);
    tc_model_zero_grad(b->model);
    TC_TRY(tc_backward(b->tape, loss));
    tc_optimizer_step(b->optimizer);
    return TC_OK;
}

static tc_status infer_once(bench *b) {
    tc_tape_reset(b->tape, 0);
    tc_model_forward(b->model, b->tape,
                     tc_input(b->tape, 4, (int64_t[]){b->batch, CHANNELS, HEIGHT, WIDTH}, b->x));
    return tc_tape_status(b->tape);
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Runs `once` for about `seconds`, in WINDOWS windows, after two steps that are not counted. */
static tc_status measure(bench *b, tc_status (*once)(bench *), double seconds, speed *result) {
    double rates[WINDOWS];
    for (int i = 0; i < 2; i++) TC_TRY(once(b));
    for (int w = 0; w < WINDOWS; w++) {
        double begin = clock_seconds(), passed;
        int64_t steps = 0;
        do {
            TC_TRY(once(b));
            steps++;
            passed = clock_seconds() - begin;
        } while (passed < seconds / WINDOWS);
        rates[w] = (double)(steps * b->batch) / passed;
    }
    qsort(rates, WINDOWS, sizeof *rates, compare);
    double median = rates[WINDOWS / 2];
    *result = (speed){median, (rates[WINDOWS - 1] - rates[0]) / median};
    return TC_OK;
}

/* Trains for about `seconds` under observation and prints the table. */
static tc_status print_profile(bench *b, double seconds) {
    profile p = {0};
    const int64_t shape[4] = {1, CHANNELS, HEIGHT, WIDTH};
    for (int i = 0; i < 2; i++) TC_TRY(train_once(b));
    tc_tape_observe(b->tape, profile_observe, &p);
    double begin = clock_seconds();
    do {
        TC_TRY(train_once(b));
        p.steps++;
        p.seconds = clock_seconds() - begin;
    } while (p.seconds < seconds);
    TC_TRY(profile_take_work(&p, b->model, shape));
    profile_print(&p, b->batch, profile_gemm_rate(tc_tape_threads(b->tape)));
    return TC_OK;
}

/* Largest resident memory of this process so far, in 10^6 bytes. */
static double peak_megabytes(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss * 1024 / 1e6;
}

static void print_result(const bench_settings *s, const bench *b, speed train, double peak_mb, speed infer) {
    int threads = tc_tape_threads(b->tape);
    if (s->json)
        printf("{\"model\": \"%s\", \"batch\": %lld, \"threads\": %d, \"train_img_per_s\": %.1f, "
               "\"train_spread\": %.3f, \"infer_img_per_s\": %.1f, \"infer_spread\": %.3f, \"peak_rss_mb\": "
               "%.1f, "
               "\"kernels\": \"%s\", \"blas\": \"%s\"}\n",
               s->model, (long long)s->batch, threads, train.img_per_s, train.spread, infer.img_per_s,
               infer.spread, peak_mb, tc_kernel_isa(), tc_blas_name());
    else
        printf("%s, batch %lld, %d thread%s, %s kernels\ntraining   %9.1f img/s  (spread %.1f%%)\n"
               "inference  %9.1f img/s  (spread %.1f%%)\npeak memory %8.1f MB\n",
               s->model, (long long)s->batch, threads, threads == 1 ? "" : "s", tc_kernel_isa(),
               train.img_per_s, 100 * train.spread, infer.img_per_s, 100 * infer.spread, peak_mb);
}

static int run_bench(int argc, char **argv) {
    bench_settings s = {0};
    parse_result parsed = options_parse(&command_bench, argc, argv, &s, NULL);
    if (parsed != PARSE_OK) return parsed == PARSE_HELP ? EXIT_GOOD : EXIT_USAGE;
    const tc_model_entry *entry = tc_model_entry_find(s.model);
    if (!entry) return report(EXIT_USAGE, "bench", "--model: %s", tc_last_error());
    bench b;
    speed train, infer;
    tc_status status = bench_create(&s, entry, &b);
    if (status == TC_OK && s.profile) {
        status = print_profile(&b, s.seconds);
        bench_free(&b);
        return status == TC_OK ? EXIT_GOOD : report_failure("bench");
    }
    if (status == TC_OK) status = measure(&b, train_once, s.seconds, &train);
    double peak_mb = peak_megabytes(); /* of training */
    if (status == TC_OK) {
        tc_tape_eval(b.tape);
        status = tc_model_freeze(b.model);
        if (status == TC_OK) status = measure(&b, infer_once, s.seconds, &infer);
    }
    if (status == TC_OK) print_result(&s, &b, train, peak_mb, infer);
    bench_free(&b);
    return status == TC_OK ? EXIT_GOOD : report_failure("bench");
}
