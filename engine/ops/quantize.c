/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/quantize.c - QuantizeLinear-28: y = saturate(round(x / scale) + zero), and
 * DequantizeLinear-28: y = (x - zero) * scale; one scale for the tensor, one for each
 * index of an axis, or one for each block along an axis.
 *
 * The tensor is walked in rows that have either one scale or one for each element; a
 * row goes through blocks of float32, so that every pair of types takes the same path.
 */
#include "engine/broadcast.h"
#include "engine/op.h"
#include "kernels/convert.h"
#include "kernels/quantize.h"

typedef struct quantize_params {
    int64_t axis, block_size, output_dtype, saturate, precision;
} quantize_params;

/* ---- rows ---------------------------------------------------------------------- */

typedef enum quant_kind { WHOLE, AXIS, LAST_AXIS, BLOCKS, LAST_BLOCKS } quant_kind;

enum { WHOLE_ROW = 8192 };

typedef struct quant_state {
    quant_kind kind;
    int64_t count, rows, length; /* elements; rows; elements of a full row */
    int64_t extent, inner;       /* of the axis; of the dimensions behind it */
    int64_t block, n_blocks;     /* along the axis */
} quant_state;

typedef struct quant_row {
    int64_t at, n;         /* elements of x */
    int64_t scale, stride; /* first scale, and from element to element */
} quant_row;

static quant_row row_at(const quant_state *s, int64_t r)
{
    switch (s->kind) {
    case AXIS:
        return (quant_row){r * s->inner, s->inner, r % s->extent, 0};
    case LAST_AXIS:
        return (quant_row){r * s->extent, s->extent, 0, 1};
    case BLOCKS: {
        int64_t k = r / s->extent * s->n_blocks + r % s->extent / s->block;
        return (quant_row){r * s->inner, s->inner, k * s->inner, 1};
    }
    case LAST_BLOCKS: {
        int64_t from = r % s->n_blocks * s->block, rest = s->extent - from;
        return (quant_row){r / s->n_blocks * s->extent + from,
                           rest < s->block ? rest : s->block, r, 0};
    }
    default: {
        int64_t rest = s->count - r * WHOLE_ROW;
        return (quant_row){r * WHOLE_ROW, rest < WHOLE_ROW ? rest : WHOLE_ROW, 0, 0};
    }
    }
}

static quern_status blocks_of(quant_state *s, const qn_tensor *x,
                              const qn_tensor *scale, int axis, quern_error *err)
{
    s->n_blocks = (s->extent - 1) / s->block + (s->extent > 0);
    for (int d = 0; d < x->rank; d++)
        if (scale->dim[d] != (d == axis ? s->n_blocks : x->dim[d]))
            return qn_fail(err, QUERN_SHAPE,
                           "scale is %s for x %s in blocks of %lld along axis %d",
                           QN_SHAPE(scale), QN_SHAPE(x), (long long)s->block, axis);
    s->kind = s->inner == 1 ? LAST_BLOCKS : BLOCKS;
    return QUERN_OK;
}

/* How x is cut into rows. */
static quern_status quant_rows(quant_state *s, const qn_tensor *x,
                               const qn_tensor *scale, const quantize_params *p,
                               quern_error *err)
{
    int axis = 0;
    *s = (quant_state){.kind = WHOLE, .count = qn_tensor_count(x), .length = WHOLE_ROW};
    s->rows = (s->count + WHOLE_ROW - 1) / WHOLE_ROW;
    bool blocked = p->block_size > 0 && scale->rank == x->rank && x->rank > 0;
    if (!blocked && qn_tensor_count(scale) == 1) return QUERN_OK;
    if (x->rank > 1 || p->axis != 1)
        QN_TRY(qn_axis(p->axis, x->rank, false, &axis, err));
    s->extent = x->dim[axis];
    s->inner = qn_dims_count(x, axis + 1, x->rank);
    s->block = p->block_size;
    if (blocked) {
        QN_TRY(blocks_of(s, x, scale, axis, err));
    } else {
        if (scale->rank != 1 || scale->dim[0] != s->extent)
            return qn_fail(err, QUERN_SHAPE, "scale is %s for axis %d of x %s",
                           QN_SHAPE(scale), axis, QN_SHAPE(x));
        s->kind = s->inner == 1 ? LAST_AXIS : AXIS;
    }
    if (s->count == 0) {
        s->rows = 0;
        return QUERN_OK;
    }
    int64_t outer = qn_dims_count(x, 0, axis);
    s->rows = s->kind == LAST_AXIS     ? outer
              : s->kind == LAST_BLOCKS ? outer * s->n_blocks
                                       : outer * s->extent;
    s->length = s->kind == LAST_AXIS     ? s->extent
                : s->kind == LAST_BLOCKS ? s->block
                                         : s->inner;
    return QUERN_OK;
}

static quern_status quant_check(const qn_node *node, quern_error *err)
{
    const quantize_params *p = node->params;
    if (p->block_size < 0)
        return qn_fail(err, QUERN_INVALID, "block_size is %lld",
                       (long long)p->block_size);
    if (p->output_dtype < 0 || p->output_dtype >= QN_E_COUNT)
        return qn_fail(err, QUERN_UNSUPPORTED, "output_dtype is %lld",
                       (long long)p->output_dtype);
    return QUERN_OK;
}

static quern_status quant_infer(const qn_infer *x, quern_error *err)
{
    quant_state s;
    const qn_tensor *zero = x->n_in > 2 ? x->in[2] : NULL;
    QN_TRY(quant_rows(&s, x->in[0], x->in[1], x->params, err));
    if (zero && qn_tensor_count(zero) != qn_tensor_count(x->in[1]))
        return qn_fail(err, QUERN_SHAPE, "scale is %s but zero point %s",
                       QN_SHAPE(x->in[1]), QN_SHAPE(zero));
    return qn_infer_same(x, err);
}

static quern_status quant_prepare(qn_prep *p, quern_error *err)
{
    void *state;
    const qn_instr *i = p->instr;
    QN_TRY(qn_prep_state(p, sizeof(quant_state), &state, err));
    return quant_rows(state, i->in[0], i->in[1], i->params, err);
}

/* ---- run ----------------------------------------------------------------------- */

enum { QUANT_BLOCK = 256 };

typedef struct quant_job quant_job;
typedef void quant_block_fn(const quant_job *job, const float *x, const qn_quant *q,
                            float *y, int64_t n);
struct quant_job {
    const quant_state *s;
    const qn_tensor *x, *scale, *zero; /* zero may be NULL */
    qn_tensor *y;
    quant_block_fn *fn;
    float least, most;
    enum qn_elem precision; /* what the quotient is rounded to */
    bool whole;             /* the output is an integer type */
    unsigned flags;         /* of qn_convert, for the output */
};

static const void *element(const qn_tensor *t, int64_t i)
{
    return (const char *)t->data + (size_t)i * qn_dtype_size(t->dtype);
}

static void load(const qn_tensor *t, int64_t at, float *to, int64_t n)
{
    if (t)
        qn_convert(element(t, at), (enum qn_elem)t->dtype, to, QN_E_F32, n, 0);
    else
        for (int64_t i = 0; i < n; i++)
            to[i] = 0;
}

static void quant_do_row(const quant_job *job, quant_row row)
{
    float x[QUANT_BLOCK], y[QUANT_BLOCK], scale[QUANT_BLOCK], zero[QUANT_BLOCK];
    qn_quant q = {scale, zero, row.stride, job->least, job->most};
    for (int64_t i = 0; i < row.n; i += QUANT_BLOCK) {
        int64_t n = row.n - i < QUANT_BLOCK ? row.n - i : QUANT_BLOCK;
        int64_t m = row.stride ? n : 1, at = row.scale + i * row.stride;
        if (i == 0 || row.stride) {
            load(job->scale, at, scale, m);
            load(job->zero, at, zero, m);
        }
        load(job->x, row.at + i, x, n);
        job->fn(job, x, &q, y, n);
        qn_convert(y, QN_E_F32,
                   (char *)job->y->data +
                       (size_t)(row.at + i) * qn_dtype_size(job->y->dtype),
                   (enum qn_elem)job->y->dtype, n, job->flags);
    }
}

static void quant_rows_block(void *ctx, int64_t begin, int64_t end, int worker)
{
    const quant_job *job = ctx;
    (void)worker;
    for (int64_t r = begin; r < end; r++)
        quant_do_row(job, row_at(job->s, r));
}

static void run_rows(const qn_exec *x, quant_job *job)
{
    const quant_state *s = job->s;
    int64_t grain = s->length < QN_BLOCK ? QN_BLOCK / (s->length + !s->length) : 1;
    qn_parallel_for(s->count > 2 * QN_BLOCK ? x->pool : NULL, s->rows, grain,
                    quant_rows_block, job);
}

static void quantize_block(const quant_job *job, const float *x, const qn_quant *q,
                           float *y, int64_t n)
{
    static const float none[QUANT_BLOCK];
    float quotient[QUANT_BLOCK];
    if (job->precision == QN_E_F16 || job->precision == QN_E_BF16) {
        uint16_t narrow[QUANT_BLOCK];
        const qn_quant plain = {q->scale, none, q->stride, 0, 0};
        qn_scale_down_f32(x, &plain, quotient, n);
        qn_convert(quotient, QN_E_F32, narrow, job->precision, n, 0);
        qn_convert(narrow, job->precision, quotient, QN_E_F32, n, 0);
        float ones[QUANT_BLOCK];
        for (int64_t i = 0; i < n; i++)
            ones[i] = 1;
        const qn_quant unit = {ones, q->zero, q->stride, q->least, q->most};
        (job->whole ? qn_quantize_f32 : qn_scale_down_f32)(quotient, &unit, y, n);
        return;
    }
    (job->whole ? qn_quantize_f32 : qn_scale_down_f32)(x, q, y, n);
}

static quern_status quantize_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)err;
    const quantize_params *p = i->params;
    qn_tensor *y = i->out[0];
    if (!y) return QUERN_OK;
    int64_t precision = p->precision ? p->precision : (int64_t)i->in[1]->dtype;
    quant_job job = {.s = i->state,
                     .x = i->in[0],
                     .scale = i->in[1],
                     .zero = i->n_in > 2 ? i->in[2] : NULL,
                     .y = y,
                     .fn = quantize_block,
                     .precision = (enum qn_elem)precision,
                     .whole = !qn_elem_is_float((enum qn_elem)y->dtype),
                     .flags = p->saturate ? 0 : QN_CVT_WRAP};
    int bits = qn_dtype_bits(y->dtype);
    bool is_signed = qn_dtype_is_signed(y->dtype);
    job.least = is_signed ? -(float)(1 << (bits - 1)) : 0;
    job.most = (float)((1 << (is_signed ? bits - 1 : bits)) - 1);
    run_rows(x, &job);
    return QUERN_OK;
}

static void dequantize_block(const quant_job *job, const float *x, const qn_quant *q,
                             float *y, int64_t n)
{
    (void)job;
    qn_dequantize_f32(x, q, y, n);
}

static quern_status dequantize_run(const qn_instr *i, const qn_exec *x,
                                   quern_error *err)
{
    (void)err;
    if (!i->out[0]) return QUERN_OK;
    quant_job job = {.s = i->state,
                     .x = i->in[0],
                     .scale = i->in[1],
                     .zero = i->n_in > 2 ? i->in[2] : NULL,
                     .y = i->out[0],
                     .fn = dequantize_block};
    run_rows(x, &job);
    return QUERN_OK;
}

/* ---- rows of the table --------------------------------------------------------- */

static quern_dtype quantize_dtype(const qn_node *node, int i)
{
    (void)i;
    const quantize_params *p = node->params;
    if (node->n_in > 2 && node->in[2]) return node->in[2]->dtype;
    return p->output_dtype ? (quern_dtype)p->output_dtype : QUERN_UINT8;
}

static quern_dtype dequantize_dtype(const qn_node *node, int i)
{
    (void)i;
    const quantize_params *p = node->params;
    return p->output_dtype ? (quern_dtype)p->output_dtype : node->in[1]->dtype;
}

static const qn_attr quantize_attrs[] = {
    QN_INT(quantize_params, axis, 1),         QN_INT(quantize_params, block_size, 0),
    QN_INT(quantize_params, output_dtype, 0), QN_INT(quantize_params, saturate, 1),
    QN_INT(quantize_params, precision, 0),    QN_ATTRS_END,
};
static const qn_attr dequantize_attrs[] = {
    QN_INT(quantize_params, axis, 1),
    QN_INT(quantize_params, block_size, 0),
    QN_INT(quantize_params, output_dtype, 0),
    QN_ATTRS_END,
};

#define QUANT_FLOAT8 (QN_T_FLOAT8 & ~QN_BIT(QUERN_FLOAT8E8M0))
#define QUANT_TYPES                                                   \
    (QN_BIT(QUERN_INT8) | QN_BIT(QUERN_UINT8) | QN_BIT(QUERN_INT16) | \
     QN_BIT(QUERN_UINT16) | QUANT_FLOAT8 | QN_T_SMALL)
#define REAL_TYPES (QN_T_F32 | QN_T_HALF | QN_BIT(QUERN_INT32))

const qn_op qn_op_quantize_linear = {
    .name = "QuantizeLinear",
    .since = 28,
    .min_in = 2,
    .max_in = 3,
    .attrs = quantize_attrs,
    .params_size = sizeof(quantize_params),
    .types = {REAL_TYPES, REAL_TYPES | QN_BIT(QUERN_FLOAT8E8M0), QUANT_TYPES},
    .out_dtype = quantize_dtype,
    .check = quant_check,
    .infer = quant_infer,
    .prepare = quant_prepare,
    .run = quantize_run,
};

const qn_op qn_op_dequantize_linear = {
    .name = "DequantizeLinear",
    .since = 28,
    .min_in = 2,
    .max_in = 3,
    .attrs = dequantize_attrs,
    .params_size = sizeof(quantize_params),
    .types = {QUANT_TYPES | QN_BIT(QUERN_INT32),
              QN_T_F32 | QN_T_HALF | QN_BIT(QUERN_FLOAT8E8M0),
              QUANT_TYPES | QN_BIT(QUERN_INT32)},
    .out_dtype = dequantize_dtype,
    .check = quant_check,
    .infer = quant_infer,
    .prepare = quant_prepare,
    .run = dequantize_run,
};
