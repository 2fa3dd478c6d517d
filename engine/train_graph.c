/* SPDX-License-Identifier: Apache-2.0 */
/* engine/train_graph.c - a model becomes the graph of a training step:
 *
 *   pixels -> Pixels -> the model, batch-norm in its training form -> SoftmaxLoss
 *   gradients (grad.c), one update node for each parameter, averages
 *
 * Updates stand as early as they may: behind the gradient and behind the last node that
 * reads the parameter, so that a gradient's memory is free again at once. */
#include "engine/train_graph.h"

#include "engine/finish.h"
#include "engine/grad.h"
#include "engine/hyper.h"
#include "engine/pass.h"

#include <string.h>

/* ---- what is trained ---- */

static bool is_statistic(const quern_model *model, const qn_value *v)
{
    for (const qn_node *node = model->graph->first; node; node = node->next)
        if (qn_node_is(node, "BatchNormalization"))
            for (int i = 3; i < node->n_in; i++)
                if (node->in[i] == v) return true;
    return false;
}

static quern_status new_array(quern_model *model, int64_t n, bool wanted, float **out,
                              quern_error *err)
{
    void *p = NULL;
    if (wanted)
        QN_TRY(qn_arena_array(&model->arena, (size_t)n, sizeof(float), &p, err));
    *out = p;
    return QUERN_OK;
}

static quern_status add_trained(quern_model *model, const qn_trainer_options *opt,
                                qn_value *v, qn_trained *t, quern_error *err)
{
    const qn_tensor *c = v->constant;
    if (c->dtype != QUERN_FLOAT)
        return qn_fail(err, QUERN_UNSUPPORTED,
                       "parameter '%s' is %s; training takes float32", v->name,
                       quern_dtype_name(c->dtype));
    *t = (qn_trained){.name = v->name,
                      .rank = c->rank,
                      .n = qn_tensor_count(c),
                      .is_statistic = is_statistic(model, v),
                      .rate_scale = 1,
                      .decay_scale = 1,
                      .value = v};
    memcpy(t->dim, c->dim, sizeof t->dim);
    if (c->rank < 2 && !opt->decays_all) t->decay_scale = 0;
    if (opt->rate_of) t->rate_scale = opt->rate_of(opt->rate_ctx, v->name);
    QN_TRY(new_array(model, t->n, true, &t->data, err));
    memcpy(t->data, c->data, (size_t)t->n * sizeof(float));
    v->constant->data = t->data;
    const bool moves = !t->is_statistic;
    for (int k = 0; k < QN_MOMENTS; k++)
        QN_TRY(new_array(model, t->n, moves && k < opt->optimizer->n_moments,
                         &t->moment[k], err));
    QN_TRY(new_array(model, t->n, moves && opt->accumulate > 1, &t->held, err));
    QN_TRY(new_array(model, t->n, opt->averages, &t->average, err));
    if (opt->averages) memcpy(t->average, t->data, (size_t)t->n * sizeof(float));
    return QUERN_OK;
}

quern_status qn_train_list(quern_model *model, const qn_trainer_options *opt,
                           qn_trained **list, int *n, quern_error *err)
{
    void *p;
    const qn_graph *g = model->graph;
    *n = 0;
    qn_graph_count_uses(model->graph);
    for (int i = 0; i < g->n_values; i++)
        *n += g->values[i]->is_parameter && g->values[i]->n_uses > 0;
    QN_TRY(qn_arena_array(&model->arena, (size_t)*n, sizeof **list, &p, err));
    *list = p;
    for (int i = 0, k = 0; i < g->n_values; i++)
        if (g->values[i]->is_parameter && g->values[i]->n_uses > 0)
            QN_TRY(add_trained(model, opt, g->values[i], &(*list)[k++], err));
    if (*n == 0)
        return qn_fail(err, QUERN_INVALID, "the model has no parameters to train");
    return QUERN_OK;
}

/* ---- building ---- */

typedef struct builder {
    quern_model *model;
    qn_graph *g;
    const qn_trainer_options *opt;
    qn_trained *list;
    int n;
    qn_value *in[QN_STEP_INPUTS];
    qn_value **token; /* what update nodes give */
    int n_tokens;
} builder;

/* A bound node at the end of the graph, outputs typed. */
static quern_status append(builder *b, const char *domain, const char *op_type,
                           int n_in, qn_value *const *in, int n_out, qn_node **out,
                           quern_error *err)
{
    QN_TRY(qn_graph_new_node(b->g, op_type, domain, QN_OPSET_NEWEST, n_in, n_out, out,
                             err));
    for (int i = 0; i < n_in; i++)
        (*out)->in[i] = in[i];
    for (int i = 0; i < n_out; i++)
        QN_TRY(qn_graph_add_value(b->g, "", &(*out)->out[i], err));
    qn_graph_insert(b->g, *out, NULL);
    return QUERN_OK;
}

static quern_status bind(builder *b, qn_node *node, quern_error *err)
{
    const qn_op *op = qn_op_find(node->domain, node->op_type);
    if (!op)
        return qn_fail(err, QUERN_UNSUPPORTED, "training needs %s, which is not known",
                       node->op_type);
    QN_TRY(qn_op_bind(b->g, node, op, err));
    for (int i = 0; i < node->n_out; i++)
        if (node->out[i]) node->out[i]->dtype = qn_op_out_dtype(node, i);
    return QUERN_OK;
}

static quern_status set_float(qn_node *node, const char *name, float x,
                              quern_error *err)
{
    return qn_node_set_attr(
        node, &(qn_attr_value){.name = name, .kind = QN_ATTR_FLOAT, .f = x}, err);
}

static void set_dims(qn_value *v, quern_dtype dtype, int rank, const int64_t *dim)
{
    v->dtype = dtype;
    v->rank = rank;
    memcpy(v->dim, dim, (size_t)rank * sizeof *dim);
}

static quern_status new_input(builder *b, int at, const char *name, quern_dtype dtype,
                              int rank, const int64_t *dim, quern_error *err)
{
    qn_value *v;
    QN_TRY(qn_graph_add_value(b->g, name, &v, err));
    set_dims(v, dtype, rank, dim);
    v->is_input = true;
    b->in[at] = v;
    return QUERN_OK;
}

static quern_status set_floats(builder *b, qn_node *node, const char *name,
                               const float *x, int64_t n, quern_error *err)
{
    void *p;
    QN_TRY(qn_arena_array(b->g->arena, (size_t)n, sizeof(float), &p, err));
    memcpy(p, x, (size_t)n * sizeof(float));
    return qn_node_set_attr(
        node, &(qn_attr_value){.name = name, .kind = QN_ATTR_FLOATS, .floats = {n, p}},
        err);
}

/* The model's picture input is computed from pixels. */
static quern_status add_pixels(builder *b, quern_error *err)
{
    qn_value *x = b->g->inputs[0];
    qn_node *node;
    if (b->opt->takes_features) {
        b->in[QN_STEP_PIXELS] = x;
        return QUERN_OK;
    }
    if (b->g->n_inputs != 1 || x->rank != 4 || x->dtype != QUERN_FLOAT ||
        !qn_value_has_shape(x))
        return qn_fail(err, QUERN_UNSUPPORTED,
                       "training takes models with one float32 input of known shape "
                       "[batch,channels,height,width]; input '%s' is another",
                       x->name);
    const int64_t dim[] = {x->dim[0], x->dim[2], x->dim[3], x->dim[1]};
    QN_TRY(new_input(b, QN_STEP_PIXELS, "pixels", QUERN_UINT8, 4, dim, err));
    QN_TRY(qn_graph_new_node(b->g, "Pixels", QN_DOMAIN, QN_OPSET_NEWEST, 1, 1, &node,
                             err));
    node->in[0] = b->in[QN_STEP_PIXELS];
    node->out[0] = x;
    x->is_input = false;
    qn_graph_insert(b->g, node, b->g->first);
    QN_TRY(set_floats(b, node, "mean", b->opt->mean, x->dim[1], err));
    QN_TRY(set_floats(b, node, "std", b->opt->std, x->dim[1], err));
    QN_TRY(qn_node_set_int(node, "bgr", b->opt->bgr, err));
    return bind(b, node, err);
}

/* How the output has to be for the loss: its rank, and how that is said. */
static quern_status check_output(const builder *b, const qn_value *y, quern_error *err)
{
    const bool flows = b->opt->loss == QN_TRAIN_FLOWS;
    if (y->rank == (flows ? 4 : 2) && qn_value_has_shape(y)) return QUERN_OK;
    return qn_fail(err, QUERN_UNSUPPORTED,
                   "training takes models whose output is %s; output '%s' has rank %d",
                   flows ? "[batch,3,height,width]" : "[batch,classes]", y->name,
                   y->rank);
}

static quern_status softmax_loss(builder *b, qn_value *const *in, qn_node **node,
                                 quern_error *err)
{
    QN_TRY(append(b, QN_DOMAIN, "SoftmaxLoss", 3, in, 2, node, err));
    set_dims((*node)->out[1], QUERN_FLOAT, 2, in[0]->dim);
    return set_float(*node, "smoothing", b->opt->smoothing, err);
}

static quern_status add_loss(builder *b, qn_value **loss, qn_value **logits,
                             quern_error *err)
{
    qn_node *node;
    qn_value *y = b->g->outputs[0];
    QN_TRY(check_output(b, y, err));
    QN_TRY(new_input(b, QN_STEP_TARGET, "target", QUERN_FLOAT, y->rank, y->dim, err));
    QN_TRY(new_input(b, QN_STEP_WEIGHT, "weight", QUERN_FLOAT, 1, y->dim, err));
    QN_TRY(new_input(b, QN_STEP_HYPER, "hyper", QUERN_FLOAT, 1, (int64_t[]){QN_HYPER_N},
                     err));
    qn_value *in[] = {y, b->in[QN_STEP_TARGET], b->in[QN_STEP_WEIGHT]};
    if (b->opt->loss == QN_TRAIN_FLOWS)
        QN_TRY(append(b, QN_DOMAIN, "FlowLoss", 3, in, 1, &node, err));
    else
        QN_TRY(softmax_loss(b, in, &node, err));
    *logits = y;
    *loss = node->out[0];
    set_dims(node->out[0], QUERN_FLOAT, 0, y->dim);
    return bind(b, node, err);
}

static quern_status add_token(builder *b, qn_node *node, quern_error *err)
{
    node->out[0]->rank = 0;
    b->token[b->n_tokens++] = node->out[0];
    return bind(b, node, err);
}

static quern_status add_average(builder *b, qn_value *to, qn_value *from, float rate,
                                quern_error *err)
{
    qn_node *node;
    qn_value *in[] = {b->in[QN_STEP_HYPER], to, from};
    QN_TRY(append(b, QN_DOMAIN, "Average", 3, in, 1, &node, err));
    QN_TRY(set_float(node, "rate", rate, err));
    return add_token(b, node, err);
}

/* Batch-norm whose scale is trained takes the statistics of the batch, and its running
 * statistics follow. */
static quern_status train_batch_norm(builder *b, qn_node *old, quern_error *err)
{
    qn_node *node;
    QN_TRY(qn_graph_new_node(b->g, "BatchNormTrain", QN_DOMAIN, QN_OPSET_NEWEST, 3, 3,
                             &node, err));
    node->name = old->name;
    memcpy(node->in, old->in, 3 * sizeof *node->in);
    node->out[0] = old->out[0];
    for (int i = 1; i < 3; i++) {
        QN_TRY(qn_graph_add_value(b->g, "", &node->out[i], err));
        set_dims(node->out[i], QUERN_FLOAT, 1, old->in[1]->dim);
    }
    QN_TRY(set_float(node, "epsilon", qn_node_float(old, "epsilon", 1e-5f), err));
    qn_graph_insert(b->g, node, old);
    qn_graph_remove(b->g, old);
    node->out[0]->producer = node;
    QN_TRY(bind(b, node, err));
    const float keep = qn_node_float(old, "momentum", 0.9f);
    for (int i = 1; i < 3; i++)
        QN_TRY(add_average(b, old->in[2 + i], node->out[i], 1 - keep, err));
    return QUERN_OK;
}

static quern_status train_batch_norms(builder *b, quern_error *err)
{
    for (qn_node *node = b->g->first, *next; node; node = next) {
        next = node->next;
        if (qn_node_is(node, "BatchNormalization") && node->in[1]->is_parameter)
            QN_TRY(train_batch_norm(b, node, err));
    }
    return QUERN_OK;
}

/* ---- updates ---- */

/* Memory of the trainer as a value: constant, but written. */
static quern_status as_value(builder *b, const qn_trained *t, float *data,
                             qn_value **out, quern_error *err)
{
    qn_tensor c = {.dtype = QUERN_FLOAT, .data = data};
    qn_set_shape(&c, QUERN_FLOAT, t->rank, t->dim);
    QN_TRY(qn_graph_add_constant(b->g, "", &c, out, err));
    (*out)->is_parameter = true;
    return QUERN_OK;
}

static quern_status accumulate(builder *b, const qn_trained *t, qn_value **grad,
                               quern_error *err)
{
    qn_node *node;
    qn_value *held;
    if (!t->held) return QUERN_OK;
    QN_TRY(as_value(b, t, t->held, &held, err));
    qn_value *in[] = {b->in[QN_STEP_HYPER], held, *grad};
    QN_TRY(append(b, QN_DOMAIN, "Accumulate", 3, in, 1, &node, err));
    set_dims(node->out[0], QUERN_FLOAT, t->rank, t->dim);
    *grad = node->out[0];
    return bind(b, node, err);
}

/* Muon is for matrices; the rest goes by plain SGD. */
static const char *row_for(const builder *b, const qn_trained *t)
{
    const char *row = b->opt->optimizer->row;
    return strcmp(row, "Muon") == 0 && t->rank < 2 ? "Sgd" : row;
}

static quern_status add_update(builder *b, const qn_trained *t, qn_value *grad,
                               qn_value *norm, quern_error *err)
{
    qn_node *node;
    qn_value *in[4 + QN_MOMENTS] = {b->in[QN_STEP_HYPER], t->value, grad};
    int n = 3;
    for (int k = 0; k < QN_MOMENTS; k++)
        if (t->moment[k]) QN_TRY(as_value(b, t, t->moment[k], &in[n++], err));
    if (norm) in[n++] = norm;
    QN_TRY(append(b, QN_DOMAIN, row_for(b, t), n, in, 1, &node, err));
    QN_TRY(set_float(node, "rate", t->rate_scale, err));
    QN_TRY(set_float(node, "decay", t->decay_scale, err));
    return add_token(b, node, err);
}

static quern_status add_moving_average(builder *b, const qn_trained *t,
                                       quern_error *err)
{
    qn_value *average;
    if (!t->average) return QUERN_OK;
    QN_TRY(as_value(b, t, t->average, &average, err));
    return add_average(b, average, t->value, 0, err);
}

static quern_status add_norm(builder *b, qn_value *const *grads, qn_value **norm,
                             quern_error *err)
{
    void *p;
    int n = 0;
    qn_node *node;
    *norm = NULL;
    if (!b->opt->clips) return QUERN_OK;
    QN_TRY(qn_arena_array(b->g->arena, (size_t)b->n, sizeof *grads, &p, err));
    qn_value **in = p;
    for (int i = 0; i < b->n; i++)
        if (grads[i]) in[n++] = grads[i];
    QN_TRY(append(b, QN_DOMAIN, "SquareSum", n, in, 1, &node, err));
    *norm = node->out[0];
    (*norm)->rank = 0;
    return bind(b, node, err);
}

static quern_status add_updates(builder *b, qn_value **grads, quern_error *err)
{
    qn_value *norm;
    for (int i = 0; i < b->n; i++)
        if (grads[i]) QN_TRY(accumulate(b, &b->list[i], &grads[i], err));
    QN_TRY(add_norm(b, grads, &norm, err));
    for (int i = 0; i < b->n; i++)
        if (grads[i]) QN_TRY(add_update(b, &b->list[i], grads[i], norm, err));
    for (int i = 0; i < b->n; i++)
        QN_TRY(add_moving_average(b, &b->list[i], err));
    return QUERN_OK;
}

static quern_status add_gradients(builder *b, qn_value *loss, quern_error *err)
{
    void *p;
    size_t n = (size_t)b->n;
    QN_TRY(qn_arena_array(b->g->arena, n, sizeof(qn_value *), &p, err));
    qn_value **wrt = p;
    QN_TRY(qn_arena_array(b->g->arena, n, sizeof(qn_value *), &p, err));
    qn_value **grads = p;
    for (int i = 0; i < b->n; i++)
        wrt[i] = b->list[i].value;
    QN_TRY(qn_grad_build(b->model, loss, wrt, b->n, grads, err));
    return add_updates(b, grads, err);
}

/* ---- order ---- */

static bool writes_parameters(const qn_node *node)
{
    return node->n_in > 1 && strcmp(node->domain, QN_DOMAIN) == 0 &&
           (strcmp(node->op_type, "Average") == 0 ||
            node->op->attrs == qn_op_sgd.attrs);
}

static const qn_value *root_of(const qn_value *v)
{
    while (v->producer && v->producer->op->flags & QN_OP_VIEW)
        v = v->producer->in[0];
    return v;
}

/* What an updating node writes: of Average and of all optimizers, input 1. */
static const qn_value *written(const qn_node *node)
{
    return node->in[1];
}

/* The last node before `node` that it has to stand behind: one that computes an input
 * of it, or reads what it writes. */
static qn_node *last_before(qn_node *node)
{
    qn_node *at = node->prev;
    for (; at; at = at->prev) {
        for (int i = 0; i < node->n_in; i++)
            if (node->in[i] && node->in[i]->producer == at) return at;
        for (int i = 0; i < at->n_in; i++)
            if (at->in[i] && root_of(at->in[i]) == written(node)) return at;
        if (writes_parameters(at) && written(at) == node->in[2]) return at;
    }
    return at;
}

static void move_updates(qn_graph *g)
{
    for (qn_node *node = g->first, *next; node; node = next) {
        next = node->next;
        if (!writes_parameters(node)) continue;
        qn_node *after = last_before(node);
        if (!after || after == node->prev) continue;
        qn_node *before = after->next;
        qn_graph_remove(g, node);
        qn_graph_insert(g, node, before);
    }
}

/* ---- all of it ---- */

static quern_status set_ends(builder *b, qn_value *loss, qn_value *logits,
                             quern_error *err)
{
    void *p;
    qn_node *sum;
    QN_TRY(append(b, "", "Sum", b->n_tokens, b->token, 1, &sum, err));
    sum->out[0]->rank = 0;
    QN_TRY(bind(b, sum, err));
    QN_TRY(qn_arena_array(b->g->arena, QN_STEP_INPUTS + QN_STEP_OUTPUTS,
                          sizeof(qn_value *), &p, err));
    b->g->inputs = p;
    b->g->n_inputs = QN_STEP_INPUTS;
    memcpy(b->g->inputs, b->in, sizeof b->in);
    b->g->outputs = b->g->inputs + QN_STEP_INPUTS;
    b->g->n_outputs = QN_STEP_OUTPUTS;
    b->g->outputs[QN_STEP_LOSS] = loss;
    b->g->outputs[QN_STEP_LOGITS] = logits;
    b->g->outputs[QN_STEP_NORM] = sum->out[0];
    b->model->outputs = b->g->outputs;
    return QUERN_OK;
}

quern_status qn_train_build(quern_model *model, const qn_trainer_options *opt,
                            qn_trained *list, int n, quern_error *err)
{
    void *p;
    qn_value *loss = NULL, *logits = NULL;
    builder b = {.model = model, .g = model->graph, .opt = opt, .list = list, .n = n};
    QN_TRY(qn_arena_array(b.g->arena, 3 * (size_t)n + 1, sizeof *b.token, &p, err));
    b.token = p;
    QN_TRY(add_pixels(&b, err));
    QN_TRY(add_loss(&b, &loss, &logits, err));
    if (!opt->keeps_statistics) QN_TRY(train_batch_norms(&b, err));
    QN_TRY(add_gradients(&b, loss, err));
    QN_TRY(set_ends(&b, loss, logits, err));
    model->purpose = QN_FOR_TRAINING;
    QN_TRY(qn_model_rework(model, err));
    move_updates(b.g);
    return qn_model_rework(model, err);
}
