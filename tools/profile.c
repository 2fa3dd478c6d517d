/* SPDX-License-Identifier: Apache-2.0 */
/* tools/profile.c - see profile.h. */
#include "tools/profile.h"
#include "formats/files.h"

#include "engine/os.h"
#include "tools/out.h"

#include <stdlib.h>
#include <string.h>

void qn_profile_init(qn_profile *profile, qn_mem *mem)
{
    *profile = (qn_profile){.n = 0};
    qn_arena_init(&profile->arena, mem);
}

void qn_profile_done(qn_profile *profile)
{
    qn_arena_done(&profile->arena);
}

void qn_profile_restart(qn_profile *profile)
{
    qn_arena_reset(&profile->arena);
    profile->rows = NULL;
    profile->n = profile->room = 0;
}

static bool grow(qn_profile *p)
{
    const size_t room = p->room ? 2 * p->room : 256;
    void *more;
    if (qn_arena_array(&p->arena, room, sizeof *p->rows, &more, NULL) != QUERN_OK)
        return false;
    if (p->n) memcpy(more, p->rows, p->n * sizeof *p->rows);
    p->rows = more;
    p->room = room;
    return true;
}

void qn_profile_add(void *ctx, const char *node, const char *op, double seconds)
{
    qn_profile *p = ctx;
    const char *kept, *kept_op;
    p->is_full = p->is_full || (p->n == p->room && !grow(p));
    if (p->is_full ||
        qn_arena_text(&p->arena, node, strlen(node), &kept, NULL) != QUERN_OK ||
        qn_arena_text(&p->arena, op, strlen(op), &kept_op, NULL) != QUERN_OK)
        return;
    p->rows[p->n++] = (qn_profile_row){kept, kept_op, seconds};
}

/* ---- summary -------------------------------------------------------------------- */

static int by_op(const void *a, const void *b)
{
    return strcmp(((const qn_profile_row *)a)->op, ((const qn_profile_row *)b)->op);
}

typedef struct sum_row {
    const char *op;
    double seconds;
    int64_t n;
} sum_row;

static int by_time(const void *a, const void *b)
{
    const double x = ((const sum_row *)a)->seconds, y = ((const sum_row *)b)->seconds;
    return (x < y) - (x > y);
}

/* Sums by operator into sums[p->n]; their number. */
static size_t sum_up(const qn_profile *p, qn_profile_row *sorted, sum_row *sums)
{
    size_t k = 0;
    memcpy(sorted, p->rows, p->n * sizeof *sorted);
    qsort(sorted, p->n, sizeof *sorted, by_op);
    for (size_t i = 0; i < p->n; i++) {
        if (k == 0 || strcmp(sums[k - 1].op, sorted[i].op) != 0)
            sums[k++] = (sum_row){sorted[i].op, 0, 0};
        sums[k - 1].seconds += sorted[i].seconds;
        sums[k - 1].n++;
    }
    qsort(sums, k, sizeof *sums, by_time);
    return k;
}

void qn_profile_print(const qn_profile *p, FILE *to)
{
    qn_arena arena;
    qn_table table;
    void *sorted, *sums;
    double total = 0;
    quern_error err;
    qn_arena_init(&arena, p->arena.mem);
    if (p->n &&
        qn_arena_array(&arena, p->n, sizeof *p->rows, &sorted, NULL) == QUERN_OK &&
        qn_arena_array(&arena, p->n, sizeof(sum_row), &sums, NULL) == QUERN_OK) {
        const size_t n = sum_up(p, sorted, sums);
        const sum_row *row = sums;
        for (size_t i = 0; i < n; i++)
            total += row[i].seconds;
        qn_table_begin(&table, p->arena.mem, "lrrr");
        for (size_t i = 0; i < n; i++) {
            qn_table_cell(&table, "%s", row[i].op);
            qn_table_cell(&table, "%lld", (long long)row[i].n);
            qn_table_cell(&table, "%.3f ms", 1e3 * row[i].seconds);
            qn_table_cell(&table, "%.1f %%",
                          total > 0 ? 100 * row[i].seconds / total : 0.0);
        }
        if (qn_table_print(&table, to, &err) != QUERN_OK) qn_report(NULL, &err);
    }
    qn_arena_done(&arena);
}

quern_status qn_profile_save(const qn_profile *p, const char *path, quern_error *err)
{
    qn_buf out;
    qn_json j;
    qn_buf_init(&out, p->arena.mem);
    for (size_t i = 0; i < p->n; i++) {
        qn_json_begin(&j, &out);
        qn_json_text(&j, "node", p->rows[i].node);
        qn_json_text(&j, "op", p->rows[i].op);
        qn_json_real(&j, "ms", 1e3 * p->rows[i].seconds);
        qn_json_end(&j);
    }
    quern_status status = qn_buf_status(&out, err);
    if (status == QUERN_OK && p->is_full)
        status = qn_fail(err, QUERN_MEMORY, "no memory for more than %zu rows", p->n);
    if (status == QUERN_OK) status = qn_file_replace(path, out.p, out.n, err);
    if (status != QUERN_OK) qn_within(err, "%s", path);
    qn_buf_done(&out);
    return status;
}
