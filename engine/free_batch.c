/* SPDX-License-Identifier: Apache-2.0 */
/* engine/free_batch.c - a network exported for one picture becomes one for any number.
 * The batch is followed through the graph: of every value it is known whether it has a
 * batch dim and at which axis, and an operator that treats that axis like any other is
 * reported. */
#include "engine/raw.h"

#include <string.h>

enum { NONE = -1, LOST = -2 }; /* no batch in it; in it, but nobody knows where */

/* Where the batch stands in a value. */
typedef struct place {
    int axis;    /* or NONE or LOST */
    bool merged; /* the axis counts more than pictures: batch * something */
} place;

typedef struct follower {
    quern_model *model;
    qn_raw_names names;
    place *places; /* by value id */
} follower;

static place *place_of(const follower *f, const qn_value *v)
{
    return &f->places[v->id];
}

static place in_place(const follower *f, const qn_node *node, int i)
{
    const bool has = i < node->n_in && node->in[i];
    return has ? *place_of(f, node->in[i]) : (place){NONE, false};
}

static quern_status refuse(const qn_node *node, const char *why, quern_error *err)
{
    return qn_fail(err, QUERN_UNSUPPORTED,
                   "the model is made for a batch of 1 and node '%s' %s",
                   QN_LABEL(node), why);
}

/* Axes of a node: an attribute, or constant input i; false: unknown or absent. */
static bool axes_of(const qn_node *node, int i, qn_ints *out)
{
    const qn_attr_value *a = qn_node_attr(node, "axes");
    const qn_tensor *t = i < node->n_in ? qn_raw_constant(node->in[i]) : NULL;
    if (a && a->kind == QN_ATTR_INTS) {
        *out = a->ints;
        return true;
    }
    if (!t || t->dtype != QUERN_INT64 || t->rank > 1) return false;
    *out = (qn_ints){qn_tensor_count(t), t->data};
    return true;
}

static bool has_axis(qn_ints axes, int axis)
{
    for (int64_t i = 0; i < axes.n; i++)
        if (axes.v[i] == axis) return true;
    return false;
}

/* ---- operators that move axes ---- */

typedef quern_status rule_fn(follower *f, qn_node *node, place in, place *out,
                             quern_error *err);

static quern_status transpose(follower *f, qn_node *node, place in, place *out,
                              quern_error *err)
{
    const qn_attr_value *perm = qn_node_attr(node, "perm");
    (void)f;
    (void)err;
    out->axis = LOST;
    for (int64_t i = 0; perm && i < perm->ints.n && i < QUERN_MAX_RANK; i++)
        if (perm->ints.v[i] == in.axis) out->axis = (int)i;
    return QUERN_OK;
}

static quern_status flatten(follower *f, qn_node *node, place in, place *out,
                            quern_error *err)
{
    const int64_t axis = qn_node_int(node, "axis", 1);
    (void)f;
    (void)err;
    if (in.axis != 0 || axis == 0) out->axis = LOST;
    if (axis != 1) out->merged = true;
    return QUERN_OK;
}

static quern_status squeeze(follower *f, qn_node *node, place in, place *out,
                            quern_error *err)
{
    qn_ints axes;
    (void)f;
    if (!axes_of(node, 1, &axes))
        return refuse(node, "squeezes every dim of 1, the batch, too", err);
    if (has_axis(axes, in.axis)) return refuse(node, "squeezes the batch", err);
    for (int64_t i = 0; i < axes.n; i++)
        out->axis -= axes.v[i] >= 0 && axes.v[i] < in.axis;
    return QUERN_OK;
}

static quern_status unsqueeze(follower *f, qn_node *node, place in, place *out,
                              quern_error *err)
{
    qn_ints axes;
    (void)f;
    (void)err;
    if (!axes_of(node, 1, &axes)) axes.n = 0;
    out->axis = in.axis;
    for (int axis = 0; axis <= out->axis && axis < QUERN_MAX_RANK; axis++)
        out->axis += has_axis(axes, axis); /* they count in the result */
    return QUERN_OK;
}

static quern_status reduce(follower *f, qn_node *node, place in, place *out,
                           quern_error *err)
{
    qn_ints axes;
    (void)f;
    if (!axes_of(node, 1, &axes) || has_axis(axes, in.axis))
        return refuse(node, "reduces over the batch", err);
    if (qn_node_int(node, "keepdims", 1)) return QUERN_OK;
    for (int64_t i = 0; i < axes.n; i++)
        out->axis -= axes.v[i] >= 0 && axes.v[i] < in.axis;
    return QUERN_OK;
}

/* One index along an axis; index tensors of rank 0 take the axis away. */
static quern_status gather(follower *f, qn_node *node, place in, place *out,
                           quern_error *err)
{
    const int64_t axis = qn_node_int(node, "axis", 0);
    const qn_tensor *index = node->n_in > 1 ? qn_raw_constant(node->in[1]) : NULL;
    (void)f;
    if (axis == in.axis) return refuse(node, "picks from the batch", err);
    if (axis < 0 || axis > in.axis) return QUERN_OK;
    if (index)
        out->axis += index->rank - 1;
    else
        out->axis = LOST;
    return QUERN_OK;
}

static quern_status slice(follower *f, qn_node *node, place in, place *out,
                          quern_error *err)
{
    qn_ints axes;
    (void)f;
    (void)out;
    if (!axes_of(node, 3, &axes) || has_axis(axes, in.axis))
        return refuse(node, "cuts the batch", err);
    return QUERN_OK;
}

static quern_status split(follower *f, qn_node *node, place in, place *out,
                          quern_error *err)
{
    (void)f;
    (void)out;
    return qn_node_int(node, "axis", 0) == in.axis
               ? refuse(node, "splits the batch", err)
               : QUERN_OK;
}

static quern_status concat(follower *f, qn_node *node, place in, place *out,
                           quern_error *err)
{
    if (qn_node_int(node, "axis", 0) == in.axis)
        return refuse(node, "joins pictures to a longer batch", err);
    for (int i = 0; i < node->n_in; i++)
        if (in_place(f, node, i).axis == NONE)
            return refuse(node, "joins the batch with something for one picture", err);
    (void)out;
    return QUERN_OK;
}

static quern_status resize(follower *f, qn_node *node, place in, place *out,
                           quern_error *err)
{
    (void)f;
    (void)out;
    const bool has_sizes = node->n_in > 3 && node->in[3];
    if (has_sizes && in.axis == 0 && !qn_node_attr(node, "axes"))
        return refuse(node, "resizes to fixed sizes, the batch's, too", err);
    return QUERN_OK;
}

static quern_status lose(follower *f, qn_node *node, place in, place *out,
                         quern_error *err)
{
    (void)f;
    (void)node;
    (void)in;
    (void)err;
    out->axis = LOST;
    return QUERN_OK;
}

static quern_status shape(follower *f, qn_node *node, place in, place *out,
                          quern_error *err)
{
    (void)f;
    (void)node;
    (void)in;
    (void)err;
    *out = (place){NONE, false};
    return QUERN_OK;
}

/* ---- Reshape ---- */

/* The first entry of a constant shape becomes -1, or 0 where another is -1. */
static quern_status free_first(follower *f, qn_node *node, const qn_tensor *shape,
                               int64_t first, quern_error *err)
{
    qn_value *v;
    qn_tensor t;
    const char *name;
    QN_TRY(qn_tensor_copy(f->model->graph->arena, &t, shape, err));
    ((int64_t *)t.data)[0] = first;
    QN_TRY(qn_raw_name(&f->names, node->in[1]->name, &name, err));
    QN_TRY(qn_graph_add_constant(f->model->graph, name, &t, &v, err));
    node->in[1] = v;
    return QUERN_OK;
}

static quern_status reshape(follower *f, qn_node *node, place in, place *out,
                            quern_error *err)
{
    const qn_tensor *shape = node->n_in > 1 ? qn_raw_constant(node->in[1]) : NULL;
    *out = (place){LOST, false};
    if (!shape || shape->dtype != QUERN_INT64 || shape->rank != 1 || !shape->dim[0])
        return QUERN_OK; /* computed from the input's own shape, most likely */
    const int64_t *dim = shape->data;
    bool is_free = false;
    for (int64_t i = 1; i < shape->dim[0]; i++)
        is_free = is_free || dim[i] == -1;
    const bool copies = dim[0] == 0 && !qn_node_int(node, "allowzero", 0);
    if (in.axis != 0 && !is_free && dim[0] != -1)
        return refuse(node, "reshapes to a fixed size", err);
    if (in.axis != 0) return QUERN_OK;
    *out = (place){0, in.merged || (dim[0] != 1 && dim[0] != 0)};
    if (dim[0] == -1 || copies) return QUERN_OK;
    if (!is_free) return free_first(f, node, shape, -1, err);
    if (dim[0] == 1 && !in.merged && !qn_node_int(node, "allowzero", 0))
        return free_first(f, node, shape, 0, err);
    return refuse(node, "reshapes to a fixed size", err);
}

/* ---- all operators ---- */

static const struct {
    const char *op_type;
    rule_fn *rule;
} rules[] = {
    {"Reshape", reshape},
    {"Transpose", transpose},
    {"Flatten", flatten},
    {"Squeeze", squeeze},
    {"Unsqueeze", unsqueeze},
    {"ReduceMean", reduce},
    {"ReduceSum", reduce},
    {"ReduceMax", reduce},
    {"ReduceMin", reduce},
    {"ReduceL2", reduce},
    {"ReduceProd", reduce},
    {"Gather", gather},
    {"Slice", slice},
    {"Split", split},
    {"Concat", concat},
    {"Resize", resize},
    {"Shape", shape},
    {"Size", shape},
    {"ArgMax", lose},
    {"Einsum", lose},
    {"DepthToSpace", NULL},
    {"LSTM", lose},
    {"GRU", lose},
    {"RNN", lose},
};

/* The batch of all inputs together: they must agree. */
static place join(const follower *f, const qn_node *node)
{
    place all = {NONE, false};
    for (int i = 0; i < node->n_in; i++) {
        const place p = in_place(f, node, i);
        if (p.axis == NONE) continue;
        if (all.axis != NONE && all.axis != p.axis) all.axis = LOST;
        if (all.axis == NONE) all.axis = p.axis;
        all.merged = all.merged || p.merged;
    }
    return all;
}

static quern_status follow(follower *f, qn_node *node, quern_error *err)
{
    const place in = join(f, node);
    place out = in;
    rule_fn *rule = NULL;
    if (in.axis == NONE) return QUERN_OK;
    if (*node->domain || qn_node_subgraph(node, 0))
        return refuse(node, "does with it nobody knows what", err);
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (!strcmp(rules[i].op_type, node->op_type)) rule = rules[i].rule;
    if (rule && (in.axis >= 0 || rule == reshape || rule == shape))
        QN_TRY(rule(f, node, in, &out, err));
    for (int i = 0; i < node->n_out; i++)
        if (node->out[i]) *place_of(f, node->out[i]) = out;
    return QUERN_OK;
}

static void free_dim(qn_value *v)
{
    if (v->rank < 1) return;
    v->dim[0] = -1;
    v->symbol[0] = "batch";
}

quern_status qn_raw_free_batch(quern_model *raw, quern_error *err)
{
    qn_graph *g = raw->graph;
    void *places;
    if (!g->n_inputs || g->inputs[0]->rank < 1 || g->inputs[0]->dim[0] < 0)
        return QUERN_OK;
    if (g->inputs[0]->dim[0] != 1)
        return qn_fail(err, QUERN_UNSUPPORTED,
                       "input '%s' has a fixed batch of %lld; only 1 can be freed",
                       g->inputs[0]->name, (long long)g->inputs[0]->dim[0]);
    /* Reshapes add values while they are followed, none of which is looked at */
    const int n = g->n_values;
    QN_TRY(qn_arena_array(g->arena, (size_t)n, sizeof(place), &places, err));
    follower f = {.model = raw, .places = places};
    qn_raw_names_init(&f.names, raw);
    for (int i = 0; i < n; i++) {
        g->values[i]->id = i;
        f.places[i] = (place){NONE, false};
    }
    *place_of(&f, g->inputs[0]) = (place){0, false};
    for (qn_node *node = g->first; node; node = node->next)
        QN_TRY(follow(&f, node, err));
    free_dim(g->inputs[0]);
    for (int i = 0; i < g->n_outputs; i++)
        if (place_of(&f, g->outputs[i])->axis != NONE && g->outputs[i]->dim[0] == 1)
            free_dim(g->outputs[i]);
    return qn_raw_prune(raw, err);
}
