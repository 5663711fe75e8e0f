"""The grid of parameters that every operation is tried on."""
import numpy as np
import torch
import torch.nn.functional as F

from goldenfile import Input

INF, NAN = float("inf"), float("nan")


class Case:
    """One call: `apply(tensors)` computes it in PyTorch; inputs come in the order C passes them in.

    Options that every operation knows: eval (evaluation mode), no_slope (finite differences can't see the gradient: a tie in
    several windows at once, or a change below the rounding of a large sum), condition (by how much the allowed differences
    grow, for inputs on which float32 itself loses digits).
    """

    def __init__(self, name, apply, inputs, **options):
        self.name, self.apply, self.inputs, self.options = name, apply, inputs, options


def pair(value):
    return value if isinstance(value, tuple) else (value, value)


def extents(**named):
    """stride=(2, 1) as stride_h=2, stride_w=1."""
    out = {}
    for key, value in named.items():
        out[key + "_h"], out[key + "_w"] = pair(value)
    return out


def activated(result, relu):
    if relu:
        activated.margin = min(activated.margin, float(torch.nan_to_num(result.detach(), nan=1.0).abs().min()))
    return torch.relu(result) if relu else result


activated.margin = INF  # how near to the kink the fused relu's of a case come


# ---- conv2d and linear ---------------------------------------------------------------------------------------------


def conv2d(name, x, out_channels, kernel, stride=1, padding=0, dilation=1, groups=1, bias=True, relu=False, grad_x=True):
    kernel_h, kernel_w = pair(kernel)
    weight = (out_channels, x[1] // groups, kernel_h, kernel_w)
    fan_in = weight[1] * kernel_h * kernel_w
    inputs = [Input("x", x, 1, grad=grad_x), Input("weight", weight, 2, 4.0 / fan_in**0.5)]
    if bias:
        inputs.append(Input("bias", (out_channels,), 3))

    def apply(tensors):
        result = F.conv2d(
            tensors["x"], tensors["weight"], tensors.get("bias"), pair(stride), padding if padding == "same" else pair(padding),
            pair(dilation), groups)
        return activated(result, relu)

    padding_number = -1 if padding == "same" else padding
    return Case(name, apply, inputs, groups=groups, relu=int(relu),
                **extents(stride=stride, padding=padding_number, dilation=dilation))


CONV2D = [
    conv2d("plain_3x3", (2, 3, 7, 6), 4, 3),
    conv2d("one_picture", (1, 3, 8, 8), 5, 3, padding=1),
    conv2d("one_pixel_out", (2, 3, 3, 3), 4, 3),
    conv2d("padded_3x3", (2, 4, 9, 7), 6, 3, padding=1),
    conv2d("padded_3x3_even", (2, 4, 8, 12), 8, 3, padding=1),
    conv2d("padded_3x3_of_two_pixels", (2, 4, 1, 2), 8, 3, padding=1),
    conv2d("padded_5x5", (2, 3, 9, 7), 4, 5, padding=2),
    conv2d("padding_beyond_the_kernel", (1, 2, 4, 5), 3, 3, padding=4),
    conv2d("no_bias", (2, 3, 6, 7), 4, 3, padding=1, bias=False),
    conv2d("no_bias_relu", (2, 3, 6, 7), 4, 3, padding=1, bias=False, relu=True),
    conv2d("bias_relu", (2, 3, 9, 6), 4, 3, padding=1, relu=True),
    conv2d("strided_relu", (2, 3, 9, 6), 4, 3, stride=2, padding=1, relu=True),
    conv2d("picture_without_gradient", (2, 3, 8, 8), 8, 3, padding=1, grad_x=False),
    conv2d("picture_without_gradient_strided", (2, 3, 9, 9), 4, 3, stride=2, grad_x=False),
    conv2d("kernel_2x2", (2, 3, 5, 5), 4, 2),
    conv2d("kernel_1x5", (2, 3, 5, 9), 4, (1, 5)),
    conv2d("kernel_5x1", (2, 3, 9, 5), 4, (5, 1)),
    conv2d("kernel_3x2_rect_padding", (2, 3, 6, 8), 4, (3, 2), padding=(2, 1)),
    conv2d("kernel_3x1_padded", (2, 4, 7, 5), 4, (3, 1), padding=(1, 0)),
    conv2d("kernel_1x3_padded", (2, 4, 7, 5), 4, (1, 3), padding=(0, 1)),
    conv2d("kernel_7x7", (1, 3, 11, 9), 4, 7, stride=2, padding=3),
    conv2d("kernel_as_large_as_the_picture", (3, 2, 5, 7), 4, (5, 7)),
    conv2d("kernel_larger_than_the_picture", (2, 2, 3, 3), 4, 5, padding=1),
    conv2d("stride_2", (2, 3, 8, 9), 4, 3, stride=2, padding=1),
    conv2d("stride_2_that_skips_the_last_row", (2, 3, 8, 8), 4, 3, stride=2),
    conv2d("stride_2x1", (2, 3, 8, 9), 4, 3, stride=(2, 1), padding=1),
    conv2d("stride_1x3", (2, 3, 8, 9), 4, 3, stride=(1, 3), padding=(0, 2)),
    conv2d("stride_beyond_the_kernel", (2, 3, 11, 10), 4, 2, stride=3),
    conv2d("stride_far_beyond_the_kernel", (2, 2, 13, 11), 3, (2, 1), stride=(5, 4), padding=1),
    conv2d("dilation_2", (2, 3, 9, 8), 4, 3, dilation=2),
    conv2d("dilation_2_padded", (2, 3, 7, 8), 4, 3, dilation=2, padding=2),
    conv2d("dilation_3x1_stride_2", (2, 3, 11, 9), 4, 3, stride=2, dilation=(3, 1), padding=(2, 1)),
    conv2d("dilation_1x4", (1, 2, 5, 12), 3, (2, 3), dilation=(1, 4)),
    conv2d("same_3x3", (2, 3, 5, 6), 4, 3, padding="same"),
    conv2d("same_2x2", (2, 3, 5, 6), 4, 2, padding="same"),
    conv2d("same_4x3", (2, 3, 6, 5), 4, (4, 3), padding="same"),
    conv2d("same_2x4_dilated", (2, 3, 7, 9), 4, (2, 4), padding="same", dilation=(3, 1)),
    conv2d("same_5x2_dilated_grouped", (1, 4, 9, 8), 4, (5, 2), padding="same", dilation=(1, 3), groups=2),
    conv2d("same_1x1", (2, 3, 4, 4), 4, 1, padding="same"),
    conv2d("pointwise", (2, 5, 6, 7), 8, 1),
    conv2d("pointwise_relu", (2, 5, 6, 7), 8, 1, relu=True),
    conv2d("pointwise_no_bias", (3, 8, 5, 5), 3, 1, bias=False),
    conv2d("pointwise_stride_2", (2, 5, 7, 8), 8, 1, stride=2),
    conv2d("pointwise_stride_2_no_bias", (2, 16, 8, 8), 32, 1, stride=2, bias=False),
    conv2d("pointwise_stride_3x2", (2, 5, 7, 8), 4, 1, stride=(3, 2)),
    conv2d("pointwise_padded", (2, 3, 4, 5), 4, 1, padding=1),
    conv2d("pointwise_grouped", (2, 6, 4, 5), 4, 1, groups=2),
    conv2d("groups_2", (2, 6, 7, 6), 4, 3, padding=1, groups=2),
    conv2d("groups_3_stride_2", (2, 6, 7, 8), 9, 3, stride=2, padding=1, groups=3),
    conv2d("groups_2_dilated_relu", (1, 4, 9, 9), 6, 3, dilation=2, padding=1, groups=2, relu=True),
    conv2d("groups_4_no_bias", (2, 8, 5, 5), 8, (2, 3), groups=4, bias=False),
    conv2d("depthwise", (2, 6, 7, 8), 6, 3, padding=1, groups=6),
    conv2d("depthwise_16", (2, 16, 6, 6), 16, 3, padding=1, groups=16, bias=False),
    conv2d("depthwise_37", (1, 37, 5, 6), 37, 3, padding=1, groups=37),
    conv2d("depthwise_multiplier_2", (2, 5, 6, 7), 10, 3, padding=1, groups=5),
    conv2d("depthwise_multiplier_3_stride_2", (2, 3, 7, 7), 9, 3, stride=2, groups=3),
    conv2d("depthwise_stride_2_relu", (2, 8, 9, 7), 8, 3, stride=2, padding=1, groups=8, relu=True),
    conv2d("depthwise_5x1_dilated", (2, 4, 11, 5), 4, (5, 1), padding=(1, 0), dilation=(2, 1), groups=4),
    conv2d("depthwise_same_even", (2, 4, 6, 5), 4, (2, 4), padding="same", groups=4),
    conv2d("depthwise_pointwise", (2, 4, 3, 5), 4, 1, groups=4),
    conv2d("one_channel", (2, 1, 8, 8), 1, 3, padding=1),
    conv2d("one_channel_to_many", (2, 1, 6, 6), 17, 3, padding=1),
    conv2d("odd_channels", (2, 13, 7, 5), 19, 3, padding=1),
    conv2d("channels_32_to_64", (4, 32, 16, 16), 64, 3, padding=1),
    conv2d("channels_64_to_64_relu", (4, 64, 16, 16), 64, 3, padding=1, bias=False, relu=True),
    conv2d("channels_64_to_64_odd", (1, 64, 15, 13), 64, 3, padding=1),
    conv2d("channels_64_to_32_stride_2", (2, 64, 16, 16), 32, 3, stride=2, padding=1, bias=False),
    conv2d("channels_3_to_32", (4, 3, 32, 32), 32, 3, padding=1, grad_x=False),
]


def linear(name, n, features_in, features_out, bias=True, relu=False, grad_x=True):
    inputs = [Input("x", (n, features_in), 11, grad=grad_x), Input("weight", (features_out, features_in), 12, 4.0 / features_in**0.5)]
    if bias:
        inputs.append(Input("bias", (features_out,), 13))
    return Case(name, lambda t: activated(F.linear(t["x"], t["weight"], t.get("bias")), relu), inputs, relu=int(relu))


LINEAR = [
    linear("plain", 4, 7, 5),
    linear("one_row", 1, 9, 4),
    linear("one_feature_in", 3, 1, 4),
    linear("one_feature_out", 5, 6, 1),
    linear("no_bias", 4, 7, 5, bias=False),
    linear("relu", 6, 10, 7, relu=True),
    linear("no_bias_relu", 6, 10, 7, bias=False, relu=True),
    linear("input_without_gradient", 4, 7, 5, grad_x=False),
    linear("odd_sizes", 17, 33, 65),
    linear("large", 32, 512, 128, relu=True),
]

# ---- Pooling -------------------------------------------------------------------------------------------------------


def pool_options(kernel, stride, padding, dilation, ceil_mode):
    return dict(extents(kernel=kernel, padding=padding, dilation=dilation), ceil_mode=int(ceil_mode),
                **extents(stride=0 if stride is None else stride))


def maxpool2d(name, x, kernel, stride=None, padding=0, dilation=1, ceil_mode=False, data=None, no_slope=0):
    inputs = [Input("x", x, 21) if data is None else Input("x", data=data)]

    def apply(t):
        return F.max_pool2d(t["x"], pair(kernel), None if stride is None else pair(stride), pair(padding), pair(dilation), ceil_mode)

    return Case(name, apply, inputs, no_slope=no_slope, **pool_options(kernel, stride, padding, dilation, ceil_mode))


def pattern(shape, *values):
    """`values` over and over."""
    return np.resize(np.array(values, dtype=np.float32), shape)


def lone_nans(shape, kernel):
    """Hashed values with a NaN in every third window, each at another place of its window."""
    values = Input("x", shape, 29).values.copy()
    n, c, h, w = shape
    count = 0
    for where in np.ndindex(n, c, h // kernel, w // kernel):
        count += 1
        if count % 3 == 0:
            place = (count // 3) % (kernel * kernel)
            values[where[0], where[1], where[2] * kernel + place // kernel, where[3] * kernel + place % kernel] = NAN
    return values


MAXPOOL2D = [
    maxpool2d("kernel_2", (2, 3, 6, 8), 2),
    maxpool2d("kernel_2_many_channels", (2, 37, 8, 8), 2),
    maxpool2d("kernel_2_odd", (1, 3, 7, 5), 2),
    maxpool2d("kernel_2_odd_ceil", (2, 3, 7, 5), 2, ceil_mode=True),
    maxpool2d("kernel_3_stride_2", (2, 4, 9, 8), 3, stride=2),
    maxpool2d("kernel_3_stride_2_padded", (2, 4, 9, 8), 3, stride=2, padding=1),
    maxpool2d("kernel_3_stride_2_padded_ceil", (2, 4, 8, 9), 3, stride=2, padding=1, ceil_mode=True),
    maxpool2d("kernel_3_stride_1", (1, 2, 5, 6), 3, stride=1, padding=1),
    maxpool2d("kernel_2x3_stride_3x1", (2, 3, 8, 7), (2, 3), stride=(3, 1)),
    maxpool2d("kernel_3x2_padding_1x0", (2, 3, 7, 6), (3, 2), padding=(1, 0)),
    maxpool2d("kernel_1", (2, 3, 5, 4), 1),
    maxpool2d("kernel_1_stride_2", (2, 3, 5, 4), 1, stride=2),
    maxpool2d("kernel_1x4", (2, 3, 5, 9), (1, 4), stride=(2, 2)),
    maxpool2d("kernel_as_large_as_the_picture", (2, 3, 5, 7), (5, 7)),
    maxpool2d("stride_beyond_the_kernel", (2, 3, 10, 11), 2, stride=3),
    maxpool2d("stride_beyond_the_kernel_ceil", (2, 3, 9, 10), 2, stride=4, ceil_mode=True),
    maxpool2d("ceil_drops_a_window_in_the_padding", (1, 2, 3, 3), 2, stride=2, padding=1, ceil_mode=True),
    maxpool2d("ceil_drops_a_window_behind_the_picture", (1, 2, 7, 7), 2, stride=5, ceil_mode=True),
    maxpool2d("dilation_2", (2, 3, 9, 8), 3, stride=1, dilation=2),
    maxpool2d("dilation_2x3_padded", (2, 3, 9, 11), (3, 2), stride=2, padding=1, dilation=(2, 3)),
    maxpool2d("dilation_2_ceil", (1, 3, 10, 9), 3, stride=3, padding=1, dilation=2, ceil_mode=True),
    maxpool2d("all_negative", None, 3, stride=2, padding=1, data=-1.5 - np.abs(Input("x", (1, 2, 6, 6), 22).values)),
    maxpool2d("ties", None, 2, data=pattern((2, 3, 6, 4), 1, 1, 0, 1, 1)),
    maxpool2d("ties_overlapping", None, 3, stride=1, padding=1, data=pattern((1, 3, 5, 6), 2, 0, 2, 1, 0, 2, 2), no_slope=1),
    maxpool2d("all_equal", None, 2, data=pattern((1, 17, 4, 4), 3), no_slope=1),
    maxpool2d("nan", None, 2, data=lone_nans((2, 3, 6, 6), 2)),
    maxpool2d("nan_many_channels", None, 2, data=lone_nans((1, 21, 4, 6), 2)),
    maxpool2d("nan_kernel_3", None, 3, data=lone_nans((1, 2, 9, 9), 3)),
    maxpool2d("infinities", None, 2, data=pattern((1, 3, 6, 6), INF, 1, -INF, 2, 0, -1, -INF)),
    maxpool2d("windows_of_minus_infinity", None, 2, data=pattern((1, 2, 4, 4), -INF)),
    maxpool2d("windows_of_minus_infinity_padded", None, 3, stride=2, padding=1, data=pattern((1, 3, 5, 5), -INF)),
    maxpool2d("large", (4, 32, 16, 16), 2),
]


def avgpool2d(name, x, kernel, stride=None, padding=0, ceil_mode=False, exclude=False):
    def apply(t):
        return F.avg_pool2d(t["x"], pair(kernel), None if stride is None else pair(stride), pair(padding), ceil_mode, not exclude)

    return Case(name, apply, [Input("x", x, 31)], exclude_pad=int(exclude), **pool_options(kernel, stride, padding, 1, ceil_mode))


AVGPOOL2D = [
    avgpool2d("kernel_2", (2, 3, 6, 8), 2),
    avgpool2d("kernel_2_many_channels", (2, 37, 8, 8), 2),
    avgpool2d("kernel_2_odd", (1, 3, 7, 5), 2),
    avgpool2d("kernel_2_odd_ceil", (2, 3, 7, 5), 2, ceil_mode=True),
    avgpool2d("kernel_2_odd_ceil_exclude", (2, 3, 7, 5), 2, ceil_mode=True, exclude=True),
    avgpool2d("kernel_3_stride_2_padded", (2, 4, 9, 8), 3, stride=2, padding=1),
    avgpool2d("kernel_3_stride_2_padded_exclude", (2, 4, 9, 8), 3, stride=2, padding=1, exclude=True),
    avgpool2d("kernel_3_stride_2_padded_ceil", (2, 4, 8, 9), 3, stride=2, padding=1, ceil_mode=True),
    avgpool2d("kernel_3_stride_2_padded_ceil_exclude", (2, 4, 8, 9), 3, stride=2, padding=1, ceil_mode=True, exclude=True),
    avgpool2d("kernel_4_stride_3_padded_ceil", (1, 2, 9, 8), 4, stride=3, padding=2, ceil_mode=True),
    avgpool2d("kernel_4_stride_3_padded_ceil_exclude", (1, 2, 9, 8), 4, stride=3, padding=2, ceil_mode=True, exclude=True),
    avgpool2d("kernel_3_stride_1", (1, 2, 5, 6), 3, stride=1, padding=1),
    avgpool2d("kernel_2x3_stride_3x1", (2, 3, 8, 7), (2, 3), stride=(3, 1)),
    avgpool2d("kernel_3x2_padding_1x0", (2, 3, 7, 6), (3, 2), padding=(1, 0), exclude=True),
    avgpool2d("kernel_1", (2, 3, 5, 4), 1),
    avgpool2d("kernel_1x4", (2, 3, 5, 9), (1, 4), stride=(2, 2)),
    avgpool2d("kernel_as_large_as_the_picture", (2, 3, 5, 7), (5, 7)),
    avgpool2d("stride_beyond_the_kernel", (2, 3, 10, 11), 2, stride=3),
    avgpool2d("stride_beyond_the_kernel_ceil", (2, 3, 9, 10), 2, stride=4, ceil_mode=True),
    avgpool2d("ceil_drops_a_window_in_the_padding", (1, 2, 3, 3), 2, stride=2, padding=1, ceil_mode=True),
    avgpool2d("large", (4, 32, 16, 16), 2),
]


def adaptive(name, x, output):
    return Case(name, lambda t: F.adaptive_avg_pool2d(t["x"], pair(output)), [Input("x", x, 41)], **extents(output=output))


ADAPTIVE_AVGPOOL2D = [
    adaptive("to_one", (2, 3, 5, 7), 1),
    adaptive("divides", (2, 3, 6, 8), (3, 2)),
    adaptive("overlapping_windows", (2, 3, 7, 5), (3, 2)),
    adaptive("overlapping_windows_many_channels", (1, 33, 10, 7), (4, 3)),
    adaptive("same_size", (1, 2, 4, 5), (4, 5)),
    adaptive("larger_than_the_input", (2, 3, 3, 4), (5, 7)),
    adaptive("from_one_pixel", (2, 3, 1, 1), (2, 3)),
    adaptive("rows_to_one", (2, 3, 6, 5), (1, 5)),
    adaptive("large", (4, 64, 8, 8), 3),
]

GLOBAL_AVGPOOL2D = [
    Case(name, lambda t: t["x"].mean((2, 3), keepdim=True), [Input("x", shape, 45)])
    for name, shape in [("odd", (2, 3, 5, 7)), ("one_picture", (1, 17, 4, 4)), ("one_pixel", (3, 5, 1, 1)), ("large", (4, 64, 8, 8))]
]

# ---- Activations ---------------------------------------------------------------------------------------------------

SHAPES = [("picture", (2, 5, 3, 7)), ("one_pixel", (1, 1, 1, 1)), ("matrix", (5, 13)), ("vector", (37,)), ("large", (2, 33, 16, 16))]


def elementwise(apply, seed, scale, special, **options):
    cases = [Case(name, apply, [Input("x", shape, seed, scale)], **options) for name, shape in SHAPES]
    if special is not None:
        cases.append(Case("special_values", apply, [Input("x", data=pattern((2, 19), *special))], **options))
    return cases


RELU = elementwise(lambda t: torch.relu(t["x"]), 51, 4.0, (NAN, 1, -1, INF, -INF, 0, -0.0, 1e-38, -1e-38, 3e38))
RELU += [Case("nan_in_every_lane", lambda t: torch.relu(t["x"]), [Input("x", data=pattern((3, 5, 5, 17), NAN, 1, -1, 2, -2, 3, -3))])]


def leaky(slope):
    slope = float(np.float32(slope))
    return elementwise(lambda t: F.leaky_relu(t["x"], slope), 52, 4.0, (NAN, 1, -1, INF, -INF, 0, 3e38), slope=slope)


LEAKY_RELU = leaky(0.01)
for extra, slope in (("steep_", 0.25), ("flat_", 0.0), ("rising_", 2.0), ("falling_", -0.5)):
    for case in leaky(slope)[:1]:
        case.name = extra + case.name
        LEAKY_RELU.append(case)

GELU = []
for form, approximate in enumerate(("none", "tanh")):
    for case in elementwise(lambda t, a=approximate: F.gelu(t["x"], approximate=a), 53, 10.0, (NAN, 0, 20, -20, 1e-6, -1e-6, 6, -6), form=form):
        case.name = ("exact_", "tanh_")[form] + case.name
        GELU.append(case)

SILU = elementwise(lambda t: F.silu(t["x"]), 54, 12.0, (NAN, 0, 80, -80, 200, -200, 1e-6, -1e-6))

# ---- Batch norm and dropout ----------------------------------------------------------------------------------------


def batchnorm2d(name, x, affine=True, running=True, training=True, momentum=0.1, eps=1e-5, relu=False, scale=2.0, offset=0.0, grad_x=True,
                condition=1):
    c = x[1]
    inputs = [Input("x", x, 61, scale, offset, grad=grad_x)]
    if affine:
        inputs += [Input("weight", (c,), 62, 1.0, 1.0), Input("bias", (c,), 63)]
    if running:
        inputs += [Input("running_mean", (c,), 64, grad=False), Input("running_var", (c,), 65, 1.0, 1.0, grad=False)]

    def apply(t):
        result = F.batch_norm(t["x"], t.get("running_mean"), t.get("running_var"), t.get("weight"), t.get("bias"),
                              training or not running, momentum, eps)
        return activated(result, relu)

    return Case(name, apply, inputs, eval=int(not training), momentum=momentum, eps=eps, relu=int(relu),
                condition=condition)


BATCHNORM2D = [
    batchnorm2d("training", (3, 5, 4, 6)),
    batchnorm2d("training_relu", (3, 5, 4, 6), relu=True),
    batchnorm2d("training_no_affine", (3, 5, 4, 6), affine=False),
    batchnorm2d("training_no_affine_relu", (3, 5, 4, 6), affine=False, relu=True),
    batchnorm2d("training_no_running", (3, 5, 4, 6), running=False),
    batchnorm2d("training_bare", (3, 5, 4, 6), running=False, affine=False),
    batchnorm2d("training_momentum_eps", (3, 5, 4, 6), momentum=0.3, eps=0.01),
    batchnorm2d("training_momentum_1", (3, 5, 4, 6), momentum=1.0),
    batchnorm2d("training_one_picture", (1, 4, 5, 3)),
    batchnorm2d("training_one_pixel", (7, 4, 1, 1)),
    batchnorm2d("training_one_channel", (3, 1, 5, 5)),
    batchnorm2d("training_odd_channels", (2, 37, 5, 3), relu=True),
    batchnorm2d("training_off_zero", (4, 3, 8, 8), offset=4.0),
    # float32 in itself loses mean / deviation = 110 roundings here; a variance as E[x^2] - E[x]^2 would lose 110^2.
    batchnorm2d("training_far_from_zero", (4, 3, 8, 8), offset=64.0, condition=8),
    batchnorm2d("training_input_without_gradient", (3, 5, 4, 6), grad_x=False),
    batchnorm2d("training_large", (8, 32, 16, 16), relu=True),
    batchnorm2d("evaluation", (3, 5, 4, 6), training=False),
    batchnorm2d("evaluation_relu", (3, 5, 4, 6), training=False, relu=True),
    batchnorm2d("evaluation_no_affine", (3, 5, 4, 6), training=False, affine=False),
    batchnorm2d("evaluation_eps", (2, 4, 3, 5), training=False, eps=0.1),
    batchnorm2d("evaluation_one_value", (1, 4, 1, 1), training=False),
    batchnorm2d("evaluation_no_running", (3, 5, 4, 6), training=False, running=False),
]

DROPOUT = [
    Case("nothing_dropped", lambda t: t["x"] * 1.0, [Input("x", (2, 3, 5, 7), 71)], p=0.0),
    Case("nothing_dropped_matrix", lambda t: t["x"] * 1.0, [Input("x", (6, 11), 71)], p=0.0),
    Case("evaluation", lambda t: t["x"] * 1.0, [Input("x", (2, 3, 5, 7), 71)], p=0.5, eval=1),
]

# ---- Arithmetic and shape ------------------------------------------------------------------------------------------

ADD = [
    Case(name + ("_relu" if relu else ""), lambda t, r=relu: activated(t["a"] + t["b"], r),
         [Input("a", shape, 81), Input("b", shape, 82)], relu=int(relu))
    for name, shape in SHAPES + [("scalar", ())]
    for relu in (False, True)
    if not (relu and name in ("scalar", "one_pixel"))
]
ADD.append(Case("special_values_relu", lambda t: torch.relu(t["a"] + t["b"]),
                [Input("a", data=pattern((2, 18), NAN, 1, 1, INF, 2)), Input("b", data=pattern((2, 18), 1, -1, NAN, 1))], relu=1))

SCALE = [
    Case(name, lambda t, f=factor: t["x"] * f, [Input("x", shape, 83)], factor=factor)
    for (name, shape), factor in zip(SHAPES + [("scalar", ())], (-1.5, 0.125, 3.0, 1.0, -2.0, 7.0))
]


def concat(name, channels, n=2, h=4, w=5):
    inputs = [Input("x%d" % i, (n, c, h, w), 84 + i) for i, c in enumerate(channels)]
    return Case(name, lambda t: torch.cat(list(t.values()), 1), inputs)


CONCAT = [concat("two", (3, 5)), concat("one", (3,)), concat("four", (1, 16, 2, 7)), concat("one_picture", (4, 4), 1, 3, 3),
          concat("one_pixel", (4, 3, 2), 3, 1, 1), concat("large", (32, 32), 4, 8, 8)]

FLATTEN = [Case(name, lambda t: torch.flatten(t["x"], 1), [Input("x", shape, 91)])
           for name, shape in (("picture", (2, 3, 4, 5)), ("one_picture", (1, 5, 3, 3)), ("one_pixel", (4, 7, 1, 1)),
                               ("one_channel", (3, 1, 4, 2)), ("many_channels", (2, 37, 3, 5)), ("matrix", (4, 6)),
                               ("large", (4, 64, 8, 8)))]

# ---- Losses --------------------------------------------------------------------------------------------------------

LOG_SOFTMAX = [
    Case(name, lambda t: F.log_softmax(t["x"], 1), [Input("x", shape, 92, scale, offset)])
    for name, shape, scale, offset in (("plain", (4, 10), 4.0, 0.0), ("one_row", (1, 7), 4.0, 0.0),
                                       ("many_classes", (3, 100), 8.0, 0.0), ("large_logits", (5, 10), 200.0, 0.0),
                                       ("far_from_zero", (5, 10), 4.0, 1024.0), ("large", (64, 33), 8.0, 0.0))
]


def cross_entropy(name, shape, scale=6.0, smoothing=0.0, reduction="mean", offset=0.0, shares=None):
    """shares: of a second label in the target of each row, by turns."""
    labels = [(3 * i + i * i) % shape[1] for i in range(shape[0])]
    mixed = [(i * i + 1) % shape[1] for i in range(shape[0])]  # the label itself now and then
    smoothing = float(np.float32(smoothing))

    def apply(t):
        target = t["labels"].long()
        if shares:
            share = t["mixed_shares"][:, None]
            target = (1 - share) * F.one_hot(target, shape[1]) + share * F.one_hot(t["mixed_labels"].long(), shape[1])
        return F.cross_entropy(t["logits"], target, reduction=reduction, label_smoothing=smoothing)

    inputs = [Input("logits", shape, 93, scale, offset), Input("labels", data=labels, grad=False)]
    if shares:
        inputs += [Input("mixed_labels", data=mixed, grad=False),
                   Input("mixed_shares", data=[shares[i % len(shares)] for i in range(shape[0])], grad=False)]
    return Case(name, apply, inputs, smoothing=smoothing, sum=int(reduction == "sum"))


CROSS_ENTROPY = [
    cross_entropy("mean", (6, 10)),
    cross_entropy("sum", (6, 10), reduction="sum"),
    cross_entropy("smoothed", (6, 10), smoothing=0.1),
    cross_entropy("smoothed_sum", (5, 7), smoothing=0.3, reduction="sum"),
    cross_entropy("fully_smoothed", (5, 7), smoothing=1.0),
    cross_entropy("one_row", (1, 10)),
    cross_entropy("two_classes", (5, 2)),
    cross_entropy("many_classes", (4, 100), smoothing=0.1),
    cross_entropy("large_logits", (6, 10), scale=400.0),
    cross_entropy("far_from_zero", (6, 10), offset=1024.0),
    cross_entropy("large", (128, 17), smoothing=0.1),
    cross_entropy("mixed", (6, 10), shares=(0.25, 0.0, 0.7, 1.0)),
    cross_entropy("mixed_sum", (7, 5), reduction="sum", shares=(0.5, 0.1)),
    cross_entropy("mixed_smoothed", (40, 10), smoothing=0.2, shares=(0.3, 1.0, 0.0)),
]

MSE_LOSS = [
    Case(name, lambda t, r=reduction: F.mse_loss(t["x"], t["target"], reduction=r),
         [Input("x", shape, 95), Input("target", shape, 96, grad=grad)], sum=int(reduction == "sum"), no_slope=int(name == "large"))
    for name, shape, reduction, grad in (("mean", (4, 5), "mean", False), ("sum", (4, 5), "sum", False),
                                         ("picture", (2, 3, 4, 5), "mean", False), ("vector", (37,), "sum", False),
                                         ("both_gradients", (3, 7), "mean", True), ("large", (4, 16, 16, 16), "mean", False))
]

OPS = {
    "conv2d": CONV2D, "linear": LINEAR, "maxpool2d": MAXPOOL2D, "avgpool2d": AVGPOOL2D, "adaptive_avgpool2d": ADAPTIVE_AVGPOOL2D,
    "global_avgpool2d": GLOBAL_AVGPOOL2D, "relu": RELU, "leaky_relu": LEAKY_RELU, "gelu": GELU, "silu": SILU,
    "batchnorm2d": BATCHNORM2D, "dropout": DROPOUT, "add": ADD, "scale": SCALE, "concat": CONCAT, "flatten": FLATTEN,
    "log_softmax": LOG_SOFTMAX, "cross_entropy": CROSS_ENTROPY, "mse_loss": MSE_LOSS,
}
