/* pool_shape.c - a pooling's two axes, each by tc_window_out(). */
#include "pool_shape.h"

static bool axis_fits(tc_tape *tape, const char *op, const char *name, tci_pool_axis *a, bool ceil_mode) {
    if (a->kernel < 1 || a->stride < 1 || a->dilation < 1 || a->padding < 0)
        return tci_tape_fail(
            tape, TC_ERR_ARGUMENT,
            "%s: %s: kernel %lld, stride %lld and dilation %lld must be positive, padding %lld not "
            "negative",
            op, name, (long long)a->kernel, (long long)a->stride, (long long)a->dilation,
            (long long)a->padding);
    if (a->padding > a->kernel / 2)
        return tci_tape_fail(tape, TC_ERR_ARGUMENT, "%s: %s: padding %lld is more than half of kernel %lld",
                             op, name, (long long)a->padding, (long long)a->kernel);
    a->out =
        tc_window_out(&(tc_window){a->kernel, a->stride, a->padding, a->dilation, ceil_mode, false}, a->in);
    if (a->out < 1)
        return tci_tape_fail(
            tape, TC_ERR_SHAPE,
            "%s: %s: %lld + 2 x padding %lld is less than dilation %lld x (kernel %lld - 1) + 1", op, name,
            (long long)a->in, (long long)a->padding, (long long)a->dilation, (long long)a->kernel);
    return true;
}

bool tci_pool_axes(tc_tape *tape, const char *op, const tc_tensor *x, const tc_pool2d_options *o,
                   tci_pool_axis *h, tci_pool_axis *w) {
    if (!tci_is_4d(tape, op, x)) return false;
    tc_hw stride = o->stride ? o->stride : o->kernel_size, dilation = o->dilation ? o->dilation : 1;
    *h = (tci_pool_axis){x->shape[2],
                         tc_hw_height(o->kernel_size),
                         tc_hw_height(stride),
                         tc_hw_height(o->padding),
                         tc_hw_height(dilation),
                         0};
    *w = (tci_pool_axis){x->shape[3],           tc_hw_width(o->kernel_size),
                         tc_hw_width(stride),   tc_hw_width(o->padding),
                         tc_hw_width(dilation), 0};
    return axis_fits(tape, op, "height", h, o->ceil_mode) && axis_fits(tape, op, "width", w, o->ceil_mode);
}
