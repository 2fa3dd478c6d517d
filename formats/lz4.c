/* SPDX-License-Identifier: Apache-2.0 */
/* formats/lz4.c - see lz4.h.
 *
 * A row of sequences: a token of two lengths, literals, the distance of a copy; the
 * last has literals only.  A copy may reach into bytes that it makes itself. */
#include "formats/lz4.h"

#include "formats/bytes.h"

#include <string.h>

typedef struct unpacking {
    qn_span in;
    uint8_t *out;
    size_t made, size;
} unpacking;

/* A length of 15 goes on in bytes that are added up, while they are 255. */
static bool take_length(qn_span *in, uint64_t *length)
{
    uint8_t byte = 255;
    if (*length < 15) return true;
    while (byte == 255) {
        if (!qn_take_u8(in, &byte)) return false;
        *length += byte;
    }
    return true;
}

static bool put_literals(unpacking *u, uint64_t n)
{
    qn_span bytes;
    if (!take_length(&u->in, &n) || n > u->size - u->made ||
        !qn_take(&u->in, n, &bytes))
        return false;
    if (bytes.n) memcpy(u->out + u->made, bytes.p, bytes.n);
    u->made += bytes.n;
    return true;
}

static bool put_copy(unpacking *u, uint64_t n)
{
    uint16_t distance;
    if (!qn_take_u16le(&u->in, &distance) || !take_length(&u->in, &n)) return false;
    n += 4;
    if (distance == 0 || distance > u->made || n > u->size - u->made) return false;
    uint8_t *to = u->out + u->made;
    const uint8_t *from = to - distance;
    u->made += (size_t)n;
    if (distance >= n)
        memcpy(to, from, (size_t)n);
    else
        while (n-- > 0)
            *to++ = *from++;
    return true;
}

quern_status qn_lz4_unpack(const void *bytes, size_t n, void *out, size_t size,
                           quern_error *err)
{
    unpacking u = {.in = {bytes, n, 0}, .out = out, .size = size};
    uint8_t token;
    while (qn_take_u8(&u.in, &token)) {
        const bool well =
            put_literals(&u, token >> 4) && (u.in.n == 0 || put_copy(&u, token & 15));
        if (!well)
            return qn_fail(err, QUERN_FORMAT,
                           "LZ4 data is damaged at byte %zu, after %zu of %zu",
                           u.in.offset, u.made, size);
    }
    if (u.made == size) return QUERN_OK;
    return qn_fail(err, QUERN_FORMAT, "LZ4 data gives %zu of %zu bytes", u.made, size);
}
