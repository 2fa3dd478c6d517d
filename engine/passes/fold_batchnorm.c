/* SPDX-License-Identifier: Apache-2.0 */
/* engine/passes/fold_batchnorm.c - Conv or ConvTranspose followed by BatchNormalization
 * in inference: scale goes into the weights, shift into the bias.
 *
 * With s = scale / sqrt(var + epsilon):  W' = s W,  B' = s (B - mean) + bias.  Computed
 * in double, for float32 weights. */
#include "engine/pass.h"

#include <math.h>
#include <string.h>

static bool is_f32(const qn_tensor *t, int64_t n)
{
    return t && t->dtype == QUERN_FLOAT && qn_tensor_count(t) == n;
}

/* Output channels of a foldable convolution, 0 if it is none. */
static int64_t channels(const qn_node *conv)
{
    const qn_tensor *w = qn_const_input(conv, 1);
    if (!w || w->dtype != QUERN_FLOAT || w->rank < 3 || conv->act.kind != QN_ACT_NONE)
        return 0;
    if (conv->n_in > 2 && conv->in[2] && !qn_const_input(conv, 2)) return 0;
    if (qn_node_is(conv, "Conv")) return w->dim[0];
    if (qn_node_is(conv, "ConvTranspose") && qn_node_int(conv, "group", 1) == 1)
        return w->dim[1];
    return 0;
}

static bool can_fold(const qn_node *conv, const qn_node *bn)
{
    int64_t n = conv ? channels(conv) : 0;
    if (n == 0 || !qn_node_is(bn, "BatchNormalization") || bn->in[0] != conv->out[0])
        return false;
    if (qn_node_int(bn, "training_mode", 0) != 0) return false;
    for (int i = 1; i < bn->n_out; i++)
        if (bn->out[i]) return false;
    for (int i = 1; i <= 4; i++)
        if (!is_f32(qn_const_input(bn, i), n)) return false;
    const qn_tensor *bias = qn_const_input(conv, 2);
    return !bias || is_f32(bias, n);
}

/* Element i of the weights belongs to output channel (i / inner) % n. */
static void scale_weights(const qn_tensor *w, float *to, const double *s, int64_t n,
                          int64_t inner)
{
    const char *from = w->data; /* may lie unaligned in the file */
    int64_t count = qn_tensor_count(w);
    for (int64_t i = 0; n > 0 && i < count; i++) {
        float x;
        memcpy(&x, from + (size_t)i * sizeof x, sizeof x);
        to[i] = (float)(s[i / inner % n] * (double)x);
    }
}

static quern_status fold(qn_graph *g, qn_node *conv, qn_node *bn, quern_error *err)
{
    const qn_tensor *w = qn_const_input(conv, 1), *b = qn_const_input(conv, 2);
    int64_t n = channels(conv);
    float eps = qn_node_float(bn, "epsilon", 1e-5f);
    qn_tensor nw = *w, nb = {.dtype = QUERN_FLOAT, .rank = 1, .dim = {n}};
    void *p;
    QN_TRY(qn_tensor_alloc(g->arena, &nw, err));
    QN_TRY(qn_tensor_alloc(g->arena, &nb, err));
    QN_TRY(qn_arena_array(g->arena, (size_t)n, sizeof(double), &p, err));
    double *s = p;
    for (int64_t i = 0; i < n; i++) {
        s[i] = qn_get_real(qn_const_input(bn, 1), i) /
               sqrt(qn_get_real(qn_const_input(bn, 4), i) + (double)eps);
        double bias = b ? qn_get_real(b, i) : 0;
        ((float *)nb.data)[i] =
            (float)(s[i] * (bias - qn_get_real(qn_const_input(bn, 3), i)) +
                    qn_get_real(qn_const_input(bn, 2), i));
    }
    scale_weights(w, nw.data, s, n,
                  qn_dims_count(w, qn_node_is(conv, "Conv") ? 1 : 2, w->rank));
    qn_value *vw, *vb;
    QN_TRY(qn_graph_add_constant(g, conv->in[1]->name, &nw, &vw, err));
    QN_TRY(qn_graph_add_constant(g, "", &nb, &vb, err));
    conv->in[1] = vw;
    QN_TRY(qn_node_set_input(conv, 2, vb, err));
    qn_value_replace(bn->out[0], conv->out[0]);
    qn_graph_remove(g, bn);
    return QUERN_OK;
}

qn_pass_fn qn_pass_fold_batchnorm;
quern_status qn_pass_fold_batchnorm(quern_model *model, qn_graph *g, int *n_changed,
                                    quern_error *err)
{
    (void)model;
    qn_graph_count_uses(g);
    for (qn_node *bn = g->first, *next; bn; bn = next) {
        next = bn->next;
        for (int i = 0; i < bn->n_in; i++)
            bn->in[i] = qn_resolve(bn->in[i]);
        if (!qn_node_is(bn, "BatchNormalization")) continue;
        qn_node *conv = bn->in[0]->producer;
        if (!conv || bn->in[0]->n_uses != 1 || !can_fold(conv, bn)) continue;
        conv->out[0]->n_uses = bn->out[0]->n_uses;
        QN_TRY(fold(g, conv, bn, err));
        ++*n_changed;
    }
    return QUERN_OK;
}
