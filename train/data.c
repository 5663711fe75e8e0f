/* data.c - the size that is asked for is that which comes; what a data set is called can be written down. */
#include "data.h"

#include <jansson.h>

/* Names of classes go into checkpoints, pages and terminals: UTF-8, as JSON is, without control characters. */
static tc_status check_names(const tc_dataset *d) {
    for (int k = 0; k < d->classes; k++) {
        json_t *name = json_string(d->class_names[k]);
        bool good = name != NULL;
        for (const char *c = d->class_names[k]; *c; c++)
            good = good && (unsigned char)*c >= 0x20 && *c != 0x7f;
        json_decref(name);
        if (!good)
            return tc_fail(TC_ERR_FORMAT, "%s: class \"%s\" (number %d): expected a name of UTF-8 letters",
                           d->name, d->class_names[k], k);
    }
    return TC_OK;
}

static tc_status check_size(const tc_dataset *d, const tc_dataset_options *o) {
    if (o->channels == 0 || (d->channels == o->channels && d->height == o->height && d->width == o->width))
        return TC_OK;
    return tc_fail(
        TC_ERR_ARGUMENT,
        "--input: %d,%d,%d, but the pictures of %s are %d,%d,%d; only a folder's pictures are resized",
        o->channels, o->height, o->width, d->name, d->channels, d->height, d->width);
}

tc_status data_open(const char *data, const char *data_dir, int64_t threads, const option_list *input,
                    tc_dataset **dataset) {
    tc_dataset_options options = {.data_dir = data_dir, .threads = (int)threads};
    if (input->count != 0 && input->count != 3)
        return tc_fail(TC_ERR_ARGUMENT, "--input: %d of three numbers: C,H,W", input->count);
    if (input->count == 3) {
        options.channels = (int)input->values[0];
        options.height = (int)input->values[1];
        options.width = (int)input->values[2];
    }
    TC_TRY(tc_dataset_open(data, &options, dataset));
    tc_status status = check_size(*dataset, &options);
    if (status == TC_OK) status = check_names(*dataset);
    if (status == TC_OK) return TC_OK;
    tc_dataset_free(*dataset);
    *dataset = NULL;
    return status;
}
