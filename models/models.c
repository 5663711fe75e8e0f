/* models.c - the table of nets. A new net is one file and one line here. */
#include "models.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { MOST_SIDE = 4096 };

#define NO_BATCHNORM .bn_momentum = 0
#define BATCHNORM    .bn_momentum = 0.1f, .bn_eps = 1e-5f /* PyTorch's */

const tc_model_entry tc_models[] = {
    {"lesson",
     "two convolutions and two linear layers: the net of the lessons",
     tc_lesson,
     {32, 64, 128},
     NO_BATCHNORM},
    {"lenet5", "LeCun et al. 1998, with ReLU and max pooling", tc_lenet5, {6, 16, 120, 84}, NO_BATCHNORM},
    {"vgg",
     "three pairs of 3x3 convolutions with batch norm, after Simonyan and Zisserman 2014",
     tc_vgg,
     {32, 64, 128, 256},
     BATCHNORM},
    {"resnet20", "He, Zhang, Ren, Sun 2015, section 4.2", tc_resnet20, {16, 32, 64}, BATCHNORM},
    {"airbench94",
     "Jordan 2024: eight layers for 94% on CIFAR-10",
     tc_airbench94,
     {64, 256, 256},
     BATCHNORM,
     .logit_scale = 1.0f / 9.0f},
    {0},
};

const tc_model_entry *tc_model_entry_find(const char *name) {
    char known[256] = "";
    size_t used = 0;
    for (const tc_model_entry *entry = tc_models; entry->name; entry++) {
        if (strcmp(entry->name, name) == 0) return entry;
        if (used < sizeof known)
            used +=
                (size_t)snprintf(known + used, sizeof known - used, "%s%s", used ? ", " : "", entry->name);
    }
    tc_fail(TC_ERR_ARGUMENT, "there is no model '%s'; known are %s", name, known);
    return NULL;
}

/* The net's own number where none is asked for; false where it has none to set. */
static bool fill(float *wanted, float own) {
    if (*wanted == 0) *wanted = own;
    return own != 0 || *wanted == 0;
}

tc_module *tc_model_build(const tc_model_entry *entry, const tc_net *wanted) {
    tc_net net = *wanted;
    int widths = 0;
    while (widths < TC_NET_WIDTHS && entry->widths[widths]) widths++;
    for (int i = 0; i < TC_NET_WIDTHS; i++) {
        if (net.widths[i] == 0) net.widths[i] = entry->widths[i];
        if (net.widths[i] < 0 || net.widths[i] > 65536 || (net.widths[i] > 0 && i >= widths)) {
            tc_fail(TC_ERR_ARGUMENT, "%s: width %d is %d; it has %d of them, from 1 to 65536", entry->name,
                    i + 1, net.widths[i], widths);
            return NULL;
        }
    }
    /* More than any sum or product of sizes that a net is built with. */
    if (net.height > 0 && net.width > 0 && net.height <= MOST_SIDE && net.width <= MOST_SIDE)
        for (int i = 0; i < widths; i++)
            if ((int64_t)net.widths[i] * net.height * net.width > INT_MAX / 2) {
                tc_fail(TC_ERR_ARGUMENT, "%s: width %d is %d, too much for pictures of %d x %d", entry->name,
                        i + 1, net.widths[i], net.height, net.width);
                return NULL;
            }
    if (!fill(&net.bn_momentum, entry->bn_momentum) || !fill(&net.bn_eps, entry->bn_eps)) {
        tc_fail(TC_ERR_ARGUMENT, "%s: has no batch norm whose numbers could be set", entry->name);
        return NULL;
    }
    if (!fill(&net.logit_scale, entry->logit_scale)) {
        tc_fail(TC_ERR_ARGUMENT, "%s: does not scale its logits", entry->name);
        return NULL;
    }
    return entry->build(&net);
}

bool tc_model_takes(const char *model, int height, int width, int least) {
    if (height >= least && width >= least && height <= MOST_SIDE && width <= MOST_SIDE) return true;
    tc_fail(TC_ERR_ARGUMENT, "%s: takes pictures from %d x %d to %d x %d, not %d x %d", model, least, least,
            MOST_SIDE, MOST_SIDE, height, width);
    return false;
}
