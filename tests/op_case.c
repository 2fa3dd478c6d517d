/* SPDX-License-Identifier: Apache-2.0 */
/* tests/op_case.c - one node, run outside any model; see op_case.h. */
#include "tests/op_case.h"

#include "engine/eval.h"

#include <stdio.h>
#include <string.h>

#define MEMORY                                                            \
    (INT64_C(1) << 30) /* bytes: hostile sizes must be refused, not tried \
                        */

void qn_case_begin(qn_test *t, qn_op_case *c, const char *name, int64_t opset)
{
    static const char *const domains[] = {"", "ai.onnx.ml", "quern"};
    *c = (qn_op_case){.t = t};
    qn_mem_init(&c->mem, NULL, MEMORY);
    qn_arena_init(&c->arena, &c->mem);
    qn_kernels_init(&c->kernels, qn_cpu_isa());
    const char *domain = domains[0];
    for (size_t i = 0; i < 3 && !c->op; i++) {
        domain = domains[i];
        c->op = qn_op_find(domain, name);
    }
    qn_check(t, QN_HERE, name, c->op != NULL);
    qn_graph_create(&c->arena, NULL, &c->graph, NULL);
    qn_graph_new_node(c->graph, name, domain, opset, QN_CASE_MAX, 0, &c->node, NULL);
    c->node->n_in = 0;
    qn_graph_insert(c->graph, c->node, NULL);
}

void qn_case_end(qn_op_case *c)
{
    qn_arena_done(&c->arena);
}

static void put(qn_op_case *c, int i, const qn_tensor *t)
{
    qn_value *v;
    c->in[i] = *t;
    c->given[i] = true;
    qn_graph_add_value(c->graph, "x", &v, NULL);
    v->dtype = t->dtype;
    qn_node_set_input(c->node, i, v, NULL);
}

void qn_case_input(qn_op_case *c, int i, quern_dtype dtype, int rank,
                   const int64_t *dim)
{
    qn_tensor t = {0};
    qn_set_shape(&t, dtype, rank, dim);
    int64_t n = qn_tensor_count(&t);
    t.data = qn_exact(c->t, qn_tensor_bytes(&t));
    memset(t.data, 0, qn_tensor_bytes(&t));
    for (int64_t k = 0; k < n; k++) {
        if (dtype == QUERN_STRING) {
            char text[24];
            int length = snprintf(text, sizeof text, "%lld", (long long)k);
            qn_str *s = (qn_str *)t.data + k;
            s->n = (size_t)length;
            qn_arena_text(&c->arena, text, s->n, &s->p, NULL);
        } else if (QN_T_NUMBERS & QN_BIT(dtype)) {
            qn_set_real(&t, k, (double)k);
        } else {
            memcpy((char *)t.data + (size_t)k * qn_dtype_size(dtype), &k, 1);
        }
    }
    put(c, i, &t);
}

void qn_case_ints(qn_op_case *c, int i, int64_t n, const int64_t *v)
{
    qn_tensor t = {0};
    qn_set_shape(&t, QUERN_INT64, 1, &n);
    t.data = qn_exact(c->t, (size_t)n * sizeof *v);
    if (n) memcpy(t.data, v, (size_t)n * sizeof *v);
    put(c, i, &t);
}

void qn_case_int(qn_op_case *c, int i, int64_t v)
{
    qn_case_ints(c, i, 1, &v);
    c->in[i].rank = 0;
}

void qn_case_floats(qn_op_case *c, int i, int64_t n, const float *v)
{
    qn_tensor t = {0};
    qn_set_shape(&t, QUERN_FLOAT, 1, &n);
    t.data = qn_exact(c->t, (size_t)n * sizeof *v);
    if (n) memcpy(t.data, v, (size_t)n * sizeof *v);
    put(c, i, &t);
}

quern_status qn_case_run(qn_op_case *c, int n_out)
{
    const qn_tensor *in[QN_CASE_MAX] = {0};
    qn_tensor *out[QN_CASE_MAX] = {0};
    qn_node *node = c->node;
    qn_value *outs[QN_CASE_MAX];
    for (int i = 0; i < n_out; i++) {
        QN_TRY(qn_graph_add_value(c->graph, "y", &outs[i], &c->err));
        c->out[i] = (qn_tensor){0};
        out[i] = &c->out[i];
    }
    node->out = outs;
    node->n_out = n_out;
    if (c->op->lower) QN_TRY(c->op->lower(c->graph, node, &c->err));
    QN_TRY(qn_op_bind(c->graph, node, c->op, &c->err));
    for (int i = 0; i < node->n_in; i++) {
        const qn_value *v = node->in[i];
        if (v) in[i] = v->constant ? v->constant : &c->in[i];
    }
    const qn_exec x = {.k = &c->kernels, .pool = c->pool, .arena = &c->arena};
    quern_status status = qn_eval(node, in, out, &x, &c->err);
    return status;
}
