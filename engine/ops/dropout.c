/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/dropout.c - Dropout-22: Y = X while not training; else each element is
 * kept with probability 1 - ratio and scaled by 1 / (1 - ratio).  Before opset 12 the
 * ratio was an attribute and running a model never dropped; before 10 the mask had X's
 * type. */
#include "engine/grad.h"
#include "engine/rng.h"
#include "kernels/convert.h"

#include <string.h>

typedef struct dropout_params {
    int64_t seed;       /* bits of the float */
    int64_t typed_mask; /* the mask has X's type */
    const char *key;    /* of the random numbers, if not Y's name */
} dropout_params;

static const qn_attr dropout_attrs[] = {
    QN_INT(dropout_params, seed, 0),
    QN_INT(dropout_params, typed_mask, 0),
    QN_STR(dropout_params, key, ""),
    QN_ATTRS_END,
};

static quern_status dropout_lower(qn_graph *g, qn_node *node, quern_error *err)
{
    (void)g;
    const qn_attr_value *seed = qn_node_attr(node, "seed");
    if (node->opset == QN_OPSET_NEWEST) return QUERN_OK;
    qn_node_drop_attr(node, "typed_mask"); /* ours, no file's */
    qn_node_drop_attr(node, "key");
    if (node->opset < 12) {
        qn_node_drop_attr(node, "ratio");
        qn_node_drop_attr(node, "is_test");
        qn_node_drop_attr(node, "consumed_inputs");
        if (node->opset < 10) QN_TRY(qn_node_set_int(node, "typed_mask", 1, err));
    }
    if (seed && seed->kind == QN_ATTR_FLOAT)
        return qn_node_set_int(node, "seed", (int64_t)seed->f, err);
    return QUERN_OK;
}

static quern_dtype dropout_dtype(const qn_node *node, int i)
{
    const dropout_params *p = node->params;
    if (i == 1 && !p->typed_mask) return QUERN_BOOL;
    return node->in[0]->dtype;
}

static quern_status dropout_infer(const qn_infer *x, quern_error *err)
{
    if (x->n_out > 1 && x->out[1]) qn_copy_shape(x->out[1], x->in[0]);
    return qn_infer_same(x, err);
}

/* Fills n elements of a type with one. */
static void fill_ones(qn_tensor *t)
{
    const double one = 1;
    size_t size = qn_dtype_size(t->dtype);
    char element[16];
    int64_t n = qn_tensor_count(t);
    qn_convert(&one, QN_E_F64, element, (enum qn_elem)t->dtype, 1, 0);
    for (int64_t i = 0; i < n; i++)
        memcpy((char *)t->data + (size_t)i * size, element, size);
}

static void drop(const qn_tensor *x, double ratio, const qn_rng *rng, qn_tensor *y,
                 uint8_t *mask)
{
    enum { BLOCK = 256 };
    double block[BLOCK];
    enum qn_elem type = (enum qn_elem)x->dtype;
    size_t size = qn_dtype_size(x->dtype);
    int64_t n = qn_tensor_count(x);
    for (int64_t i = 0; i < n; i += BLOCK) {
        int64_t m = n - i < BLOCK ? n - i : BLOCK;
        qn_convert((const char *)x->data + (size_t)i * size, type, block, QN_E_F64, m,
                   0);
        for (int64_t k = 0; k < m; k++) {
            bool keep = qn_rng_uniform(rng, (uint64_t)(i + k)) >= ratio;
            block[k] = keep ? block[k] / (1 - ratio) : 0;
            if (mask) mask[i + k] = keep;
        }
        if (y)
            qn_convert(block, QN_E_F64, (char *)y->data + (size_t)i * size, type, m, 0);
    }
}

static const char *key_of(const qn_node *node)
{
    return node->out[0] ? node->out[0]->name : "mask";
}

/* The same numbers drop the same elements: no mask is kept. */
static quern_status dropout_grad(qn_grad *g, const qn_node *node, quern_error *err)
{
    qn_node *back;
    qn_value *in[3] = {qn_grad_of(g, node, 0)};
    for (int i = 1; i < node->n_in; i++)
        in[i] = node->in[i];
    QN_TRY(qn_grad_node(g, "", "Dropout", node->n_in, in, 1, &back, err));
    QN_TRY(qn_grad_copy_attrs(node, back, err));
    QN_TRY(qn_node_set_str(back, "key", key_of(node), err));
    QN_TRY(qn_grad_append(g, back, err));
    return qn_grad_add(g, node, 0, back->out[0], err);
}

static quern_status dropout_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    const dropout_params *p = i->params;
    const qn_tensor *in = i->in[0], *by = i->n_in > 1 ? i->in[1] : NULL;
    qn_tensor *y = i->out[0], *mask = i->n_out > 1 ? i->out[1] : NULL;
    bool training = i->n_in > 2 && i->in[2] && qn_get_int(i->in[2], 0) != 0;
    double ratio = by ? qn_get_real(by, 0) : 0.5;
    if (training && ratio != 0) {
        if (!(ratio > 0 && ratio < 1))
            return qn_fail(err, QUERN_DATA, "ratio is %g, takes 0 to 1", ratio);
        qn_rng rng =
            qn_rng_make(x->seed, *p->key ? p->key : key_of(i->node), (uint64_t)p->seed);
        drop(in, ratio, &rng, y, mask ? mask->data : NULL);
        return QUERN_OK;
    }
    if (y && y->data != in->data) memcpy(y->data, in->data, qn_tensor_bytes(in));
    if (mask) fill_ones(mask);
    return QUERN_OK;
}

static quern_status dropout_prepare(qn_prep *p, quern_error *err)
{
    const qn_instr *i = p->instr;
    for (int k = 1; k < i->n_in; k++)
        if (i->in[k] && qn_tensor_count(i->in[k]) != 1)
            return qn_fail(err, QUERN_SHAPE, "%s is %s, takes one element",
                           k == 1 ? "ratio" : "training_mode", QN_SHAPE(i->in[k]));
    return QUERN_OK;
}

#define DROPOUT_TYPES (QN_T_FLOATS | (QN_T_FLOAT8 & ~QN_BIT(QUERN_FLOAT8E8M0)))

const qn_op qn_op_dropout = {
    .name = "Dropout",
    .since = 22,
    .min_in = 1,
    .max_in = 3,
    .min_out = 1,
    .max_out = 2,
    .flags = QN_OP_INPLACE | QN_OP_RANDOM,
    .attrs = dropout_attrs,
    .params_size = sizeof(dropout_params),
    .types = {DROPOUT_TYPES, DROPOUT_TYPES, QN_T_BOOL},
    .out_dtype = dropout_dtype,
    .lower = dropout_lower,
    .infer = dropout_infer,
    .prepare = dropout_prepare,
    .grad = dropout_grad,
    .run = dropout_run,
};
