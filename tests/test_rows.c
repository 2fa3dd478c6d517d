/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_rows.c - every operator row as a model of one node, from load to run, over
 * shapes that tend to be forgotten: scalars, empty tensors, one element, and shapes
 * that do not fit.  What comes out is not looked at here: each must work or end in a
 * sentence, within a small budget. */
#include "tests/test.h"

#include "engine/model.h"

#include <stdio.h>
#include <string.h>

typedef struct shape {
    int rank;
    int64_t dim[5];
} shape;

static const shape shapes[] = {
    {0, {0}},
    {1, {0}},
    {1, {1}},
    {1, {4}},
    {2, {0, 3}},
    {2, {3, 0}},
    {2, {3, 3}},
    {3, {2, 0, 4}},
    {3, {2, 3, 4}},
    {4, {0, 4, 4, 4}},
    {4, {1, 4, 0, 0}},
    {4, {1, 0, 4, 4}},
    {4, {1, 4, 4, 4}},
    {5, {1, 2, 3, 0, 3}},
    {5, {1, 2, 3, 3, 3}},
};
enum { N_SHAPES = sizeof shapes / sizeof shapes[0], MAX_IN = 8 };

typedef struct trial {
    const qn_op *op;
    int n_in;
    quern_dtype dtype[MAX_IN];
    const shape *shape[MAX_IN];
    bool constant[MAX_IN]; /* known while planning */
    quern_error err;
} trial;

/* 1, 0, 2, 1, 0, 2 ...: fit for sizes, indices and arithmetic. */
static void fill(qn_tensor *x)
{
    for (int64_t i = 0; i < qn_tensor_count(x); i++)
        if ((QN_T_NUMBERS & QN_BIT(x->dtype)) != 0)
            qn_set_real(x, i, (double)((i + 1) % 3));
}

static quern_status make_operand(quern_model *m, const trial *c, int i, qn_tensor *x,
                                 qn_value **out, quern_error *err)
{
    *x = (qn_tensor){0};
    qn_set_shape(x, c->dtype[i], c->shape[i]->rank, c->shape[i]->dim);
    QN_TRY(qn_tensor_alloc(&m->arena, x, err));
    memset(x->data, 0, qn_tensor_bytes(x));
    fill(x);
    if (c->constant[i]) return qn_graph_add_constant(m->graph, "c", x, out, err);
    QN_TRY(qn_graph_add_value(m->graph, "x", out, err));
    (*out)->dtype = x->dtype;
    (*out)->is_input = true;
    (*out)->rank = x->rank;
    memcpy((*out)->dim, x->dim, sizeof x->dim);
    return QUERN_OK;
}

/* Attributes that a row cannot do without, as small as they can be. */
static quern_status give_attributes(qn_node *node, const trial *c, quern_error *err)
{
    static const struct {
        const char *name;
        int64_t i;
    } known[] = {
        {"axis", 0}, {"to", 1}, {"blocksize", 2}, {"size", 3}, {"hidden_size", 1}};
    int64_t two[8] = {2, 2, 2, 2, 2, 2, 2, 2};
    int n = c->n_in > 0 && c->shape[0]->rank > 2 ? c->shape[0]->rank - 2 : 0;
    for (const qn_attr *a = c->op->attrs; a != NULL && a->name != NULL; a++) {
        if (strcmp(a->name, "kernel_shape") == 0)
            QN_TRY(qn_node_set_ints(node, a->name, n, two, err));
        if (!a->required) continue;
        if (a->kind == QN_ATTR_INT || a->kind == QN_ATTR_TYPE) {
            int64_t value = 1;
            for (size_t k = 0; k < sizeof known / sizeof known[0]; k++)
                if (strcmp(a->name, known[k].name) == 0) value = known[k].i;
            QN_TRY(qn_node_set_int(node, a->name, value, err));
        } else if (a->kind == QN_ATTR_INTS) {
            QN_TRY(qn_node_set_ints(node, a->name, n, two, err));
        } else if (a->kind == QN_ATTR_STRING) {
            const char *text = strcmp(a->name, "equation") == 0 ? "...->..." : "LEFT";
            QN_TRY(qn_node_set_str(node, a->name, text, err));
        }
    }
    return QUERN_OK;
}

/* The model y = op(x...); fed[k] is what its k-th input is to be. */
static quern_status make_model(quern_model *m, const trial *c, qn_tensor *fed,
                               quern_error *err)
{
    const qn_op *op = c->op;
    qn_graph *g = m->graph;
    qn_node *node;
    void *p;
    int n_out = op->min_out > 1 ? op->min_out : 1;
    QN_TRY(qn_graph_new_node(g, op->name, op->domain, op->since, c->n_in, n_out, &node,
                             err));
    QN_TRY(qn_arena_array(&m->arena, MAX_IN, sizeof(qn_value *), &p, err));
    g->inputs = p;
    for (int i = 0; i < c->n_in; i++) {
        qn_tensor x;
        QN_TRY(make_operand(m, c, i, &x, &node->in[i], err));
        if (c->constant[i]) continue;
        fed[g->n_inputs] = x;
        g->inputs[g->n_inputs++] = node->in[i];
    }
    QN_TRY(qn_arena_array(&m->arena, (size_t)n_out, sizeof(qn_value *), &p, err));
    g->outputs = p;
    g->n_outputs = n_out;
    for (int i = 0; i < n_out; i++) {
        QN_TRY(qn_graph_add_value(g, "y", &node->out[i], err));
        g->outputs[i] = node->out[i];
    }
    QN_TRY(give_attributes(node, c, err));
    qn_graph_insert(g, node, NULL);
    return qn_model_finish(m, err);
}

static int never_long(void *ctx)
{
    return ++*(int *)ctx > 1000;
}

static quern_status run_model(const quern_model *m, const qn_tensor *fed,
                              quern_error *err)
{
    int n_nodes = 0;
    quern_session_options opt = {.size = sizeof opt,
                                 .max_bytes = (size_t)16 << 20,
                                 .n_threads = 1,
                                 .cancel = never_long,
                                 .cancel_ctx = &n_nodes};
    quern_session *s;
    QN_TRY(quern_session_create(m, &opt, &s, err));
    quern_status status = QUERN_OK;
    for (int i = 0; i < m->graph->n_inputs && status == QUERN_OK; i++) {
        quern_tensor x = {
            .dtype = fed[i].dtype, .rank = fed[i].rank, .data = fed[i].data};
        memcpy(x.dim, fed[i].dim, sizeof x.dim);
        status = quern_session_bind(s, i, &x, err);
    }
    if (status == QUERN_OK) status = quern_run(s, err);
    quern_session_free(s);
    return status;
}

/* Whether it ran; if not, there must be a sentence. */
static bool try_row(qn_test *t, trial *c)
{
    quern_model_options opt = {.size = sizeof opt, .max_bytes = (size_t)16 << 20};
    quern_model *m;
    qn_tensor fed[MAX_IN];
    c->err.text[0] = '\0';
    if (!CHECK_OK(t, qn_model_create(&opt, &m, &c->err), &c->err)) return false;
    quern_status status = make_model(m, c, fed, &c->err);
    if (status == QUERN_OK) status = run_model(m, fed, &c->err);
    CHECK(t, status == QUERN_OK || c->err.text[0] != '\0');
    quern_model_free(m);
    return status == QUERN_OK;
}

/* A type that the row takes for input i: float if it can be, else int64, else the
 * first; strings and types of less than a byte are left to tests that know them. */
static quern_dtype pick_type(const qn_op *op, int i)
{
    uint32_t types = qn_op_types(op, i);
    if (types & QN_T_F32) return QUERN_FLOAT;
    if (types & QN_T_I64) return QUERN_INT64;
    for (int d = 1; d < 32; d++)
        if (types & (QN_T_PLAIN | QN_T_FLOAT8) & QN_BIT(d)) return (quern_dtype)d;
    return QUERN_UNDEFINED;
}

/* Tries a row with all inputs of one shape, then with the second and later ones small,
 * each with those values known while planning and only while running. */
static int try_shapes(qn_test *t, const qn_op *op, int n_in)
{
    trial c = {.op = op, .n_in = n_in};
    int n_ran = 0;
    for (int i = 0; i < n_in; i++)
        if ((c.dtype[i] = pick_type(op, i)) == QUERN_UNDEFINED) return 0;
    for (int a = 0; a < N_SHAPES; a++)
        for (int b = 0; b < N_SHAPES; b++) {
            if (n_in < 2 && b != a) continue;
            for (int constant = 0; constant < 2; constant++) {
                for (int i = 0; i < n_in; i++) {
                    c.shape[i] = &shapes[i == 0 ? a : b];
                    c.constant[i] = constant && i > 0;
                }
                qn_note(t, "%s, %d inputs, shapes %d and %d%s", op->name, n_in, a, b,
                        constant ? ", known" : "");
                n_ran += try_row(t, &c);
            }
        }
    return n_ran;
}

void test_rows_odd_shapes(qn_test *t)
{
    int n;
    const qn_op *const *rows = qn_ops(&n);
    for (int k = 0; k < n; k++) {
        const qn_op *op = rows[k];
        if (op->run == NULL || (op->flags & QN_OP_SUBGRAPH) != 0) continue;
        int most = op->max_in < 0 ? op->min_in + 2 : op->max_in;
        if (most > MAX_IN) most = MAX_IN;
        fflush(stdout); /* seen when the process ends in the next row */
        int n_ran = try_shapes(t, op, op->min_in);
        if (most > op->min_in) n_ran += try_shapes(t, op, most);
        printf("    %s: %d ran\n", op->name, n_ran);
    }
}
