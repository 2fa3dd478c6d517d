/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/sequence_split.c - between one tensor and a sequence of its parts: ONNX
 * SplitToSequence-24 and ConcatFromSequence-11. */
#include "engine/index.h"
#include "engine/op.h"
#include "engine/strided.h"

typedef struct split_params {
    int64_t axis, keepdims;
} split_params;

static quern_status split_infer(const qn_infer *x, quern_error *err)
{
    const split_params *p = x->params;
    int axis;
    QN_TRY(qn_axis(p->axis, x->in[0]->rank, false, &axis, err));
    if (x->n_in > 1 && x->in[1] && x->in[1]->rank > 1)
        return qn_fail(err, QUERN_SHAPE, "split %s has rank %d", QN_SHAPE(x->in[1]),
                       x->in[1]->rank);
    x->out[0]->kind = QN_SEQUENCE;
    x->out[0]->rank = 1;
    x->out[0]->dim[0] = 0;
    return QUERN_OK;
}

/* Number of parts and, if all have one size, that size (0: sizes are listed). */
static quern_status count_parts(const qn_tensor *split, int64_t dim, int64_t *n,
                                int64_t *part, quern_error *err)
{
    *part = 1;
    if (split && split->rank == 1) {
        *n = qn_tensor_count(split);
        *part = 0;
        int64_t left = dim;
        for (int64_t k = 0; k < *n; k++) {
            int64_t size = qn_get_int(split, k);
            if (size < 0 || size > left)
                return qn_fail(err, QUERN_DATA,
                               "part %lld has size %lld, %lld are left", (long long)k,
                               (long long)size, (long long)left);
            left -= size;
        }
        if (left)
            return qn_fail(err, QUERN_DATA, "sizes leave %lld of %lld", (long long)left,
                           (long long)dim);
        return QUERN_OK;
    }
    if (split) *part = qn_get_int(split, 0);
    if (*part < 1)
        return qn_fail(err, QUERN_DATA, "parts of size %lld", (long long)*part);
    *n = dim / *part + (dim % *part != 0);
    return QUERN_OK;
}

static quern_status split_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    const split_params *p = i->params;
    const qn_tensor *in = i->in[0], *split = i->n_in > 1 ? i->in[1] : NULL;
    qn_tensor *y = i->out[0];
    int axis;
    int64_t n = 0, part = 1;
    QN_TRY(qn_axis(p->axis, in->rank, false, &axis, err));
    QN_TRY(count_parts(split, in->dim[axis], &n, &part, err));
    y->kind = QN_SEQUENCE;
    y->dtype = in->dtype;
    y->rank = 1;
    y->dim[0] = n;
    QN_TRY(qn_arena_array(x->arena, (size_t)(n ? n : 1), sizeof(qn_tensor), &y->data,
                          err));
    size_t size = qn_dtype_size(in->dtype);
    int64_t inner = qn_dims_count(in, axis + 1, in->rank);
    int64_t outer = qn_dims_count(in, 0, axis), left = in->dim[axis];
    const char *from = in->data;
    for (int64_t k = 0; k < n; k++) {
        qn_tensor *item = (qn_tensor *)y->data + k;
        int64_t m = part == 0 ? qn_get_int(split, k) : left < part ? left : part;
        qn_set_shape(item, in->dtype, in->rank, in->dim);
        item->dim[axis] = m;
        QN_TRY(qn_tensor_alloc(x->arena, item, err));
        qn_strided box = {.size = size,
                          .rank = 2,
                          .dim = {outer, m * inner},
                          .to = {m * inner, 1},
                          .from = {in->dim[axis] * inner, 1}};
        qn_strided_copy(x->pool, &box, item->data, from);
        from += (size_t)(m * inner) * size;
        left -= m;
        if (split || p->keepdims) continue;
        item->rank--; /* the axis has one element */
        for (int d = axis; d < item->rank; d++)
            item->dim[d] = in->dim[d + 1];
    }
    return QUERN_OK;
}

static const qn_attr split_attrs[] = {
    QN_INT(split_params, axis, 0),
    QN_INT(split_params, keepdims, 1),
    QN_ATTRS_END,
};

const qn_op qn_op_split_to_sequence = {
    .name = "SplitToSequence",
    .since = 24,
    .first = 11,
    .min_in = 1,
    .max_in = 2,
    .flags = QN_OP_DYNAMIC,
    .attrs = split_attrs,
    .params_size = sizeof(split_params),
    .types = {QN_T_ALL, QN_T_INDEX},
    .infer = split_infer,
    .run = split_run,
};

/* ConcatFromSequence --------------------------------------------------------------- */

typedef struct concat_params {
    int64_t axis, new_axis;
} concat_params;

static quern_status concat_infer(const qn_infer *x, quern_error *err)
{
    if (x->in[0]->kind != QN_SEQUENCE)
        return qn_fail(err, QUERN_SHAPE, "input 0 is not a sequence");
    x->out[0]->rank = 0;
    return QUERN_OK;
}

/* The shape of all items behind each other; extent: of item k along the axis. */
static quern_status concat_shape(const concat_params *p, const qn_tensor *seq,
                                 qn_tensor *y, int *axis, quern_error *err)
{
    const qn_tensor *items = seq->data;
    bool stack = p->new_axis != 0;
    if (seq->dim[0] == 0) return qn_fail(err, QUERN_DATA, "the sequence is empty");
    int rank = items[0].rank + stack;
    if (rank > QUERN_MAX_RANK)
        return qn_fail(err, QUERN_LIMIT, "rank %d is over the limit of %d", rank,
                       QUERN_MAX_RANK);
    QN_TRY(qn_axis(p->axis, rank, false, axis, err));
    y->rank = rank;
    for (int d = 0; d < rank; d++)
        y->dim[d] = d == *axis ? 0 : items[0].dim[stack && d > *axis ? d - 1 : d];
    for (int64_t k = 0; k < seq->dim[0]; k++) {
        bool same = items[k].rank == items[0].rank && items[k].dtype == seq->dtype;
        for (int d = 0; same && d < items[0].rank; d++)
            same = (!stack && d == *axis) || items[k].dim[d] == items[0].dim[d];
        if (!same)
            return qn_fail(err, QUERN_SHAPE, "item %lld is %s, item 0 is %s",
                           (long long)k, QN_SHAPE(&items[k]), QN_SHAPE(&items[0]));
        if (__builtin_add_overflow(y->dim[*axis], stack ? 1 : items[k].dim[*axis],
                                   &y->dim[*axis]))
            return qn_fail(err, QUERN_SHAPE, "dims along axis %d overflow", *axis);
    }
    return QUERN_OK;
}

static quern_status concat_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    const qn_tensor *seq = i->in[0], *items = seq->data;
    qn_tensor *y = i->out[0];
    int axis;
    y->dtype = seq->dtype;
    QN_TRY(concat_shape(i->params, seq, y, &axis, err));
    QN_TRY(qn_exec_output(x, y, err));
    size_t size = qn_dtype_size(y->dtype);
    int64_t outer = qn_dims_count(y, 0, axis), row = qn_dims_count(y, axis, y->rank);
    char *to = y->data;
    if (outer == 0) return QUERN_OK;
    for (int64_t k = 0; k < seq->dim[0]; k++) {
        int64_t n = qn_tensor_count(&items[k]) / outer;
        qn_strided box = {
            .size = size, .rank = 2, .dim = {outer, n}, .to = {row, 1}, .from = {n, 1}};
        qn_strided_copy(x->pool, &box, to, items[k].data);
        to += (size_t)n * size;
    }
    return QUERN_OK;
}

static const qn_attr concat_attrs[] = {
    QN_REQUIRED(concat_params, axis, QN_ATTR_INT),
    QN_INT(concat_params, new_axis, 0),
    QN_ATTRS_END,
};

const qn_op qn_op_concat_from_sequence = {
    .name = "ConcatFromSequence",
    .since = 11,
    .first = 11,
    .min_in = 1,
    .max_in = 1,
    .flags = QN_OP_DYNAMIC | QN_OP_ANY_KIND,
    .attrs = concat_attrs,
    .params_size = sizeof(concat_params),
    .infer = concat_infer,
    .run = concat_run,
};
