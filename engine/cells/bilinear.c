/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/bilinear.c - see bilinear.h.  Blocks of rows are dealt to threads; each
 * keeps the two source rows that it last made, so none is made twice within a block. */
#include "engine/cells/bilinear.h"

#include <math.h>
#include <string.h>

quern_status qn_bilinear_init(qn_bilinear *axis, int64_t in, int64_t out,
                              qn_arena *arena, quern_error *err)
{
    void *at, *part;
    const double scale = (double)in / (double)out;
    QN_TRY(qn_arena_array(arena, (size_t)out, sizeof *axis->at, &at, err));
    QN_TRY(qn_arena_array(arena, (size_t)out, sizeof *axis->part, &part, err));
    *axis = (qn_bilinear){in, out, at, part};
    for (int64_t i = 0; i < out; i++) {
        const float where = (float)(((double)i + 0.5) * scale - 0.5);
        const float below = floorf(where);
        const int64_t k = (int64_t)below;
        const bool is_inside = k >= 0 && k < in - 1;
        axis->at[i] = (int32_t)(k < 0 ? 0 : k < in - 1 ? k : in - 1);
        axis->part[i] = is_inside ? where - below : 0;
    }
    return QUERN_OK;
}

void qn_bilinear_row(const qn_bilinear *axis, const float *x, float *y)
{
    if (axis->in == axis->out) {
        memcpy(y, x, (size_t)axis->out * sizeof *y);
        return;
    }
    for (int64_t i = 0; i < axis->out; i++) {
        const int64_t at = axis->at[i];
        const float part = axis->part[i];
        const float next = x[at + (at < axis->in - 1)];
        y[i] = x[at] * (1 - part) + next * part;
    }
}

void qn_bilinear_mix(const float *x0, const float *x1, float part, int64_t n, float *y)
{
    for (int64_t i = 0; i < n; i++)
        y[i] = x0[i] * (1 - part) + x1[i] * part;
}

typedef struct job {
    qn_bilinear y_axis, x_axis;
    const float *x;
    float *y;
    float *rows; /* two for each thread */
} job;

enum { GRAIN = 16 }; /* rows at a time */

/* Makes source row at in one of two places, unless it is there; which: the place. */
static const float *row_at(const job *j, int64_t at, int64_t here[2], float *rows)
{
    const int place = (int)(at & 1);
    float *row = rows + place * j->x_axis.out;
    if (here[place] != at) qn_bilinear_row(&j->x_axis, j->x + at * j->x_axis.in, row);
    here[place] = at;
    return row;
}

static void resize_rows(void *ctx, int64_t begin, int64_t end, int worker)
{
    const job *j = ctx;
    const int64_t n = j->x_axis.out;
    float *rows = j->rows + 2 * n * worker;
    int64_t here[2] = {-1, -1};
    for (int64_t i = begin; i < end; i++) {
        const int64_t at = j->y_axis.at[i];
        const float part = j->y_axis.part[i];
        const float *x0 = row_at(j, at, here, rows);
        if (part == 0) {
            memcpy(j->y + i * n, x0, (size_t)n * sizeof *x0);
            continue;
        }
        const float *x1 = row_at(j, at + 1, here, rows);
        qn_bilinear_mix(x0, x1, part, n, j->y + i * n);
    }
}

quern_status qn_bilinear_plane(const float *x, int64_t h, int64_t w, qn_pool *pool,
                               qn_arena *scratch, float *y, int64_t height,
                               int64_t width, quern_error *err)
{
    job j = {.x = x, .y = y};
    void *rows;
    QN_TRY(qn_bilinear_init(&j.y_axis, h, height, scratch, err));
    QN_TRY(qn_bilinear_init(&j.x_axis, w, width, scratch, err));
    const size_t n = 2 * (size_t)width * (size_t)qn_pool_size(pool);
    QN_TRY(qn_arena_array(scratch, n, sizeof *j.rows, &rows, err));
    j.rows = rows;
    qn_parallel_for(pool, height, GRAIN, resize_rows, &j);
    return QUERN_OK;
}
