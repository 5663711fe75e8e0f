/* saved_net.c - the file says which net it is; the table of models builds it. */
#include "saved_net.h"

#include <string.h>

#include "models.h"

tc_status saved_net_open(const char *path, described *about, tc_model **model) {
    *model = NULL;
    TC_TRY(description_read(path, about));
    const tc_model_entry *entry = tc_model_entry_find(about->model);
    if (!entry)
        return tc_fail(TC_ERR_FORMAT, "%s: a model named \"%s\", which this program does not have", path,
                       about->model);
    tc_model *made;
    TC_TRY(tc_model_create(tc_model_build(entry, &about->net), 1, &made));
    tc_status status = tc_checkpoint_load(path, made, NULL);
    if (status == TC_OK) status = tc_model_freeze(made);
    if (status == TC_OK)
        *model = made;
    else
        tc_model_free(made);
    return status;
}

static tc_status check_fit(const char *path, const described *about, const tc_dataset *s) {
    const tc_net *net = &about->net;
    if (net->channels == s->channels && net->height == s->height && net->width == s->width &&
        net->classes == s->classes)
        return described_fits(about, path, s);
    return tc_fail(TC_ERR_SHAPE,
                   "%s: a net for pictures of (%d, %d, %d) and %d classes; %s has (%d, %d, %d) and %d", path,
                   net->channels, net->height, net->width, net->classes, s->name, s->channels, s->height,
                   s->width, s->classes);
}

tc_status saved_net_dataset(const char *path, const described *about, const char *data, const char *data_dir,
                            int64_t threads, tc_dataset **dataset) {
    const tc_net *net = &about->net;
    tc_dataset_options options = {.data_dir = data_dir,
                                  .threads = (int)threads,
                                  .channels = net->channels,
                                  .height = net->height,
                                  .width = net->width};
    TC_TRY(tc_dataset_open(data, &options, dataset));
    tc_status status = check_fit(path, about, *dataset);
    if (status != TC_OK) {
        tc_dataset_free(*dataset);
        *dataset = NULL;
    }
    return status;
}
