/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/binary.c - C = f(A, B) with NumPy's broadcasting, one row of BINARY_MAP an
 * operator.
 *
 * Opset 6 and before aligned B with a dimension of A by the attributes broadcast and
 * axis; lowering keeps such an axis, since where B's dimensions go depends on A's rank,
 * which only infer knows.  Sources: the ONNX operators of these names, in the versions
 * given. */
#include "engine/ops/grads.h"
#include "engine/ops/binary_blocked.h"
#include "engine/broadcast.h"
#include "engine/grad.h"
#include "engine/op.h"
#include "kernels/elementwise.h"

#include <string.h>

typedef struct binary_params {
    int64_t axis; /* old broadcasting: B's first dimension is this one of A; -1: none */
    int64_t fmod;
    const char *direction;
} binary_params;

static const qn_attr binary_attrs[] = {
    QN_INT(binary_params, axis, -1),
    QN_ATTRS_END,
};
static const qn_attr mod_attrs[] = {
    QN_INT(binary_params, axis, -1),
    QN_INT(binary_params, fmod, 0),
    QN_ATTRS_END,
};
static const qn_attr shift_attrs[] = {
    QN_INT(binary_params, axis, -1),
    QN_REQUIRED(binary_params, direction, QN_ATTR_STRING),
    QN_ATTRS_END,
};

static quern_status binary_lower(qn_graph *g, qn_node *node, quern_error *err)
{
    (void)g;
    if (node->opset == QN_OPSET_NEWEST) return QUERN_OK; /* the axis is ours */
    bool old = node->opset < 7 && qn_node_int(node, "broadcast", 0);
    qn_node_drop_attr(node, "consumed_inputs");
    qn_node_drop_attr(node, "broadcast");
    if (!old) qn_node_drop_attr(node, "axis");
    /* a slope of PRelu lay along the channels */
    if (node->opset < 7 && strcmp(node->op_type, "PRelu") == 0)
        return qn_node_set_int(node, "axis", 1, err);
    return QUERN_OK;
}

/* B with the trailing 1s that its old axis asks for. */
static qn_tensor aligned(const binary_params *p, const qn_tensor *a, const qn_tensor *b)
{
    qn_tensor t = *b;
    if (p->axis < 0 || p->axis > a->rank || b->rank == 0) return t;
    while (t.rank + p->axis < a->rank && t.rank < QUERN_MAX_RANK)
        t.dim[t.rank++] = 1;
    return t;
}

static quern_status binary_infer(const qn_infer *x, quern_error *err)
{
    qn_tensor shape = *x->in[0], b = aligned(x->params, x->in[0], x->in[1]);
    QN_TRY(qn_broadcast_shape(&shape, &b, err));
    if (x->out[0]) qn_copy_shape(x->out[0], &shape);
    return QUERN_OK;
}

static quern_status prelu_infer(const qn_infer *x, quern_error *err)
{
    QN_TRY(binary_infer(x, err));
    if (x->out[0] && !qn_same_shape(x->out[0], x->in[0]))
        return qn_fail(err, QUERN_SHAPE, "slope %s does not broadcast to X %s",
                       QN_SHAPE(x->in[1]), QN_SHAPE(x->in[0]));
    return QUERN_OK;
}

typedef struct binary_state {
    qn_bcast plan;
    qn_binary_fn *fn;
    size_t size_a, size_b, size_y;     /* bytes of an element */
    enum qn_elem type_a, type_b, type; /* of the operands, and the kernel's (of Pow) */
    bool no_zero;                      /* an integer divisor must not be 0 */
} binary_state;

static quern_status same_types(const qn_instr *i, quern_error *err)
{
    if (i->in[0]->dtype == i->in[1]->dtype) return QUERN_OK;
    return qn_fail(err, QUERN_SHAPE, "A is %s but B is %s",
                   quern_dtype_name(i->in[0]->dtype),
                   quern_dtype_name(i->in[1]->dtype));
}

static quern_status make_state(qn_prep *p, binary_state **out, quern_error *err)
{
    void *room;
    const qn_instr *i = p->instr;
    QN_TRY(qn_prep_state(p, sizeof **out, &room, err));
    binary_state *s = *out = room;
    qn_tensor b = aligned(i->params, i->in[0], i->in[1]), shape = *i->in[0];
    QN_TRY(qn_broadcast_shape(&shape, &b, err));
    qn_bcast_plan(&s->plan, &shape, 2, (const qn_tensor *[]){i->in[0], &b});
    s->type_a = s->type = (enum qn_elem)i->in[0]->dtype;
    s->type_b = (enum qn_elem)i->in[1]->dtype;
    s->size_a = qn_dtype_size(i->in[0]->dtype);
    s->size_b = qn_dtype_size(i->in[1]->dtype);
    s->size_y = i->out[0] ? qn_dtype_size(i->out[0]->dtype) : 0;
    return QUERN_OK;
}

static quern_status pick(binary_state *s, enum qn_binary_op op, quern_error *err)
{
    bool divides = op == QN_BINARY_div || op == QN_BINARY_mod || op == QN_BINARY_fmod;
    s->no_zero = divides && !qn_elem_is_float(s->type);
    s->fn = qn_binary(op, s->type);
    if (s->fn) return QUERN_OK;
    return qn_fail(err, QUERN_UNSUPPORTED, "no kernel for %s",
                   quern_dtype_name((quern_dtype)s->type));
}

static quern_status binary_prepare(qn_prep *p, enum qn_binary_op op, quern_error *err)
{
    binary_state *s;
    QN_TRY(same_types(p->instr, err));
    QN_TRY(make_state(p, &s, err));
    return pick(s, op, err);
}

/* ---- run ---- */

typedef struct binary_job {
    const binary_state *s;
    const char *a, *b;
    char *y;
    qn_act act;
    qn_act_f32_fn *act_f32;
} binary_job;

static void binary_row(void *ctx, const int64_t *in, int64_t out, int64_t n)
{
    const binary_job *job = ctx;
    const binary_state *s = job->s;
    void *y = job->y + (size_t)out * s->size_y;
    s->fn(job->a + (size_t)in[0] * s->size_a, qn_bcast_stride(&s->plan, 0),
          job->b + (size_t)in[1] * s->size_b, qn_bcast_stride(&s->plan, 1), y, n);
    if (job->act.kind == QN_ACT_NONE) return;
    if (s->type == QN_E_F32)
        job->act_f32(job->act.kind, job->act.alpha, job->act.beta, y, n);
    else
        qn_act_f64(job->act.kind, job->act.alpha, job->act.beta, y, n);
}

static quern_status walk(const qn_instr *i, const qn_exec *x, qn_bcast_row *row)
{
    const binary_state *s = i->state;
    binary_job job = {s,      i->in[0]->data, i->in[1]->data, i->out[0]->data,
                      i->act, x->k->act_f32};
    qn_bcast_run(&s->plan, x->pool, row, &job);
    return QUERN_OK;
}

static quern_status binary_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    const binary_state *s = i->state;
    if (!i->out[0]) return QUERN_OK;
    if (i->is_blocked) return qn_binary_blocked_run(i, x, s->fn);
    if (s->no_zero && s->plan.count > 0 &&
        qn_any_zero(i->in[1]->data, s->size_b, qn_tensor_count(i->in[1])))
        return qn_fail(err, QUERN_DATA, "an integer is divided by zero");
    return walk(i, x, binary_row);
}

/* ---- rows with more to choose ---- */

static quern_status mod_prepare(qn_prep *p, quern_error *err)
{
    const binary_params *params = p->instr->params;
    return binary_prepare(p, params->fmod ? QN_BINARY_fmod : QN_BINARY_mod, err);
}

static quern_status shift_check(const qn_node *node, quern_error *err)
{
    const char *way = ((const binary_params *)node->params)->direction;
    if (strcmp(way, "LEFT") == 0 || strcmp(way, "RIGHT") == 0) return QUERN_OK;
    return qn_fail(err, QUERN_INVALID, "direction is '%s', not LEFT or RIGHT", way);
}

static quern_status shift_prepare(qn_prep *p, quern_error *err)
{
    const binary_params *params = p->instr->params;
    bool left = strcmp(params->direction, "LEFT") == 0;
    return binary_prepare(p, left ? QN_BINARY_shift_left : QN_BINARY_shift_right, err);
}

static void equal_string_row(void *ctx, const int64_t *in, int64_t out, int64_t n)
{
    const binary_job *job = ctx;
    int64_t sa = qn_bcast_stride(&job->s->plan, 0),
            sb = qn_bcast_stride(&job->s->plan, 1);
    const qn_str *a = (const qn_str *)job->a + in[0],
                 *b = (const qn_str *)job->b + in[1];
    for (int64_t i = 0; i < n; i++) {
        const qn_str *p = a + i * sa, *q = b + i * sb;
        job->y[out + i] = p->n == q->n && (p->n == 0 || memcmp(p->p, q->p, p->n) == 0);
    }
}

static quern_status equal_prepare(qn_prep *p, quern_error *err)
{
    binary_state *s;
    if (p->instr->in[0]->dtype != QUERN_STRING)
        return binary_prepare(p, QN_BINARY_equal, err);
    QN_TRY(same_types(p->instr, err));
    return make_state(p, &s, err);
}

static quern_status equal_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    if (i->in[0]->dtype != QUERN_STRING) return binary_run(i, x, err);
    return i->out[0] ? walk(i, x, equal_string_row) : QUERN_OK;
}

/* Powers of operands of different types: both become the kernel's type, block by block.
 */
static void pow_mixed_row(void *ctx, const int64_t *in, int64_t out, int64_t n)
{
    enum { BLOCK = 256 };
    const binary_job *job = ctx;
    const binary_state *s = job->s;
    int64_t sa = qn_bcast_stride(&s->plan, 0), sb = qn_bcast_stride(&s->plan, 1);
    const char *a = job->a + (size_t)in[0] * s->size_a;
    const char *b = job->b + (size_t)in[1] * s->size_b;
    double ta[BLOCK], tb[BLOCK], ty[BLOCK]; /* room for any type of 8 bytes */
    for (int64_t i = 0; i < n; i += BLOCK) {
        int64_t m = n - i < BLOCK ? n - i : BLOCK;
        qn_convert(a + (size_t)(i * sa) * s->size_a, s->type_a, ta, s->type, sa ? m : 1,
                   0);
        qn_convert(b + (size_t)(i * sb) * s->size_b, s->type_b, tb, s->type, sb ? m : 1,
                   0);
        s->fn(ta, sa, tb, sb, ty, m);
        qn_convert(ty, s->type, job->y + (size_t)(out + i) * s->size_y, s->type_a, m,
                   0);
    }
}

static quern_status pow_prepare(qn_prep *p, quern_error *err)
{
    binary_state *s;
    QN_TRY(make_state(p, &s, err));
    /* a whole exponent fits the base's type; else the base goes to the larger float */
    if (s->type_a != s->type_b && qn_elem_is_float(s->type_b)) s->type = QN_E_F64;
    return pick(s, QN_BINARY_pow, err);
}

static quern_status pow_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    const binary_state *s = i->state;
    if (s->type_a == s->type_b) return binary_run(i, x, err);
    return i->out[0] ? walk(i, x, pow_mixed_row) : QUERN_OK;
}

/* ---- rows ---- */

#define PRELU_TYPES \
    (QN_T_FLOATS | QN_T_INDEX | QN_BIT(QUERN_UINT32) | QN_BIT(QUERN_UINT64))
#define NUMBER QUERN_UNDEFINED
#define ANY    0
#define SWAPS  QN_OP_COMMUTES
#define ACT    QN_OP_FUSES_ACT

/* clang-format off */
/*  row, name, version, kernel, element types, output type, more flags, gradient */
#define BINARY_MAP(X)                                                                  \
    X(add, "Add", 14, add, QN_T_NUMBERS, NUMBER, SWAPS | ACT, qn_grad_plus)             \
    X(sub, "Sub", 14, sub, QN_T_NUMBERS, NUMBER, ACT, qn_grad_minus)                     \
    X(mul, "Mul", 14, mul, QN_T_NUMBERS, NUMBER, SWAPS | ACT, qn_grad_mul)             \
    X(div, "Div", 14, div, QN_T_NUMBERS, NUMBER, ACT, qn_grad_div)                     \
    X(and, "And", 7, and, QN_T_BOOL, QUERN_BOOL, SWAPS, NULL)                          \
    X(or, "Or", 7, or, QN_T_BOOL, QUERN_BOOL, SWAPS, NULL)                             \
    X(xor, "Xor", 7, xor, QN_T_BOOL, QUERN_BOOL, SWAPS, NULL)                          \
    X(less, "Less", 13, less, QN_T_NUMBERS, QUERN_BOOL, ANY, NULL)                     \
    X(less_equal, "LessOrEqual", 16, less_equal, QN_T_NUMBERS, QUERN_BOOL, ANY, NULL)  \
    X(greater, "Greater", 13, greater, QN_T_NUMBERS, QUERN_BOOL, ANY, NULL)            \
    X(greater_equal, "GreaterOrEqual", 16, greater_equal, QN_T_NUMBERS, QUERN_BOOL,    \
      ANY, NULL)                                                                       \
    X(bitwise_and, "BitwiseAnd", 18, bit_and, QN_T_INTS, NUMBER, SWAPS, NULL)          \
    X(bitwise_or, "BitwiseOr", 18, bit_or, QN_T_INTS, NUMBER, SWAPS, NULL)             \
    X(bitwise_xor, "BitwiseXor", 18, bit_xor, QN_T_INTS, NUMBER, SWAPS, NULL)
/* clang-format on */

#define X(row, text, version, kernel, dtypes, result, more, gradient) \
    static quern_status row##_prepare(qn_prep *p, quern_error *err)   \
    {                                                                 \
        return binary_prepare(p, QN_BINARY_##kernel, err);            \
    }
BINARY_MAP(X)
X(prelu, "PRelu", 16, prelu, PRELU_TYPES, NUMBER, ANY, NULL)
#undef X

#define BINARY_COMMON                                               \
    .min_in = 2, .max_in = 2, .params_size = sizeof(binary_params), \
    .lower = binary_lower
#define ELEMENTWISE (QN_OP_INPLACE | QN_OP_HALF_AS_F32)

#define X(row, text, version, kernel, dtypes, result, more, gradient) \
    const qn_op qn_op_##row = {                                       \
        .name = text,                                                 \
        .since = version,                                             \
        .flags = ELEMENTWISE | (more),                                \
        .types = {dtypes},                                            \
        .out_type = result,                                           \
        .attrs = binary_attrs,                                        \
        .infer = binary_infer,                                        \
        .prepare = row##_prepare,                                     \
        .blocked = qn_binary_blocked,                                 \
        .grad = gradient,                                             \
        .run = binary_run,                                            \
        BINARY_COMMON,                                                \
    };
BINARY_MAP(X)
#undef X

/* dX = dC * (X < 0 ? slope : 1), dslope = dC * min(X, 0). */
static quern_status prelu_grad(qn_grad *g, const qn_node *node, quern_error *err)
{
    const binary_params *p = node->params;
    qn_value *d = qn_grad_of(g, node, 0), *x = node->in[0], *slope = node->in[1];
    qn_value *zero, *one, *mask, *factor, *dx, *below, *part, *dslope;
    if (p->axis >= 0 && slope->rank > 0)
        return qn_fail(err, QUERN_UNSUPPORTED, "gradient of a slope along an axis");
    QN_TRY(qn_grad_scalar(g, 0, x, &zero, err));
    QN_TRY(qn_grad_scalar(g, 1, x, &one, err));
    QN_TRY(qn_grad_2(g, "Less", x, zero, &mask, err));
    QN_TRY(qn_grad_emit(g, "", "Where", 3, (qn_value *[]){mask, slope, one}, &factor,
                        err));
    QN_TRY(qn_grad_2(g, "Mul", d, factor, &dx, err));
    QN_TRY(qn_grad_add(g, node, 0, dx, err));
    if (!qn_grad_wants(g, node, 1)) return QUERN_OK;
    QN_TRY(qn_grad_2(g, "Min", x, zero, &below, err));
    QN_TRY(qn_grad_2(g, "Mul", d, below, &part, err));
    QN_TRY(qn_grad_sum_to(g, part, slope, &dslope, err));
    return qn_grad_add(g, node, 1, dslope, err);
}

const qn_op qn_op_prelu = {
    .name = "PRelu",
    .since = 16,
    .flags = ELEMENTWISE,
    .types = {PRELU_TYPES},
    .attrs = binary_attrs,
    .infer = prelu_infer,
    .prepare = prelu_prepare,
    .run = binary_run,
    .grad = prelu_grad,
    BINARY_COMMON,
};

const qn_op qn_op_mod = {
    .name = "Mod",
    .since = 28,
    .flags = ELEMENTWISE,
    .types = {QN_T_NUMBERS},
    .attrs = mod_attrs,
    .infer = binary_infer,
    .prepare = mod_prepare,
    .run = binary_run,
    BINARY_COMMON,
};

const qn_op qn_op_bit_shift = {
    .name = "BitShift",
    .since = 28,
    .flags = ELEMENTWISE,
    .types = {QN_T_INTS},
    .attrs = shift_attrs,
    .check = shift_check,
    .infer = binary_infer,
    .prepare = shift_prepare,
    .run = binary_run,
    BINARY_COMMON,
};

const qn_op qn_op_equal = {
    .name = "Equal",
    .since = 19,
    .flags = ELEMENTWISE | QN_OP_COMMUTES,
    .types = {QN_T_PLAIN | QN_T_STRING},
    .out_type = QUERN_BOOL,
    .attrs = binary_attrs,
    .infer = binary_infer,
    .prepare = equal_prepare,
    .run = equal_run,
    BINARY_COMMON,
};

const qn_op qn_op_pow = {
    .name = "Pow",
    .since = 15,
    .flags = ELEMENTWISE,
    .types = {QN_T_FLOATS | QN_T_INDEX, QN_T_NUMBERS},
    .attrs = binary_attrs,
    .infer = binary_infer,
    .prepare = pow_prepare,
    .grad = qn_grad_pow,
    .run = pow_run,
    BINARY_COMMON,
};
