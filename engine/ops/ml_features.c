/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/ml_features.c - small feature operators of ai.onnx.ml:
 * ArrayFeatureExtractor-1 (columns by index) and Binarizer-1 (above a threshold). */
#include "engine/index.h"
#include "engine/op.h"
#include "engine/strided.h"

static quern_status extract_infer(const qn_infer *x, quern_error *err)
{
    const qn_tensor *in = x->in[0];
    qn_tensor *y = x->out[0];
    if (in->rank < 1)
        return qn_fail(err, QUERN_SHAPE, "input %s has no columns", QN_SHAPE(in));
    qn_copy_shape(y, in);
    if (in->rank == 1) {
        y->rank = 2;
        y->dim[0] = 1;
    }
    y->dim[y->rank - 1] = qn_tensor_count(x->in[1]);
    return QUERN_OK;
}

static quern_status extract_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    const qn_tensor *in = i->in[0], *index = i->in[1];
    int64_t columns = in->dim[in->rank - 1], rows = qn_dims_count(in, 0, in->rank - 1);
    int64_t n = qn_tensor_count(index);
    size_t size = qn_dtype_size(in->dtype);
    char *y = i->out[0]->data;
    QN_TRY(qn_check_indices(index, columns, err));
    for (int64_t r = 0; r < rows; r++)
        for (int64_t k = 0; k < n; k++, y += size)
            qn_copy_block(y,
                          (const char *)in->data +
                              (size_t)(r * columns + qn_index(index, k, columns)) *
                                  size,
                          size);
    return QUERN_OK;
}

const qn_op qn_op_array_feature_extractor = {
    .name = "ArrayFeatureExtractor",
    .domain = "ai.onnx.ml",
    .since = 1,
    .min_in = 2,
    .max_in = 2,
    .types = {QN_T_ALL, QN_T_I64},
    .infer = extract_infer,
    .run = extract_run,
};

typedef struct binarizer_params {
    float threshold;
} binarizer_params;

static quern_status binarizer_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    (void)err;
    const binarizer_params *p = i->params;
    const qn_tensor *in = i->in[0];
    int64_t n = qn_tensor_count(in);
    for (int64_t k = 0; k < n; k++)
        qn_set_real(i->out[0], k, qn_get_real(in, k) > (double)p->threshold);
    return QUERN_OK;
}

static const qn_attr binarizer_attrs[] = {
    QN_FLOAT(binarizer_params, threshold, 0),
    QN_ATTRS_END,
};

const qn_op qn_op_binarizer = {
    .name = "Binarizer",
    .domain = "ai.onnx.ml",
    .since = 1,
    .min_in = 1,
    .max_in = 1,
    .flags = QN_OP_INPLACE,
    .attrs = binarizer_attrs,
    .params_size = sizeof(binarizer_params),
    .types = {QN_T_F32 | QN_T_F64 | QN_T_INDEX},
    .infer = qn_infer_same,
    .run = binarizer_run,
};
