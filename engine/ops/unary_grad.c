/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/unary_grad.c - UnaryGrad: dX = dY f'(X) element by element, in one pass.
 *
 * Inputs: dY; X, or Y of functions whose gradient is computed from their value; for
 * `clip` the limits as Clip has them; a second part of dY, to be added.  The attribute
 * `function` is the kernel's name (kernels/elementwise.h), alpha and beta are its
 * parameters. */
#include "engine/ops/unary_grad.h"

#include "engine/broadcast.h"
#include "engine/rows8c.h"

#include <math.h>
#include <string.h>

typedef struct grad_params {
    const char *function;
    float alpha, beta;
} grad_params;

enum { LOW = 2, HIGH, PART, MOST_IN };
enum { CHUNK = 1024 }; /* elements that are added at a time */

typedef struct grad_state {
    qn_unary_grad_fn *fn;
    qn_binary_fn *add;
    qn_unary_grad_f32_fn *fast; /* for float32 */
    int op;
} grad_state;

static const struct {
    const char *name;
    enum qn_unary_op op;
} names[] = {
#define X(name) {#name, QN_UNARY_##name},
    QN_UNARY_GRAD_MAP(X)
#undef X
};

int qn_unary_grad_named(const char *name)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i].name, name) == 0) return (int)names[i].op;
    return -1;
}

const char *qn_unary_grad_function(const qn_node *node, float p[2])
{
    const grad_params *params = node->params;
    p[0] = params->alpha;
    p[1] = params->beta;
    return params->function;
}

static const char *name_of(enum qn_unary_op op)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].op == op) return names[i].name;
    return NULL;
}

quern_status qn_grad_unary(qn_grad *g, const qn_node *node, enum qn_unary_op op,
                           float a, float b, quern_error *err)
{
    const char *name = name_of(op);
    if (!name) return QUERN_OK;
    bool limits = op == QN_UNARY_clip;
    qn_value *from = qn_unary_grad_from_value(op) ? node->out[0] : node->in[0];
    qn_value *in[4] = {qn_grad_of(g, node, 0), from,
                       limits && node->n_in > 1 ? node->in[1] : NULL,
                       limits && node->n_in > 2 ? node->in[2] : NULL};
    qn_node *made;
    QN_TRY(qn_grad_node(g, QN_DOMAIN, "UnaryGrad", limits ? 4 : 2, in, 1, &made, err));
    QN_TRY(qn_node_set_str(made, "function", name, err));
    QN_TRY(qn_node_set_float(made, "alpha", a, err));
    QN_TRY(qn_node_set_float(made, "beta", b, err));
    QN_TRY(qn_grad_append(g, made, err));
    return qn_grad_add(g, node, 0, made->out[0], err);
}

static quern_status grad_check(const qn_node *node, quern_error *err)
{
    const grad_params *p = node->params;
    if (qn_unary_grad_named(p->function) >= 0) return QUERN_OK;
    return qn_fail(err, QUERN_INVALID, "function is '%s'", p->function);
}

static quern_status grad_infer(const qn_infer *x, quern_error *err)
{
    if (!qn_same_shape(x->in[0], x->in[1]))
        return qn_fail(err, QUERN_SHAPE, "dY is %s but X is %s", QN_SHAPE(x->in[0]),
                       QN_SHAPE(x->in[1]));
    if (x->n_in > PART && x->in[PART] && !qn_same_shape(x->in[PART], x->in[0]))
        return qn_fail(err, QUERN_SHAPE, "dY is %s but its other part is %s",
                       QN_SHAPE(x->in[0]), QN_SHAPE(x->in[PART]));
    for (int i = LOW; i <= HIGH && i < x->n_in; i++)
        if (x->in[i] && qn_tensor_count(x->in[i]) != 1)
            return qn_fail(err, QUERN_SHAPE, "input %d is %s, takes one element", i,
                           QN_SHAPE(x->in[i]));
    return qn_infer_same(x, err);
}

static bool grad_can_block(const qn_instr *i, qn_blocked *how)
{
    if (!qn_blocked_unary(i, how)) return false;
    how->in = 3 | (UINT32_C(1) << PART);
    return true;
}

static quern_status grad_prepare(qn_prep *p, quern_error *err)
{
    const qn_instr *i = p->instr;
    const grad_params *params = i->params;
    grad_state *s;
    QN_TRY(qn_prep_state(p, sizeof *s, (void **)&s, err));
    s->op = qn_unary_grad_named(params->function);
    s->fn = qn_unary_grad((enum qn_unary_op)s->op, (enum qn_elem)i->in[0]->dtype);
    s->fast = i->in[0]->dtype == QUERN_FLOAT ? p->k->unary_grad_f32 : NULL;
    s->add = qn_binary(QN_BINARY_add, (enum qn_elem)i->in[0]->dtype);
    for (int k = 1; k < i->n_in; k += PART - 1)
        if (i->in[k] && i->in[k]->dtype != i->in[0]->dtype)
            return qn_fail(err, QUERN_SHAPE, "dY is %s but input %d is %s",
                           quern_dtype_name(i->in[0]->dtype), k,
                           quern_dtype_name(i->in[k]->dtype));
    return QUERN_OK;
}

typedef struct grad_job {
    const grad_state *s;
    qn_plane8c dy, v, dx,
        part;    /* of a plain tensor: data only; part.data may be NULL */
    size_t size; /* bytes of an element */
    double p[2];
} grad_job;

static void apply(const grad_job *j, const void *dy, const void *v, void *dx, int64_t n)
{
    if (j->s->fast)
        j->s->fast(j->s->op, dy, v, dx, n, j->p);
    else
        j->s->fn(dy, v, dx, n, j->p);
}

/* dx may lie over v, so the sum goes elsewhere. */
static void apply_sum(const grad_job *j, const char *dy, const char *part,
                      const char *v, char *dx, int64_t n)
{
    double room[CHUNK];
    for (int64_t k = 0, m; k < n; k += m) {
        const size_t at = (size_t)k * j->size;
        m = n - k < CHUNK ? n - k : CHUNK;
        j->s->add(dy + at, 1, part + at, 1, room, m);
        apply(j, room, v + at, dx + at, m);
    }
}

static void grad_block(void *ctx, int64_t begin, int64_t end, int worker)
{
    const grad_job *j = ctx;
    const size_t at = (size_t)begin * j->size;
    const char *dy = (const char *)j->dy.data + at, *v = (const char *)j->v.data + at;
    char *dx = (char *)j->dx.data + at;
    (void)worker;
    if (j->part.data)
        apply_sum(j, dy, (const char *)j->part.data + at, v, dx, end - begin);
    else
        apply(j, dy, v, dx, end - begin);
}

/* Item: a row of a blocked tensor. */
static void grad_rows(void *ctx, int64_t begin, int64_t end, int worker)
{
    const grad_job *j = ctx;
    const int64_t n = j->dx.w * QN_BLOCK8;
    (void)worker;
    for (int64_t t = begin; t < end; t++) {
        const float *dy = qn_row8c(&j->dy, t), *v = qn_row8c(&j->v, t);
        float *dx = qn_row8c(&j->dx, t);
        if (j->part.data)
            apply_sum(j, (const char *)dy, (const char *)qn_row8c(&j->part, t),
                      (const char *)v, (char *)dx, n);
        else
            apply(j, dy, v, dx, n);
    }
}

static double limit(const qn_instr *i, int k, double otherwise)
{
    return i->n_in > k && i->in[k] ? qn_get_real(i->in[k], 0) : otherwise;
}

static quern_status grad_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    const grad_params *params = i->params;
    (void)err;
    if (!i->out[0]) return QUERN_OK;
    const qn_tensor *part = i->n_in > PART ? i->in[PART] : NULL;
    grad_job j = {.s = i->state,
                  .dy.data = i->in[0]->data,
                  .v.data = i->in[1]->data,
                  .dx.data = i->out[0]->data,
                  .part.data = part ? part->data : NULL,
                  .size = qn_dtype_size(i->in[0]->dtype),
                  .p = {(double)params->alpha, (double)params->beta}};
    if (j.s->op == QN_UNARY_clip) {
        j.p[0] = limit(i, LOW, -HUGE_VAL);
        j.p[1] = limit(i, HIGH, HUGE_VAL);
    }
    int64_t n = qn_tensor_count(i->in[0]);
    if (!i->is_blocked) {
        qn_parallel_for(n > 2 * QN_BLOCK ? x->pool : NULL, n, QN_BLOCK, grad_block, &j);
        return QUERN_OK;
    }
    j.dy = qn_tensor_plane(i->in[0]);
    j.v = qn_tensor_plane(i->in[1]);
    j.dx = qn_tensor_plane(i->out[0]);
    if (part) j.part = qn_tensor_plane(part);
    qn_parallel_for(x->pool, qn_n_rows8c(&j.dx, i->in[0]->dim[0]),
                    qn_row8c_grain(&j.dx), grad_rows, &j);
    return QUERN_OK;
}

static const qn_attr grad_attrs[] = {
    QN_STR(grad_params, function, "relu"),
    QN_FLOAT(grad_params, alpha, 0),
    QN_FLOAT(grad_params, beta, 0),
    QN_ATTRS_END,
};

const qn_op qn_op_unary_grad = {
    .name = "UnaryGrad",
    .domain = QN_DOMAIN,
    .since = 1,
    .min_in = 2,
    .max_in = MOST_IN,
    .flags = QN_OP_INPLACE | QN_OP_HALF_AS_F32,
    .attrs = grad_attrs,
    .params_size = sizeof(grad_params),
    .types = {QN_T_FLOATS},
    .check = grad_check,
    .infer = grad_infer,
    .blocked = grad_can_block,
    .prepare = grad_prepare,
    .run = grad_run,
};
