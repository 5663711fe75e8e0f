/* conv_gathered.c - any shape: the product of conv_direct.c, on blocks that are gathered so that it can be.
 *
 * That product needs the window of an output pixel to lie in memory in KH stretches. A block of input rows is
 * copied with zeros around it, and while it is copied it is put in order:
 *   groups    the channels of one group alone;
 *   dilation  columns that a window touches side by side. With a dilation of 2 the even columns are one
 *             picture, the odd ones another, and output pixels see one of them, in turn: strands.
 * The gradient of the input is made of forward passes too, one for every phase of the stride (phase.h). */
#include "arith.h"
#include "conv.h"
#include "padded.h"
#include "parts.h"
#include "phase.h"
#include "tile.h"
#include "tinycnn/parallel.h"

/* A block has about this many floats; the weight gradients that a worker adds to at a time have at most
 * UNIT_FLOATS: both stay in the level-2 cache. */
enum { BLOCK_FLOATS = 32 * 1024, UNIT_FLOATS = 96 * 1024, LEAST_BLOCKS = 16 };

/* ---- Blocks ------------------------------------------------------------------------------------------- */

/* Output pixel j belongs to strand j % strands. Neighbours in a strand are `hop` of the strand's columns
 * apart. */
typedef struct layout {
    int64_t cg, og, depth;
    int64_t strands, hop, width, line; /* width: pixels of a strand in a row; line: floats of a row */
    int64_t rows, blocks;              /* output rows in a block, blocks of a picture */
    int64_t columns, panels;           /* output channels in a panel, panels of a group */
} layout;

static int64_t input_rows(const tci_conv *d, int64_t rows) {
    return tci_max(0, (rows - 1) * d->stride_h + (d->kh - 1) * d->dilation_h + 1);
}

/* At least `least` blocks a picture; the last ones may be empty. */
static layout layout_of(const tci_conv *d, int64_t least) {
    layout l = {.cg = d->c / d->groups, .og = d->o / d->groups};
    int64_t divisor = tci_common_divisor(d->stride_w, d->dilation_w);
    l.depth = d->kh * d->kw * l.cg;
    l.strands = d->dilation_w / divisor;
    l.hop = d->stride_w / divisor;
    l.width = (tci_ceil_div(d->ow, l.strands) - 1) * l.hop + d->kw;
    l.line = l.strands * l.width * l.cg;
    int64_t rows = tci_max(1, BLOCK_FLOATS / tci_max(1, d->stride_h * l.line));
    rows = tci_min(d->oh, tci_min(rows, tci_max(1, d->n * d->oh / LEAST_BLOCKS)));
    l.blocks = tci_max(least, tci_ceil_div(d->oh, tci_max(1, rows)));
    l.rows = tci_ceil_div(d->oh, l.blocks);
    const tci_tile *tile = tci_tile_get();
    l.columns = tci_min(tile->panel, tci_round_up(l.og, tile->width));
    l.panels = tci_ceil_div(l.og, l.columns);
    return l;
}

static int64_t block_size(const tci_conv *d, const layout *l) {
    return tci_round_up(input_rows(d, l->rows) * l->line, 16);
}

/* The input that output rows [first, first + rows) of picture n see in group g. */
static void gather_block(const tci_conv *d, const layout *l, const float *x, int64_t n, int64_t g,
                         int64_t first, int64_t rows, float *block) {
    tci_padded from = {.x = x + n * d->h * d->w * d->c + g * l->cg,
                       .h = d->h,
                       .w = d->w,
                       .pixel = d->c,
                       .channels = l->cg,
                       .top = first * d->stride_h - d->pad_h,
                       .rows = input_rows(d, rows),
                       .step = d->dilation_w,
                       .width = l->width};
    for (int64_t s = 0; s < l->strands; s++) {
        from.left = s * d->stride_w - d->pad_w;
        tci_copy_padded(&from, block + s * l->width * l->cg, l->line, l->cg);
    }
}

static int64_t strand_pixels(const tci_conv *d, const layout *l, int64_t strand) {
    return tci_ceil_div(tci_max(0, d->ow - strand), l->strands);
}

/* ---- Forward and backward data ------------------------------------------------------------------------ */

typedef struct gather_work {
    const tci_phase *phase;
    const tci_conv_pass *pass;
    layout l;
    float *packed; /* (groups, panels, depth, columns) */
} gather_work;

static void pack_panel(void *context, int64_t index, int worker) {
    const gather_work *w = context;
    const tci_phase *p = w->phase;
    const layout *l = &w->l;
    (void)worker;
    int64_t g = index / l->panels, first = index % l->panels * l->columns;
    int64_t valid = tci_min(l->columns, l->og - first);
    float *to = w->packed + index * l->depth * l->columns;
    for (int64_t a = 0; a < p->conv.kh; a++)
        for (int64_t b = 0; b < p->conv.kw; b++)
            for (int64_t c = 0; c < l->cg; c++, to += l->columns) {
                const float *from = w->pass->b + p->tap_first + a * p->tap_row + b * p->tap_column +
                                    c * p->tap_in + g * p->tap_group + first * p->tap_out;
                for (int64_t o = 0; o < l->columns; o++) to[o] = o < valid ? from[o * p->tap_out] : 0.0f;
            }
}

/* Output rows [first, first + rows) of picture n, one panel of group g. */
static void multiply_panel(const gather_work *w, const float *block, int64_t n, int64_t g, int64_t panel,
                           int64_t first, int64_t rows) {
    const tci_phase *phase = w->phase;
    const tci_conv *d = &phase->conv;
    const tci_conv_pass *pass = w->pass;
    const layout *l = &w->l;
    int64_t channel = g * l->og + panel * l->columns;
    const float *weight = w->packed + (g * l->panels + panel) * l->depth * l->columns;
    float *out = pass->out + phase->out_first + n * phase->out_picture + channel;
    tci_axis axis = tci_rows(d);
    tci_product p = {.columns = tci_min(l->columns, l->og - panel * l->columns),
                     .steps = d->kw * l->cg,
                     .a_row = l->hop * l->cg,
                     .a_step = 1,
                     .a_segment = d->dilation_h * l->line,
                     .b_step = l->columns,
                     .b_segment = d->kw * l->cg * l->columns,
                     .c_row = l->strands * phase->out_pixel,
                     .accumulate = pass->accumulate,
                     .bias = pass->bias ? pass->bias + channel : NULL,
                     .relu = pass->relu};
    for (int64_t i = 0; i < rows; i++) {
        tci_run r = tci_run_from(&axis, first + i, first + i + 1);
        p.segments = r.taps;
        p.b = weight + r.low * p.b_segment;
        for (int64_t s = 0; s < l->strands; s++) {
            p.rows = strand_pixels(d, l, s);
            p.a = block + (i * d->stride_h + r.low * d->dilation_h) * l->line + s * l->width * l->cg;
            p.c = out + (first + i) * phase->out_row + s * phase->out_pixel;
            tci_tile_get()->multiply(&p);
        }
    }
}

static void multiply_block(const gather_work *w, int64_t n, int64_t block, float *scratch) {
    const tci_conv *d = &w->phase->conv;
    const layout *l = &w->l;
    int64_t first = block * l->rows, rows = tci_min(l->rows, d->oh - first);
    if (rows <= 0) return;
    for (int64_t g = 0; g < d->groups; g++) {
        if (l->depth > 0) gather_block(d, l, w->pass->a, n, g, first, rows, scratch);
        for (int64_t panel = 0; panel < l->panels; panel++)
            multiply_panel(w, scratch, n, g, panel, first, rows);
    }
}

static int64_t packed_size(const tci_conv *d, const layout *l) {
    return tci_round_up(d->groups * l->panels * l->depth * l->columns, 16);
}

/* A pass is one phase forward, several backwards. All of them do the same block of a picture in turn, because
 * they write pixels side by side. */
typedef struct phases {
    const tci_conv *d;
    const tci_conv_pass *pass;
    bool backward;
    int64_t count, blocks, block_size;
    float *scratch; /* for the workers; pass->scratch holds the packed weights of all phases */
} phases;

static tci_phase phase_of(const phases *p, int64_t index) {
    return p->backward ? tci_data_phase(p->d, index) : tci_forward_phase(p->d);
}

static gather_work work_of(const phases *p, const tci_phase *phase, float *packed) {
    return (gather_work){phase, p->pass, layout_of(&phase->conv, p->blocks), packed};
}

/* Without `pass` and `scratch`. */
static phases phases_of(const tci_conv *d, bool backward, size_t *packed) {
    phases p = {.d = d, .backward = backward, .count = backward ? tci_data_phases(d) : 1, .blocks = 1};
    for (int64_t i = 0; i < p.count; i++) {
        tci_phase phase = phase_of(&p, i);
        p.blocks = layout_of(&phase.conv, p.blocks).blocks;
    }
    *packed = 0;
    for (int64_t i = 0; i < p.count; i++) {
        tci_phase phase = phase_of(&p, i);
        layout l = layout_of(&phase.conv, p.blocks);
        p.block_size = tci_max(p.block_size, block_size(&phase.conv, &l));
        *packed += (size_t)packed_size(&phase.conv, &l);
    }
    return p;
}

static void all_phases(void *context, int64_t chunk, int worker) {
    const phases *p = context;
    float *packed = p->pass->scratch;
    for (int64_t i = 0; i < p->count; i++) {
        tci_phase phase = phase_of(p, i);
        gather_work w = work_of(p, &phase, packed);
        multiply_block(&w, chunk / p->blocks, chunk % p->blocks, p->scratch + worker * p->block_size);
        packed += packed_size(&phase.conv, &w.l);
    }
}

static void gather(const tci_conv *d, const tci_conv_pass *pass, bool backward) {
    size_t shared;
    phases p = phases_of(d, backward, &shared);
    float *packed = pass->scratch;
    p.pass = pass;
    p.scratch = packed + shared;
    for (int64_t i = 0; i < p.count; i++) {
        tci_phase phase = phase_of(&p, i);
        gather_work w = work_of(&p, &phase, packed);
        tc_parallel_for(pass->threads, d->groups * w.l.panels, pack_panel, &w);
        packed += packed_size(&phase.conv, &w.l);
    }
    tc_parallel_for(pass->threads, d->n * p.blocks, all_phases, &p);
}

static tci_conv_scratch gather_scratch(const tci_conv *d, bool backward) {
    tci_conv_scratch need;
    need.per_worker = (size_t)phases_of(d, backward, &need.shared).block_size;
    return need;
}

static void forward(const tci_conv *d, const tci_conv_pass *pass) {
    gather(d, pass, false);
}

static tci_conv_scratch forward_scratch(const tci_conv *d) {
    return gather_scratch(d, false);
}

static void backward_data(const tci_conv *d, const tci_conv_pass *pass) {
    gather(d, pass, true);
}

static tci_conv_scratch data_scratch(const tci_conv *d) {
    return gather_scratch(d, true);
}

/* ---- Backward weight ---------------------------------------------------------------------------------- */

/* dW is made of groups * panels entries of (depth, columns) floats; a unit is so many of them. */
typedef struct weight_work {
    const tci_conv *d;
    const tci_conv_pass *pass;
    layout l;
    int64_t entry, entries, unit, units, parts;
    float *sums, *total, *scratch;
} weight_work;

static weight_work weight_work_of(const tci_conv *d) {
    weight_work w = {.d = d, .l = layout_of(d, 1)};
    w.entry = w.l.depth * w.l.columns;
    w.entries = d->groups * w.l.panels;
    w.unit = tci_max(1, tci_min(w.entries, UNIT_FLOATS / w.entry));
    w.units = tci_ceil_div(w.entries, w.unit);
    w.parts = tci_parts(d->n * w.l.blocks, w.entries * w.entry);
    return w;
}

/* dy of a block and a panel is copied unless its rows are whole vectors as they are. */
static bool copies_gradient(const layout *l) {
    return l->og % tci_tile_get()->width != 0;
}

static int64_t gradient_size(const tci_conv *d, const layout *l) {
    return copies_gradient(l) ? tci_round_up(l->rows * d->ow * l->columns, 16) : 0;
}

static void weight_entry(const weight_work *w, const float *block, int64_t n, int64_t first, int64_t rows,
                         int64_t index, float *sum, bool accumulate) {
    const tci_conv *d = w->d;
    const layout *l = &w->l;
    int64_t panel = index % l->panels, pixel = d->o;
    int64_t valid = tci_min(l->columns, l->og - panel * l->columns);
    const float *dy =
        w->pass->b + (n * d->oh + first) * d->ow * d->o + index / l->panels * l->og + panel * l->columns;
    if (copies_gradient(l)) {
        float *copy = (float *)block + block_size(d, l);
        tci_copy_padded(&(tci_padded){.x = dy,
                                      .h = 1,
                                      .w = rows * d->ow,
                                      .pixel = d->o,
                                      .channels = valid,
                                      .rows = 1,
                                      .step = 1,
                                      .width = rows * d->ow},
                        copy, 0, l->columns);
        dy = copy, pixel = l->columns;
    }
    tci_product p = {.rows = d->kw * l->cg,
                     .columns = tci_min(l->columns, tci_round_up(valid, tci_tile_get()->width)),
                     .segments = rows,
                     .a_row = 1,
                     .a_step = l->hop * l->cg,
                     .a_segment = d->stride_h * l->line,
                     .b_step = l->strands * pixel,
                     .b_segment = d->ow * pixel,
                     .c_row = l->columns};
    for (int64_t a = 0; a < d->kh; a++) {
        p.c = sum + a * d->kw * l->cg * l->columns;
        for (int64_t s = 0; s < l->strands; s++) {
            p.steps = strand_pixels(d, l, s);
            p.a = block + a * d->dilation_h * l->line + s * l->width * l->cg;
            p.b = dy + s * pixel;
            p.accumulate = accumulate || s > 0;
            tci_tile_get()->multiply(&p);
        }
    }
}

static void weight_chunk(void *context, int64_t chunk, int worker) {
    const weight_work *w = context;
    const tci_conv *d = w->d;
    const layout *l = &w->l;
    int64_t part = chunk / w->units, unit = chunk % w->units * w->unit;
    int64_t entries = tci_min(w->unit, w->entries - unit), blocks = d->n * l->blocks;
    int64_t begin = tci_part_begin(blocks, w->parts, part), end = tci_part_begin(blocks, w->parts, part + 1);
    float *block = w->scratch + worker * (block_size(d, l) + gradient_size(d, l));
    for (int64_t k = begin; k < end; k++) {
        int64_t n = k / l->blocks, first = k % l->blocks * l->rows, rows = tci_min(l->rows, d->oh - first);
        for (int64_t e = unit; e < unit + entries; e++) {
            if (e == unit || e % l->panels == 0)
                gather_block(d, l, w->pass->a, n, e / l->panels, first, rows, block);
            weight_entry(w, block, n, first, rows, e, w->sums + (part * w->entries + e) * w->entry,
                         k > begin);
        }
    }
}

/* out (O, depth) (+)= one entry of total, turned round. */
static void turn_entry(void *context, int64_t e, int worker) {
    const weight_work *w = context;
    const layout *l = &w->l;
    (void)worker;
    int64_t panel = e % l->panels, o = e / l->panels * l->og + panel * l->columns;
    const float *from = w->total + e * w->entry;
    for (int64_t c = 0; c < tci_min(l->columns, l->og - panel * l->columns); c++) {
        float *out = w->pass->out + (o + c) * l->depth;
        for (int64_t k = 0; k < l->depth; k++) {
            float value = from[k * l->columns + c];
            out[k] = w->pass->accumulate ? out[k] + value : value;
        }
    }
}

static void backward_weight(const tci_conv *d, const tci_conv_pass *pass) {
    weight_work w = weight_work_of(d);
    int64_t size = w.entries * w.entry;
    w.pass = pass;
    w.total = pass->scratch;
    w.sums = w.total + size;
    w.scratch = w.sums + w.parts * size;
    tc_parallel_for(pass->threads, w.parts * w.units, weight_chunk, &w);
    tci_parts_sum(w.sums, w.parts, size, w.total, false, pass->threads);
    tc_parallel_for(pass->threads, w.entries, turn_entry, &w);
}

static tci_conv_scratch weight_scratch(const tci_conv *d) {
    weight_work w = weight_work_of(d);
    return (tci_conv_scratch){.shared = (size_t)((1 + w.parts) * w.entries * w.entry),
                              .per_worker = (size_t)(block_size(d, &w.l) + gradient_size(d, &w.l))};
}

const tci_conv_algorithm tci_conv_gathered = {
    .name = "gathered",
    .forward_scratch = forward_scratch,
    .data_scratch = data_scratch,
    .weight_scratch = weight_scratch,
    .forward = forward,
    .backward_data = backward_data,
    .backward_weight = backward_weight,
};
