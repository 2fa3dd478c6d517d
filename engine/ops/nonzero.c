/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/nonzero.c - outputs as long as the data says: ONNX NonZero-13 (coordinates
 * of what is not zero) and Compress-28 (slices where a condition holds). */
#include "engine/index.h"
#include "engine/op.h"
#include "engine/strided.h"

/* Whether element i differs from zero; -0 is zero, an empty string too. */
static bool is_nonzero(const qn_tensor *t, int64_t i)
{
    if (t->dtype == QUERN_STRING) return ((const qn_str *)t->data)[i].n != 0;
    if (t->dtype == QUERN_COMPLEX64) {
        const float *z = (const float *)t->data + 2 * i;
        return z[0] != 0 || z[1] != 0;
    }
    if (t->dtype == QUERN_COMPLEX128) {
        const double *z = (const double *)t->data + 2 * i;
        return z[0] != 0 || z[1] != 0;
    }
    if (t->dtype == QUERN_FLOAT) return ((const float *)t->data)[i] != 0;
    if (qn_dtype_is_float(t->dtype)) return qn_get_real(t, i) != 0;
    return qn_get_int(t, i) != 0;
}

static quern_status nonzero_infer(const qn_infer *x, quern_error *err)
{
    (void)err;
    x->out[0]->rank = 2;
    x->out[0]->dim[0] = x->in[0]->rank ? x->in[0]->rank : 1;
    x->out[0]->dim[1] = 0;
    return QUERN_OK;
}

static quern_status nonzero_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    const qn_tensor *in = i->in[0];
    qn_tensor *y = i->out[0];
    int64_t n = qn_tensor_count(in), count = 0;
    for (int64_t k = 0; k < n; k++)
        count += is_nonzero(in, k);
    y->rank = 2;
    y->dim[0] = in->rank ? in->rank : 1;
    y->dim[1] = count;
    QN_TRY(qn_exec_output(x, y, err));
    int64_t *to = y->data, c = 0;
    for (int64_t k = 0; k < n; k++) {
        if (!is_nonzero(in, k)) continue;
        int64_t rest = k;
        to[c] = 0;
        for (int d = in->rank - 1; d >= 0; d--) {
            to[d * count + c] = rest % in->dim[d];
            rest /= in->dim[d];
        }
        c++;
    }
    return QUERN_OK;
}

const qn_op qn_op_nonzero = {
    .name = "NonZero",
    .since = 13,
    .first = 9,
    .min_in = 1,
    .max_in = 1,
    .flags = QN_OP_DYNAMIC,
    .types = {QN_T_PLAIN | QN_T_STRING | QN_T_COMPLEX},
    .out_type = QUERN_INT64,
    .infer = nonzero_infer,
    .run = nonzero_run,
};

/* Compress ------------------------------------------------------------------------- */

typedef struct compress_params {
    int64_t axis; /* INT64_MIN: absent, the input is flattened */
} compress_params;

static quern_status compress_infer(const qn_infer *x, quern_error *err)
{
    const compress_params *p = x->params;
    int axis = 0;
    qn_copy_shape(x->out[0], x->in[0]);
    if (p->axis == INT64_MIN)
        x->out[0]->rank = 1;
    else
        QN_TRY(qn_axis(p->axis, x->in[0]->rank, false, &axis, err));
    if (x->in[1]->rank != 1)
        return qn_fail(err, QUERN_SHAPE, "condition %s has rank %d, not 1",
                       QN_SHAPE(x->in[1]), x->in[1]->rank);
    x->out[0]->dim[axis] = 0;
    return QUERN_OK;
}

static quern_status compress_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    const compress_params *p = i->params;
    const qn_tensor *in = i->in[0];
    const uint8_t *keep = i->in[1]->data;
    qn_tensor *y = i->out[0];
    bool flat = p->axis == INT64_MIN;
    int axis = 0;
    if (!flat) QN_TRY(qn_axis(p->axis, in->rank, false, &axis, err));
    int64_t dim = flat ? qn_tensor_count(in) : in->dim[axis], n = i->in[1]->dim[0];
    int64_t outer = flat ? 1 : qn_dims_count(in, 0, axis), count = 0;
    size_t size = qn_dtype_size(in->dtype);
    size_t block = (flat ? 1 : (size_t)qn_dims_count(in, axis + 1, in->rank)) * size;
    for (int64_t k = 0; k < n; k++) {
        if (keep[k] && k >= dim)
            return qn_fail(err, QUERN_DATA, "condition %lld is true, of %lld",
                           (long long)k, (long long)dim);
        count += keep[k] != 0;
    }
    qn_copy_shape(y, in);
    if (flat) y->rank = 1;
    y->dim[axis] = count;
    QN_TRY(qn_exec_output(x, y, err));
    char *to = y->data;
    for (int64_t o = 0; o < outer; o++)
        for (int64_t k = 0; k < n; k++) {
            if (!keep[k]) continue;
            qn_copy_block(to, (const char *)in->data + (size_t)(o * dim + k) * block,
                          block);
            to += block;
        }
    return QUERN_OK;
}

static const qn_attr compress_attrs[] = {
    QN_INT(compress_params, axis, INT64_MIN),
    QN_ATTRS_END,
};

const qn_op qn_op_compress = {
    .name = "Compress",
    .since = 28,
    .first = 9,
    .min_in = 2,
    .max_in = 2,
    .flags = QN_OP_DYNAMIC,
    .attrs = compress_attrs,
    .params_size = sizeof(compress_params),
    .types = {QN_T_ALL, QN_T_BOOL},
    .infer = compress_infer,
    .run = compress_run,
};
