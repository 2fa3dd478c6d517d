/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/sequence.c - lists of tensors of one type: ONNX SequenceEmpty-11,
 * SequenceConstruct-11, SequenceAt-11, SequenceInsert-11, SequenceErase-11 and
 * SequenceLength-11.  A tensor is copied into the run arena when it enters a sequence
 * and when it leaves one; between sequences only the descriptions move. */
#include "engine/index.h"
#include "engine/op.h"

#include <string.h>

static quern_status need_sequence(const qn_tensor *t, quern_error *err)
{
    if (t->kind != QN_SEQUENCE)
        return qn_fail(err, QUERN_SHAPE, "input 0 is a %s, not a sequence",
                       t->kind == QN_TENSOR ? "tensor" : "missing optional");
    return QUERN_OK;
}

static void sequence_shape(qn_tensor *y, quern_dtype dtype, int64_t n)
{
    y->kind = QN_SEQUENCE;
    y->dtype = dtype;
    y->rank = 1;
    y->dim[0] = n;
}

/* Room for n items, zeroed. */
static quern_status sequence_output(const qn_exec *x, qn_tensor *y, quern_dtype dtype,
                                    int64_t n, quern_error *err)
{
    sequence_shape(y, dtype, n);
    return qn_arena_array(x->arena, (size_t)(n > 0 ? n : 1), sizeof(qn_tensor),
                          &y->data, err);
}

/* The position that input i names among n items (from the end where negative). */
static quern_status position(const qn_instr *i, int k, int64_t n, int64_t otherwise,
                             int64_t *out, quern_error *err)
{
    const qn_tensor *t = k < i->n_in ? i->in[k] : NULL;
    int64_t at = otherwise;
    if (t) QN_TRY(qn_scalar_int(t, "position", &at, err));
    *out = at < 0 && t ? at + i->in[0]->dim[0] : at;
    if (*out < 0 || *out >= n)
        return qn_fail(err, QUERN_DATA, "position %lld in a sequence of %lld",
                       (long long)at, (long long)i->in[0]->dim[0]);
    return QUERN_OK;
}

/* SequenceEmpty -------------------------------------------------------------------- */

typedef struct empty_params {
    int64_t dtype;
} empty_params;

static quern_dtype empty_dtype(const qn_node *node, int i)
{
    (void)i;
    return (quern_dtype)((const empty_params *)node->params)->dtype;
}

static quern_status empty_check(const qn_node *node, quern_error *err)
{
    const empty_params *p = node->params;
    if (p->dtype < 1 || p->dtype > 31 || !qn_dtype_size((quern_dtype)p->dtype))
        return qn_fail(err, QUERN_INVALID, "dtype %lld is not known",
                       (long long)p->dtype);
    return QUERN_OK;
}

static quern_status empty_infer(const qn_infer *x, quern_error *err)
{
    (void)err;
    sequence_shape(x->out[0], empty_dtype(x->node, 0), 0);
    return QUERN_OK;
}

static quern_status empty_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    return sequence_output(x, i->out[0], empty_dtype(i->node, 0), 0, err);
}

static const qn_attr empty_attrs[] = {
    QN_INT(empty_params, dtype, QUERN_FLOAT),
    QN_ATTRS_END,
};

const qn_op qn_op_sequence_empty = {
    .name = "SequenceEmpty",
    .since = 11,
    .first = 11,
    .min_in = 0,
    .max_in = 0,
    .flags = QN_OP_DYNAMIC | QN_OP_ANY_KIND,
    .attrs = empty_attrs,
    .params_size = sizeof(empty_params),
    .out_dtype = empty_dtype,
    .check = empty_check,
    .infer = empty_infer,
    .run = empty_run,
};

/* SequenceConstruct ---------------------------------------------------------------- */

static quern_status construct_infer(const qn_infer *x, quern_error *err)
{
    const quern_dtype dtype = x->in[0]->dtype;
    for (int i = 0; i < x->n_in; i++) {
        const qn_tensor *t = x->in[i];
        if (!t || t->kind != QN_TENSOR || t->dtype != dtype)
            return qn_fail(err, QUERN_SHAPE, "input %d is no %s tensor like input 0", i,
                           quern_dtype_name(dtype));
    }
    sequence_shape(x->out[0], dtype, x->n_in);
    return QUERN_OK;
}

static quern_status construct_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    QN_TRY(sequence_output(x, i->out[0], i->in[0]->dtype, i->n_in, err));
    qn_tensor *items = i->out[0]->data;
    for (int k = 0; k < i->n_in; k++)
        QN_TRY(qn_tensor_copy(x->arena, &items[k], i->in[k], err));
    return QUERN_OK;
}

const qn_op qn_op_sequence_construct = {
    .name = "SequenceConstruct",
    .since = 11,
    .first = 11,
    .min_in = 1,
    .max_in = -1,
    .flags = QN_OP_DYNAMIC | QN_OP_ANY_KIND,
    .infer = construct_infer,
    .run = construct_run,
};

/* SequenceAt ----------------------------------------------------------------------- */

static quern_status at_infer(const qn_infer *x, quern_error *err)
{
    x->out[0]->dtype = x->in[0]->dtype;
    x->out[0]->rank = 0;
    return need_sequence(x->in[0], err);
}

static quern_status at_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    int64_t at;
    QN_TRY(position(i, 1, i->in[0]->dim[0], 0, &at, err));
    return qn_tensor_copy(x->arena, i->out[0], (const qn_tensor *)i->in[0]->data + at,
                          err);
}

const qn_op qn_op_sequence_at = {
    .name = "SequenceAt",
    .since = 11,
    .first = 11,
    .min_in = 2,
    .max_in = 2,
    .flags = QN_OP_DYNAMIC | QN_OP_ANY_KIND,
    .types = {QN_T_ALL, QN_T_INDEX},
    .infer = at_infer,
    .run = at_run,
};

/* SequenceInsert ------------------------------------------------------------------- */

static quern_status insert_infer(const qn_infer *x, quern_error *err)
{
    QN_TRY(need_sequence(x->in[0], err));
    if (x->in[1]->kind != QN_TENSOR || x->in[1]->dtype != x->in[0]->dtype)
        return qn_fail(err, QUERN_SHAPE, "a %s item for a sequence of %s",
                       quern_dtype_name(x->in[1]->dtype),
                       quern_dtype_name(x->in[0]->dtype));
    sequence_shape(x->out[0], x->in[0]->dtype, x->in[0]->dim[0] + 1);
    return QUERN_OK;
}

static quern_status insert_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    int64_t n = i->in[0]->dim[0], at;
    QN_TRY(position(i, 2, n + 1, n, &at, err));
    const qn_tensor *from = i->in[0]->data;
    QN_TRY(sequence_output(x, i->out[0], i->in[0]->dtype, n + 1, err));
    qn_tensor *items = i->out[0]->data;
    if (at > 0) memcpy(items, from, (size_t)at * sizeof *items);
    if (at < n) memcpy(items + at + 1, from + at, (size_t)(n - at) * sizeof *items);
    return qn_tensor_copy(x->arena, &items[at], i->in[1], err);
}

const qn_op qn_op_sequence_insert = {
    .name = "SequenceInsert",
    .since = 11,
    .first = 11,
    .min_in = 2,
    .max_in = 3,
    .flags = QN_OP_DYNAMIC | QN_OP_ANY_KIND,
    .types = {QN_T_ALL, QN_T_ALL, QN_T_INDEX},
    .infer = insert_infer,
    .run = insert_run,
};

/* SequenceErase -------------------------------------------------------------------- */

static quern_status erase_infer(const qn_infer *x, quern_error *err)
{
    int64_t n = x->in[0]->dim[0];
    QN_TRY(need_sequence(x->in[0], err));
    sequence_shape(x->out[0], x->in[0]->dtype, n > 0 ? n - 1 : 0);
    return QUERN_OK;
}

static quern_status erase_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    int64_t n = i->in[0]->dim[0], at;
    QN_TRY(position(i, 1, n, n - 1, &at, err));
    const qn_tensor *from = i->in[0]->data;
    QN_TRY(sequence_output(x, i->out[0], i->in[0]->dtype, n - 1, err));
    qn_tensor *items = i->out[0]->data;
    if (at > 0) memcpy(items, from, (size_t)at * sizeof *items);
    if (at < n - 1)
        memcpy(items + at, from + at + 1, (size_t)(n - 1 - at) * sizeof *items);
    return QUERN_OK;
}

const qn_op qn_op_sequence_erase = {
    .name = "SequenceErase",
    .since = 11,
    .first = 11,
    .min_in = 1,
    .max_in = 2,
    .flags = QN_OP_DYNAMIC | QN_OP_ANY_KIND,
    .types = {QN_T_ALL, QN_T_INDEX},
    .infer = erase_infer,
    .run = erase_run,
};

/* SequenceLength ------------------------------------------------------------------- */

static quern_status length_infer(const qn_infer *x, quern_error *err)
{
    x->out[0]->rank = 0;
    return need_sequence(x->in[0], err);
}

static quern_status length_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    (void)err;
    *(int64_t *)i->out[0]->data = i->in[0]->dim[0];
    return QUERN_OK;
}

const qn_op qn_op_sequence_length = {
    .name = "SequenceLength",
    .since = 11,
    .first = 11,
    .min_in = 1,
    .max_in = 1,
    .flags = QN_OP_ANY_KIND,
    .out_type = QUERN_INT64,
    .infer = length_infer,
    .run = length_run,
};
