/* models.c - the table of nets. A new net is one file and one line here. */
#include "models.h"

#include <stdio.h>
#include <string.h>

const tc_model_entry tc_models[] = {
    {"lesson", "two convolutions and two linear layers: the net of the lessons", tc_lesson},
    {"lenet5", "LeCun et al. 1998, with ReLU and max pooling", tc_lenet5},
    {"vgg", "three pairs of 3x3 convolutions with batch norm, after Simonyan and Zisserman 2014", tc_vgg},
    {"resnet20", "He, Zhang, Ren, Sun 2015, section 4.2", tc_resnet20},
    {"airbench94", "Jordan 2024: eight layers for 94% on CIFAR-10", tc_airbench94},
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

bool tc_model_takes(const char *model, int height, int width, int least) {
    const int most = 4096; /* keeps the products of sizes within an int */
    if (height >= least && width >= least && height <= most && width <= most) return true;
    tc_fail(TC_ERR_ARGUMENT, "%s: takes pictures from %d x %d to %d x %d, not %d x %d", model, least, least,
            most, most, height, width);
    return false;
}
