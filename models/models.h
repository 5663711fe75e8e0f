/* models.h - the nets that come with tinycnn, by name. */
#ifndef TINYCNN_MODELS_H
#define TINYCNN_MODELS_H

#include "tinycnn.h"

enum { TC_NET_WIDTHS = 4 };

/* What a net is built for, and what may be other than its own. */
typedef struct tc_net {
    int channels, height, width, classes; /* of the pictures */
    int widths[TC_NET_WIDTHS];            /* channels of its stages, as its entry lists them; 0: its own */
    float bn_momentum, bn_eps;            /* of its batch norms; 0: its own */
    float logit_scale;                    /* the factor of its logits; 0: its own */
} tc_net;
/* A net's own numbers for such pictures: tc_net_of(3, 32, 32, 10). */
#define tc_net_of(...) (&(tc_net){.channels = __VA_ARGS__})

typedef struct tc_model_entry {
    const char *name;
    const char *about;
    tc_module *(*build)(
        const tc_net *net);    /* called by tc_model_build() alone, with every number filled in */
    int widths[TC_NET_WIDTHS]; /* its own; 0 behind the last */
    float bn_momentum, bn_eps; /* its own; 0: no batch norm */
    float logit_scale;         /* its own; 0: it does not scale its logits */
} tc_model_entry;

/* All of them; ends with a NULL name. */
extern const tc_model_entry tc_models[];
/* NULL with tc_last_error() naming the known ones if there is none of that name. */
const tc_model_entry *tc_model_entry_find(const char *name);
/* NULL with tc_last_error() set where the net can't take that size, or has no such number to set. */
tc_module *tc_model_build(const tc_model_entry *entry, const tc_net *net);

/* For a net's own use: is each side of a picture between `least` and 4096 pixels? If not, the sentence is
 * set. */
bool tc_model_takes(const char *model, int height, int width, int least);

tc_module *tc_lesson(const tc_net *net);
tc_module *tc_lenet5(const tc_net *net);
tc_module *tc_vgg(const tc_net *net);
tc_module *tc_resnet20(const tc_net *net);
tc_module *tc_airbench94(const tc_net *net);

#endif
