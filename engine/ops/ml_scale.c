/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/ml_scale.c - features made fit for a model: Scaler-1, Normalizer-1 and
 * Imputer-1 of ai.onnx.ml. */
#include "engine/op.h"

#include <math.h>
#include <string.h>

typedef struct scale_params {
    qn_floats offset, scale, imputed_value_floats;
    qn_ints imputed_value_int64s;
    float replaced_value_float;
    int64_t replaced_value_int64;
    const char *norm;
} scale_params;

static const qn_attr scaler_attrs[] = {QN_FLOATS(scale_params, offset),
                                       QN_FLOATS(scale_params, scale), QN_ATTRS_END};
static const qn_attr normalizer_attrs[] = {QN_STR(scale_params, norm, "MAX"),
                                           QN_ATTRS_END};
static const qn_attr imputer_attrs[] = {QN_FLOATS(scale_params, imputed_value_floats),
                                        QN_INTS(scale_params, imputed_value_int64s),
                                        QN_FLOAT(scale_params, replaced_value_float, 0),
                                        QN_INT(scale_params, replaced_value_int64, 0),
                                        QN_ATTRS_END};

static int64_t features(const qn_tensor *x)
{
    return x->rank > 0 ? x->dim[x->rank - 1] : 1;
}

/* An attribute holds one number for all features or one for each. */
static quern_status per_feature(const char *name, int64_t n, const qn_tensor *x,
                                quern_error *err)
{
    if (n == 1 || n == features(x)) return QUERN_OK;
    return qn_fail(err, QUERN_SHAPE, "%s has %lld values for %lld features", name,
                   (long long)n, (long long)features(x));
}

static quern_status scaler_infer(const qn_infer *x, quern_error *err)
{
    const scale_params *p = x->params;
    if (p->offset.v) QN_TRY(per_feature("offset", p->offset.n, x->in[0], err));
    if (p->scale.v) QN_TRY(per_feature("scale", p->scale.n, x->in[0], err));
    return qn_infer_same(x, err);
}

static double feature(const qn_floats *v, int64_t c, double otherwise)
{
    return !v->v ? otherwise : (double)v->v[v->n == 1 ? 0 : c];
}

static quern_status scaler_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    (void)err;
    const scale_params *p = i->params;
    const qn_tensor *in = i->in[0];
    const int64_t n = qn_tensor_count(in), columns = features(in);
    float *y = i->out[0]->data;
    for (int64_t k = 0; k < n; k++)
        y[k] = (float)((qn_get_real(in, k) - feature(&p->offset, k % columns, 0)) *
                       feature(&p->scale, k % columns, 1));
    return QUERN_OK;
}

static quern_status normalizer_check(const qn_node *node, quern_error *err)
{
    const char *norm = ((const scale_params *)node->params)->norm;
    if (strcmp(norm, "MAX") == 0 || strcmp(norm, "L1") == 0 || strcmp(norm, "L2") == 0)
        return QUERN_OK;
    return qn_fail(err, QUERN_INVALID, "norm is \"%.40s\"", norm);
}

static double norm_of(const char *norm, const qn_tensor *x, int64_t from, int64_t n)
{
    double max = -HUGE_VAL, sum = 0, squares = 0;
    for (int64_t k = from; k < from + n; k++) {
        const double v = qn_get_real(x, k);
        max = fmax(max, v);
        sum += fabs(v);
        squares += v * v;
    }
    return norm[0] == 'M' ? max : norm[1] == '1' ? sum : sqrt(squares);
}

static quern_status normalizer_run(const qn_instr *i, const qn_exec *x,
                                   quern_error *err)
{
    (void)x;
    (void)err;
    const qn_tensor *in = i->in[0];
    const int64_t n = qn_tensor_count(in), columns = features(in);
    float *y = i->out[0]->data;
    double by = 1;
    for (int64_t k = 0; k < n; k++) {
        if (k % columns == 0) {
            by = norm_of(((const scale_params *)i->params)->norm, in, k, columns);
            if (by == 0) by = 1;
        }
        y[k] = (float)(qn_get_real(in, k) / by);
    }
    return QUERN_OK;
}

static quern_status imputer_infer(const qn_infer *x, quern_error *err)
{
    const scale_params *p = x->params;
    const bool real = qn_dtype_is_float(x->in[0]->dtype);
    const int64_t n = real ? p->imputed_value_floats.n : p->imputed_value_int64s.n;
    QN_TRY(per_feature(real ? "imputed_value_floats" : "imputed_value_int64s", n,
                       x->in[0], err));
    return qn_infer_same(x, err);
}

static quern_status imputer_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    (void)err;
    const scale_params *p = i->params;
    const qn_tensor *in = i->in[0];
    const qn_ints *ints = &p->imputed_value_int64s;
    const double old = (double)p->replaced_value_float;
    const int64_t n = qn_tensor_count(in), columns = features(in);
    memcpy(i->out[0]->data, in->data, qn_tensor_bytes(in));
    for (int64_t k = 0; k < n; k++) {
        if (qn_dtype_is_float(in->dtype)) {
            const double v = qn_get_real(in, k);
            if (v == old || (isnan(v) && isnan(old)))
                qn_set_real(i->out[0], k,
                            feature(&p->imputed_value_floats, k % columns, 0));
        } else if (qn_get_int(in, k) == p->replaced_value_int64) {
            qn_set_real(i->out[0], k, (double)ints->v[ints->n == 1 ? 0 : k % columns]);
        }
    }
    return QUERN_OK;
}

#define T_FEATURES (QN_T_F32 | QN_T_F64 | QN_T_INDEX)

/* clang-format off */
const qn_op qn_op_scaler = {
    .name = "Scaler", .domain = "ai.onnx.ml", .since = 1, .min_in = 1, .max_in = 1,
    .attrs = scaler_attrs, .params_size = sizeof(scale_params),
    .types = {T_FEATURES}, .out_type = QUERN_FLOAT,
    .infer = scaler_infer, .run = scaler_run,
};
const qn_op qn_op_normalizer = {
    .name = "Normalizer", .domain = "ai.onnx.ml", .since = 1, .min_in = 1, .max_in = 1,
    .attrs = normalizer_attrs, .params_size = sizeof(scale_params),
    .types = {T_FEATURES}, .out_type = QUERN_FLOAT,
    .check = normalizer_check, .infer = qn_infer_same, .run = normalizer_run,
};
const qn_op qn_op_imputer = {
    .name = "Imputer", .domain = "ai.onnx.ml", .since = 1, .min_in = 1, .max_in = 1,
    .attrs = imputer_attrs, .params_size = sizeof(scale_params),
    .types = {T_FEATURES},
    .infer = imputer_infer, .run = imputer_run,
};
/* clang-format on */
