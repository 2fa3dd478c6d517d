/* SPDX-License-Identifier: Apache-2.0 */
/* formats/safetensors.c - see the header. */
#include "formats/safetensors.h"

#include "formats/json_write.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    quern_dtype dtype;
} types[] = {{"F64", QUERN_DOUBLE},    {"F32", QUERN_FLOAT},  {"F16", QUERN_FLOAT16},
             {"BF16", QUERN_BFLOAT16}, {"I64", QUERN_INT64},  {"I32", QUERN_INT32},
             {"I16", QUERN_INT16},     {"I8", QUERN_INT8},    {"U64", QUERN_UINT64},
             {"U32", QUERN_UINT32},    {"U16", QUERN_UINT16}, {"U8", QUERN_UINT8},
             {"BOOL", QUERN_BOOL}};
#define N_TYPES ((int)(sizeof types / sizeof types[0]))

static const char *type_name(quern_dtype dtype)
{
    for (int i = 0; i < N_TYPES; i++)
        if (types[i].dtype == dtype) return types[i].name;
    return NULL;
}

const char *qn_safetensors_text(const qn_safetensors *file, const char *key)
{
    for (int i = 0; i < file->n_metadata; i++)
        if (strcmp(file->metadata[i].key, key) == 0) return file->metadata[i].value;
    return NULL;
}

const qn_tensor *qn_safetensors_find(const qn_safetensors *file, const char *name)
{
    for (int i = 0; i < file->n_tensors; i++)
        if (strcmp(file->tensors[i].name, name) == 0) return &file->tensors[i].t;
    return NULL;
}

/* ---- writing ---- */

enum { ALIGN = 64 };

/* Data follow one another without gaps; each tensor's size is a multiple of its element
 * only, as the format wants it. */
static quern_status put_tensor(qn_json *j, const qn_named_tensor *one, size_t *at,
                               quern_error *err)
{
    const char *type = type_name(one->t.dtype);
    if (!type)
        return qn_fail(err, QUERN_UNSUPPORTED, "tensor '%s' is %s", one->name,
                       quern_dtype_name(one->t.dtype));
    qn_json_object(j, one->name);
    qn_json_text(j, "dtype", type);
    qn_json_array(j, "shape");
    for (int d = 0; d < one->t.rank; d++)
        qn_json_int(j, NULL, one->t.dim[d]);
    qn_json_close(j);
    qn_json_array(j, "data_offsets");
    qn_json_int(j, NULL, (int64_t)*at);
    *at += qn_tensor_bytes(&one->t);
    qn_json_int(j, NULL, (int64_t)*at);
    qn_json_close(j);
    qn_json_close(j);
    return QUERN_OK;
}

static quern_status put_header(qn_buf *to, const qn_safetensors *file, quern_error *err)
{
    size_t at = 0;
    qn_json j = {.out = to};
    qn_json_object(&j, NULL);
    qn_json_object(&j, "__metadata__");
    for (int i = 0; i < file->n_metadata; i++)
        qn_json_text(&j, file->metadata[i].key, file->metadata[i].value);
    qn_json_close(&j);
    for (int i = 0; i < file->n_tensors; i++)
        QN_TRY(put_tensor(&j, &file->tensors[i], &at, err));
    qn_json_close(&j);
    return QUERN_OK;
}

quern_status qn_safetensors_write(qn_buf *to, const qn_safetensors *file,
                                  quern_error *err)
{
    const size_t start = to->n;
    qn_buf_u32le(to, 0);
    qn_buf_u32le(to, 0);
    QN_TRY(put_header(to, file, err));
    while ((to->n - start) % ALIGN && qn_buf_status(to, NULL) == QUERN_OK)
        qn_buf_byte(to, ' ');
    QN_TRY(qn_buf_status(to, err));
    const uint64_t n = to->n - start - 8;
    memcpy(to->p + start, &n, sizeof n);
    for (int i = 0; i < file->n_tensors; i++)
        qn_buf_add(to, file->tensors[i].t.data, qn_tensor_bytes(&file->tensors[i].t));
    return qn_buf_status(to, err);
}

/* ---- reading ---- */

#ifdef QN_HAVE_JANSSON
#include <jansson.h>

typedef struct span {
    size_t begin, end;
} span;

static quern_status read_shape(const json_t *shape, qn_tensor *t, quern_error *err)
{
    if (!json_is_array(shape) || json_array_size(shape) > QUERN_MAX_RANK)
        return qn_fail(err, QUERN_FORMAT, "shape is no list of at most %d dims",
                       QUERN_MAX_RANK);
    t->rank = (int)json_array_size(shape);
    for (int d = 0; d < t->rank; d++) {
        const json_t *dim = json_array_get(shape, (size_t)d);
        t->dim[d] = json_is_integer(dim) ? json_integer_value(dim) : -1;
        if (t->dim[d] < 0)
            return qn_fail(err, QUERN_FORMAT, "dim %d of its shape is no size", d);
    }
    return qn_tensor_check(t, err);
}

static bool read_span(const json_t *offsets, size_t n, span *out)
{
    const json_t *a = json_array_get(offsets, 0), *b = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(a) || !json_is_integer(b))
        return false;
    const json_int_t begin = json_integer_value(a), end = json_integer_value(b);
    if (begin < 0 || end < begin || (uint64_t)end > n) return false;
    *out = (span){(size_t)begin, (size_t)end};
    return true;
}

static quern_status read_tensor(const json_t *entry, const uint8_t *data, size_t n,
                                qn_tensor *t, span *where, quern_error *err)
{
    const char *type = json_string_value(json_object_get(entry, "dtype"));
    *t = (qn_tensor){.dtype = QUERN_UNDEFINED};
    for (int i = 0; type && i < N_TYPES; i++)
        if (strcmp(types[i].name, type) == 0) t->dtype = types[i].dtype;
    if (t->dtype == QUERN_UNDEFINED)
        return qn_fail(err, QUERN_UNSUPPORTED, "element type '%.20s' is not known",
                       type ? type : "");
    QN_TRY(read_shape(json_object_get(entry, "shape"), t, err));
    if (!read_span(json_object_get(entry, "data_offsets"), n, where))
        return qn_fail(err, QUERN_FORMAT, "its offsets do not lie in %zu bytes of data",
                       n);
    if (where->end - where->begin != qn_tensor_bytes(t))
        return qn_fail(err, QUERN_FORMAT, "it has %zu bytes, its shape needs %zu",
                       where->end - where->begin, qn_tensor_bytes(t));
    t->data = (void *)(uintptr_t)(data + where->begin);
    return QUERN_OK;
}

static int by_begin(const void *a, const void *b)
{
    const span *x = a, *y = b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end;
}

/* The format allows neither holes nor overlaps. */
static quern_status check_cover(span *where, int n, size_t bytes, quern_error *err)
{
    size_t at = 0;
    if (n) qsort(where, (size_t)n, sizeof *where, by_begin);
    for (int i = 0; i < n; at = where[i++].end)
        if (where[i].begin != at)
            return qn_fail(err, QUERN_FORMAT,
                           "data at byte %zu begin where %zu is expected",
                           where[i].begin, at);
    if (at == bytes) return QUERN_OK;
    return qn_fail(err, QUERN_FORMAT, "%zu bytes of data, tensors take %zu", bytes, at);
}

static quern_status read_metadata(qn_arena *arena, json_t *object, qn_safetensors *out,
                                  quern_error *err)
{
    void *p;
    const char *key;
    json_t *value;
    QN_TRY(qn_arena_array(arena, json_object_size(object) + 1, sizeof *out->metadata,
                          &p, err));
    out->metadata = p;
    json_object_foreach(object, key, value)
    {
        const char *text = json_string_value(value);
        if (!text)
            return qn_fail(err, QUERN_FORMAT, "metadata '%.60s' is no text", key);
        qn_safe_pair *pair = &out->metadata[out->n_metadata++];
        QN_TRY(qn_arena_text(arena, key, strlen(key), &pair->key, err));
        QN_TRY(qn_arena_text(arena, text, strlen(text), &pair->value, err));
    }
    return QUERN_OK;
}

static quern_status read_header(qn_arena *arena, json_t *root, const uint8_t *data,
                                size_t n, qn_safetensors *out, quern_error *err)
{
    void *p, *q;
    const char *key;
    json_t *value;
    const size_t most = json_object_size(root) + 1;
    QN_TRY(qn_arena_array(arena, most, sizeof *out->tensors, &p, err));
    QN_TRY(qn_arena_array(arena, most, sizeof(span), &q, err));
    out->tensors = p;
    json_object_foreach(root, key, value)
    {
        if (strcmp(key, "__metadata__") == 0) {
            QN_TRY(read_metadata(arena, value, out, err));
            continue;
        }
        qn_named_tensor *one = &out->tensors[out->n_tensors];
        quern_status status =
            read_tensor(value, data, n, &one->t, (span *)q + out->n_tensors++, err);
        if (status == QUERN_OK)
            status = qn_arena_text(arena, key, strlen(key), &one->name, err);
        if (status != QUERN_OK) {
            qn_within(err, "tensor '%.60s'", key);
            return status;
        }
    }
    return check_cover(q, out->n_tensors, n, err);
}

quern_status qn_safetensors_parse(qn_arena *arena, const void *bytes, size_t n,
                                  qn_safetensors *out, quern_error *err)
{
    uint64_t header;
    json_error_t wrong;
    *out = (qn_safetensors){0};
    if (n < sizeof header)
        return qn_fail(err, QUERN_FORMAT, "%zu bytes are too few for a header", n);
    memcpy(&header, bytes, sizeof header);
    if (header > n - sizeof header)
        return qn_fail(err, QUERN_FORMAT, "a header of %llu bytes in a file of %zu",
                       (unsigned long long)header, n);
    const char *text = (const char *)bytes + sizeof header;
    json_t *root = json_loadb(text, (size_t)header, JSON_REJECT_DUPLICATES, &wrong);
    if (!json_is_object(root)) {
        json_decref(root);
        return qn_fail(err, QUERN_FORMAT, "the header is no JSON object: %s at byte %d",
                       wrong.text, wrong.position);
    }
    const quern_status status =
        read_header(arena, root, (const uint8_t *)text + header,
                    n - sizeof header - (size_t)header, out, err);
    json_decref(root);
    return status;
}

#else

quern_status qn_safetensors_parse(qn_arena *arena, const void *bytes, size_t n,
                                  qn_safetensors *out, quern_error *err)
{
    (void)arena, (void)bytes, (void)n;
    *out = (qn_safetensors){0};
    return qn_fail(err, QUERN_UNSUPPORTED,
                   "a safetensors file, and this build has no jansson");
}

#endif
