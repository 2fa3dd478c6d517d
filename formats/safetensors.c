/* SPDX-License-Identifier: Apache-2.0 */
/* formats/safetensors.c - see the header. */
#include "formats/safetensors.h"

#include "formats/json_tree.h"
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

enum { ALIGN = 64, MOST_HEADER = 100000000 /* as the format has it */ };

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

typedef struct span {
    size_t begin, end;
} span;

static quern_status read_shape(const qn_tree *shape, qn_tensor *t, quern_error *err)
{
    if (!shape || shape->kind != QN_TREE_LIST || shape->n > QUERN_MAX_RANK)
        return qn_fail(err, QUERN_FORMAT, "shape is no list of at most %d dims",
                       QUERN_MAX_RANK);
    for (const qn_tree *dim = shape->first; dim; dim = dim->next, t->rank++)
        if (!qn_tree_int(dim, &t->dim[t->rank]) || t->dim[t->rank] < 0)
            return qn_fail(err, QUERN_FORMAT, "dim %d of its shape is no size",
                           t->rank);
    return qn_tensor_check(t, err);
}

static bool read_span(const qn_tree *offsets, size_t n, span *out)
{
    int64_t begin, end;
    if (!offsets || offsets->kind != QN_TREE_LIST || offsets->n != 2 ||
        !qn_tree_int(offsets->first, &begin) ||
        !qn_tree_int(offsets->first->next, &end))
        return false;
    if (begin < 0 || end < begin || (uint64_t)end > n) return false;
    out->begin = (size_t)begin;
    out->end = (size_t)end;
    return true;
}

static quern_status read_tensor(const qn_tree *entry, const uint8_t *data, size_t n,
                                qn_tensor *t, span *where, quern_error *err)
{
    const char *type = qn_tree_text(entry, "dtype", "");
    *t = (qn_tensor){.dtype = QUERN_UNDEFINED};
    for (int i = 0; i < N_TYPES; i++)
        if (strcmp(types[i].name, type) == 0) t->dtype = types[i].dtype;
    if (t->dtype == QUERN_UNDEFINED)
        return qn_fail(err, QUERN_UNSUPPORTED, "element type '%.20s' is not known",
                       type);
    QN_TRY(read_shape(qn_tree_get(entry, "shape"), t, err));
    if (!read_span(qn_tree_get(entry, "data_offsets"), n, where))
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

static quern_status read_metadata(qn_arena *arena, const qn_tree *object,
                                  qn_safetensors *out, quern_error *err)
{
    void *p;
    QN_TRY(
        qn_arena_array(arena, (size_t)object->n + 1, sizeof *out->metadata, &p, err));
    out->metadata = p;
    out->n_metadata = 0;
    const qn_tree *first = object->kind == QN_TREE_OBJECT ? object->first : NULL;
    for (const qn_tree *pair = first; pair; pair = pair->next) {
        if (pair->kind != QN_TREE_TEXT)
            return qn_fail(err, QUERN_FORMAT, "metadata '%.60s' is no text", pair->key);
        out->metadata[out->n_metadata++] = (qn_safe_pair){pair->key, pair->text};
    }
    return QUERN_OK;
}

static quern_status read_header(qn_arena *arena, const qn_tree *root,
                                const uint8_t *data, size_t n, qn_safetensors *out,
                                quern_error *err)
{
    void *p, *q;
    const size_t most = (size_t)root->n + 1;
    QN_TRY(qn_arena_array(arena, most, sizeof *out->tensors, &p, err));
    QN_TRY(qn_arena_array(arena, most, sizeof(span), &q, err));
    out->tensors = p;
    for (const qn_tree *entry = root->first; entry; entry = entry->next) {
        if (strcmp(entry->key, "__metadata__") == 0) {
            QN_TRY(read_metadata(arena, entry, out, err));
            continue;
        }
        qn_named_tensor *one = &out->tensors[out->n_tensors];
        span *where = (span *)q + out->n_tensors++;
        one->name = entry->key;
        const quern_status status = read_tensor(entry, data, n, &one->t, where, err);
        if (status != QUERN_OK) qn_within(err, "tensor '%.60s'", entry->key);
        QN_TRY(status);
    }
    return check_cover(q, out->n_tensors, n, err);
}

quern_status qn_safetensors_parse(qn_arena *arena, const void *bytes, size_t n,
                                  qn_safetensors *out, quern_error *err)
{
    uint64_t header;
    const qn_tree *root;
    *out = (qn_safetensors){0};
    if (n < sizeof header)
        return qn_fail(err, QUERN_FORMAT, "%zu bytes are too few for a header", n);
    memcpy(&header, bytes, sizeof header);
    if (header > n - sizeof header)
        return qn_fail(err, QUERN_FORMAT, "a header of %llu bytes in a file of %zu",
                       (unsigned long long)header, n);
    if (header > MOST_HEADER)
        return qn_fail(err, QUERN_LIMIT, "a header of %llu bytes, the most is %d",
                       (unsigned long long)header, MOST_HEADER);
    const char *text = (const char *)bytes + sizeof header;
    const quern_status status = qn_tree_parse(arena, text, (size_t)header, &root, err);
    if (status != QUERN_OK) qn_within(err, "the header is no JSON object");
    QN_TRY(status);
    if (root->kind != QN_TREE_OBJECT)
        return qn_fail(err, QUERN_FORMAT, "the header is no JSON object");
    return read_header(arena, root, (const uint8_t *)text + header,
                       n - sizeof header - (size_t)header, out, err);
}
