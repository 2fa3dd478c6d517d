/* SPDX-License-Identifier: Apache-2.0 */
/* engine/passes/merge_duplicates.c - small equal constants become one value, and nodes
 * that compute the same from the same become one node (common subexpressions). */
#include "engine/pass.h"

#include <string.h>

#define SMALL_BYTES 256 /* constants above are not compared */

static uint64_t mix(uint64_t h, const void *p, size_t n)
{
    const unsigned char *b = p; /* FNV-1a */
    for (size_t i = 0; i < n; i++)
        h = (h ^ b[i]) * UINT64_C(1099511628211);
    return h;
}

static bool same_tensor(const qn_tensor *a, const qn_tensor *b)
{
    if (a == b) return true;
    if (!a || !b || a->kind != QN_TENSOR || b->kind != QN_TENSOR ||
        a->dtype != b->dtype || a->dtype == QUERN_STRING || !qn_same_shape(a, b))
        return false;
    size_t n = qn_tensor_bytes(a);
    return n <= SMALL_BYTES && memcmp(a->data, b->data, n) == 0;
}

static bool same_list(const void *a, const void *b, int64_t na, int64_t nb, size_t size)
{
    return na == nb && (na == 0 || memcmp(a, b, (size_t)na * size) == 0);
}

static bool same_attr(const qn_attr_value *a, const qn_attr_value *b)
{
    if (a->kind != b->kind || strcmp(a->name, b->name) != 0) return false;
    if (a->kind == QN_ATTR_GRAPH || a->kind == QN_ATTR_STRINGS) return false;
    return a->i == b->i && memcmp(&a->f, &b->f, sizeof a->f) == 0 &&
           same_list(a->s.p, b->s.p, (int64_t)a->s.n, (int64_t)b->s.n, 1) &&
           same_list(a->ints.v, b->ints.v, a->ints.n, b->ints.n, sizeof(int64_t)) &&
           same_list(a->floats.v, b->floats.v, a->floats.n, b->floats.n,
                     sizeof(float)) &&
           same_tensor(a->tensor, b->tensor);
}

static bool same_node(const qn_node *a, const qn_node *b)
{
    if (a->op != b->op || a->n_in != b->n_in || a->n_out != b->n_out ||
        a->n_attrs != b->n_attrs || a->act.kind != QN_ACT_NONE ||
        b->act.kind != QN_ACT_NONE)
        return false;
    for (int i = 0; i < a->n_in; i++)
        if (a->in[i] != b->in[i]) return false;
    for (int i = 0; i < a->n_out; i++)
        if (!a->out[i] != !b->out[i]) return false;
    for (int i = 0; i < a->n_attrs; i++)
        if (!same_attr(&a->attrs[i], &b->attrs[i])) return false;
    return true;
}

static bool can_merge(const qn_node *n)
{
    return !(n->op->flags & (QN_OP_RANDOM | QN_OP_SUBGRAPH)) && n->n_in > 0;
}

static uint64_t hash_node(const qn_node *n)
{
    uint64_t h = mix(UINT64_C(14695981039346656037), &n->op, sizeof n->op);
    return mix(h, n->in, (size_t)n->n_in * sizeof *n->in);
}

static uint64_t hash_tensor(const qn_tensor *t)
{
    uint64_t h = mix(UINT64_C(14695981039346656037), &t->dtype, sizeof t->dtype);
    h = mix(h, t->dim, (size_t)t->rank * sizeof t->dim[0]);
    return mix(h, t->data, qn_tensor_bytes(t));
}

/* Open addressing; room for twice as many entries as there can be. */
typedef struct table {
    void **slot;
    uint64_t mask;
} table;

static quern_status make_table(qn_arena *arena, int64_t n, table *t, quern_error *err)
{
    uint64_t size = 16;
    void *p;
    while (size < 2 * (uint64_t)n)
        size *= 2;
    QN_TRY(qn_arena_array(arena, size, sizeof(void *), &p, err));
    *t = (table){.slot = p, .mask = size - 1};
    return QUERN_OK;
}

static void merge_constants(qn_graph *g, const table *t)
{
    for (int i = 0; i < g->n_values; i++) {
        qn_value *v = g->values[i];
        const qn_tensor *c = v->constant;
        if (v->alias || v->is_input || v->is_capture || v->is_parameter || !c ||
            c->kind != QN_TENSOR || c->dtype == QUERN_STRING ||
            qn_tensor_bytes(c) > SMALL_BYTES)
            continue;
        uint64_t at = hash_tensor(c) & t->mask;
        while (t->slot[at] && !same_tensor(((qn_value *)t->slot[at])->constant, c))
            at = (at + 1) & t->mask;
        if (t->slot[at])
            qn_value_replace(v, t->slot[at]);
        else
            t->slot[at] = v;
    }
}

static int merge_nodes(qn_graph *g, const table *t)
{
    int n = 0;
    for (qn_node *node = g->first, *next; node; node = next) {
        next = node->next;
        for (int i = 0; i < node->n_in; i++)
            node->in[i] = qn_resolve(node->in[i]);
        if (!can_merge(node)) continue;
        uint64_t at = hash_node(node) & t->mask;
        while (t->slot[at] && !same_node(t->slot[at], node))
            at = (at + 1) & t->mask;
        const qn_node *twin = t->slot[at];
        if (!twin) {
            t->slot[at] = node;
            continue;
        }
        for (int i = 0; i < node->n_out; i++)
            if (node->out[i]) qn_value_replace(node->out[i], twin->out[i]);
        qn_graph_remove(g, node);
        n++;
    }
    return n;
}

qn_pass_fn qn_pass_merge_duplicates;
quern_status qn_pass_merge_duplicates(quern_model *model, qn_graph *g, int *n_changed,
                                      quern_error *err)
{
    qn_arena room;
    table t;
    qn_arena_init(&room, &model->mem);
    quern_status status = make_table(&room, g->n_values, &t, err);
    if (status == QUERN_OK) {
        merge_constants(g, &t);
        status = make_table(&room, g->n_nodes, &t, err);
    }
    if (status == QUERN_OK) *n_changed += merge_nodes(g, &t);
    qn_arena_done(&room);
    return status;
}
