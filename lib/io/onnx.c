/* onnx.c - ONNX messages (onnx.proto, as Debian's libonnx-dev ships it) by protobuf-c, all in one arena. */
#ifdef TC_HAVE_ONNX
#include "onnx.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "onnx.pb-c.h"
#include "tinycnn/version.h"

/* Raw data of constants is copied as it lies in memory. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "ONNX files are little-endian");

enum { ATTRIBUTES_MAX = 8, INPUTS_MAX = 6, METADATA_MAX = 8, DIMS_MAX = 4 };

struct onnx_node {
    TciOnnx__NodeProto message;
    onnx_model *model;
    TciOnnx__AttributeProto *attributes[ATTRIBUTES_MAX];
    char *inputs[INPUTS_MAX], *outputs[1];
};

struct onnx_model {
    tc_arena *arena;
    bool short_of_memory;
    const char *taken; /* a name that a second constant was to have; NULL: none */
    int node_room, constant_room;
    TciOnnx__ModelProto message;
    TciOnnx__GraphProto graph;
    TciOnnx__OperatorSetIdProto opset, *opsets[1];
    TciOnnx__ValueInfoProto *inputs[1], *outputs[1];
    TciOnnx__StringStringEntryProto *metadata[METADATA_MAX];
    /* Stand for what there is no memory for. */
    onnx_node spare;
    TciOnnx__AttributeProto spare_attribute;
};

static void *take(onnx_model *m, size_t size) {
    void *memory = tc_arena_alloc(m->arena, size);
    if (!memory) m->short_of_memory = true;
    return memory;
}

static char *copy_text(onnx_model *m, const char *text) {
    char *copy = take(m, strlen(text) + 1);
    return copy ? strcpy(copy, text) : (char *)"";
}

onnx_model *tci_onnx_create(tc_arena *arena, int nodes, int constants) {
    onnx_model *m = tc_arena_alloc(arena, sizeof *m);
    if (!m) return NULL;
    *m = (onnx_model){.arena = arena, .node_room = nodes, .constant_room = constants};
    tci_onnx__model_proto__init(&m->message);
    tci_onnx__graph_proto__init(&m->graph);
    tci_onnx__operator_set_id_proto__init(&m->opset);
    m->message.graph = &m->graph;
    m->message.ir_version = ONNX_IR_VERSION;
    m->message.has_ir_version = 1;
    m->message.producer_name = (char *)"tinycnn";
    m->message.producer_version = (char *)tc_version();
    m->opset.domain = (char *)"";
    m->opset.version = ONNX_OPSET;
    m->opset.has_version = 1;
    m->opsets[0] = &m->opset;
    m->message.opset_import = m->opsets;
    m->message.n_opset_import = 1;
    m->message.metadata_props = m->metadata;
    m->graph.input = m->inputs;
    m->graph.output = m->outputs;
    m->graph.node = take(m, (size_t)nodes * sizeof *m->graph.node);
    m->graph.initializer = take(m, (size_t)constants * sizeof *m->graph.initializer);
    return m->short_of_memory ? NULL : m;
}

/* ---- Nodes --------------------------------------------------------------------------------------------- */

onnx_node *tci_onnx_add(onnx_model *m, const char *op, const char *name, const char *const *inputs,
                        const char *output) {
    onnx_node *node = take(m, sizeof *node);
    if (!node) node = &m->spare;
    *node = (onnx_node){.model = m};
    tci_onnx__node_proto__init(&node->message);
    node->message.op_type = copy_text(m, op);
    node->message.name = copy_text(m, name);
    node->message.attribute = node->attributes;
    node->message.input = node->inputs;
    node->message.output = node->outputs;
    while (inputs[node->message.n_input]) {
        node->inputs[node->message.n_input] = copy_text(m, inputs[node->message.n_input]);
        node->message.n_input++;
    }
    node->outputs[0] = copy_text(m, output);
    node->message.n_output = 1;
    if (node != &m->spare) m->graph.node[m->graph.n_node++] = &node->message;
    return node;
}

static TciOnnx__AttributeProto *attribute(onnx_node *node, const char *name,
                                          TciOnnx__AttributeProto__AttributeType type) {
    TciOnnx__AttributeProto *a = take(node->model, sizeof *a);
    if (!a) return &node->model->spare_attribute;
    tci_onnx__attribute_proto__init(a);
    a->name = copy_text(node->model, name);
    a->type = type;
    a->has_type = 1;
    node->attributes[node->message.n_attribute++] = a;
    return a;
}

void tci_onnx_int(onnx_node *node, const char *name, int64_t value) {
    TciOnnx__AttributeProto *a = attribute(node, name, TCI_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    a->i = value;
    a->has_i = 1;
}

void tci_onnx_float(onnx_node *node, const char *name, float value) {
    TciOnnx__AttributeProto *a = attribute(node, name, TCI_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);
    a->f = value;
    a->has_f = 1;
}

void tci_onnx_ints(onnx_node *node, const char *name, int count, const int64_t *values) {
    TciOnnx__AttributeProto *a = attribute(node, name, TCI_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
    a->ints = take(node->model, (size_t)count * sizeof *a->ints);
    if (!a->ints) return;
    memcpy(a->ints, values, (size_t)count * sizeof *a->ints);
    a->n_ints = (size_t)count;
}

/* ---- Constants ----------------------------------------------------------------------------------------- */

static const TciOnnx__TensorProto *find_constant(const onnx_model *m, const char *name) {
    for (size_t i = 0; i < m->graph.n_initializer; i++)
        if (strcmp(m->graph.initializer[i]->name, name) == 0) return m->graph.initializer[i];
    return NULL;
}

/* NULL where the name is taken, or memory is short. */
static const TciOnnx__TensorProto *constant(onnx_model *m, const char *name, int ndim, const int64_t *shape,
                                            int type, const void *bytes, size_t each) {
    const TciOnnx__TensorProto *namesake = find_constant(m, name);
    if (namesake) {
        m->taken = namesake->name;
        return NULL;
    }
    size_t size = each;
    for (int i = 0; i < ndim; i++) size *= (size_t)shape[i];
    TciOnnx__TensorProto *t = take(m, sizeof *t);
    int64_t *dims = take(m, ((size_t)ndim + 1) * sizeof *dims);
    void *copy = take(m, size);
    if (!t || !dims || !copy) return NULL;
    tci_onnx__tensor_proto__init(t);
    if (ndim > 0) memcpy(dims, shape, (size_t)ndim * sizeof *dims);
    memcpy(copy, bytes, size);
    t->name = copy_text(m, name);
    t->dims = dims;
    t->n_dims = (size_t)ndim;
    t->data_type = type;
    t->has_data_type = 1;
    t->raw_data = (ProtobufCBinaryData){.len = size, .data = copy};
    t->has_raw_data = 1;
    m->graph.initializer[m->graph.n_initializer++] = t;
    return t;
}

void tci_onnx_constant(onnx_model *m, const char *name, int ndim, const int64_t *shape, const float *values) {
    constant(m, name, ndim, shape, TCI_ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, values, sizeof *values);
}

/* The name is made of the bits: no two numbers share it, and no locale writes it otherwise. */
const char *tci_onnx_number(onnx_model *m, float value) {
    uint32_t bits;
    char name[24];
    memcpy(&bits, &value, sizeof bits);
    snprintf(name, sizeof name, "number:%08" PRIx32, bits);
    const TciOnnx__TensorProto *number = find_constant(m, name);
    if (!number)
        number = constant(m, name, 0, NULL, TCI_ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, &value, sizeof value);
    return number ? number->name : "";
}

void tci_onnx_constant_ints(onnx_model *m, const char *name, int count, const int64_t *values) {
    constant(m, name, 1, &(int64_t){count}, TCI_ONNX__TENSOR_PROTO__DATA_TYPE__INT64, values, sizeof *values);
}

/* ---- Input, output, notes ------------------------------------------------------------------------------ */

static TciOnnx__ValueInfoProto *value(onnx_model *m, const char *name, int ndim, const int64_t *shape) {
    struct {
        TciOnnx__ValueInfoProto info;
        TciOnnx__TypeProto type;
        TciOnnx__TypeProto__Tensor tensor;
        TciOnnx__TensorShapeProto shape;
        TciOnnx__TensorShapeProto__Dimension dims[DIMS_MAX], *dim[DIMS_MAX];
    } *v = take(m, sizeof *v);
    if (!v) return NULL;
    tci_onnx__value_info_proto__init(&v->info);
    tci_onnx__type_proto__init(&v->type);
    tci_onnx__type_proto__tensor__init(&v->tensor);
    tci_onnx__tensor_shape_proto__init(&v->shape);
    for (int i = 0; i < ndim; i++) {
        tci_onnx__tensor_shape_proto__dimension__init(&v->dims[i]);
        v->dims[i].value_case = i == 0 ? TCI_ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM
                                       : TCI_ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        if (i == 0)
            v->dims[i].dim_param = (char *)"N";
        else
            v->dims[i].dim_value = shape[i];
        v->dim[i] = &v->dims[i];
    }
    v->shape.dim = v->dim;
    v->shape.n_dim = (size_t)ndim;
    v->tensor.elem_type = TCI_ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    v->tensor.has_elem_type = 1;
    v->tensor.shape = &v->shape;
    v->type.value_case = TCI_ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    v->type.tensor_type = &v->tensor;
    v->info.name = copy_text(m, name);
    v->info.type = &v->type;
    return &v->info;
}

void tci_onnx_input(onnx_model *m, const char *name, int ndim, const int64_t *shape) {
    m->inputs[0] = value(m, name, ndim, shape);
    m->graph.n_input = 1;
}

void tci_onnx_output(onnx_model *m, const char *name, int ndim, const int64_t *shape) {
    m->outputs[0] = value(m, name, ndim, shape);
    m->graph.n_output = 1;
}

void tci_onnx_metadata(onnx_model *m, const char *key, const char *text) {
    TciOnnx__StringStringEntryProto *entry = take(m, sizeof *entry);
    if (!entry || m->message.n_metadata_props == METADATA_MAX) return;
    tci_onnx__string_string_entry_proto__init(entry);
    entry->key = copy_text(m, key);
    entry->value = copy_text(m, text);
    m->metadata[m->message.n_metadata_props++] = entry;
}

tc_status tci_onnx_finish(onnx_model *m, const char *graph_name, const void **bytes, size_t *size) {
    m->graph.name = copy_text(m, graph_name);
    if (m->short_of_memory) return tc_fail(TC_ERR_MEMORY, "export: out of memory");
    if (m->taken) return tc_fail(TC_ERR_STATE, "export: two constants are called %s", m->taken);
    *size = tci_onnx__model_proto__get_packed_size(&m->message);
    /* Protocol buffers end at 2 GiB. */
    if (*size > INT32_MAX)
        return tc_fail(TC_ERR_UNSUPPORTED, "export: %zu bytes, an ONNX file holds at most %d", *size,
                       INT32_MAX);
    uint8_t *packed = take(m, *size);
    if (!packed) return TC_ERR_MEMORY;
    tci_onnx__model_proto__pack(&m->message, packed);
    *bytes = packed;
    return TC_OK;
}
#else
typedef int no_onnx; /* a file of C is not empty */
#endif
