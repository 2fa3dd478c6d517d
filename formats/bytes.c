/* SPDX-License-Identifier: Apache-2.0 */
/* formats/bytes.c - the bounded cursor; UTF-8 by RFC 3629. */
#include "formats/bytes.h"

#include <string.h>

bool qn_take(qn_span *b, uint64_t n, qn_span *out)
{
    if (n > b->n) return false;
    *out = (qn_span){b->p, (size_t)n, b->offset};
    if (n) b->p += n; /* an empty cursor may be NULL */
    b->n -= (size_t)n;
    b->offset += (size_t)n;
    return true;
}

static bool take_to(qn_span *b, size_t n, void *out)
{
    qn_span part;
    if (!qn_take(b, n, &part)) return false;
    memcpy(out, part.p, n);
    return true;
}

bool qn_take_u8(qn_span *b, uint8_t *out)
{
    return take_to(b, 1, out);
}

bool qn_take_u16le(qn_span *b, uint16_t *out)
{
    return take_to(b, 2, out);
}

bool qn_take_u32le(qn_span *b, uint32_t *out)
{
    return take_to(b, 4, out);
}

bool qn_take_u64le(qn_span *b, uint64_t *out)
{
    return take_to(b, 8, out);
}

bool qn_span_equal(const qn_span *b, const char *text)
{
    size_t n = strlen(text);
    return b->n == n && (n == 0 || memcmp(b->p, text, n) == 0);
}

/* Bytes of the character at p, of n left; 0 when it is malformed. */
static size_t utf8_length(const uint8_t *p, size_t n)
{
    uint8_t c = p[0];
    if (c < 0x80) return c != 0;
    size_t k = c < 0xC2 ? 0 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : c < 0xF5 ? 4 : 0;
    if (k == 0 || k > n) return 0;
    for (size_t i = 1; i < k; i++)
        if ((p[i] & 0xC0) != 0x80) return 0;
    bool bad = (c == 0xE0 && p[1] < 0xA0) || (c == 0xED && p[1] > 0x9F) ||
               (c == 0xF0 && p[1] < 0x90) || (c == 0xF4 && p[1] > 0x8F);
    return bad ? 0 : k;
}

bool qn_span_is_utf8(const qn_span *b)
{
    for (size_t i = 0; i < b->n;) {
        size_t k = utf8_length(b->p + i, b->n - i);
        if (k == 0) return false;
        i += k;
    }
    return true;
}
