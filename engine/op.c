/* SPDX-License-Identifier: Apache-2.0 */
/* engine/op.c - the table of operator rows, and binding a node to its row. */
#include "engine/op.h"

#include <string.h>

static const qn_op *const rows[] = {
#define QN_OP(name) &qn_op_##name,
#include "engine/ops.def"
#undef QN_OP
};
#define N_ROWS ((int)(sizeof rows / sizeof rows[0]))

const qn_op *const *qn_ops(int *n)
{
    *n = N_ROWS;
    return rows;
}

const qn_op *qn_op_find(const char *domain, const char *name)
{
    if (strcmp(domain, "ai.onnx") == 0) domain = "";
    for (int i = 0; i < N_ROWS; i++)
        if (rows[i]->name[0] == name[0] && strcmp(rows[i]->name, name) == 0 &&
            strcmp(rows[i]->domain ? rows[i]->domain : "", domain) == 0)
            return rows[i];
    return NULL;
}

uint32_t qn_op_types(const qn_op *op, int i)
{
    uint32_t types = 0;
    for (int k = 0; k <= i && k < QN_OP_MAX_TYPES; k++)
        if (op->types[k]) types = op->types[k];
    return types ? types : QN_T_ALL;
}

quern_dtype qn_op_out_dtype(const qn_node *node, int i)
{
    const qn_op *op = node->op;
    if (op->out_dtype) return op->out_dtype(node, i);
    if (op->out_type != QUERN_UNDEFINED) return op->out_type;
    return node->n_in > 0 && node->in[0] ? node->in[0]->dtype : QUERN_UNDEFINED;
}

/* ---- attributes -> params ---- */

static quern_status store_string(qn_arena *arena, char *field, qn_str s,
                                 quern_error *err)
{
    const char *text;
    QN_TRY(qn_arena_text(arena, s.p, s.n, &text, err));
    memcpy(field, &text, sizeof text);
    return QUERN_OK;
}

/* One attribute into its field; the field's type follows from the kind (see qn_attr).
 */
static quern_status store(qn_arena *arena, const qn_attr *row, const qn_attr_value *a,
                          char *field, quern_error *err)
{
    switch (row->kind) {
    case QN_ATTR_INT:
    case QN_ATTR_TYPE:
        memcpy(field, &a->i, sizeof a->i);
        break;
    case QN_ATTR_FLOAT:
        memcpy(field, &a->f, sizeof a->f);
        break;
    case QN_ATTR_STRING:
        return store_string(arena, field, a->s, err);
    case QN_ATTR_INTS:
        memcpy(field, &a->ints, sizeof a->ints);
        break;
    case QN_ATTR_FLOATS:
        memcpy(field, &a->floats, sizeof a->floats);
        break;
    case QN_ATTR_STRINGS:
        memcpy(field, &a->strs, sizeof a->strs);
        break;
    case QN_ATTR_TENSOR:
        memcpy(field, &a->tensor, sizeof a->tensor);
        break;
    case QN_ATTR_GRAPH:
        memcpy(field, &a->graph, sizeof a->graph);
        break;
    default:
        return qn_fail(err, QUERN_UNSUPPORTED, "attribute '%s' has kind %d", row->name,
                       (int)row->kind);
    }
    return QUERN_OK;
}

static void store_default(const qn_attr *row, char *field)
{
    if (row->kind == QN_ATTR_INT || row->kind == QN_ATTR_TYPE)
        memcpy(field, &row->i, sizeof row->i);
    else if (row->kind == QN_ATTR_FLOAT)
        memcpy(field, &row->f, sizeof row->f);
    else if (row->kind == QN_ATTR_STRING)
        memcpy(field, &row->s, sizeof row->s);
}

static bool same_kind(qn_attr_kind want, const qn_attr_value *a)
{
    if (want == a->kind) return true;
    if (want == QN_ATTR_TENSOR) return a->kind == QN_ATTR_SPARSE;
    /* an empty list may be written as any kind of list, or with no kind at all */
    bool list =
        want == QN_ATTR_INTS || want == QN_ATTR_FLOATS || want == QN_ATTR_STRINGS;
    return list && a->ints.n == 0 && a->floats.n == 0 && a->strs.n == 0 &&
           (a->kind == QN_ATTR_NONE || a->kind == QN_ATTR_INTS ||
            a->kind == QN_ATTR_FLOATS || a->kind == QN_ATTR_STRINGS);
}

static quern_status bind_attrs(qn_graph *g, qn_node *node, const qn_op *op,
                               quern_error *err)
{
    if (op->params_size == 0) return QUERN_OK;
    QN_TRY(qn_arena_alloc(g->arena, op->params_size, &node->params, err));
    for (const qn_attr *row = op->attrs; row && row->name; row++) {
        char *field = (char *)node->params + row->offset;
        const qn_attr_value *a = qn_node_attr(node, row->name);
        if (!a) {
            if (row->required)
                return qn_fail(err, QUERN_INVALID, "attribute '%s' is missing",
                               row->name);
            store_default(row, field);
            continue;
        }
        if (!same_kind(row->kind, a))
            return qn_fail(err, QUERN_INVALID, "attribute '%s' has kind %d, not %d",
                           row->name, (int)a->kind, (int)row->kind);
        QN_TRY(store(g->arena, row, a, field, err));
    }
    return QUERN_OK;
}

static quern_status check_count(const char *what, int n, int lo, int hi,
                                quern_error *err)
{
    if (n >= lo && (hi < 0 || n <= hi)) return QUERN_OK;
    if (hi < 0)
        return qn_fail(err, QUERN_INVALID, "has %d %s, takes %d or more", n, what, lo);
    return qn_fail(err, QUERN_INVALID, "has %d %s, takes %d to %d", n, what, lo, hi);
}

quern_status qn_op_bind(qn_graph *g, qn_node *node, const qn_op *op, quern_error *err)
{
    node->op = op;
    int n_in = node->n_in - node->n_captures;
    int max_out = op->max_out ? op->max_out : 1;
    int min_out = op->max_out ? op->min_out : 1;
    QN_TRY(check_count("inputs", n_in, op->min_in, op->max_in, err));
    QN_TRY(check_count("outputs", node->n_out, min_out, max_out, err));
    for (int i = 0; i < op->min_in; i++)
        if (!node->in[i])
            return qn_fail(err, QUERN_INVALID, "input %d of %d is absent", i, n_in);
    QN_TRY(bind_attrs(g, node, op, err));
    return op->check ? op->check(node, err) : QUERN_OK;
}
