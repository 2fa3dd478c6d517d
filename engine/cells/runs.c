/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/runs.c - see runs.h.  Two passes: count the runs of each label, then put
 * each where its label's begin. */
#include "engine/cells/runs.h"

#include <string.h>

/* How a pass goes over the plane: lines of length pixels, step apart. */
typedef struct walk {
    const uint32_t *at;
    int32_t lines, length;
    int64_t line_step, step;
} walk;

static walk walk_of(const qn_labels *p, bool by_column)
{
    const int32_t height = (int32_t)p->height, width = (int32_t)p->width;
    if (by_column) return (walk){p->at, width, height, 1, width};
    return (walk){p->at, height, width, width, 1};
}

/* The end of the run that begins at i. */
static int32_t run_end(const walk *w, const uint32_t *row, int32_t i)
{
    const uint32_t label = row[i * w->step];
    while (++i < w->length && row[i * w->step] == label)
        continue;
    return i;
}

static quern_status count(const walk *w, uint32_t n, int64_t *counts, quern_error *err)
{
    for (int32_t line = 0; line < w->lines; line++) {
        const uint32_t *row = w->at + line * w->line_step;
        for (int32_t i = 0; i < w->length; i = run_end(w, row, i)) {
            const uint32_t label = row[i * w->step];
            if (label > n)
                return qn_fail(err, QUERN_DATA, "label %u, of only %u", label, n);
            counts[label]++;
        }
    }
    return QUERN_OK;
}

/* next: where the next run of each label goes. */
static void fill(const walk *w, int64_t *next, qn_run *runs)
{
    for (int32_t line = 0; line < w->lines; line++) {
        const uint32_t *row = w->at + line * w->line_step;
        for (int32_t i = 0, end; i < w->length; i = end) {
            const uint32_t label = row[i * w->step];
            end = run_end(w, row, i);
            if (label) runs[next[label - 1]++] = (qn_run){line, i, end};
        }
    }
}

quern_status qn_runs_make(const qn_labels *labels, uint32_t n, bool by_column,
                          qn_arena *arena, qn_runs *out, quern_error *err)
{
    const walk w = walk_of(labels, by_column);
    void *counts, *runs;
    QN_TRY(qn_arena_array(arena, (size_t)n + 2, sizeof(int64_t), &counts, err));
    int64_t *first = counts;
    QN_TRY(count(&w, n, first, err));
    /* first[k] counts label k; made to be where label k + 1 begins, then moved back */
    first[0] = 0;
    for (size_t k = 1; k <= n; k++)
        first[k] += first[k - 1];
    QN_TRY(qn_arena_array(arena, (size_t)first[n] + 1, sizeof(qn_run), &runs, err));
    fill(&w, first, runs);
    /* each first[k] has become the end of label k + 1, which is the next one's begin */
    memmove(first + 1, first, (size_t)n * sizeof *first);
    first[0] = 0;
    *out = (qn_runs){n, first, runs};
    return QUERN_OK;
}
