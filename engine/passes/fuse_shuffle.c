/* SPDX-License-Identifier: Apache-2.0 */
/* engine/passes/fuse_shuffle.c - Concat of two, Reshape, Transpose and Reshape that
 * take channels in turn, and the two halves that are cut from it perhaps, become
 * Shuffle. */
#include "engine/pass.h"

#include <string.h>

/* The node that makes v, if it is of that type and v has no other reader. */
static qn_node *only_source(qn_value *v, const char *type)
{
    return v->n_uses == 1 && qn_node_is(v->producer, type) ? v->producer : NULL;
}

static bool swaps_groups(const qn_node *t)
{
    static const int64_t perm[5] = {0, 2, 1, 3, 4};
    const qn_attr_value *a = qn_node_attr(t, "perm");
    return a && a->ints.n == 5 && memcmp(a->ints.v, perm, sizeof perm) == 0;
}

/* Is v [N,C,H,W] seen as [N,2,C/2,H,W] or, swapped, [N,C/2,2,H,W]? */
static bool splits_channels(const qn_value *v, const qn_value *split, int groups_at)
{
    if (!qn_value_has_shape(v) || !qn_value_has_shape(split) || v->rank != 4 ||
        split->rank != 5)
        return false;
    return v->dim[0] == split->dim[0] && split->dim[groups_at] == 2 &&
           v->dim[1] == 2 * split->dim[3 - groups_at] && v->dim[2] == split->dim[3] &&
           v->dim[3] == split->dim[4];
}

/* The concatenation at the beginning of the shuffle that the Reshape ends, or NULL. */
static qn_node *match(qn_node *last)
{
    qn_node *swap = only_source(last->in[0], "Transpose");
    if (!swap || !swaps_groups(swap)) return NULL;
    qn_node *split = only_source(swap->in[0], "Reshape");
    qn_node *concat = split ? only_source(split->in[0], "Concat") : NULL;
    if (!concat || concat->n_in != 2 || qn_node_int(concat, "axis", 0) != 1 ||
        !qn_value_same_shape(concat->in[0], concat->in[1]) ||
        !splits_channels(concat->out[0], split->out[0], 1) ||
        !splits_channels(last->out[0], swap->out[0], 2))
        return NULL;
    return concat;
}

static bool is_list(const qn_node *node, int i, int64_t want)
{
    const qn_tensor *t = qn_const_input(node, i);
    return t && qn_tensor_count(t) == 1 && qn_get_int(t, 0) == want;
}

/* Does the Slice take channels [begin, begin + n)? */
static bool takes(const qn_node *s, int64_t begin, int64_t n)
{
    return is_list(s, 1, begin) && is_list(s, 2, begin + n) && s->n_in > 3 &&
           is_list(s, 3, 1) && (s->n_in < 5 || !s->in[4] || is_list(s, 4, 1));
}

/* The Slices that take the first and the second half of v and are its only readers. */
static bool find_halves(const qn_value *v, qn_node *half[2])
{
    const int64_t n = v->dim[1] / 2;
    half[0] = half[1] = NULL;
    if (v->n_uses != 2) return false;
    for (qn_node *s = v->producer->next; s; s = s->next) {
        if (!qn_node_is(s, "Slice") || s->in[0] != v) continue;
        for (int i = 0; i < 2; i++)
            if (takes(s, i * n, n)) half[i] = s;
    }
    return half[0] && half[1];
}

static quern_status fuse(qn_graph *g, const qn_node *concat, qn_node *last,
                         quern_error *err)
{
    qn_node *node, *half[2];
    const bool is_cut = find_halves(last->out[0], half);
    QN_TRY(qn_graph_new_node(g, "Shuffle", "quern", QN_OPSET_NEWEST, 2, is_cut ? 2 : 1,
                             &node, err));
    node->name = last->name;
    for (int i = 0; i < 2; i++)
        node->in[i] = concat->in[i];
    if (!is_cut) node->out[0] = last->out[0];
    for (int i = 0; is_cut && i < 2; i++)
        node->out[i] = half[i]->out[0];
    qn_graph_insert(g, node, last);
    for (int i = 0; is_cut && i < 2; i++)
        qn_graph_remove(g, half[i]);
    qn_graph_remove(g, last); /* what led to it is dead now */
    return qn_op_bind(g, node, &qn_op_shuffle, err);
}

qn_pass_fn qn_pass_fuse_shuffle;
quern_status qn_pass_fuse_shuffle(quern_model *model, qn_graph *g, int *n_changed,
                                  quern_error *err)
{
    (void)model;
    qn_graph_count_uses(g);
    for (qn_node *last = g->first, *next; last; last = next) {
        next = last->next;
        qn_node *concat = qn_node_is(last, "Reshape") ? match(last) : NULL;
        if (!concat) continue;
        while (next && qn_node_is(next, "Slice")) /* may go */
            next = next->next;
        QN_TRY(fuse(g, concat, last, err));
        ++*n_changed;
    }
    return QUERN_OK;
}
