/* From settings to the parts of a training: how the net begins, what one step makes of a gradient and of a weight, the
 * schedule's shares in steps. The published recipes as wholes are in test_recipe_golden.c. */
#include "recipe.h"

#include <math.h>
#include <string.h>

#include "commands.h"
#include "golden.h"
#include "suite.h"
#include "trainer.h"

enum { SIDE = 25, PICTURES = 24, ARGUMENTS = 16 };

static uint8_t pixels[PICTURES * SIDE * SIDE * 3], labels[PICTURES];

static tc_dataset dataset_of(void) {
    static const char *names[10] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
    for (uint32_t i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)golden_hash(1, i);
    for (uint32_t i = 0; i < PICTURES; i++) labels[i] = (uint8_t)(i % 10);
    return (tc_dataset){.name = "noise",
                        .channels = 3,
                        .height = SIDE,
                        .width = SIDE,
                        .classes = 10,
                        .class_names = names,
                        .train = {.count = PICTURES, .pixels = pixels, .labels = labels},
                        .mean = {0.5f, 0.5f, 0.5f},
                        .deviation = {0.3f, 0.3f, 0.3f}};
}

/* Settings as `tinycnn train` has them after these arguments; ends at a NULL. */
static train_settings settings_of(const char *const *arguments) {
    train_settings s = {0};
    char *argv[ARGUMENTS + 2] = {"train"};
    int count = 1;
    for (; arguments[count - 1]; count++) {
        ck_assert_int_lt(count, ARGUMENTS);
        argv[count] = (char *)arguments[count - 1];
    }
    ck_assert_int_eq(options_parse(&command_train, count, argv, &s, NULL), PARSE_OK);
    ck_assert_msg(settings_resolve(&s) == TC_OK, "%s", tc_last_error());
    settings_fit(&s, s.data);
    return s;
}
#define SETTINGS(...) settings_of((const char *const[]){__VA_ARGS__, NULL})

static tc_model *model_of(const train_settings *s) {
    tc_dataset dataset = dataset_of();
    tc_model *model;
    ck_assert_msg(recipe_model(s, &dataset, &model) == TC_OK, "%s", tc_last_error());
    return model;
}

static void is_near(const char *what, double value, double expected, double tolerance) {
    ck_assert_msg(fabs(value - expected) <= tolerance, "%s: %.9g, expected %.9g", what, value, expected);
}

/* ---- How the net begins ------------------------------------------------------------------------------- */

static float at(const tc_tensor *weight, int64_t o, int64_t i, int64_t row, int64_t column) {
    const int64_t *shape = weight->shape; /* (O, I, KH, KW), the channels last in memory */
    return weight->data[((o * shape[2] + row) * shape[3] + column) * shape[1] + i];
}

static void begins_with_dirac(const tc_tensor *weight) {
    int64_t inputs = weight->shape[1];
    double bound = 1 / sqrt((double)inputs * 9);
    for (int64_t o = 0; o < weight->shape[0]; o++) {
        double size = 0;
        for (int64_t i = 0; i < inputs * 9; i++) {
            float value = at(weight, o, i / 9, i / 3 % 3, i % 3);
            if (o < inputs) ck_assert(value == (i == o * 9 + 4 ? 1.0f : 0.0f));
            size = fmax(size, fabs((double)value));
        }
        if (o >= inputs) ck_assert(size <= bound && size > bound / 2);
    }
}

START_TEST(filters_begin_by_handing_channels_on) {
    train_settings s = SETTINGS("--model=airbench94", "--widths=26,30,30", "--init=dirac");
    tc_model *model = model_of(&s);
    begins_with_dirac(tc_model_find(model, "2.weight")->tensor);
    begins_with_dirac(tc_model_find(model, "6.weight")->tensor);
    begins_with_dirac(tc_model_find(model, "9.weight")->tensor);
    tc_model_free(model);
}
END_TEST

/* As torch.std() counts it, with count - 1. */
START_TEST(head_begins_with_its_deviation) {
    train_settings s = SETTINGS("--model=airbench94", "--head-deviation=1.5", "--widths=4,4,7");
    tc_model *model = model_of(&s);
    tc_tensor *head = recipe_head(model)->tensor;
    ck_assert_ptr_eq(head, tc_model_find(model, "25.weight")->tensor);
    double sum = 0, squares = 0;
    for (int i = 0; i < 70; i++) sum += (double)head->data[i];
    for (int i = 0; i < 70; i++) squares += pow((double)head->data[i] - sum / 70, 2);
    is_near("deviation", sqrt(squares / 69), 1.5, 1e-6);
    tc_model_free(model);
}
END_TEST

START_TEST(what_is_trained) {
    train_settings s = SETTINGS("--model=airbench94", "--widths=4,4,4", "--whiten", "--no-train-bn-scale");
    tc_model *model = model_of(&s);
    for (int i = 0; i < tc_model_parameter_count(model); i++) {
        const tc_parameter *p = tc_model_parameter(model, i);
        bool scale = strcmp(p->layer, "batchnorm2d") == 0 && strstr(p->name, ".weight") != NULL;
        ck_assert_msg(p->tensor->requires_grad == (!scale && i > 0), "%s", p->name);
        if (scale) ck_assert(p->tensor->data[0] == 1.0f);
    }
    tc_model_free(model);
    s = SETTINGS("--model=airbench94", "--widths=4,4,4");
    model = model_of(&s);
    for (int i = 0; i < tc_model_parameter_count(model); i++)
        ck_assert(tc_model_parameter(model, i)->tensor->requires_grad);
    tc_model_free(model);
}
END_TEST

START_TEST(nets_that_begin_otherwise_can_not_be_whitened) {
    tc_dataset dataset = dataset_of();
    tc_model *model;
    train_settings s = SETTINGS("--model=lesson", "--whiten"); /* 32 filters: 27 directions, 5 negatives */
    ck_assert_int_eq(recipe_model(&s, &dataset, &model), TC_OK);
    tc_model_free(model);
    s = SETTINGS("--model=vgg", "--whiten", "--widths=64");
    ck_assert_int_eq(recipe_model(&s, &dataset, &model), TC_ERR_ARGUMENT);
    ck_assert_ptr_null(model);
    ck_assert_msg(strncmp(tc_last_error(), "--whiten: ", 10) == 0, "%s", tc_last_error());
}
END_TEST

/* ---- What a step does --------------------------------------------------------------------------------- */

/* Before a step, where recipe_whitening_bias() is called. */
typedef struct moment {
    double epochs, factor;
} moment;

static void fill(tc_model *model, float weight, float gradient) {
    for (int i = 0; i < tc_model_parameter_count(model); i++) {
        tc_tensor *tensor = tc_model_parameter(model, i)->tensor;
        for (int64_t k = 0; k < tc_numel(tensor); k++) {
            tensor->data[k] = weight;
            tensor->grad[k] = gradient;
        }
    }
}

/* The change of a parameter in the first step from that weight and gradient. */
static double change(const train_settings *s, const char *name, const moment *m, float weight,
                     float gradient) {
    tc_model *model = model_of(s);
    tc_optimizer *optimizer;
    ck_assert_msg(recipe_optimizer(s, model, &optimizer) == TC_OK, "%s", tc_last_error());
    fill(model, weight, gradient);
    if (m) {
        recipe_whitening_bias(s, model, optimizer, m->epochs, m->factor);
        tc_optimizer_set_lr(optimizer, (float)(recipe_rate(s) * m->factor));
    }
    tc_optimizer_step(optimizer);
    double moved = (double)tc_model_find(model, name)->tensor->data[0] - (double)weight;
    tc_optimizer_free(optimizer);
    tc_model_free(model);
    return moved;
}

/* A gradient of 1 moves a weight by -rate, a weight of 1 falls by `decay`; Nesterov's first step makes both
 * 1 + momentum times as large. */
static void steps_by(const train_settings *s, const char *name, const moment *m, double rate, double decay) {
    double gain = s->nesterov ? 1 + s->momentum : 1;
    is_near(name, -change(s, name, m, 0, 1) / gain, rate, 1e-5 * rate);
    is_near(name, -change(s, name, m, 1, 0) / gain, decay, 1e-4 * decay + 1e-9);
}

#define SMALL      "--model=airbench94", "--widths=4,4,4"
#define FILTER     "2.weight"
#define OTHER_BIAS "0.bias"
#define NORM_SCALE "4.weight"
#define NORM_BIAS  "4.bias"
#define HEAD       "25.weight"

START_TEST(plain_rates_are_for_the_mean_loss) {
    train_settings s = SETTINGS(SMALL, "--lr=0.1", "--weight-decay=0.01", "--batch=64");
    is_near("rate", recipe_rate(&s), 0.1, 1e-12);
    steps_by(&s, FILTER, NULL, 0.1, 0.001);
    steps_by(&s, HEAD, NULL, 0.1, 0.001);
    steps_by(&s, OTHER_BIAS, NULL, 0.1, 0);
    steps_by(&s, NORM_SCALE, NULL, 0.1, 0);
    steps_by(&s, NORM_BIAS, NULL, 0.1, 0);
    s.decay_all = true;
    steps_by(&s, OTHER_BIAS, NULL, 0.1, 0.001);
    steps_by(&s, NORM_SCALE, NULL, 0.1, 0.001);
    steps_by(&s, NORM_BIAS, NULL, 0.1, 0.001);
    s.momentum = 0;
    s.nesterov = false;
    steps_by(&s, FILTER, NULL, 0.1, 0.001);
}
END_TEST

/* As PyTorch's groups would: the decay is multiplied by the group's own rate. */
START_TEST(plain_rates_of_groups) {
    train_settings s = SETTINGS(SMALL, "--lr=0.1", "--weight-decay=0.01", "--head-lr=0.3",
                                "--norm-bias-lr=0.4", "--decay-all");
    steps_by(&s, FILTER, NULL, 0.1, 0.001);
    steps_by(&s, OTHER_BIAS, NULL, 0.1, 0.001);
    steps_by(&s, NORM_SCALE, NULL, 0.1, 0.001);
    steps_by(&s, NORM_BIAS, NULL, 0.4, 0.004);
    steps_by(&s, HEAD, NULL, 0.3, 0.003);
    s.decay_all = false;
    steps_by(&s, NORM_BIAS, NULL, 0.4, 0);
    steps_by(&s, HEAD, NULL, 0.3, 0.003);
}
END_TEST

START_TEST(no_decay_is_none) {
    train_settings s = SETTINGS(SMALL, "--weight-decay=0", "--decay-all", "--head-lr=0.3");
    steps_by(&s, FILTER, NULL, 0.05, 0);
    steps_by(&s, NORM_BIAS, NULL, 0.05, 0);
    steps_by(&s, HEAD, NULL, 0.3, 0);
}
END_TEST

/* Adam's first step is the rate whatever the gradient; AdamW's decay goes beside it. */
START_TEST(adamw_has_groups_too) {
    train_settings s = SETTINGS(SMALL, "--optimizer=adamw", "--lr=0.01", "--weight-decay=0.5",
                                "--head-lr=0.02", "--no-nesterov");
    steps_by(&s, FILTER, NULL, 0.01, 0.005);
    steps_by(&s, OTHER_BIAS, NULL, 0.01, 0);
    steps_by(&s, HEAD, NULL, 0.02, 0.01);
    s = SETTINGS(SMALL, "--optimizer=adamw", "--weight-decay=0", "--no-nesterov");
    steps_by(&s, FILTER, NULL, 0.001, 0);
}
END_TEST

/* A batch's summed loss is `batch` times the mean; the decay is per picture and knows no rate. */
START_TEST(rates_for_the_summed_loss) {
    train_settings s = SETTINGS(SMALL, "--rates=sum", "--batch=16", "--lr=0.01", "--head-lr=0.02",
                                "--norm-bias-lr=0.04", "--weight-decay=1e-4", "--decay-all");
    const double decay = 16 * 1e-4;
    is_near("rate", recipe_rate(&s), 0.16, 1e-12);
    steps_by(&s, FILTER, NULL, 0.16, decay);
    steps_by(&s, OTHER_BIAS, NULL, 0.16, decay);
    steps_by(&s, NORM_BIAS, NULL, 0.64, decay);
    steps_by(&s, HEAD, NULL, 0.32, decay);
    s.accumulate = 2; /* 32 pictures make a step */
    steps_by(&s, FILTER, NULL, 0.32, 2 * decay);
    s.decay_all = false;
    steps_by(&s, NORM_BIAS, NULL, 1.28, 0);
    steps_by(&s, HEAD, NULL, 0.64, 2 * decay);
}
END_TEST

START_TEST(rates_per_1024_pictures) {
    train_settings s = SETTINGS(SMALL, "--rates=decoupled", "--batch=256", "--lr=6", "--momentum=0.8",
                                "--norm-bias-lr=60", "--weight-decay=0.012", "--decay-all");
    /* a quarter of 1024, and momentum's gain 1 + 1 / (1 - 0.8) = 6 */
    is_near("rate", recipe_rate(&s), 0.25, 1e-12);
    steps_by(&s, FILTER, NULL, 0.25, 0.0005);
    steps_by(&s, NORM_BIAS, NULL, 2.5, 0.0005);
    steps_by(&s, HEAD, NULL, 0.25, 0.0005);
}
END_TEST

START_TEST(muon_trains_filters_alone) {
    train_settings s = SETTINGS(SMALL, "--optimizer=muon", "--rates=sum", "--batch=16", "--lr=0.01",
                                "--weight-decay=1e-4", "--decay-all", "--no-muon-rescale");
    steps_by(&s, OTHER_BIAS, NULL, 0.16, 16 * 1e-4);
    steps_by(&s, HEAD, NULL, 0.16, 16 * 1e-4);
    is_near("decay of filters", change(&s, FILTER, NULL, 1, 0), 0, 0);
    /* A gradient of one direction comes out with norm about 1, whatever its size: all elements alike. */
    double moved = -change(&s, FILTER, NULL, 0, 1) * sqrt(4 * 24 * 9);
    is_near("rate of filters", moved, 0.24, 0.24 * 0.4);
    is_near("rate of filters", -change(&s, FILTER, NULL, 0, 100) * sqrt(4 * 24 * 9), moved, 1e-4);
    s.muon_lr = 0.12;
    is_near("rate of filters", -change(&s, FILTER, NULL, 0, 1) * sqrt(4 * 24 * 9), moved / 2, 1e-5);
}
END_TEST

/* The head's gradient in step number `step`, of weights that hardly move. */
static void gradient_of(const train_settings *s, int step, double gradient[40]) {
    tc_dataset dataset = dataset_of();
    trainer t;
    ck_assert_msg(trainer_create(s, &dataset, NULL, &t) == TC_OK, "%s", tc_last_error());
    for (int i = 0; i < step; i++) {
        ck_assert_msg(trainer_feed(&t) == TC_OK, "%s", tc_last_error());
        ck_assert_msg(train_step(&t) == TC_OK, "%s", tc_last_error());
    }
    for (int i = 0; i < 40; i++) gradient[i] = (double)recipe_head(t.model)->tensor->grad[i];
    trainer_free(&t);
}

/* Plain steps take the mean over what there is; in a summed loss few pictures count little. */
static void weighs(train_settings s, int step, double expected) {
    double mean[40], sum[40], size = 0;
    gradient_of(&s, step, mean);
    s.rates = RATES_SUM;
    gradient_of(&s, step, sum);
    for (int i = 0; i < 40; i++) size = fmax(size, fabs(mean[i]));
    ck_assert(size > 0);
    for (int i = 0; i < 40; i++) is_near("gradient", sum[i] / size, expected * mean[i] / size, 1e-5);
}

START_TEST(summed_losses_have_the_weight_of_their_pictures) {
    train_settings s = SETTINGS(SMALL, "--lr=1e-12", "--weight-decay=0", "--batch=10"); /* of 24 */
    weighs(s, 2, 1);
    weighs(s, 3, 0.4);
    s.batch = 8;
    s.accumulate = 2; /* three batches: 16 pictures, then 8 */
    weighs(s, 1, 1);
    weighs(s, 2, 0.5);
}
END_TEST

/* ---- The whitening layer's bias ----------------------------------------------------------------------- */

START_TEST(whitening_bias_is_trained_for_some_epochs) {
    train_settings s =
        SETTINGS(SMALL, "--whiten", "--whiten-bias-epochs=2", "--lr=0.1", "--weight-decay=0.01");
    steps_by(&s, OTHER_BIAS, &(moment){0, 0.5}, 0.05, 0);
    steps_by(&s, OTHER_BIAS, &(moment){1.99, 1}, 0.1, 0);
    steps_by(&s, OTHER_BIAS, &(moment){2, 0.5}, 0, 0);
    steps_by(&s, OTHER_BIAS, &(moment){7, 1}, 0, 0);
    s.decay_all = true;
    steps_by(&s, OTHER_BIAS, &(moment){1.99, 0.5}, 0.05, 0.0005);
    s.whiten = false;
    steps_by(&s, OTHER_BIAS, &(moment){7, 1}, 0.1, 0.001);
}
END_TEST

/* Its rate falls by itself, whatever the schedule does. */
START_TEST(whitening_bias_may_fall_by_itself) {
    train_settings s = SETTINGS(SMALL, "--whiten", "--whiten-bias-epochs=2", "--whiten-bias-fall", "--lr=0.1",
                                "--weight-decay=0.01", "--decay-all");
    steps_by(&s, OTHER_BIAS, &(moment){0, 1}, 0.1, 0.001);
    steps_by(&s, OTHER_BIAS, &(moment){0.5, 0.8}, 0.075, 0.00075);
    steps_by(&s, OTHER_BIAS, &(moment){1.5, 0.2}, 0.025, 0.00025);
    steps_by(&s, OTHER_BIAS, &(moment){2, 0.2}, 0, 0);
    steps_by(&s, FILTER, &(moment){0.5, 0.8}, 0.08, 0.0008);
    s.decay_all = false;
    steps_by(&s, OTHER_BIAS, &(moment){0.5, 0.8}, 0.075, 0);
}
END_TEST

/* ---- The schedule ------------------------------------------------------------------------------------- */

static void factor_is(const train_settings *s, int64_t total, int64_t step, double expected) {
    tc_schedule schedule;
    ck_assert_msg(recipe_schedule(s, total, &schedule) == TC_OK, "%s", tc_last_error());
    char what[64];
    snprintf(what, sizeof what, "step %lld of %lld", (long long)step, (long long)total);
    is_near(what, tc_schedule_factor(&schedule, step), expected, 1e-9);
}

START_TEST(linear_schedules_have_a_corner) {
    train_settings s = SETTINGS("--warmup=0.23", "--warmup-start=0.2", "--final=0.07");
    factor_is(&s, 100, 0, 0.2);
    factor_is(&s, 100, 11, 0.2 + 0.8 * 11 / 23);
    factor_is(&s, 100, 23, 1);
    factor_is(&s, 100, 24, 1 - 0.93 / 77);
    factor_is(&s, 100, 99, 0.07 + 0.93 / 77);
    factor_is(&s, 100, 100, 0.07);
    /* The paper's own: 9.9 epochs of 48 batches. */
    factor_is(&s, 476, 109, 1);
    factor_is(&s, 476, 108, 1 - 0.8 / 109);
    /* By the clock */
    factor_is(&s, RECIPE_TICKS, RECIPE_TICKS / 100, 0.2 + 0.8 / 23);
}
END_TEST

START_TEST(linear_schedules_without_warmup_only_fall) {
    train_settings s = SETTINGS("--warmup=0", "--final=0");
    for (int step = 0; step <= 8; step++) factor_is(&s, 8, step, 1 - step / 8.0);
    factor_is(&s, 1, 0, 1);
    s = SETTINGS("--warmup=0.2"); /* no whole step of it */
    factor_is(&s, 2, 0, 1);
    factor_is(&s, 2, 1, 0.5);
    s = SETTINGS("--warmup=0.9"); /* nothing but warm-up */
    factor_is(&s, 1, 0, 0.1);
}
END_TEST

START_TEST(shares_become_steps) {
    train_settings s = SETTINGS("--schedule=multistep", "--milestones=0.25,0.75", "--gamma=0.5");
    factor_is(&s, 40, 9, 1);
    factor_is(&s, 40, 10, 0.5);
    factor_is(&s, 40, 29, 0.5);
    factor_is(&s, 40, 30, 0.25);
    s = SETTINGS("--schedule=step", "--step-size=0.3", "--gamma=0.5");
    factor_is(&s, 10, 2, 1);
    factor_is(&s, 10, 3, 0.5);
    factor_is(&s, 10, 9, 0.125);
    factor_is(&s, 1, 0, 1);
    s = SETTINGS("--schedule=cosine", "--warmup=0.2", "--warmup-start=0.1", "--final=0.2");
    factor_is(&s, 10, 0, 0.1);
    factor_is(&s, 10, 1, 0.55);
    factor_is(&s, 10, 2, 1);
    factor_is(&s, 10, 6, 0.6);
    factor_is(&s, 10, 10, 0.2);
    s = SETTINGS("--schedule=onecycle", "--pct-start=0.5", "--div-factor=10", "--final-div-factor=100");
    factor_is(&s, 12, 0, 0.1);
    factor_is(&s, 12, 5, 1);
    factor_is(&s, 12, 11, 0.001);
    s = SETTINGS("--schedule=constant");
    factor_is(&s, 10, 7, 1);
}
END_TEST

START_TEST(what_is_left_to_the_data_depends_on_it) {
    train_settings digits = SETTINGS("--data", "mnist"), shapes = SETTINGS("--data", "shapes"),
                   others = SETTINGS("--data", "cifar10"),
                   asked = SETTINGS("--data", "shapes", "--cutout", "8"),
                   turned = SETTINGS("--data", "mnist", "--rotation", "5", "--label-smoothing", "0.2"),
                   none = SETTINGS("--data", "mnist", "--rotation", "0", "--label-smoothing", "0"),
                   said = SETTINGS("--data", "mnist", "--augment", "standard", "--epochs", "2");
    ck_assert_int_eq(digits.augment, AUGMENT_DIGITS);
    ck_assert(digits.crop_padding == 2 && digits.flip == 0 && digits.epochs == 10);
    ck_assert(digits.rotation == 10 && digits.label_smoothing == 0.1);
    ck_assert(turned.rotation == 5 && turned.label_smoothing == 0.2);
    ck_assert(none.rotation == 0 && none.label_smoothing == 0 && none.crop_padding == 2);
    ck_assert(others.rotation == 0 && others.label_smoothing == 0);
    ck_assert(shapes.augment == AUGMENT_NONE && shapes.epochs == 5);
    ck_assert(others.augment == AUGMENT_STANDARD && others.crop_padding == 4 && others.flip == 0.5);
    ck_assert_int_eq(asked.augment, AUGMENT_STANDARD);
    ck_assert(said.augment == AUGMENT_STANDARD && said.flip == 0.5 && said.epochs == 2);
}
END_TEST

static void add(TCase *tests) {
    tcase_add_test(tests, what_is_left_to_the_data_depends_on_it);
    tcase_add_test(tests, filters_begin_by_handing_channels_on);
    tcase_add_test(tests, head_begins_with_its_deviation);
    tcase_add_test(tests, what_is_trained);
    tcase_add_test(tests, nets_that_begin_otherwise_can_not_be_whitened);
    tcase_add_test(tests, plain_rates_are_for_the_mean_loss);
    tcase_add_test(tests, plain_rates_of_groups);
    tcase_add_test(tests, no_decay_is_none);
    tcase_add_test(tests, adamw_has_groups_too);
    tcase_add_test(tests, rates_for_the_summed_loss);
    tcase_add_test(tests, rates_per_1024_pictures);
    tcase_add_test(tests, muon_trains_filters_alone);
    tcase_add_test(tests, summed_losses_have_the_weight_of_their_pictures);
    tcase_add_test(tests, whitening_bias_is_trained_for_some_epochs);
    tcase_add_test(tests, whitening_bias_may_fall_by_itself);
    tcase_add_test(tests, linear_schedules_have_a_corner);
    tcase_add_test(tests, linear_schedules_without_warmup_only_fall);
    tcase_add_test(tests, shares_become_steps);
}

int main(void) {
    return suite_main("recipe", add);
}
