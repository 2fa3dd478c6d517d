/* SPDX-License-Identifier: Apache-2.0 */
/* formats/onnx_tensor.c - TensorProto into a dense tensor.  Data lies in raw_data
 * (little-endian, 4- and 2-bit elements packed low bits first), in one of six typed
 * fields or in another file; its size must be exactly that of the dims. */
#include "formats/onnx_tensor.h"
#include "formats/onnx_fields.h"

#include <string.h>

typedef struct typed_field {
    uint32_t number;
    qn_wire element;
    const char *name;
    uint32_t types; /* element types that it may hold */
} typed_field;

static const typed_field typed_fields[] = {
    {TENSOR_FLOAT_DATA, QN_WIRE_I32, "float_data", QN_T_F32 | QN_BIT(QUERN_COMPLEX64)},
    {TENSOR_INT32_DATA, QN_WIRE_VARINT, "int32_data",
     QN_BIT(QUERN_INT32) | QN_BIT(QUERN_INT16) | QN_BIT(QUERN_INT8) |
         QN_BIT(QUERN_UINT16) | QN_BIT(QUERN_UINT8) | QN_T_BOOL | QN_T_HALF |
         QN_T_FLOAT8 | QN_T_SMALL},
    {TENSOR_STRING_DATA, QN_WIRE_BYTES, "string_data", QN_T_STRING},
    {TENSOR_INT64_DATA, QN_WIRE_VARINT, "int64_data", QN_T_I64},
    {TENSOR_DOUBLE_DATA, QN_WIRE_I64, "double_data",
     QN_T_F64 | QN_BIT(QUERN_COMPLEX128)},
    {TENSOR_UINT64_DATA, QN_WIRE_VARINT, "uint64_data",
     QN_BIT(QUERN_UINT32) | QN_BIT(QUERN_UINT64)},
};

static const typed_field *find_typed(uint32_t number)
{
    for (size_t i = 0; i < sizeof typed_fields / sizeof *typed_fields; i++)
        if (typed_fields[i].number == number) return &typed_fields[i];
    return NULL;
}

/* A TensorProto taken apart; what its data is worth is not known yet. */
typedef struct parts {
    qn_tensor t;
    uint64_t data_type;
    qn_span message, name, raw;
    bool has_raw, is_external;
    const typed_field *typed; /* the one that occurs */
    size_t n_typed;           /* its elements */
    qn_external_ref ref;
} parts;

static quern_status add_dims(parts *p, const qn_pb_field *f, quern_error *err)
{
    qn_pb_run run;
    bool more;
    uint64_t dim;
    QN_TRY(qn_pb_numbers(f, QN_WIRE_VARINT, "dims", &run, err));
    for (;;) {
        QN_TRY(qn_pb_take(&run, &dim, &more, err));
        if (!more) return QUERN_OK;
        if (p->t.rank == QUERN_MAX_RANK)
            return qn_fail(err, QUERN_LIMIT, "rank is above %d", QUERN_MAX_RANK);
        p->t.dim[p->t.rank++] = (int64_t)dim;
    }
}

static quern_status add_typed(parts *p, const qn_pb_field *f, const typed_field *typed,
                              quern_error *err)
{
    qn_pb_run run;
    size_t n = 1;
    if (typed->element == QN_WIRE_BYTES) {
        QN_TRY(qn_pb_expect(f, QN_WIRE_BYTES, typed->name, err));
    } else {
        QN_TRY(qn_pb_numbers(f, typed->element, typed->name, &run, err));
        n = qn_pb_count(&run);
    }
    if (n == 0) return QUERN_OK; /* an empty packed field says nothing */
    if (p->typed && p->typed != typed)
        return qn_fail(err, QUERN_FORMAT, "both %s and %s are given", p->typed->name,
                       typed->name);
    p->typed = typed;
    p->n_typed += n;
    return QUERN_OK;
}

static quern_status add_external(parts *p, const qn_pb_field *f, quern_error *err)
{
    QN_TRY(qn_pb_expect(f, QN_WIRE_BYTES, "external_data", err));
    qn_span entry = f->bytes, key = {0}, value = {0};
    for (;;) {
        qn_pb_field g;
        QN_TRY(qn_pb_next(&entry, &g, err));
        if (g.number == 0) return qn_external_entry(&p->ref, &key, &value, err);
        if (g.number != ENTRY_KEY && g.number != ENTRY_VALUE) continue;
        QN_TRY(qn_pb_expect(&g, QN_WIRE_BYTES, "external_data", err));
        *(g.number == ENTRY_KEY ? &key : &value) = g.bytes;
    }
}

static quern_status add_field(parts *p, const qn_pb_field *f, quern_error *err)
{
    const typed_field *typed = find_typed(f->number);
    if (typed) return add_typed(p, f, typed, err);
    switch (f->number) {
    case TENSOR_DIMS:
        return add_dims(p, f, err);
    case TENSOR_DATA_TYPE:
        p->data_type = f->u;
        return qn_pb_expect(f, QN_WIRE_VARINT, "data_type", err);
    case TENSOR_NAME:
        p->name = f->bytes;
        return qn_pb_expect(f, QN_WIRE_BYTES, "name", err);
    case TENSOR_RAW_DATA:
        p->raw = f->bytes;
        p->has_raw = true;
        return qn_pb_expect(f, QN_WIRE_BYTES, "raw_data", err);
    case TENSOR_DATA_LOCATION:
        p->is_external = f->u == 1;
        if (f->u > 1)
            return qn_fail(err, QUERN_FORMAT, "data_location is %llu, not 0 or 1",
                           (unsigned long long)f->u);
        return qn_pb_expect(f, QN_WIRE_VARINT, "data_location", err);
    case TENSOR_EXTERNAL_DATA:
        return add_external(p, f, err);
    case TENSOR_SEGMENT:
        return qn_fail(err, QUERN_UNSUPPORTED, "tensor comes in segments");
    }
    return QUERN_OK;
}

/* Reads all fields but the elements. */
static quern_status take_apart(qn_span message, parts *p, quern_error *err)
{
    memset(p, 0, sizeof *p);
    p->message = message;
    for (;;) {
        qn_pb_field f;
        QN_TRY(qn_pb_next(&message, &f, err));
        if (f.number == 0) return QUERN_OK;
        QN_TRY(add_field(p, &f, err));
    }
}

static quern_status check_parts(parts *p, quern_error *err)
{
    if (p->data_type == 0)
        return qn_fail(err, QUERN_FORMAT, "element type is not given");
    if (p->data_type > QUERN_INT2)
        return qn_fail(err, QUERN_UNSUPPORTED, "element type %llu is not known",
                       (unsigned long long)p->data_type);
    p->t.dtype = (quern_dtype)p->data_type;
    QN_TRY(qn_tensor_check(&p->t, err));
    const char *typed = p->typed ? p->typed->name : NULL;
    if (typed && p->has_raw && p->raw.n)
        return qn_fail(err, QUERN_FORMAT, "both raw_data and %s are given", typed);
    if (p->is_external && (typed || (p->has_raw && p->raw.n)))
        return qn_fail(err, QUERN_FORMAT, "both external data and %s are given",
                       typed ? typed : "raw_data");
    if (typed && !(p->typed->types & QN_BIT(p->t.dtype)))
        return qn_fail(err, QUERN_FORMAT, "%s does not go with element type %s", typed,
                       quern_dtype_name(p->t.dtype));
    if (p->t.dtype == QUERN_STRING && (p->is_external || p->raw.n))
        return qn_fail(err, QUERN_FORMAT, "strings must be in string_data");
    return QUERN_OK;
}

/* ---- packed bytes ---- */

/* Bytes that n elements take in a file.  qn_tensor_check has bounded n * bits / 8. */
static size_t file_bytes(quern_dtype dtype, int64_t n)
{
    size_t bits = (size_t)qn_dtype_bits(dtype);
    return bits >= 8 ? (size_t)n * (bits / 8) : ((size_t)n + 8 / bits - 1) / (8 / bits);
}

static bool is_complex(quern_dtype dtype)
{
    return dtype == QUERN_COMPLEX64 || dtype == QUERN_COMPLEX128;
}

/* Elements of less than a byte: one byte each, sign-extended where signed. */
static void unpack(const uint8_t *from, uint8_t *to, int64_t n, quern_dtype dtype)
{
    unsigned bits = (unsigned)qn_dtype_bits(dtype), per_byte = 8 / bits;
    unsigned mask = (1u << bits) - 1;
    unsigned sign = qn_dtype_is_signed(dtype) ? 1u << (bits - 1) : 0;
    for (int64_t i = 0; i < n; i++) {
        unsigned at = (unsigned)(i % per_byte) * bits;
        unsigned v = ((unsigned)from[i / per_byte] >> at) & mask;
        to[i] = (uint8_t)((v ^ sign) - sign);
    }
}

static bool is_canonical_bool(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] > 1) return false;
    return true;
}

static bool stays(const uint8_t *from, size_t bytes, quern_dtype dtype,
                  qn_onnx_place place)
{
    if (place == QN_ONNX_COPY || bytes == 0 || qn_dtype_bits(dtype) < 8) return false;
    if (dtype == QUERN_BOOL && !is_canonical_bool(from, bytes)) return false;
    return qn_is_aligned(from, dtype) ||
           (place == QN_ONNX_LAZY && bytes >= QN_LAZY_BYTES);
}

/* from holds exactly file_bytes. */
static quern_status use_packed(qn_arena *arena, const uint8_t *from,
                               qn_onnx_place place, qn_tensor *t, quern_error *err)
{
    int64_t n = qn_tensor_count(t);
    size_t bytes = file_bytes(t->dtype, n);
    bool small = qn_dtype_bits(t->dtype) < 8;
    if (stays(from, bytes, t->dtype, place)) {
        t->data = (void *)(uintptr_t)from; /* constants are not written */
        return QUERN_OK;
    }
    QN_TRY(qn_tensor_alloc(arena, t, err));
    if (small)
        unpack(from, t->data, n, t->dtype);
    else if (bytes)
        memcpy(t->data, from, bytes);
    for (size_t i = 0; t->dtype == QUERN_BOOL && i < bytes; i++)
        ((uint8_t *)t->data)[i] = from[i] != 0;
    return QUERN_OK;
}

/* ---- typed fields ---- */

/* Calls take with every occurrence of the typed field. */
typedef struct filler {
    const typed_field *typed;
    quern_dtype dtype;
    uint8_t *to;
    size_t size, n; /* bytes of an entry, entries written */
    qn_arena *arena;
} filler;

/* int32_data holds the value of an integer but the bits of a float. */
static bool int32_fits(quern_dtype dtype, int64_t v)
{
    switch (dtype) {
    case QUERN_INT32:
        return true;
    case QUERN_INT16:
        return v >= INT16_MIN && v <= INT16_MAX;
    case QUERN_INT8:
        return v >= INT8_MIN && v <= INT8_MAX;
    case QUERN_UINT16:
        return v >= 0 && v <= UINT16_MAX;
    case QUERN_UINT8:
        return v >= 0 && v <= UINT8_MAX;
    case QUERN_BOOL:
        return v == 0 || v == 1;
    case QUERN_FLOAT16:
    case QUERN_BFLOAT16:
        return v >= INT16_MIN && v <= UINT16_MAX;
    default: /* bits of 8-bit floats; bytes of packed elements */
        return v >= INT8_MIN && v <= UINT8_MAX;
    }
}

static quern_status put_entry(filler *x, uint64_t v, quern_error *err)
{
    if (x->typed->number == TENSOR_INT32_DATA) {
        int64_t i = (int32_t)(uint32_t)v;
        if (!int32_fits(x->dtype, i))
            return qn_fail(err, QUERN_FORMAT, "int32_data[%zu] is %lld, no %s", x->n,
                           (long long)i, quern_dtype_name(x->dtype));
    } else if (x->dtype == QUERN_UINT32 && v > UINT32_MAX) {
        return qn_fail(err, QUERN_FORMAT, "uint64_data[%zu] is %llu, no uint32", x->n,
                       (unsigned long long)v);
    }
    memcpy(x->to + x->n++ * x->size, &v, x->size);
    return QUERN_OK;
}

static quern_status put_numbers(filler *x, const qn_pb_field *f, quern_error *err)
{
    qn_pb_run run;
    bool more;
    uint64_t v;
    QN_TRY(qn_pb_numbers(f, x->typed->element, x->typed->name, &run, err));
    if (!run.single && run.element != QN_WIRE_VARINT) { /* bare floats, as they lie */
        if (run.packed.n) memcpy(x->to + x->n * x->size, run.packed.p, run.packed.n);
        x->n += run.packed.n / x->size;
        return QUERN_OK;
    }
    for (;;) {
        QN_TRY(qn_pb_take(&run, &v, &more, err));
        if (!more) return QUERN_OK;
        QN_TRY(put_entry(x, v, err));
    }
}

static quern_status put_string(filler *x, const qn_pb_field *f, quern_error *err)
{
    qn_str s = {.n = f->bytes.n};
    QN_TRY(qn_arena_text(x->arena, (const char *)f->bytes.p, f->bytes.n, &s.p, err));
    memcpy(x->to + x->n++ * x->size, &s, sizeof s);
    return QUERN_OK;
}

static quern_status put_all(filler *x, qn_span message, quern_error *err)
{
    for (;;) {
        qn_pb_field f;
        QN_TRY(qn_pb_next(&message, &f, err));
        if (f.number == 0) return QUERN_OK;
        if (f.number != x->typed->number) continue;
        if (x->typed->element == QN_WIRE_BYTES)
            QN_TRY(put_string(x, &f, err));
        else
            QN_TRY(put_numbers(x, &f, err));
    }
}

static quern_status use_typed(qn_arena *arena, const parts *p, qn_tensor *t,
                              quern_error *err)
{
    filler x = {.typed = p->typed, .dtype = t->dtype, .arena = arena};
    bool small = qn_dtype_bits(t->dtype) < 8 && t->dtype != QUERN_STRING;
    void *packed;
    x.size = qn_dtype_size(t->dtype) / (is_complex(t->dtype) ? 2 : 1);
    if (!small) {
        QN_TRY(qn_tensor_alloc(arena, t, err));
        x.to = t->data;
        return put_all(&x, p->message, err);
    }
    QN_TRY(qn_arena_raw(arena, p->n_typed, &packed, err));
    x.to = packed;
    QN_TRY(put_all(&x, p->message, err));
    return use_packed(arena, packed, QN_ONNX_COPY, t, err);
}

/* Entries of the typed field that the dims ask for. */
static size_t typed_entries(const qn_tensor *t)
{
    size_t n = (size_t)qn_tensor_count(t);
    if (is_complex(t->dtype)) return 2 * n;
    if (t->dtype != QUERN_STRING && qn_dtype_bits(t->dtype) < 8)
        return file_bytes(t->dtype, (int64_t)n);
    return n;
}

/* ---- all of it ---- */

static quern_status use_data(const qn_onnx_sink *sink, parts *p, quern_error *err)
{
    qn_tensor *t = &p->t;
    int64_t n = qn_tensor_count(t);
    if (p->typed) {
        if (p->n_typed != typed_entries(t))
            return qn_fail(err, QUERN_FORMAT,
                           "%s has %zu entries but %s of %s needs %zu", p->typed->name,
                           p->n_typed, QN_SHAPE(t), quern_dtype_name(t->dtype),
                           typed_entries(t));
        return use_typed(sink->arena, p, t, err);
    }
    if (t->dtype == QUERN_STRING) {
        if (n)
            return qn_fail(err, QUERN_FORMAT,
                           "string_data has 0 entries but %s needs %lld", QN_SHAPE(t),
                           (long long)n);
        return qn_tensor_alloc(sink->arena, t, err);
    }
    size_t need = file_bytes(t->dtype, n);
    if (p->is_external) {
        const uint8_t *from = NULL;
        if (!sink->external)
            return qn_fail(err, QUERN_INVALID, "external data is not allowed here");
        if (need == 0) return qn_tensor_alloc(sink->arena, t, err);
        QN_TRY(qn_external_data(sink->external, &p->ref, need, &from, err));
        return use_packed(sink->arena, from, sink->place, t, err);
    }
    if (p->raw.n != need)
        return qn_fail(err, QUERN_FORMAT, "%s has %zu bytes but %s of %s needs %zu",
                       p->has_raw ? "raw_data" : "data", p->raw.n, QN_SHAPE(t),
                       quern_dtype_name(t->dtype), need);
    return use_packed(sink->arena, p->raw.p, sink->place, t, err);
}

quern_status qn_onnx_tensor(const qn_onnx_sink *sink, qn_span message, qn_tensor *out,
                            qn_span *name, quern_error *err)
{
    parts p;
    quern_status status = take_apart(message, &p, err);
    if (name) *name = p.name;
    QN_TRY(status);
    QN_TRY(check_parts(&p, err));
    QN_TRY(use_data(sink, &p, err));
    *out = p.t;
    return QUERN_OK;
}

/* ---- sparse ---- */

/* Dense bytes that a sparse tensor may grow to: a few bytes can ask for anything. */
#define SPARSE_MAX ((size_t)256 << 20)

/* Linear index of entry i; false when it lies outside. */
static bool sparse_index(const qn_tensor *dense, const qn_tensor *indices, int64_t i,
                         int64_t *out)
{
    const int64_t *v = indices->data;
    int64_t at = 0;
    if (indices->rank == 1) {
        *out = v[i];
        return v[i] >= 0 && v[i] < qn_tensor_count(dense);
    }
    for (int d = 0; d < dense->rank; d++) {
        int64_t k = v[i * dense->rank + d];
        if (k < 0 || k >= dense->dim[d]) return false;
        at = at * dense->dim[d] + k;
    }
    *out = at;
    return true;
}

static quern_status check_sparse(const qn_tensor *dense, const qn_tensor *values,
                                 const qn_tensor *indices, quern_error *err)
{
    if (values->rank != 1 || indices->dtype != QUERN_INT64 || indices->rank < 1 ||
        indices->rank > 2)
        return qn_fail(err, QUERN_FORMAT, "sparse values are %s, indices %s of %s",
                       QN_SHAPE(values), QN_SHAPE(indices),
                       quern_dtype_name(indices->dtype));
    if (indices->dim[0] != values->dim[0] ||
        (indices->rank == 2 && indices->dim[1] != dense->rank))
        return qn_fail(err, QUERN_FORMAT, "sparse indices %s do not go with values %s",
                       QN_SHAPE(indices), QN_SHAPE(values));
    QN_TRY(qn_tensor_check(dense, err));
    if (qn_tensor_bytes(dense) > SPARSE_MAX)
        return qn_fail(err, QUERN_LIMIT,
                       "sparse tensor %s takes %zu bytes, at most %zu", QN_SHAPE(dense),
                       qn_tensor_bytes(dense), SPARSE_MAX);
    return QUERN_OK;
}

static quern_status make_dense(qn_arena *arena, qn_tensor *dense,
                               const qn_tensor *values, const qn_tensor *indices,
                               quern_error *err)
{
    QN_TRY(check_sparse(dense, values, indices, err));
    QN_TRY(qn_tensor_alloc(arena, dense, err));
    size_t size = qn_dtype_size(dense->dtype);
    uint8_t *to = dense->data;
    memset(to, 0, qn_tensor_bytes(dense));
    for (int64_t i = 0; i < values->dim[0]; i++) {
        int64_t at;
        if (!sparse_index(dense, indices, i, &at))
            return qn_fail(err, QUERN_FORMAT, "sparse index %lld lies outside %s",
                           (long long)i, QN_SHAPE(dense));
        memcpy(to + (size_t)at * size, (uint8_t *)values->data + (size_t)i * size,
               size);
    }
    return QUERN_OK;
}

quern_status qn_onnx_sparse(const qn_onnx_sink *sink, qn_span message, qn_tensor *out,
                            qn_span *name, quern_error *err)
{
    parts dims = {0};
    qn_span span[2] = {{0}, {0}}; /* values, indices */
    int pieces[2] = {0, 0};
    for (;;) {
        qn_pb_field f;
        QN_TRY(qn_pb_next(&message, &f, err));
        if (f.number == 0) break;
        if (f.number == SPARSE_DIMS) QN_TRY(add_dims(&dims, &f, err));
        if (f.number != SPARSE_VALUES && f.number != SPARSE_INDICES) continue;
        QN_TRY(qn_pb_expect(&f, QN_WIRE_BYTES, "sparse tensor", err));
        int k = f.number == SPARSE_INDICES;
        QN_TRY(qn_pb_join(sink->arena, &span[k], &pieces[k], &f.bytes, err));
    }
    qn_tensor values, indices;
    qn_onnx_sink aligned = *sink;
    if (sink->place == QN_ONNX_LAZY) aligned.place = QN_ONNX_ALIGNED;
    QN_TRY(qn_onnx_tensor(&aligned, span[0], &values, name, err));
    QN_TRY(qn_onnx_tensor(&aligned, span[1], &indices, NULL, err));
    dims.t.dtype = values.dtype;
    QN_TRY(make_dense(sink->arena, &dims.t, &values, &indices, err));
    *out = dims.t;
    return QUERN_OK;
}
