/* SPDX-License-Identifier: Apache-2.0 */
/* formats/npy.c - see npy.h.
 *
 *   \x93NUMPY  major  minor  length (u16; u32 from version 2)  header  data
 *   header: {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), } and blanks */
#include "formats/npy.h"

#include "engine/os.h"
#include "engine/utf8.h"
#include "formats/bytes.h"

#include <stdio.h>
#include <string.h>

typedef struct type_row {
    char kind; /* NumPy's letter: b i u f c */
    int size;  /* bytes */
    quern_dtype dtype;
} type_row;

static const type_row types[] = {
    {'b', 1, QUERN_BOOL},      {'i', 1, QUERN_INT8},       {'i', 2, QUERN_INT16},
    {'i', 4, QUERN_INT32},     {'i', 8, QUERN_INT64},      {'u', 1, QUERN_UINT8},
    {'u', 2, QUERN_UINT16},    {'u', 4, QUERN_UINT32},     {'u', 8, QUERN_UINT64},
    {'f', 2, QUERN_FLOAT16},   {'f', 4, QUERN_FLOAT},      {'f', 8, QUERN_DOUBLE},
    {'c', 8, QUERN_COMPLEX64}, {'c', 16, QUERN_COMPLEX128}};
#define N_TYPES (sizeof types / sizeof types[0])

typedef struct header {
    char kind;       /* a letter of types[], or S or U */
    int64_t size;    /* bytes of an element in the file */
    bool is_swapped; /* big-endian */
    bool is_fortran;
    bool has_descr, has_order, has_shape;
    qn_tensor shape; /* rank and dims */
} header;

/* ---- the header's text ---------------------------------------------------------- */

static void skip_blanks(qn_span *s)
{
    while (s->n && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n')) {
        s->p++;
        s->n--;
    }
}

/* Takes the character after blanks. */
static bool accept(qn_span *s, char c)
{
    skip_blanks(s);
    if (!s->n || *s->p != (uint8_t)c) return false;
    s->p++;
    s->n--;
    return true;
}

static bool take_quoted(qn_span *s, qn_span *out)
{
    const char quote = accept(s, '\'') ? '\'' : accept(s, '"') ? '"' : 0;
    const uint8_t *end = quote && s->n ? memchr(s->p, quote, s->n) : NULL;
    return end && qn_take(s, (uint64_t)(end - s->p), out) && accept(s, quote);
}

static bool take_number(qn_span *s, int64_t *out)
{
    skip_blanks(s);
    if (!s->n || *s->p < '0' || *s->p > '9') return false;
    for (*out = 0; s->n && *s->p >= '0' && *s->p <= '9'; s->p++, s->n--) {
        if (*out > (INT64_MAX - 9) / 10) return false;
        *out = *out * 10 + (*s->p - '0');
    }
    accept(s, 'L'); /* written by Python 2 */
    return true;
}

static bool take_descr(qn_span *s, header *h)
{
    qn_span text;
    if (!take_quoted(s, &text) || text.n < 2) return false;
    const char order = (char)*text.p;
    if (strchr("<>|=", order)) qn_take(&text, 1, &(qn_span){0});
    h->is_swapped = order == '>';
    h->kind = (char)*text.p;
    qn_take(&text, 1, &(qn_span){0});
    if (h->kind == '?') {
        h->kind = 'b';
        h->size = 1;
        return text.n == 0;
    }
    return take_number(&text, &h->size) && text.n == 0;
}

static bool take_word(qn_span *s, const char *word)
{
    const size_t n = strlen(word);
    skip_blanks(s);
    return s->n >= n && !memcmp(s->p, word, n) && qn_take(s, n, &(qn_span){0});
}

static bool take_shape(qn_span *s, header *h)
{
    if (!accept(s, '(')) return false;
    for (h->shape.rank = 0; !accept(s, ')'); h->shape.rank++) {
        if (h->shape.rank == QUERN_MAX_RANK) return false;
        if (!take_number(s, &h->shape.dim[h->shape.rank])) return false;
        if (!accept(s, ',') && !(s->n && *s->p == ')')) return false;
    }
    return true;
}

static bool take_entry(qn_span *s, header *h)
{
    qn_span key;
    if (!take_quoted(s, &key) || !accept(s, ':')) return false;
    if (qn_span_equal(&key, "descr")) return h->has_descr = take_descr(s, h);
    if (qn_span_equal(&key, "shape")) return h->has_shape = take_shape(s, h);
    if (!qn_span_equal(&key, "fortran_order")) return false;
    h->is_fortran = take_word(s, "True");
    return h->has_order = h->is_fortran || take_word(s, "False");
}

static quern_status parse_header(qn_span text, header *h, quern_error *err)
{
    const size_t size = text.n;
    bool ok = accept(&text, '{');
    *h = (header){0};
    while (ok && !accept(&text, '}')) {
        ok = take_entry(&text, h);
        if (ok && !accept(&text, ',')) {
            skip_blanks(&text);
            ok = text.n && *text.p == '}';
        }
    }
    if (ok && h->has_descr && h->has_order && h->has_shape) return QUERN_OK;
    return qn_fail(err, QUERN_FORMAT,
                   "byte %zu of the header is not of a plain array of at most %d dims",
                   size - text.n, QUERN_MAX_RANK);
}

/* ---- data ----------------------------------------------------------------------- */

static void swap_bytes(uint8_t *p, size_t size, size_t n)
{
    for (size_t i = 0; i < n; i++, p += size)
        for (size_t a = 0, b = size - 1; a < b; a++, b--) {
            const uint8_t t = p[a];
            p[a] = p[b];
            p[b] = t;
        }
}

/* Column-major from[] to row-major to[]: to is written in order, from is stepped. */
static void from_fortran(const qn_tensor *t, size_t size, const uint8_t *from,
                         uint8_t *to)
{
    int64_t at[QUERN_MAX_RANK] = {0}, step[QUERN_MAX_RANK] = {0}, offset = 0;
    for (int d = 0; d < t->rank; d++)
        step[d] = d ? step[d - 1] * t->dim[d - 1] : 1;
    for (int64_t i = 0, n = qn_tensor_count(t); i < n; i++, to += size) {
        memcpy(to, from + (size_t)offset * size, size);
        for (int d = t->rank - 1; d >= 0; d--) {
            offset += step[d];
            if (++at[d] < t->dim[d]) break;
            offset -= at[d] * step[d];
            at[d] = 0;
        }
    }
}

static size_t put_utf8(uint32_t c, char *to)
{
    if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) c = 0xfffd;
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    const int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const int lead[] = {0, 0xc0, 0xe0, 0xf0};
    to[0] = (char)(lead[more] | (int)(c >> (6 * more)));
    for (int i = 1; i <= more; i++)
        to[i] = (char)(0x80 | ((c >> (6 * (more - i))) & 0x3f));
    return (size_t)more + 1;
}

/* Elements of |S (zero-padded bytes) and <U (zero-padded UTF-32). */
static quern_status read_strings(const header *h, const uint8_t *from, qn_arena *arena,
                                 qn_tensor *out, quern_error *err)
{
    const size_t width = (size_t)h->size;
    QN_TRY(qn_tensor_alloc(arena, out, err));
    for (int64_t i = 0, n = qn_tensor_count(out); i < n; i++, from += width) {
        qn_str *str = (qn_str *)out->data + i;
        void *room;
        QN_TRY(qn_arena_raw(arena, width + 1, &room, err));
        char *to = room;
        size_t length = 0;
        if (h->kind == 'S') {
            memcpy(to, from, width);
            for (length = width; length > 0 && to[length - 1] == 0;)
                length--;
        } else {
            for (size_t k = 0; k + 4 <= width; k += 4) {
                uint32_t c;
                memcpy(&c, from + k, 4);
                if (c == 0) break;
                length += put_utf8(c, to + length);
            }
        }
        to[length] = 0;
        *str = (qn_str){to, length};
    }
    return QUERN_OK;
}

static quern_status find_type(header *h, qn_tensor *out, quern_error *err)
{
    if (h->kind == 'U') h->size = h->size < INT64_MAX / 4 ? 4 * h->size : INT64_MAX;
    if ((h->kind == 'S' || h->kind == 'U') && !h->is_swapped) {
        out->dtype = QUERN_STRING;
        return QUERN_OK;
    }
    for (size_t i = 0; i < N_TYPES; i++)
        if (types[i].kind == h->kind && types[i].size == h->size) {
            out->dtype = types[i].dtype;
            return QUERN_OK;
        }
    return qn_fail(err, QUERN_UNSUPPORTED,
                   "elements of NumPy type '%c%lld' are not read",
                   h->kind > ' ' && h->kind < 0x7f ? h->kind : '?', (long long)h->size);
}

/* The type, and whether the data has the size that the header says. */
static quern_status check_data(header *h, size_t n_bytes, qn_tensor *out,
                               quern_error *err)
{
    size_t need;
    QN_TRY(find_type(h, out, err));
    QN_TRY(qn_tensor_check(out, err));
    if (qn_size_mul((size_t)qn_tensor_count(out), (size_t)h->size, &need) &&
        need == n_bytes)
        return QUERN_OK;
    return qn_fail(err, QUERN_FORMAT,
                   "shape %s of %lld-byte elements does not fit %zu bytes of data",
                   QN_SHAPE(out), (long long)h->size, n_bytes);
}

static quern_status read_data(header *h, qn_span data, qn_arena *arena, qn_tensor *out,
                              quern_error *err)
{
    const size_t need = data.n, n = (size_t)qn_tensor_count(out);
    if (h->is_fortran && out->rank > 1 && n) {
        void *plain;
        QN_TRY(qn_arena_raw(arena, need, &plain, err));
        from_fortran(out, (size_t)h->size, data.p, plain);
        data.p = plain;
    }
    if (out->dtype == QUERN_STRING) return read_strings(h, data.p, arena, out, err);
    QN_TRY(qn_tensor_alloc(arena, out, err));
    if (need) memcpy(out->data, data.p, need);
    const bool is_complex = h->kind == 'c';
    if (h->is_swapped && h->size > 1)
        swap_bytes(out->data, (size_t)h->size / (is_complex ? 2 : 1),
                   is_complex ? 2 * n : n);
    if (out->dtype == QUERN_BOOL)
        for (size_t i = 0; i < n; i++)
            ((uint8_t *)out->data)[i] = ((uint8_t *)out->data)[i] != 0;
    return QUERN_OK;
}

/* The header; *data: what is behind it, of the right size. */
static quern_status begin(const void *bytes, size_t n, header *h, qn_span *data,
                          qn_tensor *out, quern_error *err)
{
    qn_span file = {bytes, n, 0}, magic, text;
    uint8_t major, minor;
    uint16_t length16;
    uint32_t length;
    if (!qn_take(&file, 6, &magic) || memcmp(magic.p, "\x93NUMPY", 6) != 0)
        return qn_fail(err, QUERN_FORMAT, "it does not begin as a .npy file");
    if (!qn_take_u8(&file, &major) || !qn_take_u8(&file, &minor) || major < 1 ||
        major > 3)
        return qn_fail(err, QUERN_FORMAT, ".npy format version is not 1, 2 or 3");
    bool ok =
        major > 1 ? qn_take_u32le(&file, &length) : qn_take_u16le(&file, &length16);
    if (ok && major == 1) length = length16;
    if (!ok || !qn_take(&file, length, &text))
        return qn_fail(err, QUERN_FORMAT, "the header ends before it is complete");
    QN_TRY(parse_header(text, h, err));
    *out = h->shape;
    *data = file;
    return check_data(h, file.n, out, err);
}

quern_status qn_npy_parse(const void *bytes, size_t n, qn_arena *arena, qn_tensor *out,
                          quern_error *err)
{
    header h;
    qn_span data;
    QN_TRY(begin(bytes, n, &h, &data, out, err));
    return read_data(&h, data, arena, out, err);
}

quern_status qn_npy_view(const void *bytes, size_t n, qn_arena *arena, qn_tensor *out,
                         quern_error *err)
{
    header h;
    qn_span data;
    QN_TRY(begin(bytes, n, &h, &data, out, err));
    if (out->dtype != QUERN_UINT8 || (h.is_fortran && out->rank > 1))
        return read_data(&h, data, arena, out, err);
    out->data = (void *)(uintptr_t)data.p; /* read, never written */
    return QUERN_OK;
}

quern_status qn_npy_load(qn_arena *arena, const char *path, qn_tensor *out,
                         quern_error *err)
{
    qn_file file;
    void *bytes;
    QN_TRY(qn_file_open(NULL, path, &file, err));
    quern_status status = qn_file_read(&file, arena, &bytes, err);
    if (status == QUERN_OK) status = qn_npy_parse(bytes, file.bytes, arena, out, err);
    qn_file_close(&file);
    return status;
}

/* ---- writing -------------------------------------------------------------------- */

static const type_row *row_of(quern_dtype dtype)
{
    for (size_t i = 0; i < N_TYPES; i++)
        if (types[i].dtype == dtype) return &types[i];
    if (qn_dtype_is_float(dtype)) return row_of(QUERN_FLOAT);
    return row_of(qn_dtype_is_signed(dtype) ? QUERN_INT8 : QUERN_UINT8);
}

static size_t longest_string(const qn_tensor *t, size_t n)
{
    const qn_str *s = t->data;
    size_t longest = 1;
    for (size_t i = 0; i < n; i++)
        if (s[i].n > longest) longest = s[i].n;
    return longest;
}

/* The data begins at a multiple of 64 bytes, so the header is padded with blanks. */
static void write_header(qn_buf *out, const qn_tensor *t, const char *descr)
{
    const size_t start = out->n;
    qn_buf_add(out, "\x93NUMPY\1\0\0\0", 10);
    qn_buf_format(out, "{'descr': '%s', 'fortran_order': False, 'shape': (", descr);
    for (int d = 0; d < t->rank; d++)
        qn_buf_format(out, d ? ", %lld" : "%lld", (long long)t->dim[d]);
    qn_buf_text(out, t->rank == 1 ? ",), }" : "), }");
    /* counted before, since a buffer without memory does not grow */
    for (size_t left = 63 - (out->n - start) % 64; left > 0; left--)
        qn_buf_byte(out, ' ');
    qn_buf_byte(out, '\n');
    if (out->error.status != QUERN_OK) return;
    const size_t length = out->n - start - 10;
    out->p[start + 8] = (char)(length & 0xff);
    out->p[start + 9] = (char)(length >> 8);
}

static void write_strings(qn_buf *out, const qn_tensor *t, size_t n)
{
    const qn_str *s = t->data;
    const size_t width = longest_string(t, n);
    char descr[32];
    snprintf(descr, sizeof descr, "|S%zu", width);
    write_header(out, t, descr);
    for (size_t i = 0; i < n; i++) {
        qn_buf_add(out, s[i].p, s[i].n);
        for (size_t k = s[i].n; k < width; k++)
            qn_buf_byte(out, 0);
    }
}

/* Elements whose type NumPy lacks, one by one through double. */
static void write_converted(qn_buf *out, const qn_tensor *t, quern_dtype dtype,
                            size_t n)
{
    uint8_t room[16] = {0};
    qn_tensor one = {.dtype = dtype, .data = room};
    for (size_t i = 0; i < n; i++) {
        qn_set_real(&one, 0, qn_get_real(t, (int64_t)i));
        qn_buf_add(out, room, qn_dtype_size(dtype));
    }
}

/* The character at p, of k bytes that are well-formed. */
static uint32_t character_at(const char *p, size_t k)
{
    uint32_t c = (uint8_t)p[0] & (k == 1 ? 0x7f : 0x3f >> (k - 1));
    for (size_t i = 1; i < k; i++)
        c = c << 6 | ((uint8_t)p[i] & 0x3f);
    return c;
}

quern_status qn_npy_write_text(qn_buf *out, const qn_tensor *t, quern_error *err)
{
    const qn_str *s = t->data;
    const size_t n = (size_t)qn_tensor_count(t), width = longest_string(t, n);
    char descr[32];
    snprintf(descr, sizeof descr, "<U%zu", width);
    write_header(out, t, descr);
    for (size_t i = 0; i < n; i++) {
        size_t made = 0;
        for (size_t at = 0, k; at < s[i].n; at += k, made++) {
            k = qn_utf8_length(s[i].p + at, s[i].n - at);
            qn_buf_u32le(out, k ? character_at(s[i].p + at, k) : 0xfffd);
            if (k == 0) k = 1;
        }
        for (; made < width; made++)
            qn_buf_u32le(out, 0);
    }
    return qn_buf_status(out, err);
}

/* As NumPy writes the type of elements: "<f4". */
static const type_row *describe(quern_dtype dtype, char descr[32])
{
    const type_row *row = row_of(dtype);
    snprintf(descr, 32, "%c%c%d", row->size > 1 ? '<' : '|', row->kind, row->size);
    return row;
}

quern_status qn_npy_write_header(qn_buf *out, const qn_tensor *t, quern_error *err)
{
    char descr[32];
    describe(t->dtype, descr);
    write_header(out, t, descr);
    return qn_buf_status(out, err);
}

quern_status qn_npy_write(qn_buf *out, const qn_tensor *t, quern_error *err)
{
    char descr[32];
    if (t->kind != QN_TENSOR)
        return qn_fail(err, QUERN_INVALID, "a .npy file holds one tensor, no sequence");
    const size_t n = (size_t)qn_tensor_count(t);
    if (t->dtype == QUERN_STRING) {
        write_strings(out, t, n);
        return qn_buf_status(out, err);
    }
    const type_row *row = describe(t->dtype, descr);
    write_header(out, t, descr);
    if (row->dtype == t->dtype)
        qn_buf_add(out, t->data, qn_tensor_bytes(t));
    else
        write_converted(out, t, row->dtype, n);
    return qn_buf_status(out, err);
}

quern_status qn_npy_save(qn_mem *mem, const char *path, const qn_tensor *t,
                         quern_error *err)
{
    qn_buf out;
    qn_buf_init(&out, mem);
    quern_status status = qn_npy_write(&out, t, err);
    if (status == QUERN_OK) status = qn_file_replace(path, out.p, out.n, err);
    qn_buf_done(&out);
    return status;
}
