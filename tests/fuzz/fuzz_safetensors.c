/* A checkpoint, into a small net; a load that fails leaves the net as it was. */
#include <string.h>

#include "fuzz.h"
#include "tinycnn.h"

static tc_model *make(void) {
    tc_model *model;
    tc_status status = tc_model_create(
        tc_sequential(tc_nn_conv2d(1, 2, 2), tc_nn_batchnorm2d(2), tc_nn_flatten(), tc_nn_linear(2, 2)), 1,
        &model);
    fuzz_expect(status == TC_OK, "a net");
    return model;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static tc_model *model, *untouched;
    tc_metadata *metadata;
    int count;
    if (!model) model = make(), untouched = make();
    const char *path = fuzz_file("a.safetensors", bytes, size);
    if (tc_checkpoint_metadata(path, &metadata, &count) == TC_OK)
        tc_checkpoint_metadata_free(metadata, count);
    bool loaded = tc_checkpoint_load(path, model, NULL) == TC_OK;
    for (int i = 0; i < tc_model_parameter_count(model); i++) {
        tc_tensor *a = tc_model_parameter(model, i)->tensor, *b = tc_model_parameter(untouched, i)->tensor;
        size_t values = (size_t)tc_numel(a) * sizeof(float);
        fuzz_expect(loaded || memcmp(a->data, b->data, values) == 0, "an unchanged net after a failure");
        memcpy(a->data, b->data, values);
    }
    return 0;
}
