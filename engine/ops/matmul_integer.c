/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/matmul_integer.c - products of 8-bit matrices: MatMulInteger-10 gives the
 * int32 sums, QLinearMatMul-21 scales and rounds them to 8 bits.  Operands are widened
 * to int32 minus their zero points, then multiplied modulo 2^32. */
#include "engine/ops/matmul.h"
#include "kernels/matrix.h"

#define QN_T_BYTES (QN_BIT(QUERN_INT8) | QN_BIT(QUERN_UINT8))

/* Where the parts of the operator stand among its inputs; -1: it has none. */
typedef struct int_layout {
    int a, b, a_zero, b_zero, a_scale, b_scale, y_scale, y_zero;
} int_layout;
static const int_layout plain = {0, 1, 2, 3, -1, -1, -1, -1};
static const int_layout scaled = {0, 3, 2, 5, 1, 4, 6, 7};

static const qn_tensor *input(const qn_instr *i, int k)
{
    return k >= 0 && k < i->n_in ? i->in[k] : NULL;
}

/* How a scale or zero point lies over the matrices of an operand: one number, one per
 * row (or column), or such a vector per matrix. */
typedef struct spread {
    int64_t step, per_matrix; /* steps from line to line, from matrix to matrix */
} spread;

static quern_status spread_of(const qn_tensor *t, int64_t lines, int64_t matrices,
                              spread *out, quern_error *err)
{
    const int64_t n = t ? qn_tensor_count(t) : 1;
    *out = (spread){n == 1 ? 0 : 1, 0};
    if (n == 1 || n == lines) return QUERN_OK;
    out->per_matrix = lines;
    if (n == lines * matrices) return QUERN_OK;
    return qn_fail(err, QUERN_SHAPE, "a scale or zero point is %s for %lld lines",
                   QN_SHAPE(t), (long long)lines);
}

static int64_t rows_of(const qn_tensor *t) /* of one matrix; a vector is one row */
{
    return t->rank > 1 ? t->dim[t->rank - 2] : 1;
}

static quern_status check_spreads(const int_layout *l, int n_in,
                                  const qn_tensor *const *in, quern_error *err)
{
    const qn_tensor *a = in[l->a], *b = in[l->b];
    const int64_t cols = b->rank > 1 ? b->dim[b->rank - 1] : 1;
    const int row_parts[] = {l->a_zero, l->a_scale, l->y_scale, l->y_zero};
    const int col_parts[] = {l->b_zero, l->b_scale};
    spread s;
    for (int k = 0; k < 4; k++)
        if (row_parts[k] >= 0 && row_parts[k] < n_in)
            QN_TRY(spread_of(in[row_parts[k]], rows_of(a),
                             a->rank > 2 ? qn_dims_count(a, 0, a->rank - 2) : 1, &s,
                             err));
    for (int k = 0; k < 2; k++)
        if (col_parts[k] >= 0 && col_parts[k] < n_in)
            QN_TRY(spread_of(in[col_parts[k]], cols,
                             b->rank > 2 ? qn_dims_count(b, 0, b->rank - 2) : 1, &s,
                             err));
    return QUERN_OK;
}

static quern_status infer_with(const qn_infer *x, const int_layout *l, quern_error *err)
{
    const qn_tensor *az = l->a_zero < x->n_in ? x->in[l->a_zero] : NULL;
    const qn_tensor *bz = l->b_zero < x->n_in ? x->in[l->b_zero] : NULL;
    if ((az && az->dtype != x->in[l->a]->dtype) ||
        (bz && bz->dtype != x->in[l->b]->dtype))
        return qn_fail(err, QUERN_SHAPE,
                       "a zero point has another type than its operand");
    QN_TRY(qn_matmul_infer_shape(x->in[l->a], x->in[l->b], x->out[0], err));
    return check_spreads(l, x->n_in, x->in, err);
}

static quern_status prepare_with(qn_prep *p, const int_layout *l, quern_error *err)
{
    const qn_instr *i = p->instr;
    size_t n = (size_t)qn_tensor_count(i->in[l->a]), bytes;
    if (!qn_size_add(n, (size_t)qn_tensor_count(i->in[l->b]), &n) ||
        !qn_size_add(n, l->y_scale >= 0 ? (size_t)qn_tensor_count(i->out[0]) : 0, &n) ||
        !qn_size_mul(n, sizeof(int32_t), &bytes))
        return qn_fail(err, QUERN_LIMIT, "the widened operands are too large");
    qn_prep_scratch(p, bytes);
    return QUERN_OK;
}

/* The operand as int32 minus its zero points, matrix by matrix. */
static quern_status widen(const qn_tensor *t, const qn_tensor *zero, bool by_row,
                          bool column, int32_t *y, quern_error *err)
{
    const int64_t k = t->dim[t->rank - 1];
    const int64_t m = column ? t->dim[0] : rows_of(t), n = column ? 1 : k;
    const int64_t matrices = t->rank > 2 ? qn_dims_count(t, 0, t->rank - 2) : 1;
    spread s;
    QN_TRY(spread_of(zero, by_row ? m : n, matrices, &s, err));
    for (int64_t i = 0; i < matrices; i++) {
        const size_t at = (size_t)(i * m * n);
        const char *x = (const char *)t->data + at;
        qn_zero z = {.row = by_row ? s.step : 0, .col = by_row ? 0 : s.step};
        if (zero) z.v = (const char *)zero->data + i * s.per_matrix;
        if (t->dtype == QUERN_UINT8)
            qn_widen_u8(m, n, (const uint8_t *)x, z, y + at);
        else
            qn_widen_i8(m, n, (const int8_t *)x, z, y + at);
    }
    return QUERN_OK;
}

static quern_status multiply(const qn_instr *i, const qn_exec *x, const int_layout *l,
                             int32_t *c, quern_error *err)
{
    const qn_tensor *a = i->in[l->a], *b = i->in[l->b];
    int32_t *wide_a = i->scratch, *wide_b = wide_a + qn_tensor_count(a);
    QN_TRY(widen(a, input(i, l->a_zero), true, false, wide_a, err));
    QN_TRY(widen(b, input(i, l->b_zero), false, b->rank == 1, wide_b, err));
    qn_tensor y = *i->out[0];
    y.dtype = QUERN_INT32;
    qn_gemm g = qn_matmul_plan(a, b, &y);
    g.a = wide_a;
    g.b = wide_b;
    g.c = c;
    qn_gemm_run(&g, x->k, x->pool);
    return QUERN_OK;
}

static quern_status integer_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    return multiply(i, x, &plain, i->out[0]->data, err);
}

/* Row r of all rows of Y, of which there are m in each matrix of A: where its parameter
 * stands in t. */
static int64_t part(const qn_tensor *t, int64_t r, int64_t m)
{
    const int64_t n = t ? qn_tensor_count(t) : 1;
    return n == 1 ? 0 : n == m ? r % m : r % n;
}

static quern_status scaled_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    const qn_tensor *a = i->in[0], *b = i->in[3], *y_zero = i->in[7];
    qn_tensor *y = i->out[0];
    int32_t *sums = (int32_t *)i->scratch + qn_tensor_count(a) + qn_tensor_count(b);
    QN_TRY(multiply(i, x, &scaled, sums, err));
    const int64_t n = b->rank > 1 ? b->dim[b->rank - 1] : 1, m = rows_of(a);
    const int64_t rows = n > 0 ? qn_tensor_count(y) / n : 0;
    const float *a_scale = i->in[1]->data, *b_scale = i->in[4]->data;
    const float *y_scale = i->in[6]->data;
    const int64_t n_b = qn_tensor_count(i->in[4]);
    for (int64_t r = 0; r < rows; r++) {
        const int64_t matrix = r / m;
        const qn_rescale s = {.a = a_scale[part(i->in[1], r, m)],
                              .y = y_scale[part(i->in[6], r, m)],
                              .b = b_scale + (n_b > n ? matrix * n % n_b : 0),
                              .b_step = n_b == 1 ? 0 : 1,
                              .zero = (int32_t)qn_get_int(y_zero, part(y_zero, r, m))};
        if (y->dtype == QUERN_UINT8)
            qn_rescale_u8(n, sums + r * n, &s, (uint8_t *)y->data + r * n);
        else
            qn_rescale_i8(n, sums + r * n, &s, (int8_t *)y->data + r * n);
    }
    return QUERN_OK;
}

static quern_status integer_infer(const qn_infer *x, quern_error *err)
{
    return infer_with(x, &plain, err);
}

static quern_status scaled_infer(const qn_infer *x, quern_error *err)
{
    return infer_with(x, &scaled, err);
}

static quern_status integer_prepare(qn_prep *p, quern_error *err)
{
    return prepare_with(p, &plain, err);
}

static quern_status scaled_prepare(qn_prep *p, quern_error *err)
{
    return prepare_with(p, &scaled, err);
}

static quern_dtype scaled_dtype(const qn_node *node, int i)
{
    (void)i;
    return node->in[7] ? node->in[7]->dtype : QUERN_UNDEFINED;
}

/* clang-format off */
const qn_op qn_op_matmul_integer = {
    .name = "MatMulInteger", .since = 10, .first = 10, .min_in = 2, .max_in = 4,
    .types = {QN_T_BYTES}, .out_type = QUERN_INT32,
    .infer = integer_infer, .prepare = integer_prepare, .run = integer_run,
    .macs = qn_matmul_macs,
};
const qn_op qn_op_qlinear_matmul = {
    .name = "QLinearMatMul", .since = 21, .first = 10, .min_in = 8, .max_in = 8,
    .flags = QN_OP_HALF_AS_F32,
    .types = {QN_T_BYTES, QN_T_F32 | QN_T_HALF, QN_T_BYTES,
              QN_T_BYTES, QN_T_F32 | QN_T_HALF, QN_T_BYTES,
              QN_T_F32 | QN_T_HALF, QN_T_BYTES},
    .out_dtype = scaled_dtype,
    .infer = scaled_infer, .prepare = scaled_prepare, .run = scaled_run,
    .macs = qn_matmul_macs,
};
/* clang-format on */
