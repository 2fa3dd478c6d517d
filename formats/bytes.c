/* SPDX-License-Identifier: Apache-2.0 */
/* formats/bytes.c - the bounded cursor. */
#include "formats/bytes.h"
#include "engine/utf8.h"

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

bool qn_span_is_utf8(const qn_span *b)
{
    for (size_t i = 0; i < b->n;) {
        size_t k = qn_utf8_length((const char *)b->p + i, b->n - i);
        if (k == 0 || b->p[i] == 0) return false;
        i += k;
    }
    return true;
}
