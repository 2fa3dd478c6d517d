/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/muon.c - Muon: the momentum of a matrix, made nearly orthogonal by five
 * Newton-Schulz steps, is the direction.  Convolutions count as [out, in * kernel].
 * Source: Jordan et al., Muon: an optimizer for hidden layers, 2024.
 *
 * A step is x = p(G) x with G = x x^T and p(G) = a I + b G + c G^2.  What p(G) does to
 * G is G' = p G p, so steps of a wide matrix [m,n] need its short side only: q gathers
 * the product of the p, and x = q x is made once.  G holds squares, in which singular
 * values below 3e-4 of the norm are lost to rounding; G is made anew after two steps,
 * when they have grown twelvefold. */
#include "engine/ops/update.h"
#include "engine/product.h"

#include <math.h>
#include <string.h>

static const float newton[] = {3.4445F, -4.7750F, 2.0315F};

enum { SQUARES = 5 };      /* matrices [m,m] of the room */
typedef struct muon_room { /* of a matrix [m,n], m <= n, transposed if need be */
    int64_t m, n;
    float *x, *next;                    /* [m,n] */
    float *gram, *p, *q, *product, *gp; /* [m,m] */
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
    r.p = r.gram + r.m * r.m;
    r.q = r.p + r.m * r.m;
    r.product = r.q + r.m * r.m;
    r.gp = r.product + r.m * r.m;
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
    const int64_t room = 2 * r.m * r.n + SQUARES * r.m * r.m + qn_tensor_count(w);
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

static void swap(float **a, float **b)
{
    float *t = *a;
    *a = *b;
    *b = t;
}

/* p = a I + b G + c G^2. */
static void polynomial(const muon_room *r, const qn_exec *x)
{
    const int64_t m = r->m;
    qn_gemm g = qn_gemm_dense(QUERN_FLOAT, false, false, m, m, m);
    memcpy(r->p, r->gram, (size_t)(m * m) * sizeof(float));
    g.alpha = newton[2];
    g.beta = newton[1];
    multiply(x, g, r->gram, r->gram, r->p);
    for (int64_t i = 0; i < m; i++)
        r->p[i * m + i] += newton[0];
}

/* x after `steps` steps. */
static void newton_steps(muon_room *r, int steps, const qn_exec *x)
{
    const int64_t m = r->m, n = r->n;
    const qn_gemm square = qn_gemm_dense(QUERN_FLOAT, false, false, m, m, m);
    multiply(x, qn_gemm_dense(QUERN_FLOAT, false, true, m, m, n), r->x, r->x, r->gram);
    for (int k = 0; k < steps; k++) {
        polynomial(r, x);
        if (k > 0) multiply(x, square, r->p, r->q, r->product);
        if (k + 1 < steps) {
            multiply(x, square, r->gram, r->p, r->gp);
            multiply(x, square, r->p, r->gp, r->gram);
        }
        swap(&r->q, k > 0 ? &r->product : &r->p);
    }
    multiply(x, qn_gemm_dense(QUERN_FLOAT, false, false, m, n, m), r->q, r->x, r->next);
    swap(&r->x, &r->next);
}

/* Five steps.  Through the short side they cost 4 m^2 n + 14 m^3 multiplications, one
 * by one 10 m^2 n + 5 m^3. */
static void newton_schulz(muon_room *r, const qn_exec *x)
{
    const bool is_wide = 2 * r->n > 3 * r->m;
    if (is_wide) {
        newton_steps(r, 2, x);
        newton_steps(r, 3, x);
    } else {
        for (int k = 0; k < 5; k++)
            newton_steps(r, 1, x);
    }
}

/* to [n,m] = from [m,n]^T, times scale. */
static void transpose(int64_t m, int64_t n, float scale, const float *from, float *to)
{
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++)
            to[j * m + i] = scale * from[i * n + j];
}

static void orthogonalise(const qn_tensor *w, muon_room *r, float *d, const qn_exec *x)
{
    const int64_t rows = w->dim[0], count = r->m * r->n;
    const bool flip = rows > r->m;
    const float scale = (float)(1 / (sqrt(qn_square_sum(count, d)) + 1e-7));
    if (flip) transpose(r->n, r->m, scale, d, r->x);
    for (int64_t i = 0; !flip && i < count; i++)
        r->x[i] = scale * d[i];
    newton_schulz(r, x);
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
        muon_room r = make_room(tw, d + n);
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
