/* SPDX-License-Identifier: Apache-2.0 */
/* engine/shuffle.c - a Feistel network on a grid of rows x columns that holds n places
 * and few more (Black, Rogaway: Ciphers with arbitrary finite domains, 2002): each
 * round moves one coordinate by a random amount that depends on the other.  Who lands
 * outside the n places walks on until inside. */
#include "engine/shuffle.h"

enum { ROUNDS = 8 };

qn_shuffle qn_shuffle_make(uint64_t seed, const char *name, uint64_t extra, int64_t n)
{
    qn_shuffle s = {.rng = qn_rng_make(seed, name, extra), .n = (uint64_t)n};
    s.columns = 1;
    while (s.columns * s.columns < s.n)
        s.columns *= 2;
    s.rows = (s.n + s.columns - 1) / s.columns;
    return s;
}

/* A number below limit; that some are likelier by limit / 2^64 is beyond measure. */
static uint64_t amount(const qn_rng *rng, int round, uint64_t x, uint64_t limit)
{
    uint32_t bits[4];
    qn_rng_block(rng, (uint64_t)round << 56 ^ x, bits);
    return ((uint64_t)bits[0] << 32 | bits[1]) % limit;
}

static uint64_t step(const qn_shuffle *s, uint64_t at)
{
    uint64_t row = at / s->columns, column = at % s->columns;
    for (int round = 0; round < ROUNDS; round += 2) {
        row = (row + amount(&s->rng, round, column, s->rows)) % s->rows;
        column = (column + amount(&s->rng, round + 1, row, s->columns)) % s->columns;
    }
    return row * s->columns + column;
}

int64_t qn_shuffle_at(const qn_shuffle *s, int64_t i)
{
    uint64_t at = (uint64_t)i;
    do
        at = step(s, at);
    while (at >= s->n);
    return (int64_t)at;
}
