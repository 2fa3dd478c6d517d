/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/rotary_embedding.c - pairs of features turned by an angle that depends on
 * the position; ONNX RotaryEmbedding-23. */
#include "engine/op.h"
#include "kernels/attention.h"

typedef struct rotary_params {
    int64_t interleaved, num_heads, rotary_embedding_dim;
} rotary_params;

static const qn_attr rotary_attrs[] = {
    QN_INT(rotary_params, interleaved, 0), QN_INT(rotary_params, num_heads, 0),
    QN_INT(rotary_params, rotary_embedding_dim, 0), QN_ATTRS_END};

typedef struct rotary_shape {
    int64_t batch, heads, steps, size, half;
} rotary_shape;

static quern_status rotary_shapes(const rotary_params *p, const qn_tensor *x,
                                  rotary_shape *s, quern_error *err)
{
    if (x->rank == 4)
        *s = (rotary_shape){x->dim[0], x->dim[1], x->dim[2], x->dim[3], 0};
    else if (x->rank == 3 && p->num_heads > 0 && x->dim[2] % p->num_heads == 0)
        *s = (rotary_shape){x->dim[0], p->num_heads, x->dim[1],
                            x->dim[2] / p->num_heads, 0};
    else
        return qn_fail(err, QUERN_SHAPE, "X is %s with num_heads %lld", QN_SHAPE(x),
                       (long long)p->num_heads);
    const int64_t turned = p->rotary_embedding_dim ? p->rotary_embedding_dim : s->size;
    if (turned < 0 || turned > s->size || turned % 2 != 0)
        return qn_fail(err, QUERN_SHAPE,
                       "%lld of %lld features are to be turned in pairs",
                       (long long)turned, (long long)s->size);
    s->half = turned / 2;
    return QUERN_OK;
}

static quern_status rotary_infer(const qn_infer *x, quern_error *err)
{
    const qn_tensor *in = x->in[0], *ids = x->n_in > 3 ? x->in[3] : NULL;
    rotary_shape s;
    QN_TRY(rotary_shapes(x->params, in, &s, err));
    for (int k = 1; k < 3; k++) {
        const qn_tensor *c = x->in[k];
        const bool fits = ids ? c->rank == 2 && c->dim[1] == s.half
                              : c->rank == 3 && c->dim[0] == s.batch &&
                                    c->dim[1] == s.steps && c->dim[2] == s.half;
        if (!fits || c->dtype != in->dtype || c->dim[0] != x->in[1]->dim[0])
            return qn_fail(err, QUERN_SHAPE,
                           "cache %s does not fit X %s with %lld pairs", QN_SHAPE(c),
                           QN_SHAPE(in), (long long)s.half);
    }
    if (ids && (ids->rank != 2 || ids->dim[0] != s.batch || ids->dim[1] != s.steps))
        return qn_fail(err, QUERN_SHAPE,
                       "position_ids is %s for %lld sequences of %lld", QN_SHAPE(ids),
                       (long long)s.batch, (long long)s.steps);
    return qn_infer_same(x, err);
}

static quern_status rotary_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    const rotary_params *p = i->params;
    const qn_tensor *in = i->in[0], *ids = i->n_in > 3 ? i->in[3] : NULL;
    rotary_shape s;
    QN_TRY(rotary_shapes(p, in, &s, err));
    const qn_rotary turn = {
        .size = s.size, .half = s.half, .interleaved = p->interleaved != 0};
    const int64_t rows = s.batch * s.heads * s.steps;
    for (int64_t r = 0; r < rows; r++) {
        /* [batch, heads, steps] or [batch, steps, heads] */
        const int64_t t = in->rank == 4 ? r % s.steps : r / s.heads % s.steps;
        int64_t at = r / (s.heads * s.steps) * s.steps + t;
        if (ids) at = ((const int64_t *)ids->data)[at];
        if (ids && (at < 0 || at >= i->in[1]->dim[0]))
            return qn_fail(err, QUERN_DATA, "position %lld is not among %lld",
                           (long long)at, (long long)i->in[1]->dim[0]);
        const int64_t from = r * s.size, angle = at * s.half;
        if (in->dtype == QUERN_FLOAT)
            qn_rotate_f32(&turn, (const float *)in->data + from,
                          (const float *)i->in[1]->data + angle,
                          (const float *)i->in[2]->data + angle,
                          (float *)i->out[0]->data + from);
        else
            qn_rotate_f64(&turn, (const double *)in->data + from,
                          (const double *)i->in[1]->data + angle,
                          (const double *)i->in[2]->data + angle,
                          (double *)i->out[0]->data + from);
    }
    return QUERN_OK;
}

/* clang-format off */
const qn_op qn_op_rotary_embedding = {
    .name = "RotaryEmbedding", .since = 23, .first = 23, .min_in = 3, .max_in = 4,
    .flags = QN_OP_HALF_AS_F32,
    .attrs = rotary_attrs, .params_size = sizeof(rotary_params),
    .types = {QN_T_FLOATS, QN_T_FLOATS, QN_T_FLOATS, QN_T_I64},
    .infer = rotary_infer, .run = rotary_run,
};
/* clang-format on */
