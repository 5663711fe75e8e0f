/* data.c - the size that is asked for is that which comes. */
#include "data.h"

tc_status data_open(const char *data, const char *data_dir, int64_t threads, const option_list *input,
                    tc_dataset **dataset) {
    tc_dataset_options options = {.data_dir = data_dir, .threads = (int)threads};
    if (input->count != 0 && input->count != 3)
        return tc_fail(TC_ERR_ARGUMENT, "--input: %d numbers, expected three: C,H,W", input->count);
    if (input->count == 3) {
        options.channels = (int)input->values[0];
        options.height = (int)input->values[1];
        options.width = (int)input->values[2];
    }
    TC_TRY(tc_dataset_open(data, &options, dataset));
    const tc_dataset *d = *dataset;
    if (input->count == 0 ||
        (d->channels == options.channels && d->height == options.height && d->width == options.width))
        return TC_OK;
    tc_status status = tc_fail(
        TC_ERR_ARGUMENT,
        "--input: %d,%d,%d, but the pictures of %s are %d,%d,%d; only a folder's pictures are resized",
        options.channels, options.height, options.width, d->name, d->channels, d->height, d->width);
    tc_dataset_free(*dataset);
    *dataset = NULL;
    return status;
}
