/* SPDX-License-Identifier: Apache-2.0 */
/* engine/shuffle.h - a random order of 0 .. n-1 that is never written down: place i is
 * a function of the key and i alone, so any place of any epoch is found at once. */
#ifndef QN_ENGINE_SHUFFLE_H
#define QN_ENGINE_SHUFFLE_H

#include "engine/rng.h"

typedef struct qn_shuffle {
    qn_rng rng;
    uint64_t n, rows, columns;
} qn_shuffle;

/* Seed, name and extra are those of qn_rng_make. */
qn_shuffle qn_shuffle_make(uint64_t seed, const char *name, uint64_t extra, int64_t n);
/* Which of 0 .. n-1 stands at place i, 0 <= i < n. */
int64_t qn_shuffle_at(const qn_shuffle *shuffle, int64_t i);

#endif
