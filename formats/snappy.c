/* SPDX-License-Identifier: Apache-2.0 */
/* formats/snappy.c - see snappy.h.
 *
 * A length, then elements: a tag's two low bits say literal or copy and how the
 * distance is stored; a copy may reach into bytes that it makes itself. */
#include "formats/snappy.h"

#include "formats/thrift.h"

#include <string.h>

typedef struct unpacking {
    qn_span in;
    uint8_t *out;
    size_t made, size;
} unpacking;

static bool take_little(qn_span *in, int n, uint32_t *value)
{
    qn_span bytes;
    *value = 0;
    if (!qn_take(in, (uint64_t)n, &bytes)) return false;
    for (int i = 0; i < n; i++)
        *value |= (uint32_t)bytes.p[i] << 8 * i;
    return true;
}

static bool put_literal(unpacking *u, uint8_t tag)
{
    uint32_t length = tag >> 2;
    qn_span bytes;
    if (length >= 60 && !take_little(&u->in, (int)length - 59, &length)) return false;
    const uint64_t n = (uint64_t)length + 1;
    if (n > u->size - u->made || !qn_take(&u->in, n, &bytes)) return false;
    memcpy(u->out + u->made, bytes.p, bytes.n);
    u->made += bytes.n;
    return true;
}

static bool put_copy(unpacking *u, uint8_t tag)
{
    uint32_t distance, high = 0;
    size_t n = (size_t)(tag >> 2) + 1;
    const int kind = tag & 3;
    if (kind == 1) {
        n = (size_t)(tag >> 2 & 7) + 4;
        high = (uint32_t)(tag >> 5) << 8;
    }
    if (!take_little(&u->in, kind == 3 ? 4 : kind, &distance)) return false;
    distance |= high;
    if (distance == 0 || distance > u->made || n > u->size - u->made) return false;
    uint8_t *to = u->out + u->made;
    const uint8_t *from = to - distance;
    u->made += n;
    if (distance >= n)
        memcpy(to, from, n);
    else
        while (n-- > 0)
            *to++ = *from++;
    return true;
}

quern_status qn_snappy_unpack(const void *bytes, size_t n, void *out, size_t size,
                              quern_error *err)
{
    unpacking u = {.in = {bytes, n, 0}, .out = out, .size = size};
    uint64_t declared;
    uint8_t tag;
    if (!qn_take_varint(&u.in, &declared) || declared != size)
        return qn_fail(err, QUERN_FORMAT,
                       "snappy data of %zu bytes does not declare %zu", n, size);
    while (qn_take_u8(&u.in, &tag))
        if (!(tag & 3 ? put_copy(&u, tag) : put_literal(&u, tag)))
            return qn_fail(err, QUERN_FORMAT,
                           "snappy data is damaged at byte %zu, after %zu of %zu",
                           u.in.offset, u.made, size);
    if (u.made == size) return QUERN_OK;
    return qn_fail(err, QUERN_FORMAT, "snappy data gives %zu of %zu bytes", u.made,
                   size);
}
