/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/muon.c - Muon: the momentum of a matrix, made nearly orthogonal by five
 * Newton-Schulz steps, is the direction.  Convolutions count as [out, in * kernel].
 * Source: Jordan et al., Muon: an optimizer for hidden layers, 2024. */
#include "engine/ops/update.h"
#include "engine/product.h"

#include <math.h>
#include <string.h>

enum { STEPS = 5 };
static const double newton[] = {3.4445, -4.7750, 2.0315};

typedef struct muon_room { /* of a matrix [m,n], m <= n, transposed if need be */
    int64_t m, n;
    float *x, *gram, *square, *next;
} muon_room;

static muon_room sides_of(const qn_tensor *w)
{
    const int64_t rows = w->dim[0], cols = qn_dims_count(w, 1, w->rank);
    return (muon_room){.m = rows < cols ? rows : cols, .n = rows < cols ? cols : rows};
}

static muon_room make_room(const qn_tensor *w, float *base)
{
    muon_room r = sides_of(w);
    r.x = base;
    r.next = r.x + r.m * r.n;
    r.gram = r.next + r.m * r.n;
    r.square = r.gram + r.m * r.m;
    return r;
}

static quern_status muon_infer(const qn_infer *x, quern_error *err)
{
    if (x->in[QN_UPDATE_W]->rank < 2)
        return qn_fail(err, QUERN_SHAPE, "parameter %s is no matrix",
                       QN_SHAPE(x->in[QN_UPDATE_W]));
    return qn_update_infer(x, err);
}

static quern_status muon_prepare(qn_prep *p, quern_error *err)
{
    (void)err;
    const qn_tensor *w = p->instr->in[QN_UPDATE_W];
    const muon_room r = sides_of(w);
    const int64_t room = 2 * (r.m * r.n + r.m * r.m) + qn_tensor_count(w);
    qn_prep_scratch(p, (size_t)room * sizeof(float));
    return QUERN_OK;
}

static void multiply(const qn_exec *x, qn_gemm g, const float *a, const float *b,
                     float *c)
{
    g.a = a;
    g.b = b;
    g.c = c;
    qn_gemm_run(&g, x->k, x->pool);
}

/* x = a x + (b G + c G^2) x, where G = x x^T. */
static void newton_step(const muon_room *r, const qn_exec *x)
{
    const int64_t m = r->m, n = r->n;
    multiply(x, qn_gemm_dense(QUERN_FLOAT, false, true, m, m, n), r->x, r->x, r->gram);
    memcpy(r->square, r->gram, (size_t)(m * m) * sizeof(float));
    qn_gemm g = qn_gemm_dense(QUERN_FLOAT, false, false, m, m, m);
    g.alpha = newton[2];
    g.beta = newton[1];
    multiply(x, g, r->gram, r->gram, r->square);
    memcpy(r->next, r->x, (size_t)(m * n) * sizeof(float));
    g = qn_gemm_dense(QUERN_FLOAT, false, false, m, n, m);
    g.beta = newton[0];
    multiply(x, g, r->square, r->x, r->next);
    memcpy(r->x, r->next, (size_t)(m * n) * sizeof(float));
}

/* to [n,m] = from [m,n]^T, times scale. */
static void transpose(int64_t m, int64_t n, float scale, const float *from, float *to)
{
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++)
            to[j * m + i] = scale * from[i * n + j];
}

static void orthogonalise(const qn_tensor *w, const muon_room *r, float *d,
                          const qn_exec *x)
{
    const int64_t rows = w->dim[0], count = r->m * r->n;
    const bool flip = rows > r->m;
    const float scale = (float)(1 / (sqrt(qn_square_sum(count, d)) + 1e-7));
    if (flip) transpose(r->n, r->m, scale, d, r->x);
    for (int64_t i = 0; !flip && i < count; i++)
        r->x[i] = scale * d[i];
    for (int k = 0; k < STEPS; k++)
        newton_step(r, x);
    const float gain = sqrtf(fmaxf(1, (float)rows / (float)(count / rows)));
    if (flip) transpose(r->m, r->n, gain, r->x, d);
    for (int64_t i = 0; !flip && i < count; i++)
        d[i] = gain * r->x[i];
}

static quern_status muon_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)err;
    qn_update u;
    const qn_tensor *tw = i->in[QN_UPDATE_W];
    float *w = tw->data, *d = i->scratch;
    const float *g = i->in[QN_UPDATE_G]->data;
    const int64_t n = qn_tensor_count(tw);
    if (qn_update_read(i, &u) && n > 0) {
        const muon_room r = make_room(tw, d + n);
        qn_muon_momentum(&u, n, g, i->in[QN_UPDATE_M]->data, d);
        orthogonalise(tw, &r, d, x);
        for (int64_t k = 0; k < n; k++)
            w[k] *= 1 - u.rate * u.decay;
        qn_descend(u.rate, n, w, d);
    }
    qn_set_real(i->out[0], 0, qn_square_sum(n, g));
    return QUERN_OK;
}

/* clang-format off */
const qn_op qn_op_muon = {
    .name = "Muon", .domain = "quern", .since = 1, .flags = QN_OP_RANDOM,
    .min_in = QN_UPDATE_M + 1, .max_in = QN_UPDATE_M + 2,
    .attrs = qn_update_attrs, .params_size = sizeof(qn_update_params),
    .types = {QN_T_F32}, .infer = muon_infer, .prepare = muon_prepare, .run = muon_run,
};
/* clang-format on */
