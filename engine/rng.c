/* SPDX-License-Identifier: Apache-2.0 */
/* engine/rng.c - see engine/rng.h. */
#include "engine/rng.h"

#include <math.h>

/* splitmix64's finaliser: every input bit reaches every output bit. */
static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

qn_rng qn_rng_make(uint64_t seed, const char *name, uint64_t extra)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (const char *p = name; *p; p++)
        hash = (hash ^ (uint8_t)*p) * UINT64_C(0x100000001b3);
    return (qn_rng){mix(seed), mix(hash ^ mix(extra))};
}

void qn_rng_block(const qn_rng *rng, uint64_t counter, uint32_t out[4])
{
    uint32_t c[4] = {(uint32_t)counter, (uint32_t)(counter >> 32),
                     (uint32_t)rng->stream, (uint32_t)(rng->stream >> 32)};
    uint32_t k0 = (uint32_t)rng->key, k1 = (uint32_t)(rng->key >> 32);
    for (int round = 0; round < 10; round++) {
        uint64_t a = (uint64_t)c[0] * 0xd2511f53, b = (uint64_t)c[2] * 0xcd9e8d57;
        uint32_t c1 = c[1], c3 = c[3];
        c[0] = (uint32_t)(b >> 32) ^ c1 ^ k0;
        c[1] = (uint32_t)b;
        c[2] = (uint32_t)(a >> 32) ^ c3 ^ k1;
        c[3] = (uint32_t)a;
        k0 += 0x9e3779b9;
        k1 += 0xbb67ae85;
    }
    for (int i = 0; i < 4; i++)
        out[i] = c[i];
}

double qn_rng_uniform(const qn_rng *rng, uint64_t i)
{
    uint32_t bits[4];
    qn_rng_block(rng, i / 4, bits);
    return (double)(bits[i % 4] >> 8) * 0x1p-24;
}

double qn_rng_uniform53(const qn_rng *rng, uint64_t i)
{
    uint32_t bits[4];
    qn_rng_block(rng, i / 2, bits);
    uint64_t hi = bits[i % 2 * 2] >> 5, lo = bits[i % 2 * 2 + 1] >> 6;
    return (double)(hi << 26 | lo) * 0x1p-53;
}

double qn_rng_normal(const qn_rng *rng, uint64_t i)
{
    uint32_t bits[4];
    qn_rng_block(rng, i / 2, bits);
    const uint32_t *pair = bits + i % 2 * 2;
    /* Box-Muller; the first is never 0 */
    double u = ((double)pair[0] + 0.5) * 0x1p-32, v = (double)pair[1] * 0x1p-32;
    return sqrt(-2 * log(u)) * cos(6.28318530717958647693 * v);
}
