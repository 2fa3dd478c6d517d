/* SPDX-License-Identifier: Apache-2.0 */
/* formats/parquet_delta.c - see parquet_delta.h; "Delta encoding", "Delta-length byte
 * array" and "Delta strings" of Encodings.md.
 *
 *   header:  values a block, miniblocks a block, values in all, first value
 *   block:   least difference, width of each miniblock, miniblocks of packed bits */
#include "formats/parquet_delta.h"

#include "formats/parquet_runs.h"
#include "formats/thrift.h"

#include <string.h>

/* ---- integers ------------------------------------------------------------------- */

typedef struct delta {
    qn_span *in;
    uint64_t mini; /* values of a miniblock */
    uint64_t minis;
    uint64_t last; /* value so far; sums wrap */
    int bits;
} delta;

static quern_status cut_off(const qn_span *in, quern_error *err)
{
    return qn_fail(err, QUERN_FORMAT, "byte %zu: differences are cut off, %zu are left",
                   in->offset, in->n);
}

static quern_status take_head(delta *d, int64_t n, quern_error *err)
{
    uint64_t block, total, first;
    if (!qn_take_varint(d->in, &block) || !qn_take_varint(d->in, &d->minis) ||
        !qn_take_varint(d->in, &total) || !qn_take_varint(d->in, &first))
        return cut_off(d->in, err);
    if (block == 0 || block > 1 << 20 || d->minis == 0 || d->minis > block ||
        block % d->minis || block / d->minis % 8)
        return qn_fail(err, QUERN_FORMAT, "blocks of %llu differences in %llu parts",
                       (unsigned long long)block, (unsigned long long)d->minis);
    if (total != (uint64_t)n)
        return qn_fail(err, QUERN_FORMAT, "%llu differences for %lld values",
                       (unsigned long long)total, (long long)n);
    d->mini = block / d->minis;
    d->last = (uint64_t)qn_zigzag(first);
    return QUERN_OK;
}

static int64_t value_of(const delta *d)
{
    return d->bits == 32 ? (int64_t)(int32_t)(uint32_t)d->last : (int64_t)d->last;
}

static quern_status take_mini(delta *d, uint64_t least, int width, int64_t n,
                              int64_t *out, quern_error *err)
{
    qn_span packed;
    if (width > 64)
        return qn_fail(err, QUERN_FORMAT, "byte %zu: differences of %d bits",
                       d->in->offset, width);
    if (!qn_take(d->in, d->mini * (uint64_t)width / 8, &packed))
        return cut_off(d->in, err);
    for (int64_t i = 0; i < n; i++) {
        d->last += least + qn_pq_bits(packed.p, packed.n, (uint64_t)i, width);
        out[i] = value_of(d);
    }
    return QUERN_OK;
}

/* One block, or what is left of n values. */
static quern_status take_block(delta *d, int64_t n, int64_t *out, int64_t *made,
                               quern_error *err)
{
    uint64_t least;
    qn_span widths;
    if (!qn_take_varint(d->in, &least) || !qn_take(d->in, d->minis, &widths))
        return cut_off(d->in, err);
    least = (uint64_t)qn_zigzag(least);
    *made = 0;
    for (uint64_t m = 0; m < d->minis && *made < n; m++) {
        const int64_t left = n - *made, size = (int64_t)d->mini;
        const int64_t some = left < size ? left : size;
        QN_TRY(take_mini(d, least, widths.p[m], some, out + *made, err));
        *made += some;
    }
    return QUERN_OK;
}

quern_status qn_pq_delta_ints(qn_span *in, int bits, int64_t n, int64_t *out,
                              quern_error *err)
{
    delta d = {.in = in, .bits = bits};
    QN_TRY(take_head(&d, n, err));
    if (n > 0) out[0] = value_of(&d);
    for (int64_t i = 1, made = 0; i < n; i += made)
        QN_TRY(take_block(&d, n - i, out + i, &made, err));
    return QUERN_OK;
}

/* ---- texts ---------------------------------------------------------------------- */

static quern_status take_lengths(qn_span *in, int64_t n, qn_arena *arena, int64_t **out,
                                 quern_error *err)
{
    void *room;
    QN_TRY(qn_arena_array(arena, (size_t)n, sizeof **out, &room, err));
    *out = room;
    return qn_pq_delta_ints(in, 32, n, room, err);
}

quern_status qn_pq_delta_lengths(qn_span *in, int64_t n, qn_arena *arena, qn_span *out,
                                 quern_error *err)
{
    int64_t *length;
    QN_TRY(take_lengths(in, n, arena, &length, err));
    for (int64_t i = 0; i < n; i++)
        if (length[i] < 0 || !qn_take(in, (uint64_t)length[i], &out[i]))
            return qn_fail(err, QUERN_FORMAT,
                           "byte %zu: a text of %lld bytes, %zu are left", in->offset,
                           (long long)length[i], in->n);
    return QUERN_OK;
}

/* Bytes of all texts: each begins with some of the one before. */
static quern_status add_up(const int64_t *prefix, const qn_span *suffix, int64_t n,
                           size_t limit, size_t *total, quern_error *err)
{
    size_t before = 0;
    *total = 0;
    for (int64_t i = 0; i < n; i++) {
        if (prefix[i] < 0 || (uint64_t)prefix[i] > before)
            return qn_fail(err, QUERN_FORMAT,
                           "a text shares %lld bytes with one before it of %zu",
                           (long long)prefix[i], before);
        before = (size_t)prefix[i] + suffix[i].n;
        *total += before;
        if (*total > limit)
            return qn_fail(err, QUERN_LIMIT, "texts of more than %zu bytes", limit);
    }
    return QUERN_OK;
}

quern_status qn_pq_delta_texts(qn_span *in, int64_t n, size_t limit, qn_arena *arena,
                               qn_span *out, quern_error *err)
{
    int64_t *prefix;
    size_t total;
    void *room;
    QN_TRY(take_lengths(in, n, arena, &prefix, err));
    QN_TRY(qn_pq_delta_lengths(in, n, arena, out, err));
    QN_TRY(add_up(prefix, out, n, limit, &total, err));
    QN_TRY(qn_arena_raw(arena, total, &room, err));
    uint8_t *to = room;
    for (int64_t i = 0; i < n; i++) {
        const size_t shared = (size_t)prefix[i];
        uint8_t *const begin = to;
        if (shared) memcpy(to, out[i - 1].p, shared);
        if (out[i].n) memcpy(to + shared, out[i].p, out[i].n);
        to += shared + out[i].n;
        out[i] = (qn_span){begin, shared + out[i].n, out[i].offset};
    }
    return QUERN_OK;
}
