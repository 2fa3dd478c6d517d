/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/runs.c - see runs.h.  Two passes: count the runs of each label, then put
 * each where its label's begin. */
#include "engine/cells/runs.h"

#include <string.h>

#define PAGE ((size_t)4096) /* bytes: what reading a few labels brings into memory */

/* Lines of a plane side by side: rows as they are, columns some at a time as a copy
 * that is turned, because going down a large picture column by column is slow. */
typedef struct walk {
    const qn_labels *plane;
    bool by_column;
    int32_t lines, length;
    uint32_t *turned; /* [COLUMNS][length] */
    int32_t first;    /* of the lines that are turned, or -1 */
    qn_mem *mem;
} walk;

enum { COLUMNS = 32 };

static quern_status walk_init(walk *w, const qn_labels *p, bool by_column,
                              qn_arena *arena, quern_error *err)
{
    const int32_t height = (int32_t)p->height, width = (int32_t)p->width;
    void *turned = NULL;
    if (by_column)
        QN_TRY(qn_arena_raw(arena, COLUMNS * (size_t)height * sizeof *p->at, &turned,
                            err));
    *w = (walk){
        p,  by_column, by_column ? width : height, by_column ? height : width, turned,
        -1, arena->mem};
    return QUERN_OK;
}

static void turn(walk *w, int32_t first)
{
    const int64_t width = w->plane->width;
    const int64_t n = width - first < COLUMNS ? width - first : COLUMNS;
    for (int64_t y = 0; y < w->length; y++) {
        const uint32_t *row = w->plane->at + y * width + first;
        for (int64_t i = 0; i < n; i++)
            w->turned[i * w->length + y] = row[i];
        qn_mem_passed(w->mem, PAGE);
    }
    w->first = first;
}

static const uint32_t *line_of(walk *w, int32_t line)
{
    if (!w->by_column) {
        qn_mem_passed(w->mem, (size_t)w->length * sizeof *w->plane->at);
        return w->plane->at + (int64_t)line * w->length;
    }
    const int32_t first = line / COLUMNS * COLUMNS;
    if (first != w->first) turn(w, first);
    return w->turned + (int64_t)(line - first) * w->length;
}

/* The end of the run that begins at i. */
static int32_t run_end(const walk *w, const uint32_t *row, int32_t i)
{
    const uint32_t label = row[i];
    while (++i < w->length && row[i] == label)
        continue;
    return i;
}

static quern_status count(walk *w, uint32_t n, int64_t *counts, quern_error *err)
{
    for (int32_t line = 0; line < w->lines; line++) {
        const uint32_t *row = line_of(w, line);
        for (int32_t i = 0; i < w->length; i = run_end(w, row, i)) {
            const uint32_t label = row[i];
            if (label > n)
                return qn_fail(err, QUERN_DATA, "label %u, of only %u", label, n);
            counts[label]++;
        }
    }
    return QUERN_OK;
}

/* next: where the next run of each label goes. */
static void fill(walk *w, int64_t *next, qn_run *runs)
{
    for (int32_t line = 0; line < w->lines; line++) {
        const uint32_t *row = line_of(w, line);
        for (int32_t i = 0, end; i < w->length; i = end) {
            const uint32_t label = row[i];
            end = run_end(w, row, i);
            if (label) runs[next[label - 1]++] = (qn_run){line, i, end};
        }
    }
}

quern_status qn_runs_make(const qn_labels *labels, uint32_t n, bool by_column,
                          qn_arena *arena, qn_runs *out, quern_error *err)
{
    walk w;
    void *counts, *runs;
    QN_TRY(walk_init(&w, labels, by_column, arena, err));
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
