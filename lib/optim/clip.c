/* clip.c - torch.nn.utils.clip_grad_norm_: g *= min(1, max_norm / (norm + 1e-6)). The squares are summed in
 * double precision from the first parameter to the last. What a parameter that is not trained (any more) holds is no
 * gradient of this step. */
#include <math.h>

#include "optimizer.h"
#include "tinycnn/optim.h"

double tc_clip_grad_norm(tc_model *model, double max_norm) {
    const tci_optimizer *kernels = tci_optimizer_get();
    double sum = 0;
    for (int i = 0; i < tc_model_parameter_count(model); i++) {
        const tc_tensor *tensor = tc_model_parameter(model, i)->tensor;
        if (tensor->requires_grad) sum += kernels->sum_of_squares(tensor->grad, tc_numel(tensor));
    }
    double norm = sqrt(sum), factor = max_norm / (norm + 1e-6);
    /* False for a norm that is NaN or infinite: then the caller sees it, and the gradients stay as they are.
     */
    if (!(isfinite(norm) && factor >= 0 && factor < 1)) return norm;
    for (int i = 0; i < tc_model_parameter_count(model); i++) {
        tc_tensor *tensor = tc_model_parameter(model, i)->tensor;
        if (tensor->requires_grad) kernels->shrink(tensor->grad, tc_numel(tensor), (float)factor);
    }
    return norm;
}
