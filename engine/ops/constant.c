/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/constant.c - tensors that stand in the model: ONNX Constant-25 (folded on
 * load) and ConstantOfShape-25 (one value, any shape). */
#include "engine/index.h"
#include "engine/op.h"
#include "engine/strided.h"

/* The one attribute that holds the value, or NULL. */
static const qn_attr_value *constant_attr(const qn_node *node)
{
    static const char *const names[] = {
        "value",      "value_float",  "value_floats",  "value_int",
        "value_ints", "value_string", "value_strings", "sparse_value",
    };
    const qn_attr_value *found = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const qn_attr_value *a = qn_node_attr(node, names[i]);
        if (a && found) return NULL;
        if (a) found = a;
    }
    return found;
}

/* The attribute as a tensor that points into it; data NULL for a kind that is none. */
static qn_tensor constant_view(const qn_attr_value *a)
{
    qn_tensor t = {0};
    switch (a->kind) {
    case QN_ATTR_TENSOR:
    case QN_ATTR_SPARSE:
        return a->tensor ? *a->tensor : t;
    case QN_ATTR_FLOAT:
        qn_set_shape(&t, QUERN_FLOAT, 0, NULL);
        t.data = (void *)&a->f;
        return t;
    case QN_ATTR_INT:
        qn_set_shape(&t, QUERN_INT64, 0, NULL);
        t.data = (void *)&a->i;
        return t;
    case QN_ATTR_STRING:
        qn_set_shape(&t, QUERN_STRING, 0, NULL);
        t.data = (void *)&a->s;
        return t;
    case QN_ATTR_FLOATS:
        qn_set_shape(&t, QUERN_FLOAT, 1, &a->floats.n);
        t.data = (void *)a->floats.v;
        break;
    case QN_ATTR_INTS:
        qn_set_shape(&t, QUERN_INT64, 1, &a->ints.n);
        t.data = (void *)a->ints.v;
        break;
    case QN_ATTR_STRINGS:
        qn_set_shape(&t, QUERN_STRING, 1, &a->strs.n);
        t.data = (void *)a->strs.v;
        break;
    default:
        return t;
    }
    if (!t.data && t.dim[0] == 0) t.data = (void *)a; /* an empty list is a value too */
    return t;
}

static quern_dtype constant_dtype(const qn_node *node, int i)
{
    (void)i;
    const qn_attr_value *a = constant_attr(node);
    return a ? constant_view(a).dtype : QUERN_UNDEFINED;
}

static quern_status constant_check(const qn_node *node, quern_error *err)
{
    const qn_attr_value *a = constant_attr(node);
    if (!a) return qn_fail(err, QUERN_INVALID, "exactly one value attribute is needed");
    if (!constant_view(a).data)
        return qn_fail(err, QUERN_INVALID, "attribute '%s' holds no tensor", a->name);
    return QUERN_OK;
}

static quern_status constant_infer(const qn_infer *x, quern_error *err)
{
    (void)err;
    qn_tensor t = constant_view(constant_attr(x->node));
    x->out[0]->dtype = t.dtype;
    qn_copy_shape(x->out[0], &t);
    return QUERN_OK;
}

static quern_status constant_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    (void)err;
    qn_tensor t = constant_view(constant_attr(i->node));
    size_t bytes = qn_tensor_bytes(&t);
    if (bytes && t.data) memcpy(i->out[0]->data, t.data, bytes);
    return QUERN_OK;
}

typedef struct constant_params {
    qn_tensor *value, *sparse_value;
    float value_float;
    int64_t value_int;
    const char *value_string;
    qn_floats value_floats;
    qn_ints value_ints;
    qn_strs value_strings;
} constant_params;

/* Listed so that they are known; read through the node, where absent differs from 0. */
static const qn_attr constant_attrs[] = {
    QN_TENSOR_ATTR(constant_params, value),
    QN_TENSOR_ATTR(constant_params, sparse_value),
    QN_FLOAT(constant_params, value_float, 0),
    QN_INT(constant_params, value_int, 0),
    QN_STR(constant_params, value_string, ""),
    QN_FLOATS(constant_params, value_floats),
    QN_INTS(constant_params, value_ints),
    QN_STRS(constant_params, value_strings),
    QN_ATTRS_END,
};

const qn_op qn_op_constant = {
    .name = "Constant",
    .since = 25,
    .min_in = 0,
    .max_in = 0,
    .attrs = constant_attrs,
    .params_size = sizeof(constant_params),
    .out_dtype = constant_dtype,
    .check = constant_check,
    .infer = constant_infer,
    .run = constant_run,
};

/* ConstantOfShape ------------------------------------------------------------------ */

typedef struct fill_params {
    qn_tensor *value; /* one element; NULL: float32 zero */
} fill_params;

static quern_dtype fill_dtype(const qn_node *node, int i)
{
    (void)i;
    const fill_params *p = node->params;
    return p->value ? p->value->dtype : QUERN_FLOAT;
}

static quern_status fill_check(const qn_node *node, quern_error *err)
{
    const fill_params *p = node->params;
    if (p->value && qn_tensor_count(p->value) != 1)
        return qn_fail(err, QUERN_INVALID, "attribute 'value' has %lld elements, not 1",
                       (long long)qn_tensor_count(p->value));
    return QUERN_OK;
}

static quern_status fill_infer(const qn_infer *x, quern_error *err)
{
    qn_tensor *y = x->out[0];
    QN_TRY(qn_infer_need(x, 0));
    int64_t n;
    QN_TRY(qn_read_ints(x->in[0], "the shape", QUERN_MAX_RANK, y->dim, &n, err));
    y->rank = (int)n;
    for (int i = 0; i < y->rank; i++)
        if (y->dim[i] < 0)
            return qn_fail(err, QUERN_SHAPE, "dim %d of the shape is %lld", i,
                           (long long)y->dim[i]);
    return QUERN_OK;
}

static quern_status fill_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)err;
    const fill_params *p = i->params;
    const float zero = 0;
    qn_tensor *y = i->out[0];
    qn_fill(x->pool, y->data, qn_tensor_count(y), qn_dtype_size(y->dtype),
            p->value ? p->value->data : &zero);
    return QUERN_OK;
}

static const qn_attr fill_attrs[] = {
    QN_TENSOR_ATTR(fill_params, value),
    QN_ATTRS_END,
};

const qn_op qn_op_constant_of_shape = {
    .name = "ConstantOfShape",
    .since = 25,
    .first = 9,
    .min_in = 1,
    .max_in = 1,
    .attrs = fill_attrs,
    .params_size = sizeof(fill_params),
    .types = {QN_T_I64},
    .out_dtype = fill_dtype,
    .check = fill_check,
    .infer = fill_infer,
    .run = fill_run,
};
