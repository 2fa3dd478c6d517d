/* SPDX-License-Identifier: Apache-2.0 */
/* engine/passes/pool_before_conv.c - a 1x1 Conv whose result goes into an AveragePool
 * with strides: means of sums are sums of means, so the pool goes first and the Conv
 * has fewer pixels to do.  The bias passes through, as the shares of a window add up
 * to 1.
 */
#include "engine/pass.h"

/* Are there fewer windows than pixels, and in none of them a share of padding? */
static bool is_mean(const qn_node *pool)
{
    if (!qn_node_is(pool, "AveragePool") || !pool->out[0] ||
        qn_ints_are(pool, "strides", 1))
        return false;
    return !qn_node_int(pool, "count_include_pad", 0) ||
           (qn_is_unpadded(pool) && !qn_node_int(pool, "ceil_mode", 0));
}

/* conv, pool: x -> c -> y becomes pool, conv: x -> m -> y. */
static quern_status swap(qn_graph *g, qn_node *conv, qn_node *pool, quern_error *err)
{
    qn_value *mean, *x = conv->in[0], *y = pool->out[0];
    QN_TRY(qn_graph_add_value(g, "", &mean, err));
    mean->dtype = x->dtype;
    qn_graph_remove(g, conv);
    conv->out[0] = y;
    conv->in[0] = mean;
    pool->in[0] = x;
    pool->out[0] = mean;
    mean->producer = pool;
    qn_graph_insert(g, conv, pool->next);
    return QUERN_OK;
}

qn_pass_fn qn_pass_pool_before_conv;
quern_status qn_pass_pool_before_conv(quern_model *model, qn_graph *g, int *n_changed,
                                      quern_error *err)
{
    (void)model;
    qn_graph_count_uses(g);
    for (qn_node *conv = g->first, *next; conv; conv = next) {
        next = conv->next;
        if (!qn_is_pixel_conv(conv) || conv->act.kind != QN_ACT_NONE) continue;
        qn_node *pool = qn_only_use(g, conv->out[0]);
        if (!pool || !is_mean(pool)) continue;
        if (next == pool) next = pool->next;
        QN_TRY(swap(g, conv, pool, err));
        ++*n_changed;
    }
    return QUERN_OK;
}
