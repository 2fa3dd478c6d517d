/* SPDX-License-Identifier: Apache-2.0 */
/* formats/label_tiff.c - see label_tiff.h; the first directory is read into a list of
 * fields, and every offset is a span that was cut from the file. */
#include "formats/label_tiff.h"

#include "formats/bytes.h"
#include "formats/deflate.h"

#include <string.h>

enum { SHORT = 3, LONG = 4 };

/* What counts of a directory; 0 where nothing is said, unless TIFF says otherwise. */
typedef struct page {
    uint32_t width, height, bits, compression, samples, rows, format, predictor, tiled;
    qn_span offsets, sizes; /* of strips, as they lie */
    uint32_t n_strips;
    uint32_t offset_type, size_type;
} page;

static bool cut(const qn_span *file, uint64_t at, uint64_t n, qn_span *out)
{
    qn_span rest = *file, before;
    return qn_take(&rest, at, &before) && qn_take(&rest, n, out);
}

/* The next number of an array of SHORT or LONG. */
static bool take_number(qn_span *values, uint32_t type, uint32_t *out)
{
    uint16_t small;
    if (type == LONG) return qn_take_u32le(values, out);
    if (type != SHORT || !qn_take_u16le(values, &small)) return false;
    *out = small;
    return true;
}

typedef struct field {
    uint16_t tag, type;
    uint32_t count;
    qn_span values;
} field;

static bool take_field(const qn_span *file, qn_span *at, field *f)
{
    qn_span inside;
    uint32_t offset;
    if (!qn_take_u16le(at, &f->tag) || !qn_take_u16le(at, &f->type) ||
        !qn_take_u32le(at, &f->count) || !qn_take(at, 4, &inside))
        return false;
    const uint64_t size = f->type == SHORT ? 2 : f->type == LONG ? 4 : 1;
    f->values = inside;
    if (f->count * size <= 4) return true;
    return qn_take_u32le(&inside, &offset) &&
           cut(file, offset, f->count * size, &f->values);
}

static void note(page *p, const field *f)
{
    qn_span values = f->values;
    uint32_t first = 0;
    if (f->tag == 273) {
        p->offsets = f->values;
        p->offset_type = f->type;
        p->n_strips = f->count;
    } else if (f->tag == 279) {
        p->sizes = f->values;
        p->size_type = f->type;
    }
    if (f->count < 1 || !take_number(&values, f->type, &first)) return;
    switch (f->tag) {
    case 256:
        p->width = first;
        break;
    case 257:
        p->height = first;
        break;
    case 258:
        p->bits = first;
        break;
    case 259:
        p->compression = first;
        break;
    case 277:
        p->samples = first;
        break;
    case 278:
        p->rows = first;
        break;
    case 317:
        p->predictor = first;
        break;
    case 322:
        p->tiled = first;
        break;
    case 339:
        p->format = first;
        break;
    default:
        break;
    }
}

/* The only page of the file, if it is one that is read here. */
static bool find_page(const qn_span *file, page *p)
{
    qn_span at = *file, head;
    uint32_t offset, next;
    uint16_t n;
    *p = (page){.bits = 1, .compression = 1, .samples = 1, .format = 1, .predictor = 1};
    p->rows = UINT32_MAX;
    if (!qn_take(&at, 4, &head) || memcmp(head.p, "II*\0", 4) != 0 ||
        !qn_take_u32le(&at, &offset) || !cut(file, offset, 2, &head) ||
        !qn_take_u16le(&head, &n) ||
        !cut(file, offset + (uint64_t)2, 12u * n + 4u, &at))
        return false;
    for (int i = 0; i < n; i++) {
        field f;
        if (!take_field(file, &at, &f)) return false;
        note(p, &f);
    }
    return qn_take_u32le(&at, &next) && next == 0 && p->tiled == 0 && p->samples == 1 &&
           (p->compression == 1 || p->compression == 8) && p->predictor == 1 &&
           p->format == 1 && (p->bits == 8 || p->bits == 16 || p->bits == 32) &&
           p->width > 0 && p->height > 0 && p->rows > 0;
}

/* Pixels from the samples of a strip. */
static void widen(const uint8_t *from, uint32_t bits, size_t n, uint32_t *to)
{
    for (size_t i = 0; i < n; i++) {
        uint16_t half;
        if (bits == 32) {
            memcpy(&to[i], from + 4 * i, 4);
        } else if (bits == 16) {
            memcpy(&half, from + 2 * i, 2);
            to[i] = half;
        } else {
            to[i] = from[i];
        }
    }
}

/* One strip of rows rows; room holds a whole one.  false: not as it should be. */
static bool read_strip(const qn_span *file, page *p, uint32_t rows, uint8_t *room,
                       uint32_t *to)
{
    const size_t n = (size_t)p->width * rows, bytes = n * (p->bits / 8);
    uint32_t offset, size;
    qn_span strip;
    if (!take_number(&p->offsets, p->offset_type, &offset) ||
        !take_number(&p->sizes, p->size_type, &size) ||
        !cut(file, offset, size, &strip))
        return false;
    if (p->compression == 1) {
        if (strip.n < bytes) return false;
        widen(strip.p, p->bits, n, to);
        return true;
    }
    /* Behind the two bytes of zlib's head is a plain stream. */
    if (strip.n < 2 || qn_inflate(strip.p + 2, strip.n - 2, room, bytes, NULL))
        return false;
    widen(room, p->bits, n, to);
    return true;
}

quern_status qn_label_tiff_parse(qn_arena *arena, const void *bytes, size_t n,
                                 int64_t max_pixels, bool *is_plain, qn_labels *out,
                                 quern_error *err)
{
    const qn_span file = {bytes, n, 0};
    qn_labels labels;
    page p;
    void *room = NULL;
    *is_plain = false;
    if (!find_page(&file, &p)) return QUERN_OK;
    const uint32_t rows = p.rows < p.height ? p.rows : p.height;
    const uint64_t pixels = (uint64_t)p.width * p.height;
    if (p.n_strips != (p.height - 1) / rows + 1) return QUERN_OK;
    if (pixels > (uint64_t)max_pixels)
        return qn_fail(err, QUERN_LIMIT, "%u x %u pixels; at most %lld", p.width,
                       p.height, (long long)max_pixels);
    /* Deflate makes a byte into 1032 at most. */
    if (pixels * (p.bits / 8) / 1032 > n) return QUERN_OK;
    QN_TRY(qn_labels_init(arena, p.height, p.width, &labels, err));
    QN_TRY(qn_arena_raw(arena, (size_t)p.width * rows * (p.bits / 8), &room, err));
    for (uint32_t y = 0; y < p.height; y += rows) {
        const uint32_t n_rows = p.height - y < rows ? p.height - y : rows;
        if (!read_strip(&file, &p, n_rows, room, labels.at + (size_t)y * p.width))
            return QUERN_OK;
    }
    *is_plain = true;
    *out = labels;
    return QUERN_OK;
}
