/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/cast.c - Cast-28, CastLike-25: every element type to every other, text
 * included (numbers as text are the same in every locale); BitCast-26: the bits kept.
 */
#include "engine/ops/grads.h"
#include "engine/broadcast.h"
#include "engine/op.h"
#include "engine/text.h"
#include "kernels/convert.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert((int)QN_E_F32 == QUERN_FLOAT && (int)QN_E_BOOL == QUERN_BOOL &&
                   (int)QN_E_F16 == QUERN_FLOAT16 && (int)QN_E_I2 == QUERN_INT2,
               "kernels count element types as quern.h does");

typedef struct cast_params {
    int64_t to;
    int64_t saturate;
    const char *round_mode;
} cast_params;

static quern_status check_to(int64_t to, quern_error *err)
{
    if (to > 0 && to < QN_E_COUNT) return QUERN_OK;
    return qn_fail(err, QUERN_UNSUPPORTED, "to is %lld, not a known element type",
                   (long long)to);
}

static quern_status check_mode(const cast_params *p, quern_error *err)
{
    static const char *const modes[] = {"up", "down", "nearest"};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (strcmp(p->round_mode, modes[i]) == 0) return QUERN_OK;
    return qn_fail(err, QUERN_INVALID, "round_mode is '%s', not up, down or nearest",
                   p->round_mode);
}

static quern_status cast_check(const qn_node *node, quern_error *err)
{
    const cast_params *p = node->params;
    QN_TRY(check_to(p->to, err));
    return check_mode(p, err);
}

static quern_status cast_like_check(const qn_node *node, quern_error *err)
{
    return check_mode(node->params, err);
}

static quern_dtype cast_dtype(const qn_node *node, int i)
{
    (void)i;
    return (quern_dtype)((const cast_params *)node->params)->to;
}

static quern_dtype cast_like_dtype(const qn_node *node, int i)
{
    (void)i;
    return node->in[1]->dtype;
}

/* ---- text ---- */

static quern_status parse_failed(qn_str s, quern_dtype to, quern_error *err)
{
    return qn_fail(err, QUERN_DATA, "text '%.*s' does not read as %s",
                   (int)(s.n < 40 ? s.n : 40), s.n > 0 ? s.p : "",
                   quern_dtype_name(to));
}

static qn_str trimmed(qn_str s)
{
    static const char blanks[] = " \t\n\v\f\r";
    for (; s.n > 0 && strchr(blanks, s.p[s.n - 1]) && s.p[s.n - 1]; s.n--)
        continue;
    for (; s.n > 0 && strchr(blanks, *s.p) && *s.p; s.n--)
        s.p++;
    return s;
}

static quern_status parse_bool(qn_str s, uint8_t *out, quern_error *err)
{
    double value;
    if ((s.n == 4 && memcmp(s.p, "True", 4) == 0) ||
        (s.n == 4 && memcmp(s.p, "true", 4) == 0))
        value = 1;
    else if ((s.n == 5 && memcmp(s.p, "False", 5) == 0) ||
             (s.n == 5 && memcmp(s.p, "false", 5) == 0))
        value = 0;
    else if (!qn_text_to_real(s.p, s.n, &value))
        return parse_failed(s, QUERN_BOOL, err);
    *out = value != 0;
    return QUERN_OK;
}

static quern_status parse_one(qn_str s, quern_dtype to, void *out, unsigned flags,
                              quern_error *err)
{
    double real;
    int64_t whole;
    s = trimmed(s);
    if (to == QUERN_BOOL) return parse_bool(s, out, err);
    if (qn_dtype_is_integer(to) && qn_text_to_int(s.p, s.n, &whole)) {
        qn_convert(&whole, QN_E_I64, out, (enum qn_elem)to, 1, flags);
        return QUERN_OK;
    }
    if (!qn_text_to_real(s.p, s.n, &real) ||
        !qn_convert(&real, QN_E_F64, out, (enum qn_elem)to, 1, flags))
        return parse_failed(s, to, err);
    return QUERN_OK;
}

static quern_status parse_all(const qn_tensor *in, qn_tensor *out, unsigned flags,
                              quern_error *err)
{
    const qn_str *s = in->data;
    char *y = out->data;
    size_t size = qn_dtype_size(out->dtype);
    int64_t n = qn_tensor_count(in);
    for (int64_t i = 0; i < n; i++, y += size)
        QN_TRY(parse_one(s[i], out->dtype, y, flags, err));
    return QUERN_OK;
}

/* The shortest digits that read back the same, without an exponent where the number is
 * from 1e-4 to 1e16, and always with a point: "0.1", "1000000.0", "1e-05". */
static size_t print_real(char *text, double value, bool single)
{
    char shortest[QN_REAL_TEXT], digits[QN_REAL_TEXT];
    if (single)
        qn_single_text(shortest, (float)value);
    else
        qn_real_text(shortest, value);
    double size = fabs(value);
    const char *e = strchr(shortest, 'e');
    if (!(size < 1e16) || (e && size < 1e-4))
        return (size_t)snprintf(text, QN_REAL_TEXT, "%s", shortest);
    if (!e)
        return (size_t)snprintf(text, QN_REAL_TEXT, "%s%s", shortest,
                                strchr(shortest, '.') ? "" : ".0");
    /* d.ddde+xx of at most 16 places: digits, then zeros */
    int n = 0, exp = (int)strtol(e + 1, NULL, 10);
    for (const char *p = shortest; p < e; p++)
        if (*p >= '0' && *p <= '9') digits[n++] = *p;
    while (n <= exp)
        digits[n++] = '0';
    return (size_t)snprintf(text, QN_REAL_TEXT, "%s%.*s.%.*s", value < 0 ? "-" : "",
                            exp + 1, digits, n > exp + 1 ? n - exp - 1 : 1,
                            n > exp + 1 ? digits + exp + 1 : "0");
}

static size_t print_one(char *text, const qn_tensor *in, int64_t i)
{
    const char *p = (const char *)in->data + (size_t)i * qn_dtype_size(in->dtype);
    enum qn_elem type = (enum qn_elem)in->dtype;
    double real;
    int64_t whole;
    if (in->dtype == QUERN_BOOL)
        return (size_t)snprintf(text, QN_REAL_TEXT, "%s", *p ? "True" : "False");
    if (qn_elem_is_float(type)) {
        qn_convert(p, type, &real, QN_E_F64, 1, 0);
        return print_real(text, real, type != QN_E_F64);
    }
    qn_convert(p, type, &whole, QN_E_I64, 1, 0);
    if (in->dtype == QUERN_UINT64)
        return (size_t)snprintf(text, QN_REAL_TEXT, "%" PRIu64, (uint64_t)whole);
    return (size_t)snprintf(text, QN_REAL_TEXT, "%" PRId64, whole);
}

static quern_status print_all(const qn_exec *x, const qn_tensor *in, qn_tensor *out,
                              quern_error *err)
{
    char text[QN_REAL_TEXT];
    qn_str *y = out->data;
    int64_t n = qn_tensor_count(in);
    for (int64_t i = 0; i < n; i++) {
        size_t len = print_one(text, in, i);
        QN_TRY(qn_exec_string(x, text, len, &y[i], err));
    }
    return QUERN_OK;
}

/* ---- numbers ---- */

typedef struct cast_job {
    const char *x;
    char *y;
    enum qn_elem from, to;
    size_t size_x, size_y;
    unsigned flags;
} cast_job;

static void cast_block(void *ctx, int64_t begin, int64_t end, int worker)
{
    const cast_job *job = ctx;
    (void)worker;
    qn_convert(job->x + (size_t)begin * job->size_x, job->from,
               job->y + (size_t)begin * job->size_y, job->to, end - begin, job->flags);
}

static quern_status cast_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    const cast_params *p = i->params;
    const qn_tensor *in = i->in[0];
    qn_tensor *out = i->out[0];
    if (!out) return QUERN_OK;
    unsigned flags = p->saturate ? 0 : QN_CVT_WRAP;
    if (strcmp(p->round_mode, "down") == 0) flags |= QN_CVT_DOWN;
    if (strcmp(p->round_mode, "nearest") == 0) flags |= QN_CVT_NEAREST;
    if (in->dtype == out->dtype) {
        memcpy(out->data, in->data, qn_tensor_bytes(in));
        return QUERN_OK;
    }
    bool complex_in = (QN_BIT(in->dtype) & QN_T_COMPLEX) != 0;
    bool complex_out = (QN_BIT(out->dtype) & QN_T_COMPLEX) != 0;
    if (complex_in != complex_out)
        return qn_fail(err, QUERN_UNSUPPORTED, "there is no cast from %s to %s",
                       quern_dtype_name(in->dtype), quern_dtype_name(out->dtype));
    if (in->dtype == QUERN_STRING) return parse_all(in, out, flags, err);
    if (out->dtype == QUERN_STRING) return print_all(x, in, out, err);
    cast_job job = {in->data,
                    out->data,
                    (enum qn_elem)in->dtype,
                    (enum qn_elem)out->dtype,
                    qn_dtype_size(in->dtype),
                    qn_dtype_size(out->dtype),
                    flags};
    int64_t n = qn_tensor_count(in);
    qn_parallel_for(n > 2 * QN_BLOCK ? x->pool : NULL, n, QN_BLOCK, cast_block, &job);
    return QUERN_OK;
}

/* ---- BitCast ---- */

static quern_status bit_cast_check(const qn_node *node, quern_error *err)
{
    return check_to(((const cast_params *)node->params)->to, err);
}

static quern_status bit_cast_infer(const qn_infer *x, quern_error *err)
{
    quern_dtype from = x->in[0]->dtype;
    quern_dtype to = (quern_dtype)((const cast_params *)x->params)->to;
    int bits_from = qn_dtype_bits(from), bits_to = qn_dtype_bits(to);
    if (from == QUERN_BOOL) bits_from = 8;
    if (to == QUERN_BOOL) bits_to = 8;
    if (bits_from != bits_to || bits_from == 0)
        return qn_fail(err, QUERN_SHAPE, "%s has %d bits but %s has %d",
                       quern_dtype_name(from), bits_from, quern_dtype_name(to),
                       bits_to);
    return qn_infer_same(x, err);
}

static quern_status bit_cast_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    (void)err;
    if (!i->out[0]) return QUERN_OK;
    memcpy(i->out[0]->data, i->in[0]->data, qn_tensor_bytes(i->in[0]));
    int bits = qn_dtype_bits(i->in[0]->dtype);
    if (bits >= 8) return QUERN_OK;
    /* narrow types lie one a byte, extended by sign or by zeros */
    bool extends = qn_dtype_is_signed(i->out[0]->dtype);
    uint8_t *y = i->out[0]->data, top = (uint8_t)(1 << (bits - 1));
    int64_t n = qn_tensor_count(i->in[0]);
    for (int64_t k = 0; k < n; k++) {
        uint8_t low = (uint8_t)(y[k] & (2 * top - 1));
        y[k] = extends ? (uint8_t)((low ^ top) - top) : low;
    }
    return QUERN_OK;
}

/* ---- rows ---- */

static const qn_attr cast_attrs[] = {
    QN_REQUIRED(cast_params, to, QN_ATTR_INT),
    QN_INT(cast_params, saturate, 1),
    QN_STR(cast_params, round_mode, "up"),
    QN_ATTRS_END,
};
static const qn_attr cast_like_attrs[] = {
    QN_INT(cast_params, saturate, 1),
    QN_STR(cast_params, round_mode, "up"),
    QN_ATTRS_END,
};
static const qn_attr bit_cast_attrs[] = {
    QN_REQUIRED(cast_params, to, QN_ATTR_INT),
    QN_ATTRS_END,
};

const qn_op qn_op_cast = {
    .name = "Cast",
    .since = 28,
    .first = 6,
    .min_in = 1,
    .max_in = 1,
    .attrs = cast_attrs,
    .params_size = sizeof(cast_params),
    .types = {QN_T_ALL},
    .out_dtype = cast_dtype,
    .check = cast_check,
    .infer = qn_infer_same,
    .grad = qn_grad_cast,
    .run = cast_run,
};

const qn_op qn_op_cast_like = {
    .name = "CastLike",
    .since = 25,
    .min_in = 2,
    .max_in = 2,
    .attrs = cast_like_attrs,
    .params_size = sizeof(cast_params),
    .types = {QN_T_ALL},
    .out_dtype = cast_like_dtype,
    .check = cast_like_check,
    .infer = qn_infer_same,
    .run = cast_run,
};

const qn_op qn_op_bit_cast = {
    .name = "BitCast",
    .since = 26,
    .min_in = 1,
    .max_in = 1,
    .attrs = bit_cast_attrs,
    .params_size = sizeof(cast_params),
    .types = {QN_T_ALL & ~QN_T_STRING},
    .out_dtype = cast_dtype,
    .check = bit_cast_check,
    .infer = bit_cast_infer,
    .run = bit_cast_run,
};
