/* SPDX-License-Identifier: Apache-2.0 */
/* engine/index.c - indices, axes and counts that come as data; see index.h. */
#include "engine/index.h"

#include <string.h>

quern_status qn_check_indices(const qn_tensor *t, int64_t n, quern_error *err)
{
    int64_t count = qn_tensor_count(t);
    for (int64_t i = 0; i < count; i++)
        if (qn_index(t, i, n) < 0)
            return qn_fail(err, QUERN_DATA, "index %lld at position %lld, of %lld",
                           (long long)qn_index_raw(t, i), (long long)i, (long long)n);
    return QUERN_OK;
}

quern_status qn_scalar_int(const qn_tensor *t, const char *what, int64_t *out,
                           quern_error *err)
{
    if (qn_tensor_count(t) != 1)
        return qn_fail(err, QUERN_SHAPE, "%s has %lld elements instead of 1", what,
                       (long long)qn_tensor_count(t));
    *out = qn_get_int(t, 0);
    return QUERN_OK;
}

quern_status qn_axes(const int64_t *axes, int64_t n, int rank, int *out,
                     quern_error *err)
{
    if (n > rank)
        return qn_fail(err, QUERN_SHAPE, "%lld axes for rank %d", (long long)n, rank);
    unsigned seen = 0;
    for (int64_t i = 0; i < n; i++) {
        QN_TRY(qn_axis(axes[i], rank, false, &out[i], err));
        if (seen >> out[i] & 1)
            return qn_fail(err, QUERN_SHAPE, "axis %lld is repeated",
                           (long long)axes[i]);
        seen |= 1u << out[i];
    }
    return QUERN_OK;
}

quern_status qn_read_ints(const qn_tensor *t, const char *what, int64_t max,
                          int64_t *out, int64_t *n, quern_error *err)
{
    *n = qn_tensor_count(t);
    if (t->rank > 1 || *n > max)
        return qn_fail(err, QUERN_SHAPE, "%s is %s; at most %lld numbers fit", what,
                       QN_SHAPE(t), (long long)max);
    for (int64_t i = 0; i < *n; i++)
        out[i] = qn_get_int(t, i);
    return QUERN_OK;
}

int qn_compare(const qn_tensor *a, int64_t i, const qn_tensor *b, int64_t j)
{
    if (a->dtype == QUERN_STRING) {
        const qn_str *s = (const qn_str *)a->data + i, *u = (const qn_str *)b->data + j;
        size_t n = s->n < u->n ? s->n : u->n;
        int order = n ? memcmp(s->p, u->p, n) : 0;
        return order ? order : (s->n > u->n) - (s->n < u->n);
    }
    if (qn_dtype_is_float(a->dtype)) {
        double x = qn_get_real(a, i), y = qn_get_real(b, j);
        if (x != x || y != y) return (x != x) - (y != y);
        return (x > y) - (x < y);
    }
    int64_t x = qn_get_int(a, i), y = qn_get_int(b, j);
    if (a->dtype == QUERN_UINT64)
        return ((uint64_t)x > (uint64_t)y) - ((uint64_t)x < (uint64_t)y);
    return (x > y) - (x < y);
}

/* Merges the sorted runs [0, half) and [half, n) of index. */
static void merge_runs(int64_t *index, int64_t *spare, int64_t half, int64_t n,
                       qn_before_fn *before, const void *ctx)
{
    memcpy(spare, index, (size_t)half * sizeof *index);
    int64_t i = 0, j = half, k = 0;
    while (i < half && j < n)
        index[k++] = before(ctx, index[j], spare[i]) ? index[j++] : spare[i++];
    while (i < half)
        index[k++] = spare[i++];
}

void qn_sort_indices(int64_t *index, int64_t *spare, int64_t n, qn_before_fn *before,
                     const void *ctx)
{
    if (n <= 8) {
        for (int64_t i = 1; i < n; i++) {
            int64_t x = index[i], j = i;
            for (; j > 0 && before(ctx, x, index[j - 1]); j--)
                index[j] = index[j - 1];
            index[j] = x;
        }
        return;
    }
    int64_t half = n / 2;
    qn_sort_indices(index, spare, half, before, ctx);
    qn_sort_indices(index + half, spare, n - half, before, ctx);
    merge_runs(index, spare, half, n, before, ctx);
}

quern_status qn_lower_ints(qn_graph *g, qn_node *node, const char *name, int i,
                           quern_error *err)
{
    const qn_attr_value *a = qn_node_attr(node, name);
    if (!a) return QUERN_OK;
    if (a->kind != QN_ATTR_INTS && a->kind != QN_ATTR_NONE)
        return qn_fail(err, QUERN_INVALID, "attribute '%s' is no list of integers",
                       name);
    qn_value *v;
    QN_TRY(qn_graph_add_ints(g, a->ints.n, a->ints.v, &v, err));
    QN_TRY(qn_node_set_input(node, i, v, err));
    qn_node_drop_attr(node, name);
    return QUERN_OK;
}
