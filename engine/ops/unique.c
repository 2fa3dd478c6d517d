/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/unique.c - distinct elements, or distinct sub-tensors along an axis,
 * sorted or in order of first sight; ONNX Unique-28.  NaNs are equal to each other and
 * last. */
#include "engine/index.h"
#include "engine/op.h"
#include "engine/strided.h"

typedef struct unique_params {
    int64_t axis; /* INT64_MIN: absent, the input is flattened */
    int64_t sorted;
} unique_params;

/* Items along the axis: item k is outer x block elements, outer steps dim*block apart.
 */
typedef struct unique_items {
    const qn_tensor *in;
    int64_t n, outer, block;
} unique_items;

static int compare_items(const unique_items *u, int64_t a, int64_t b)
{
    for (int64_t o = 0; o < u->outer; o++)
        for (int64_t j = 0; j < u->block; j++) {
            int64_t row = o * u->n;
            int order = qn_compare(u->in, (row + a) * u->block + j, u->in,
                                   (row + b) * u->block + j);
            if (order) return order;
        }
    return 0;
}

static bool item_before(const void *ctx, int64_t a, int64_t b)
{
    return compare_items(ctx, a, b) < 0;
}

static quern_status find_items(const qn_tensor *in, const unique_params *p,
                               unique_items *u, int *axis, quern_error *err)
{
    *axis = 0;
    *u = (unique_items){.in = in, .n = qn_tensor_count(in), .outer = 1, .block = 1};
    if (p->axis == INT64_MIN) return QUERN_OK;
    QN_TRY(qn_axis(p->axis, in->rank, false, axis, err));
    u->n = in->dim[*axis];
    u->outer = qn_dims_count(in, 0, *axis);
    u->block = qn_dims_count(in, *axis + 1, in->rank);
    return QUERN_OK;
}

static quern_status unique_infer(const qn_infer *x, quern_error *err)
{
    const unique_params *p = x->params;
    unique_items u;
    int axis;
    QN_TRY(find_items(x->in[0], p, &u, &axis, err));
    for (int i = 0; i < x->n_out; i++) {
        if (!x->out[i]) continue;
        x->out[i]->rank = 1;
        x->out[i]->dim[0] = 0;
    }
    if (x->out[0] && p->axis != INT64_MIN) {
        qn_copy_shape(x->out[0], x->in[0]);
        x->out[0]->dim[axis] = 0;
    }
    return QUERN_OK;
}

static quern_dtype unique_dtype(const qn_node *node, int i)
{
    return i == 0 ? node->in[0]->dtype : QUERN_INT64;
}

static quern_status unique_prepare(qn_prep *p, quern_error *err)
{
    unique_items u;
    int axis;
    QN_TRY(find_items(p->instr->in[0], p->instr->params, &u, &axis, err));
    size_t bytes;
    if (!qn_size_mul((size_t)u.n, 4 * sizeof(int64_t), &bytes))
        return qn_fail(err, QUERN_LIMIT, "%lld items are too many", (long long)u.n);
    qn_prep_scratch(p, bytes);
    return QUERN_OK;
}

/* Groups equal items.  first[g]: the first item of group g, in the order asked for;
 * group[k]: the group of item k.  Returns the number of groups.  spare: n more. */
static int64_t group_items(const unique_items *u, bool sorted, int64_t *order,
                           int64_t *spare, int64_t *first, int64_t *group)
{
    int64_t n = 0;
    for (int64_t k = 0; k < u->n; k++)
        order[k] = k;
    qn_sort_indices(order, spare, u->n, item_before, u);
    for (int64_t k = 0; k < u->n; k++) { /* stable: the first of a group comes first */
        if (k == 0 || compare_items(u, order[k - 1], order[k]) != 0)
            first[n++] = order[k];
        group[order[k]] = n - 1;
    }
    if (sorted) return n;
    /* Number groups anew in the order in which their first items stand. */
    for (int64_t g = 0; g < n; g++)
        spare[g] = -1;
    int64_t seen = 0;
    for (int64_t k = 0; k < u->n; k++) {
        int64_t g = group[k];
        if (spare[g] < 0) {
            spare[g] = seen;
            order[seen++] = k;
        }
        group[k] = spare[g];
    }
    memcpy(first, order, (size_t)n * sizeof *first);
    return n;
}

static void copy_items(const unique_items *u, int64_t n, const int64_t *first, void *to)
{
    size_t block = (size_t)u->block * qn_dtype_size(u->in->dtype);
    char *y = to;
    for (int64_t o = 0; o < u->outer; o++)
        for (int64_t g = 0; g < n; g++) {
            qn_copy_block(
                y, (const char *)u->in->data + (size_t)(o * u->n + first[g]) * block,
                block);
            y += block;
        }
}

static quern_status output_ints(const qn_exec *x, qn_tensor *t, int64_t n,
                                quern_error *err)
{
    t->rank = 1;
    t->dim[0] = n;
    return qn_exec_output(x, t, err);
}

static quern_status unique_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    const unique_params *p = i->params;
    unique_items u;
    int axis;
    QN_TRY(find_items(i->in[0], p, &u, &axis, err));
    int64_t *order = i->scratch, *spare = order + u.n, *first = spare + u.n;
    int64_t *group = first + u.n;
    int64_t n = group_items(&u, p->sorted != 0, order, spare, first, group);
    qn_tensor *y = i->out[0];
    if (y) {
        qn_copy_shape(y, i->in[0]);
        if (p->axis == INT64_MIN) y->rank = 1;
        y->dim[axis] = n;
        QN_TRY(qn_exec_output(x, y, err));
        copy_items(&u, n, first, y->data);
    }
    qn_tensor *indices = i->n_out > 1 ? i->out[1] : NULL;
    if (indices) {
        QN_TRY(output_ints(x, indices, n, err));
        if (n) memcpy(indices->data, first, (size_t)n * sizeof *first);
    }
    qn_tensor *inverse = i->n_out > 2 ? i->out[2] : NULL;
    if (inverse) {
        QN_TRY(output_ints(x, inverse, u.n, err));
        if (u.n) memcpy(inverse->data, group, (size_t)u.n * sizeof *group);
    }
    qn_tensor *counts = i->n_out > 3 ? i->out[3] : NULL;
    if (counts) {
        QN_TRY(output_ints(x, counts, n, err));
        if (n) memset(counts->data, 0, (size_t)n * sizeof(int64_t));
        for (int64_t k = 0; k < u.n; k++)
            ((int64_t *)counts->data)[group[k]]++;
    }
    return QUERN_OK;
}

static const qn_attr unique_attrs[] = {
    QN_INT(unique_params, axis, INT64_MIN),
    QN_INT(unique_params, sorted, 1),
    QN_ATTRS_END,
};

const qn_op qn_op_unique = {
    .name = "Unique",
    .since = 28,
    .first = 11,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 4,
    .flags = QN_OP_DYNAMIC,
    .attrs = unique_attrs,
    .params_size = sizeof(unique_params),
    .types = {QN_T_PLAIN | QN_T_STRING},
    .out_dtype = unique_dtype,
    .infer = unique_infer,
    .prepare = unique_prepare,
    .run = unique_run,
};
