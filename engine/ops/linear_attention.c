/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/linear_attention.c - attention as a recurrence: a state of keys by values
 * that each token decays, corrects, adds to and reads; ONNX LinearAttention-27.  Heads
 * lie side by side in a row; one head of keys is one work item. */
#include "engine/op.h"
#include "kernels/attention.h"

#include <math.h>
#include <string.h>

typedef struct lin_params {
    int64_t chunk_size, kv_num_heads, q_num_heads;
    float scale;
    const char *update_rule;
} lin_params;

static const qn_attr lin_attrs[] = {
    QN_INT(lin_params, chunk_size, 64), /* a hint for others */
    QN_REQUIRED(lin_params, kv_num_heads, QN_ATTR_INT),
    QN_REQUIRED(lin_params, q_num_heads, QN_ATTR_INT),
    QN_FLOAT(lin_params, scale, 0),
    QN_STR(lin_params, update_rule, "gated_delta"),
    QN_ATTRS_END};

enum { LIN_Q, LIN_K, LIN_V, LIN_PAST, LIN_DECAY, LIN_BETA };

static bool is_gated(const lin_params *p)
{
    return strncmp(p->update_rule, "gated", 5) == 0;
}

static bool is_delta(const lin_params *p)
{
    return strstr(p->update_rule, "delta") != NULL;
}

static quern_status lin_check(const qn_node *node, quern_error *err)
{
    static const char *const rules[] = {"linear", "gated", "delta", "gated_delta"};
    const lin_params *p = node->params;
    bool known = false;
    for (int k = 0; k < 4; k++)
        known |= strcmp(p->update_rule, rules[k]) == 0;
    if (!known)
        return qn_fail(err, QUERN_INVALID, "update_rule is \"%s\"", p->update_rule);
    if (p->q_num_heads < 1 || p->kv_num_heads < 1 ||
        p->q_num_heads % p->kv_num_heads != 0)
        return qn_fail(err, QUERN_INVALID, "%lld heads of queries, %lld of keys",
                       (long long)p->q_num_heads, (long long)p->kv_num_heads);
    return QUERN_OK;
}

static const qn_tensor *input(const qn_tensor *const *in, int n, int i)
{
    return i < n ? in[i] : NULL;
}

/* Checks one operand [batch, steps, a or b]. */
static quern_status check_packed(const char *name, const qn_tensor *t,
                                 const qn_tensor *q, int64_t a, int64_t b,
                                 quern_error *err)
{
    if (t->rank == 3 && t->dim[0] == q->dim[0] && t->dim[1] == q->dim[1] &&
        (t->dim[2] == a || t->dim[2] == b))
        return QUERN_OK;
    return qn_fail(err, QUERN_SHAPE, "%s is %s for a query of %s", name, QN_SHAPE(t),
                   QN_SHAPE(q));
}

static quern_status lin_infer(const qn_infer *x, quern_error *err)
{
    const lin_params *p = x->params;
    const qn_tensor *q = x->in[LIN_Q], *v = x->in[LIN_V];
    const qn_tensor *past = input(x->in, x->n_in, LIN_PAST);
    const qn_tensor *decay = input(x->in, x->n_in, LIN_DECAY);
    const qn_tensor *beta = input(x->in, x->n_in, LIN_BETA);
    if (q->rank != 3 || v->rank != 3 || q->dim[2] % p->q_num_heads != 0 ||
        v->dim[2] % p->kv_num_heads != 0)
        return qn_fail(err, QUERN_SHAPE,
                       "query is %s and value is %s for %lld and %lld heads",
                       QN_SHAPE(q), QN_SHAPE(v), (long long)p->q_num_heads,
                       (long long)p->kv_num_heads);
    const int64_t heads = p->kv_num_heads, dk = q->dim[2] / p->q_num_heads;
    const int64_t dv = v->dim[2] / heads;
    QN_TRY(check_packed("key", x->in[LIN_K], q, heads * dk, heads * dk, err));
    QN_TRY(check_packed("value", v, q, heads * dv, heads * dv, err));
    if (!decay != !is_gated(p) || !beta != !is_delta(p))
        return qn_fail(err, QUERN_INVALID, "decay or beta does not go with rule \"%s\"",
                       p->update_rule);
    if (decay) QN_TRY(check_packed("decay", decay, q, heads, heads * dk, err));
    if (beta) QN_TRY(check_packed("beta", beta, q, heads, 1, err));
    qn_tensor state = {0};
    qn_set_shape(&state, q->dtype, 4, (int64_t[]){q->dim[0], heads, dk, dv});
    if (past && !qn_same_shape(past, &state))
        return qn_fail(err, QUERN_SHAPE, "past_state is %s, not %s", QN_SHAPE(past),
                       QN_SHAPE(&state));
    if (x->out[0])
        qn_set_shape(x->out[0], x->out[0]->dtype, 3,
                     (int64_t[]){q->dim[0], q->dim[1], p->q_num_heads * dv});
    if (x->n_out > 1 && x->out[1]) qn_copy_shape(x->out[1], &state);
    return QUERN_OK;
}

static quern_dtype lin_dtype(const qn_node *node, int i)
{
    const bool past = node->n_in > LIN_PAST && node->in[LIN_PAST];
    return node->in[i == 1 && past ? LIN_PAST : LIN_Q]->dtype;
}

static int64_t state_count(const qn_instr *i)
{
    const lin_params *p = i->params;
    const int64_t dk = i->in[LIN_Q]->dim[2] / p->q_num_heads;
    return i->in[LIN_Q]->dim[0] * dk * i->in[LIN_V]->dim[2];
}

/* Scratch: the state, then one row of values for each worker. */
static quern_status lin_prepare(qn_prep *p, quern_error *err)
{
    const qn_instr *i = p->instr;
    size_t rows, all;
    if (!qn_size_mul((size_t)p->n_workers, (size_t)i->in[LIN_V]->dim[2], &rows) ||
        !qn_size_add(rows, (size_t)state_count(i), &all) ||
        !qn_size_mul(all, sizeof(float), &all))
        return qn_fail(err, QUERN_LIMIT, "the state is too large");
    qn_prep_scratch(p, all);
    return QUERN_OK;
}

static void lin_heads(void *ctx, int64_t begin, int64_t end, int worker)
{
    const qn_instr *i = ctx;
    const lin_params *p = i->params;
    const qn_tensor *q = i->in[LIN_Q], *decay = input(i->in, i->n_in, LIN_DECAY);
    const qn_tensor *beta = input(i->in, i->n_in, LIN_BETA);
    const int64_t heads = p->kv_num_heads, group = p->q_num_heads / heads;
    const int64_t dk = q->dim[2] / p->q_num_heads, dv = i->in[LIN_V]->dim[2] / heads;
    const int64_t steps = q->dim[1];
    float *states = i->scratch;
    float *values = states + state_count(i) + worker * i->in[LIN_V]->dim[2];
    for (int64_t item = begin; item < end; item++) {
        const int64_t b = item / heads, h = item % heads;
        for (int64_t t = 0; t < steps; t++) {
            const int64_t row = b * steps + t;
            qn_linear_step s = {.dk = dk, .dv = dv, .group = group};
            s.scale = p->scale == 0 ? 1 / sqrtf((float)dk) : p->scale;
            s.q = (const float *)q->data + (row * heads + h) * group * dk;
            s.k = (const float *)i->in[LIN_K]->data + (row * heads + h) * dk;
            s.v = (const float *)i->in[LIN_V]->data + (row * heads + h) * dv;
            if (decay) {
                s.decay_step = decay->dim[2] == heads * dk;
                s.decay = (const float *)decay->data + row * decay->dim[2] +
                          h * (decay->dim[2] / heads);
            }
            if (beta)
                s.beta = (const float *)beta->data + row * beta->dim[2] +
                         (beta->dim[2] == 1 ? 0 : h);
            float *y = i->out[0]
                           ? (float *)i->out[0]->data + (row * heads + h) * group * dv
                           : NULL;
            qn_linear_attention_f32(&s, states + item * dk * dv, values, y);
        }
    }
}

static quern_status lin_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)err;
    const lin_params *p = i->params;
    const qn_tensor *past = input(i->in, i->n_in, LIN_PAST);
    const size_t bytes = (size_t)state_count(i) * sizeof(float);
    if (past)
        memcpy(i->scratch, past->data, bytes);
    else
        memset(i->scratch, 0, bytes);
    qn_parallel_for(x->pool, i->in[LIN_Q]->dim[0] * p->kv_num_heads, 1, lin_heads,
                    (void *)(uintptr_t)i);
    if (i->n_out > 1 && i->out[1]) memcpy(i->out[1]->data, i->scratch, bytes);
    return QUERN_OK;
}

/* clang-format off */
const qn_op qn_op_linear_attention = {
    .name = "LinearAttention", .since = 27, .first = 27, .min_in = 3, .max_in = 6,
    .min_out = 1, .max_out = 2,
    .flags = QN_OP_HALF_AS_F32,
    .attrs = lin_attrs, .params_size = sizeof(lin_params),
    .types = {QN_T_F32 | QN_T_HALF}, .out_dtype = lin_dtype,
    .check = lin_check, .infer = lin_infer, .prepare = lin_prepare, .run = lin_run,
};
/* clang-format on */
