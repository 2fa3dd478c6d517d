/* SPDX-License-Identifier: Apache-2.0 */
/* engine/passes/fold_norm_ahead.c - BatchNormalization in inference in front of a Conv
 * without padding: scale and shift go into its weights and its bias.
 *
 * With s = scale / sqrt(var + epsilon), t = bias - s mean:  W' = W s,  B' = B + sum of
 * W t.  Padding stands behind the normalisation and would have to be -t / s.  Computed
 * in double, for float32 weights. */
#include "engine/pass.h"

#include <math.h>

static bool is_vector(const qn_node *node, int i, int64_t n)
{
    const qn_tensor *t = qn_const_input(node, i);
    return t && t->dtype == QUERN_FLOAT && t->rank == 1 && t->dim[0] == n;
}

static bool can_fold(const qn_node *bn, const qn_node *conv)
{
    const qn_tensor *w = conv ? qn_const_input(conv, 1) : NULL;
    if (!qn_node_is(conv, "Conv") || !w || w->dtype != QUERN_FLOAT || w->rank < 3 ||
        conv->in[0] != bn->out[0] || !qn_is_unpadded(conv))
        return false;
    if (conv->n_in > 2 && conv->in[2] && !is_vector(conv, 2, w->dim[0])) return false;
    const int64_t groups = qn_node_int(conv, "group", 1);
    if (groups < 1 || w->dim[0] % groups) return false;
    for (int i = 1; i <= 4; i++)
        if (!is_vector(bn, i, w->dim[1] * groups)) return false;
    return true;
}

typedef struct map {
    double scale, shift;
} map;

static map map_of(const qn_node *bn, int64_t c)
{
    const float eps = qn_node_float(bn, "epsilon", 1e-5f);
    const double var = qn_get_real(qn_const_input(bn, 4), c) + (double)eps;
    const double s = qn_get_real(qn_const_input(bn, 1), c) / sqrt(var);
    return (map){s, qn_get_real(qn_const_input(bn, 2), c) -
                        s * qn_get_real(qn_const_input(bn, 3), c)};
}

/* Filter o: its weights scaled into w, what the shifts add up to returned. */
static double fold_filter(const qn_node *bn, const qn_node *conv, int64_t o, float *w)
{
    const qn_tensor *from = qn_const_input(conv, 1);
    const int64_t ic = from->dim[1], taps = qn_dims_count(from, 2, from->rank);
    const int64_t groups = qn_node_int(conv, "group", 1);
    const int64_t first = o / (from->dim[0] / groups) * ic;
    double sum = 0;
    for (int64_t i = 0; i < ic; i++) {
        const map m = map_of(bn, first + i);
        for (int64_t k = 0; k < taps; k++) {
            const double x = qn_get_real(from, (o * ic + i) * taps + k);
            w[(o * ic + i) * taps + k] = (float)(x * m.scale);
            sum += x * m.shift;
        }
    }
    return sum;
}

static quern_status fold(qn_graph *g, qn_node *bn, qn_node *conv, quern_error *err)
{
    const qn_tensor *b = conv->n_in > 2 && conv->in[2] ? qn_const_input(conv, 2) : NULL;
    qn_tensor w = *qn_const_input(conv, 1);
    qn_tensor bias = {.dtype = QUERN_FLOAT, .rank = 1, .dim = {w.dim[0]}};
    qn_value *vw, *vb;
    QN_TRY(qn_tensor_alloc(g->arena, &w, err));
    QN_TRY(qn_tensor_alloc(g->arena, &bias, err));
    for (int64_t o = 0; o < w.dim[0]; o++)
        ((float *)bias.data)[o] =
            (float)(fold_filter(bn, conv, o, w.data) + (b ? qn_get_real(b, o) : 0));
    QN_TRY(qn_graph_add_constant(g, conv->in[1]->name, &w, &vw, err));
    QN_TRY(qn_graph_add_constant(g, "", &bias, &vb, err));
    conv->in[0] = bn->in[0];
    conv->in[1] = vw;
    QN_TRY(qn_node_set_input(conv, 2, vb, err));
    qn_graph_remove(g, bn);
    return QUERN_OK;
}

static bool is_map(const qn_node *bn)
{
    if (!qn_node_is(bn, "BatchNormalization") || bn->act.kind != QN_ACT_NONE ||
        qn_node_int(bn, "training_mode", 0) != 0 || !bn->out[0])
        return false;
    for (int i = 1; i < bn->n_out; i++)
        if (bn->out[i]) return false;
    return true;
}

qn_pass_fn qn_pass_fold_norm_ahead;
quern_status qn_pass_fold_norm_ahead(quern_model *model, qn_graph *g, int *n_changed,
                                     quern_error *err)
{
    (void)model;
    qn_graph_count_uses(g);
    for (qn_node *bn = g->first, *next; bn; bn = next) {
        next = bn->next;
        if (!is_map(bn)) continue;
        qn_node *conv = qn_only_use(g, bn->out[0]);
        if (!can_fold(bn, conv)) continue;
        QN_TRY(fold(g, bn, conv, err));
        ++*n_changed;
    }
    return QUERN_OK;
}
