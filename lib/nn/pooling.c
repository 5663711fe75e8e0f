/* pooling.c - torch.nn.MaxPool2d, AvgPool2d, AdaptiveAvgPool2d, and the mean over the whole picture. */
#include "module.h"

/* ---- Windows that slide ------------------------------------------------------------------------------- */

typedef struct pool2d {
    tc_module base;
    tc_pool2d_options options;
} pool2d;

static tc_tensor *maxpool_forward(tc_module *self, tci_run *run, tc_tensor *x) {
    return tc_maxpool2d(run->tape, x, &((pool2d *)self)->options);
}

static tc_tensor *avgpool_forward(tc_module *self, tci_run *run, tc_tensor *x) {
    return tc_avgpool2d(run->tape, x, &((pool2d *)self)->options);
}

static tci_reach pool_window(const tc_module *self, const tc_tensor *x) {
    (void)x;
    const tc_pool2d_options *options = &((const pool2d *)self)->options;
    return tci_reach_of(options->kernel_size, options->stride, options->padding, options->dilation,
                        options->ceil_mode);
}

static bool halves(const tc_module *self) {
    const tc_pool2d_options *o = &((const pool2d *)self)->options;
    return tc_hw_height(o->kernel_size) == 2 && tc_hw_width(o->kernel_size) == 2 &&
           tc_hw_height(o->stride) == 2 && tc_hw_width(o->stride) == 2 && tc_hw_height(o->padding) == 0 &&
           tc_hw_width(o->padding) == 0 && tc_hw_height(o->dilation) == 1 && tc_hw_width(o->dilation) == 1 &&
           !o->ceil_mode;
}

/* The result and the number of each winner: a byte where the layer before pools in its pass, else two. */
static int64_t maxpool_kept_bytes(const tc_module *self, const tc_tensor *x, const tc_tensor *y) {
    (void)x;
    return tc_numel(y) * (int64_t)(sizeof(float) + (self->fused ? sizeof(uint8_t) : sizeof(uint16_t)));
}

static void maxpool_describe(const tc_module *self, tc_graph_node *node) {
    (void)self;
    node->op = TC_GRAPH_MAXPOOL2D;
}

static void avgpool_describe(const tc_module *self, tc_graph_node *node) {
    node->op = TC_GRAPH_AVGPOOL2D;
    node->count_exclude_pad = ((const pool2d *)self)->options.count_exclude_pad;
}

static const tc_module_type maxpool = {.name = "maxpool2d",
                                       .forward = maxpool_forward,
                                       .describe = maxpool_describe,
                                       .window = pool_window,
                                       .kept_bytes = maxpool_kept_bytes,
                                       .halves = halves};
static const tc_module_type avgpool = {
    .name = "avgpool2d", .forward = avgpool_forward, .describe = avgpool_describe, .window = pool_window};

static tc_module *pool_new(const tc_module_type *type, tc_pool2d_options options) {
    if (options.stride == 0) options.stride = options.kernel_size;
    options.dilation = tci_or_one(options.dilation);
    if (!tci_extent(type->name, "kernel_size", options.kernel_size, 1) ||
        !tci_extent(type->name, "stride", options.stride, 1) ||
        !tci_extent(type->name, "padding", options.padding, 0) ||
        !tci_extent(type->name, "dilation", options.dilation, 1))
        return NULL;
    if (2 * tc_hw_height(options.padding) > tc_hw_height(options.kernel_size) ||
        2 * tc_hw_width(options.padding) > tc_hw_width(options.kernel_size)) {
        tc_fail(TC_ERR_ARGUMENT, "%s: padding (%d, %d) is more than half of kernel_size (%d, %d)", type->name,
                tc_hw_height(options.padding), tc_hw_width(options.padding),
                tc_hw_height(options.kernel_size), tc_hw_width(options.kernel_size));
        return NULL;
    }
    pool2d *self = tci_module_new(type, sizeof *self);
    if (!self) return NULL;
    self->options = options;
    return &self->base;
}

tc_module *tc_nn_maxpool2d_from(tc_pool2d_options options) {
    return pool_new(&maxpool, options);
}

tc_module *tc_nn_avgpool2d_from(tc_pool2d_options options) {
    if (options.dilation != 0 && options.dilation != 1) {
        tc_fail(TC_ERR_ARGUMENT, "avgpool2d: there is no dilation for average pooling");
        return NULL;
    }
    return pool_new(&avgpool, options);
}

/* ---- Windows that divide the picture ------------------------------------------------------------------ */

typedef struct adaptive {
    tc_module base;
    tc_hw output_size;
} adaptive;

static tc_tensor *adaptive_forward(tc_module *self, tci_run *run, tc_tensor *x) {
    return tc_adaptive_avgpool2d(run->tape, x, ((adaptive *)self)->output_size);
}

/* The largest window [floor(i L / out), ceil((i + 1) L / out)) of an axis. */
static int64_t largest_window(int64_t length, int64_t out) {
    int64_t largest = 0;
    for (int64_t i = 0; i < out; i++) {
        int64_t extent = ((i + 1) * length + out - 1) / out - i * length / out;
        if (extent > largest) largest = extent;
    }
    return largest;
}

static tci_reach adaptive_window(const tc_module *self, const tc_tensor *x) {
    tc_hw size = ((const adaptive *)self)->output_size;
    int64_t height = x->shape[2], width = x->shape[3], rows = tc_hw_height(size), columns = tc_hw_width(size);
    return (tci_reach){
        {{.kernel = largest_window(height, rows), .stride = (height + rows - 1) / rows, .dilation = 1},
         {.kernel = largest_window(width, columns),
          .stride = (width + columns - 1) / columns,
          .dilation = 1}},
        true};
}

static void adaptive_describe(const tc_module *self, tc_graph_node *node) {
    (void)self;
    node->op = TC_GRAPH_ADAPTIVE_AVGPOOL2D;
}

static const tc_module_type adaptive_avgpool = {.name = "adaptive_avgpool2d",
                                                .forward = adaptive_forward,
                                                .describe = adaptive_describe,
                                                .window = adaptive_window};

tc_module *tc_nn_adaptive_avgpool2d(tc_hw output_size) {
    if (!tci_extent("adaptive_avgpool2d", "output_size", output_size, 1)) return NULL;
    adaptive *self = tci_module_new(&adaptive_avgpool, sizeof *self);
    if (!self) return NULL;
    self->output_size = output_size;
    return &self->base;
}

/* ---- The whole picture -------------------------------------------------------------------------------- */

static tc_tensor *global_forward(tc_module *self, tci_run *run, tc_tensor *x) {
    (void)self;
    return tc_global_avgpool2d(run->tape, x);
}

static tci_reach global_window(const tc_module *self, const tc_tensor *x) {
    (void)self;
    return (tci_reach){{{.kernel = x->shape[2], .stride = x->shape[2], .dilation = 1},
                        {.kernel = x->shape[3], .stride = x->shape[3], .dilation = 1}},
                       true};
}

static const tc_module_type global_avgpool = {.name = "global_avgpool2d",
                                              .forward = global_forward,
                                              .describe = adaptive_describe,
                                              .window = global_window};

tc_module *tc_nn_global_avgpool2d(void) {
    return tci_module_new(&global_avgpool, sizeof(tc_module));
}
