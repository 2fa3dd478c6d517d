/* SPDX-License-Identifier: Apache-2.0 */
/* engine/rng.h - random numbers by counter: number i of a stream is a function of the
 * key and i alone, so threads and order do not matter.  Philox4x32-10 (Salmon, Moraes,
 * Dror, Shaw: Parallel random numbers, as easy as 1, 2, 3; 2011). */
#ifndef QN_ENGINE_RNG_H
#define QN_ENGINE_RNG_H

#include <stdint.h>

typedef struct qn_rng {
    uint64_t key, stream;
} qn_rng;

/* seed: of the run; name: of what draws, so that two nodes draw different numbers. */
qn_rng qn_rng_make(uint64_t seed, const char *name, uint64_t extra);
/* 128 random bits, block `counter` of the stream. */
void qn_rng_block(const qn_rng *rng, uint64_t counter, uint32_t out[4]);
/* Number i, uniform in [0, 1), a multiple of 2^-24 (exact in float). */
double qn_rng_uniform(const qn_rng *rng, uint64_t i);
/* Number i, uniform in [0, 1), a multiple of 2^-53. */
double qn_rng_uniform53(const qn_rng *rng, uint64_t i);
/* Number i, normal with mean 0 and deviation 1. */
double qn_rng_normal(const qn_rng *rng, uint64_t i);

#endif
