/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/ml_linear.c - linear models of ai.onnx.ml: LinearRegressor-1 and
 * LinearClassifier-1.  Rows of scores are made in double; a classifier with one score
 * for two labels gets the other one as its complement. */
#include "engine/op.h"
#include "engine/ops/post_transform.h"

typedef struct linear_params {
    qn_floats coefficients, intercepts;
    qn_ints classlabels_ints;
    qn_strs classlabels_strings;
    const char *post_transform;
    int64_t targets, multi_class;
} linear_params;

static const qn_attr regressor_attrs[] = {
    QN_FLOATS(linear_params, coefficients), QN_FLOATS(linear_params, intercepts),
    QN_STR(linear_params, post_transform, "NONE"), QN_INT(linear_params, targets, 1),
    QN_ATTRS_END};
static const qn_attr classifier_attrs[] = {
    QN_REQUIRED(linear_params, coefficients, QN_ATTR_FLOATS),
    QN_FLOATS(linear_params, intercepts),
    QN_STR(linear_params, post_transform, "NONE"),
    QN_INTS(linear_params, classlabels_ints),
    QN_STRS(linear_params, classlabels_strings),
    QN_INT(linear_params, multi_class, 0), /* how it was trained */
    QN_ATTRS_END};

/* A vector is one row. */
static quern_status rows_of(const qn_tensor *x, int64_t *rows, int64_t *columns,
                            quern_error *err)
{
    if (x->rank != 1 && x->rank != 2)
        return qn_fail(err, QUERN_SHAPE, "X is %s, not [rows,features]", QN_SHAPE(x));
    *columns = x->dim[x->rank - 1];
    *rows = x->rank == 2 ? x->dim[0] : 1;
    return QUERN_OK;
}

static quern_status check_sizes(const linear_params *p, const qn_tensor *x,
                                int64_t scores, quern_error *err)
{
    int64_t rows, columns = 0, want;
    QN_TRY(rows_of(x, &rows, &columns, err));
    if (__builtin_mul_overflow(columns, scores, &want) || p->coefficients.n != want ||
        (p->intercepts.n != 0 && p->intercepts.n != scores))
        return qn_fail(
            err, QUERN_SHAPE,
            "%lld coefficients and %lld intercepts for %lld scores of %lld features",
            (long long)p->coefficients.n, (long long)p->intercepts.n, (long long)scores,
            (long long)columns);
    return QUERN_OK;
}

static void scores_of(const linear_params *p, const qn_tensor *x, int64_t row,
                      int64_t n, double *y)
{
    const int64_t columns = x->dim[x->rank - 1];
    for (int64_t k = 0; k < n; k++) {
        double sum = p->intercepts.n ? (double)p->intercepts.v[k] : 0;
        for (int64_t c = 0; c < columns; c++)
            sum += qn_get_real(x, row * columns + c) *
                   (double)p->coefficients.v[k * columns + c];
        y[k] = sum;
    }
}

/* ---- regression ----------------------------------------------------------------- */

static quern_status regressor_check(const qn_node *node, quern_error *err)
{
    const linear_params *p = node->params;
    qn_post post;
    if (p->targets < 1)
        return qn_fail(err, QUERN_INVALID, "targets is %lld", (long long)p->targets);
    return qn_post_named(p->post_transform, &post, err);
}

static quern_status regressor_infer(const qn_infer *x, quern_error *err)
{
    const linear_params *p = x->params;
    int64_t rows = 0, columns = 0;
    QN_TRY(check_sizes(p, x->in[0], p->targets, err));
    QN_TRY(rows_of(x->in[0], &rows, &columns, err));
    qn_set_shape(x->out[0], QUERN_FLOAT, 2, (int64_t[]){rows, p->targets});
    return QUERN_OK;
}

static quern_status regressor_prepare(qn_prep *p, quern_error *err)
{
    (void)err;
    qn_prep_scratch(p, (size_t)p->instr->out[0]->dim[1] * sizeof(double));
    return QUERN_OK;
}

static quern_status regressor_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    const linear_params *p = i->params;
    qn_post post;
    QN_TRY(qn_post_named(p->post_transform, &post, err));
    double *y = i->scratch;
    float *out = i->out[0]->data;
    for (int64_t r = 0; r < i->out[0]->dim[0]; r++) {
        scores_of(p, i->in[0], r, p->targets, y);
        qn_post_transform(post, p->targets, y);
        for (int64_t k = 0; k < p->targets; k++)
            *out++ = (float)y[k];
    }
    return QUERN_OK;
}

/* ---- classification ------------------------------------------------------------- */

static int64_t n_labels(const linear_params *p)
{
    return p->classlabels_strings.v ? p->classlabels_strings.n : p->classlabels_ints.n;
}

/* Scores that the coefficients make: one a label, or one for two labels. */
static int64_t n_scores(const linear_params *p)
{
    return p->intercepts.n > 0 ? p->intercepts.n : n_labels(p);
}

static quern_status classifier_check(const qn_node *node, quern_error *err)
{
    const linear_params *p = node->params;
    qn_post post;
    if ((p->classlabels_ints.n > 0) == (p->classlabels_strings.n > 0))
        return qn_fail(err, QUERN_INVALID,
                       "one of the two kinds of class labels is needed");
    if (n_scores(p) != n_labels(p) && !(n_scores(p) == 1 && n_labels(p) == 2))
        return qn_fail(err, QUERN_INVALID, "%lld scores for %lld labels",
                       (long long)n_scores(p), (long long)n_labels(p));
    return qn_post_named(p->post_transform, &post, err);
}

static quern_dtype classifier_dtype(const qn_node *node, int i)
{
    return i == 1                                      ? QUERN_FLOAT
           : qn_node_attr(node, "classlabels_strings") ? QUERN_STRING
                                                       : QUERN_INT64;
}

static quern_status classifier_infer(const qn_infer *x, quern_error *err)
{
    const linear_params *p = x->params;
    int64_t rows = 0, columns = 0;
    QN_TRY(check_sizes(p, x->in[0], n_scores(p), err));
    QN_TRY(rows_of(x->in[0], &rows, &columns, err));
    if (x->out[0]) qn_set_shape(x->out[0], x->out[0]->dtype, 1, &rows);
    if (x->n_out > 1 && x->out[1])
        qn_set_shape(x->out[1], QUERN_FLOAT, 2, (int64_t[]){rows, n_labels(p)});
    return QUERN_OK;
}

static quern_status classifier_prepare(qn_prep *p, quern_error *err)
{
    (void)err;
    qn_prep_scratch(p, (size_t)n_labels(p->instr->params) * sizeof(double));
    return QUERN_OK;
}

/* The label of a row, and its scores transformed; a softmax of one score says nothing
 * and is left out. */
static int64_t classify(const linear_params *p, qn_post post, double *y)
{
    const int64_t n = n_labels(p);
    int64_t best = 0;
    if (n_scores(p) == n) {
        for (int64_t k = 1; k < n; k++)
            if (y[k] > y[best]) best = k;
        qn_post_transform(post, n, y);
        return best;
    }
    best = y[0] > 0;
    if (post == QN_POST_LOGISTIC) {
        y[1] = y[0];
        y[0] = -y[0];
        qn_post_transform(post, 2, y);
    } else {
        if (post == QN_POST_PROBIT) qn_post_transform(post, 1, y);
        y[1] = y[0];
        y[0] = 1 - y[0];
    }
    return best;
}

static quern_status classifier_run(const qn_instr *i, const qn_exec *x,
                                   quern_error *err)
{
    (void)x;
    const linear_params *p = i->params;
    qn_post post;
    QN_TRY(qn_post_named(p->post_transform, &post, err));
    const int64_t n = n_labels(p);
    int64_t rows = 0, columns = 0;
    QN_TRY(rows_of(i->in[0], &rows, &columns, err));
    double *y = i->scratch;
    for (int64_t r = 0; r < rows; r++) {
        scores_of(p, i->in[0], r, n_scores(p), y);
        const int64_t label = classify(p, post, y);
        if (i->out[0] && p->classlabels_strings.v)
            ((qn_str *)i->out[0]->data)[r] = p->classlabels_strings.v[label];
        else if (i->out[0])
            ((int64_t *)i->out[0]->data)[r] = p->classlabels_ints.v[label];
        for (int64_t k = 0; i->n_out > 1 && i->out[1] && k < n; k++)
            ((float *)i->out[1]->data)[r * n + k] = (float)y[k];
    }
    return QUERN_OK;
}

#define T_FEATURES (QN_T_F32 | QN_T_F64 | QN_T_INDEX)

/* clang-format off */
const qn_op qn_op_linear_regressor = {
    .name = "LinearRegressor", .domain = "ai.onnx.ml", .since = 1,
    .min_in = 1, .max_in = 1,
    .attrs = regressor_attrs, .params_size = sizeof(linear_params),
    .types = {T_FEATURES}, .out_type = QUERN_FLOAT,
    .check = regressor_check, .infer = regressor_infer,
    .prepare = regressor_prepare, .run = regressor_run,
};
const qn_op qn_op_linear_classifier = {
    .name = "LinearClassifier", .domain = "ai.onnx.ml", .since = 1,
    .min_in = 1, .max_in = 1, .min_out = 1, .max_out = 2,
    .attrs = classifier_attrs, .params_size = sizeof(linear_params),
    .types = {T_FEATURES}, .out_dtype = classifier_dtype,
    .check = classifier_check, .infer = classifier_infer,
    .prepare = classifier_prepare, .run = classifier_run,
};
/* clang-format on */
