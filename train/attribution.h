/* attribution.h - which pixels a net's answer depends on. All maps are (H, W) and belong to the caller.
 *
 * The picture is (1, C, H, W) in channels-last memory, normalised as the net wants it. The model's weights, buffers and
 * gradients are as they were afterwards. */
#ifndef TRAIN_ATTRIBUTION_H
#define TRAIN_ATTRIBUTION_H

#include "tinycnn.h"

typedef struct attribution {
    tc_model *model;
    const float *picture;
    int channels, height, width, classes;
    int threads; /* 0: all cores */
} attribution;

/* Probabilities (classes) by softmax. */
tc_status attribution_probabilities(const attribution *a, float *probabilities);

/* |d logit of `label` / d pixel|, the largest over the channels: Simonyan, Vedaldi, Zisserman 2013. */
tc_status attribution_saliency(const attribution *a, int label, float *map);

/* Grad-CAM (Selvaraju et al. 2017) on the result A of `layer`: relu(sum over c of w_c A_c), w_c the mean of
 * d logit / d A_c, resized bilinearly (torch.nn.functional.interpolate, align_corners false). `layer` NULL: the last
 * whose result has more than one pixel; its path comes back in `used` (may be NULL), valid as long as the model.
 * TC_ERR_ARGUMENT with the names of all layers where there is none of that name or its result is no picture. */
tc_status attribution_grad_cam(const attribution *a, int label, const char *layer, float *map,
                               const char **used);

/* How much the probability of `label` falls when a square of side `size` around each place, `stride` apart, is 0 (the
 * mean colour); the mean over the squares that cover a pixel: Zeiler and Fergus 2014. */
tc_status attribution_occlusion(const attribution *a, int label, int size, int stride, float *map);

#endif
