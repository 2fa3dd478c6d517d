/* SPDX-License-Identifier: Apache-2.0 */
/* formats/parquet_runs.c - see parquet_runs.h; "RLE / bit-packing hybrid" of
 * Encodings.md. */
#include "formats/parquet_runs.h"

#include "formats/thrift.h"

#include <string.h>

uint64_t qn_pq_bits(const uint8_t *p, size_t n, uint64_t i, int width)
{
    const uint64_t bit = i * (uint64_t)width;
    const size_t at = (size_t)(bit / 8), shift = bit % 8;
    uint8_t room[9] = {0};
    uint64_t low;
    if (at >= n || width == 0) return 0;
    memcpy(room, p + at, n - at < sizeof room ? n - at : sizeof room);
    memcpy(&low, room, sizeof low); /* little-endian machines only, as everywhere */
    low >>= shift;
    if (shift) low |= (uint64_t)room[8] << (64 - shift);
    return width == 64 ? low : low & (((uint64_t)1 << width) - 1);
}

void qn_pq_runs_begin(qn_pq_runs *r, const qn_span *in, int width)
{
    *r = (qn_pq_runs){.in = *in, .width = width};
}

static quern_status next_run(qn_pq_runs *r, quern_error *err)
{
    uint64_t head;
    qn_span bytes;
    if (!qn_take_varint(&r->in, &head))
        return qn_fail(err, QUERN_FORMAT, "byte %zu: runs of numbers end too early",
                       r->in.offset);
    r->is_packed = head & 1;
    r->left = head >> 1;
    r->next = 0;
    if (r->left > UINT32_MAX / 8)
        return qn_fail(err, QUERN_FORMAT, "byte %zu: a run of %llu numbers",
                       r->in.offset, (unsigned long long)r->left);
    const uint64_t n =
        r->is_packed ? r->left * (uint64_t)r->width : (uint64_t)(r->width + 7) / 8;
    /* The last group may be cut off behind the last number. */
    if (!qn_take(&r->in, r->is_packed && n > r->in.n ? r->in.n : n, &bytes))
        return qn_fail(err, QUERN_FORMAT, "byte %zu: a run of numbers is cut off",
                       r->in.offset);
    if (r->is_packed) {
        r->packed = bytes;
        r->left *= 8;
        if (bytes.n < n) r->left = bytes.n * 8 / (uint64_t)r->width;
        return QUERN_OK;
    }
    r->value = 0;
    if (bytes.n) memcpy(&r->value, bytes.p, bytes.n);
    return QUERN_OK;
}

quern_status qn_pq_runs_take(qn_pq_runs *r, uint32_t *out, size_t n, quern_error *err)
{
    while (n > 0) {
        if (r->left == 0) QN_TRY(next_run(r, err));
        const size_t some = r->left < n ? (size_t)r->left : n;
        for (size_t i = 0; i < some; i++)
            out[i] = r->is_packed ? (uint32_t)qn_pq_bits(r->packed.p, r->packed.n,
                                                         r->next + i, r->width)
                                  : r->value;
        r->left -= some;
        r->next += some;
        out += some;
        n -= some;
    }
    return QUERN_OK;
}
