/* SPDX-License-Identifier: Apache-2.0 */
/* engine/node.c - what a node says of itself: attributes, inputs, its label. */
#include "engine/graph.h"

#include <stdio.h>
#include <string.h>

static int find_attr(const qn_node *node, const char *name)
{
    for (int i = 0; i < node->n_attrs; i++)
        if (strcmp(node->attrs[i].name, name) == 0) return i;
    return -1;
}

const qn_attr_value *qn_node_attr(const qn_node *node, const char *name)
{
    int i = find_attr(node, name);
    return i < 0 ? NULL : &node->attrs[i];
}

int64_t qn_node_int(const qn_node *node, const char *name, int64_t otherwise)
{
    const qn_attr_value *a = qn_node_attr(node, name);
    return a && a->kind == QN_ATTR_INT ? a->i : otherwise;
}

float qn_node_float(const qn_node *node, const char *name, float otherwise)
{
    const qn_attr_value *a = qn_node_attr(node, name);
    return a && a->kind == QN_ATTR_FLOAT ? a->f : otherwise;
}

bool qn_node_str_is(const qn_node *node, const char *name, const char *text)
{
    const qn_attr_value *a = qn_node_attr(node, name);
    return a && a->kind == QN_ATTR_STRING && a->s.n == strlen(text) &&
           memcmp(a->s.p, text, a->s.n) == 0;
}

quern_status qn_node_set_attr(qn_node *node, const qn_attr_value *attr,
                              quern_error *err)
{
    int i = find_attr(node, attr->name);
    if (i < 0) {
        void *p;
        QN_TRY(qn_arena_array(node->graph->arena, (size_t)node->n_attrs + 1,
                              sizeof *node->attrs, &p, err));
        if (node->n_attrs)
            memcpy(p, node->attrs, (size_t)node->n_attrs * sizeof *node->attrs);
        node->attrs = p;
        i = node->n_attrs++;
    }
    node->attrs[i] = *attr;
    return QUERN_OK;
}

quern_status qn_node_set_int(qn_node *node, const char *name, int64_t i,
                             quern_error *err)
{
    return qn_node_set_attr(
        node, &(qn_attr_value){.name = name, .kind = QN_ATTR_INT, .i = i}, err);
}

quern_status qn_node_set_float(qn_node *node, const char *name, float f,
                               quern_error *err)
{
    return qn_node_set_attr(
        node, &(qn_attr_value){.name = name, .kind = QN_ATTR_FLOAT, .f = f}, err);
}

quern_status qn_node_set_ints(qn_node *node, const char *name, int64_t n,
                              const int64_t *v, quern_error *err)
{
    void *p;
    QN_TRY(qn_arena_array(node->graph->arena, (size_t)n, sizeof *v, &p, err));
    if (n) memcpy(p, v, (size_t)n * sizeof *v);
    return qn_node_set_attr(
        node, &(qn_attr_value){.name = name, .kind = QN_ATTR_INTS, .ints = {n, p}},
        err);
}

quern_status qn_node_set_str(qn_node *node, const char *name, const char *s,
                             quern_error *err)
{
    return qn_node_set_attr(
        node,
        &(qn_attr_value){.name = name, .kind = QN_ATTR_STRING, .s = {s, strlen(s)}},
        err);
}

void qn_node_drop_attr(qn_node *node, const char *name)
{
    int i = find_attr(node, name);
    if (i < 0) return;
    node->n_attrs--;
    memmove(&node->attrs[i], &node->attrs[i + 1],
            (size_t)(node->n_attrs - i) * sizeof *node->attrs);
}

quern_status qn_node_set_input(qn_node *node, int i, qn_value *v, quern_error *err)
{
    if (i >= node->n_in) {
        void *p;
        QN_TRY(qn_arena_array(node->graph->arena, (size_t)i + 1, sizeof *node->in, &p,
                              err));
        if (node->n_in) memcpy(p, node->in, (size_t)node->n_in * sizeof *node->in);
        node->in = p;
        node->n_in = i + 1;
    }
    node->in[i] = v;
    return QUERN_OK;
}

const char *qn_node_label(char *text, const qn_node *node)
{
    const char *out =
        node->n_out && node->out[0] && node->out[0]->name[0] ? node->out[0]->name : "?";
    if (node->name[0])
        snprintf(text, QN_LABEL_TEXT, "%.100s (%.40s)", node->name, node->op_type);
    else
        snprintf(text, QN_LABEL_TEXT, "%.40s -> %.100s", node->op_type, out);
    return text;
}

qn_graph *qn_node_subgraph(const qn_node *node, int k)
{
    for (int i = 0; i < node->n_attrs; i++)
        if (node->attrs[i].kind == QN_ATTR_GRAPH && k-- == 0)
            return node->attrs[i].graph;
    return NULL;
}
