/* module.h - what every layer is made of.
 *
 * A layer is one source file: a struct that begins with a tc_module, a `static const tc_module_type` with its
 * functions, and a constructor. Nothing else knows the layer: containers, the model and the summary work
 * through the type alone. */
#ifndef TCI_MODULE_H
#define TCI_MODULE_H

#include "tinycnn/graph.h"

/* What one output element sees of the input, and how far apart two neighbours look, in input pixels. Index 0
 * is height, 1 width. */
typedef struct tci_field {
    int64_t size[2], jump[2];
} tci_field;

/* One forward pass. `observe` is NULL except in a summary, which is told of every module that ran. `apart`: every module
 * computes its own result and no other's, which stays, and `seen` is told of it: tc_model_forward_observed(). */
typedef struct tci_run tci_run;
struct tci_run {
    tc_tape *tape;
    tci_field field; /* of the tensor last made; kept by the summary, branched by residual */
    void (*observe)(tci_run *run, const tc_module *module, const tc_tensor *x, const tc_tensor *y);
    void *context;                /* of observe */
    const tc_tensor *summands[2]; /* of the residual block that ran last */
    bool apart;
    tc_layer_observer seen;
    void *seen_context;
};

/* What a module that took the activation behind it over has to apply in this pass. */
static inline tc_activation tci_activation(const tci_run *run, tc_activation taken) {
    return run->apart ? TC_ACTIVATION_NONE : taken;
}

/* The windows through which an output element looks at its layer's input, along height and width. Those that divide
 * the picture have no formula and no padding: their kernel is the largest, their stride the mean distance rounded up. */
typedef struct tci_reach {
    tc_window axis[2];
    bool divides;
} tci_reach;

typedef struct tc_module_type {
    const char *name;         /* "conv2d" */
    bool container;           /* only passes its input through children: no row in the summary */
    bool global;              /* each output element may depend on every pixel; ends the receptive field */
    tc_activation activation; /* which of these the layer is; lets a layer before it take the work over */
    bool pools, gathers; /* the layer can max-pool its result, and gather its moments, in the same pass */
    bool normalises;     /* the layer wants to know the moments of its input */
    bool deferred;       /* of pictures, the layer is left to the next one: nothing is kept of it */

    /* All but forward may be NULL. x and y are input and result of one picture. */
    tc_tensor *(*forward)(tc_module *self, tci_run *run, tc_tensor *x);
    tc_status (*declare)(tc_module *self, tc_model *model);  /* names its own parameters to the model */
    bool (*fuse)(tc_module *self, tc_activation activation); /* true: forward will apply it from now on */
    int64_t (*multiply_adds)(const tc_module *self, const tc_tensor *y);
    tci_reach (*window)(const tc_module *self, const tc_tensor *x);
    int64_t (*kept_bytes)(const tc_module *self, const tc_tensor *x,
                          const tc_tensor *y); /* NULL: the bytes of y */
    void (*describe)(const tc_module *self,
                     tc_graph_node *node); /* op, tensors, numbers; NULL for containers */
    bool (*halves)(const tc_module *self); /* is it 2 x 2 max pooling with stride 2 and nothing else */
} tc_module_type;

struct tc_module {
    const tc_module_type *type;
    char *name;       /* the module's own step of the path; NULL: it adds none */
    const char *path; /* "layer1.0.conv1", in the memory of the model; NULL outside of one */
    tc_module **children;
    int child_count;
    bool owned; /* by a container or a model, which will free it */
    bool fused; /* the module before it computes this one */
    /* For conv2d, set by the container: a 2 x 2 max pooling follows (which is fused, except in a summary), a
     * batch norm. */
    bool pooled, normalised;
};

/* A zeroed layer of `size` bytes that begins with a tc_module; NULL, with the sentence set, if memory is
 * short. */
void *tci_module_new(const tc_module_type *type, size_t size);
/* The same with children, which it takes over. If one is NULL, is part of a net already, or memory is short,
 * frees the others and returns NULL; the sentence of a NULL child's constructor stays. */
void *tci_container_new(const tc_module_type *type, size_t size, tc_module *const *children, int count);
/* Sets a name if there is none yet; false if memory is short. */
bool tci_module_default_name(tc_module *module, const char *name);

/* Runs a module under its own path: failures and recorded nodes carry it. */
tc_tensor *tci_module_forward(tc_module *module, tci_run *run, tc_tensor *x);

/* ---- Declaring parameters; called from tc_module_type.declare ----------------------------------------- */

typedef enum tci_rule {
    TCI_RULE_WEIGHT, /* drawn by fan_in */
    TCI_RULE_BIAS,   /* drawn by fan_in */
    TCI_RULE_ONES,
    TCI_RULE_ZEROS
} tci_rule;

typedef struct tci_declaration {
    const char *name; /* "weight" */
    int ndim;
    int64_t shape[TC_MAX_DIMS];
    tci_rule rule;
    int64_t fan_in;   /* inputs that one output element is a sum of */
    bool hands_on;    /* of a weight (O, C, KH, KW): its first C filters can hand on one channel each */
    bool buffer;      /* not trained */
    tc_tensor **slot; /* where the layer wants its tensor */
} tci_declaration;

tc_status tci_declare(tc_model *model, const tc_module *self, const tci_declaration *declaration);
tc_status tci_declare_counter(tc_model *model, const tc_module *self, const char *name, int64_t **slot);

/* ---- Checking constructor arguments: false with the sentence "LAYER: ..." ----------------------------- */

bool tci_positive(const char *layer, const char *what, int64_t value);
/* Both extents of `value` are in least .. 32767. */
bool tci_extent(const char *layer, const char *what, tc_hw value, int least);

static inline tc_hw tci_or_one(tc_hw value) {
    return value == 0 ? 1 : value;
}

/* The windows of a kernel that slides. */
tci_reach tci_reach_of(tc_hw kernel, tc_hw stride, tc_hw padding, tc_hw dilation, bool ceil_mode);

#endif
