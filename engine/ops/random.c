/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/random.c - RandomNormal-22, RandomUniform-22, their Like forms,
 * Bernoulli-22, Multinomial-22: numbers by counter (engine/rng.h), so results depend on
 * the seed of the session, the run and the node, not on threads or plans. */
#include "engine/op.h"
#include "engine/rng.h"
#include "kernels/convert.h"

#include <math.h>

typedef struct random_params {
    int64_t dtype, sample_size;
    float a, b, seed; /* low and high, or mean and scale */
    qn_ints shape;
} random_params;

static qn_rng node_rng(const qn_instr *i, const qn_exec *x)
{
    float seed = ((const random_params *)i->params)->seed;
    uint64_t extra = 0;
    qn_convert(&seed, QN_E_F32, &extra, QN_E_U64, 1, 0);
    return qn_rng_make(x->seed, i->node->out[0]->name, extra);
}

/* ---- types and shapes ---------------------------------------------------------- */

static quern_dtype random_dtype(const qn_node *node, int i)
{
    (void)i;
    const random_params *p = node->params;
    if (p->dtype) return (quern_dtype)p->dtype;
    return node->in[0]->dtype;
}

static quern_status random_check(const qn_node *node, quern_error *err)
{
    const random_params *p = node->params;
    bool real = p->dtype > 0 && p->dtype < 32 && (QN_BIT(p->dtype) & QN_T_FLOATS);
    if (p->dtype != 0 && !real)
        return qn_fail(err, QUERN_INVALID, "dtype is %lld, not a floating type",
                       (long long)p->dtype);
    if (p->shape.n > QUERN_MAX_RANK)
        return qn_fail(err, QUERN_LIMIT, "shape has %lld dimensions, at most %d",
                       (long long)p->shape.n, QUERN_MAX_RANK);
    for (int64_t d = 0; d < p->shape.n; d++)
        if (p->shape.v[d] < 0)
            return qn_fail(err, QUERN_INVALID, "dimension %lld of shape is %lld",
                           (long long)d, (long long)p->shape.v[d]);
    return QUERN_OK;
}

static quern_status random_infer(const qn_infer *x, quern_error *err)
{
    (void)err;
    const random_params *p = x->params;
    qn_tensor *y = x->out[0];
    if (y) qn_set_shape(y, y->dtype, (int)p->shape.n, p->shape.v);
    return QUERN_OK;
}

static quern_status like_infer(const qn_infer *x, quern_error *err)
{
    if (x->out[0] && !(QN_BIT(x->out[0]->dtype) & QN_T_FLOATS))
        return qn_fail(err, QUERN_INVALID, "the output would be %s; set dtype",
                       quern_dtype_name(x->out[0]->dtype));
    return qn_infer_same(x, err);
}

/* ---- numbers ------------------------------------------------------------------- */

typedef double draw_fn(const qn_rng *rng, uint64_t i, const random_params *p);

static double draw_normal(const qn_rng *rng, uint64_t i, const random_params *p)
{
    return (double)p->a + (double)p->b * qn_rng_normal(rng, i);
}

static double draw_uniform(const qn_rng *rng, uint64_t i, const random_params *p)
{
    double low = (double)p->a, high = (double)p->b;
    return low + (high - low) * qn_rng_uniform53(rng, i);
}

/* Rounding to the tensor's type must not reach the excluded end. */
static double draw_uniform24(const qn_rng *rng, uint64_t i, const random_params *p)
{
    float low = p->a, high = p->b;
    float y = low + (high - low) * (float)qn_rng_uniform(rng, i);
    return (double)(y < high || low >= high ? y : nextafterf(high, low));
}

static void fill(qn_tensor *y, const qn_rng *rng, draw_fn *draw, const random_params *p)
{
    enum { BLOCK = 256 };
    double block[BLOCK];
    size_t size = qn_dtype_size(y->dtype);
    int64_t n = qn_tensor_count(y);
    for (int64_t i = 0; i < n; i += BLOCK) {
        int64_t m = n - i < BLOCK ? n - i : BLOCK;
        for (int64_t k = 0; k < m; k++)
            block[k] = draw(rng, (uint64_t)(i + k), p);
        qn_convert(block, QN_E_F64, (char *)y->data + (size_t)i * size,
                   (enum qn_elem)y->dtype, m, 0);
    }
}

static quern_status normal_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)err;
    if (!i->out[0]) return QUERN_OK;
    qn_rng rng = node_rng(i, x);
    fill(i->out[0], &rng, draw_normal, i->params);
    return QUERN_OK;
}

static quern_status uniform_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)err;
    if (!i->out[0]) return QUERN_OK;
    qn_rng rng = node_rng(i, x);
    bool wide = i->out[0]->dtype == QUERN_DOUBLE;
    fill(i->out[0], &rng, wide ? draw_uniform : draw_uniform24, i->params);
    return QUERN_OK;
}

static quern_status bernoulli_check(const qn_node *node, quern_error *err)
{
    const random_params *p = node->params;
    if (p->dtype == 0) return QUERN_OK;
    if (p->dtype > 0 && p->dtype < 32 && (QN_BIT(p->dtype) & QN_T_PLAIN))
        return QUERN_OK;
    return qn_fail(err, QUERN_INVALID, "dtype is %lld, not a number or bool",
                   (long long)p->dtype);
}

static quern_status bernoulli_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    if (!i->out[0]) return QUERN_OK;
    qn_rng rng = node_rng(i, x);
    int64_t n = qn_tensor_count(i->in[0]);
    for (int64_t k = 0; k < n; k++) {
        double p = qn_get_real(i->in[0], k);
        if (!(p >= 0 && p <= 1))
            return qn_fail(err, QUERN_DATA, "probability %g is not between 0 and 1", p);
        qn_set_real(i->out[0], k, qn_rng_uniform53(&rng, (uint64_t)k) < p);
    }
    return QUERN_OK;
}

static quern_status multinomial_check(const qn_node *node, quern_error *err)
{
    const random_params *p = node->params;
    if (p->dtype != QUERN_INT32 && p->dtype != QUERN_INT64)
        return qn_fail(err, QUERN_INVALID, "dtype is %lld, not int32 or int64",
                       (long long)p->dtype);
    if (p->sample_size < 0)
        return qn_fail(err, QUERN_INVALID, "sample_size is %lld",
                       (long long)p->sample_size);
    return QUERN_OK;
}

static quern_status multinomial_infer(const qn_infer *x, quern_error *err)
{
    const random_params *p = x->params;
    const qn_tensor *in = x->in[0];
    if (in->rank != 2)
        return qn_fail(err, QUERN_SHAPE, "input is %s, takes [batch,classes]",
                       QN_SHAPE(in));
    if (in->dim[1] == 0 && in->dim[0] > 0 && p->sample_size > 0)
        return qn_fail(err, QUERN_SHAPE, "input %s has no class to draw", QN_SHAPE(in));
    const int64_t dim[2] = {in->dim[0], p->sample_size};
    if (x->out[0]) qn_set_shape(x->out[0], (quern_dtype)p->dtype, 2, dim);
    return QUERN_OK;
}

/* A class of row r, whose entries are logarithms of weights up to a constant. */
static int64_t draw_class(const qn_tensor *in, int64_t r, double most, double total,
                          double u)
{
    int64_t n = in->dim[1], last = 0;
    double sum = 0;
    for (int64_t c = 0; c < n; c++) {
        double w = exp(qn_get_real(in, r * n + c) - most);
        if (w > 0) last = c;
        sum += w;
        if (sum > u * total) return c;
    }
    return last; /* rounding left u behind the end */
}

static quern_status multinomial_run(const qn_instr *i, const qn_exec *x,
                                    quern_error *err)
{
    const qn_tensor *in = i->in[0];
    const random_params *p = i->params;
    if (!i->out[0]) return QUERN_OK;
    qn_rng rng = node_rng(i, x);
    for (int64_t r = 0; r < in->dim[0] && p->sample_size > 0; r++) {
        int64_t n = in->dim[1];
        double most = -HUGE_VAL, total = 0;
        for (int64_t c = 0; c < n; c++)
            most = fmax(most, qn_get_real(in, r * n + c));
        for (int64_t c = 0; c < n; c++)
            total += exp(qn_get_real(in, r * n + c) - most);
        if (!(total > 0 && total < HUGE_VAL))
            return qn_fail(err, QUERN_DATA, "row %lld has no finite weights",
                           (long long)r);
        for (int64_t s = 0; s < p->sample_size; s++) {
            int64_t at = r * p->sample_size + s;
            double u = qn_rng_uniform53(&rng, (uint64_t)at);
            qn_set_real(i->out[0], at, (double)draw_class(in, r, most, total, u));
        }
    }
    return QUERN_OK;
}

/* ---- rows ---------------------------------------------------------------------- */

#define PARAM(attr, field, x)                                                  \
    {                                                                          \
        attr, .kind = QN_ATTR_FLOAT, .offset = offsetof(random_params, field), \
              .f = (x)                                                         \
    }
#define NORMAL \
    PARAM("mean", a, 0.0f), PARAM("scale", b, 1.0f), PARAM("seed", seed, 0.0f)
#define UNIFORM PARAM("low", a, 0.0f), PARAM("high", b, 1.0f), PARAM("seed", seed, 0.0f)
#define FIXED_SHAPE \
    QN_INT(random_params, dtype, 1), QN_REQUIRED(random_params, shape, QN_ATTR_INTS)

static const qn_attr normal_attrs[] = {NORMAL, FIXED_SHAPE, QN_ATTRS_END};
static const qn_attr uniform_attrs[] = {UNIFORM, FIXED_SHAPE, QN_ATTRS_END};
static const qn_attr normal_like_attrs[] = {
    NORMAL,
    QN_INT(random_params, dtype, 0),
    QN_ATTRS_END,
};
static const qn_attr uniform_like_attrs[] = {
    UNIFORM,
    QN_INT(random_params, dtype, 0),
    QN_ATTRS_END,
};
static const qn_attr bernoulli_attrs[] = {
    QN_INT(random_params, dtype, 0),
    PARAM("seed", seed, 0.0f),
    QN_ATTRS_END,
};
static const qn_attr multinomial_attrs[] = {
    QN_INT(random_params, dtype, QUERN_INT32),
    QN_INT(random_params, sample_size, 1),
    PARAM("seed", seed, 0.0f),
    QN_ATTRS_END,
};

#define RANDOM_COMMON                                            \
    .flags = QN_OP_RANDOM, .params_size = sizeof(random_params), \
    .out_dtype = random_dtype

const qn_op qn_op_random_normal = {
    .name = "RandomNormal",
    .since = 22,
    .attrs = normal_attrs,
    .check = random_check,
    .infer = random_infer,
    .run = normal_run,
    RANDOM_COMMON,
};

const qn_op qn_op_random_uniform = {
    .name = "RandomUniform",
    .since = 22,
    .attrs = uniform_attrs,
    .check = random_check,
    .infer = random_infer,
    .run = uniform_run,
    RANDOM_COMMON,
};

const qn_op qn_op_random_normal_like = {
    .name = "RandomNormalLike",
    .since = 22,
    .min_in = 1,
    .max_in = 1,
    .attrs = normal_like_attrs,
    .check = random_check,
    .infer = like_infer,
    .run = normal_run,
    RANDOM_COMMON,
};

const qn_op qn_op_random_uniform_like = {
    .name = "RandomUniformLike",
    .since = 22,
    .min_in = 1,
    .max_in = 1,
    .attrs = uniform_like_attrs,
    .check = random_check,
    .infer = like_infer,
    .run = uniform_run,
    RANDOM_COMMON,
};

const qn_op qn_op_bernoulli = {
    .name = "Bernoulli",
    .since = 22,
    .min_in = 1,
    .max_in = 1,
    .types = {QN_T_FLOATS},
    .attrs = bernoulli_attrs,
    .check = bernoulli_check,
    .infer = qn_infer_same,
    .run = bernoulli_run,
    RANDOM_COMMON,
};

const qn_op qn_op_multinomial = {
    .name = "Multinomial",
    .since = 22,
    .min_in = 1,
    .max_in = 1,
    .types = {QN_T_FLOATS},
    .attrs = multinomial_attrs,
    .check = multinomial_check,
    .infer = multinomial_infer,
    .run = multinomial_run,
    RANDOM_COMMON,
};
