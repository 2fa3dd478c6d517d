/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/labels.c - see labels.h: pictures of labels counted, measured and
 * thinned out.  Holes and parts are in label_shapes.c. */
#include "engine/cells/labels.h"

#include "engine/cells/interned.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int64_t pixels_of(const qn_labels *labels)
{
    return labels->height * labels->width;
}

quern_status qn_labels_init(qn_arena *arena, int64_t height, int64_t width,
                            qn_labels *out, quern_error *err)
{
    void *at;
    if (height < 1 || width < 1 || height > QN_LABELS_SIDE || width > QN_LABELS_SIDE ||
        height * width >= (int64_t)UINT32_MAX)
        return qn_fail(err, QUERN_LIMIT,
                       "a picture of %lld x %lld pixels; sides are 1 to %lld and there "
                       "are fewer than 2^32 - 1 pixels",
                       (long long)width, (long long)height, (long long)QN_LABELS_SIDE);
    QN_TRY(qn_arena_array(arena, (size_t)(height * width), sizeof *out->at, &at, err));
    *out = (qn_labels){height, width, at};
    return QUERN_OK;
}

quern_status qn_labels_copy(qn_arena *arena, const qn_labels *labels, qn_labels *out,
                            quern_error *err)
{
    void *at;
    const size_t bytes = (size_t)pixels_of(labels) * sizeof *labels->at;
    QN_TRY(qn_arena_raw(arena, bytes, &at, err));
    memcpy(at, labels->at, bytes);
    *out = (qn_labels){labels->height, labels->width, at};
    return QUERN_OK;
}

uint32_t qn_labels_max(const qn_labels *labels)
{
    uint32_t most = 0;
    for (int64_t i = 0, n = pixels_of(labels); i < n; i++)
        if (labels->at[i] > most) most = labels->at[i];
    return most;
}

quern_status qn_labels_renumber(qn_labels *labels, qn_arena *arena, uint32_t *n,
                                quern_error *err)
{
    qn_interned seen = {.arena = arena};
    uint32_t last = 0, number = 0; /* neighbours are mostly of one cell */
    for (int64_t i = 0, end = pixels_of(labels); i < end; i++) {
        const uint32_t label = labels->at[i];
        if (label == 0) continue;
        if (label != last) {
            size_t index;
            QN_TRY(qn_interned_index(&seen, label, &index, err));
            last = label;
            number = (uint32_t)index + 1;
        }
        labels->at[i] = number;
    }
    *n = (uint32_t)seen.n;
    return QUERN_OK;
}

/* ---- measuring ------------------------------------------------------------------- */

/* A run of pixels of one label: columns from .. to - 1 of row y. */
static void add_run(qn_cells *cells, uint32_t label, int64_t y, int64_t from,
                    int64_t to)
{
    qn_cell_box *box = &cells->box[label];
    if (cells->area[label] == 0) *box = (qn_cell_box){y, from, y + 1, to};
    cells->area[label] += to - from;
    box->bottom = y + 1;
    if (from < box->left) box->left = from;
    if (to > box->right) box->right = to;
}

quern_status qn_labels_survey(const qn_labels *labels, uint32_t n, qn_arena *arena,
                              qn_cells *out, quern_error *err)
{
    void *area, *box;
    QN_TRY(qn_arena_array(arena, (size_t)n + 1, sizeof *out->area, &area, err));
    QN_TRY(qn_arena_array(arena, (size_t)n + 1, sizeof *out->box, &box, err));
    *out = (qn_cells){n, area, box};
    for (int64_t y = 0; y < labels->height; y++) {
        const uint32_t *row = labels->at + y * labels->width;
        for (int64_t x = 0, from; x < labels->width;) {
            for (from = x++; x < labels->width && row[x] == row[from];)
                x++;
            add_run(out, row[from], y, from, x);
        }
    }
    return QUERN_OK;
}

static int compare_areas(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

quern_status qn_cells_diameter(const qn_cells *cells, qn_arena *arena, double *diameter,
                               quern_error *err)
{
    void *room;
    size_t n = 0;
    QN_TRY(qn_arena_array(arena, (size_t)cells->n + 1, sizeof(int64_t), &room, err));
    int64_t *area = room;
    for (uint32_t label = 1; label <= cells->n; label++)
        if (cells->area[label]) area[n++] = cells->area[label];
    qsort(area, n, sizeof *area, compare_areas);
    *diameter = 0;
    if (n == 0) return QUERN_OK;
    const double middle =
        (sqrt((double)area[(n - 1) / 2]) + sqrt((double)area[n / 2])) / 2;
    *diameter = middle / (sqrt(3.14159265358979323846) / 2);
    return QUERN_OK;
}

/* ---- thinning out ---------------------------------------------------------------- */

void qn_labels_keep(qn_labels *labels, const bool *keep)
{
    for (int64_t i = 0, n = pixels_of(labels); i < n; i++)
        if (labels->at[i] && !keep[labels->at[i]]) labels->at[i] = 0;
}

quern_status qn_labels_drop_small(qn_labels *labels, uint32_t n, int64_t least,
                                  qn_arena *arena, quern_error *err)
{
    void *areas, *keeps;
    bool any = false;
    QN_TRY(qn_arena_array(arena, (size_t)n + 1, sizeof(int64_t), &areas, err));
    QN_TRY(qn_arena_array(arena, (size_t)n + 1, sizeof(bool), &keeps, err));
    int64_t *area = areas;
    bool *keep = keeps;
    for (int64_t i = 0, end = pixels_of(labels); i < end; i++)
        area[labels->at[i]]++;
    for (uint32_t label = 1; label <= n; label++) {
        keep[label] = area[label] >= least;
        any |= area[label] && !keep[label];
    }
    if (any) qn_labels_keep(labels, keep);
    return QUERN_OK;
}

quern_status qn_labels_drop_border(qn_labels *labels, uint32_t n, qn_arena *arena,
                                   quern_error *err)
{
    qn_cells cells;
    void *keeps;
    QN_TRY(qn_labels_survey(labels, n, arena, &cells, err));
    QN_TRY(qn_arena_array(arena, (size_t)n + 1, sizeof(bool), &keeps, err));
    bool *keep = keeps;
    for (uint32_t label = 1; label <= n; label++) {
        const qn_cell_box *b = &cells.box[label];
        keep[label] = b->top > 0 && b->left > 0 && b->bottom < labels->height &&
                      b->right < labels->width;
    }
    qn_labels_keep(labels, keep);
    return QUERN_OK;
}

quern_status qn_labels_clean(qn_labels *labels, int64_t least, qn_arena *arena,
                             uint32_t *n, quern_error *err)
{
    uint32_t most = qn_labels_max(labels);
    if (least > 0) {
        QN_TRY(qn_labels_drop_small(labels, most, least, arena, err));
        QN_TRY(qn_labels_renumber(labels, arena, &most, err));
    }
    QN_TRY(qn_labels_fill_holes(labels, most, arena, err));
    if (least > 0) QN_TRY(qn_labels_drop_small(labels, most, least, arena, err));
    return qn_labels_renumber(labels, arena, n, err);
}

/* Places as OpenCV's nearest neighbour rounds them, for Cellpose resizes by it. */
static void find_sources(int64_t n, int64_t n_out, uint32_t *source)
{
    const double scale = 1 / ((double)n_out / (double)n);
    for (int64_t i = 0; i < n_out; i++) {
        const int64_t at = (int64_t)floor((double)i * scale);
        source[i] = (uint32_t)(at < n ? at : n - 1);
    }
}

quern_status qn_labels_resize(const qn_labels *labels, int64_t height, int64_t width,
                              qn_arena *arena, qn_labels *out, quern_error *err)
{
    void *column_room, *row_room;
    qn_labels made;
    QN_TRY(qn_labels_init(arena, height, width, &made, err));
    QN_TRY(qn_arena_array(arena, (size_t)width, sizeof(uint32_t), &column_room, err));
    QN_TRY(qn_arena_array(arena, (size_t)height, sizeof(uint32_t), &row_room, err));
    uint32_t *column = column_room, *row = row_room;
    find_sources(labels->width, width, column);
    find_sources(labels->height, height, row);
    for (int64_t y = 0; y < height; y++) {
        const uint32_t *from = labels->at + (int64_t)row[y] * labels->width;
        for (int64_t x = 0; x < width; x++)
            made.at[y * width + x] = from[column[x]];
    }
    *out = made;
    return QUERN_OK;
}
