/* models.h - the nets that come with tinycnn, by name. */
#ifndef TINYCNN_MODELS_H
#define TINYCNN_MODELS_H

#include "tinycnn.h"

typedef struct tc_model_entry {
    const char *name;
    const char *about;
    /* For pictures of (channels, height, width). NULL with tc_last_error() set where the net can't take that
     * size. */
    tc_module *(*build)(int channels, int height, int width, int classes);
} tc_model_entry;

/* All of them; ends with a NULL name. */
extern const tc_model_entry tc_models[];
/* NULL with tc_last_error() naming the known ones if there is none of that name. */
const tc_model_entry *tc_model_entry_find(const char *name);

/* For a net's own use: is each side of a picture between `least` and 4096 pixels? If not, the sentence is
 * set. */
bool tc_model_takes(const char *model, int height, int width, int least);

tc_module *tc_lesson(int channels, int height, int width, int classes);
tc_module *tc_lenet5(int channels, int height, int width, int classes);
tc_module *tc_vgg(int channels, int height, int width, int classes);
tc_module *tc_resnet20(int channels, int height, int width, int classes);
tc_module *tc_airbench94(int channels, int height, int width, int classes);

#endif
