/* SPDX-License-Identifier: Apache-2.0 */
/* engine/spelling.c - distance between words; see spelling.h. */
#include "engine/spelling.h"

#include <string.h>

/* Optimal string alignment: insertions, deletions, changes, neighbours swapped. */
static int distance(const char *a, const char *b)
{
    int d[QN_WORD_MAX + 1][QN_WORD_MAX + 1];
    const int n = (int)strlen(a), m = (int)strlen(b);
    if (n > QN_WORD_MAX || m > QN_WORD_MAX) return QN_WORD_MAX;
    for (int i = 0; i <= n; i++)
        for (int j = 0; j <= m; j++) {
            if (i == 0 || j == 0) {
                d[i][j] = i + j;
                continue;
            }
            int best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            if (d[i - 1][j] + 1 < best) best = d[i - 1][j] + 1;
            if (d[i][j - 1] + 1 < best) best = d[i][j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                d[i - 2][j - 2] + 1 < best)
                best = d[i - 2][j - 2] + 1;
            d[i][j] = best;
        }
    return d[n][m];
}

const char *qn_nearest(const char *word, const char *const *candidates, int n)
{
    const char *found = NULL;
    int best =
        (int)strlen(word) / 3 + 2; /* one slip in short words, more in long ones */
    for (int i = 0; i < n; i++) {
        const int d = distance(word, candidates[i]);
        if (d < best) {
            best = d;
            found = candidates[i];
        }
    }
    return found;
}
