/* phase.c - see phase.h. */
#include "phase.h"

#include "arith.h"

tci_phase tci_forward_phase(const tci_conv *d) {
    int64_t cg = d->c / d->groups, weights = d->kh * d->kw * cg;
    return (tci_phase){.conv = *d,
                       .tap_row = d->kw * cg,
                       .tap_column = cg,
                       .tap_in = 1,
                       .tap_out = weights,
                       .tap_group = d->o / d->groups * weights,
                       .out_picture = d->oh * d->ow * d->o,
                       .out_row = d->ow * d->o,
                       .out_pixel = d->o};
}

int64_t tci_common_divisor(int64_t a, int64_t b) {
    return b == 0 ? a : tci_common_divisor(b, a % b);
}

/* One dimension of a phase: dx[first + i stride] = sum over t of dy[i - pad + t dilation] w[tap + t tap_step].
 *
 * Input row h gets from output row q, tap a, where q stride = h + pad - a dilation. Such taps are tap_step =
 * stride / gcd(stride, dilation) apart; they are taken from the last to the first, so that q rises. */
typedef struct part {
    int64_t count, taps, tap, tap_step, pad, dilation;
} part;

static part part_of(int64_t size, int64_t first, int64_t kernel, int64_t stride, int64_t pad,
                    int64_t dilation) {
    int64_t divisor = tci_common_divisor(stride, dilation), step = stride / divisor, lowest = 0;
    part a = {.count = tci_max(0, tci_ceil_div(size - first, stride)),
              .tap_step = -step,
              .dilation = dilation / divisor};
    while (lowest < kernel && (first + pad - lowest * dilation) % stride != 0) lowest++;
    if (lowest == kernel) return a;
    a.taps = (kernel - 1 - lowest) / step + 1;
    a.tap = lowest + (a.taps - 1) * step;
    a.pad = (a.taps - 1) * a.dilation - (first + pad - lowest * dilation) / stride;
    return a;
}

int64_t tci_data_phases(const tci_conv *d) {
    return d->stride_h * d->stride_w;
}

tci_phase tci_data_phase(const tci_conv *d, int64_t index) {
    int64_t h = index / d->stride_w, w = index % d->stride_w;
    int64_t cg = d->c / d->groups, weights = d->kh * d->kw * cg;
    part rows = part_of(d->h, h, d->kh, d->stride_h, d->pad_h, d->dilation_h);
    part columns = part_of(d->w, w, d->kw, d->stride_w, d->pad_w, d->dilation_w);
    return (tci_phase){.conv = {.n = d->n,
                                .c = d->o,
                                .h = d->oh,
                                .w = d->ow,
                                .o = d->c,
                                .oh = rows.count,
                                .ow = columns.count,
                                .kh = rows.taps,
                                .kw = columns.taps,
                                .stride_h = 1,
                                .stride_w = 1,
                                .pad_h = rows.pad,
                                .pad_w = columns.pad,
                                .dilation_h = rows.dilation,
                                .dilation_w = columns.dilation,
                                .groups = d->groups},
                       .tap_first = (rows.tap * d->kw + columns.tap) * cg,
                       .tap_row = rows.tap_step * d->kw * cg,
                       .tap_column = columns.tap_step * cg,
                       .tap_in = weights,
                       .tap_out = 1,
                       .tap_group = d->o / d->groups * weights,
                       .out_first = (h * d->w + w) * d->c,
                       .out_picture = d->h * d->w * d->c,
                       .out_row = d->stride_h * d->w * d->c,
                       .out_pixel = d->stride_w * d->c};
}

tci_axis tci_rows(const tci_conv *d) {
    return (tci_axis){d->h, d->oh, d->kh, d->stride_h, d->pad_h, d->dilation_h};
}

tci_axis tci_columns(const tci_conv *d) {
    return (tci_axis){d->w, d->ow, d->kw, d->stride_w, d->pad_w, d->dilation_w};
}

tci_run tci_run_from(const tci_axis *a, int64_t i, int64_t end) {
    int64_t begin = i * a->stride - a->pad, reach = (a->taps - 1) * a->dilation;
    if (begin >= 0 && begin + reach < a->in) {
        int64_t inside = (a->in - 1 - reach + a->pad) / a->stride + 1;
        return (tci_run){i, tci_min(inside, end) - i, 0, a->taps, begin};
    }
    int64_t low = begin < 0 ? tci_ceil_div(-begin, a->dilation) : 0;
    int64_t high = begin < a->in ? tci_min(a->taps, tci_ceil_div(a->in - begin, a->dilation)) : 0;
    return (tci_run){i, 1, low, tci_max(0, high - low), begin + low * a->dilation};
}
