/* SPDX-License-Identifier: Apache-2.0 */
/* formats/thrift.c - see thrift.h. */
#include "formats/thrift.h"

enum { MOST_DEPTH = 32 };

bool qn_take_varint(qn_span *in, uint64_t *out)
{
    qn_span at = *in;
    uint8_t byte = 0x80;
    *out = 0;
    for (int shift = 0; byte & 0x80; shift += 7) {
        if (shift > 63 || !qn_take_u8(&at, &byte)) return false;
        *out |= (uint64_t)(byte & 0x7f) << shift;
    }
    *in = at;
    return true;
}

int64_t qn_zigzag(uint64_t value)
{
    return (int64_t)(value >> 1 ^ (0 - (value & 1)));
}

static quern_status cut_off(const qn_span *in, quern_error *err)
{
    return qn_fail(err, QUERN_FORMAT, "byte %zu: thrift data is cut off, %zu are left",
                   in->offset, in->n);
}

static quern_status take_number(qn_span *in, int64_t *out, quern_error *err)
{
    uint64_t value;
    if (!qn_take_varint(in, &value)) return cut_off(in, err);
    *out = qn_zigzag(value);
    return QUERN_OK;
}

static quern_status take_binary(qn_span *in, qn_span *out, quern_error *err)
{
    uint64_t n;
    if (!qn_take_varint(in, &n)) return cut_off(in, err);
    if (qn_take(in, n, out)) return QUERN_OK;
    return qn_fail(err, QUERN_FORMAT, "byte %zu: a text of %llu bytes, %zu are left",
                   in->offset, (unsigned long long)n, in->n);
}

/* Count and type of the elements; each takes a byte at least. */
static quern_status take_list(qn_span *in, qn_thrift_field *f, quern_error *err)
{
    uint8_t head;
    uint64_t n;
    if (!qn_take_u8(in, &head)) return cut_off(in, err);
    n = head >> 4;
    if (n == 15 && !qn_take_varint(in, &n)) return cut_off(in, err);
    if (n > in->n)
        return qn_fail(err, QUERN_FORMAT, "byte %zu: a list of %llu, %zu bytes left",
                       in->offset, (unsigned long long)n, in->n);
    f->items = (uint32_t)(n < UINT32_MAX ? n : UINT32_MAX);
    f->element = (qn_thrift_type)(head & 15);
    return QUERN_OK;
}

static quern_status take_value(qn_span *in, qn_thrift_field *f, quern_error *err)
{
    uint8_t byte;
    uint64_t bits;
    switch (f->type) {
    case QN_THRIFT_TRUE:
    case QN_THRIFT_FALSE:
        f->i = f->type == QN_THRIFT_TRUE;
        return QUERN_OK;
    case QN_THRIFT_I8:
        if (!qn_take_u8(in, &byte)) return cut_off(in, err);
        f->i = (int8_t)byte;
        return QUERN_OK;
    case QN_THRIFT_I16:
    case QN_THRIFT_I32:
    case QN_THRIFT_I64:
        return take_number(in, &f->i, err);
    case QN_THRIFT_DOUBLE:
        if (!qn_take_u64le(in, &bits)) return cut_off(in, err);
        f->i = (int64_t)bits;
        return QUERN_OK;
    case QN_THRIFT_BINARY:
        return take_binary(in, &f->bytes, err);
    case QN_THRIFT_LIST:
    case QN_THRIFT_SET:
        return take_list(in, f, err);
    case QN_THRIFT_MAP:
    case QN_THRIFT_STRUCT:
        return QUERN_OK;
    default:
        return qn_fail(err, QUERN_FORMAT, "byte %zu: thrift type %d is unknown",
                       in->offset, (int)f->type);
    }
}

quern_status qn_thrift_next(qn_span *in, qn_thrift_field *field, quern_error *err)
{
    uint8_t head;
    int64_t id;
    if (!qn_take_u8(in, &head)) return cut_off(in, err);
    field->type = (qn_thrift_type)(head & 15);
    if (head == 0) return QUERN_OK;
    id = (int64_t)field->id + (head >> 4);
    if (head >> 4 == 0) QN_TRY(take_number(in, &id, err));
    if (id < INT16_MIN || id > INT16_MAX || field->type == QN_THRIFT_STOP)
        return qn_fail(err, QUERN_FORMAT,
                       "byte %zu: no thrift field begins with 0x%02x", in->offset,
                       head);
    field->id = (int)id;
    return take_value(in, field, err);
}

quern_status qn_thrift_item(qn_span *in, qn_thrift_type type, qn_thrift_field *item,
                            quern_error *err)
{
    uint8_t byte;
    *item = (qn_thrift_field){.type = type};
    if (type != QN_THRIFT_TRUE && type != QN_THRIFT_FALSE)
        return take_value(in, item, err);
    if (!qn_take_u8(in, &byte))
        return cut_off(in, err); /* in lists a byte of its own */
    item->i = byte == 1;
    return QUERN_OK;
}

/* ---- passing over --------------------------------------------------------------- */

static quern_status skip_value(qn_span *in, const qn_thrift_field *f, int depth,
                               quern_error *err);

static quern_status skip_struct(qn_span *in, int depth, quern_error *err)
{
    qn_thrift_field f = {0};
    for (;;) {
        QN_TRY(qn_thrift_next(in, &f, err));
        if (f.type == QN_THRIFT_STOP) return QUERN_OK;
        QN_TRY(skip_value(in, &f, depth, err));
    }
}

static quern_status skip_item(qn_span *in, qn_thrift_type type, int depth,
                              quern_error *err)
{
    qn_thrift_field item;
    QN_TRY(qn_thrift_item(in, type, &item, err));
    return skip_value(in, &item, depth, err);
}

static quern_status skip_list(qn_span *in, const qn_thrift_field *f, int depth,
                              quern_error *err)
{
    for (uint32_t i = 0; i < f->items; i++)
        QN_TRY(skip_item(in, f->element, depth, err));
    return QUERN_OK;
}

static quern_status skip_map(qn_span *in, int depth, quern_error *err)
{
    uint64_t n;
    uint8_t types = 0;
    if (!qn_take_varint(in, &n)) return cut_off(in, err);
    if (n > in->n || (n && !qn_take_u8(in, &types))) return cut_off(in, err);
    for (uint64_t i = 0; i < n; i++) {
        QN_TRY(skip_item(in, (qn_thrift_type)(types >> 4), depth, err));
        QN_TRY(skip_item(in, (qn_thrift_type)(types & 15), depth, err));
    }
    return QUERN_OK;
}

static quern_status skip_value(qn_span *in, const qn_thrift_field *f, int depth,
                               quern_error *err)
{
    if (depth == MOST_DEPTH)
        return qn_fail(err, QUERN_LIMIT, "byte %zu: thrift data more than %d deep",
                       in->offset, MOST_DEPTH);
    switch (f->type) {
    case QN_THRIFT_STRUCT:
        return skip_struct(in, depth + 1, err);
    case QN_THRIFT_LIST:
    case QN_THRIFT_SET:
        return skip_list(in, f, depth + 1, err);
    case QN_THRIFT_MAP:
        return skip_map(in, depth + 1, err);
    default:
        return QUERN_OK;
    }
}

quern_status qn_thrift_skip(qn_span *in, const qn_thrift_field *field, quern_error *err)
{
    return skip_value(in, field, 0, err);
}

quern_status qn_thrift_expect(const qn_thrift_field *field, qn_thrift_type type,
                              const char *what, quern_error *err)
{
    const qn_thrift_type is = field->type;
    const bool fits = type == QN_THRIFT_I64 ? is >= QN_THRIFT_I8 && is <= QN_THRIFT_I64
                      : type == QN_THRIFT_TRUE
                          ? is == QN_THRIFT_TRUE || is == QN_THRIFT_FALSE
                          : is == type;
    if (fits) return QUERN_OK;
    return qn_fail(err, QUERN_FORMAT, "%s has thrift type %d, not %d", what, (int)is,
                   (int)type);
}
