/* settings.c - every option of `tinycnn train` with its default: the recipe that a newcomer gets. */
#include "settings.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "commands.h"
#include "config.h"

#define AT(field) .at = offsetof(train_settings, field)

const option train_options[] = {
    {"model", "NAME", OPTION_TEXT, "lesson", AT(model), .known = known_model, .help = "the net"},
    {"data", "NAME|PATH", OPTION_TEXT, "shapes", AT(data),
     .help = "shapes (generated), cifar10, or the path of a CIFAR-10 folder or .tar.gz"},
    {"data-dir", "DIR", OPTION_TEXT, NULL, AT(data_dir), .scope = SCOPE_RECORD,
     .help = "where to look for data first; then $TINYCNN_DATA, then ~/.cache/tinycnn"},
    {"epochs", "N", OPTION_INTEGER, "5", .low = 1, .high = 1e6, AT(epochs),
     .help = "passes over the training pictures"},
    {"minutes", "T", OPTION_REAL, "0", .low = 0, .high = 1e6, AT(minutes),
     .help =
         "train for this long instead (evaluation not counted); the schedule follows the clock, so such a "
         "run is not repeated bit for bit; 0: --epochs counts"},
    {"batch", "B", OPTION_INTEGER, "128", .low = 1, .high = 65536, AT(batch), .help = "pictures in a batch"},
    {"accumulate", "K", OPTION_INTEGER, "1", .low = 1, .high = 65536, AT(accumulate),
     .help = "batches whose mean gradient makes one step"},
    {"optimizer", "NAME", OPTION_CHOICE, "sgd", .choices = "sgd|adam|adamw", AT(optimizer),
     .help = "the optimiser"},
    {"lr", "X", OPTION_REAL, "auto", .low = 1e-12, .high = 1e6, AT(lr),
     .help = "learning rate, at the schedule's peak; auto: 0.05 for sgd, 0.001 for adam and adamw"},
    {"momentum", "X", OPTION_REAL, "0.9", .low = 0, .high = 1, AT(momentum), .help = "sgd: momentum"},
    {"nesterov", NULL, OPTION_SWITCH, "yes", AT(nesterov), .help = "sgd: Nesterov's momentum"},
    {"weight-decay", "X", OPTION_REAL, "auto", .low = 0, .high = 1e6, AT(weight_decay),
     .help = "weight decay; auto: 0.0005 for sgd, 0 for adam, 0.01 for adamw"},
    {"decay-all", NULL, OPTION_SWITCH, "no", AT(decay_all),
     .help = "decay biases and batch-norm parameters too"},
    {"label-smoothing", "X", OPTION_REAL, "0", .low = 0, .high = 1, AT(label_smoothing),
     .help = "share of the target spread over all classes"},
    {"clip-norm", "X", OPTION_REAL, "0", .low = 0, .high = 1e30, AT(clip_norm),
     .help = "largest 2-norm of the gradient; 0: not clipped"},
    {"schedule", "NAME", OPTION_CHOICE, "linear", .choices = "constant|step|multistep|cosine|onecycle|linear",
     AT(schedule), .help = "course of the learning rate"},
    {"warmup", "F", OPTION_REAL, "0.2", .low = 0, .high = 0.99, AT(warmup),
     .help = "cosine, linear: share of the training in which the rate rises"},
    {"warmup-start", "F", OPTION_REAL, "0.1", .low = 0, .high = 1, AT(warmup_start),
     .help = "cosine, linear: factor of the rate at the begin"},
    {"final", "F", OPTION_REAL, "0", .low = 0, .high = 1, AT(final),
     .help = "cosine, linear: factor of the rate at the end"},
    {"step-size", "F", OPTION_REAL, "0.3", .low = 1e-6, .high = 1, AT(step_size),
     .help = "step: the rate falls every so large a share of the training"},
    {"milestones", "F,F,...", OPTION_LIST, "0.5,0.75", .low = 0, .high = 1, AT(milestones),
     .help = "multistep: the rate falls after these shares of the training"},
    {"gamma", "X", OPTION_REAL, "0.1", .low = 1e-9, .high = 1, AT(gamma),
     .help = "step, multistep: factor of each fall"},
    {"pct-start", "F", OPTION_REAL, "0.3", .low = 0.001, .high = 0.999, AT(pct_start),
     .help = "onecycle: share of the training in which the rate rises"},
    {"div-factor", "X", OPTION_REAL, "25", .low = 1, .high = 1e9, AT(div_factor),
     .help = "onecycle: begins at the rate divided by this"},
    {"final-div-factor", "X", OPTION_REAL, "10000", .low = 1, .high = 1e12, AT(final_div_factor),
     .help = "onecycle: ends at the begin's rate divided by this"},
    {"augment", "NAME", OPTION_CHOICE, "auto", .choices = "auto|none|standard", AT(augment),
     .help = "standard: random crop and flip; auto: standard, but none for shapes"},
    {"crop-padding", "P", OPTION_INTEGER, "4", .low = 0, .high = 16, AT(crop_padding),
     .help = "random crop: pixels added on each side before cutting; 0: no crop"},
    {"crop-mode", "NAME", OPTION_CHOICE, "reflect", .choices = "zero|reflect", AT(crop_mode),
     .help = "random crop: what the added pixels hold"},
    {"flip", "P", OPTION_REAL, "0.5", .low = 0, .high = 1, AT(flip),
     .help = "probability of a horizontal flip"},
    {"init", "NAME", OPTION_CHOICE, "pytorch", .choices = "pytorch|he", AT(init),
     .help = "how weights begin: PyTorch's default or He's normal"},
    {"seed", "N", OPTION_INTEGER, "1", .low = 0, .high = 9007199254740992.0, AT(seed),
     .help = "of everything random; one seed gives one result, on any number of threads"},
    {"threads", "P", OPTION_INTEGER, "0", .low = 0, .high = 1024, AT(threads), .scope = SCOPE_RECORD,
     .help = "cores to use; 0: all"},
    {"eval-every", "N", OPTION_INTEGER, "1", .low = 1, .high = 1e6, AT(eval_every),
     .help = "evaluate on the test pictures after every so many epochs, and after the last"},
    {"out", "DIR", OPTION_TEXT, NULL, AT(out), .scope = SCOPE_START,
     .help = "folder of the run; without it runs/<time>-<model>"},
    {"resume", "DIR", OPTION_TEXT, NULL, AT(resume), .scope = SCOPE_START,
     .help = "go on with the run in DIR, with its settings"},
    {"quiet", NULL, OPTION_SWITCH, "no", AT(quiet), .scope = SCOPE_START,
     .help = "print nothing but failures"},
    {0}};

tc_status settings_resolve(train_settings *s) {
    static const double rate[] = {
        [OPTIMIZER_SGD] = 0.05, [OPTIMIZER_ADAM] = 0.001, [OPTIMIZER_ADAMW] = 0.001};
    static const double decay[] = {[OPTIMIZER_SGD] = 5e-4, [OPTIMIZER_ADAM] = 0, [OPTIMIZER_ADAMW] = 0.01};
    if (isnan(s->lr)) s->lr = rate[s->optimizer];
    if (isnan(s->weight_decay)) s->weight_decay = decay[s->optimizer];
    if (s->augment == AUGMENT_AUTO)
        s->augment = strcmp(s->data, "shapes") == 0 ? AUGMENT_NONE : AUGMENT_STANDARD;
    if (s->nesterov && s->momentum == 0) s->nesterov = false;
    for (int i = 1; i < s->milestones.count; i++)
        if (s->milestones.values[i] <= s->milestones.values[i - 1])
            return tc_fail(TC_ERR_ARGUMENT, "--milestones: %g after %g, expected rising numbers",
                           s->milestones.values[i], s->milestones.values[i - 1]);
    return TC_OK;
}

/* Whether the command line asks for another value than the run has. */
static bool contradicts(const option *o, const train_settings *asked, const train_settings *run) {
    char a[512] = "", b[512] = "";
    option_text(o, asked, a, sizeof a);
    option_text(o, run, b, sizeof b);
    return strcmp(a, b) != 0;
}

tc_status settings_resume(train_settings *settings, const bool given[OPTIONS_MAX], const char *path,
                          json_t *config) {
    train_settings run = *settings;
    TC_TRY(config_read(path, config, train_options, &run));
    for (int i = 0; train_options[i].name; i++) {
        const option *o = &train_options[i];
        if (!given[i] || o->scope == SCOPE_START || !contradicts(o, settings, &run)) continue;
        bool is_epochs = strcmp(o->name, "epochs") == 0;
        bool longer = is_epochs && settings->epochs > run.epochs && run.minutes == 0 &&
                      run.schedule == SCHEDULE_CONSTANT;
        if (o->scope == SCOPE_RECORD || longer) {
            option_copy(o, settings, &run);
            continue;
        }
        char text[512] = "none";
        option_text(o, &run, text, sizeof text);
        return tc_fail(TC_ERR_ARGUMENT, "--%s: the run in %s has %s and keeps it%s", o->name,
                       settings->resume, text,
                       is_epochs ? " (it may only grow, with --schedule constant)" : "");
    }
    *settings = run;
    return TC_OK;
}
