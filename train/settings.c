/* settings.c - every option of `tinycnn train` with its default: the recipe that a newcomer gets. */
#include "settings.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "commands.h"
#include "config.h"
#include "models.h"
#include "recipe_file.h"

const char *known_model(int index) {
    return tc_models[index].name;
}

const char *known_recipe(int index) {
    return recipe_texts[index].name;
}

#define AT(field) .at = offsetof(train_settings, field)

const option train_options[] = {
    {"recipe", "NAME|FILE", OPTION_TEXT, NULL, AT(recipe), .known = known_recipe, .heading = "What to train",
     .help =
         "a file of settings, one \"name = value\" a line, or one that the program holds (tinycnn recipes "
         "says what they are for); options on the command line win over it"},
    {"model", "NAME", OPTION_TEXT, "lesson", AT(model), .known = known_model, .help = "the net"},
    {"widths", "N,N,...", OPTION_LIST, "", .low = 1, .high = 65536, .whole = true, AT(widths),
     .help = "channels of the net's stages, in the place of its own"},
    {"data", "NAME|PATH", OPTION_TEXT, "shapes", AT(data), .help = DATA_HELP, .known = tc_dataset_known},
    {"data-dir", "DIR", OPTION_TEXT, NULL, AT(data_dir), .scope = SCOPE_RECORD,
     .help = "where to look for data first; then $TINYCNN_DATA, then ~/.cache/tinycnn"},
    {"input", "C,H,W", OPTION_LIST, "", .low = 1, .high = 4096, .whole = true, AT(input),
     .help = "channels, height and width that a folder's pictures are made to; without it 3,32,32"},
    {"val", "N", OPTION_INTEGER, "0", .low = 0, .high = 1e9, AT(val),
     .help = "hold so many training pictures back; epochs are judged on them, and the test pictures are seen "
             "once, "
             "at the end"},
    {"epochs", "N", OPTION_REAL, "auto", .low = 0.001, .high = 1e6, AT(epochs),
     .help = "passes over the training pictures; the last may be a part of one; auto: 10 for mnist, else 5"},
    {"minutes", "T", OPTION_REAL, "0", .low = 0, .high = 1e6, AT(minutes),
     .help =
         "train for this long instead (evaluation not counted); the schedule follows the clock, so such a "
         "run is not repeated bit for bit; for cifar10 without --model and --recipe, the recipe that "
         "promises "
         "most in that time on this machine is taken; 0: --epochs counts"},
    {"batch", "B", OPTION_INTEGER, "128", .low = 1, .high = 65536, AT(batch), .help = "pictures in a batch"},
    {"drop-last", NULL, OPTION_SWITCH, "no", AT(drop_last),
     .help = "leave out an epoch's last batch if it is not full"},
    {"accumulate", "K", OPTION_INTEGER, "1", .low = 1, .high = 65536, AT(accumulate),
     .help = "batches whose mean gradient makes one step"},
    {"seed", "N", OPTION_INTEGER, "1", .low = 0, .high = 9007199254740992.0, AT(seed),
     .help = "of everything random; one seed gives one result, on any number of threads"},
    {"seeds", "K", OPTION_INTEGER, "1", .low = 1, .high = 10000, AT(seeds), .scope = SCOPE_START,
     .help =
         "train K times, with seeds from --seed on, each into a folder of its own; prints mean, deviation "
         "and confidence interval"},
    {"threads", "P", OPTION_INTEGER, "0", .low = 0, .high = 1024, AT(threads), .scope = SCOPE_RECORD,
     .help = "cores to use; 0: all"},
    {"eval-every", "N", OPTION_INTEGER, "1", .low = 1, .high = 1e6, AT(eval_every),
     .help = "evaluate after every so many epochs, and after the last"},
    {"tta", "NAME", OPTION_CHOICE, "none", .choices = "none|mirror|shift", AT(tta),
     .help = "test-time augmentation of the last evaluation: 1, 2 or 6 views of a picture"},
    {"out", "DIR", OPTION_TEXT, NULL, AT(out), .scope = SCOPE_START,
     .help = "folder of the run; without it runs/<time>-<model>"},
    {"resume", "DIR", OPTION_TEXT, NULL, AT(resume), .scope = SCOPE_START,
     .help = "go on with the run in DIR, with its settings"},
    {"csv", NULL, OPTION_SWITCH, "no", AT(csv), .scope = SCOPE_RECORD,
     .help = "write metrics.csv beside metrics.jsonl, the same numbers for a spreadsheet"},
    {"tensorboard", NULL, OPTION_SWITCH, "no", AT(tensorboard), .scope = SCOPE_RECORD,
     .help = "write an event file for TensorBoard (tensorboard --logdir of the run's folder) beside them"},
    {"quiet", NULL, OPTION_SWITCH, "no", AT(quiet), .scope = SCOPE_START,
     .help = "print nothing but failures"},

    {"init", "NAME", OPTION_CHOICE, "pytorch", .choices = "pytorch|he|dirac", AT(init), .heading = "The net",
     .help = "how weights begin: PyTorch's default, He's normal, or filters that hand their input on"},
    {"head-deviation", "X", OPTION_REAL, "0", .low = 0, .high = 1e6, AT(head_deviation),
     .help = "the last linear layer's weights begin with this standard deviation; 0: as --init has them"},
    {"logit-scale", "X", OPTION_REAL, "0", .low = 0, .high = 1e6, AT(logit_scale),
     .help = "factor of the logits; 0: the net's own"},
    {"bn-momentum", "X", OPTION_REAL, "0", .low = 0, .high = 1, AT(bn_momentum),
     .help = "batch norm: weight of a new batch in the running statistics; 0: the net's own"},
    {"bn-eps", "X", OPTION_REAL, "0", .low = 0, .high = 0.999, AT(bn_eps),
     .help = "batch norm: added to the variance; 0: the net's own"},
    {"train-bn-scale", NULL, OPTION_SWITCH, "yes", AT(train_bn_scale),
     .help = "batch norm: train the scale; it stays 1 otherwise"},
    {"whiten", NULL, OPTION_SWITCH, "no", AT(whiten),
     .help =
         "the first convolution whitens patches of the training pictures and is not trained, its bias is"},
    {"whiten-eps", "X", OPTION_REAL, "0.0005", .low = 0, .high = 1e6, AT(whiten_eps),
     .help = "whiten: added to the eigenvalues"},
    {"whiten-pictures", "N", OPTION_INTEGER, "5000", .low = 1, .high = 1e9, AT(whiten_pictures),
     .help = "whiten: pictures that the patches come from"},
    {"whiten-bias-epochs", "N", OPTION_REAL, "3", .low = 0, .high = 1e6, AT(whiten_bias_epochs),
     .help = "whiten: epochs in which the bias is trained"},
    {"whiten-bias-fall", NULL, OPTION_SWITCH, "no", AT(whiten_bias_fall),
     .help = "whiten: the bias has a rate that falls straight to 0 in these epochs, in the place of the "
             "schedule"},

    {"optimizer", "NAME", OPTION_CHOICE, "sgd", .choices = "sgd|adam|adamw|muon", AT(optimizer),
     .heading = "The optimiser", .help = "muon: filters by Muon, all else by sgd"},
    {"lr", "X", OPTION_REAL, "auto", .low = 1e-12, .high = 1e6, AT(lr),
     .help = "learning rate, at the schedule's peak; auto: 0.05 for sgd and muon, 0.001 for adam and adamw"},
    {"norm-bias-lr", "X", OPTION_REAL, "auto", .low = 1e-12, .high = 1e6, AT(norm_bias_lr),
     .help = "learning rate of batch norm's biases; auto: --lr"},
    {"head-lr", "X", OPTION_REAL, "auto", .low = 1e-12, .high = 1e6, AT(head_lr),
     .help = "learning rate of the last linear layer's weights; auto: --lr"},
    {"rates", "NAME", OPTION_CHOICE, "plain", .choices = "plain|sum|decoupled", AT(rates),
     .help =
         "sgd, muon: what rates and decay are meant for; plain: the mean loss, decay multiplied by the rate, "
         "as PyTorch does; sum: the summed loss, decay per picture and not multiplied by the rate; "
         "decoupled: "
         "both per 1024 pictures, momentum's gain taken out"},
    {"momentum", "X", OPTION_REAL, "0.9", .low = 0, .high = 1, AT(momentum),
     .help = "sgd, and what muon leaves to sgd: momentum"},
    {"nesterov", NULL, OPTION_SWITCH, "yes", AT(nesterov), .help = "sgd, muon: Nesterov's momentum"},
    {"muon-lr", "X", OPTION_REAL, "0.24", .low = 1e-12, .high = 1e6, AT(muon_lr),
     .help = "muon: learning rate of the filters"},
    {"muon-momentum", "X", OPTION_REAL, "0.6", .low = 0, .high = 1, AT(muon_momentum),
     .help = "muon: momentum of the filters"},
    {"muon-steps", "N", OPTION_INTEGER, "3", .low = 1, .high = 100, AT(muon_steps),
     .help = "muon: Newton-Schulz iterations"},
    {"muon-rescale", NULL, OPTION_SWITCH, "yes", AT(muon_rescale),
     .help = "muon: filters keep the norm sqrt(output channels)"},
    {"weight-decay", "X", OPTION_REAL, "auto", .low = 0, .high = 1e6, AT(weight_decay),
     .help =
         "weight decay; auto: 0.0005 for sgd and muon (whose filters have none), 0 for adam, 0.01 for adamw"},
    {"decay-all", NULL, OPTION_SWITCH, "no", AT(decay_all),
     .help = "decay biases and batch-norm parameters too"},
    {"label-smoothing", "X", OPTION_REAL, "auto", .low = 0, .high = 1, AT(label_smoothing),
     .help = "share of the target spread over all classes; auto: 0.1 with --augment digits, else 0"},
    {"clip-norm", "X", OPTION_REAL, "0", .low = 0, .high = 1e30, AT(clip_norm),
     .help = "largest 2-norm of the gradient; 0: not clipped"},
    {"average", "NAME", OPTION_CHOICE, "none", .choices = "none|lookahead|ema", AT(average),
     .help = "average of the weights: lookahead goes on from it, ema evaluates and ends with it"},
    {"average-every", "K", OPTION_INTEGER, "5", .low = 1, .high = 1e6, AT(average_every),
     .help = "average: steps between two updates"},
    {"average-decay", "X", OPTION_REAL, "0.95", .low = 0, .high = 1, AT(average_decay),
     .help =
         "average: what of the old average is left after a step; after K steps it is this to the power K"},
    {"average-power", "X", OPTION_REAL, "3", .low = 0, .high = 100, AT(average_power),
     .help = "average: the decay is multiplied by (share of the training done) to this power; 0: constant"},

    {"schedule", "NAME", OPTION_CHOICE, "linear", .choices = "constant|step|multistep|cosine|onecycle|linear",
     AT(schedule), .heading = "The schedule", .help = "course of the learning rate"},
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

    {"augment", "NAME", OPTION_CHOICE, "auto", .choices = "auto|none|standard|digits", AT(augment),
     .heading = "Augmentation",
     .help = "standard: what the options below say, random crop and flip if they say nothing; digits: the "
             "same, but "
             "crops of 2 pixels, no flip, and unless said otherwise turns of up to 10 degrees and labels "
             "smoothed by "
             "0.1; auto: none for shapes, digits for mnist, else standard"},
    {"crop-padding", "P", OPTION_INTEGER, "4", .low = 0, .high = 16, AT(crop_padding),
     .help = "random crop: pixels added on each side before cutting; 0: no crop"},
    {"crop-mode", "NAME", OPTION_CHOICE, "reflect", .choices = "zero|reflect", AT(crop_mode),
     .help = "random crop: what the added pixels hold"},
    {"flip", "P", OPTION_REAL, "0.5", .low = 0, .high = 1, AT(flip),
     .help = "probability of a horizontal flip"},
    {"flip-mode", "NAME", OPTION_CHOICE, "random", .choices = "random|alternating", AT(flip_mode),
     .help = "alternating: by chance in the first epoch, then the other way round in every epoch, whatever "
             "--flip is, "
             "but for 0"},
    {"cutout", "N", OPTION_INTEGER, "0", .low = 0, .high = 1024, AT(cutout),
     .help = "side of a square that is blotted out, in pixels; 0: none"},
    {"erasing", "P", OPTION_REAL, "0", .low = 0, .high = 1, AT(erasing),
     .help = "probability that a random rectangle is blotted out"},
    {"rotation", "D", OPTION_REAL, "auto", .low = 0, .high = 180, AT(rotation),
     .help = "largest angle of a random rotation, in degrees; auto: 10 with --augment digits, else 0"},
    {"jitter", "B,C,S,H", OPTION_LIST, "", .low = 0, .high = 10, AT(jitter),
     .help = "colour: largest change of brightness, contrast, saturation and hue; hue at most 0.5"},
    {"mixup", "A", OPTION_REAL, "0", .low = 0, .high = 1000, AT(mixup),
     .help = "mixes two pictures by a share from Beta(A, A); 0: not"},
    {"cutmix", "A", OPTION_REAL, "0", .low = 0, .high = 1000, AT(cutmix),
     .help = "pastes a rectangle of another picture, its area from Beta(A, A); 0: not"},
    {"small-size", "N", OPTION_INTEGER, "0", .low = 0, .high = 4096, AT(small_size),
     .help = "side of the pictures at the begin of the training; 0: whole"},
    {"small-until", "F", OPTION_REAL, "0.5", .low = 0, .high = 1, AT(small_until),
     .help = "small-size: share of the training after which they are whole"},
    {0}};

tc_status settings_resolve(train_settings *s) {
    static const double rate[] = {
        [OPTIMIZER_SGD] = 0.05, [OPTIMIZER_ADAM] = 0.001, [OPTIMIZER_ADAMW] = 0.001, [OPTIMIZER_MUON] = 0.05};
    static const double decay[] = {
        [OPTIMIZER_SGD] = 5e-4, [OPTIMIZER_ADAM] = 0, [OPTIMIZER_ADAMW] = 0.01, [OPTIMIZER_MUON] = 5e-4};
    if (isnan(s->lr)) s->lr = rate[s->optimizer];
    if (isnan(s->norm_bias_lr)) s->norm_bias_lr = s->lr;
    if (isnan(s->head_lr)) s->head_lr = s->lr;
    if (isnan(s->weight_decay)) s->weight_decay = decay[s->optimizer];
    if (s->nesterov && s->momentum == 0) s->nesterov = false;
    if (s->rates != RATES_PLAIN && (s->optimizer == OPTIMIZER_ADAM || s->optimizer == OPTIMIZER_ADAMW))
        return tc_fail(
            TC_ERR_ARGUMENT,
            "--rates: adam and adamw have plain ones only; sum and decoupled are for sgd and muon");
    if (s->rates == RATES_DECOUPLED && s->momentum >= 1)
        return tc_fail(TC_ERR_ARGUMENT, "--rates: decoupled needs --momentum below 1");
    if (s->widths.count > TC_NET_WIDTHS)
        return tc_fail(TC_ERR_ARGUMENT, "--widths: %d numbers, expected at most %d", s->widths.count,
                       TC_NET_WIDTHS);
    if (s->jitter.count != 0 && (s->jitter.count != 4 || s->jitter.values[3] > 0.5))
        return tc_fail(TC_ERR_ARGUMENT, "--jitter: expected four numbers, the last at most 0.5");
    for (int i = 1; i < s->milestones.count; i++)
        if (s->milestones.values[i] <= s->milestones.values[i - 1])
            return tc_fail(TC_ERR_ARGUMENT, "--milestones: %g after %g, expected rising numbers",
                           s->milestones.values[i], s->milestones.values[i - 1]);
    return TC_OK;
}

void settings_fit(train_settings *s, const char *dataset) {
    bool digits = strcmp(dataset, "mnist") == 0;
    bool asked = s->cutout > 0 || s->erasing > 0 || s->rotation > 0 || s->jitter.count > 0 || s->mixup > 0 ||
                 s->cutmix > 0;
    if (isnan(s->epochs)) s->epochs = digits ? 10 : 5;
    /* Shapes are made anew as they are; a mirrored digit is none. */
    if (s->augment == AUGMENT_AUTO)
        s->augment = digits                                     ? AUGMENT_DIGITS
                     : strcmp(dataset, "shapes") == 0 && !asked ? AUGMENT_NONE
                                                                : AUGMENT_STANDARD;
    digits = s->augment == AUGMENT_DIGITS;
    if (isnan(s->rotation)) s->rotation = digits ? 10 : 0;
    if (isnan(s->label_smoothing)) s->label_smoothing = digits ? 0.1 : 0;
    if (!digits) return;
    s->crop_padding = 2;
    s->crop_mode = CROP_REFLECT;
    s->flip = 0;
}

/* Whether the command line asks for another value than the run has. */
static bool contradicts(const option *o, const train_settings *asked, const train_settings *run) {
    char a[512] = "", b[512] = "";
    option_text(o, asked, a, sizeof a);
    option_text(o, run, b, sizeof b);
    return strcmp(a, b) != 0;
}

/* Whether a run would have gone another way if it were to be longer, or has looked at what is seen at the end. */
static bool knows_its_end(const train_settings *s) {
    return s->schedule != SCHEDULE_CONSTANT || s->average != AVERAGE_NONE || s->small_size > 0 ||
           s->val > 0 || s->epochs != floor(s->epochs);
}

tc_status settings_resume(train_settings *settings, const bool given[OPTIONS_MAX], const char *path,
                          json_t *config) {
    train_settings run = *settings;
    TC_TRY(config_read(path, config, train_options, &run));
    for (int i = 0; train_options[i].name; i++) {
        const option *o = &train_options[i];
        if (!given[i] || o->scope == SCOPE_START || !contradicts(o, settings, &run)) continue;
        bool is_epochs = strcmp(o->name, "epochs") == 0;
        bool longer = is_epochs && settings->epochs > run.epochs && run.minutes == 0 && !knows_its_end(&run);
        if (o->scope == SCOPE_RECORD || longer) {
            option_copy(o, settings, &run);
            continue;
        }
        char text[512] = "";
        option_text(o, &run, text, sizeof text);
        return tc_fail(TC_ERR_ARGUMENT, "--%s: the run in %s has %s and keeps it%s", o->name,
                       settings->resume, *text ? text : "none",
                       is_epochs ? " (it may only grow, with --schedule constant)" : "");
    }
    *settings = run;
    return TC_OK;
}
