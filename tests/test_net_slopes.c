/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_net_slopes.c - built-in networks as they are trained, batch-norm over the
 * batch: their gradients in double against central differences, in float32 against
 * double, and none missing. */
#include "engine/finish.h"
#include "engine/grad.h"
#include "engine/nets.h"
#include "engine/nets/cells.h"
#include "engine/parameters.h"
#include "engine/rng.h"
#include "tests/grad_kit.h"
#include "tools/train_run.h"

#include <math.h>
#include <string.h>

typedef struct slopes {
    quern_model *model;
    quern_session *session;
    int n; /* parameters with a gradient */
    qn_value **p;
    double **g; /* their gradients, widened */
} slopes;

static void done(slopes *s)
{
    quern_session_free(s->session);
    quern_model_free(s->model);
}

/* ---- the network in another type ---- */

static quern_status widen_tensor(qn_arena *arena, qn_tensor *t, quern_error *err)
{
    if (!t || t->dtype != QUERN_FLOAT) return QUERN_OK;
    qn_tensor wide = *t;
    wide.dtype = QUERN_DOUBLE;
    QN_TRY(qn_tensor_alloc(arena, &wide, err));
    for (int64_t k = 0; k < qn_tensor_count(&wide); k++)
        qn_set_real(&wide, k, qn_get_real(t, k));
    *t = wide;
    return QUERN_OK;
}

static quern_status widen(quern_model *raw, quern_error *err)
{
    qn_graph *g = raw->graph;
    for (int i = 0; i < g->n_values; i++) {
        if (g->values[i]->dtype == QUERN_FLOAT) g->values[i]->dtype = QUERN_DOUBLE;
        QN_TRY(widen_tensor(g->arena, g->values[i]->constant, err));
    }
    for (qn_node *node = g->first; node; node = node->next)
        for (int k = 0; k < node->n_attrs; k++)
            QN_TRY(widen_tensor(g->arena, node->attrs[k].tensor, err));
    return QUERN_OK;
}

static quern_status prepare(quern_model *raw, quern_dtype dtype, quern_error *err)
{
    for (qn_node *node = raw->graph->first; node; node = node->next)
        if (strcmp(node->op_type, "BatchNormalization") == 0)
            QN_TRY(qn_node_set_int(node, "training_mode", 1, err));
    return dtype == QUERN_DOUBLE ? widen(raw, err) : QUERN_OK;
}

/* ---- its gradients ---- */

/* Parameters get memory that may be written. */
static quern_status own_parameters(slopes *s, quern_error *err)
{
    void *p;
    const qn_graph *g = s->model->graph;
    QN_TRY(qn_arena_array(g->arena, (size_t)g->n_values, sizeof *s->p, &p, err));
    s->p = p;
    qn_graph_count_uses(s->model->graph);
    for (int i = 0; i < g->n_values; i++) {
        qn_value *v = g->values[i];
        if (!v->is_parameter || v->n_uses == 0) continue;
        qn_tensor own = *v->constant;
        QN_TRY(qn_tensor_alloc(g->arena, &own, err));
        memcpy(own.data, v->constant->data, qn_tensor_bytes(&own));
        v->constant->data = own.data;
        s->p[s->n++] = v;
    }
    return QUERN_OK;
}

/* Outputs: the loss, then the gradients there are. */
static quern_status differentiate(slopes *s, quern_error *err)
{
    void *p;
    qn_value *loss, *logp;
    qn_graph *g = s->model->graph;
    QN_TRY(own_parameters(s, err));
    QN_TRY(qn_graph_emit(g, NULL, "LogSoftmax", 1, g->outputs, &logp, err));
    logp->dtype = g->outputs[0]->dtype;
    logp->rank = g->outputs[0]->rank;
    memcpy(logp->dim, g->outputs[0]->dim, sizeof logp->dim);
    QN_TRY(qn_random_loss(s->model, logp, &loss, err));
    QN_TRY(qn_arena_array(g->arena, (size_t)s->n + 1, sizeof(qn_value *), &p, err));
    qn_value **out = p;
    QN_TRY(qn_grad_build(s->model, loss, s->p, s->n, out + 1, err));
    int n = 0;
    for (int i = 0; i < s->n; i++) /* running statistics have none */
        if (out[1 + i]) {
            s->p[n] = s->p[i];
            out[1 + n++] = out[1 + i];
        }
    s->n = n;
    out[0] = loss;
    g->outputs = s->model->outputs = out;
    g->n_outputs = 1 + n;
    s->model->purpose = QN_FOR_TRAINING;
    return qn_model_rework(s->model, err);
}

static quern_status feed(slopes *s, quern_error *err)
{
    const qn_value *in = s->model->graph->inputs[0];
    qn_tensor t = {0};
    qn_set_shape(&t, in->dtype, in->rank, in->dim);
    QN_TRY(qn_tensor_alloc(s->model->graph->arena, &t, err));
    const qn_rng rng = qn_rng_make(5, "pictures", 0);
    for (int64_t i = 0; i < qn_tensor_count(&t); i++)
        qn_set_real(&t, i, (float)(2 * qn_rng_uniform53(&rng, (uint64_t)i) - 1));
    quern_tensor x = {.dtype = t.dtype, .rank = t.rank, .data = t.data};
    memcpy(x.dim, t.dim, sizeof x.dim);
    return quern_session_bind(s->session, 0, &x, err);
}

static quern_status run(qn_test *t, slopes *s, quern_error *err)
{
    QN_TRY(feed(s, err));
    QN_TRY(quern_run(s->session, err));
    s->g = qn_exact(t, (size_t)s->n * sizeof *s->g);
    for (int i = 0; i < s->n; i++) {
        quern_tensor d;
        const qn_tensor *c = s->p[i]->constant;
        QN_TRY(quern_session_output(s->session, 1 + i, &d, err));
        s->g[i] = qn_exact(t, (size_t)qn_tensor_count(c) * sizeof(double));
        for (int64_t k = 0; k < qn_tensor_count(c); k++)
            s->g[i][k] = d.dtype == QUERN_DOUBLE ? ((const double *)d.data)[k]
                                                 : (double)((const float *)d.data)[k];
    }
    return QUERN_OK;
}

/* NULL: the network for cells, which has no row of its own. */
static quern_status build(const qn_net *net, quern_model **raw, quern_error *err)
{
    if (!net) {
        const qn_cells_net cells = {{4, 8, 8, 16}, 1};
        QN_TRY(qn_cells_net_build(&cells, NULL, raw, err));
        qn_value *x = (*raw)->graph->inputs[0];
        x->dim[2] = x->dim[3] = 16;
        x->symbol[2] = x->symbol[3] = NULL;
        return QUERN_OK;
    }
    const int side = net->side < 16 ? net->side : 16;
    const qn_net_options how = {.height = side,
                                .width = side,
                                .channels = 3,
                                .n_classes = 4,
                                .multiplier = 0.5,
                                .seed = 1};
    return qn_net_build(net, &how, NULL, raw, err);
}

static quern_status open(qn_test *t, slopes *s, const qn_net *net, quern_dtype dtype,
                         quern_error *err)
{
    qn_mem mem;
    quern_model *raw;
    *s = (slopes){.n = 0};
    qn_mem_init(&mem, NULL, 0);
    QN_TRY(build(net, &raw, err));
    quern_status status = prepare(raw, dtype, err);
    if (status == QUERN_OK)
        status = qn_train_parse(raw, 4, NULL, NULL, &mem, &s->model, err);
    quern_model_free(raw);
    QN_TRY(status);
    QN_TRY(differentiate(s, err));
    QN_TRY(quern_session_create(s->model, &(quern_session_options){.n_threads = 1},
                                &s->session, err));
    return run(t, s, err);
}

/* ---- comparisons ---- */

static double loss_at(slopes *s, int i, int64_t k, double x)
{
    quern_error err;
    quern_tensor loss;
    qn_value *v = s->p[i];
    ((double *)v->constant->data)[k] = x;
    v->version++;
    if (quern_run(s->session, &err) != QUERN_OK ||
        quern_session_output(s->session, 0, &loss, &err) != QUERN_OK)
        return NAN;
    return *(const double *)loss.data;
}

/* One element of a parameter, any; two runs. */
static void check_differences(qn_test *t, slopes *s, int i)
{
    const double step = 1e-6;
    const int64_t n = qn_tensor_count(s->p[i]->constant);
    double most = 0;
    for (int64_t k = 0; k < n; k++)
        most = fmax(most, fabs(s->g[i][k]));
    const int64_t k = qn_test_int(t, 0, n - 1);
    const double at = ((const double *)s->p[i]->constant->data)[k];
    const double up = loss_at(s, i, k, at + step), down = loss_at(s, i, k, at - step);
    loss_at(s, i, k, at);
    qn_note(t, "%s[%lld]", s->p[i]->name, (long long)k);
    CHECK_WITHIN(t, s->g[i][k], (up - down) / (2 * step), 1e-5 * (most + 1e-2));
}

/* In float32 a gradient of zero is rounding of what it is a sum of. */
static void check_single(qn_test *t, const slopes *wide, const slopes *single, int i,
                         double rounding)
{
    double off = 0, size = 0;
    const int64_t n = qn_tensor_count(wide->p[i]->constant);
    for (int64_t k = 0; k < n; k++) {
        const double d = single->g[i][k] - wide->g[i][k];
        off += d * d;
        size += wide->g[i][k] * wide->g[i][k];
    }
    qn_note(t, "%s", wide->p[i]->name);
    CHECK_WITHIN(t, sqrt(off), 0, 2e-5 * sqrt(size) + rounding);
}

static void check_net(qn_test *t, const qn_net *net)
{
    quern_error err = {0};
    slopes wide, single;
    const bool both = CHECK_OK(t, open(t, &wide, net, QUERN_DOUBLE, &err), &err) &&
                      CHECK_OK(t, open(t, &single, net, QUERN_FLOAT, &err), &err) &&
                      CHECK_EQ(t, wide.n, single.n);
    for (int i = 0; both && i < wide.n; i++) {
        if (i % (wide.n / 16 + 1) == 0) check_differences(t, &wide, i);
        check_single(t, &wide, &single, i, net ? 4e-6 : 4e-5); /* a loss by pixels */
    }
    done(&wide);
    if (both) done(&single);
}

void test_net_slopes(qn_test *t)
{
    static const char *const names[] = {"mlp",     "tiny",     "fast16",
                                        "resnet8", "mobile-s", "vit-tiny"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        check_net(t, qn_net_find(names[i]));
    check_net(t, NULL);
}

/* Every network becomes a step with an update for each of its parameters. */
void test_net_gradients(qn_test *t)
{
    const qn_net *net;
    for (int i = 0; (net = qn_net_at(i)); i++) {
        quern_error err;
        slopes s;
        qn_note(t, "%s", net->name);
        if (CHECK_OK(t, open(t, &s, net, QUERN_FLOAT, &err), &err)) CHECK(t, s.n > 3);
        for (int k = 0; k < s.n && s.g; k++) {
            double sum = 0;
            for (int64_t e = 0; e < qn_tensor_count(s.p[k]->constant); e++)
                sum += fabs(s.g[k][e]);
            CHECK(t, isfinite(sum));
        }
        done(&s);
    }
}
