/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/scatter.c - a copy of data with some places overwritten or reduced into,
 * in the order of the updates; ONNX ScatterElements-18, ScatterND-18 and the older name
 * Scatter-11.  Every index is checked before anything is written. */
#include "engine/ops/grads.h"
#include "engine/index.h"
#include "engine/op.h"
#include "engine/strided.h"
#include "kernels/scatter.h"

typedef struct scatter_params {
    int64_t axis; /* ScatterElements only */
    const char *reduction;
} scatter_params;

/* How n updates are written at one place. */
typedef struct scatter_write {
    qn_scatter_fn *reduce; /* NULL: copy, or half floats by way of qn_tensor */
    int reduction;         /* -1: none */
    quern_dtype dtype;
    size_t size;
} scatter_write;

static int reduction_of(const char *name)
{
    static const char *const names[] = {"add", "mul", "max", "min"};
    for (int i = 0; i < QN_SCATTER_REDUCTIONS; i++)
        if (strcmp(name, names[i]) == 0) return i;
    return strcmp(name, "none") == 0 ? -1 : -2;
}

static quern_status scatter_check(const qn_node *node, quern_error *err)
{
    const scatter_params *p = node->params;
    if (reduction_of(p->reduction) == -2)
        return qn_fail(err, QUERN_INVALID, "reduction '%s' is not known", p->reduction);
    return QUERN_OK;
}

static quern_status choose_write(const scatter_params *p, quern_dtype dtype,
                                 scatter_write *w, quern_error *err)
{
    static const struct {
        quern_dtype dtype;
        int type;
    } types[] = {
        {QUERN_FLOAT, QN_SCATTER_FLOAT}, {QUERN_DOUBLE, QN_SCATTER_DOUBLE},
        {QUERN_INT8, QN_SCATTER_INT8},   {QUERN_UINT8, QN_SCATTER_UINT8},
        {QUERN_INT16, QN_SCATTER_INT16}, {QUERN_UINT16, QN_SCATTER_UINT16},
        {QUERN_INT32, QN_SCATTER_INT32}, {QUERN_UINT32, QN_SCATTER_UINT32},
        {QUERN_INT64, QN_SCATTER_INT64}, {QUERN_UINT64, QN_SCATTER_UINT64},
    };
    *w = (scatter_write){.reduction = reduction_of(p->reduction),
                         .dtype = dtype,
                         .size = qn_dtype_size(dtype)};
    if (w->reduction < 0 || qn_dtype_is_half(dtype)) return QUERN_OK;
    int reduction = w->reduction;
    if (dtype == QUERN_BOOL) { /* add is or, mul is and */
        reduction = reduction == QN_SCATTER_ADD   ? QN_SCATTER_MAX
                    : reduction == QN_SCATTER_MUL ? QN_SCATTER_MIN
                                                  : reduction;
        dtype = QUERN_UINT8;
    }
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].dtype == dtype)
            w->reduce = qn_scatter_kernel(types[i].type, reduction);
    if (!w->reduce)
        return qn_fail(err, QUERN_UNSUPPORTED, "reduction '%s' of %s", p->reduction,
                       quern_dtype_name(dtype));
    return QUERN_OK;
}

/* float16 and bfloat16: one by one, in double. */
static void reduce_half(const scatter_write *w, int64_t n, void *to, const void *from)
{
    qn_tensor y = {.dtype = w->dtype, .rank = 1, .dim = {n}, .data = to};
    const qn_tensor x = {
        .dtype = w->dtype, .rank = 1, .dim = {n}, .data = (void *)from};
    for (int64_t i = 0; i < n; i++) {
        double a = qn_get_real(&y, i), b = qn_get_real(&x, i);
        bool keep =
            w->reduction == QN_SCATTER_MAX ? b <= a || a != a : b >= a || a != a;
        double r = w->reduction == QN_SCATTER_ADD   ? a + b
                   : w->reduction == QN_SCATTER_MUL ? a * b
                   : keep                           ? a
                                                    : b;
        qn_set_real(&y, i, r);
    }
}

static void write_block(const scatter_write *w, int64_t n, void *to, const void *from)
{
    if (w->reduction < 0)
        qn_copy_block(to, from, (size_t)n * w->size);
    else if (w->reduce)
        w->reduce(n, to, from);
    else
        reduce_half(w, n, to, from);
}

static const qn_attr scatter_attrs[] = {
    QN_INT(scatter_params, axis, 0),
    QN_STR(scatter_params, reduction, "none"),
    QN_ATTRS_END,
};

static void copy_data(const qn_instr *i)
{
    size_t bytes = qn_tensor_bytes(i->in[0]);
    if (bytes) memcpy(i->out[0]->data, i->in[0]->data, bytes);
}

/* ScatterElements ------------------------------------------------------------------ */

static quern_status elements_infer(const qn_infer *x, quern_error *err)
{
    const scatter_params *p = x->params;
    const qn_tensor *in = x->in[0], *index = x->in[1];
    int axis;
    QN_TRY(qn_axis(p->axis, in->rank, false, &axis, err));
    if (!qn_same_shape(index, x->in[2]) || x->in[2]->dtype != in->dtype)
        return qn_fail(err, QUERN_SHAPE, "updates %s %s for indices %s of %s data",
                       quern_dtype_name(x->in[2]->dtype), QN_SHAPE(x->in[2]),
                       QN_SHAPE(index), quern_dtype_name(in->dtype));
    bool fits = index->rank == in->rank;
    for (int d = 0; fits && d < in->rank; d++)
        fits = d == axis || index->dim[d] <= in->dim[d];
    if (!fits)
        return qn_fail(err, QUERN_SHAPE, "indices %s do not fit into %s off axis %d",
                       QN_SHAPE(index), QN_SHAPE(in), axis);
    qn_copy_shape(x->out[0], in);
    return QUERN_OK;
}

static quern_status elements_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    const scatter_params *p = i->params;
    const qn_tensor *in = i->in[0], *index = i->in[1];
    int axis, rank = in->rank;
    scatter_write w;
    QN_TRY(qn_axis(p->axis, rank, false, &axis, err));
    QN_TRY(choose_write(p, in->dtype, &w, err));
    QN_TRY(qn_check_indices(index, in->dim[axis], err));
    copy_data(i);
    int64_t n = qn_tensor_count(index), stride[QUERN_MAX_RANK],
            at[QUERN_MAX_RANK] = {0};
    int64_t base = 0, step; /* offset of the row but for the axis */
    qn_row_major(rank, in->dim, stride);
    step = stride[axis];
    stride[axis] = 0;
    char *to = i->out[0]->data;
    const char *from = i->in[2]->data;
    int64_t row = index->dim[rank - 1], last = stride[rank - 1];
    for (int64_t k = 0; k < n; k += row) {
        for (int64_t j = 0; j < row; j++) {
            int64_t off =
                base + j * last + qn_index(index, k + j, in->dim[axis]) * step;
            write_block(&w, 1, to + (size_t)off * w.size,
                        from + (size_t)(k + j) * w.size);
        }
        for (int d = rank - 2; d >= 0; d--) {
            base += stride[d];
            if (++at[d] < index->dim[d]) break;
            base -= at[d] * stride[d];
            at[d] = 0;
        }
    }
    return QUERN_OK;
}

const qn_op qn_op_scatter_elements = {
    .name = "ScatterElements",
    .since = 18,
    .first = 11,
    .min_in = 3,
    .max_in = 3,
    .attrs = scatter_attrs,
    .params_size = sizeof(scatter_params),
    .types = {QN_T_ALL, QN_T_INDEX, QN_T_ALL},
    .check = scatter_check,
    .infer = elements_infer,
    .grad = qn_grad_scatter_elements,
    .run = elements_run,
};

const qn_op qn_op_scatter = {
    .name = "Scatter",
    .since = 11,
    .first = 9,
    .min_in = 3,
    .max_in = 3,
    .attrs = scatter_attrs,
    .params_size = sizeof(scatter_params),
    .types = {QN_T_ALL, QN_T_INDEX, QN_T_ALL},
    .check = scatter_check,
    .infer = elements_infer,
    .run = elements_run,
};

/* ScatterND ------------------------------------------------------------------------ */

static quern_status nd_infer(const qn_infer *x, quern_error *err)
{
    const qn_tensor *in = x->in[0], *index = x->in[1], *up = x->in[2];
    int q = index->rank;
    if (q < 1 || index->dim[q - 1] > in->rank || up->dtype != in->dtype)
        return qn_fail(err, QUERN_SHAPE, "indices %s and %s updates for %s data %s",
                       QN_SHAPE(index), quern_dtype_name(up->dtype),
                       quern_dtype_name(in->dtype), QN_SHAPE(in));
    int depth = (int)index->dim[q - 1];
    bool fits = up->rank == q - 1 + in->rank - depth;
    for (int d = 0; fits && d < up->rank; d++)
        fits = up->dim[d] == (d < q - 1 ? index->dim[d] : in->dim[d - (q - 1) + depth]);
    if (!fits)
        return qn_fail(err, QUERN_SHAPE, "updates %s for indices %s and data %s",
                       QN_SHAPE(up), QN_SHAPE(index), QN_SHAPE(in));
    qn_copy_shape(x->out[0], in);
    return QUERN_OK;
}

/* Offset in elements that index tuple k names. */
static quern_status tuple_offset(const qn_instr *i, int64_t k, int64_t *off,
                                 quern_error *err)
{
    const qn_tensor *in = i->in[0], *index = i->in[1];
    int depth = (int)index->dim[index->rank - 1];
    *off = 0;
    for (int d = 0; d < depth; d++) {
        int64_t at = qn_index(index, k * depth + d, in->dim[d]);
        if (at < 0)
            return qn_fail(err, QUERN_DATA, "index %lld at tuple %lld, of %lld",
                           (long long)qn_index_raw(index, k * depth + d), (long long)k,
                           (long long)in->dim[d]);
        *off = *off * in->dim[d] + at;
    }
    *off *= qn_dims_count(in, depth, in->rank);
    return QUERN_OK;
}

static quern_status nd_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    const qn_tensor *in = i->in[0], *index = i->in[1];
    scatter_write w;
    QN_TRY(choose_write(i->params, in->dtype, &w, err));
    int64_t n = qn_dims_count(index, 0, index->rank - 1), off;
    int64_t block = qn_dims_count(in, (int)index->dim[index->rank - 1], in->rank);
    for (int64_t k = 0; k < n; k++)
        QN_TRY(tuple_offset(i, k, &off, err));
    copy_data(i);
    for (int64_t k = 0; k < n; k++) {
        QN_TRY(tuple_offset(i, k, &off, err));
        write_block(&w, block, (char *)i->out[0]->data + (size_t)off * w.size,
                    (const char *)i->in[2]->data + (size_t)(k * block) * w.size);
    }
    return QUERN_OK;
}

static const qn_attr nd_attrs[] = {
    QN_STR(scatter_params, reduction, "none"),
    QN_ATTRS_END,
};

const qn_op qn_op_scatter_nd = {
    .name = "ScatterND",
    .since = 18,
    .first = 11,
    .min_in = 3,
    .max_in = 3,
    .attrs = nd_attrs,
    .params_size = sizeof(scatter_params),
    .types = {QN_T_ALL, QN_T_I64, QN_T_ALL},
    .check = scatter_check,
    .infer = nd_infer,
    .grad = qn_grad_scatter_nd,
    .run = nd_run,
};
