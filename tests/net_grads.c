/* SPDX-License-Identifier: Apache-2.0 */
/* tests/net_grads.c - gradients of small networks; see net_grads.h. */
#include "tests/net_grads.h"

#include "engine/finish.h"
#include "engine/grad.h"
#include "engine/parameters.h"
#include "engine/rng.h"
#include "formats/onnx.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct run {
    const qn_test_net *net;
    quern_model *model;
    quern_session *session;
    qn_mem mem;
    qn_arena arena;
} run;

static double number(const char *name, int64_t i, double least)
{
    const qn_rng rng = qn_rng_make(5, name, 0);
    return (double)(float)(least + qn_rng_uniform53(&rng, (uint64_t)i));
}

static void fill(qn_tensor *t, const char *name, double least)
{
    for (int64_t i = 0; i < qn_tensor_count(t); i++)
        qn_set_real(t, i, number(name, i, least));
}

void qn_put_weight(qn_kit *k, quern_dtype dtype, const char *name, const char *dims,
                   double least)
{
    enum { MOST = 4096 };
    double wide[MOST];
    float narrow[MOST];
    int64_t n = 1;
    const char *at = dims;
    for (char *end; *at; at = end)
        n *= strtol(at, &end, 10);
    for (int64_t i = 0; i < n && i < MOST; i++)
        narrow[i] = (float)(wide[i] = number(name, i, least));
    if (dtype == QUERN_DOUBLE)
        qn_kit_tensor(k, name, dtype, dims, wide, (size_t)n * sizeof *wide);
    else
        qn_kit_tensor(k, name, dtype, dims, narrow, (size_t)n * sizeof *narrow);
}

/* loss = sum(y * r). */
static quern_status add_loss(run *c, qn_value **loss, quern_error *err)
{
    qn_graph *g = c->model->graph;
    qn_value *y = g->outputs[0], *r, *product;
    qn_tensor t = {0};
    qn_set_shape(&t, y->dtype, y->rank, y->dim);
    QN_TRY(qn_tensor_alloc(g->arena, &t, err));
    fill(&t, "r", -0.4);
    QN_TRY(qn_graph_add_constant(g, "", &t, &r, err));
    QN_TRY(qn_graph_emit(g, NULL, "Mul", 2, (qn_value *[]){y, r}, &product, err));
    QN_TRY(qn_graph_emit(g, NULL, "ReduceSum", 1, &product, loss, err));
    QN_TRY(qn_node_set_int((*loss)->producer, "keepdims", 0, err));
    QN_TRY(qn_bind_graph(c->model, g, err));
    product->dtype = (*loss)->dtype = y->dtype;
    product->rank = y->rank;
    memcpy(product->dim, y->dim, sizeof y->dim);
    (*loss)->rank = 0;
    return QUERN_OK;
}

static quern_status differentiate(run *c, quern_error *err)
{
    qn_graph *g = c->model->graph;
    qn_value *loss, *wrt[QN_TEST_NET_VALUES], *grads[QN_TEST_NET_VALUES];
    int n = 0;
    void *p;
    QN_TRY(add_loss(c, &loss, err));
    for (int i = 0; i < g->n_values && n < QN_TEST_NET_VALUES - 1; i++)
        if (g->values[i]->is_input || g->values[i]->is_parameter)
            wrt[n++] = g->values[i];
    QN_TRY(qn_grad_build(c->model, loss, wrt, n, grads, err));
    QN_TRY(qn_arena_array(g->arena, (size_t)n + 1, sizeof(qn_value *), &p, err));
    g->outputs = p;
    g->outputs[0] = loss;
    g->n_outputs = 1;
    for (int i = 0; i < n; i++) /* running statistics have none */
        if (grads[i]) g->outputs[g->n_outputs++] = grads[i];
    c->model->outputs = g->outputs;
    c->model->purpose = QN_FOR_TRAINING;
    return qn_model_rework(c->model, err);
}

static quern_status open_run(run *c, const qn_kit *k, quern_error *err)
{
    const quern_model_options opt = {.size = sizeof opt,
                                     .disable_passes = c->net->disable_passes};
    quern_session_options session = c->net->options;
    session.size = sizeof session;
    QN_TRY(qn_onnx_parse_raw(k->buf.p, k->buf.n, &opt, &c->model, err));
    qn_parameters_mark(c->model, NULL, NULL);
    QN_TRY(qn_model_finish(c->model, err));
    QN_TRY(differentiate(c, err));
    return quern_session_create(c->model, &session, &c->session, err);
}

static quern_status bind(run *c, quern_error *err)
{
    const qn_graph *g = c->model->graph;
    for (int i = 0; i < g->n_inputs; i++) {
        qn_tensor t = {0};
        qn_set_shape(&t, g->inputs[i]->dtype, g->inputs[i]->rank, g->inputs[i]->dim);
        QN_TRY(qn_tensor_alloc(&c->arena, &t, err));
        fill(&t, g->inputs[i]->name, -0.5);
        quern_tensor q = {.dtype = t.dtype, .rank = t.rank, .data = t.data};
        memcpy(q.dim, t.dim, sizeof q.dim);
        QN_TRY(quern_session_bind(c->session, i, &q, err));
    }
    return QUERN_OK;
}

static quern_status collect(qn_test *t, run *c, qn_test_net_result *r, quern_error *err)
{
    quern_session_stats stats;
    QN_TRY(bind(c, err));
    QN_TRY(quern_run(c->session, err));
    QN_TRY(quern_run(c->session, err)); /* over a used slab */
    quern_session_get_stats(c->session, &stats);
    r->n = c->model->graph->n_outputs;
    r->n_nodes = qn_graph_total_nodes(c->model->graph);
    r->n_reorders = stats.reorders;
    r->n_unary = 0;
    for (const qn_node *node = c->model->graph->first; node; node = node->next)
        r->n_unary += strcmp(node->op_type, "UnaryGrad") == 0;
    for (int i = 0; i < r->n; i++) {
        quern_tensor y;
        QN_TRY(quern_session_output(c->session, i, &y, err));
        qn_tensor from = {.dtype = y.dtype, .rank = y.rank, .data = y.data};
        memcpy(from.dim, y.dim, sizeof from.dim);
        r->count[i] = qn_tensor_count(&from);
        r->v[i] = qn_exact(t, (size_t)r->count[i] * sizeof(double));
        for (int64_t e = 0; e < r->count[i]; e++)
            r->v[i][e] = qn_get_real(&from, e);
    }
    return QUERN_OK;
}

bool qn_test_net_run(qn_test *t, const qn_test_net *net, qn_test_net_result *r)
{
    qn_kit k;
    run c = {.net = net};
    quern_error err = {0};
    qn_mem_init(&c.mem, NULL, 0);
    qn_arena_init(&c.arena, &c.mem);
    qn_kit_begin(&k, 10, 21);
    net->build(&k, net->dtype);
    qn_kit_value(&k, GRAPH_OUTPUT, "y", net->dtype, net->y_dims);
    qn_kit_end(&k);
    quern_status status = open_run(&c, &k, &err);
    if (status == QUERN_OK) status = collect(t, &c, r, &err);
    const bool ok = CHECK_OK(t, status, &err);
    quern_session_free(c.session);
    quern_model_free(c.model);
    qn_arena_done(&c.arena);
    qn_kit_done(&k);
    return ok;
}

double qn_test_net_distance(const qn_test_net_result *a, const qn_test_net_result *b)
{
    double worst = 0;
    for (int i = 0; i < a->n; i++) {
        double off = 0, size = 0;
        for (int64_t e = 0; e < a->count[i]; e++) {
            off += pow(a->v[i][e] - b->v[i][e], 2);
            size += pow(b->v[i][e], 2);
        }
        worst = isnan(off) ? INFINITY : fmax(worst, sqrt(off / fmax(size, 1e-30)));
    }
    return worst;
}

bool qn_test_net_same_bits(const qn_test_net_result *a, const qn_test_net_result *b)
{
    for (int i = 0; i < a->n; i++)
        if (memcmp(a->v[i], b->v[i], (size_t)a->count[i] * sizeof(double)) != 0)
            return false;
    return true;
}
