/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_shuffle.c - random orders: each number once, each place alike. */
#include "tests/test.h"

#include "engine/shuffle.h"

#include <string.h>

void test_shuffle_is_permutation(qn_test *t)
{
    static const int sizes[] = {1, 2, 3, 7, 16, 17, 100, 1000};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        const int n = sizes[s];
        uint8_t *seen = qn_exact(t, (size_t)n);
        int64_t fixed = 0;
        memset(seen, 0, (size_t)n);
        qn_note(t, "n=%d", n);
        for (int epoch = 0; epoch < 20; epoch++) {
            const qn_shuffle shuffle = qn_shuffle_make(1, "x", (uint64_t)epoch, n);
            for (int i = 0; i < n; i++) {
                const int64_t to = qn_shuffle_at(&shuffle, i);
                if (!CHECK(t, to >= 0 && to < n)) return;
                CHECK_EQ(t, seen[to]++, epoch);
                fixed += to == i;
            }
        }
        /* one fixed point is expected in each, with deviation 1 */
        if (n > 3) CHECK_WITHIN(t, (double)fixed, 20.0, 5 * 4.5);
    }
}

/* Each place gets each of 8 numbers equally often. */
void test_shuffle_is_uniform(qn_test *t)
{
    enum { N = 8, ROUNDS = 8000 };
    int count[N][N] = {{0}};
    for (int e = 0; e < ROUNDS; e++) {
        const qn_shuffle shuffle = qn_shuffle_make(5, "x", (uint64_t)e, N);
        for (int i = 0; i < N; i++)
            count[i][qn_shuffle_at(&shuffle, i)]++;
    }
    double chi2 = 0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            const double d = count[i][j] - (double)ROUNDS / N;
            chi2 += d * d / ((double)ROUNDS / N);
        }
    CHECK(t, chi2 < 49 + 5 * 9.9); /* 49 degrees of freedom */
}
