/* SPDX-License-Identifier: Apache-2.0 */
/* engine/raw_half.c - weights stored in half the bytes: a float32 initializer of two or
 * more dims becomes a float16 one and a Cast back, which loading computes once. */
#include "engine/raw.h"
#include "kernels/convert.h"

#include <stdio.h>
#include <string.h>

static bool is_worth_it(const qn_value *v)
{
    return v->constant && !v->is_input && v->constant->kind == QN_TENSOR &&
           v->constant->dtype == QUERN_FLOAT && v->constant->rank >= 2 &&
           qn_tensor_count(v->constant) > 1;
}

/* v is what the Cast gives from now on. */
static quern_status halve(qn_graph *g, qn_value *v, int64_t opset, quern_error *err)
{
    qn_node *cast;
    qn_value *half;
    void *name;
    qn_tensor t = *v->constant, whole = t; /* a file's numbers may lie unaligned */
    const size_t n = strlen(v->name) + 8;
    t.dtype = QUERN_FLOAT16;
    QN_TRY(qn_tensor_alloc(g->arena, &t, err));
    QN_TRY(qn_tensor_alloc(g->arena, &whole, err));
    memcpy(whole.data, v->constant->data, qn_tensor_bytes(&whole));
    qn_f32_to_half(whole.data, t.data, qn_tensor_count(&t));
    QN_TRY(qn_arena_alloc(g->arena, n, &name, err));
    snprintf(name, n, "%s.half", v->name);
    QN_TRY(qn_graph_add_constant(g, name, &t, &half, err));
    QN_TRY(qn_graph_new_node(g, "Cast", "", opset, 1, 1, &cast, err));
    QN_TRY(qn_node_set_int(cast, "to", QUERN_FLOAT, err));
    cast->name = v->name;
    cast->in[0] = half;
    cast->out[0] = v;
    v->constant = NULL;
    qn_graph_insert(g, cast, g->first);
    return QUERN_OK;
}

quern_status qn_raw_store_half(quern_model *raw, quern_error *err)
{
    qn_graph *g = raw->graph;
    const int n = g->n_values; /* halves come behind */
    const int64_t opset = qn_model_opset(raw, "");
    for (int i = 0; i < n; i++)
        if (is_worth_it(g->values[i])) QN_TRY(halve(g, g->values[i], opset, err));
    return QUERN_OK;
}
