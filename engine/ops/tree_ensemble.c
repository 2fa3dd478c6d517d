/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/tree_ensemble.c - decision trees whose leaves add to targets; ai.onnx.ml
 * TreeEnsemble-5.  Attributes are arrays of nodes and leaves; prepare turns their
 * tensors into doubles and finds the member set of each node that has one. */
#include "engine/op.h"
#include "engine/ops/post_transform.h"

#include <math.h>
#include <string.h>

typedef struct tree_params {
    int64_t aggregate_function, post_transform, n_targets;
    qn_ints tree_roots, nodes_missing_value_tracks_true, leaf_targetids;
    qn_ints nodes_falsenodeids, nodes_trueleafs, nodes_featureids, nodes_falseleafs;
    qn_ints nodes_truenodeids;
    qn_tensor *nodes_hitrates, *nodes_modes, *leaf_weights, *nodes_splits;
    qn_tensor *membership_values;
} tree_params;

static const qn_attr tree_attrs[] = {
    QN_INT(tree_params, aggregate_function, 1),
    QN_INT(tree_params, post_transform, 0),
    QN_INT(tree_params, n_targets, 1),
    QN_REQUIRED(tree_params, tree_roots, QN_ATTR_INTS),
    QN_INTS(tree_params, nodes_missing_value_tracks_true),
    QN_REQUIRED(tree_params, leaf_targetids, QN_ATTR_INTS),
    QN_REQUIRED(tree_params, nodes_falsenodeids, QN_ATTR_INTS),
    QN_REQUIRED(tree_params, nodes_trueleafs, QN_ATTR_INTS),
    QN_REQUIRED(tree_params, nodes_featureids, QN_ATTR_INTS),
    QN_REQUIRED(tree_params, nodes_falseleafs, QN_ATTR_INTS),
    QN_REQUIRED(tree_params, nodes_truenodeids, QN_ATTR_INTS),
    QN_TENSOR_ATTR(tree_params, nodes_hitrates), /* how often; a hint */
    QN_REQUIRED(tree_params, nodes_modes, QN_ATTR_TENSOR),
    QN_REQUIRED(tree_params, leaf_weights, QN_ATTR_TENSOR),
    QN_REQUIRED(tree_params, nodes_splits, QN_ATTR_TENSOR),
    QN_TENSOR_ATTR(tree_params, membership_values),
    QN_ATTRS_END};

enum { LEQ, LT, GTE, GT, EQ, NEQ, MEMBER, MODES };
enum { AVERAGE, SUM, MIN, MAX };

static quern_status in_range(const char *what, int64_t i, int64_t v, int64_t end,
                             quern_error *err)
{
    if (v >= 0 && v < end) return QUERN_OK;
    return qn_fail(err, QUERN_INVALID, "%s[%lld] is %lld, not below %lld", what,
                   (long long)i, (long long)v, (long long)end);
}

static quern_status check_arrays(const tree_params *p, quern_error *err)
{
    const int64_t nodes = p->nodes_featureids.n, leaves = p->leaf_targetids.n;
    const qn_ints *like[] = {&p->nodes_falsenodeids, &p->nodes_trueleafs,
                             &p->nodes_falseleafs, &p->nodes_truenodeids,
                             &p->nodes_missing_value_tracks_true};
    for (int k = 0; k < 5; k++)
        if (like[k]->n != nodes && (k < 4 || like[k]->v))
            return qn_fail(err, QUERN_INVALID,
                           "a nodes_ attribute has %lld of %lld entries",
                           (long long)like[k]->n, (long long)nodes);
    if (qn_tensor_count(p->nodes_modes) != nodes ||
        qn_tensor_count(p->nodes_splits) != nodes ||
        qn_tensor_count(p->leaf_weights) != leaves ||
        p->nodes_modes->dtype != QUERN_UINT8 ||
        !qn_dtype_is_float(p->nodes_splits->dtype) ||
        (p->membership_values && !qn_dtype_is_float(p->membership_values->dtype)) ||
        !qn_dtype_is_float(p->leaf_weights->dtype))
        return qn_fail(err, QUERN_INVALID,
                       "modes %s, splits %s, weights %s for %lld nodes",
                       QN_SHAPE(p->nodes_modes), QN_SHAPE(p->nodes_splits),
                       QN_SHAPE(p->leaf_weights), (long long)nodes);
    return QUERN_OK;
}

static quern_status tree_check(const qn_node *node, quern_error *err)
{
    const tree_params *p = node->params;
    QN_TRY(check_arrays(p, err));
    if (p->n_targets < 1)
        return qn_fail(err, QUERN_INVALID, "n_targets is %lld",
                       (long long)p->n_targets);
    const int64_t nodes = p->nodes_featureids.n, leaves = p->leaf_targetids.n;
    int64_t members = 0, sets = 0;
    for (int64_t i = 0; i < nodes; i++) {
        QN_TRY(in_range("nodes_truenodeids", i, p->nodes_truenodeids.v[i],
                        p->nodes_trueleafs.v[i] ? leaves : nodes, err));
        QN_TRY(in_range("nodes_falsenodeids", i, p->nodes_falsenodeids.v[i],
                        p->nodes_falseleafs.v[i] ? leaves : nodes, err));
        const int64_t mode = qn_get_int(p->nodes_modes, i);
        QN_TRY(in_range("nodes_modes", i, mode, MODES, err));
        members += mode == MEMBER;
    }
    for (int64_t i = 0; i < leaves; i++)
        QN_TRY(
            in_range("leaf_targetids", i, p->leaf_targetids.v[i], p->n_targets, err));
    for (int64_t i = 0; i < p->tree_roots.n; i++)
        QN_TRY(in_range("tree_roots", i, p->tree_roots.v[i], nodes, err));
    const qn_tensor *sets_of = p->membership_values;
    for (int64_t i = 0; sets_of && i < qn_tensor_count(sets_of); i++)
        sets += isnan(qn_get_real(sets_of, i)) != 0;
    if (sets < members)
        return qn_fail(err, QUERN_INVALID, "%lld member sets for %lld nodes",
                       (long long)sets, (long long)members);
    QN_TRY(in_range("aggregate_function", 0, p->aggregate_function, 4, err));
    return in_range("post_transform", 0, p->post_transform, 5, err);
}

static quern_status tree_infer(const qn_infer *x, quern_error *err)
{
    const tree_params *p = x->params;
    const qn_tensor *in = x->in[0];
    if (in->rank != 2)
        return qn_fail(err, QUERN_SHAPE, "X is %s, not [rows,features]", QN_SHAPE(in));
    for (int64_t i = 0; i < p->nodes_featureids.n; i++)
        QN_TRY(
            in_range("nodes_featureids", i, p->nodes_featureids.v[i], in->dim[1], err));
    qn_set_shape(x->out[0], x->out[0]->dtype, 2, (int64_t[]){in->dim[0], p->n_targets});
    return QUERN_OK;
}

typedef struct tree_state {
    double *split, *weight, *member;
    int64_t *set; /* of a node: where its members begin; NaN ends them */
} tree_state;

static quern_status doubles_of(qn_prep *prep, const qn_tensor *t, double **out,
                               quern_error *err)
{
    const int64_t n = t ? qn_tensor_count(t) : 0;
    void *p;
    QN_TRY(qn_arena_array(prep->arena, (size_t)n, sizeof(double), &p, err));
    *out = p;
    for (int64_t i = 0; i < n; i++)
        (*out)[i] = qn_get_real(t, i);
    return QUERN_OK;
}

static quern_status tree_prepare(qn_prep *prep, quern_error *err)
{
    const tree_params *p = prep->instr->params;
    const int64_t nodes = p->nodes_featureids.n;
    void *state, *set;
    QN_TRY(qn_prep_state(prep, sizeof(tree_state), &state, err));
    tree_state *s = state;
    QN_TRY(doubles_of(prep, p->nodes_splits, &s->split, err));
    QN_TRY(doubles_of(prep, p->leaf_weights, &s->weight, err));
    QN_TRY(doubles_of(prep, p->membership_values, &s->member, err));
    QN_TRY(qn_arena_array(prep->arena, (size_t)nodes, sizeof(int64_t), &set, err));
    s->set = set;
    int64_t at = 0;
    for (int64_t i = 0; i < nodes; i++) {
        if (qn_get_int(p->nodes_modes, i) != MEMBER) continue;
        s->set[i] = at;
        while (!isnan(s->member[at]))
            at++;
        at++;
    }
    size_t bytes;
    if (!qn_size_mul((size_t)p->n_targets, sizeof(double), &bytes))
        return qn_fail(err, QUERN_LIMIT, "%lld targets", (long long)p->n_targets);
    qn_prep_scratch(prep, bytes);
    return QUERN_OK;
}

static bool goes_true(const tree_params *p, const tree_state *s, int64_t i, double x)
{
    const double split = s->split[i];
    if (isnan(x) && p->nodes_missing_value_tracks_true.v)
        return p->nodes_missing_value_tracks_true.v[i] != 0;
    switch (((const uint8_t *)p->nodes_modes->data)[i]) {
    case LEQ:
        return x <= split;
    case LT:
        return x < split;
    case GTE:
        return x >= split;
    case GT:
        return x > split;
    case EQ:
        return x == split;
    case NEQ:
        return x != split;
    default:
        for (int64_t k = s->set[i]; !isnan(s->member[k]); k++)
            if (s->member[k] == x) return true;
        return false;
    }
}

/* The leaf a row of X falls into; a walk longer than there are nodes is a cycle. */
static quern_status find_leaf(const qn_instr *i, int64_t root, int64_t row,
                              int64_t *leaf, quern_error *err)
{
    const tree_params *p = i->params;
    const qn_tensor *x = i->in[0];
    int64_t at = root;
    for (int64_t steps = 0; steps < p->nodes_featureids.n; steps++) {
        const int64_t k = row * x->dim[1] + p->nodes_featureids.v[at];
        const double v = x->dtype == QUERN_FLOAT ? (double)((const float *)x->data)[k]
                                                 : ((const double *)x->data)[k];
        const bool yes = goes_true(p, i->state, at, v);
        const bool ends = (yes ? p->nodes_trueleafs : p->nodes_falseleafs).v[at] != 0;
        at = (yes ? p->nodes_truenodeids : p->nodes_falsenodeids).v[at];
        if (!ends) continue;
        *leaf = at;
        return QUERN_OK;
    }
    return qn_fail(err, QUERN_INVALID, "the tree of root %lld has a cycle",
                   (long long)root);
}

static quern_status tree_row(const qn_instr *i, int64_t row, double *y,
                             quern_error *err)
{
    const tree_params *p = i->params;
    const tree_state *s = i->state;
    const int64_t how = p->aggregate_function;
    const double start = how == MIN ? HUGE_VAL : how == MAX ? -HUGE_VAL : 0;
    for (int64_t k = 0; k < p->n_targets; k++)
        y[k] = start;
    for (int64_t r = 0; r < p->tree_roots.n; r++) {
        int64_t leaf = 0;
        QN_TRY(find_leaf(i, p->tree_roots.v[r], row, &leaf, err));
        double *to = &y[p->leaf_targetids.v[leaf]];
        const double w = s->weight[leaf];
        *to = how == MIN ? fmin(*to, w) : how == MAX ? fmax(*to, w) : *to + w;
    }
    for (int64_t k = 0; how == AVERAGE && k < p->n_targets; k++)
        y[k] /= (double)p->tree_roots.n;
    qn_post_transform((qn_post)p->post_transform, p->n_targets, y);
    return QUERN_OK;
}

static quern_status tree_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    const int64_t n = i->out[0]->dim[1];
    double *y = i->scratch;
    for (int64_t row = 0; row < i->out[0]->dim[0]; row++) {
        QN_TRY(tree_row(i, row, y, err));
        for (int64_t k = 0; k < n; k++)
            qn_set_real(i->out[0], row * n + k, y[k]);
    }
    return QUERN_OK;
}

/* clang-format off */
const qn_op qn_op_tree_ensemble = {
    .name = "TreeEnsemble", .domain = "ai.onnx.ml", .since = 5, .first = 5,
    .min_in = 1, .max_in = 1,
    .flags = QN_OP_HALF_AS_F32,
    .attrs = tree_attrs, .params_size = sizeof(tree_params),
    .types = {QN_T_F32 | QN_T_F64 | QN_BIT(QUERN_FLOAT16)},
    .check = tree_check, .infer = tree_infer, .prepare = tree_prepare, .run = tree_run,
};
/* clang-format on */
