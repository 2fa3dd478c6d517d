/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/optional.c - values that may be missing: ONNX Optional-28,
 * OptionalHasElement-28, OptionalGetElement-28.  An optional with a value is that
 * value; one without is of kind QN_NONE. */
#include "engine/op.h"

typedef struct optional_params {
    int64_t type; /* element type of a missing value */
} optional_params;

static quern_dtype optional_dtype(const qn_node *node, int i)
{
    (void)i;
    const optional_params *p = node->params;
    if (node->n_in > 0 && node->in[0]) return node->in[0]->dtype;
    return p->type > 0 && p->type < 32 ? (quern_dtype)p->type : QUERN_UNDEFINED;
}

static quern_status same_value(const qn_infer *x)
{
    x->out[0]->kind = x->in[0]->kind;
    x->out[0]->dtype = x->in[0]->dtype;
    qn_copy_shape(x->out[0], x->in[0]);
    return QUERN_OK;
}

static quern_status optional_infer(const qn_infer *x, quern_error *err)
{
    (void)err;
    if (x->n_in > 0 && x->in[0]) return same_value(x);
    x->out[0]->kind = QN_NONE;
    x->out[0]->rank = 0;
    return QUERN_OK;
}

static quern_status optional_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    if (i->n_in > 0 && i->in[0]) return qn_run_copy(i, x, err);
    i->out[0]->kind = QN_NONE;
    return QUERN_OK;
}

static const qn_attr optional_attrs[] = {
    {QN_ATTR_AT(optional_params, type), .kind = QN_ATTR_TYPE},
    QN_ATTRS_END,
};

const qn_op qn_op_optional = {
    .name = "Optional",
    .since = 28,
    .first = 15,
    .min_in = 0,
    .max_in = 1,
    .flags = QN_OP_VIEW | QN_OP_ANY_KIND,
    .attrs = optional_attrs,
    .params_size = sizeof(optional_params),
    .out_dtype = optional_dtype,
    .infer = optional_infer,
    .run = optional_run,
};

static quern_status has_infer(const qn_infer *x, quern_error *err)
{
    (void)err;
    x->out[0]->rank = 0;
    return QUERN_OK;
}

static quern_status has_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    (void)err;
    *(uint8_t *)i->out[0]->data = i->n_in > 0 && i->in[0] && i->in[0]->kind != QN_NONE;
    return QUERN_OK;
}

const qn_op qn_op_optional_has_element = {
    .name = "OptionalHasElement",
    .since = 28,
    .first = 15,
    .min_in = 0,
    .max_in = 1,
    .flags = QN_OP_ANY_KIND,
    .out_type = QUERN_BOOL,
    .infer = has_infer,
    .run = has_run,
};

static quern_status get_infer(const qn_infer *x, quern_error *err)
{
    if (x->in[0]->kind == QN_NONE)
        return qn_fail(err, QUERN_DATA, "the optional has no value");
    return same_value(x);
}

const qn_op qn_op_optional_get_element = {
    .name = "OptionalGetElement",
    .since = 28,
    .first = 15,
    .min_in = 1,
    .max_in = 1,
    .flags = QN_OP_VIEW | QN_OP_ANY_KIND,
    .infer = get_infer,
    .run = qn_run_copy,
};
